"""What a calendar reports of a booking by itself: made on its own page, moved or cancelled by whoever is invited."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from domain.kernel import Event

ReportKind = Literal["created", "moved", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingReported(Event):
    """Say that a calendar told of a booking; it lies in `inbound` and has not been looked at.

    `old_uid` is the name that a moved booking had before; `booking_id` and `lead_id` are what we had written on it.
    `is_shared` says that organisations share the calendar, so that who names nobody of ours may be another's.
    """

    type: ClassVar[str] = "booking.reported"
    personal: ClassVar[frozenset[str]] = frozenset({"title", "url", "name", "email", "phone", "notes", "reason"})
    provider: str
    account_owner: str
    is_shared: bool
    kind: ReportKind
    uid: str
    old_uid: str | None
    start_at: datetime
    end_at: datetime | None
    zone: str | None
    title: str | None
    url: str | None
    booking_id: UUID | None
    lead_id: UUID | None
    name: str | None
    email: str | None
    phone: str | None
    notes: str | None
    reason: str | None
