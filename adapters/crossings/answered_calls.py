"""The AI's answers offer the calendar's times, and book the one that a lead took."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from application.messaging.reply_writing import Booked
from application.ports import Actor
from application.provider import NotConfigured, ProviderError
from application.scheduling.bookings import Bookings
from application.scheduling.slots import Slots
from domain.kernel import Refusal
from domain.messaging.reply_facts import Slot
from domain.messaging.spoken import offered, ways_to_offer
from domain.scheduling.booking import BookingStatus

SOUGHT = 60
APART = timedelta(hours=20)
NOT_BEFORE = timedelta(hours=2)
MOST = 3
LEAST = 2
AMONG = 12
"""Each time that a lead is offered is one of so many: where all were offered the next, most would lose the race."""


class SlotsForAnswers:
    """Be messaging's `OfferedSlots`: times on different days where there are such, others for another lead."""

    def __init__(self, slots: Slots) -> None:
        # Whoever asks for a draft sees what the AI itself would offer.
        self._slots = replace(slots, actor=Actor.system(slots.actor.organization_id))

    async def offered(
        self, lead_id: UUID, at: datetime, zone: str, language: str | None, said: Sequence[str]
    ) -> Sequence[Slot]:
        """Give free times from two hours on, and those that we named before and that are still free."""
        try:
            free = [slot.start for slot in await self._slots.after(at, SOUGHT)]
        except (NotConfigured, ProviderError):
            return ()
        fresh = _spread(lead_id, [start for start in free if start >= at + NOT_BEFORE])
        clock = ZoneInfo(zone)
        ours = "\n".join(said)
        named = {start for start in free if any(way in ours for way in ways_to_offer(start.astimezone(clock)))}
        return [
            Slot(f"{start.astimezone(UTC):%Y%m%dT%H%MZ}", start, offered(start.astimezone(clock), language))
            for start in sorted({*fresh, *named})
        ]


def _spread(lead_id: UUID, free: Sequence[datetime]) -> list[datetime]:
    """Choose some by the lead: the same ones as long as the same are free."""

    def place(start: datetime) -> bytes:
        return hashlib.sha256(lead_id.bytes + start.astimezone(UTC).isoformat().encode()).digest()

    chosen: list[datetime] = []
    left = free
    while left and len(chosen) < MOST:
        chosen.append(min((start for start in left[:AMONG] if start < left[0] + APART), key=place))
        left = [start for start in left if start >= chosen[-1] + APART]
    others = sorted((start for start in free[:AMONG] if start not in chosen), key=place)
    return [*chosen, *others[: max(LEAST - len(chosen), 0)]]


class CallsFromAnswers:
    """Be messaging's `CallBooking`."""

    def __init__(self, bookings: Bookings) -> None:
        self._bookings = bookings

    async def book(self, lead_id: UUID, start: datetime, key: str) -> Booked:
        """Book once for a key."""
        try:
            # A text may take a second slot where its first one was gone: each is a booking of its own.
            status = await self._bookings.book_offered(lead_id, start, f"{key}:{start.astimezone(UTC):%Y%m%dT%H%MZ}")
        except Refusal:
            return Booked.NO
        return Booked.NO if status in (BookingStatus.FAILED, BookingStatus.CANCELLED) else Booked.YES
