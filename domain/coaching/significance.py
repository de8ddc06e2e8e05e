"""Whether a difference between two shares is more than chance: Fisher's exact test, and Holm's correction for many."""

from collections.abc import Mapping, Sequence
from math import exp, lgamma

_AS_UNLIKELY = 1 + 1e-7


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
