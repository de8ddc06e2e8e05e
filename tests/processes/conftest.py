"""The bench of the delivery tests."""

from collections.abc import AsyncIterator

import pytest
import redis.asyncio as redis
from dishka import AsyncContainer

from adapters.persistence.database import Database
from adapters.queue.broker import redis_broker
from domain.kernel import new_id
from entrypoints.config import Config
from entrypoints.container import container
from tests.processes.workbench import Bench, Carpentry, Script


@pytest.fixture(scope="session")
async def workshop(config: Config) -> AsyncIterator[AsyncContainer]:
    """Open the house with the door in it."""
    opened = container(config, Carpentry())
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
async def system(config: Config) -> AsyncIterator[Database]:
    """Open the system role's pool."""
    opened = await Database.open(config.system_database_url, size=6)
    yield opened
    await opened.close()


@pytest.fixture
async def bench(config: Config, workshop: AsyncContainer, system: Database) -> AsyncIterator[Bench]:
    """Make an organisation; what others left in the outbox and the broker is gone."""
    async with redis.Redis.from_url(config.broker_url) as wires:
        await wires.flushall()
        async with system.connection() as connection:
            await connection.execute("DELETE FROM outbox")
            await connection.execute("DELETE FROM deliveries")
            await connection.execute("DELETE FROM schedules")
        script = await workshop.get(Script)
        script.__init__()  # type: ignore[misc]
        broker = redis_broker(config.broker_url)
        yield Bench(new_id(), workshop, await workshop.get(Database), system, broker, wires, script)
        broker.close()
