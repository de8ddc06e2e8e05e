"""Texting where nobody set a provider up: nothing is taken, what was planned waits."""

from datetime import datetime

from application.messaging.texting import Receipt, Text
from application.provider import Untried
from domain.kernel import Phone

WAIT_SECONDS = 300.0


class NoTexting:
    """Implement `Texting` by saying that there is no provider."""

    async def send(self, text: Text) -> Receipt:
        """Take nothing."""
        raise Untried(WAIT_SECONDS, f"No texting provider is configured; {text.key} waits.")

    async def find(self, key: str, to: Phone, since: datetime) -> Receipt | None:
        """Know nothing."""
        del to, since
        raise Untried(WAIT_SECONDS, f"No texting provider is configured; nobody can be asked about {key}.")

    def rest_seconds(self) -> float:
        """Leave what is due alone."""
        return WAIT_SECONDS
