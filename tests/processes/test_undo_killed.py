"""Workers that are killed in the midst of an undo or a removal: another one goes on, and nothing is half done."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Database
from domain.kernel import new_id
from entrypoints.config import Config
from entrypoints.http.app import create_app
from tests.http.conftest import BASE, PASSWORD, Client
from tests.http.lists import MAPPING, WorkOff, imported, job
from tests.processes.test_import_killed import relaying, worker
from tests.proofs import Note

pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.background"]
_LEFT = """
SELECT (SELECT count(*) FROM leads WHERE organization_id = $1) AS leads,
       (SELECT count(*) FROM contacts WHERE organization_id = $1) AS contacts,
       (SELECT count(*) FROM import_rows WHERE organization_id = $1 AND outcome = 'undone') AS undone,
       (SELECT count(*) FROM import_rows r WHERE organization_id = $1 AND outcome = 'undone'
          AND EXISTS (SELECT FROM leads l WHERE l.organization_id = $1 AND l.id = r.lead_id)) AS undone_and_there,
       (SELECT count(*) FROM import_rows r WHERE organization_id = $1 AND outcome = 'created'
          AND NOT EXISTS (SELECT FROM leads l WHERE l.organization_id = $1 AND l.id = r.lead_id)) AS gone_and_not_undone
"""


@pytest.fixture
async def owner(config: Config, house: AsyncContainer) -> AsyncIterator[Client]:
    """Be the owner of a fresh organisation."""
    transport = httpx.ASGITransport(cast("Any", create_app(config, house)))
    async with Client(transport=transport, base_url=BASE) as client:
        body = {
            "email": f"{new_id().hex}@example.com",
            "password": PASSWORD,
            "name": "Olga",
            "organization_name": "Undone",
        }
        client.sign_in((await client.post("/auth/register", json=body)).json()["data"])
        yield client


def people(rows: int) -> bytes:
    """Write a list of people."""
    lines = (f"Ann{n},Ash{n},+4479{n:08},ann{n}@example.com" for n in range(rows))
    return "\n".join(("First,Last,Mobile,Mail", *lines)).encode()


async def finished_under_kills(
    client: Client, config: Config, environment: dict[str, str], database: Database, job_id: str, kills: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Let real workers do a job, killing so many of them in its midst; gives the job, and what stood at each kill."""
    seen: list[dict[str, Any]] = []
    reached = 0
    async with relaying(config) as system:
        for kill in range(kills + 1):
            async with system.connection() as connection:
                await connection.execute(
                    "UPDATE deliveries SET due_at = clock_timestamp(), leased_until = NULL WHERE queue = 'imports'"
                )
            with worker(environment) as process:
                if kill == kills:
                    return await reached_by(client, job_id, 1 << 40), seen
                await reached_by(client, job_id, reached + 1)
                process.kill()
                process.wait()
                reached = (await job(client, job_id))["progress"]["done"]
                seen.append(await left(client, database))
    raise AssertionError("unreachable")


async def reached_by(client: Client, job_id: str, until: int, seconds: float = 900) -> dict[str, Any]:
    """Look at a job until so much of it is done, or all."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        now = await job(client, job_id)
        if now["progress"]["done"] >= until or now["finished_at"] is not None:
            return now
        await asyncio.sleep(0.05)
    pytest.fail(f"the job stands still: {now}")


async def left(client: Client, database: Database) -> dict[str, Any]:
    """Count what is there."""
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(client.organization_id))
        await connection.execute("DISCARD PLANS; SET LOCAL statement_timeout = '60s'")
        return dict(await connection.fetchrow(_LEFT, client.organization_id, timeout=60))


async def _prove(
    owner: Client,
    config: Config,
    environment: dict[str, str],
    database: Database,
    work_off: WorkOff,
    rows: int,
    kills: int,
) -> None:
    done = await imported(owner, work_off, people(rows), MAPPING)
    found = (await owner.get("/leads?limit=3")).json()["data"]
    for lead in found:
        assert (await owner.post(f"/leads/{lead['id']}/notes", json={"body": "Rang."})).status_code == 201
    started = (await owner.post(f"/imports/{done['result']['import_id']}/undo")).json()["data"]
    ended, seen = await finished_under_kills(owner, config, environment, database, started["job_id"], kills=kills)

    assert ended["status"] == "done", ended
    assert ended["progress"] == {"done": rows, "total": rows}
    result = ended["result"]
    assert (result["removed_leads"], result["removed_contacts"], result["kept_leads"]) == (rows - 3, rows - 3, 3)
    assert all(3 < at["leads"] < rows for at in seen), "every kill came in the midst of the work"
    for at in [*seen, await left(owner, database)]:
        assert (at["undone_and_there"], at["gone_and_not_undone"]) == (0, 0), "nothing is half done"
        assert at["leads"] == at["contacts"] == rows - at["undone"]


async def _prove_removal(
    owner: Client, config: Config, environment: dict[str, str], database: Database, work_off: WorkOff, rows: int
) -> None:
    others = (await left(owner, database))["leads"]
    done = await imported(owner, work_off, people(rows), MAPPING)
    removal = await owner.delete(f"/datasets/{done['result']['dataset_id']}")
    assert removal.status_code == 202, removal.text
    job_id = removal.json()["data"]["job_id"]
    ended, seen = await finished_under_kills(owner, config, environment, database, job_id, kills=1)
    assert ended["status"] == "done", ended
    assert all(others < at["leads"] < others + rows for at in seen)
    assert (await left(owner, database))["leads"] == others


async def test_killed_workers_leave_no_half_undone_import(
    owner: Client, config: Config, environment: dict[str, str], database: Database, work_off: WorkOff
) -> None:
    await _prove(owner, config, environment, database, work_off, 16_000, 1)
    await _prove_removal(owner, config, environment, database, work_off, 16_000)


@pytest.mark.prove
async def test_an_undo_of_many_rows_under_kills(
    owner: Client, config: Config, environment: dict[str, str], database: Database, work_off: WorkOff, proved: Note
) -> None:
    rows = 200_000
    await _prove(owner, config, environment, database, work_off, rows, 4)
    proved(7, f"an import of {rows:,} rows undone, workers killed 4 times: nothing half done")
