"""Where bookings are kept."""

from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec

from application.ports import Found, PageRequest, Store
from application.scheduling.booking_forms import BookingFilter
from domain.scheduling.booking import Booking


class BookingStore(Store[Booking], Protocol):
    """Keep bookings; what is shown and listed are those of leads that the actor may see."""

    async def locked(self, identifier: UUID) -> Booking:
        """Load one and keep others from changing it, or refuse with `NotFound`."""
        ...

    async def lead_of(self, identifier: UUID) -> UUID:
        """Tell whose call it is, or refuse with `NotFound` where the actor may not see that lead."""
        ...

    async def open_of(self, lead_id: UUID) -> Booking | None:
        """Give the lead's next call that is asked for or stands in the calendar, if any."""
        ...

    async def with_key(self, natural_key: str) -> Booking | None:
        """Find one by what makes a second one of it impossible."""
        ...

    async def hand(self, booking: Booking) -> None:
        """Say that the calendar is being told from now on (machine time); sets `handed_at`."""
        ...

    async def under_way(self, identifier: UUID, limit: timedelta) -> bool:
        """Tell whether whoever handed it over less than `limit` ago may still be at it."""
        ...

    async def unsettled(self) -> list[UUID]:
        """List those of which the calendar is yet to be told, the oldest first, a hundred at most."""
        ...

    async def named(self, uids: tuple[str, ...]) -> dict[str, UUID]:
        """Tell, of the calendar's names, past and present, which booking each belongs to."""
        ...

    async def name(self, booking_id: UUID, uids: tuple[str, ...]) -> None:
        """Remember the calendar's names for a booking; those of another booking become this one's."""
        ...

    async def to_remind_of(self, at: datetime) -> list[UUID]:
        """List those whose reminder is due, the earliest first, a hundred at most."""
        ...

    async def next_reminder(self) -> datetime | None:
        """Tell when the next reminder is due."""
        ...

    async def find(self, narrowed: BookingFilter, page: PageRequest) -> Found:
        """List bookings."""
        ...

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one (`BookingView`), or refuse with `NotFound`."""
        ...
