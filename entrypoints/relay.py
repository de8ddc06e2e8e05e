"""The process that hands events to those who follow them: `rapport relay`, any number of them."""

import asyncio

import redis.asyncio as redis
import structlog

from adapters.persistence.database import Database
from adapters.persistence.trouble import TROUBLE
from adapters.queue.broker import broker_at
from adapters.queue.housekeeping import keep_house
from adapters.queue.patience import Patience
from adapters.queue.relay import Relay
from adapters.queue.signs import at_work
from adapters.queue.wake import FeedWake, wake_ups
from entrypoints.config import Config
from entrypoints.metrics import watch_queues
from entrypoints.process import run_part
from entrypoints.subscriptions import GATHERED, routes

log = structlog.get_logger()


async def run(config: Config, stop: asyncio.Event) -> None:
    """Relay when woken, each half second as the net; who breaks off in its first round is not said to be at work."""
    database = await Database.open(config.system_database_url, size=4)
    client = redis.Redis.from_url(config.redis_url, socket_timeout=5, socket_connect_timeout=1)
    relay = Relay(database, broker_at(config.broker_url), routes(), FeedWake(client), GATHERED)
    gauges = asyncio.create_task(watch_queues(database, relay, config.accounts))
    house = asyncio.create_task(_keep_house(database))
    patience = Patience()
    try:
        await patience.attempt(relay.run_once)
        async with at_work(client, "relay", lambda: patience.waits):
            async for _ in wake_ups(client, 0.5):
                if stop.is_set():
                    return
                await patience.attempt(relay.run_once)
                while relay.has_more and not (patience.waits or stop.is_set()):
                    await patience.attempt(relay.run_once)
    finally:
        gauges.cancel()
        house.cancel()
        await asyncio.gather(gauges, house, return_exceptions=True)
        await client.aclose()
        await database.close()


async def _keep_house(database: Database) -> None:
    while True:
        try:
            await keep_house(database)
        except TROUBLE as error:
            log.warning("housekeeping waits", error=type(error).__name__)
        await asyncio.sleep(600)


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    run_part("relay", run)


if __name__ == "__main__":
    main()
