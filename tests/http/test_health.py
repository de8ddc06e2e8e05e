"""Health and readiness: each part is asked, and one that is away, silent or something else is told in time."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters.persistence.database import Database
from tests.http.conftest import Client, OpenHouse
from tests.http.refusals import error_of

pytestmark = pytest.mark.anyio


async def test_health_answers_without_asking_anybody(open_house: OpenHouse) -> None:
    adrift = await open_house(
        database_url="postgresql+asyncpg://nobody@/nothing?host=/nonexistent", redis_url="unix:///nonexistent"
    )
    answer = await adrift.get("/health")
    assert answer.status_code == 200
    said = answer.json()["data"]
    assert said["status"] == "healthy"
    assert said["service"] == "rapport"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", said["timestamp"])


async def test_readiness_names_each_part(client: Client, open_house: OpenHouse, database: Database) -> None:
    answer = await client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["data"]["checks"] == {"database": "ok", "redis": "ok", "queue": "ok", "migrations": "ok"}
    adrift = await open_house(
        database_url="postgresql+asyncpg://nobody@/nothing?host=/nonexistent", redis_url="unix:///nonexistent"
    )
    refused = await adrift.get("/health/ready")
    assert refused.status_code == 503
    said = refused.json()["data"]
    assert said["status"] == "not_ready"
    assert set(said["checks"].values()) == {"cannot be reached"}


async def test_without_a_database_requests_are_refused_for_now(open_house: OpenHouse, owner: Client) -> None:
    adrift = await open_house(database_url="postgresql+asyncpg://nobody@/nothing?host=/nonexistent")
    answer = await adrift.get("/users/me", headers=dict(owner.headers))
    error_of(answer, 503, "UNAVAILABLE")
    assert answer.headers["retry-after"] == "1"


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def _something_else(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(8)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


@asynccontextmanager
async def _listening(serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]) -> AsyncIterator[int]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.parametrize(
    ("serve", "complaint"),
    [
        (_silent, "does not answer within 1.5 s"),
        (_something_else, "cannot be reached"),
        (None, "cannot be reached"),
    ],
)
async def test_a_rabbitmq_that_does_not_answer_is_told_in_time(
    open_house: OpenHouse, serve: Callable[..., Any] | None, complaint: str
) -> None:
    async with _listening(serve or _silent) as port:
        where = port if serve else 1
        house = await open_house(broker_url=f"amqp://rapport:secret@127.0.0.1:{where}/rapport")
        start = time.monotonic()
        answers = await asyncio.gather(*(house.get("/health/ready") for _ in range(3)))
        took = time.monotonic() - start
    for answer in answers:
        assert answer.status_code == 503
        checks = answer.json()["data"]["checks"]
        assert checks.pop("rabbitmq") == complaint
        assert set(checks.values()) == {"ok"}
    assert took < 2
