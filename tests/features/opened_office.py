"""An office opened for a scenario, on the container with the remembering provider."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Database
from adapters.queue.deliver import Deliverer
from adapters.queue.relay import Relay
from application.messaging.texting import Text
from entrypoints.config import Config
from entrypoints.subscriptions import SUBSCRIPTIONS, routes
from tests.application.conftest import Tenant, tenant, workshop
from tests.features.office import Office
from tests.http.background import Deaf

__all__ = ["office", "tenant", "workshop"]


@pytest.fixture
async def office(tenant: Tenant, workshop: AsyncContainer, config: Config) -> AsyncIterator[Office]:
    """Open an office; business time is put back afterwards."""
    system = await Database.open(config.system_database_url, size=2)
    async with system.connection() as connection:
        before: Any = await connection.fetchval("SELECT ahead FROM sandbox_clock")
    deliverer = Deliverer(tenant.database, workshop, SUBSCRIPTIONS)
    made = Office(tenant, system, Relay(system, Deaf(), routes()), deliverer)

    async def remember(text: Text) -> None:
        if text.organization_id == tenant.organization_id:
            made.sent.append((str(text.to), text.key, await made.now()))

    tenant.texting.on_send = remember
    yield made
    tenant.texting.on_send = None
    async with tenant.database.connection() as connection:
        await connection.execute("UPDATE sandbox_clock SET ahead = $1", before or timedelta(0))
    await system.close()
