"""The port through which mail leaves, in our words, and the ledger in which every mail is written down first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from application.provider import provider_port
from domain.kernel import Email

INVITATION = "invitation"
PROVIDER_LIMIT = timedelta(seconds=6)  # a call begins within it, and ends within it unless its account says otherwise


@dataclass(frozen=True, slots=True)
class MailAccount:
    """Hold an account at a provider; the ledger remembers its `name`: no other account knows of its mails.

    `limit` is longer than its adapter's own time limit for one call.
    """

    provider: str
    id: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    limit: timedelta = PROVIDER_LIMIT

    @property
    def name(self) -> str:
        """Name it among all accounts of all providers."""
        return f"{self.provider}:{self.id}" if self.id else self.provider


NOBODY = MailAccount("none")
"""The account of who has none: nothing can be sent through it, and nothing was."""


@dataclass(frozen=True, slots=True)
class Mail:
    """Hold one mail to hand over, as plain text; `key` is our stored idempotency key.

    Whoever writes one leaves the rest to the hand-over; `is_doubtful` says that it may have been taken before.
    """

    organization_id: UUID
    to: Email
    subject: str
    body: str
    key: str
    account: MailAccount = NOBODY
    is_doubtful: bool = False


@dataclass(frozen=True, slots=True)
class HandedMail:
    """Hold what is known of a mail that may have been taken: first handed over so at `at` (machine time)."""

    key: str
    at: datetime
    account: MailAccount


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

    async def find(self, handed: HandedMail) -> Receipt | None:
        """Tell whether a mail was taken; None means that handing it over again under its key makes no second one.

        To be asked once the time limits of `send` have passed. Raises `Unavailable` when the provider cannot be asked,
        `Rejected` when it never will tell.
        """
        ...


class MailAccounts(Protocol):
    """Know through whom the organisation mails, as it stands in the open unit of work."""

    async def current(self) -> MailAccount:
        """Give the account that serves now, `NOBODY` where there is none."""
        ...

    async def named(self, name: str) -> MailAccount | None:
        """Find the account that the ledger remembers, also one that serves no more."""
        ...

    async def note(self, account: MailAccount, trouble: str | None) -> bool:
        """Write on the organisation's own integration that it serves, or why it does not; tells of a new trouble."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MailEntry:
    """Hold one row of the mail ledger, handed over last `age` ago, and at `doubted_at` without an end that is known."""

    id: UUID
    kind: str
    subject: UUID
    to: str
    state: str
    account: str | None
    handed_at: datetime | None
    age: timedelta | None = None
    doubted_at: datetime | None = None

    @property
    def is_doubtful(self) -> bool:
        """Tell whether it may have been taken."""
        return self.account != NOBODY.name and (self.state != "planned" or self.account is not None)

    @property
    def doubtful_since(self) -> datetime | None:
        """Tell when it was first handed over without an end that anybody knows."""
        return (self.doubted_at or self.handed_at) if self.is_doubtful else None


class MailLedger(Protocol):
    """Keep what became of each mail: planned → handed → accepted, rejected, unknown or parked; cancelled."""

    async def plan(self, kind: str, subject: UUID, to: str, why_not: str | None) -> None:
        """Write a mail down; one that cannot be sent is cancelled at once, and says why."""
        ...

    async def lock(self, kind: str, subject: UUID) -> MailEntry | None:
        """Load one and keep others from it until the unit of work ends."""
        ...

    async def hand(self, entry: MailEntry, account: str, look_at: datetime) -> MailEntry:
        """Say that it is being handed over through an account from now on (machine time), to be looked at later."""
        ...

    async def write(
        self,
        entry: MailEntry,
        state: str,
        *,
        reason: str | None = None,
        provider_id: str | None = None,
        next_try_at: datetime | None = None,
    ) -> None:
        """Write what became of it, and the account that may have it, unless somebody else has meanwhile."""
        ...

    async def put_off(self, kind: str, subject: UUID, until: datetime) -> None:
        """Let one that has not come to an end wait."""
        ...

    async def due(self) -> list[tuple[str, UUID]]:
        """List kind and subject of open mails that are due, a hundred at most: those never tried first."""
        ...

    async def next_due(self) -> datetime | None:
        """Tell when the next is due; the beginning of time means at once, None that all came to an end."""
        ...
