"""Server-sent events: one answer that goes on, for as long as the caller may see what it tells."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import structlog
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Send

from adapters.realtime.rings import Ring, Rings
from application.platform.event_stream import EventFeed, Page, Start, StreamFilter
from application.platform.happened import Happened, shown_to
from application.ports import Actor
from entrypoints.config import Config
from entrypoints.http.auth import Caller
from entrypoints.http.errors import AWAY, Refused
from entrypoints.metrics import STREAMS

HEARTBEAT_SECONDS = 15.0
CHECKED_SECONDS = 15.0
UNCHECKED_SECONDS = 45.0
"""How long somebody may go on while the database, which would tell whether they still may, is away."""
UNREAD_SECONDS = 20.0
RETRY_MS = 2_000
LAST_WORD_SECONDS = 1.0
MOST_ARRIVING = 128
"""How many sockets of one address may have shown no token yet: each may fill some memory before it is cut."""
CHUNK_BYTES = 64 * 1024
"""How much of one stream is written at a time, which is what a slow reader's memory is bounded by."""
log = structlog.get_logger()


class OpenStreams:
    """Know the streams of this process: how many, whose, and that they are to end."""

    def __init__(self, config: Config) -> None:
        self._limits = config.stream_limits
        self._of: Counter[str | UUID] = Counter()
        self._arriving: Counter[str] = Counter()
        self._open = 0
        self._writing: set[asyncio.Task[Any]] = set()
        self._emptied = asyncio.Event()
        self.closing = False

    def take(self, caller: Caller) -> Callable[[], None]:
        """Take a place, or refuse with 429 or 503; gives what gives it back."""
        if self.closing:
            raise Refused("UNAVAILABLE", "This part of the service is about to end. Come back.", {"Retry-After": "1"})
        if self._open >= self._limits.per_process:
            message = f"All {self._limits.per_process} streams of this process are taken. Try again later."
            raise Refused("UNAVAILABLE", message, {"Retry-After": "10"})
        if self._of[caller.signature] >= self._limits.per_caller:
            message = f"You have {self._limits.per_caller} streams open already. Close one first."
            raise Refused("RATE_LIMITED", message, {"Retry-After": "10"})
        organization_id = caller.actor.organization_id
        if self._of[organization_id] >= self._limits.per_organization:
            message = f"Your organisation has {self._limits.per_organization} streams open already. Close one first."
            raise Refused("RATE_LIMITED", message, {"Retry-After": "10"})
        whose = (caller.signature, organization_id)
        self._of.update(whose)
        self._open += 1
        STREAMS.inc()

        def give_back() -> None:
            self._of.subtract(whose)
            for one in whose:
                if not self._of[one]:
                    del self._of[one]
            self._open -= 1
            if not self._open:
                self._emptied.set()
            STREAMS.dec()

        return give_back

    @contextlib.contextmanager
    def arriving(self, address: str) -> Iterator[None]:
        """Let somebody show a token, or refuse with 429 where too many at their address have shown none yet."""
        if self._arriving[address] >= MOST_ARRIVING:
            raise Refused("RATE_LIMITED", f"{MOST_ARRIVING} sockets of your address have shown no token yet.")
        self._arriving[address] += 1
        try:
            yield
        finally:
            self._arriving[address] -= 1
            if not self._arriving[address]:
                del self._arriving[address]

    @contextlib.contextmanager
    def writing(self, task: asyncio.Task[Any]) -> Iterator[None]:
        """Let a task that writes be ended with the process, at once if that is ending already."""
        self._writing.add(task)
        if self.closing:
            task.cancel()
        try:
            yield
        finally:
            self._writing.discard(task)

    def close(self) -> None:
        """End all streams now, and begin no other."""
        self.closing = True
        for task in self._writing:
            task.cancel()

    async def ended(self) -> None:
        """Wait until those who take their last word at once have got it."""
        if self._open:
            self._emptied.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORD_SECONDS):
                    await self._emptied.wait()


class Stay:
    """Know how long a stream may go on: until its time is up, or its caller may no longer see what it tells."""

    def __init__(self, seconds: int | None, still_admitted: Callable[[], Awaitable[bool]]) -> None:
        now = time.monotonic()
        self._still_admitted = still_admitted
        self._ends = now + (seconds or float("inf"))
        self._check, self._checked = now + CHECKED_SECONDS, now

    @property
    def asks_again(self) -> float:
        """Tell when `over` is to be asked next."""
        return min(self._ends, self._check)

    async def over(self) -> str | None:
        """Tell why the stream is to end, if it is; asks at the door when that is due."""
        now = time.monotonic()
        if now >= self._ends:
            return "time_is_up"
        if now >= self._check:
            try:
                if not await self._still_admitted():
                    return "access_changed"
                self._check, self._checked = now + CHECKED_SECONDS, now
            except AWAY:
                self._check = now + 1
        return "unavailable" if now - self._checked > UNCHECKED_SECONDS else None


