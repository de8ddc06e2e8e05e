"""The port through which texts leave, in our words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.provider import provider_port
from domain.kernel import Phone


@dataclass(frozen=True, slots=True)
class Text:
    """Hold one text to hand over; `key` is our stored idempotency key, `callback_url` is told how delivery went.

    `awaited` texts are those that somebody waits for: a flood of others may not stand in their way.
    """

    organization_id: UUID
    to: Phone
    sender: Phone
    body: str
    key: str
    callback_url: str
    awaited: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """Prove that the provider took a text; `segments` is what it will bill, None when it does not say."""

    provider_id: str
    segments: int | None = None


@provider_port
class Texting(Protocol):
    """Hand texts to a provider and ask what became of one."""

    async def send(self, text: Text) -> Receipt:
        """Hand over one text, or raise `Rejected`, `Unavailable` or `Unknown` (`application.provider`)."""
        ...

    async def find(self, key: str, to: Phone, since: datetime) -> Receipt | None:
        """Tell whether a text handed over at `since` (business time) or later was taken; None means provably not.

        To be asked once the time limits of `send` have passed. Raises `Unavailable` when the provider cannot be asked.
        """
        ...

    def rest_seconds(self) -> float:
        """Tell for how long it is of no use to call, because the provider is down; 0 when it is to be tried."""
        ...
