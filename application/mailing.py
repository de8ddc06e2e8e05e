"""The port through which mail leaves, in our words, and the ledger in which every mail is written down first."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from application.provider import provider_port
from domain.kernel import Email

INVITATION = "invitation"
PROVIDER_LIMIT = timedelta(seconds=6)  # longer than any adapter's own time limit for one call


@dataclass(frozen=True, slots=True)
class Mail:
    """Hold one mail to hand over, as plain text; `key` is our stored idempotency key."""

    organization_id: UUID
    to: Email
    subject: str
    body: str
    key: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """Prove that the provider took a mail."""

    provider_id: str


@provider_port
class Mailing(Protocol):
    """Hand mail to a provider and ask what became of one."""

    async def send(self, mail: Mail) -> Receipt:
        """Hand over one mail, or raise `Rejected`, `Unavailable` or `Unknown` (`application.provider`)."""
        ...

    async def find(self, key: str) -> Receipt | None:
        """Tell whether a mail handed over under this key was taken; None means provably not.

        To be asked once the time limits of `send` have passed. Raises `Unavailable` when the provider cannot be asked.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MailEntry:
    """Hold one row of the mail ledger; `is_under_way` says that whoever handed it over may still be at it."""

    id: UUID
    kind: str
    subject: UUID
    to: str
    state: str
    handed_at: datetime | None
    is_under_way: bool


class MailLedger(Protocol):
    """Keep what became of each mail: planned → handed → accepted, rejected or unknown; cancelled."""

    async def plan(self, kind: str, subject: UUID, to: str, why_not: str | None) -> None:
        """Write a mail down; one that cannot be sent is cancelled at once, and says why."""
        ...

    async def lock(self, kind: str, subject: UUID) -> MailEntry | None:
        """Load one and keep others from it until the unit of work ends."""
        ...

    async def hand(self, entry: MailEntry) -> MailEntry:
        """Say that it is being handed over from now on (machine time)."""
        ...

    async def write(
        self, entry: MailEntry, state: str, *, reason: str | None = None, provider_id: str | None = None
    ) -> None:
        """Write what became of it, unless somebody else has meanwhile."""
        ...

    async def open(self) -> list[tuple[str, UUID]]:
        """List kind and subject of mails that have not come to an end, a hundred at most: those never tried first."""
        ...
