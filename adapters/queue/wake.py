"""Wake relay and scheduler right after a commit, and streams after the relay; each one's polling is the net below."""

import asyncio
from collections.abc import AsyncIterator

import redis.asyncio as redis
import structlog

CHANNEL = "rapport:wake"
FED = "rapport:fed"
"""Where the relay says that events got their positions."""
log = structlog.get_logger()


class Wake:
    """Publish at most one message per 2 ms, however many commits there were; never delays the caller."""

    channel = CHANNEL
    seconds = 0.002

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._task: asyncio.Task[None] | None = None
        self._asked = False

    def __call__(self) -> None:
        """Ask for a wake-up soon."""
        self._asked = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._publish())

    async def _publish(self) -> None:
        while self._asked:
            await asyncio.sleep(self.seconds)
            self._asked = False  # who asks while this is on its way may have committed too late for it
            try:
                await self._client.publish(self.channel, b"")
            except (redis.RedisError, OSError) as error:
                log.info("wake not published", error=type(error).__name__)


class FeedWake(Wake):
    """Wake the streams of every process, at most once per 20 ms."""

    channel = FED
    seconds = 0.02


async def wake_ups(client: redis.Redis, every: float, channel: str = CHANNEL) -> AsyncIterator[None]:
    """Yield when woken, and at least each `every` seconds; outlives a Redis that is away."""
    while True:
        try:
            async with client.pubsub() as subscription:
                await subscription.subscribe(channel)
                while True:
                    await subscription.get_message(ignore_subscribe_messages=True, timeout=every)
                    yield
        except (redis.RedisError, OSError) as error:
            log.warning("wake-ups are polled only", error=type(error).__name__)
            yield
            await asyncio.sleep(every)
