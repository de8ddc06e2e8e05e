"""The bench of the delivery tests, and the office that is killed and robbed."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis.asyncio as redis
from dishka import AsyncContainer
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from adapters.persistence.database import Database
from adapters.queue.broker import redis_broker
from adapters.queue.signs import PARTS
from domain.kernel import new_id
from entrypoints.config import Config
from entrypoints.container import container
from entrypoints.demo.house import House
from tests.processes.office import Office, opened
from tests.processes.own_valkey import OwnValkey
from tests.processes.siege import besieged
from tests.processes.workbench import Bench, Carpentry, Script

__all__ = ["besieged"]


@pytest.fixture(scope="session", autouse=True)
def copies(migrated: Path) -> Iterator[None]:
    """Let all houses begin as copies of a data folder that was made and migrated."""
    House.template = migrated
    yield
    House.template = None


@pytest.fixture(scope="package", autouse=True)
def last_words(environment: dict[str, str]) -> Iterator[None]:
    """Forget in the end that parts were at work on the tests' own servers: who was killed took no word back."""
    yield
    # Where no test asked for the servers, nobody listens.
    with Redis.from_url(Config.load(environment).redis_url) as client, contextlib.suppress(RedisConnectionError):
        client.delete(*(f"rapport:alive:{part}" for part in PARTS))


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


@pytest.fixture(scope="package")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnValkey]:
    """Run the Valkey of the office."""
    made = OwnValkey(tmp_path_factory.mktemp("valkey"))
    made.start()
    yield made
    made.kill()


@pytest.fixture(scope="package")
def office(valkey: OwnValkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Open one house with two workers for all that kills its parts or takes its Valkey away; sign-ins are counted."""
    settings = {"RAPPORT_REDIS_URL": valkey.url, "RAPPORT_LIMIT_SIGN_IN": "10000/60", "RAPPORT_LIMIT_API": "100000/60"}
    with opened(tmp_path_factory.mktemp("lists"), "under-fire", settings=settings) as one:
        yield one
