"""Texting that leaves a provider alone while it is down."""

from datetime import datetime

from adapters.egress.breaker import Breaker
from application.messaging.texting import Receipt, Text, Texting
from domain.kernel import Phone


class GuardedTexting:
    """Be a `Texting` that calls another one through a circuit breaker."""

    def __init__(self, texting: Texting, breaker: Breaker) -> None:
        self._texting = texting
        self._breaker = breaker

    async def send(self, text: Text) -> Receipt:
        """Hand over one text."""
        with self._breaker.call():
            return await self._texting.send(text)

    async def find(self, key: str, to: Phone, since: datetime) -> Receipt | None:
        """Ask what became of one."""
        with self._breaker.call():
            return await self._texting.find(key, to, since)

    def rest_seconds(self) -> float:
        """Tell how long the provider is left alone."""
        return self._breaker.rest_seconds()