@dataclass(frozen=True)
class Following:
    """Be one caller's stream: what was missed first, then what happens."""

    actor: Actor
    narrowed: StreamFilter
    types: frozenset[str] | None
    start: Start
    feed: EventFeed
    rings: Rings
    still_admitted: Callable[[], Awaitable[bool]]

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Write the stream, piece by piece; ends by itself when the caller's time or right to it does."""
        position = self.start.position
        yield f": this is the stream of what happens\nretry: {RETRY_MS}\nid: {position}\n\n".encode()
        if self.start.reset is not None:
            yield event_of("stream.reset", {"reason": self.start.reset}, position)
        stay = Stay(self.narrowed.seconds, self.still_admitted)
        try:
            async with contextlib.AsyncExitStack() as stack:
                # First the ring, then the log: what becomes visible in between is in both, and told once.
                ring = None
                after: Callable[[int], Awaitable[Page]] = partial(self.feed.after, self.actor.organization_id)
                if self.narrowed.seconds != 0:
                    ring = await stack.enter_async_context(self.rings.follow(self.actor.organization_id))
                    after = ring.after
                page = Page((), position, is_last=False)
                rest: Sequence[Happened] = ()
                while rest or not page.is_last:
                    if (why := await stay.over()) is not None:
                        yield closed(why)
                        return
                    if not rest:
                        page = await after(page.upto)
                        rest = page.events
                    told, rest = self._told(rest)
                    yield told if rest else told + _place(page.upto)
                if ring is not None:
                    async for chunk in self._go_on(ring, page.upto, stay):
                        yield chunk
        except AWAY as error:
            log.warning("stream ended", error=type(error).__name__)
            yield closed("unavailable")

    async def _go_on(self, ring: Ring, position: int, stay: "Stay") -> AsyncGenerator[bytes, None]:
        beat = time.monotonic() + HEARTBEAT_SECONDS
        while (why := await stay.over()) is None:
            now = time.monotonic()
            page = await ring.after(position)
            told, rest = self._told(page.events)
            upto = page.events[-1 - len(rest)].position if rest else page.upto
            if told or now >= beat:
                beat = now + HEARTBEAT_SECONDS
                yield told or _place(upto)
            elif upto == position:  # and nothing was awaited since it was looked
                await ring.moved(min(beat, stay.asks_again) - now)
            position = upto
        yield closed(why)

    def _told(self, events: Sequence[Happened]) -> tuple[bytes, Sequence[Happened]]:
        """Write a chunk of events; gives it and the rest, which is none or comes after something that was written."""
        told = bytearray()
        for number, event in enumerate(events):
            if len(told) >= CHUNK_BYTES:
                return bytes(told), events[number:]
            if self.types is not None and event.shown.type not in self.types:
                continue
            if (said := shown_to(self.actor, event, self.narrowed.dataset_id)) is not None:
                told += b"id: %d\nevent: %s\ndata: %s\n\n" % (event.position, event.name.encode(), said)
        return bytes(told), ()


def event_of(name: str, data: dict[str, Any], position: int | None = None) -> bytes:
    """Write an event of the stream's own."""
    place = b"" if position is None else b"id: %d\n" % position
    return place + b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(data))


def closed(reason: str) -> bytes:
    """Say why a stream ends; what was missed is told to whoever comes back."""
    return event_of("stream.closed", {"reason": reason})


def _place(position: int) -> bytes:
    """Show a sign of life: an id without data is no event, and yet where the next request goes on (HTML, 9.2.6)."""
    return b": still here\nid: %d\n\n" % position


class EventStreamAnswer(ASGIResponse):
    """Send a stream for as long as somebody reads it, and cut who does not."""

    _should_set_content_length = False

    def __init__(self, following: Following, streams: OpenStreams, give_back: Callable[[], None]) -> None:
        super().__init__(
            media_type="text/event-stream", headers={"cache-control": "no-store, no-cache", "x-accel-buffering": "no"}
        )
        self._following = following
        self._streams = streams
        self._give_back = give_back

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Send the answer, and give its place back when it ends, however that is."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._give_back()

    async def send_body(self, send: Send, receive: Receive) -> None:
        """Write until the stream ends, the caller leaves, or the process does."""
        writing = asyncio.create_task(self._write(send))
        left = asyncio.create_task(_left(receive))
        with self._streams.writing(writing):
            try:
                await asyncio.wait({writing, left}, return_when=asyncio.FIRST_COMPLETED)
                if writing.cancelled():
                    await _end(send, closed("shutting_down"))
                elif writing.done() and (error := writing.exception()) is not None:
                    log.error("stream failed", exc_info=error)
                elif writing.done() and writing.result():
                    await _end(send)
            finally:
                writing.cancel()
                left.cancel()
                await asyncio.gather(writing, left, return_exceptions=True)

    async def _write(self, send: Send) -> bool:
        """Write the stream; tells whether it came to its end."""
        chunks = self._following.chunks()
        try:
            async with contextlib.aclosing(chunks):
                async for chunk in chunks:
                    async with asyncio.timeout(UNREAD_SECONDS):
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except TimeoutError:
            log.info("slow reader of a stream cut")
            return False  # without an end: the server closes the connection
        return True


async def _end(send: Send, last: bytes = b"") -> None:
    with contextlib.suppress(TimeoutError):  # whoever takes nothing now is cut
        async with asyncio.timeout(1):
            await send({"type": "http.response.body", "body": last, "more_body": False})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
