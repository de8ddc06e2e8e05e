"""What scheduling needs to know of leads, and what a booking does to them in the same transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendee:
    """Hold whom the call is with; `zone` and `language` are theirs, or the organisation's where they are not known."""

    lead_id: UUID
    contact_id: UUID
    name: str
    email: str | None
    phone: str | None
    zone: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Hold whoever booked by themselves, as the calendar names them."""

    name: str | None
    email: str | None
    phone: str | None


class BookedLeads(Protocol):
    """Find leads, and write on them what is booked; answered in the caller's unit of work."""

    async def attendee(self, lead_id: UUID) -> Attendee:
        """Tell whom a call with this lead is with, or refuse with `NotFound` where the actor may not see it."""
        ...

    async def lock(self, lead_id: UUID) -> None:
        """Lock contact and lead, as whoever changes them does, or refuse with `NotFound`."""
        ...

    async def take_in(self, visitor: Visitor) -> UUID | None:
        """Give the lead of whoever booked: known by e-mail or number, else made; None where nobody is named."""
        ...

    async def has(self, lead_id: UUID) -> bool:
        """Tell whether there is such a lead."""
        ...

    async def may_mail(self, email: str) -> bool:
        """Tell whether an address has not opted out."""
        ...

    async def set_call(self, lead_id: UUID, uid: str, start_at: datetime) -> None:
        """Note a booked call on a locked lead: a person has it now, and what was planned for it is cancelled."""
        ...

    async def move_call(self, lead_id: UUID, uid: str, start_at: datetime) -> None:
        """Note that a locked lead's call is at another time."""
        ...

    async def clear_call(self, lead_id: UUID) -> None:
        """Note that a locked lead has no call any more: HOT again, and a person keeps it."""
        ...
