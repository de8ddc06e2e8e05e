"""Post: invitations mailed by a real provider process, worked off without the worker's."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from dishka import AsyncContainer, Provider, Scope, provide
from litestar import Litestar

from adapters.email.sandbox import SandboxMailing
from adapters.persistence.database import Database
from adapters.queue.deliver import Deliverer
from adapters.queue.relay import Relay
from adapters.sms.sandbox import provider_token
from application.mailing import Mailing
from entrypoints.config import Config
from entrypoints.container import container
from entrypoints.http.app import create_app
from entrypoints.subscriptions import SUBSCRIPTIONS, routes
from tests.contracts.sandbox_process import ProviderProcess, sandbox_provider
from tests.http.background import Deaf
from tests.http.conftest import Client

Deliver = Callable[[Client], Awaitable[None]]
OTHER = "a password of somebody's own"


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    """Run the sandbox's provider."""
    with sandbox_provider(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture(scope="session")
def own(config: Config, provider: ProviderProcess) -> Config:
    """Send mail through it."""
    return replace(config, sandbox_provider_url=provider.url, secret_keys=provider.config.secret_keys)


class _Impatient(Provider):
    @provide(scope=Scope.APP)
    async def mailing(self, config: Config) -> AsyncIterator[Mailing]:
        async with httpx.AsyncClient(trust_env=False) as client:
            token = provider_token(config.derived_key("sandbox-provider"))
            yield SandboxMailing(client, config.sandbox_provider_url, token, total_seconds=1.5)


@pytest.fixture(scope="session")
async def own_house(own: Config) -> AsyncIterator[AsyncContainer]:
    """Open the container that does, and waits less long for it."""
    opened = container(own, _Impatient())
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def own_app(own: Config, own_house: AsyncContainer) -> Litestar:
    """Make the application on it."""
    return create_app(own, own_house)


@pytest.fixture(scope="session")
def app(own_app: Litestar) -> Litestar:
    """Take it in place of the tests' common one, in the files that import this."""
    return own_app


@pytest.fixture
async def deliver(config: Config, own_house: AsyncContainer, database: Database) -> AsyncIterator[Deliver]:
    """Work off the mails that an organisation's invitations left behind."""
    system = await Database.open(config.system_database_url, size=2)
    relay = Relay(system, Deaf(), routes())
    deliverer = Deliverer(await own_house.get(Database), own_house, SUBSCRIPTIONS)

    async def delivered(of: Client) -> None:
        async with database.connection() as connection, connection.transaction():
            await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(of.organization_id))
            await connection.execute(
                "UPDATE mails SET next_try_at = NULL WHERE organization_id = $1", of.organization_id
            )
        async with system.connection() as connection:
            await connection.execute(
                "INSERT INTO deliveries (id, organization_id, subscription, queue, due_at)"
                " SELECT uuidv7(), organization_id, name, 'default', clock_timestamp() FROM schedules"
                " WHERE organization_id = $1 AND name = 'mails.settle' AND next_due_at IS NOT NULL",
                of.organization_id,
            )
        await relay.run_once()
        async with system.connection() as connection:
            owed = await connection.fetch(
                "SELECT id FROM deliveries WHERE organization_id = $1 AND subscription = 'mails.settle'"
                " AND parked_at IS NULL ORDER BY id",
                of.organization_id,
            )
        for row in owed:
            await deliverer.deliver(UUID(str(row["id"])))

    yield delivered
    await system.close()


async def mails(of: Client) -> list[dict[str, Any]]:
    """List what came to an organisation's mailbox."""
    answer = await of.get("/sandbox/mail")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]["mails"]
    return found


async def state(of: Client, invited: dict[str, Any]) -> tuple[str, str | None]:
    """Tell how the mail of an invitation stands, and why."""
    shown = (await of.get(f"/users/{invited['user']['id']}")).json()["data"]["invitation"]
    return shown["mail"], shown["mail_reason"]
