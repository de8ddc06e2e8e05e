"""Work off what a request left behind, with the relay's and the worker's own code, without their processes."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import dramatiq
import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Database
from adapters.queue.deliver import Deliverer
from adapters.queue.relay import Relay
from entrypoints.config import Config
from entrypoints.subscriptions import SUBSCRIPTIONS, routes
from tests.http.lists import WorkOff


class Deaf(dramatiq.Broker):
    """Be a broker that loses everything: deliveries stand in PostgreSQL."""

    def enqueue(self, message: dramatiq.Message[Any], *, delay: int | None = None) -> dramatiq.Message[Any]:
        """Lose it."""
        del delay
        return message


@pytest.fixture
async def work_off(config: Config, house: AsyncContainer, database: Database) -> AsyncIterator[WorkOff]:
    """Relay what waits and work off every import, undo and removal that this test left to do.

    What earlier tests left is not touched: an erasure may wait minutes for an import that nobody will end.
    """
    system = await Database.open(config.system_database_url, size=2)
    relay = Relay(system, Deaf(), routes())
    deliverer = Deliverer(database, house, SUBSCRIPTIONS)

    async def owed() -> list[UUID]:
        await relay.run_once()
        async with system.connection() as connection:
            rows = await connection.fetch("SELECT id FROM deliveries WHERE queue = 'imports' AND parked_at IS NULL")
        return [UUID(str(row["id"])) for row in rows]

    others = set(await owed())

    async def worked_off() -> None:
        for delivery_id in await owed():
            if delivery_id not in others:
                await deliverer.deliver(delivery_id)

    yield worked_off
    await system.close()
