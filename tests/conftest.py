"""One pair of embedded servers, one migrated database and one container a test process; each test its own tenant."""

import gc
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from alembic import command
from argon2 import PasswordHasher
from dishka import AsyncContainer

from adapters.identity.argon2 import Argon2Passwords
from adapters.persistence.database import Database
from adapters.persistence.migrations.run import alembic_config
from entrypoints.config import Config
from entrypoints.container import container
from entrypoints.servers import Servers
from tests.calendars import DiaryOfTests

pytest_plugins = ("tests.proofs", "tests.sharing")
# Some import a helper module as such before others name it as a plugin.
pytest.register_assert_rewrite("tests.features", "tests.http")
LIMITS_OFF = {
    f"RAPPORT_LIMIT_{name}": "0"
    for name in ("SIGN_IN", "API", "UPLOADS", "ANONYMOUS", "TEXTS", "ANALYSES", "BAD_SIGNATURES")
}


def pytest_collection_finish() -> None:
    """Let what stands by now stay: looking through all tests for cycles, again and again, costs a fifth of the work."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run every asynchronous test and fixture on the one event loop of the session."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def shipped_hasher() -> Iterator[PasswordHasher]:
    """Hash passwords at the least cost, since nearly every test signs somebody up; give what is shipped."""
    shipped = Argon2Passwords.hasher
    Argon2Passwords.hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    yield shipped
    Argon2Passwords.hasher = shipped


@pytest.fixture(scope="session")
def migrated() -> Iterator[Path]:
    """Make the data folder of which all others are copies, where PostgreSQL's user can pass: outside pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="rapport-test-"))
    config = Config.load({"RAPPORT_DATA_DIR": str(folder)})
    with Servers(config):
        command.upgrade(alembic_config(config.owner_database_url), "head")
    for left in ("run", "log"):
        shutil.rmtree(folder / left)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def data_dir(migrated: Path) -> Iterator[Path]:
    """Make this process's own, whose PostgreSQL answers before it has written.

    A power cut would lose commits, and so would a kill -9 of it: whoever plays that has servers on a folder of its own.
    """
    folder = Path(tempfile.mkdtemp(prefix="rapport-test-"))
    subprocess.run(["cp", "-a", f"{migrated}/.", folder], check=True)  # with its owners, as PostgreSQL wants them
    with (folder / "postgres" / "postgresql.auto.conf").open("a") as settings:
        settings.write("synchronous_commit = off\n")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def environment(data_dir: Path) -> dict[str, str]:
    """Set up a sandbox without limits, with a key of its own, apart from whatever the shell has set."""
    return {
        "RAPPORT_DATA_DIR": str(data_dir),
        "RAPPORT_SANDBOX": "1",
        "RAPPORT_METRICS_PORT": "0",
        "RAPPORT_CRON_SECRET": "cron-secret-of-the-tests",
        "RAPPORT_PUBLIC_URL": "http://testserver",
        **LIMITS_OFF,
    }


@pytest.fixture(scope="session")
def servers(environment: dict[str, str]) -> Iterator[Servers]:
    """Run PostgreSQL and Valkey, migrated."""
    with Servers(Config.load(environment)) as running:
        yield running


@pytest.fixture(scope="session")
def config(environment: dict[str, str], servers: Servers) -> Config:
    """Give the settings of the running installation."""
    return Config.load(environment)


@pytest.fixture(scope="session")
async def house(config: Config) -> AsyncIterator[AsyncContainer]:
    """Open the container of the application role."""
    opened = container(config, DiaryOfTests())
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
async def database(house: AsyncContainer) -> Database:
    """Give the application role's pool."""
    return await house.get(Database)
