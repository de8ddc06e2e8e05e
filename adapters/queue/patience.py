"""How a part outlives a database in trouble: it asks again, less and less often, and can be asked whether it waits."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import structlog

from adapters.persistence.trouble import TROUBLE

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 3.0
T = TypeVar("T")
log = structlog.get_logger()


def _pauses() -> Iterator[float]:
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_PAUSE)


class Patience:
    """Try what needs the database, again and again."""

    def __init__(self) -> None:
        self._waiting = 0
        self._pauses: Iterator[float] | None = None
        self._again_at = 0.0

    @property
    def waits(self) -> bool:
        """Tell whether anything waits for the database just now."""
        return self._pauses is not None or self._waiting > 0

    async def attempt(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do one round of what is called again anyway; after trouble, calls are passed over until the pause ends."""
        if time.monotonic() < self._again_at:
            return
        try:
            await work()
        except TROUBLE as error:
            self._pauses = self._pauses or _pauses()
            pause = next(self._pauses)
            self._again_at = time.monotonic() + pause
            log.warning("waiting for the database", error=type(error).__name__, seconds=pause)
            return
        if self._pauses is not None:
            self._pauses = None
            log.info("the database works again")

    async def insist(self, work: Callable[[], Awaitable[T]], gives_up: Callable[[], bool]) -> T:
        """Do something that nobody else will call again, until it is done or, while it is in trouble, given up."""
        pauses = _pauses()
        while True:
            try:
                return await work()
            except TROUBLE as error:
                if gives_up():
                    raise
                pause = next(pauses)
                log.warning("waiting for the database", error=type(error).__name__, seconds=pause)
            self._waiting += 1
            try:
                await asyncio.sleep(pause)
            finally:
                self._waiting -= 1
