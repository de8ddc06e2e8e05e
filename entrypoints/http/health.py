"""Whether this process lives, and whether it can do its work."""

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar
from urllib.parse import urlsplit

import redis.asyncio as redis
import structlog
from dishka import AsyncContainer
from litestar import Request

from adapters.persistence.database import Database
from adapters.persistence.gathering import Gathering
from adapters.persistence.migrations.newest import newest_revision
from adapters.persistence.trouble import IS_READ_ONLY
from adapters.queue.broker import RABBITMQ_SCHEMES, look_at_rabbitmq
from adapters.queue.signs import silent, waiting
from application.ports import View
from entrypoints.config import Config
from entrypoints.http.operation import Answer, operation

log = structlog.get_logger()
_CHECK_SECONDS = 1.5
_RABBITMQ_SECONDS = 2.0
_LAG_SECONDS = 60.0
_BUT = "ok, but "
# While nothing can be changed all work grows late, and reading is to go on.
_LAG = f"""
SELECT CASE WHEN {IS_READ_ONLY} THEN 0 ELSE (
  SELECT coalesce(extract(epoch FROM clock_timestamp() - min(due_at)), 0)::float8
  FROM deliveries WHERE parked_at IS NULL
) END
"""  # noqa: S608 - our own words
_newest_revision = cache(newest_revision)


class HealthView(View, frozen=True):
    """Say that the process answers."""

    status: str
    service: str
    version: str
    timestamp: datetime
    example: ClassVar[dict[str, Any]] = {
        "status": "healthy", "service": "rapport", "version": "0.1.0", "timestamp": "2026-03-02T09:00:00Z",
    }  # fmt: skip


class ReadinessView(View, frozen=True):
    """Say of each part `ok`, or what is wrong."""

    status: str
    checks: dict[str, str]
    timestamp: datetime
    example: ClassVar[dict[str, Any]] = {
        "status": "ready",
        "checks": {"database": "ok", "redis": "ok", "queue": "ok", "migrations": "ok"},
        "timestamp": "2026-03-02T09:00:00Z",
    }


@operation("GET", "/health", "getHealth", "Tell that the service is alive", access="public", limits=())
async def get_health(config: Config) -> HealthView:
    """Answers without asking database or queue."""
    return HealthView(status="healthy", service="rapport", version=config.build, timestamp=datetime.now(UTC))


@operation(
    "GET",
    "/health/ready",
    "getReadiness",
    "Tell whether the service can do its work",
    access="public",
    limits=(),
    shows=ReadinessView,
)
async def get_readiness(request: Request[Any, Any, Any]) -> Answer:
    """Asks database, Redis, queue, migration level and, where it is the broker, RabbitMQ, each for at most 1.5 seconds.

    503 names what is wrong. A database that takes no changes is `ok, but read-only`, since reading goes on; parts that
    wait for it are named beside the queue's `ok`.
    """
    container: AsyncContainer = request.app.state.container
    checks = {"database": _database, "redis": _redis, "queue": _queue, "migrations": _migrations}
    if urlsplit((await container.get(Config)).broker_url).scheme in RABBITMQ_SCHEMES:
        checks["rabbitmq"] = _rabbitmq
    said = await asyncio.gather(*(_within(check(container)) for check in checks.values()))
    ready = all(word == "ok" or word.startswith(_BUT) for word in said)
    view = ReadinessView(
        status="ready" if ready else "not_ready",
        checks=dict(zip(checks, said, strict=True)),
        timestamp=datetime.now(UTC),
    )
    return Answer(view, 200 if ready else 503)


async def _within(check: Awaitable[str]) -> str:
    try:
        return await asyncio.wait_for(check, _CHECK_SECONDS)
    except TimeoutError:
        return f"does not answer within {_CHECK_SECONDS} s"
    except Exception as error:
        log.warning("not ready", error=type(error).__name__)
        return "cannot be reached"


async def _ask(container: AsyncContainer, statement: str) -> Any:
    database = await container.get(Database)
    async with database.connection() as connection:
        return await connection.fetchval(statement)


async def _database(container: AsyncContainer) -> str:
    return f"{_BUT}read-only" if await _ask(container, f"SELECT {IS_READ_ONLY}") else "ok"


async def _redis(container: AsyncContainer) -> str:
    client = await container.get(redis.Redis)
    try:
        await client.set("rapport:ready", b"", px=1000)
    except redis.ResponseError as error:
        return f"takes no writes ({str(error)[:100]})"
    return "ok"


async def _queue(container: AsyncContainer) -> str:
    lag = await _ask(container, _LAG)
    if lag >= _LAG_SECONDS:
        return f"the oldest delivery is overdue by {lag:.0f} s"
    client = await container.get(redis.Redis)
    try:
        missed, waits = await silent(client), await waiting(client)
    except (redis.RedisError, OSError):
        return "ok"  # whether Redis can be had is another check's to say
    if missed:
        return f"no {' and no '.join(missed)} is at work"
    return f"{_BUT}waiting for the database: {', '.join(waits)}" if waits else "ok"


async def _rabbitmq(container: AsyncContainer) -> str:
    config = await container.get(Config)
    return await _handshakes.ask(config.broker_url)


async def _shake_hands(urls: Sequence[str]) -> list[str]:
    words = {url: await asyncio.to_thread(look_at_rabbitmq, url, _RABBITMQ_SECONDS) for url in set(urls)}
    return [words[url] for url in urls]


# One handshake at a time, however many ask: a RabbitMQ that hangs holds one thread.
_handshakes = Gathering(_shake_hands)


async def _migrations(container: AsyncContainer) -> str:
    revision = await _ask(container, "SELECT version_num FROM alembic_version")
    expected = _newest_revision()
    return "ok" if revision == expected else f"at revision {revision}, the code expects {expected}"


ROUTES = (get_health, get_readiness)
