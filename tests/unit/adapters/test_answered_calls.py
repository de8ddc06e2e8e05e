"""What the AI may offer and take of the calendar's times."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from adapters.crossings.answered_calls import CallsFromAnswers, SlotsForAnswers
from application.messaging.reply_writing import Booked
from application.ports import Actor
from application.scheduling.bookings import Bookings
from application.scheduling.calendar import Slot
from application.scheduling.slots import Slots
from domain.kernel import new_id
from domain.scheduling.booking import BookingStatus

pytestmark = pytest.mark.anyio
NOW = datetime(2027, 3, 22, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
LEAD = UUID(int=1)


@dataclass
class _Free:
    actor: Actor
    starts: Sequence[datetime] = ()

    async def after(self, at: datetime, count: int) -> list[Slot]:
        return [Slot(start, start + HOUR / 2) for start in self.starts if start >= at][:count]


@dataclass
class _Books:
    keys: list[str] = field(default_factory=list)

    async def book_offered(self, lead_id: UUID, start: datetime, key: str) -> BookingStatus:
        del lead_id, start
        self.keys.append(key)
        return BookingStatus.REQUESTED


def offering(*hours: float) -> SlotsForAnswers:
    """Offer what is free so many hours from now."""
    return SlotsForAnswers(cast("Slots", _Free(Actor.system(new_id()), [NOW + hour * HOUR for hour in hours])))


async def test_the_next_free_times_are_offered_on_different_days() -> None:
    offered = await offering(1, 3, 27, 51, 75).offered(LEAD, NOW, "Etc/GMT", "en", [])
    assert [slot.starts_at for slot in offered] == [NOW + hour * HOUR for hour in (3, 27, 51)]
    assert offered[0].spoken == "Monday 22 March at 13:00"


@pytest.mark.parametrize("hours", [(3, 4), (3, 4, 5, 6), (3, 30), (3,), ()])
async def test_two_are_offered_wherever_there_are_two(hours: Sequence[float]) -> None:
    offered = await offering(*hours).offered(new_id(), NOW, "Etc/GMT", "en", [])
    assert len(offered) == min(len(hours), 2)
    assert {slot.starts_at for slot in offered} <= {NOW + hour * HOUR for hour in hours}


def working_days(days: int) -> list[float]:
    """Name the half hours between eleven and seven of some days, in hours from now."""
    return [24 * day + 1 + half / 2 for day in range(days) for half in range(16)]


async def test_many_leads_are_offered_different_times_and_each_of_them_early_ones() -> None:
    calendar = offering(*working_days(4))
    offers = [await calendar.offered(UUID(int=lead), NOW, "Etc/GMT", "en", []) for lead in range(50)]
    firsts = Counter(offer[0].starts_at for offer in offers)
    assert len(firsts) >= 10
    assert max(firsts.values()) <= 12, "where all were offered the same two, 48 of 50 would lose the race"
    assert all(offer[0].starts_at < NOW + 10 * HOUR for offer in offers)
    assert all(offer[1].starts_at < NOW + 34 * HOUR for offer in offers)
    assert all(len(offer) == 3 for offer in offers)


async def test_a_lead_is_offered_the_same_again() -> None:
    calendar, lead = offering(*working_days(4)), new_id()
    first, again = [await calendar.offered(lead, NOW, "Etc/GMT", "en", []) for _ in range(2)]
    assert first == again


@pytest.mark.parametrize("language", ["pl", "de", None])
async def test_who_writes_another_language_is_offered_times_in_digits_and_can_take_them_later(
    language: str | None,
) -> None:
    calendar = offering(1, 3, 27, 51, 75)
    offered = await calendar.offered(LEAD, NOW, "Etc/GMT", language, [])
    assert offered[0].spoken == "2027-03-22, 13:00"
    again = await calendar.offered(LEAD, NOW, "Etc/GMT", "en", ["2027-03-22, 11:00?"])
    assert NOW + HOUR in {slot.starts_at for slot in again}


@pytest.mark.parametrize("language", ["en", "es"])
async def test_a_time_that_was_named_and_is_still_free_can_be_taken_later(language: str) -> None:
    said = ["Would Monday 22 March at 11:00 or el martes 23 de marzo a las 15:00 suit you?"]
    offered = await offering(1, 3, 27, 29, 51, 75).offered(LEAD, NOW, "Etc/GMT", language, said)
    assert {NOW + hour * HOUR for hour in (1, 3, 29)} <= {slot.starts_at for slot in offered}


async def test_a_time_that_was_named_and_is_gone_cannot() -> None:
    offered = await offering(3).offered(LEAD, NOW, "Etc/GMT", "en", ["Would Monday 22 March at 11:00 suit you?"])
    assert [slot.starts_at for slot in offered] == [NOW + 3 * HOUR]


async def test_a_second_slot_of_the_same_text_is_another_booking() -> None:
    books: Any = _Books()
    calls = CallsFromAnswers(cast("Bookings", books))
    for hour in (3, 3, 4):
        assert await calls.book(new_id(), NOW + hour * HOUR, "text") is Booked.YES
    assert books.keys == ["text:20270322T1300Z", "text:20270322T1300Z", "text:20270322T1400Z"]
