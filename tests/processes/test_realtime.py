"""Sockets of a real process: all that happens and nothing twice, flat memory, and access that ends."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import psutil
import pytest

from adapters.persistence.database import Cause, PostgresUnitOfWork
from application.ports import Actor
from domain.sales.lead import LeadMoved
from tests.processes.listeners import Listener
from tests.processes.test_event_stream import API, Studio, studio, valkey
from tests.proofs import Note

__all__ = ["studio", "valkey"]
pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def lead(studio: Studio) -> tuple[str, UUID]:
    """Make a lead in a dataset; gives the dataset's channel and the lead."""
    dataset = studio.call("POST", "/datasets", json={"name": "Old enquiries"})["id"]
    body = {"contact": {"first_name": "Ada", "email": "ada@example.com"}, "dataset_id": dataset}
    return f"leads:{dataset}", UUID(studio.call("POST", "/leads", json=body)["id"])


async def move(studio: Studio, lead_id: UUID, times: int) -> None:
    """Let something happen to a lead."""
    async with studio.house({Actor: Actor.system(studio.organization_id), Cause: Cause()}) as scope:
        uow = await scope.get(PostgresUnitOfWork)
        async with uow:
            uow.publish(
                *(LeadMoved(subject=lead_id, stage_from="A", stage_to="B", category="open") for _ in range(times))
            )


async def settled(listeners: Sequence[Listener], happened: int, seconds: float) -> None:
    """Wait until each was told of so many moves, each once and in order, or fail."""
    for one in listeners:
        await one.until(lambda one=one: moves(one) >= happened or one.code is not None, seconds)  # type: ignore[misc]
        assert one.positions == sorted(set(one.positions)), "told twice, or out of order"
        assert (moves(one), one.code) == (happened, None)
        assert {event["event"] for event in one.events} <= {"lead.created", "lead.moved"}


def moves(one: Listener) -> int:
    """Count the moves it was told of: whoever listened early was told of the lead's own beginning as well."""
    return sum(event["event"] == "lead.moved" for event in one.events)


@asynccontextmanager
async def listening(studio: Studio, lead: tuple[str, UUID], count: int) -> AsyncIterator[list[Listener]]:
    """Let so many listen."""
    listeners = [Listener(studio.url, studio.token, lead[0]) for _ in range(count)]
    try:
        for start in range(0, count, 20):
            await asyncio.gather(*(one.open() for one in listeners[start : start + 20]))
        yield listeners
    finally:
        for one in listeners:
            await one.close()


async def crowd(studio: Studio, lead: tuple[str, UUID], count: int, rounds: int, burst: int) -> tuple[float, float]:
    """Let so many listen while one of them reads nothing: ten events a round, a burst and a quarter of one between.

    It gives the API's memory in MB before the first burst, and the most that it came to after that.
    """
    api, memory, happened = psutil.Process(studio.processes.running[API].pid), list[float](), 0
    sleeper = Listener(studio.url, studio.token, lead[0])

    async def weigh() -> None:
        while True:
            memory.append(api.memory_info().rss / 2**20)
            await asyncio.sleep(0.2)

    async with listening(studio, lead, count) as listeners, asyncio.TaskGroup() as beside:
        await sleeper.open(receive_buffer=4096)
        for number in range(rounds):
            told = {rounds // 3: burst, 2 * rounds // 3: burst // 4}.get(number, 10)
            if number == rounds // 3:
                weighing = beside.create_task(weigh())
                await asyncio.sleep(0)
            happened += told
            await move(studio, lead[1], told)
            if told > 10:
                await settled(listeners, happened, 60 + count * told / 2_000)
            else:
                await listeners[0].until(lambda: moves(listeners[0]) >= happened, 30)  # noqa: B023
        await settled(listeners, happened, 60)
        await sleeper.until(lambda: not sleeper.is_held(api), 90)
        await move(studio, lead[1], 10)
        await settled(listeners, happened + 10, 30)
        weighing.cancel()
    await sleeper.close()
    return memory[0], max(memory)


async def test_a_burst_is_told_to_all_who_take_it(studio: Studio, lead: tuple[str, UUID]) -> None:
    count = 3_000
    late = Listener(studio.url, studio.token, lead[0])
    async with listening(studio, lead, 50) as listeners:
        await late.open(receive_buffer=4096)
        await move(studio, lead[1], count)
        await asyncio.sleep(5)
        late.wake()
        await settled([*listeners, late], count, 60)
        await move(studio, lead[1], 1)
        await settled([*listeners, late], count + 1, 10)
        await late.close()


async def test_a_hundred_listen_in_flat_memory(studio: Studio, lead: tuple[str, UUID]) -> None:
    before, after = await crowd(studio, lead, 100, 12, 1_200)
    assert after - before < 15, f"{before:.0f} MB became {after:.0f} MB"


async def test_access_that_ends_ends_the_socket(studio: Studio, lead: tuple[str, UUID]) -> None:
    user_id, token, _ = await studio.colleague("admin")
    listener, stays = Listener(studio.url, token, lead[0]), Listener(studio.url, studio.token, lead[0])
    await listener.open()
    await stays.open()
    studio.call("DELETE", f"/users/{user_id}")
    await listener.until(lambda: listener.code is not None, 60)
    assert listener.code == 4401
    assert stays.code is None
    await listener.close()
    await stays.close()


async def test_whoever_shows_no_token_cannot_fill_the_memory(studio: Studio) -> None:
    api = psutil.Process(studio.processes.running[API].pid)
    before = api.memory_info().rss / 2**20
    shouting = [Listener(studio.url, "") for _ in range(4)]
    sent = await asyncio.gather(*(one.shout(40, 8) for one in shouting))
    after = api.memory_info().rss / 2**20
    assert max(sent) < 20 * 2**20, f"{[one / 2**20 for one in sent]} MB were taken"
    assert after - before < 100, f"{before:.0f} MB became {after:.0f} MB"
    for one in shouting:
        await one.close()


async def test_sigterm_ends_sockets_at_once(studio: Studio, lead: tuple[str, UUID]) -> None:
    listeners = [Listener(studio.url, studio.token, lead[0]) for _ in range(10)]
    for one in listeners:
        await one.open()
    code, seconds = studio.processes.stop(API)
    assert code == 0
    assert seconds < 5
    for one in listeners:
        await one.until(lambda one=one: one.code is not None, 5)  # type: ignore[misc]
        assert one.code == 1001
        await one.close()
    await studio.start(API)


@pytest.mark.prove
async def test_a_thousand_listen_in_flat_memory(studio: Studio, lead: tuple[str, UUID], proved: Note) -> None:
    before, after = await crowd(studio, lead, 1_000, 31, 1_200)
    assert after - before < 30, f"{before:.0f} MB became {after:.0f} MB"
    told = "1,000 sockets of 1,800 events each, 1,200 and 300 of them at once, all told once and in order"
    limits = "with 1,100 sockets a person and organisation, who have 10 and 250"
    memory = f"{before:.0f} MB, then {after:.0f} MB at most"
    proved(13, f"{told}, and one that read nothing dropped; {memory} ({limits})")
