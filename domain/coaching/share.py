"""A share of trials with its interval: one rate alone says nothing of how many it was counted on."""

from dataclasses import dataclass
from math import sqrt

Z = 1.959964
"""The normal quantile of a two-sided 95 %."""


@dataclass(frozen=True, slots=True)
class Share:
    """Hold a share and its interval by Wilson (1927), good for small numbers too; None where nothing was tried."""

    hits: int
    trials: int

    @property
    def value(self) -> float | None:
        """Give the share."""
        return self.hits / self.trials if self.trials else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Give both ends."""
        if not self.trials:
            return None
        n, p = self.trials, self.hits / self.trials
        middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
        half = Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
        return max(middle - half, 0.0), min(middle + half, 1.0)
