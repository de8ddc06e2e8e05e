"""Dramatiq: a courier of delivery ids. What is owed stands in PostgreSQL; losing all that is queued loses nothing."""

import logging
from urllib.parse import urlsplit
from uuid import UUID

import dramatiq
import pika
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import BrokerConnectionError
from dramatiq.worker import Worker
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import (
    AMQPConnectionError,
    AuthenticationError,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)
from redis.exceptions import RedisError

ACTOR = "deliver"
PREFETCH = {"replies": 16, "answers": 8, "default": 8, "campaigns": 4, "touches": 2, "reviews": 3, "imports": 2}
PRIORITY = {"replies": 0, "answers": 5, "default": 10, "campaigns": 20, "touches": 22, "reviews": 25, "imports": 30}


AWAY = (RedisError, BrokerConnectionError, OSError)
RABBITMQ_SCHEMES = ("amqp", "amqps")
_RABBITMQ = {"heartbeat": 20, "socket_timeout": 2, "stack_timeout": 4, "blocked_connection_timeout": 10}


def broker_at(url: str, *middleware: dramatiq.Middleware) -> dramatiq.Broker:
    """Make the broker that the address's scheme asks for: RabbitMQ for amqp and amqps, else Redis or Valkey."""
    if urlsplit(url).scheme in RABBITMQ_SCHEMES:
        return rabbitmq_broker(url, *middleware)
    return redis_broker(url, *middleware)


def rabbitmq_broker(url: str, *middleware: dramatiq.Middleware) -> RabbitmqBroker:
    """Make a broker that waits for RabbitMQ's word on each message, and notices within some 20 s that it hangs."""
    # Each lost connection is our own warning already, once; pika writes a page about it.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    broker = RabbitmqBroker(url=url, confirm_delivery=True, middleware=list(middleware))
    for name, value in _RABBITMQ.items():
        if f"{name}=" not in urlsplit(url).query:
            setattr(broker.parameters, name, value)
    return broker


def look_at_rabbitmq(url: str, seconds: float) -> str:
    """Shake hands with RabbitMQ and part again; gives `ok`, or what is wrong. It blocks, for so long at most."""
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    parameters = pika.URLParameters(url)
    parameters.socket_timeout = parameters.stack_timeout = seconds
    parameters.blocked_connection_timeout = seconds
    try:
        pika.BlockingConnection(parameters).close()
    except (AuthenticationError, ProbableAuthenticationError, ProbableAccessDeniedError):
        return "refuses our name, password or virtual host"
    except (AMQPConnectionError, AMQPConnectorException, OSError):
        return "cannot be reached"
    return "ok"


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


LOOK_EVERY = {
    "replies": 25,
    "answers": 25,
    "default": 50,
    "campaigns": 150,
    "touches": 150,
    "reviews": 150,
    "imports": 250,
}
END_WITHIN = 500
"""Milliseconds: how often an empty queue is looked into, and how soon an idle thread notices that it is to end."""


def message(delivery_id: UUID, queue: str) -> dramatiq.Message[None]:
    """Make the message that asks a worker for one delivery."""
    return dramatiq.Message(
        queue_name=queue, actor_name=f"{ACTOR}_{queue}", args=(str(delivery_id),), kwargs={}, options={}
    )


class QueuedWorker(Worker):
    """Give each queue its own share of the threads, so that a flood on one leaves the others theirs."""

    def __init__(self, broker: dramatiq.Broker) -> None:
        # A thread is woken by what arrives; its own look is for pauses and the end, and thirty of them cost a core.
        super().__init__(broker, worker_timeout=END_WITHIN, worker_threads=sum(PREFETCH.values()))

    def _add_consumer(self, queue_name: str, *, delay: bool = False) -> None:
        if not delay:
            self.queue_prefetch = PREFETCH[queue_name]
            self.worker_timeout = LOOK_EVERY[queue_name]
            super()._add_consumer(queue_name, delay=delay)
            self.worker_timeout = END_WITHIN
