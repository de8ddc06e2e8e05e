"""The process that notices what is due: `rapport scheduler`, any number of them."""

import asyncio

import redis.asyncio as redis
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from adapters.persistence.database import Database
from adapters.queue.broker import broker_at
from adapters.queue.patience import Patience
from adapters.queue.schedules import Schedules
from adapters.queue.signs import at_work
from adapters.queue.wake import wake_ups
from entrypoints.config import Config
from entrypoints.process import run_part
from entrypoints.subscriptions import schedules


async def run(config: Config, stop: asyncio.Event) -> None:
    """Tick each second, and at once when a commit says that something may be due; at work after the first tick."""
    database = await Database.open(config.system_database_url, size=2)
    client = redis.Redis.from_url(config.redis_url, socket_timeout=5, socket_connect_timeout=1)
    known = Schedules(database, broker_at(config.broker_url), schedules())
    busy, patience = asyncio.Lock(), Patience()

    async def tick() -> None:
        async with busy:
            await patience.attempt(known.tick)

    clockwork = AsyncIOScheduler(timezone="UTC")
    clockwork.add_job(tick, "interval", seconds=1, max_instances=1, coalesce=True)
    clockwork.start()
    try:
        await tick()
        async with at_work(client, "scheduler", lambda: patience.waits):
            async for _ in wake_ups(client, 1):
                if stop.is_set():
                    return
                await tick()
    finally:
        clockwork.shutdown(wait=False)
        await client.aclose()
        await database.close()


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    run_part("scheduler", run)


if __name__ == "__main__":
    main()
