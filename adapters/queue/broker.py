"""Dramatiq on Redis: a courier of delivery ids. What is owed stands in PostgreSQL; losing all of this loses nothing."""

from uuid import UUID

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.worker import Worker

ACTOR = "deliver"
PREFETCH = {"replies": 16, "default": 8, "campaigns": 4, "imports": 2}
PRIORITY = {"replies": 0, "default": 10, "campaigns": 20, "imports": 30}


def redis_broker(url: str, *middleware: dramatiq.Middleware) -> RedisBroker:
    """Make a broker that gives a dead worker's messages back within minutes rather than never."""
    return RedisBroker(  # type: ignore[no-untyped-call]
        url=url,
        middleware=list(middleware),
        maintenance_chance=1000,
        heartbeat_timeout=60_000,
        socket_connect_timeout=2,
        socket_timeout=10,
    )


def message(delivery_id: UUID, queue: str) -> dramatiq.Message[None]:
    """Make the message that asks a worker for one delivery."""
    return dramatiq.Message(
        queue_name=queue, actor_name=f"{ACTOR}_{queue}", args=(str(delivery_id),), kwargs={}, options={}
    )


class QueuedWorker(Worker):
    """Give each queue its own share of the threads, so that a flood on one leaves the others theirs."""

    def __init__(self, broker: dramatiq.Broker) -> None:
        super().__init__(broker, worker_timeout=25, worker_threads=sum(PREFETCH.values()))

    def _add_consumer(self, queue_name: str, *, delay: bool = False) -> None:
        if not delay:
            self.queue_prefetch = PREFETCH[queue_name]
            super()._add_consumer(queue_name, delay=delay)
