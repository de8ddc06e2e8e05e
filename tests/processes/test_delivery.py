"""From a committed event to its effect, once, whatever fails: real PostgreSQL, real Valkey."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from adapters.persistence.database import Database, Unavailable
from adapters.queue.deliver import MOST_FAILURES, MOST_STARTS, Deliverer
from domain.kernel import Phone, new_id
from tests.processes.workbench import OPEN, Bench, Rang, write

pytestmark = pytest.mark.anyio


async def test_a_rolled_back_unit_of_work_leaves_nothing(bench: Bench) -> None:
    async def work() -> None:
        async with bench.uow() as uow, uow:
            uow.publish(Rang(subject=new_id()))
            await write(uow)
            raise LookupError

    with pytest.raises(LookupError):
        await work()
    assert await bench.relay().run_once() == 0
    assert await bench.owed() == []
    assert await bench.effects() == 0
    assert await bench.ask("SELECT FROM events WHERE organization_id = $1") == []


async def test_an_event_reaches_its_follower_as_it_was_published(bench: Bench) -> None:
    ring = Rang(
        subject=new_id(),
        who=Phone("+447700900123"),
        at=datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC),
        doors=(new_id(), new_id()),
    )
    await bench.ring(ring)
    [stored] = await bench.ask("SELECT data::text, personal::text FROM events WHERE organization_id = $1")
    assert "+447700900123" not in stored["data"]
    assert "+447700900123" in stored["personal"]
    await bench.relay().run_once()
    [row] = await bench.owed(OPEN)
    await bench.deliverer().deliver(row["id"])
    assert bench.script.seen == [ring]
    assert isinstance(bench.script.seen[0].who, Phone)


async def test_what_an_effect_publishes_names_its_cause(bench: Bench) -> None:
    await bench.deliverer().deliver(await bench.one_owed())
    found = {row["type"]: row for row in await bench.ask("SELECT * FROM events WHERE organization_id = $1")}
    assert found["test.opened"]["cause_id"] == found["test.rang"]["id"]
    assert found["test.rang"]["cause_id"] is None


async def test_a_delivery_run_twice_at_once_has_one_effect(bench: Bench) -> None:
    delivery = await bench.one_owed()
    await asyncio.gather(*(bench.deliverer().deliver(delivery) for _ in range(4)))
    assert await bench.effects() == 1
    assert await bench.owed(OPEN) == []
    await bench.deliverer().deliver(delivery)
    assert await bench.effects() == 1


async def begun(bench: Bench) -> tuple[UUID, asyncio.Task[None], asyncio.Event]:
    """Let a first worker be at a delivery until it may go on."""
    delivery = await bench.one_owed()
    bench.script.go_on = go_on = asyncio.Event()
    first = asyncio.create_task(bench.deliverer().deliver(delivery, 30))
    await bench.script.inside.wait()
    return delivery, first, go_on


async def test_a_second_worker_leaves_alone_what_the_first_is_at(bench: Bench) -> None:
    delivery, first, go_on = await begun(bench)
    await asyncio.wait_for(bench.deliverer().deliver(delivery, 30), 5)
    [row] = await bench.owed(OPEN)
    assert (row["starts"], row["failures"], len(bench.script.seen)) == (1, 0, 1)
    go_on.set()
    await first
    assert await bench.effects() == 1


async def test_after_the_lease_a_second_worker_waits_for_the_firsts_commit_and_then_does_nothing(bench: Bench) -> None:
    delivery, first, go_on = await begun(bench)
    await bench.set_due(delivery, -1)
    second = asyncio.create_task(bench.deliverer().deliver(delivery, 30))
    await asyncio.sleep(0.1)
    assert not second.done()
    go_on.set()
    await asyncio.gather(first, second)
    assert await bench.effects() == 1


@pytest.mark.parametrize("it_hears_of_it", [False, True])
async def test_a_worker_that_dies_before_its_commit_leaves_the_delivery_to_the_next(
    bench: Bench, it_hears_of_it: bool
) -> None:
    delivery = await bench.one_owed()
    bench.script.go_on = asyncio.Event()
    # With the lease of the others its own time limit would end it first on a busy machine: a failure, no death.
    patient = Deliverer(bench.database, bench.house, {OPEN.name: replace(OPEN, lease_seconds=600)})
    dying = asyncio.create_task(patient.deliver(delivery))
    await bench.script.inside.wait()
    async with bench.database.connection() as connection:
        killed = await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = current_user AND datname = current_database() AND state = 'idle in transaction'"
        )
    assert killed
    if it_hears_of_it:
        await asyncio.sleep(0.3)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    assert await bench.effects() == 0
    [row] = await bench.owed(OPEN)
    assert (row["starts"], row["failures"]) == (1, 0)

    bench.script.go_on = None
    await bench.set_due(delivery, -1)
    await bench.wires.flushall()
    assert await bench.relay().run_once() == 1
    assert await bench.queued("default") == [delivery]
    await bench.deliverer().deliver(delivery)
    assert await bench.effects() == 1
    assert await bench.owed(OPEN) == []


async def test_a_failure_is_due_again_later_and_later_and_parked_in_the_end(bench: Bench) -> None:
    delivery = await bench.one_owed()
    for number in range(1, MOST_FAILURES + 1):
        bench.script.failures.append(ValueError(f"the door is stuck ({number})"))
        before = datetime.now(UTC)
        await bench.deliverer().deliver(delivery)
        after = datetime.now(UTC)
        [row] = await bench.owed(OPEN)
        assert row["failures"] == number
        assert row["reason"] == f"ValueError: the door is stuck ({number})"
        shortest, longest = timedelta(seconds=2 ** (number - 2)), timedelta(seconds=2 ** (number - 1))
        assert before + shortest <= row["due_at"] <= after + longest
        assert (row["parked_at"] is not None) == (number == MOST_FAILURES)
    assert await bench.effects() == 0
    assert [reason for _, reason in bench.script.laments] == [f"ValueError: the door is stuck ({MOST_FAILURES})"]
    await bench.deliverer().deliver(delivery)
    assert await bench.effects() == 0, "what is parked waits for a person"
    await bench.set_due(delivery, -1)
    await bench.wires.flushall()
    assert await bench.relay().run_once() == 0


async def test_waits_are_spread_so_that_what_failed_together_does_not_come_back_together(bench: Bench) -> None:
    await bench.ring(*(Rang(subject=new_id()) for _ in range(8)))
    await bench.relay().run_once()
    async with bench.system.connection() as connection:
        await connection.execute("UPDATE deliveries SET failures = 6")
    waits = []
    for row in await bench.owed(OPEN):
        bench.script.failures.append(OSError())
        await bench.deliverer().deliver(row["id"])
        [after] = [r for r in await bench.owed(OPEN) if r["id"] == row["id"]]
        waits.append((after["due_at"] - datetime.now(UTC)).total_seconds())
    assert max(waits) - min(waits) > 5, "of 32 to 64 seconds"


async def test_an_effect_that_hangs_is_ended_at_its_lease(bench: Bench) -> None:
    delivery = await bench.one_owed()
    bench.script.go_on = asyncio.Event()
    await bench.deliverer().deliver(delivery)
    [row] = await bench.owed(OPEN)
    assert row["reason"].startswith("TimeoutError")
    assert await bench.effects() == 0


async def test_what_always_kills_its_worker_is_parked(bench: Bench) -> None:
    delivery = await bench.one_owed()
    async with bench.system.connection() as connection:
        await connection.execute("UPDATE deliveries SET starts = $2 WHERE id = $1", delivery, MOST_STARTS)
    await bench.deliverer().deliver(delivery)
    [row] = await bench.owed(OPEN)
    assert row["parked_at"] is not None
    assert "the worker died" in row["reason"]
    assert [reason for _, reason in bench.script.laments] == [row["reason"]]
    assert await bench.effects() == 0


async def test_a_subscription_that_this_version_does_not_know_is_parked(bench: Bench) -> None:
    delivery = await bench.one_owed()
    async with bench.system.connection() as connection:
        await connection.execute("UPDATE deliveries SET subscription = 'door.gone' WHERE id = $1", delivery)
    await bench.deliverer().deliver(delivery)
    [row] = [row for row in await bench.owed() if row["id"] == delivery]
    assert row["parked_at"] is not None


async def test_what_the_house_could_not_do_right_now_is_no_failure_of_the_work(bench: Bench) -> None:
    delivery = await bench.one_owed()
    for _ in range(MOST_STARTS + 1):
        bench.script.failures.append(Unavailable("TimeoutError"))
        await bench.deliverer().deliver(delivery)
    [row] = await bench.owed(OPEN)
    assert (row["starts"], row["failures"], row["parked_at"]) == (0, 0, None)
    assert 0 < (row["due_at"] - datetime.now(UTC)).total_seconds() <= 5
    await bench.deliverer().deliver(delivery)
    assert await bench.effects() == 1


async def test_what_failed_with_its_database_is_written_down_when_that_is_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = await bench.one_owed()
    bench.script.failures.append(asyncpg.ConnectionDoesNotExistError("gone"))
    refusals = [Unavailable("ConnectionRefusedError")]
    acquire = Database.acquire

    async def refusing(database: Database) -> Any:
        if bench.script.inside.is_set() and refusals:
            raise refusals.pop()
        return await acquire(database)

    monkeypatch.setattr(Database, "acquire", refusing)
    await bench.deliverer().deliver(delivery)
    [row] = await bench.owed(OPEN)
    assert refusals == []
    assert (row["starts"], row["failures"], row["reason"]) == (0, 1, "ConnectionDoesNotExistError: gone")
    assert (row["due_at"] - datetime.now(UTC)).total_seconds() <= 1
