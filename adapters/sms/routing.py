"""Texting through whichever provider a text's account is at, and not through one that is down."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from adapters.sms.breakers import Breakers
from adapters.sms.none import NoTexting
from application.messaging.texting import Receipt, Text, Texting


class RoutedTexting:
    """Implement `Texting` by the adapters of the providers, named as their accounts are."""

    def __init__(self, providers: Mapping[str, Texting], breakers: Breakers) -> None:
        self._providers = providers
        self._breakers = breakers
        self._nobody = NoTexting()

    async def send(self, text: Text) -> Receipt:
        """Hand over one text, unless its account is left alone just now."""
        with self._breakers.of(text.account).call():
            return await self._of(text).send(text)

    async def find(self, text: Text, since: datetime) -> Sequence[Receipt]:
        """Ask what became of one."""
        with self._breakers.of(text.account).call():
            return await self._of(text).find(text, since)

    def _of(self, text: Text) -> Texting:
        return self._providers.get(text.account.provider, self._nobody)
