"""The bare search: `python -m benchmarks.bare.search PORT DATABASE_URL ORGANIZATION_ID`.

One statement as the superuser, over the same index of trigrams: the first fifty that hold the text, by name, and how
many there are, up to a thousand. No beginnings first, no best first, no sign-in, no tenancy.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, Response, get
from litestar.datastructures import State

from adapters.persistence.database import connect_arguments
from benchmarks.bare.leads import PAGE

_SHOWN = PAGE.partition("SELECT ")[2].partition("::text, leads.created_at")[0]
_SEARCH = f"""
WITH found AS MATERIALIZED (
  SELECT leads.id, contacts.name_key FROM contacts
  JOIN leads ON leads.organization_id = contacts.organization_id AND leads.contact_id = contacts.id
  WHERE contact_search_keys(contacts.organization_id, contacts.search) @> search_pattern_keys($1, ARRAY[$2])
    AND contacts.organization_id = $1 AND contacts.search LIKE $2 LIMIT 1000)
SELECT {_SHOWN}::text, (SELECT count(*) FROM found)
FROM (SELECT * FROM found ORDER BY name_key, id LIMIT 50) AS best
JOIN leads ON leads.organization_id = $1 AND leads.id = best.id
JOIN contacts ON contacts.organization_id = leads.organization_id AND contacts.id = leads.contact_id
ORDER BY best.name_key, best.id
"""


@get("/leads", sync_to_thread=False)
async def search_leads(state: State, search: str) -> Response[bytes]:
    """Answer the first fifty."""
    async with state.pool.acquire() as connection:
        rows = await connection.fetch(_SEARCH, state.organization_id, f"%{search}%")
    total = rows[0][1] if rows else 0
    items = b",".join([row[0].encode() for row in rows])
    body = b'{"data":[' + items + b'],"pagination":{"total":' + str(total).encode() + b"}}"
    return Response(body, media_type="application/json")


@get("/", sync_to_thread=False)
def ready() -> str:
    """Tell that it answers."""
    return "ready"


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    async def reset(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncpg's signature
        """Do nothing: a reset at each return would cost bare another statement."""


async def serve(port: int, url: str, organization_id: UUID) -> None:
    """Serve until it is ended."""

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

    app = Litestar([search_leads, ready], lifespan=[pooled], openapi_config=None, logging_config=None)
    await Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False).serve()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2], UUID(sys.argv[3])))
