"""A circuit breaker an account at a provider: one that is down is no reason to leave another alone."""

from adapters.egress.breaker import Breaker


class Breakers:
    """Implement `TextingHealth` from what calls told; one a process."""

    def __init__(self) -> None:
        self._known: dict[str, Breaker] = {}

    def of(self, account: str) -> Breaker:
        """Give an account's breaker, by its name."""
        if account not in self._known:
            self._known[account] = Breaker(account)
        return self._known[account]

    def rest_seconds(self, account: str) -> float:
        """Tell how long an account is left alone."""
        known = self._known.get(account)
        return 0.0 if known is None else known.rest_seconds()
