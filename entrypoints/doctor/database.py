"""What the database is: its roles' rights, its clock, its tables, indexes and partitions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.dialects import postgresql

from adapters.persistence.database import connect_arguments
from adapters.persistence.migrations.newest import newest_revision
from adapters.persistence.schema import metadata
from adapters.persistence.schema.tenancy import TENANT
from adapters.persistence.trouble import IS_READ_ONLY
from entrypoints.config import Config

OLDEST_SERVER = 180_000
MOST_SKEW_SECONDS = 2.0

_ROLE = """
SELECT current_user AS name, current_setting('server_version_num')::int AS version, rolsuper, rolbypassrls,
       EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
               AND c.relname = ANY ($1) AND pg_has_role(current_user, c.relowner, 'MEMBER')) AS owns
FROM pg_roles WHERE rolname = current_user
"""
_OPEN_TABLES = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY ($1)
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY 1
"""
_INDEXES = """
SELECT c.relname AS name, t.relname AS of, i.indisvalid AND i.indisready AS sound
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
WHERE c.relnamespace = 'public'::regnamespace
"""
_IDLE = "so that people can read and change nothing, and relay, scheduler and workers wait"
_PARTITION = "SELECT to_regclass('public.events_' || to_char(now() + interval '1 month', 'YYYYMM')) IS NOT NULL"


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    """Lend a connection of one role, for a moment."""
    connection = await asyncpg.connect(**connect_arguments(url), timeout=3, command_timeout=20)
    try:
        yield connection
    finally:
        await connection.close(timeout=2)


async def application_role(config: Config) -> list[str]:
    """Find an application role to which row-level security does not apply."""
    return await _role("RAPPORT_DATABASE_URL", config.database_url, "rapport_app")


async def system_role(config: Config) -> list[str]:
    """Find a system role that may see contents."""
    return await _role("RAPPORT_SYSTEM_DATABASE_URL", config.system_database_url, "rapport_system")


async def _role(variable: str, url: str, expected: str) -> list[str]:
    try:
        async with connected(url) as connection:
            role = await connection.fetchrow(_ROLE, list(metadata.tables))
    except (asyncpg.PostgresError, OSError, TimeoutError) as error:
        return [f"{variable}: PostgreSQL lets nobody in ({type(error).__name__})."]
    found = []
    if role["version"] < OLDEST_SERVER:
        found.append(f"{variable}: PostgreSQL {role['version'] // 10_000} is too old: 18 is needed.")
    if role["name"] != expected:
        found.append(f"{variable} signs in as {role['name']}; policies and grants are {expected}'s.")
    if role["rolsuper"] or role["rolbypassrls"]:
        found.append(f"{variable}: {role['name']} bypasses row-level security; every organisation's rows lie open.")
    if role["owns"] and not role["rolsuper"]:
        found.append(f"{variable}: {role['name']} is the tables' owner, or a member of that role; it may change them.")
    return found


async def changes(config: Config) -> list[str]:
    """Find a database that takes no changes from our roles."""
    found = []
    urls = {"RAPPORT_DATABASE_URL": config.database_url, "RAPPORT_SYSTEM_DATABASE_URL": config.system_database_url}
    for variable, url in urls.items():
        async with connected(url) as connection:
            standby, read_only = await connection.fetchrow(f"SELECT pg_is_in_recovery(), {IS_READ_ONLY}")
        if standby:
            found.append(
                f"{variable}: The database is read-only, {_IDLE}: this is a standby; promote it, or name another."
            )
        elif read_only:
            found.append(f"{variable}: The database is read-only, {_IDLE}: default_transaction_read_only is on.")
    return found


async def clocks(config: Config) -> list[str]:
    """Find a machine whose clock is not the database's: leases and tokens are judged by both."""
    async with connected(config.system_database_url) as connection:
        skews = []
        for _ in range(3):
            before = datetime.now(UTC)
            at = await connection.fetchval("SELECT clock_timestamp()")
            after = datetime.now(UTC)
            skews.append(max((at - after).total_seconds(), (before - at).total_seconds(), 0.0))
    skew = min(skews)
    if skew <= MOST_SKEW_SECONDS:
        return []
    return [f"This machine's clock and the database's are {skew:.1f} s apart: let both follow a time server."]


async def migrations(config: Config) -> list[str]:
    """Find tables of another revision than the code's."""
    try:
        async with connected(config.system_database_url) as connection:
            revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        revision = None
    expected = await asyncio.to_thread(newest_revision)
    if revision == expected:
        return []
    return [f"The tables are at revision {revision or 'none'}, the code expects {expected}: run `rapport migrate`."]


async def tenancy(config: Config) -> list[str]:
    """Find tenants' tables without row-level security enabled and forced."""
    async with connected(config.system_database_url) as connection:
        tables = [table.name for table in metadata.tables.values() if table.info.get(TENANT)]
        rows = await connection.fetch(_OPEN_TABLES, tables)
    return [f"Row-level security is not enabled and forced on the table {row['relname']}." for row in rows]


async def indexes(config: Config) -> list[str]:
    """Find indexes that are missing, or that a broken-off build left invalid."""
    async with connected(config.system_database_url) as connection:
        rows = await connection.fetch(_INDEXES)
    there = {row["name"] for row in rows}
    found = [
        f"The index {row['name']} of {row['of']} is invalid: REINDEX INDEX CONCURRENTLY mends it."
        for row in rows
        if not row["sound"]
    ]
    missing = sorted(_expected() - there)
    return found + [f"The index {name} is missing: restore it as the migrations made it." for name in missing]


def _expected() -> set[str]:
    prepared = postgresql.dialect().identifier_preparer  # type: ignore[no-untyped-call]
    names = set()
    for table in metadata.tables.values():
        names |= {str(prepared.format_index(index)).strip('"') for index in table.indexes}
        names |= {
            str(prepared.format_constraint(constraint)).strip('"')
            for constraint in table.constraints
            if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint) and constraint.columns
        }
    return names


async def partitions(config: Config) -> list[str]:
    """Find next month's partition of the event log missing: without it nothing can be written from then on."""
    async with connected(config.system_database_url) as connection:
        there = await connection.fetchval(_PARTITION)
    return [] if there else ["Next month's partition of the event log is missing; the relay makes it: does one run?"]
