"""What every implementation of the port `Calendar` must do, whoever the provider is."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest

from adapters.booking.sandbox import SandboxCalendar
from application.provider import Rejected, Unavailable, Unknown
from application.scheduling.calendar import Account, Calendar, Call, Sought, Wanted
from domain.kernel import new_id
from tests.contracts.sandbox_process import ProviderProcess, sandbox_provider

pytestmark = pytest.mark.anyio
LONDON = ZoneInfo("Europe/London")
MONDAY = datetime(2030, 3, 18, 9, tzinfo=LONDON).astimezone(UTC)


@dataclass
class Stand:
    """Let a test make the sandbox's calendar misbehave and look into its books."""

    provider: ProviderProcess
    calendar: Calendar
    account: Account

    def misbehave(self, fault: str) -> None:
        """Show a fault on the next change."""
        order = {"capability": "booking", "fault": fault, "next": 1}
        self.provider.http.post("/faults", json=order).raise_for_status()

    def taken(self, key: str) -> int:
        """Count the lines in the books about calls with a key."""
        books = self.provider.folder / "bookings.jsonl"
        return sum(line["key"] == key for line in self.provider.lines("bookings.jsonl")) if books.exists() else 0

    def wanted(self, start: datetime = MONDAY) -> Wanted:
        """Ask for a call, with a key of its own."""
        return Wanted(
            key=str(new_id()),
            start=start,
            name="Ada Lovelace",
            email="ada@example.com",
            phone="+447700900101",
            zone="Europe/London",
            lead_id=new_id(),
            notes=None,
        )

    async def found(self, wanted: Wanted, call: Call | None = None) -> Call | None:
        """Ask how a call stands, by its name or by our key."""
        since = datetime.now(UTC) - timedelta(minutes=1)
        uid = None if call is None else call.uid
        return await self.calendar.find(self.account, Sought(key=wanted.key, uid=uid, since=since))


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    """Run the sandbox provider."""
    with sandbox_provider(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture
async def stand(provider: ProviderProcess) -> AsyncIterator[Stand]:
    """Stand the adapter and its provider up, without faults, with an empty calendar."""
    provider.http.delete("/faults").raise_for_status()
    account = Account(provider="sandbox", organization_id=new_id(), zone="Europe/London")
    async with httpx.AsyncClient() as client:
        yield Stand(provider, SandboxCalendar(client, provider.url, provider.token, total_seconds=1), account)


async def test_a_free_time_is_taken_once_it_is_booked(stand: Stand) -> None:
    free = await stand.calendar.free_slots(stand.account, MONDAY, MONDAY + timedelta(hours=3))
    assert [slot.start for slot in free] == [MONDAY + timedelta(minutes=30 * n) for n in range(6)]
    call = await stand.calendar.book(stand.account, stand.wanted(free[0].start))
    assert (call.start, call.end, call.is_cancelled) == (MONDAY, MONDAY + timedelta(minutes=30), False)
    left = await stand.calendar.free_slots(stand.account, MONDAY, MONDAY + timedelta(hours=3))
    assert left == free[1:]


async def test_of_fifty_at_once_one_gets_the_time(stand: Stand) -> None:
    calls = await asyncio.gather(
        *(stand.calendar.book(stand.account, stand.wanted()) for _ in range(50)), return_exceptions=True
    )
    assert sum(isinstance(call, Call) for call in calls) == 1
    assert sum(isinstance(call, Rejected) for call in calls) == 49


@pytest.mark.parametrize(
    "start",
    [
        MONDAY - timedelta(minutes=30),
        MONDAY + timedelta(minutes=10),
        MONDAY + timedelta(hours=4),
        MONDAY + timedelta(days=5),
        datetime(2020, 3, 16, 9, tzinfo=UTC),
    ],
)
async def test_a_time_outside_the_working_hours_is_rejected(stand: Stand, start: datetime) -> None:
    wanted = stand.wanted(start)
    with pytest.raises(Rejected) as raised:
        await stand.calendar.book(stand.account, wanted)
    assert raised.value.reason.endswith(".")
    assert await stand.found(wanted) is None


async def test_a_call_is_moved_and_found_by_each_of_its_names(stand: Stand) -> None:
    wanted, later = stand.wanted(), MONDAY + timedelta(hours=1)
    call = await stand.calendar.book(stand.account, wanted)
    moved = await stand.calendar.move(stand.account, call.uid, later)
    assert moved.start == later
    assert await stand.found(wanted) == await stand.found(wanted, call) == await stand.found(wanted, moved) == moved
    assert MONDAY in [s.start for s in await stand.calendar.free_slots(stand.account, MONDAY, later)]
    other = await stand.calendar.book(stand.account, stand.wanted())
    with pytest.raises(Rejected):
        await stand.calendar.move(stand.account, other.uid, later)
    assert (await stand.found(wanted, other)) == other


async def test_a_cancelled_call_stays_so_and_its_time_is_free(stand: Stand) -> None:
    wanted = stand.wanted()
    call = await stand.calendar.book(stand.account, wanted)
    for _ in range(2):
        await stand.calendar.cancel(stand.account, call.uid, "Ill")
    found = await stand.found(wanted, call)
    assert found is not None
    assert found.is_cancelled
    with pytest.raises(Rejected):
        await stand.calendar.move(stand.account, call.uid, MONDAY + timedelta(hours=1))
    assert (await stand.calendar.book(stand.account, stand.wanted())).start == MONDAY


@pytest.mark.parametrize(("fault", "taken"), [("timeout_after_accept", True), ("timeout_before_accept", False)])
async def test_no_answer_is_unknown_and_then_asked_about(stand: Stand, fault: str, taken: bool) -> None:
    wanted = stand.wanted()
    stand.misbehave(fault)
    with pytest.raises(Unknown):
        await stand.calendar.book(stand.account, wanted)
    assert (await stand.found(wanted) is not None) == taken
    assert stand.taken(wanted.key) == taken


@pytest.mark.parametrize("fault", ["rate_limited", "server_error"])
async def test_a_calendar_that_declines_is_unavailable(stand: Stand, fault: str) -> None:
    wanted = stand.wanted()
    stand.misbehave(fault)
    with pytest.raises(Unavailable) as raised:
        await stand.calendar.book(stand.account, wanted)
    assert raised.value.retry_after == 1
    assert stand.taken(wanted.key) == 0


async def test_another_organisations_calls_are_not_there(stand: Stand) -> None:
    wanted = stand.wanted()
    call = await stand.calendar.book(stand.account, wanted)
    other = Stand(stand.provider, stand.calendar, replace(stand.account, organization_id=new_id()))
    assert await other.found(wanted) is await other.found(wanted, call) is None
    with pytest.raises(Rejected):
        await other.calendar.cancel(other.account, call.uid, "Mine")
    assert (await other.calendar.book(other.account, other.wanted())).start == MONDAY


async def test_a_dead_calendar_is_unavailable_and_comes_back_with_its_books(stand: Stand) -> None:
    wanted = stand.wanted()
    call = await stand.calendar.book(stand.account, wanted)
    moved = await stand.calendar.move(stand.account, call.uid, MONDAY + timedelta(hours=1))
    stand.provider.stop(signal.SIGKILL)
    try:
        with pytest.raises(Unavailable):
            await stand.calendar.book(stand.account, stand.wanted())
        with pytest.raises(Unavailable):
            await stand.found(wanted)
    finally:
        stand.provider.start()
    assert await stand.found(wanted, call) == moved
    free = [s.start for s in await stand.calendar.free_slots(stand.account, MONDAY, MONDAY + timedelta(hours=2))]
    assert MONDAY in free
    assert moved.start not in free


async def test_a_frozen_calendar_does_not_take_on_waking_what_was_given_up(stand: Stand) -> None:
    wanted = stand.wanted()
    await stand.found(wanted)
    assert stand.provider.process is not None
    stand.provider.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(Unknown):
            await stand.calendar.book(stand.account, wanted)
    finally:
        stand.provider.process.send_signal(signal.SIGCONT)
    assert await stand.found(wanted) is None
