"""A few calls at once to one account: a flood of texts keeps no other account waiting, and no text that is awaited."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from application.messaging.texting import Text
from application.provider import Untried

AT_ONCE = 16
AWAITED_AT_ONCE = 8


class Places:
    """Give calls their turns, an account by itself."""

    def __init__(self, provider: str, seconds: float) -> None:
        self._provider = provider
        self._seconds = seconds
        self._known: dict[tuple[str, bool], asyncio.Semaphore] = {}

    @asynccontextmanager
    async def of(self, text: Text) -> AsyncIterator[None]:
        """Wait for a place for half the time at most, and let the call take what is left of all of it."""
        until = asyncio.get_running_loop().time() + self._seconds
        many = AWAITED_AT_ONCE if text.awaited else AT_ONCE
        key = text.account.access, text.awaited
        place = self._known.get(key) or self._known.setdefault(key, asyncio.Semaphore(many))
        try:
            async with asyncio.timeout(self._seconds / 2):
                await place.acquire()
        except TimeoutError as error:
            raise Untried(reason=f"Other calls to {self._provider} take too long.") from error
        try:
            async with asyncio.timeout_at(until):
                yield
        finally:
            place.release()
