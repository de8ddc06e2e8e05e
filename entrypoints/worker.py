"""The process that works off deliveries: `rapport worker`, any number of them."""

import asyncio
import os
import signal
import threading
from uuid import UUID

import dramatiq
import redis.asyncio as redis
import structlog
from dishka import AsyncContainer
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.middleware import AsyncIO, Middleware

from adapters.persistence.database import Database
from adapters.queue.broker import ACTOR, PREFETCH, PRIORITY, QueuedWorker, broker_at
from adapters.queue.deliver import Deliverer
from adapters.queue.signs import at_work
from entrypoints.config import Config
from entrypoints.container import container
from entrypoints.logging import configure_logging
from entrypoints.metrics import serve_metrics
from entrypoints.pulse import pulse
from entrypoints.subscriptions import SUBSCRIPTIONS
from entrypoints.tracing import start_tracing

DRAIN_SECONDS = 20
log = structlog.get_logger()


class _House(Middleware):
    """Open the container on the event loop that the AsyncIO middleware, added before this one, has started."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.container: AsyncContainer | None = None
        self.deliverer: Deliverer | None = None
        self._beating: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()

    def before_worker_boot(self, _broker: dramatiq.Broker, _worker: dramatiq.Worker) -> None:
        loop = get_event_loop_thread()
        assert loop is not None
        try:
            loop.run_coroutine(self._open())
        except Exception as error:
            # Dramatiq would go on and let a worker without a house fail whatever it is given.
            log.error("worker cannot start", error=f"{type(error).__name__}: {error}")
            os._exit(1)

    async def _open(self) -> None:
        self.container = container(self._config)
        self.deliverer = Deliverer(await self.container.get(Database), self.container, SUBSCRIPTIONS)
        self._beating = asyncio.create_task(self._beat(await self.container.get(redis.Redis), self.deliverer))

    async def _beat(self, client: redis.Redis, deliverer: Deliverer) -> None:
        beating = asyncio.create_task(pulse())
        async with at_work(client, "worker", lambda: deliverer.waits):
            await self._ended.wait()
        beating.cancel()

    def end(self) -> None:
        """Let short work end and give long work back; may be called from any thread."""
        loop = get_event_loop_thread()
        if loop is not None:
            loop.loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        if self.deliverer is not None:
            self.deliverer.end()
        self._ended.set()

    async def close(self) -> None:
        if self.container is not None:
            await self.container.close()


def main() -> None:
    """Run until SIGTERM or SIGINT, then end what is under way and stop."""
    config = Config.load()
    configure_logging(config.log_level, part="worker")
    number = int(os.environ.get("RAPPORT_WORKER_NUMBER", "1"))
    serve_metrics(config.metrics_port_of("worker", number))
    start_tracing(config, "worker")
    house = _House(config)
    broker = broker_at(config.broker_url, AsyncIO(), house)
    dramatiq.set_broker(broker)

    async def deliver(delivery_id: str) -> None:
        assert house.deliverer is not None
        await house.deliverer.deliver(UUID(delivery_id))

    for queue in PREFETCH:
        dramatiq.actor(actor_name=f"{ACTOR}_{queue}", queue_name=queue, priority=PRIORITY[queue], broker=broker)(
            deliver
        )
    worker = QueuedWorker(broker)
    stop = threading.Event()
    for number_of_signal in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number_of_signal, lambda *_: stop.set())
    worker.start()
    stop.wait()
    loop = get_event_loop_thread()
    worker_stopper = threading.Thread(target=worker.stop, kwargs={"timeout": DRAIN_SECONDS * 1000}, daemon=True)
    worker_stopper.start()
    house.end()
    worker_stopper.join(DRAIN_SECONDS + 2)
    if worker_stopper.is_alive():
        os._exit(0)  # what hangs is taken up by others; the threads that wait for it would keep this process
    if loop is not None and loop.is_alive():
        asyncio.run_coroutine_threadsafe(house.close(), loop.loop)


if __name__ == "__main__":
    main()
