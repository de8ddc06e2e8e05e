"""The line in which what providers bring waits for the database: in order, and never longer than they wait for us."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from entrypoints.http.errors import problem_of

AT_ONCE = 8  # fewer than there are connections, so that a flood leaves some to everybody else
PATIENCE_SECONDS = 10.0  # providers wait 15 s, and some never call again


class Intake:
    """Write down what providers bring, first come first served; one a process."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)

    async def store(self, write: Callable[[], Awaitable[None]]) -> None:
        """Write, again and again while the database is away; each notice counts once, so doing it twice is no harm."""
        ends = time.monotonic() + PATIENCE_SECONDS
        async with self._places:
            while True:
                try:
                    await write()
                except Exception as error:
                    if problem_of(error).status != 503 or time.monotonic() > ends:
                        raise
                else:
                    return
                await asyncio.sleep(random.uniform(0.05, 0.3))
