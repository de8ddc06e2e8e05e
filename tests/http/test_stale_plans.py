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

from adapters.persistence.database import Cause, Database, connect_arguments
from adapters.persistence.migrations.run import alembic_config
from application.coaching.measuring import Measuring
from application.outreach.planning import Planning
from application.ports import Actor
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
TOUCHES = 2000
_FILL = (
    "INSERT INTO contacts (organization_id, id, first_name, last_name, created_at, updated_at)"
    " SELECT $1, uuidv7(), 'Bo', 'Birch' || n, now(), now() FROM generate_series(1, $2::int) n",
    "INSERT INTO leads (organization_id, id, contact_id, stage, phone, created_at, updated_at)"
    " SELECT $1, uuidv7(), id, 'NEW_LEAD', '+447', now(), now() FROM contacts WHERE organization_id = $1 LIMIT $2::int",
)

THREADS = 200
_ANSWERED = (
    "INSERT INTO conversations (organization_id, id, contact_id, channel, address, started_at, last_message_at)"
    " SELECT $1, uuidv7(), uuidv7(), 'sms', n::text, now(), now() FROM generate_series(1, $2::int) n",
    "INSERT INTO messages (organization_id, id, conversation_id, contact_id, channel, direction, category, status,"
    " body, sender, recipient, created_at) SELECT $1, uuidv7(), id, contact_id, 'sms', 'inbound', 'reply', 'received',"
    " 'Hi', '', '', business_now() - n * interval '1 hour' FROM conversations, generate_series(1, 10) n"
    " WHERE organization_id = $1 AND $2::int > 0",
    "INSERT INTO replies (organization_id, id, conversation_id, status, lessons, breaches, prompt_version, model,"
    " input_tokens, output_tokens, cached_tokens, cost_micros, latency_ms, created_at)"
    " SELECT $1, uuidv7(), id, 'sent', '{}', '{}', 'master-0/reply-1', 'm', 0, 0, 0, 0, 0,"
    " business_now() - n * interval '1 hour' FROM conversations, generate_series(1, 10) n"
    " WHERE organization_id = $1 AND $2::int > 0",
)

SMALL = 400
# Of tables where nothing is known of an organisation, PostgreSQL takes it for one with as few rows as most have.
_SMALL_ONES = """
INSERT INTO {table} ({columns})
SELECT {values} FROM (SELECT uuidv7() AS organization FROM generate_series(1, $1)) o
CROSS JOIN (SELECT * FROM {table} LIMIT 1) r CROSS JOIN generate_series(1, 3)
"""


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


async def among_small_ones(superuser: Any, *tables: str) -> None:
    """Copy a row of each table to many organisations, and let PostgreSQL count."""
    await superuser.execute("SET session_replication_role = replica")
    new = {"organization_id": "o.organization", "id": "uuidv7()", "lead_id": "uuidv7()", "campaign_id": "uuidv7()"} | {
        "dataset_id": "uuidv7()"
    }
    for one in tables:
        await superuser.execute(f"ALTER TABLE {one} SET (autovacuum_enabled = off)")
        columns = [
            row[0]
            for row in await superuser.fetch(
                "SELECT column_name FROM information_schema.columns WHERE table_name = $1 AND is_generated = 'NEVER'",
                one,
            )
        ]
        values = ", ".join(new.get(column, f"r.{column}") for column in columns)
        await superuser.execute(_SMALL_ONES.format(table=one, columns=", ".join(columns), values=values), SMALL)
        await superuser.execute(f"ANALYZE {one}")


async def test_a_new_organisations_campaign_is_planned_without_walking_it_for_each_touch(
    owner: Client, work_off: WorkOff, config: Config, house: AsyncContainer
) -> None:
    superuser = await asyncpg.connect(
        **connect_arguments(config.owner_database_url.replace("rapport_owner@", "postgres@"))
    )
    settings = {"schedule": {"start": "00:00", "end": "00:00"}, "rate_limit_messages_per_minute": 6000}
    few = await people(owner, work_off, 0, 1)
    await owner.post("/campaigns/start", json={"dataset_id": few["dataset_id"], "settings": settings})
    await among_small_ones(superuser, "contacts", "leads", "enrolments")
    many = await people(owner, work_off, 1000, TOUCHES)
    started = await owner.post("/campaigns/start", json={"dataset_id": many["dataset_id"], "settings": settings})
    assert started.status_code == 200
    actor = Actor.system(owner.organization_id)
    async with house(context={Actor: actor, Cause: Cause()}) as scope:
        await (await scope.get(Planning)).plan()
    await house.close()  # says what its connections have read

    planned = await superuser.fetchval("SELECT count(*) FROM sends")
    read = await superuser.fetchval(
        "SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_user_tables WHERE relname IN ('leads', 'contacts')"
    )
    await superuser.close()
    assert planned == TOUCHES + 1
    assert read < 100 * TOUCHES


async def test_a_new_organisations_leads_are_listed_without_walking_its_contacts_for_each(
    owner: Client, work_off: WorkOff, config: Config, house: AsyncContainer
) -> None:
    superuser = await asyncpg.connect(
        **connect_arguments(config.owner_database_url.replace("rapport_owner@", "postgres@"))
    )
    # Where one has nearly all rows, PostgreSQL expects hardly any of an organisation that it does not know.
    await superuser.execute("SET session_replication_role = replica")
    large = new_id()
    for statement in _FILL:
        await superuser.execute(statement, large, OTHERS)
    for one in ("contacts", "leads"):
        await superuser.execute(f"ALTER TABLE {one} SET (autovacuum_enabled = off)")
        await superuser.execute(f"ANALYZE {one}")
    dataset_id = (await people(owner, work_off, 1000, TOUCHES))["dataset_id"]
    for query in ("limit=200", "limit=200&sort=name", f"limit=200&dataset_id={dataset_id}"):
        listed = await owner.get(f"/leads?{query}")
        assert listed.status_code == 200
        assert listed.json()["data"][0]["contact"]["first_name"] == "Ann"
    await house.close()  # says what its connections have read

    read = await superuser.fetchval(
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'contacts'"
    )
    await superuser.close()
    assert read < 100 * TOUCHES


async def test_what_followed_messages_is_counted_without_walking_the_week_for_each(
    owner: Client, config: Config, house: AsyncContainer
) -> None:
    superuser = await asyncpg.connect(
        **connect_arguments(config.owner_database_url.replace("rapport_owner@", "postgres@"))
    )
    await superuser.execute("SET session_replication_role = replica")
    for one in ("conversations", "messages", "replies"):
        await superuser.execute(f"ALTER TABLE {one} SET (autovacuum_enabled = off)")
    for statement in _ANSWERED:
        await superuser.execute(statement, owner.organization_id, THREADS)
    async with house(context={Actor: Actor.system(owner.organization_id), Cause: Cause()}) as scope:
        await (await scope.get(Measuring)).run()
    await house.close()  # says what its connections have read

    counted = await superuser.fetchval("SELECT count(*) FROM replies WHERE measured_at IS NOT NULL")
    read = await superuser.fetchval(
        "SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_user_tables WHERE relname IN ('messages', 'replies')"
    )
    await superuser.close()
    assert counted == THREADS * 10
    assert read < 100 * THREADS * 10
