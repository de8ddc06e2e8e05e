"""What people say of bookings, and what they are shown."""

from datetime import date, datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec

from application.ports import Command, Filter, View
from domain.scheduling.booking import BookingStatus

Zone = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
Notes = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
_ID = "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8eb0"
_LEAD = "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea0"


class CheckAvailability(Command, frozen=True):
    """Ask what is free on a day: of `timezone`, else of the lead's zone, else of the organisation's."""

    date: date
    timezone: Zone | None = None
    lead_id: UUID | None = None
    example: ClassVar[dict[str, Any]] = {"date": "2030-03-20", "timezone": "Europe/London"}


class BookCall(Command, frozen=True):
    """Book a call with a lead."""

    lead_id: UUID
    start_time: datetime
    notes: Notes | None = None
    example: ClassVar[dict[str, Any]] = {
        "lead_id": _LEAD,
        "start_time": "2030-03-20T09:30:00Z",
        "notes": "About prices",
    }


class MoveBooking(Command, frozen=True):
    """Put a call to another time."""

    start_time: datetime
    example: ClassVar[dict[str, Any]] = {"start_time": "2030-03-20T11:00:00Z"}


class BookingFilter(Filter, frozen=True):
    """Narrow the list of bookings; `from` and `to` bound when the calls begin."""

    status: BookingStatus | None = None
    lead_id: UUID | None = None
    contact_id: UUID | None = None
    starts_from: datetime | None = msgspec.field(default=None, name="from")
    starts_before: datetime | None = msgspec.field(default=None, name="to")


class SlotView(View, frozen=True):
    """Show a free time: `time` in UTC, `local_time` as clocks show it in the zone that was asked for."""

    time: datetime
    local_time: str
    duration: int
    example: ClassVar[dict[str, Any]] = {
        "time": "2030-03-20T09:30:00Z",
        "local_time": "2030-03-20T09:30:00+00:00",
        "duration": 30,
    }


class AvailabilityView(View, frozen=True):
    """Show what is free on a day."""

    date: date
    timezone: str
    slots: list[SlotView]
    example: ClassVar[dict[str, Any]] = {
        "date": "2030-03-20",
        "timezone": "Europe/London",
        "slots": [SlotView.example],
    }


class LeadOfBooking(msgspec.Struct, frozen=True, kw_only=True):
    """Show whose call it is, in brief."""

    id: UUID
    contact_id: UUID
    name: str
    contact_status: str


class BookingView(View, frozen=True):
    """Show a booking. `change` is what the calendar is yet to be told; `error` why the last change did not succeed."""

    id: UUID
    lead: LeadOfBooking
    status: BookingStatus
    change: str | None
    start_time: datetime
    end_time: datetime | None
    timezone: str
    title: str | None
    notes: str | None
    booking_url: str | None
    cal_booking_id: str | None
    provider: str
    source: str
    error: str | None
    lead_updated: bool
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    version: int
    example: ClassVar[dict[str, Any]] = {
        "id": _ID,
        "lead": {
            "id": _LEAD,
            "contact_id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8e9f",
            "name": "Jane Smith",
            "contact_status": "CALL_BOOKED",
        },
        "status": "scheduled",
        "change": None,
        "start_time": "2030-03-20T09:30:00.000000Z",
        "end_time": "2030-03-20T10:00:00.000000Z",
        "timezone": "Europe/London",
        "title": "Call with Jane Smith",
        "notes": None,
        "booking_url": "https://cal.com/booking/2NtaeaVcKfpmSZ4CthFdfk",
        "cal_booking_id": "2NtaeaVcKfpmSZ4CthFdfk",
        "provider": "calcom",
        "source": "person",
        "error": None,
        "lead_updated": True,
        "created_by": None,
        "created_at": "2030-03-18T09:00:00.000000Z",
        "updated_at": "2030-03-18T09:00:00.000000Z",
        "version": 2,
    }
