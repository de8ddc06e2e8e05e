"""What just happened, read once a process for all who follow it: a ring of the latest events an organisation."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

import redis.asyncio as redis
import structlog

from adapters.persistence.database import Database, Unavailable
from adapters.persistence.feed import PAGE
from adapters.queue.wake import FED, wake_ups
from application.platform.event_stream import EventFeed, Page
from application.platform.happened import Happened

MOST = 1_000
KEPT_SECONDS = 30.0
PAGES_READ_AGAIN = 5
"""How many pages of the log are kept for those who fell behind what is kept anyway."""
POLL_SECONDS = 1.0
_NEWS = "SELECT position, organization_id FROM feed WHERE position > $1 ORDER BY position LIMIT 5000"
_HEAD = "SELECT coalesce(max(position), 0) FROM feed"
log = structlog.get_logger()


class Ring:
    """Keep one organisation's latest events for all who follow it, and read the log on for those who are behind."""

    def __init__(self, read_upto: int, log_after: Callable[[int], Awaitable[Page]]) -> None:
        self.followers = 0
        self.read_upto = read_upto
        self._log_after = log_after
        self._kept: deque[tuple[float, Happened]] = deque()
        self._dropped = read_upto
        self._moved = asyncio.Event()
        self._read_again: deque[tuple[float, int, Page]] = deque(maxlen=PAGES_READ_AGAIN)
        self._reading = asyncio.Lock()

    def push(self, events: Sequence[Happened], upto: int) -> None:
        """Take in what was read, and wake who waits."""
        now = time.monotonic()
        self._kept.extend((now, event) for event in events)
        self.read_upto = upto
        self.trim(now)
        if events:
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()

    def trim(self, now: float) -> None:
        """Drop what is half a minute old, and what is too much."""
        while self._kept and (len(self._kept) > MOST or self._kept[0][0] < now - KEPT_SECONDS):
            self._dropped = self._kept.popleft()[1].position
        while self._read_again and self._read_again[0][0] < now - KEPT_SECONDS:
            self._read_again.popleft()

    async def after(self, position: int) -> Page:
        """Give a page of what came after a position; one that ends at that position is the moment to wait for more."""
        if position >= self._dropped:
            return self._of_kept(position)
        # One reads at a time, and whoever waited finds the page that was read: many are behind at the same place.
        async with self._reading:
            for _, start, page in self._read_again:
                if start <= position < page.upto:
                    rest = [event for event in page.events if event.position > position]
                    return Page(rest, page.upto, page.is_last)
            dropped = self._dropped
            page = await self._log_after(position)
            if page.is_last and page.upto < dropped:  # what was dropped is of the log no more
                page = Page(page.events, dropped, is_last=True)
            self._read_again.append((time.monotonic(), position, page))
            return page

    def _of_kept(self, position: int) -> Page:
        newer = []
        for _, event in reversed(self._kept):
            if event.position <= position:
                break
            newer.append(event)
        events = newer[: -PAGE - 1 : -1]
        if len(newer) > PAGE:
            return Page(events, events[-1].position, is_last=False)
        return Page(events, max(position, self.read_upto), is_last=True)

    async def moved(self, seconds: float) -> None:
        """Wait for what comes next, for at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._moved.wait()


class Rings:
    """Hold a ring for each organisation that somebody follows, and one reader that fills them while there is one.

    The reader looks which organisations have news, as the system's role, which sees no content; what the news is, it
    reads as each of them.
    """

    def __init__(self, feed: EventFeed, client: redis.Redis, open_system: Callable[[], Awaitable[Database]]) -> None:
        self._feed = feed
        self._client = client
        self._open_system = open_system
        self._rings: dict[UUID, Ring] = {}
        self._due: set[UUID] = set()
        self._head = 0
        self._followers = 0
        self._reader: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def follow(self, organization_id: UUID) -> AsyncIterator[Ring]:
        """Lend an organisation's ring, into which goes all that becomes visible from now on."""
        self._followers += 1
        try:
            ring = await self._opened(organization_id)
            ring.followers += 1
            try:
                yield ring
            finally:
                ring.followers -= 1
                if not ring.followers and self._rings.get(organization_id) is ring:
                    del self._rings[organization_id]
        finally:
            self._followers -= 1
            if not self._followers and self._reader is not None:
                reader, self._reader = self._reader, None
                reader.cancel()
                await asyncio.wait({reader})

    async def _opened(self, organization_id: UUID) -> Ring:
        async with self._opening:
            if self._reader is None:
                system = await self._open_system()
                try:
                    async with system.connection() as connection:
                        self._head = await connection.fetchval(_HEAD)
                except BaseException:
                    await system.close()
                    raise
                self._reader = asyncio.create_task(self._read(system))
            ring = self._rings.get(organization_id)
            if ring is None:
                log_after = partial(self._feed.after, organization_id)
                ring = self._rings[organization_id] = Ring(await self._feed.newest(organization_id), log_after)
                # What became visible between that answer and now was news to nobody.
                self._due.add(organization_id)
            return ring

    async def _read(self, system: Database) -> None:
        try:
            while True:
                try:
                    await self._follow_news(system)
                except Exception:  # whatever it is, those who follow are not to be left without a reader
                    log.exception("the reader of streams begins anew")
                await asyncio.sleep(POLL_SECONDS)
        finally:
            await system.close()

    async def _follow_news(self, system: Database) -> None:
        async for _ in wake_ups(self._client, POLL_SECONDS, FED):
            try:
                while await self._look(system):
                    pass
            except Exception as error:  # the next look may succeed, and needs no new subscription
                log.warning("streams wait for the database", error=type(error).__name__)

    async def _look(self, system: Database) -> bool:
        """Read a page of each organisation that has news, and tell whether there is more: none waits for another's."""
        async with system.connection() as connection:
            news = await connection.fetch(_NEWS, self._head)
        if news:
            self._head = news[-1]["position"]
        now = time.monotonic()
        for ring in self._rings.values():
            ring.trim(now)
        self._due = {*self._due, *(row["organization_id"] for row in news)} & self._rings.keys()
        is_more = False
        for organization_id in list(self._due):
            try:
                is_more |= await self._fill(organization_id)
            except (Unavailable, ConnectionError):
                raise  # nobody's can be read now
            except Exception:  # what one organisation's log holds is not to keep the others' from being read
                log.exception("what happened cannot be read", organization_id=str(organization_id))
        return is_more

    async def _fill(self, organization_id: UUID) -> bool:
        ring = self._rings.get(organization_id)
        if ring is None:
            return False
        page = await self._feed.after(organization_id, ring.read_upto)
        ring.push(page.events, page.upto)
        if page.is_last:
            self._due.discard(organization_id)
        return not page.is_last
