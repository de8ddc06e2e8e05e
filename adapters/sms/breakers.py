"""A circuit breaker an access to a provider: one that is down is no reason to leave another alone."""

from adapters.egress.breaker import Breaker
from application.messaging.texting import TextingAccount


class Breakers:
    """Implement `TextingHealth` from what calls told; one a process."""

    def __init__(self) -> None:
        self._known: dict[str, Breaker] = {}

    def of(self, account: TextingAccount) -> Breaker:
        """Give the breaker of an account, as it is accessed now: what people mend is tried at once."""
        if account.access not in self._known:
            self._known[account.access] = Breaker(account.provider)
        return self._known[account.access]

    def rest_seconds(self, account: TextingAccount) -> float:
        """Tell how long an account is left alone."""
        known = self._known.get(account.access)
        return 0.0 if known is None else known.rest_seconds()
