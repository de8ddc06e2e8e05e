"""An upgrade while people work: a step that cannot have its table lets them pass, and is tried again."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import pytest
from alembic import command
from anyio import to_thread
from sqlalchemy.engine import make_url

from adapters.persistence.database import connect_arguments
from adapters.persistence.migrations.newest import newest_revision
from adapters.persistence.migrations.run import alembic_config
from entrypoints.config import CHECKOUT, Config
from entrypoints.servers import create_database, drop_database

pytestmark = pytest.mark.anyio
NAME = "rapport_upgrade"


@contextmanager
def _migrating(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "entrypoints.migrate"], cwd=CHECKOUT, env=os.environ | environment, text=True,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def urls(config: Config) -> Iterator[dict[str, str]]:
    """Make a database of our own; gives the settings that name it."""
    create_database(config, NAME)
    given = {
        "RAPPORT_DATABASE_URL": config.database_url,
        "RAPPORT_SYSTEM_DATABASE_URL": config.system_database_url,
        "RAPPORT_OWNER_DATABASE_URL": config.owner_database_url,
    }
    try:
        yield {
            "RAPPORT_DATA_DIR": str(config.data_dir),
            **{name: make_url(url).set(database=NAME).render_as_string(False) for name, url in given.items()},
        }
    finally:
        drop_database(config, NAME)


async def test_a_step_whose_table_is_held_lets_others_pass_and_is_tried_again(urls: dict[str, str]) -> None:
    owner = urls["RAPPORT_OWNER_DATABASE_URL"]
    await to_thread.run_sync(command.upgrade, alembic_config(owner), "0001")
    holder = await asyncpg.connect(**connect_arguments(owner))
    reader = await asyncpg.connect(**connect_arguments(owner))
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("LOCK TABLE accounts, memberships, sends, installation IN ACCESS SHARE MODE")
    longest = 0.0
    with _migrating(urls) as process, _migrating(urls) as twin:
        assert process.stderr is not None
        said = asyncio.create_task(asyncio.to_thread(process.stderr.readline))
        while not said.done():
            begun = time.monotonic()
            await reader.fetch("SELECT id FROM accounts LIMIT 1")
            longest = max(longest, time.monotonic() - begun)
            await asyncio.sleep(0.02)
        assert (await said).startswith("Somebody works with a table")
        assert await reader.fetchval("SELECT version_num FROM alembic_version") < newest_revision()
        await transaction.rollback()
        for one in (process, twin):
            assert await asyncio.to_thread(one.wait, 120) == 0
    assert longest < 10, "2 s, and this machine may be busy"
    assert await reader.fetchval("SELECT version_num FROM alembic_version") == newest_revision()
    for connection in (holder, reader):
        await connection.close()
