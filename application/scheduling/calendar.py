"""The port to somebody's calendar, in our words."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

from application.provider import provider_port
from domain.scheduling.booking import Booking

CALL_LIMIT = timedelta(seconds=6)
"""How long one call of an adapter may take."""
PROVIDER_LIMIT = timedelta(seconds=9)
"""How long somebody who told the calendar may still be at it: some time to begin, and the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Say whose calendar it is (the organisation's own, or the installation's) and how it is reached.

    `zone` is the organisation's.
    """

    provider: str
    owner: Literal["organization", "installation"] = "installation"
    organization_id: UUID
    zone: str
    event_type_id: int | None = None
    api_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Slot:
    """Hold a time at which a call could be."""

    start: datetime
    end: datetime

    @property
    def minutes(self) -> int:
        """Tell how long it is."""
        return round((self.end - self.start).total_seconds() / 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Hold a call to be booked; `key` is ours, written on the booking so that it can be found again."""

    key: str
    start: datetime
    name: str
    email: str | None
    phone: str | None
    zone: str
    lead_id: UUID
    notes: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Say which booking is asked about: by the calendar's name for it, else by our key, handed over at `since`."""

    key: str
    uid: str | None
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Hold a booking as the calendar has it."""

    uid: str
    start: datetime
    end: datetime
    title: str | None = None
    url: str | None = None
    is_cancelled: bool = False


@provider_port
class Calendar(Protocol):
    """Ask a calendar for free times, and write into it; each raises `Rejected`, `Unavailable` or `Unknown`."""

    async def free_slots(self, account: Account, since: datetime, until: datetime) -> list[Slot]:
        """List what is free and begins in this span, in order."""
        ...

    async def book(self, account: Account, wanted: Wanted) -> Call:
        """Book a call; a time that is not free any more is `Rejected`."""
        ...

    async def move(self, account: Account, uid: str, start: datetime) -> Call:
        """Put a call to another time, under which it may have another name."""
        ...

    async def cancel(self, account: Account, uid: str, reason: str) -> None:
        """Cancel a call; one that is cancelled already stays so."""
        ...

    async def find(self, account: Account, sought: Sought) -> Call | None:
        """Tell how a booking stands, by its latest name; None means that the calendar provably does not have it."""
        ...


class CalendarAccounts(Protocol):
    """Know the calendar of the organisation of the open unit of work."""

    async def current(self) -> Account:
        """Give it, or refuse with `NotConfigured`."""
        ...

    async def of(self, booking: Booking) -> Account:
        """Give the one that a call was booked in, or refuse with `NotConfigured` where it is not set up any more."""
        ...
