"""Mailing where nobody set a provider up: nothing is taken, what was planned waits."""

from application.mailing import HandedMail, Mail, Receipt
from application.provider import Unavailable

WAIT_SECONDS = 300.0


class NoMailing:
    """Implement `Mailing` by saying that there is no provider."""

    async def send(self, mail: Mail) -> Receipt:
        """Take nothing."""
        raise Unavailable(WAIT_SECONDS, f"No e-mail provider is configured; {mail.key} waits.")

    async def find(self, handed: HandedMail) -> Receipt | None:
        """Know that nothing was ever taken."""
        del handed
        return None
