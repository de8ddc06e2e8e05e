"""One organisation cannot see, touch or refer to another: read from the migrated database, and tried."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from adapters.persistence.database import Database, connect_arguments
from adapters.persistence.schema import metadata
from adapters.persistence.schema.tenancy import TENANT
from domain.kernel import new_id
from entrypoints.config import Config

pytestmark = pytest.mark.anyio

# Its id is its organisation's id, by a CHECK.
OWN_TENANT = "organizations"
TENANT_TABLES = sorted(table.name for table in metadata.tables.values() if table.info.get(TENANT))
# What is looked up before a tenant is known (`architecture.md`, tenancy), and what is no tenant's.
OUTSIDE = {
    "accounts", "memberships", "routes", "inbound", "outbox", "deliveries", "schedules", "installation",
    "sandbox_clock", "import_staging", "invitations", "api_keys",
    "platform_lessons", "installation_accounts",
}  # fmt: skip

_TABLES = """
SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, pg_get_userbyid(c.relowner) AS owner,
       array(SELECT condition FROM pg_policies p, unnest(ARRAY[p.qual, p.with_check]) AS condition
             WHERE p.tablename = c.relname AND p.schemaname = 'public' AND condition IS NOT NULL
               AND p.roles && ARRAY['rapport_app', 'public']::name[]) AS policies
FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""
_KEYS = """
SELECT i.indrelid::regclass::text AS relation, i.indexrelid::regclass::text AS name,
       array_agg(a.attname::text) AS columns
FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
JOIN pg_class c ON c.oid = i.indrelid
WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace AND NOT c.relispartition GROUP BY 1, 2
UNION ALL
SELECT k.conrelid::regclass::text, k.conname, array_agg(a.attname::text)
FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
JOIN pg_class c ON c.oid = k.conrelid
WHERE k.contype = 'f' AND c.relnamespace = 'public'::regnamespace AND NOT c.relispartition GROUP BY 1, 2
"""


async def violations(connection: Any) -> list[str]:
    """List tenant tables that are not shut."""
    found = {row["relname"]: row for row in await connection.fetch(_TABLES)}
    made = []
    for name in TENANT_TABLES:
        row = found[name]
        if not (row["relrowsecurity"] and row["relforcerowsecurity"]):
            made.append(f"{name}: row-level security is not enabled and forced")
        if row["owner"] != "rapport_owner":
            made.append(f"{name}: belongs to {row['owner']}")
        made += [
            f"{name}: a policy lets more through than the own organisation: {condition}"
            for condition in row["policies"]
            if not condition.startswith("(organization_id = ( SELECT") or "rapport.organization_id" not in condition
        ]
        if not row["policies"]:
            made.append(f"{name}: no policy")
    made += [
        f"{row['relation']}: {row['name']} does not hold organization_id"
        for row in await connection.fetch(_KEYS)
        if row["relation"] in TENANT_TABLES and "organization_id" not in row["columns"]
        if (row["relation"], row["columns"]) != (OWN_TENANT, ["id"])
    ]
    return made


@asynccontextmanager
async def _undone(config: Config, role: str = "rapport_owner") -> AsyncIterator[Any]:
    """Work as the owner or as somebody stronger, and undo it."""
    connection = await asyncpg.connect(**{**connect_arguments(config.owner_database_url), "user": role})
    try:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()
    finally:
        await connection.close()


async def test_every_tenants_table_is_shut(config: Config) -> None:
    async with _undone(config) as connection:
        assert await violations(connection) == []


async def unplaced(connection: Any) -> set[str]:
    """Name the tables that are neither a tenant's nor known to stand outside."""
    return {row["relname"] for row in await connection.fetch(_TABLES)} - {"alembic_version", *TENANT_TABLES, *OUTSIDE}


