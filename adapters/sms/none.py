"""Texting where nobody set a provider up: nothing is taken, what was planned waits."""

from collections.abc import Sequence
from datetime import datetime

from application.messaging.texting import NOBODYS_REST, Receipt, Text
from application.provider import Untried


class NoTexting:
    """Implement `Texting` by saying that there is no provider."""

    async def send(self, text: Text) -> Receipt:
        """Take nothing."""
        raise Untried(NOBODYS_REST, f"No texting provider is configured; {text.key} waits.")

    async def find(self, text: Text, since: datetime) -> Sequence[Receipt]:
        """Know of nothing: nothing was taken."""
        del text, since
        return ()
