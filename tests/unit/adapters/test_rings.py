"""What a process keeps of what just happened, and how who is behind it reads on."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from adapters.persistence.database import Unavailable
from adapters.realtime import rings
from adapters.realtime.rings import Ring, Rings
from application.platform.event_stream import Page, Start, StreamFilter
from application.platform.happened import Happened
from application.platform.shown_events import SHOWN
from application.ports import Actor
from domain.kernel import new_id
from entrypoints.config_limits import StreamLimits
from entrypoints.http import event_stream
from entrypoints.http.event_stream import EventStreamAnswer, Following, OpenStreams

pytestmark = pytest.mark.anyio


def happened(*positions: int) -> list[Happened]:
    """Make events at positions."""
    return [Happened(n, new_id(), SHOWN["tag.created"], new_id(), datetime.now(UTC), {}) for n in positions]


def positions(events: Sequence[Happened]) -> list[int]:
    """Name where they stand."""
    return [event.position for event in events]


async def no_log(position: int) -> Page:
    """Be a log that nobody is to ask."""
    raise AssertionError(f"the log was asked for what came after {position}")


@dataclass
class Asked:
    """Be a log of so many events, three a page, that knows what it was asked for and by how many at a time."""

    count: int
    after: list[int] = field(default_factory=list)
    reading: int = 0
    most_reading: int = 0

    async def __call__(self, position: int) -> Page:
        self.after.append(position)
        self.reading += 1
        self.most_reading = max(self.most_reading, self.reading)
        await asyncio.sleep(0.001)
        self.reading -= 1
        told = happened(*range(position + 1, min(position + 3, self.count) + 1))
        return Page(told, told[-1].position if told else position, is_last=len(told) < 3)


async def all_after(ring: Ring, position: int) -> list[int]:
    """Read on from a position until there is no more."""
    found: list[int] = []
    while (page := await ring.after(position)).upto != position:
        found += positions(page.events)
        position = page.upto
        await asyncio.sleep(0)
    return found


async def test_each_reads_on_from_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Ring(5, no_log)
    ring.push(happened(7, 9), 9)
    ring.push(happened(12), 14)
    page = await ring.after(5)
    assert (positions(page.events), page.upto, page.is_last) == ([7, 9, 12], 14, True)
    assert positions((await ring.after(8)).events) == [9, 12]
    assert await ring.after(12) == Page([], 14, is_last=True)
    assert await ring.after(99) == Page([], 99, is_last=True)
    monkeypatch.setattr(rings, "PAGE", 2)
    page = await ring.after(5)
    assert (positions(page.events), page.upto, page.is_last) == ([7, 9], 9, False)
    assert positions((await ring.after(9)).events) == [12]


async def test_who_is_behind_what_is_kept_reads_on_from_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings, "MOST", 4)
    log = Asked(10)
    ring = Ring(0, log)
    ring.push(happened(*range(1, 11)), 10)
    assert await all_after(ring, 6) == [7, 8, 9, 10]
    assert log.after == []
    assert await all_after(ring, 1) == list(range(2, 11))
    assert log.after == [1, 4]
    ring.trim(time.monotonic() + rings.KEPT_SECONDS + 1)
    assert await all_after(ring, 4) == [5, 6, 7, 8, 9, 10]
    assert log.after == [1, 4, 4, 7], "what was read half a minute ago is read anew"


async def test_many_who_are_behind_read_each_page_of_the_log_once() -> None:
    log = Asked(40)
    ring = Ring(40, log)
    told = await asyncio.gather(*(all_after(ring, start % 3) for start in range(50)))
    assert told == [list(range(start % 3 + 1, 41)) for start in range(50)]
    assert log.most_reading == 1
    assert len(log.after) <= 3 * 14, "three places to begin at, and 14 pages from each"


async def test_what_the_log_has_no_more_holds_nobody_up() -> None:
    ring = Ring(9, Asked(4))
    async with asyncio.timeout(1):
        assert await all_after(ring, 2) == [3, 4]
        assert await all_after(ring, 6) == []


async def test_whoever_waits_is_woken_by_what_comes_and_not_before() -> None:
    ring = Ring(0, no_log)
    waiting = [asyncio.create_task(ring.moved(5)) for _ in range(3)]
    await asyncio.sleep(0.01)
    ring.push([], 3)
    await asyncio.sleep(0.01)
    assert not any(task.done() for task in waiting)
    ring.push(happened(4), 4)
    await asyncio.wait_for(asyncio.gather(*waiting), 1)


async def test_what_happens_during_a_sign_of_life_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 1.0)
    ring = Ring(3, no_log)
    nothing: Any = None
    following = Following(Actor.system(new_id()), StreamFilter(), None, Start(3), nothing, nothing, nothing)
    stream = following._go_on(ring, 3, event_stream.Stay(None, nothing))
    assert await anext(stream) == b": still here\nid: 3\n\n"
    ring.push(happened(5), 5)
    assert b"id: 5\nevent: tag.created" in await asyncio.wait_for(anext(stream), 0.5)


async def _refused() -> bool:
    return False


@pytest.mark.parametrize(("seconds", "why"), [(None, b"access_changed"), (1, b"time_is_up")])
async def test_who_catches_up_for_long_is_asked_again_meanwhile(
    monkeypatch: pytest.MonkeyPatch, seconds: int | None, why: bytes
) -> None:
    monkeypatch.setattr(event_stream, "CHECKED_SECONDS", 0.2 if seconds is None else 60)

    class Feed:
        async def after(self, _: UUID, position: int) -> Page:
            await asyncio.sleep(0.05)
            return Page(happened(position + 1), position + 1, is_last=False)

    class NoRings:
        @asynccontextmanager
        async def follow(self, organization_id: UUID) -> AsyncIterator[Ring]:
            yield Ring(1_000, partial(feed.after, organization_id))

    feed: Any = Feed()
    no_rings: Any = NoRings()
    wanted = StreamFilter(seconds=seconds)
    following = Following(Actor.system(new_id()), wanted, None, Start(3), feed, no_rings, _refused)
    async with asyncio.timeout(3):
        told = [chunk async for chunk in following.chunks()]
    assert len(told) >= 3
    assert why in told[-1]


class _System:
    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        yield self

    async def fetchval(self, _: str) -> int:
        return 0

    async def fetch(self, *_: Any) -> list[Any]:
        return []

    async def close(self) -> None:
        pass


async def _system() -> Any:
    return _System()


class _Log:
    """Be a log of which one organisation's has no end, and nobody's has a beginning."""

    endless: UUID | None = None

    async def newest(self, _: UUID) -> int:
        return 0

    async def after(self, organization_id: UUID, position: int) -> Page:
        await asyncio.sleep(0)
        is_endless = organization_id == self.endless
        return Page(happened(position + 1), position + 1, is_last=not is_endless)


async def _every_moment(*_: Any) -> AsyncIterator[None]:
    while True:
        yield
        await asyncio.sleep(0.001)


async def test_one_organisations_flood_does_not_keep_others_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings, "wake_ups", _every_moment)
    feed: Any = _Log()
    feed.endless, other = new_id(), new_id()
    nothing: Any = None
    all_rings = Rings(feed, nothing, _system)
    async with asyncio.timeout(5), all_rings.follow(feed.endless) as flooded:
        await flooded.moved(1)
        async with all_rings.follow(other) as ring:
            await ring.moved(1)
            assert (await ring.after(0)).events


async def test_a_reader_that_fails_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings, "POLL_SECONDS", 0.01)
    failed: list[bool] = []

    async def wake_ups(*_: Any) -> AsyncIterator[None]:
        if not failed:
            failed.append(True)
            raise RuntimeError("pubsub connection not set")
        async for moment in _every_moment():
            yield moment

    monkeypatch.setattr(rings, "wake_ups", wake_ups)
    feed: Any = _Log()
    nothing: Any = None
    async with asyncio.timeout(5), Rings(feed, nothing, _system).follow(new_id()) as ring:
        await ring.moved(2)
        assert failed
        assert (await ring.after(0)).events


async def test_nobody_who_failed_to_follow_leaves_a_reader_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings, "wake_ups", _every_moment)

    class Away(_Log):
        async def newest(self, _: UUID) -> int:
            raise Unavailable

    feed: Any = Away()
    nothing: Any = None
    all_rings = Rings(feed, nothing, _system)
    with pytest.raises(Unavailable):
        async with all_rings.follow(new_id()):
            pass
    assert all_rings._reader is None


async def test_a_chunk_is_bounded_however_much_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "CHUNK_BYTES", 200)
    happenings = happened(*range(1, 21))
    ring = Ring(0, no_log)
    ring.push(happenings, 20)

    class Feed:
        async def after(self, *_: Any) -> Page:
            return Page(happenings, 25, is_last=True)

    nothing: Any = None
    feed: Any = Feed()
    following = Following(Actor.system(new_id()), StreamFilter(seconds=0), None, Start(0), feed, nothing, nothing)
    _, *caught_up = [chunk async for chunk in following.chunks()]
    told = following._go_on(ring, 0, event_stream.Stay(None, nothing))
    live = [await anext(told) for _ in caught_up]
    for chunks in (caught_up, live):
        assert len(chunks) > 5
        assert max(map(len, chunks)) < 600
        places = [line for line in b"".join(chunks).splitlines() if line.startswith(b"id: ")]
        assert places[:20] == [b"id: %d" % number for number in range(1, 21)]
    assert caught_up[-1].endswith(b"id: 25\n\n")


class _Endless:
    async def chunks(self) -> Any:
        while True:
            yield b": more\n\n"
            await asyncio.sleep(0)


async def _never_leaves() -> Any:
    await asyncio.Event().wait()


async def test_who_takes_nothing_is_cut_without_an_end(monkeypatch: pytest.MonkeyPatch, streams: OpenStreams) -> None:
    monkeypatch.setattr(event_stream, "UNREAD_SECONDS", 0.05)
    sent: list[Any] = []
    given_back: list[bool] = []

    async def stuck(message: Any) -> None:
        sent.append(message)
        if len(sent) > 3:
            await asyncio.Event().wait()

    answer = EventStreamAnswer(_Endless(), streams, lambda: given_back.append(True))  # type: ignore[arg-type]
    await asyncio.wait_for(answer({}, _never_leaves, stuck), 2)
    assert given_back == [True]
    assert [message.get("more_body") for message in sent[1:]] == [True, True, True]


async def test_a_process_that_ends_says_so_on_every_stream(streams: OpenStreams) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)
        await asyncio.sleep(0)

    answer = EventStreamAnswer(_Endless(), streams, lambda: None)  # type: ignore[arg-type]
    running = asyncio.create_task(answer({}, _never_leaves, send))
    await asyncio.sleep(0.05)
    streams.close()
    await asyncio.wait_for(running, 1)
    assert b"shutting_down" in sent[-1]["body"]
    assert sent[-1]["more_body"] is False


async def test_a_stream_that_begins_while_the_process_ends_is_ended_too(streams: OpenStreams) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)
        streams.close()

    answer = EventStreamAnswer(_Endless(), streams, lambda: None)  # type: ignore[arg-type]
    await asyncio.wait_for(answer({}, _never_leaves, send), 1)
    assert b"shutting_down" in sent[-1]["body"]


async def test_who_takes_not_even_the_last_words_is_no_failure(
    streams: OpenStreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[str] = []
    monkeypatch.setattr(event_stream.log, "error", lambda message, **_: failed.append(message))

    async def stuck(message: Any) -> None:
        if "body" in message:
            streams.close()
            await asyncio.Event().wait()

    answer = EventStreamAnswer(_Endless(), streams, lambda: None)  # type: ignore[arg-type]
    await asyncio.wait_for(answer({}, _never_leaves, stuck), 3)
    assert failed == []


@pytest.fixture
def streams() -> OpenStreams:
    """Keep streams as a process with the usual limits does."""
    return OpenStreams(SimpleNamespace(stream_limits=StreamLimits()))  # type: ignore[arg-type]
