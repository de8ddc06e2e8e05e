"""Read streams of events: what was missed, at once."""

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import pytest

from adapters.persistence.database import Database
from adapters.queue.relay import Relay
from entrypoints.config import Config
from entrypoints.subscriptions import routes
from tests.http.background import Deaf
from tests.http.conftest import Client

Feed = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture
async def feed(config: Config) -> AsyncIterator[Feed]:
    """Let the relay give what happened its positions."""
    system = await Database.open(config.system_database_url, size=1)
    relay = Relay(system, Deaf(), routes())

    async def fed() -> None:
        await relay.run_once()

    yield fed
    await system.close()


@dataclass(frozen=True)
class Told:
    """Hold one event as a client reads it."""

    id: int | None
    name: str
    data: dict[str, Any]


def read_events(text: str) -> tuple[list[Told], int]:
    """Read a stream as the standard says (HTML, 9.2.6); gives its events and the id to go on with."""
    found: list[Told] = []
    last = -1
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if "id" in fields:
            last = int(fields["id"])
        if "data" in fields:
            found.append(Told(last, fields["event"], msgspec.json.decode(fields["data"])))
    return found, last


async def missed(
    client: Client, last: int | str | None = None, path: str = "/events/stream", **params: Any
) -> httpx.Response:
    """Ask for what was missed since an event."""
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    return await client.get(path, params={"seconds": 0, **params}, headers=headers)


async def told(client: Client, last: int, path: str = "/events/stream", **params: Any) -> list[Told]:
    """Give the events since another."""
    answer = await missed(client, last, path, **params)
    assert answer.status_code == 200, answer.text
    return read_events(answer.text)[0]


async def now(client: Client) -> int:
    """Give the id from which on everything is new."""
    return read_events((await missed(client)).text)[1]
