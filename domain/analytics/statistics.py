"""How sure a share is, and whether two shares differ (`docs/analytics.md`)."""

from dataclasses import dataclass
from math import erfc, sqrt

Z = 1.959963984540054
"""The normal distribution's 97.5 % point: intervals hold with 95 % confidence."""
LEAST_EXPECTED = 5
"""Below so many expected cases of either outcome in either group the test of two shares is not to be trusted."""
SURE = 0.05
"""From which probability down, that nothing but chance made it, a difference is called one."""


@dataclass(frozen=True, slots=True)
class Share:
    """Hold a number of cases out of all."""

    cases: int
    of: int

    @property
    def percent(self) -> float | None:
        """Give it in percent, to two places; None of nothing."""
        return round(100 * self.cases / self.of, 2) if self.of else None

    def interval(self) -> tuple[float, float] | None:
        """Give Wilson's score interval in percent: it holds for few cases too, where the usual one leaves 0 to 100."""
        if not self.of:
            return None
        n, share = self.of, self.cases / self.of
        middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
        half = Z * sqrt(share * (1 - share) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
        return round(100 * max(0.0, middle - half), 2), round(100 * min(1.0, middle + half), 2)


def chance(one: Share, other: Share) -> float | None:
    """Tell how likely two shares would lie so far apart by chance alone: the pooled two-proportion z-test, two-sided.

    None where the groups are too small for it.
    """
    together = Share(one.cases + other.cases, one.of + other.of)
    if not one.of or not other.of:
        return None
    pooled = together.cases / together.of
    expected = min(one.of, other.of) * min(pooled, 1 - pooled)
    if expected < LEAST_EXPECTED:
        return None
    error = sqrt(pooled * (1 - pooled) * (1 / one.of + 1 / other.of))
    return erfc(abs(one.cases / one.of - other.cases / other.of) / error / sqrt(2))


def leader(shares: dict[str, Share]) -> str | None:
    """Name the best of several if it beats each other one surely: the limit is divided by how many it is compared to.

    None while that cannot be said.
    """
    counted = {name: share for name, share in shares.items() if share.of}
    if len(counted) < 2:
        return None
    best = max(counted, key=lambda name: counted[name].cases / counted[name].of)
    limit = SURE / (len(counted) - 1)
    against = [chance(counted[best], share) for name, share in counted.items() if name != best]
    return best if all(one is not None and one < limit for one in against) else None
