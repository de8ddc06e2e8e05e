"""The bare sending: `python -m benchmarks.bare.noop_actor REDIS_URL MESSAGES` prints how long a worker takes over them.

Dramatiq with its defaults, one process, an async actor that does nothing, one message an id.
"""

import sys
import threading
import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AsyncIO


def main(url: str, messages: int) -> None:
    """Enqueue, then time the worker alone."""
    broker = RedisBroker(url=url, middleware=[AsyncIO()], namespace="bare")  # type: ignore[no-untyped-call]
    dramatiq.set_broker(broker)
    ended = threading.Event()
    left = messages

    async def noop(_identifier: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            ended.set()

    actor = dramatiq.actor(queue_name="bare", broker=broker)(noop)
    for number in range(messages):
        actor.send(str(number))
    worker = dramatiq.Worker(broker)
    began = time.perf_counter()
    worker.start()
    if not ended.wait(120):
        raise SystemExit("The worker did not come to the end of its messages.")
    print(time.perf_counter() - began)
    worker.stop()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
