"""The process that hands events to those who follow them: `rapport relay`, any number of them."""

import asyncio

import redis.asyncio as redis
import structlog

from adapters.persistence.database import Database, Unavailable
from adapters.queue.broker import broker_at
from adapters.queue.housekeeping import keep_house
from adapters.queue.relay import Relay
from adapters.queue.signs import beat
from adapters.queue.wake import FeedWake, wake_ups
from entrypoints.config import Config
from entrypoints.metrics import watch_queues
from entrypoints.process import run_part
from entrypoints.subscriptions import GATHERED, routes

log = structlog.get_logger()


async def run(config: Config, stop: asyncio.Event) -> None:
    """Relay when woken, and each half second as the net."""
    database = await Database.open(config.system_database_url, size=4)
    client = redis.Redis.from_url(config.redis_url, socket_timeout=5, socket_connect_timeout=1)
    relay = Relay(database, broker_at(config.broker_url), routes(), FeedWake(client), GATHERED)
    gauges = asyncio.create_task(watch_queues(database, relay, config.accounts))
    house = asyncio.create_task(_keep_house(database))
    signs = asyncio.create_task(beat(client, "relay"))
    try:
        async for _ in wake_ups(client, 0.5):
            if stop.is_set():
                return
            try:
                await relay.run_once()
                while relay.has_more and not stop.is_set():
                    await relay.run_once()
            except (Unavailable, OSError, TimeoutError) as error:
                log.warning("relay waits for the database", error=type(error).__name__)
                await asyncio.sleep(0.5)
    finally:
        gauges.cancel()
        house.cancel()
        signs.cancel()
        await asyncio.gather(gauges, house, signs, return_exceptions=True)
        await client.aclose()
        await database.close()


async def _keep_house(database: Database) -> None:
    while True:
        try:
            await keep_house(database)
        except (Unavailable, OSError, TimeoutError) as error:
            log.warning("housekeeping waits", error=type(error).__name__)
        await asyncio.sleep(600)


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    run_part("relay", run)


if __name__ == "__main__":
    main()
