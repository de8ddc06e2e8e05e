"""Long work: it keeps its delivery while it lasts, and what fails or is given back is taken up again."""

import asyncio
from datetime import UTC, datetime

import pytest

from tests.processes.workbench import OPEN, TICK, Bench

pytestmark = pytest.mark.anyio


async def test_long_work_keeps_its_delivery_until_it_ends_and_renews_its_lease(bench: Bench) -> None:
    async with bench.agenda() as (uow, agenda), uow:
        await agenda.no_later_than(TICK.name, uow.now())
    assert await bench.schedules().tick() == 1
    [row] = await bench.owed(TICK)
    bench.script.go_on = asyncio.Event()
    work = asyncio.create_task(bench.deliverer().deliver(row["id"], TICK.lease_seconds))
    await bench.script.inside.wait()
    await asyncio.sleep(1.2)
    [row] = await bench.owed(TICK)
    assert row["due_at"] > datetime.now(UTC), "the lease of one second was renewed"
    assert await bench.relay().run_once() == 0
    await asyncio.wait_for(bench.deliverer().deliver(row["id"], TICK.lease_seconds), 5)
    assert await bench.effects() == 1, "who comes while the first is at it leaves it alone"
    bench.script.go_on.set()
    await work
    assert await bench.effects() == 2
    assert await bench.owed(TICK) == []


async def test_long_work_that_fails_is_done_again_from_its_own_rows(bench: Bench) -> None:
    async with bench.agenda() as (uow, agenda), uow:
        await agenda.no_later_than(TICK.name, uow.now())
    await bench.schedules().tick()
    [row] = await bench.owed(TICK)
    bench.script.failures.append(OSError("gone"))
    await bench.deliverer().deliver(row["id"])
    [row] = await bench.owed(TICK)
    assert (row["failures"], row["reason"]) == (1, "OSError: gone")
    await bench.deliverer().deliver(row["id"])
    assert await bench.owed(TICK) == []
    assert await bench.effects() == 3


async def test_long_work_is_given_back_when_its_worker_ends_and_short_work_runs_to_its_end(bench: Bench) -> None:
    async with bench.agenda() as (uow, agenda), uow:
        await agenda.no_later_than(TICK.name, uow.now())
    await bench.schedules().tick()
    [tick] = await bench.owed(TICK)
    short = await bench.one_owed()
    bench.script.go_on = asyncio.Event()
    ending = bench.deliverer()
    both = [asyncio.create_task(ending.deliver(delivery)) for delivery in (tick["id"], short)]
    for _ in range(500):
        if await bench.effects() and bench.script.seen:
            break
        await asyncio.sleep(0.01)
    ending.end()
    await asyncio.wait_for(both[0], 5)
    [row] = await bench.owed(TICK)
    assert row["due_at"] <= datetime.now(UTC)
    assert (row["starts"], row["failures"], row["parked_at"]) == (0, 0, None)
    assert not both[1].done()
    bench.script.go_on.set()
    await both[1]
    assert await bench.owed(OPEN) == []
    await ending.deliver(tick["id"])
    assert len(await bench.owed(TICK)) == 1, "who ends takes up nothing more"
    await bench.deliverer().deliver(tick["id"])
    assert await bench.owed(TICK) == []
