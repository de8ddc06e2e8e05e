"""The gauges of what is owed, overdue, stuck and failing rise, and fall again."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.integration_notes import note_installation
from domain.kernel import new_id
from entrypoints.metrics import measure_queues
from tests.processes.workbench import Bench

pytestmark = pytest.mark.anyio


async def test_the_queues_gauges_rise_and_fall(bench: Bench) -> None:
    def told(name: str) -> float | None:
        return REGISTRY.get_sample_value(name, {"queue": "default"})

    delivery = await bench.one_owed()
    await measure_queues(bench.system)
    assert told("rapport_queue_depth") == 1
    assert 0 < (told("rapport_queue_age_seconds") or 0) < 60
    await bench.deliverer().deliver(delivery)
    await measure_queues(bench.system)
    assert (told("rapport_queue_depth"), told("rapport_queue_age_seconds")) == (0, 0)


async def test_the_gauge_of_what_is_overdue_rises_until_it_is_done(bench: Bench) -> None:
    def overdue() -> float:
        return REGISTRY.get_sample_value("rapport_queue_overdue_seconds", {"queue": "default"}) or 0

    delivery = await bench.one_owed()
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
