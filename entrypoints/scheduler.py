"""The process that notices what is due: `rapport scheduler`, any number of them."""

import asyncio

import redis.asyncio as redis
import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from adapters.persistence.database import Database, Unavailable
from adapters.queue.broker import broker_at
from adapters.queue.schedules import Schedules
from adapters.queue.signs import beat
from adapters.queue.wake import wake_ups
from entrypoints.config import Config
from entrypoints.process import run_part
from entrypoints.subscriptions import schedules

log = structlog.get_logger()


async def run(config: Config, stop: asyncio.Event) -> None:
    """Tick each second, and at once when a commit says that something may be due."""
    database = await Database.open(config.system_database_url, size=2)
    client = redis.Redis.from_url(config.redis_url, socket_timeout=5, socket_connect_timeout=1)
    known = Schedules(database, broker_at(config.broker_url), schedules())
    busy = asyncio.Lock()

    async def tick() -> None:
        async with busy:
            try:
                await known.tick()
            except (Unavailable, OSError, TimeoutError) as error:
                log.warning("scheduler waits for the database", error=type(error).__name__)

    clockwork = AsyncIOScheduler(timezone="UTC")
    clockwork.add_job(tick, "interval", seconds=1, max_instances=1, coalesce=True)
    clockwork.start()
    signs = asyncio.create_task(beat(client, "scheduler"))
    try:
        async for _ in wake_ups(client, 1):
            if stop.is_set():
                return
            await tick()
    finally:
        clockwork.shutdown(wait=False)
        signs.cancel()
        await asyncio.gather(signs, return_exceptions=True)
        await client.aclose()
        await database.close()


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    run_part("scheduler", run)


if __name__ == "__main__":
    main()
