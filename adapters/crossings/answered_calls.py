"""The AI's answers offer the calendar's times, and book the one that a lead took."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from application.messaging.reply_writing import Booked
from application.ports import Actor
from application.provider import NotConfigured, ProviderError
from application.scheduling.bookings import Bookings
from application.scheduling.slots import Slots
from domain.kernel import Refusal
from domain.messaging.reply_facts import Slot
from domain.messaging.spoken import spoken
from domain.scheduling.booking import BookingStatus

SOUGHT = 60
APART = timedelta(hours=20)
NOT_BEFORE = timedelta(hours=2)


class SlotsForAnswers:
    """Be messaging's `OfferedSlots`: two times on different days, said on the lead's clocks, and what is near them."""

    def __init__(self, slots: Slots) -> None:
        # Whoever asks for a draft sees what the AI itself would offer.
        self._slots = replace(slots, actor=Actor.system(slots.actor.organization_id))

    async def offered(self, at: datetime, zone: str, language: str) -> Sequence[Slot]:
        """Give the next free times from two hours on."""
        try:
            free = await self._slots.after(at + NOT_BEFORE, SOUGHT)
        except (NotConfigured, ProviderError):
            return ()
        chosen: list[datetime] = []
        for slot in free:
            if not chosen or slot.start >= chosen[-1] + APART:
                chosen.append(slot.start)
        return [
            Slot(f"{start:%Y%m%dT%H%MZ}", start, spoken(start.astimezone(ZoneInfo(zone)), language))
            for start in chosen[:3]
        ]


class CallsFromAnswers:
    """Be messaging's `CallBooking`."""

    def __init__(self, bookings: Bookings) -> None:
        self._bookings = bookings

    async def book(self, lead_id: UUID, start: datetime, key: str) -> Booked:
        """Book once for a key."""
        try:
            status = await self._bookings.book_offered(lead_id, start, key)
        except Refusal:
            return Booked.NO
        return Booked.NO if status in (BookingStatus.FAILED, BookingStatus.CANCELLED) else Booked.YES
