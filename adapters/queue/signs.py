"""Signs of life of the parts that work in the background, kept in Redis for whoever asks whether the house is ready."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import redis.asyncio as redis

PARTS = ("relay", "scheduler", "worker")
BEAT_SECONDS = 0.3
SILENT_MS = 1_500
_KEPT_MS = 86_400_000
_WAITING = b"waiting"


def _key(part: str) -> str:
    return f"rapport:alive:{part}"


@contextlib.asynccontextmanager
async def at_work(client: redis.Redis, part: str, waits: Callable[[], bool] = lambda: False) -> AsyncIterator[None]:
    """Say every third of a second that one of these parts is at work, or waits for the database.

    Whoever ends in order takes its last word back, so that it is not missed; others of its kind go on saying theirs.
    Whoever breaks off leaves it to grow old.
    """
    beating = asyncio.create_task(_beat(client, part, waits))
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
    with contextlib.suppress(redis.RedisError, OSError, TimeoutError):
        await asyncio.wait_for(client.delete(_key(part)), 1)


async def _beat(client: redis.Redis, part: str, waits: Callable[[], bool]) -> None:
    while True:
        try:
            await client.set(_key(part), _WAITING if waits() else b"", px=_KEPT_MS)
        except (redis.RedisError, OSError):
            await asyncio.sleep(1)
        await asyncio.sleep(BEAT_SECONDS)


async def silent(client: redis.Redis) -> list[str]:
    """Name the kinds of parts that were at work within a day and of which none has said so for 1.5 seconds."""
    async with client.pipeline(transaction=False) as pipe:
        for part in PARTS:
            pipe.pttl(_key(part))
        left = await pipe.execute()
    return [part for part, ms in zip(PARTS, left, strict=True) if 0 <= ms < _KEPT_MS - SILENT_MS]


async def waiting(client: redis.Redis) -> list[str]:
    """Name the kinds of parts that last said that they wait for the database."""
    return [part for part, said in zip(PARTS, await client.mget(map(_key, PARTS)), strict=True) if said == _WAITING]


async def missing(client: redis.Redis) -> list[str]:
    """Name the kinds of parts of which none is at work now, whether or not any ever was."""
    known = [bool(await client.exists(_key(part))) for part in PARTS]
    gone = {part for part, there in zip(PARTS, known, strict=True) if not there} | set(await silent(client))
    return [part for part in PARTS if part in gone]
