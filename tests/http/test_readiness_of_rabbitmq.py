"""Where RabbitMQ is the broker, readiness asks it too: one that is away, silent or no RabbitMQ is told in time."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.http.test_conventions import OpenHouse, open_house

__all__ = ["open_house"]
pytestmark = pytest.mark.anyio


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