async def test_every_table_is_a_tenants_or_known_to_stand_outside(config: Config) -> None:
    async with _undone(config) as connection:
        assert await unplaced(connection) == set()
        there = {row["relname"] for row in await connection.fetch(_TABLES)}
        await connection.execute("CREATE TABLE planted (organization_id uuid, id uuid)")
        assert await unplaced(connection) == {"planted"}
    assert there >= OUTSIDE, "what is gone is still named"


@pytest.mark.parametrize(
    "opened",
    [
        "ALTER TABLE tags DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE tags NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY own_organization ON tags",
        "CREATE POLICY all_of_them ON tags TO rapport_app USING (true)",
        "ALTER POLICY own_organization ON tags WITH CHECK (true)",
        "ALTER TABLE tags ADD CONSTRAINT blind UNIQUE (id, name)",
        "CREATE UNIQUE INDEX blind ON tags (name, id)",
        "ALTER TABLE tags ADD CONSTRAINT astray FOREIGN KEY (id) REFERENCES accounts (id)",
    ],
)
async def test_an_opened_table_is_seen(config: Config, opened: str) -> None:
    async with _undone(config) as connection:
        await connection.execute(opened)
        found = await violations(connection)
    assert len(found) == 1
    assert found[0].startswith("tags: ")


_ROLES = """
SELECT rolname || ' is superuser, or passes row-level security, or makes roles or databases' AS wrong FROM pg_roles
WHERE rolname IN ('rapport_app', 'rapport_system') AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb)
UNION ALL
SELECT rolname || ' is a member of rapport_owner' FROM pg_roles
WHERE rolname IN ('rapport_app', 'rapport_system') AND pg_has_role(rolname, 'rapport_owner', 'MEMBER')
UNION ALL
SELECT relname || ': a partition has no policy of its own, and ' || role || ' has rights on it'
FROM pg_class, unnest(ARRAY['rapport_app', 'rapport_system']) AS role
WHERE relispartition AND relkind = 'r' AND has_table_privilege(role, oid, 'SELECT, INSERT, UPDATE, DELETE')
UNION ALL
SELECT 'rapport_system reads ' || table_name FROM information_schema.role_table_grants
WHERE grantee = 'rapport_system' AND privilege_type = 'SELECT' AND table_name <> ALL ($1)
"""
# What the system's role works on: deliveries and due times, no content.
_SYSTEM_READS = ("outbox", "deliveries", "schedules", "feed", "sandbox_clock", "alembic_version")


async def strong_roles(connection: Any) -> list[str]:
    """List what the application's and the system's roles may do and must not."""
    return [row["wrong"] for row in await connection.fetch(_ROLES, _SYSTEM_READS)]


async def test_the_roles_cannot_pass_row_level_security_and_the_systems_reads_no_content(config: Config) -> None:
    async with _undone(config, "postgres") as connection:
        assert await strong_roles(connection) == []


@pytest.mark.parametrize(
    "strengthened",
    [
        "ALTER ROLE rapport_app BYPASSRLS",
        "ALTER ROLE rapport_app SUPERUSER",
        "ALTER ROLE rapport_system CREATEROLE",
        "GRANT rapport_owner TO rapport_app",
        "GRANT SELECT ON messages TO rapport_system",
    ],
)
async def test_a_role_that_may_more_is_seen(config: Config, strengthened: str) -> None:
    async with _undone(config, "postgres") as connection:
        await connection.execute(strengthened)
        assert await strong_roles(connection)


async def test_rights_on_a_partition_are_seen(config: Config) -> None:
    async with _undone(config, "postgres") as connection:
        partition = await connection.fetchval("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")
        await connection.execute(f"GRANT SELECT ON {partition} TO rapport_app")
        [seen] = await strong_roles(connection)
    assert seen.startswith(f"{partition}: ")


@dataclass(frozen=True)
class _Tenant:
    organization_id: UUID
    contact_id: UUID
    thread_id: UUID


