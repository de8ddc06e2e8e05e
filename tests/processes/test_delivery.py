"""From a committed event to its effect, once, whatever fails: real PostgreSQL, real Valkey."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from adapters.persistence.database import PostgresUnitOfWork, Unavailable
from adapters.persistence.integration_notes import note_installation
from adapters.queue.deliver import MOST_FAILURES, MOST_STARTS, Deliverer
from domain.kernel import Phone, new_id
from entrypoints.metrics import measure_queues
from tests.processes.workbench import OPEN, TICK, Bench, Rang, write

pytestmark = pytest.mark.anyio


async def _one_owed(bench: Bench) -> UUID:
    await bench.ring()
    await bench.relay().run_once()
    [row] = await bench.owed(OPEN)
    return UUID(str(row["id"]))


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
    await bench.deliverer().deliver(await _one_owed(bench))
    found = {row["type"]: row for row in await bench.ask("SELECT * FROM events WHERE organization_id = $1")}
    assert found["test.opened"]["cause_id"] == found["test.rang"]["id"]
    assert found["test.rang"]["cause_id"] is None


async def test_a_delivery_run_twice_at_once_has_one_effect(bench: Bench) -> None:
    delivery = await _one_owed(bench)
    await asyncio.gather(*(bench.deliverer().deliver(delivery) for _ in range(4)))
    assert await bench.effects() == 1
    assert await bench.owed(OPEN) == []
    await bench.deliverer().deliver(delivery)
    assert await bench.effects() == 1


async def test_a_second_worker_waits_for_the_firsts_commit_and_then_does_nothing(bench: Bench) -> None:
    delivery = await _one_owed(bench)
    bench.script.go_on = asyncio.Event()
    first = asyncio.create_task(bench.deliverer().deliver(delivery, 30))
    await bench.script.inside.wait()
    second = asyncio.create_task(bench.deliverer().deliver(delivery, 30))
    await asyncio.sleep(0.1)
    assert not second.done()
    bench.script.go_on.set()
    await asyncio.gather(first, second)
    assert await bench.effects() == 1


@pytest.mark.parametrize("it_hears_of_it", [False, True])
async def test_a_worker_that_dies_before_its_commit_leaves_the_delivery_to_the_next(
    bench: Bench, it_hears_of_it: bool
) -> None:
    delivery = await _one_owed(bench)
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
    delivery = await _one_owed(bench)
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
    delivery = await _one_owed(bench)
    bench.script.go_on = asyncio.Event()
    await bench.deliverer().deliver(delivery)
    [row] = await bench.owed(OPEN)
    assert row["reason"].startswith("TimeoutError")
    assert await bench.effects() == 0


async def test_what_always_kills_its_worker_is_parked(bench: Bench) -> None:
    delivery = await _one_owed(bench)
    async with bench.system.connection() as connection:
        await connection.execute("UPDATE deliveries SET starts = $2 WHERE id = $1", delivery, MOST_STARTS)
    await bench.deliverer().deliver(delivery)
    [row] = await bench.owed(OPEN)
    assert row["parked_at"] is not None
    assert "the worker died" in row["reason"]
    assert [reason for _, reason in bench.script.laments] == [row["reason"]]
    assert await bench.effects() == 0


async def test_a_subscription_that_this_version_does_not_know_is_parked(bench: Bench) -> None:
    delivery = await _one_owed(bench)
    async with bench.system.connection() as connection:
        await connection.execute("UPDATE deliveries SET subscription = 'door.gone' WHERE id = $1", delivery)
    await bench.deliverer().deliver(delivery)
    [row] = [row for row in await bench.owed() if row["id"] == delivery]
    assert row["parked_at"] is not None


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
    short = await _one_owed(bench)
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


async def test_what_the_house_could_not_do_right_now_is_no_failure_of_the_work(bench: Bench) -> None:
    delivery = await _one_owed(bench)
    for _ in range(MOST_STARTS + 1):
        bench.script.failures.append(Unavailable("TimeoutError"))
        await bench.deliverer().deliver(delivery)
    [row] = await bench.owed(OPEN)
    assert (row["starts"], row["failures"], row["parked_at"]) == (0, 0, None)
    assert 0 < (row["due_at"] - datetime.now(UTC)).total_seconds() <= 5
    await bench.deliverer().deliver(delivery)
    assert await bench.effects() == 1


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


async def test_the_queues_gauges_rise_and_fall(bench: Bench) -> None:
    def told(name: str) -> float | None:
        return REGISTRY.get_sample_value(name, {"queue": "default"})

    delivery = await _one_owed(bench)
    await measure_queues(bench.system)
    assert told("rapport_queue_depth") == 1
    assert 0 < (told("rapport_queue_age_seconds") or 0) < 60
    await bench.deliverer().deliver(delivery)
    await measure_queues(bench.system)
    assert (told("rapport_queue_depth"), told("rapport_queue_age_seconds")) == (0, 0)


async def test_the_gauge_of_what_is_overdue_rises_until_it_is_done(bench: Bench) -> None:
    def overdue() -> float:
        return REGISTRY.get_sample_value("rapport_queue_overdue_seconds", {"queue": "default"}) or 0

    delivery = await _one_owed(bench)
    await measure_queues(bench.system)
    assert overdue() == 0, "owed, and its time has not come"
    await bench.set_due(delivery, -90)
    await measure_queues(bench.system)
    assert 90 <= overdue() < 100
    await bench.deliverer().deliver(delivery)
    await measure_queues(bench.system)
    assert overdue() == 0


async def test_the_gauge_of_stuck_rows_counts_leases_that_ended_a_minute_ago(bench: Bench) -> None:
    def stuck(state: str) -> float | None:
        return REGISTRY.get_sample_value("rapport_stuck_rows", {"state": state})

    await measure_queues(bench.system)
    before = {state: stuck(state) or 0 for state in ("claimed", "handed", "unknown")}
    async with bench.uow() as uow, uow:
        await _ledger_rows(uow, [("claimed", -120), ("claimed", -30), ("handed", -61), ("unknown", 5)])
    await measure_queues(bench.system)
    assert stuck("claimed") == before["claimed"] + 1
    assert stuck("handed") == before["handed"] + 1
    assert stuck("unknown") == before["unknown"]
    async with bench.uow() as uow, uow:
        await uow.connection.execute("DELETE FROM contacts WHERE organization_id = $1", bench.organization_id)


async def test_the_gauge_of_a_refused_account_of_the_installation_rises_until_it_serves(bench: Bench) -> None:
    def failing(account: str = "test:1") -> float | None:
        return REGISTRY.get_sample_value("rapport_account_failing_seconds", {"account": account})

    async with bench.uow() as uow, uow:
        await note_installation(uow, "test:0", "It was refused until another took its place.")
    for trouble in ("Refused.", None):
        async with bench.uow() as uow, uow:
            await note_installation(uow, "test:1", trouble)
        await asyncio.sleep(0.01)
        await measure_queues(bench.system, ["test:1", "test:2"])
        assert ((failing() or 0) > 0) is (trouble is not None)
    assert (failing(), failing("test:2"), failing("test:0")) == (0, 0, None)


async def _ledger_rows(uow: PostgresUnitOfWork, rows: list[tuple[str, int]]) -> None:
    """Write one thread with a message in each state, whose lease ends so many seconds from now."""
    organization, contact, thread = uow.organization_id, new_id(), new_id()
    await uow.connection.execute(
        "INSERT INTO organizations (organization_id, id, name, created_at) VALUES ($1, $1, 'Bright', now())",
        organization,
    )
    await uow.connection.execute(
        "INSERT INTO contacts (organization_id, id, first_name, phone, phone_type, sms_eligible, zones, created_at,"
        " updated_at) VALUES ($1, $2, 'Ada', '+447700900123', 'mobile', true, '{Europe/London}', now(), now())",
        organization,
        contact,
    )
    await uow.connection.execute(
        "INSERT INTO conversations (organization_id, id, contact_id, channel, address, started_at, last_message_at)"
        " VALUES ($1, $2, $3, 'sms', '+447700900123', now(), now())",
        organization,
        thread,
        contact,
    )
    for state, seconds in rows:
        message = new_id()
        await uow.connection.execute(
            "INSERT INTO messages (organization_id, id, conversation_id, contact_id, channel, direction, category,"
            " status, body, sender, recipient, created_at)"
            " VALUES ($1, $2, $3, $4, 'sms', 'outbound', 'manual', 'pending', 'x', 'x', 'x', now())",
            organization,
            message,
            thread,
            contact,
        )
        await uow.connection.execute(
            "INSERT INTO sends (organization_id, id, natural_key, purpose, channel, state, contact_id, conversation_id,"
            " recipient, sender, due_at, verdict, reasons, created_at, lease_until)"
            " VALUES ($1, $2, ($2::uuid)::text, 'manual', 'sms', $3, $4, $5, 'x', 'x', now(), 'allow', '[]', now(),"
            " clock_timestamp() + make_interval(secs => $6))",
            organization,
            message,
            state,
            contact,
            thread,
            seconds,
        )
