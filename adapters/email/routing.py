"""Mailing through whichever provider a mail's account is at, and not through one that is down."""

from collections.abc import Mapping

from adapters.egress.breaker import Breaker
from adapters.email.none import NoMailing
from application.mailing import HandedMail, Mail, Mailing, Receipt


class RoutedMailing:
    """Implement `Mailing` by the adapters of the providers, named as their accounts are."""

    def __init__(self, providers: Mapping[str, Mailing]) -> None:
        self._providers = providers
        self._breakers: dict[str, Breaker] = {}
        self._nobody = NoMailing()

    async def send(self, mail: Mail) -> Receipt:
        """Hand over one mail, unless its account is left alone just now."""
        with self._breaker(mail.account.name).call():
            return await self._of(mail.account.provider).send(mail)

    async def find(self, handed: HandedMail) -> Receipt | None:
        """Ask what became of one."""
        return await self._of(handed.account.provider).find(handed)

    def _breaker(self, account: str) -> Breaker:
        if account not in self._breakers:
            self._breakers[account] = Breaker(f"mail/{account}")
        return self._breakers[account]

    def _of(self, provider: str) -> Mailing:
        return self._providers.get(provider, self._nobody)
