"""An API process whose connections are cut, used up or deadlocked: nobody waits long, and nobody has to help."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from domain.kernel import new_id
from tests.processes.fire import Answer, call, worst
from tests.processes.office import Office, opened, wait_for
from tests.proofs import Note

POOL = 20
"""How many connections one process of the API has (`entrypoints/container.py`)."""
FULL_SECONDS = 1.0
# What is promised for a machine of its own; a test machine does other things besides.
BUSY = 3


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with opened(tmp_path_factory.mktemp("lists"), "connections", workers=1) as one:
        yield one


def cut(office: Office) -> int:
    """Cut all connections of the house amid requests; tells how many those were."""
    deaths = office.deaths()
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(call, office, "GET", "/leads") for _ in range(60)]
        gone = office.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'rapport_%'")
        assert {future.result()[0] for future in asked} <= {200, 503}
    assert call(office, "GET", "/leads")[0] == 200
    office.text_reaches_the_provider(30)
    assert office.deaths() == deaths
    return len(gone)


def used_up(office: Office) -> list[Answer]:
    """Let as many writers as there are connections wait for a lock; tells what readers were answered meanwhile."""
    with ThreadPoolExecutor(POOL + 30) as pool:
        with office.locked("tags"):
            for _ in range(POOL):
                pool.submit(call, office, "POST", "/tags", json={"name": "Hot", "slug": new_id().hex})
            waiting = "SELECT FROM pg_stat_activity WHERE usename = 'rapport_app' AND wait_event_type = 'Lock'"
            wait_for(lambda: len(office.ask(waiting)) >= POOL, 4, "every connection waits")
            told = list(pool.map(lambda _: call(office, "GET", "/leads"), range(30)))
        assert call(office, "GET", "/leads")[0] == 200
    return told


def clash(office: Office) -> int:
    """Lock a lead, let a request lock its contact and wait for the lead, then want the contact; tells its status."""
    [phone] = office.phones(1)
    lead = office.client.call("POST", "/leads", json={"contact": {"first_name": "Ada", "phone_number": phone}})
    change = {"json": {"first_name": "Grace", "product": "Windows"}}

    async def caught(pool: ThreadPoolExecutor) -> int:
        other: Any = await office._connect()
        try:
            await other.execute("BEGIN")
            await other.execute("SELECT FROM leads WHERE id = $1 FOR NO KEY UPDATE", lead["id"])
            request = pool.submit(call, office, "PATCH", f"/leads/{lead['id']}", **change)
            deadline = time.monotonic() + 4
            while not await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert time.monotonic() < deadline, "the request waits for nobody"
                await asyncio.sleep(0.02)
            await other.execute("SELECT FROM contacts WHERE id = $1 FOR NO KEY UPDATE", lead["contact"]["id"])
            await other.execute("ROLLBACK")
        finally:
            await other.close()
        return (await asyncio.wrap_future(request))[0]

    before = _deadlocks(office)
    with ThreadPoolExecutor(1) as pool:
        status = asyncio.run(caught(pool))
    wait_for(lambda: _deadlocks(office) > before, 10, "PostgreSQL counted a deadlock")
    assert office.get(f"/leads/{lead['id']}").json()["data"]["contact"]["first_name"] == "Grace"
    return status


def _deadlocks(office: Office) -> int:
    [[count]] = office.ask("SELECT deadlocks FROM pg_stat_database WHERE datname = 'rapport'")
    return int(count)


def test_connections_that_are_cut_used_up_or_deadlocked_cost_nobody_much(office: Office) -> None:
    assert cut(office) > 1
    told = used_up(office)
    assert {status for status, _ in told} == {503}
    assert max(seconds for _, seconds in told) <= FULL_SECONDS * BUSY
    assert clash(office) == 200


@pytest.mark.prove
@pytest.mark.alone
def test_connections_cut_used_up_and_deadlocked_ten_times(office: Office, proved: Note) -> None:
    gone = sum(cut(office) for _ in range(10))
    told = [answer for _ in range(10) for answer in used_up(office)]
    assert {status for status, _ in told} == {503}
    slowest = [seconds for _, seconds in told]
    assert max(slowest) <= FULL_SECONDS
    assert [clash(office) for _ in range(10)] == [200] * 10
    proved(
        12,
        f"all connections cut 10 times ({gone}) amid requests: 200 again with the next; all {POOL} used up 10 times:"
        f" {len(told)} calls, all 503, after at most {worst(slowest)} (goal 1 s); 10 deadlocks: each"
        " request began again and was answered 200",
    )
