"""How Alembic reaches the database: as the owner, over asyncpg, one transaction for all steps."""

import asyncio
from typing import Any

from alembic import context
from sqlalchemy import pool
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from adapters.persistence.schema import metadata

_MIGRATING = 0x4D69_6772


def _ours(_object: Any, name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:
    return not (kind == "table" and name is not None and name.startswith("events_"))


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=_ours,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _migrate() -> None:
    engine = create_async_engine(context.config.attributes["url"], poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.exec_driver_sql("SET lock_timeout = '2s'")
        # One at a time: of two machines that start together the second finds everything done.
        await connection.exec_driver_sql(f"SELECT pg_advisory_lock({_MIGRATING})")
        await connection.commit()
        await connection.run_sync(_run)
    await engine.dispose()


asyncio.run(_migrate())
