"""Workers that are killed in the midst of an import: what another one goes on with is neither lost nor doubled."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Database
from adapters.queue.broker import redis_broker
from adapters.queue.relay import Relay
from entrypoints.config import Config
from entrypoints.http.app import create_app
from entrypoints.subscriptions import routes
from tests.http.conftest import BASE, PASSWORD, Client
from tests.http.lists import MAPPING, begin, job, new_dataset, upload

pytestmark = pytest.mark.anyio
ROWS = 40_000
KILLS = 3


@pytest.fixture
async def owner(config: Config, house: AsyncContainer) -> AsyncIterator[Client]:
    """Be the owner of a fresh organisation."""
    transport = httpx.ASGITransport(cast("Any", create_app(config, house)))
    async with Client(transport=transport, base_url=BASE) as client:
        body = {"email": "killed@example.com", "password": PASSWORD, "name": "Olga", "organization_name": "Killed"}
        client.sign_in((await client.post("/auth/register", json=body)).json()["data"])
        yield client


@contextmanager
def worker(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a real worker; it is killed at the end, if it still lives."""
    process = subprocess.Popen(
        [sys.executable, "-m", "entrypoints.worker"], env=os.environ | environment, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def relaying(config: Config) -> AsyncIterator[Database]:
    """Hand over what is due, again and again: a worker that dies as it extends its lease leaves it due later.

    Gives the system role's pool.
    """
    system = await Database.open(config.system_database_url, size=2)
    relay = Relay(system, redis_broker(config.broker_url), routes())

    async def relayed() -> None:
        while True:
            await relay.run_once()
            await asyncio.sleep(0.5)

    task = asyncio.create_task(relayed())
    try:
        yield system
    finally:
        task.cancel()
        try:
            with suppress(asyncio.CancelledError):
                await task  # what ended the relay before fails the test
        finally:
            await system.close()


def content() -> bytes:
    """Write a list with a duplicate in every tenth row and a failure in every twentieth."""
    lines = ["First,Last,Mobile,Mail"]
    for n in range(ROWS):
        number = "12345" if n % 20 == 7 else f"+4479{(n - n % 10) if n % 10 == 3 else n:08}"
        lines.append(f"Ann{n},Ash{n},{number},ann{n}@example.com")
    return "\n".join(lines).encode()


async def watched(client: Client, job_id: str, until: int) -> dict[str, Any]:
    """Look at a job until so many rows are done, or all of it."""
    for _ in range(6_000):
        now = await job(client, job_id)
        if now["progress"]["done"] >= until or now["finished_at"] is not None:
            return now
        await asyncio.sleep(0.01)
    pytest.fail(f"the import stands still: {now}")


async def test_killed_workers_lose_and_double_nothing(
    owner: Client, config: Config, environment: dict[str, str], database: Database
) -> None:
    found = await upload(owner, content())
    job_id = await begin(owner, await new_dataset(owner), found["id"], MAPPING)
    stopped_at: list[int] = []

    async with relaying(config) as system:
        for kill in range(KILLS + 1):
            # The lease of whoever was killed has run out: the sweep hands the delivery to the next.
            async with system.connection() as connection:
                await connection.execute(
                    "UPDATE deliveries SET due_at = clock_timestamp(), leased_until = NULL"
                    " WHERE subscription = 'imports.run'"
                )
            with worker(environment) as process:
                if kill == KILLS:
                    now = await watched(owner, job_id, until=ROWS + 1)
                    break
                await watched(owner, job_id, until=stopped_at[-1] + 1 if stopped_at else 1)
                process.send_signal(signal.SIGKILL)
                process.wait()
                stopped_at.append((await job(owner, job_id))["progress"]["done"])

    assert now["status"] == "done", now
    assert stopped_at == sorted(set(stopped_at))
    assert stopped_at[0] > 0
    assert stopped_at[-1] < ROWS, "every kill came in the midst of the work"
    failed, duplicates = ROWS // 20, ROWS // 10
    created = ROWS - failed - duplicates
    assert now["result"]["imported"] == {
        "total_rows": ROWS,
        "successful": created,
        "failed": failed,
        "duplicates": duplicates,
    }
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(owner.organization_id))
        row = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM leads WHERE organization_id = $1) AS leads,"
            " (SELECT count(DISTINCT phone) FROM leads WHERE organization_id = $1) AS phones,"
            " (SELECT count(*) FROM contacts WHERE organization_id = $1) AS contacts,"
            " count(*) AS rows, min(row) AS first, max(row) AS last,"
            " count(*) FILTER (WHERE outcome = 'created' AND NOT EXISTS"
            "   (SELECT FROM leads WHERE organization_id = $1 AND id = lead_id)) AS without_lead"
            " FROM import_rows WHERE organization_id = $1 AND import_id = $2",
            owner.organization_id,
            UUID(now["result"]["import_id"]),
        )
    assert dict(row) == {
        "leads": created,
        "phones": created,
        "contacts": created,
        "rows": ROWS,
        "first": 2,
        "last": ROWS + 1,
        "without_lead": 0,
    }
