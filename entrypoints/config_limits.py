"""The request limits of one installation (`api.md`, part 2)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """Allow `count` requests in any window of `seconds`; a count of 0 switches the limit off."""

    count: int
    seconds: int

    @property
    def off(self) -> bool:
        """Tell whether nothing is limited."""
        return self.count == 0


@dataclass(frozen=True, slots=True)
class Limits:
    """Hold the request limits of `api.md` part 2, each set by `RAPPORT_LIMIT_<NAME>=count/seconds`, `0` for off."""

    sign_in: Limit = Limit(5, 900)
    api: Limit = Limit(100, 60)
    uploads: Limit = Limit(10, 60)
    anonymous: Limit = Limit(10, 10)
    texts: Limit = Limit(60, 3600)
    analyses: Limit = Limit(1000, 3600)
    bad_signatures: Limit = Limit(1000, 60)
