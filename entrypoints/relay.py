"""The process that hands events to those who follow them: `rapport relay`, any number of them."""

import asyncio
import signal

import redis.asyncio as redis
import structlog

from adapters.persistence.database import Database, Unavailable
from adapters.queue.broker import redis_broker
from adapters.queue.relay import Relay
from adapters.queue.wake import wake_ups
from entrypoints.config import Config
from entrypoints.logging import configure_logging
from entrypoints.metrics import serve_metrics, watch_queues
from entrypoints.subscriptions import routes

log = structlog.get_logger()


async def run(config: Config, stop: asyncio.Event) -> None:
    """Relay when woken, and each half second as the net."""
    database = await Database.open(config.system_database_url, size=4)
    client = redis.Redis.from_url(config.redis_url, socket_timeout=5, socket_connect_timeout=1)
    relay = Relay(database, redis_broker(config.broker_url), routes())
    gauges = asyncio.create_task(watch_queues(database, relay))
    try:
        async for _ in wake_ups(client, 0.5):
            if stop.is_set():
                return
            try:
                await relay.run_once()
            except (Unavailable, OSError, TimeoutError) as error:
                log.warning("relay waits for the database", error=type(error).__name__)
                await asyncio.sleep(0.5)
    finally:
        gauges.cancel()
        await client.aclose()
        await database.close()


async def _main(config: Config) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run(config, stop)


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    config = Config.load()
    configure_logging(config.log_level, part="relay")
    serve_metrics(config.metrics_port_of("relay"))
    asyncio.run(_main(config))


if __name__ == "__main__":
    main()
