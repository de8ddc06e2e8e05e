"""From what is due to a delivery, claimed once, and planned again while it is worked off."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.processes.workbench import TICK, Bench, write

pytestmark = pytest.mark.anyio


async def test_what_is_due_is_claimed_once_by_schedulers_at_once(bench: Bench) -> None:
    async with bench.agenda() as (uow, agenda), uow:
        await agenda.no_later_than(TICK.name, uow.now() - timedelta(seconds=1))
    claimed = await asyncio.gather(*(bench.schedules().tick() for _ in range(4)))
    assert sorted(claimed) == [0, 0, 0, 1]
    assert len(await bench.owed(TICK)) == 1
    assert await bench.schedules().tick() == 0


async def test_what_is_not_due_or_not_known_is_left(bench: Bench) -> None:
    async with bench.agenda() as (uow, agenda), uow:
        await agenda.no_later_than(TICK.name, uow.now() + timedelta(seconds=60))
        await agenda.no_later_than("another.version", uow.now() - timedelta(seconds=1))
    assert await bench.schedules().tick() == 0
    assert await bench.owed() == []
    left = await bench.ask("SELECT name FROM schedules WHERE organization_id = $1 AND next_due_at IS NOT NULL")
    assert {row["name"] for row in left} == {TICK.name, "another.version"}


async def test_a_schedule_is_brought_forward_never_back(bench: Bench) -> None:
    async with bench.agenda() as (uow, agenda), uow:
        now = uow.now()
        for hours in (5, 3, 4):
            await agenda.no_later_than(TICK.name, now + timedelta(hours=hours))
    [row] = await bench.ask("SELECT next_due_at FROM schedules WHERE organization_id = $1")
    assert row["next_due_at"] == now + timedelta(hours=3)
    async with bench.agenda() as (uow, agenda), uow:
        await agenda.clear(TICK.name)
    [row] = await bench.ask("SELECT next_due_at FROM schedules WHERE organization_id = $1")
    assert row["next_due_at"] is None


async def _end_handler(bench: Bench, pause: float) -> None:
    """End as every scheduled effect does: lock the schedule, look what is due next, set it."""
    async with bench.agenda() as (uow, agenda), uow:
        await agenda.lock(TICK.name)
        due = await uow.connection.fetchval(
            "SELECT min(created_at) FROM jobs WHERE organization_id = $1", bench.organization_id
        )
        await asyncio.sleep(pause)
        if due is not None:
            await agenda.no_later_than(TICK.name, due)


async def _plan(bench: Bench, at: datetime, pause: float) -> None:
    async with bench.agenda() as (uow, agenda), uow:
        await write(uow, at)
        await agenda.no_later_than(TICK.name, at)
        await asyncio.sleep(pause)


@pytest.mark.parametrize(("handler_first", "pause"), [(True, 0.05), (False, 0.05), (True, 0.0), (False, 0.0)])
async def test_work_planned_while_the_handler_ends_is_not_forgotten(
    bench: Bench, handler_first: bool, pause: float
) -> None:
    now = datetime.now(UTC)
    for number in range(5):
        async with bench.agenda() as (uow, agenda), uow:
            await agenda.clear(TICK.name)
        earlier = now - timedelta(minutes=number + 1)
        both = [_end_handler(bench, pause), _plan(bench, earlier, pause)]
        await asyncio.gather(*(both if handler_first else reversed(both)))
        [row] = await bench.ask("SELECT next_due_at FROM schedules WHERE organization_id = $1")
        assert row["next_due_at"] == earlier