@asynccontextmanager
async def _as(database: Database, organization_id: UUID | None) -> AsyncIterator[Any]:
    async with database.connection() as connection, connection.transaction():
        if organization_id is not None:
            await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(organization_id))
        yield connection


async def _tenant(database: Database) -> _Tenant:
    made = _Tenant(new_id(), new_id(), new_id())
    async with _as(database, made.organization_id) as connection:
        await connection.execute(
            "INSERT INTO organizations (organization_id, id, name, created_at) VALUES ($1, $1, 'Bright', now())",
            made.organization_id,
        )
        await connection.execute(
            "INSERT INTO contacts (organization_id, id, first_name, created_at, updated_at)"
            " VALUES ($1, $2, 'Ada', now(), now())",
            made.organization_id,
            made.contact_id,
        )
        await connection.execute(_THREAD, made.organization_id, made.thread_id, made.contact_id)
    return made


_THREAD = """
INSERT INTO conversations (organization_id, id, contact_id, channel, address, started_at, last_message_at)
VALUES ($1, $2, $3, 'sms', '+447700900001', now(), now())
"""


async def test_without_an_organisation_nothing_is_seen(database: Database) -> None:
    await _tenant(database)
    async with _as(database, None) as connection:
        for table in TENANT_TABLES:
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def test_only_the_own_organisation_is_seen(database: Database) -> None:
    ours, theirs = await _tenant(database), await _tenant(database)
    async with _as(database, ours.organization_id) as connection:
        for table in ("organizations", "contacts", "conversations"):
            found = {row["organization_id"] for row in await connection.fetch(f"SELECT organization_id FROM {table}")}
            assert found == {ours.organization_id}, table
        assert not await connection.fetch("SELECT FROM conversations WHERE id = $1", theirs.thread_id)


async def test_a_foreign_row_cannot_be_written(database: Database) -> None:
    ours, theirs = await _tenant(database), await _tenant(database)
    async with _as(database, ours.organization_id) as connection:
        for statement in (
            "UPDATE conversations SET archived = true WHERE id = $1",
            "DELETE FROM conversations WHERE id = $1",
        ):
            assert (await connection.execute(statement, theirs.thread_id)).endswith(" 0")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with _as(database, ours.organization_id) as connection:
            await connection.execute(_THREAD, theirs.organization_id, new_id(), theirs.contact_id)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with _as(database, ours.organization_id) as connection:
            await connection.execute(
                "UPDATE contacts SET organization_id = $1 WHERE id = $2", theirs.organization_id, ours.contact_id
            )


async def test_a_foreign_row_cannot_be_referred_to(database: Database) -> None:
    ours, theirs = await _tenant(database), await _tenant(database)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with _as(database, ours.organization_id) as connection:
            await connection.execute(_THREAD, ours.organization_id, new_id(), theirs.contact_id)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with _as(database, ours.organization_id) as connection:
            await connection.execute(
                "UPDATE conversations SET contact_id = $1 WHERE id = $2", theirs.contact_id, ours.thread_id
            )


async def test_a_taken_id_of_another_organisation_tells_nothing(database: Database) -> None:
    ours, theirs = await _tenant(database), await _tenant(database)
    async with _as(database, ours.organization_id) as connection:
        await connection.execute("DELETE FROM conversations WHERE id = $1", ours.thread_id)
        await connection.execute(_THREAD, ours.organization_id, theirs.thread_id, ours.contact_id)
        assert await connection.fetchval("SELECT count(*) FROM conversations WHERE id = $1", theirs.thread_id) == 1


async def test_a_connection_given_back_has_forgotten_its_organisation(database: Database) -> None:
    ours = await _tenant(database)
    connection = await database.acquire()
    try:
        async with connection.transaction():
            await connection.execute(
                "SELECT set_config('rapport.organization_id', $1, true)", str(ours.organization_id)
            )
        assert await connection.fetchval("SELECT count(*) FROM conversations") == 0
    finally:
        await database.pool.release(connection)
