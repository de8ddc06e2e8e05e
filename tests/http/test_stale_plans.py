"""A worker that has known the tables when they were all but empty does not walk through them once they are full."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import anyio
import asyncpg
import httpx
import pytest
from alembic import command
from dishka import AsyncContainer

from adapters.persistence.database import Database, connect_arguments
from adapters.persistence.migrations.run import alembic_config
from domain.kernel import new_id
from entrypoints.config import Config
from entrypoints.container import container
from entrypoints.http.app import create_app
from entrypoints.servers import create_database, drop_database
from tests.http.conftest import BASE, PASSWORD, Client
from tests.http.lists import MAPPING, WorkOff, imported, job, table

pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.background"]
OTHERS = 15_000
MINE = 300
_FILL = (
    "INSERT INTO contacts (organization_id, id, first_name, last_name, created_at, updated_at)"
    " SELECT $1, uuidv7(), 'Bo', 'Birch' || n, now(), now() FROM generate_series(1, $2::int) n",
    "INSERT INTO leads (organization_id, id, contact_id, stage, phone, created_at, updated_at)"
    " SELECT $1, uuidv7(), id, 'NEW_LEAD', '+447', now(), now() FROM contacts WHERE organization_id = $1 LIMIT $2::int",
)


@pytest.fixture
async def config(config: Config) -> AsyncIterator[Config]:
    """Set up a database whose tables are empty."""
    name = f"stale_{new_id().hex}"
    await anyio.to_thread.run_sync(create_database, config, name)
    urls = {
        field: getattr(config, field).replace("@/rapport?", f"@/{name}?")
        for field in ("database_url", "system_database_url", "owner_database_url")
    }
    own = replace(config, **urls)
    await anyio.to_thread.run_sync(command.upgrade, alembic_config(own.owner_database_url), "head")
    yield own
    await anyio.to_thread.run_sync(drop_database, config, name)


@pytest.fixture
async def house(config: Config) -> AsyncIterator[AsyncContainer]:
    """Open a container whose connections are new."""
    opened = container(config)
    yield opened
    await opened.close()


@pytest.fixture
async def database(house: AsyncContainer) -> Database:
    """Give its pool."""
    return await house.get(Database)


@pytest.fixture
async def owner(config: Config, house: AsyncContainer) -> AsyncIterator[Client]:
    """Be the first owner."""
    transport = httpx.ASGITransport(cast("Any", create_app(config, house)))
    async with Client(transport=transport, base_url=BASE) as client:
        body = {"email": "olga@example.com", "password": PASSWORD, "name": "Olga", "organization_name": "Grown"}
        client.sign_in((await client.post("/auth/register", json=body)).json()["data"])
        yield client


async def people(client: Client, work_off: WorkOff, first: int, count: int) -> dict[str, str]:
    """Import so many people; gives the ids of import and dataset."""
    lines = [f"Ann,Ash{n},+4479{n:08}," for n in range(first, first + count)]
    done = await imported(client, work_off, table(*lines), MAPPING)
    return cast("dict[str, str]", done["result"])


async def undone(client: Client, work_off: WorkOff, import_id: str) -> dict[str, Any]:
    """Undo an import."""
    started = (await client.post(f"/imports/{import_id}/undo")).json()["data"]
    await work_off()
    return await job(client, started["job_id"])


async def removed(client: Client, dataset_id: str) -> None:
    """Remove a dataset with what hangs on it, in the request."""
    assert (await client.delete(f"/datasets/{dataset_id}")).status_code == 204


async def test_undo_and_removal_after_a_large_import_read_no_more_than_they_take(
    owner: Client, work_off: WorkOff, config: Config, house: AsyncContainer
) -> None:
    superuser = await asyncpg.connect(
        **connect_arguments(config.owner_database_url.replace("rapport_owner@", "postgres@"))
    )
    # Nobody analyses here, as on a machine whose autovacuum is behind.
    await superuser.execute("ALTER TABLE leads SET (autovacuum_enabled = off)")
    for number in range(6):
        few = await people(owner, work_off, number * 10, 3)
        await undone(owner, work_off, few["import_id"])
        await removed(owner, (await people(owner, work_off, number * 10, 3))["dataset_id"])
    await superuser.execute("SET session_replication_role = replica")
    for statement in _FILL:
        await superuser.execute(statement, owner.organization_id, OTHERS)
    ended = await undone(owner, work_off, (await people(owner, work_off, 1000, MINE))["import_id"])
    await removed(owner, (await people(owner, work_off, 1000, MINE))["dataset_id"])
    await house.close()  # says what its connections have read

    read = await superuser.fetchval(
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'leads'"
    )
    await superuser.close()
    assert ended["result"]["removed_leads"] == ended["result"]["removed_contacts"] == MINE
    assert read < 100 * MINE
