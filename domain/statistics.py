"""How sure a share is, and whether shares differ (`docs/analytics.md`, `docs/coach.md`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import erfc, exp, lgamma, sqrt

Z = 1.959963984540054
"""The normal distribution's 97.5 % point: intervals hold with 95 % confidence."""
LEAST_EXPECTED = 5
"""Below so many expected cases of either outcome in either group the test of two shares is not to be trusted."""
_AS_UNLIKELY = 1 + 1e-7
SURE = 0.05
"""From which probability down, that nothing but chance made it, a difference is called one."""


@dataclass(frozen=True, slots=True)
class Share:
    """Hold a number of cases out of all."""

    cases: int
    of: int

    @property
    def value(self) -> float | None:
        """Give the share; None of nothing."""
        return self.cases / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Give Wilson's score interval (1927): it holds for few cases too, where the usual one leaves 0 to 1."""
        if not self.of:
            return None
        n, share = self.of, self.cases / self.of
        middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
        half = Z * sqrt(share * (1 - share) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    @property
    def percent(self) -> float | None:
        """Give it in percent, to two places."""
        return None if self.value is None else round(100 * self.value, 2)

    @property
    def percents(self) -> tuple[float, float] | None:
        """Give the interval in percent, to two places."""
        if self.interval is None:
            return None
        low, high = self.interval
        return round(100 * low, 2), round(100 * high, 2)


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


def fisher_exact(successes: int, number: int, other_successes: int, others: int) -> float:
    """Give the two-sided p-value of two shares being one, exact for small numbers as for large.

    It sums the chances of all outcomes with the same margins that are no likelier than the one seen.
    """
    total, won = number + others, successes + other_successes
    least, most = max(0, won - others), min(number, won)

    def chance(k: int) -> float:
        return exp(_choose(number, k) + _choose(others, won - k) - _choose(total, won))

    seen = chance(successes) * _AS_UNLIKELY
    return min(1.0, sum(p for k in range(least, most + 1) if (p := chance(k)) <= seen))


def _choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def holm(p_values: Mapping[str, float]) -> Mapping[str, float]:
    """Adjust p-values for how many there are, so that the chance of any false alarm among all stays what one's is."""
    ordered: Sequence[tuple[str, float]] = sorted(p_values.items(), key=lambda pair: (pair[1], pair[0]))
    adjusted, highest = {}, 0.0
    for place, (name, p) in enumerate(ordered):
        highest = max(highest, min(1.0, (len(ordered) - place) * p))
        adjusted[name] = highest
    return adjusted
