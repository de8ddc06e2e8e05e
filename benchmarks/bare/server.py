"""What every bare counterpart over HTTP stands on: granian, Litestar and a pool of asyncpg, nothing else."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, get
from litestar.handlers import HTTPRouteHandler

from adapters.persistence.database import connect_arguments


@get("/", sync_to_thread=False)
def ready() -> str:
    """Tell that it answers."""
    return "ready"


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    async def reset(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncpg's signature
        """Do nothing: a reset at each return would cost bare another statement."""


async def serve(routes: Sequence[HTTPRouteHandler], port: int, url: str, organization_id: UUID) -> None:
    """Serve until it is ended; routes find `pool` and `organization_id` in the state."""

    @asynccontextmanager
    async def pooled(app: Litestar) -> AsyncIterator[None]:
        arguments: dict[str, Any] = connect_arguments(url)
        settings = {"timezone": "UTC", "jit": "off"}
        async with asyncpg.create_pool(
            **arguments, max_size=20, connection_class=_Connection, server_settings=settings
        ) as pool:
            app.state.pool = pool
            app.state.organization_id = organization_id
            yield

    app = Litestar([*routes, ready], lifespan=[pooled], openapi_config=None, logging_config=None)
    await Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False).serve()
