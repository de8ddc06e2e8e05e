"""Signs of life of the parts that work in the background, kept in Redis for whoever asks whether the house is ready."""

import asyncio
import contextlib

import redis.asyncio as redis

PARTS = ("relay", "scheduler", "worker")
BEAT_SECONDS = 0.3
SILENT_MS = 1_500
_KEPT_MS = 86_400_000


def _key(part: str) -> str:
    return f"rapport:alive:{part}"


async def beat(client: redis.Redis, part: str) -> None:
    """Say every third of a second that one of these parts is at work, until cancelled.

    Whoever ends in order takes its last word back, so that it is not missed; others of its kind go on saying theirs.
    """
    try:
        while True:
            try:
                await client.set(_key(part), b"", px=_KEPT_MS)
            except (redis.RedisError, OSError):
                await asyncio.sleep(1)
            await asyncio.sleep(BEAT_SECONDS)
    finally:
        with contextlib.suppress(redis.RedisError, OSError, TimeoutError):
            await asyncio.wait_for(client.delete(_key(part)), 1)


async def silent(client: redis.Redis) -> list[str]:
    """Name the kinds of parts that were at work within a day and of which none has said so for 1.5 seconds."""
    async with client.pipeline(transaction=False) as pipe:
        for part in PARTS:
            pipe.pttl(_key(part))
        left = await pipe.execute()
    return [part for part, ms in zip(PARTS, left, strict=True) if 0 <= ms < _KEPT_MS - SILENT_MS]


async def missing(client: redis.Redis) -> list[str]:
    """Name the kinds of parts of which none is at work now, whether or not any ever was."""
    known = [bool(await client.exists(_key(part))) for part in PARTS]
    gone = {part for part, there in zip(PARTS, known, strict=True) if not there} | set(await silent(client))
    return [part for part in PARTS if part in gone]
