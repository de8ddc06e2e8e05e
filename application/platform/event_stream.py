"""Following what happens: from which position of the event log somebody goes on, and what of it they may see."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol
from uuid import UUID

import msgspec

from application.platform.happened import Happened
from application.ports import Actor, Filter
from domain.identity.role import Permission
from domain.kernel import Invalid, NotFound

MOST_REPLAYED = 10_000
"""How far behind somebody may go on; farther than this it is quicker to load lists again."""
_POSITION = re.compile(r"^[0-9]{1,18}$", re.ASCII)


class StreamFilter(Filter, frozen=True):
    """Say what is wanted: one dataset's events, for how many seconds (0 is what was missed), after which event."""

    dataset_id: UUID | None = None
    seconds: Annotated[int, msgspec.Meta(ge=0, le=86_400)] | None = None
    last_event_id: Annotated[str, msgspec.Meta(pattern=_POSITION.pattern, max_length=18)] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Hold events of the log in order; `upto` is the position that was come to, whether or not it is shown."""

    events: Sequence[Happened]
    upto: int
    is_last: bool


class EventFeed(Protocol):
    """Read the event log by position: what is visible later never has a lower one (decision 3)."""

    async def newest(self, organization_id: UUID) -> int:
        """Tell an organisation's last position; 0 where nothing has happened."""
        ...

    async def knows(self, organization_id: UUID, position: int) -> bool:
        """Tell whether an event of the organisation stands at a position."""
        ...

    async def is_within(self, organization_id: UUID, position: int, most: int) -> bool:
        """Tell whether at most so many events came after a position."""
        ...

    async def after(self, organization_id: UUID, position: int) -> Page:
        """Give what came after a position, a page of it."""
        ...

    async def shows_dataset(self, actor: Actor, dataset_id: UUID) -> bool:
        """Tell whether somebody's list of datasets shows this one."""
        ...


@dataclass(frozen=True, slots=True)
class Start:
    """Say after which position a stream begins; `reset` why not where it was asked to."""

    position: int
    reset: str | None = None


@dataclass(frozen=True)
class EventStreams:
    """Follow what happens."""

    actor: Actor
    feed: EventFeed

    async def begin(self, narrowed: StreamFilter, last_event_id: str | None) -> Start:
        """Find where to begin: now, or after the last event that the caller has."""
        self.actor.require(Permission.EVENTS_READ)
        return await self._begin(narrowed, last_event_id)

    async def begin_of_conversations(self, narrowed: StreamFilter, last_event_id: str | None) -> Start:
        """Find where to begin with conversations alone."""
        self.actor.require(Permission.MESSAGES_READ)
        return await self._begin(narrowed, last_event_id)

    async def _begin(self, narrowed: StreamFilter, last_event_id: str | None) -> Start:
        if last_event_id is not None and not _POSITION.fullmatch(last_event_id):
            raise Invalid("Last-Event-ID must be the id of an event of this stream, a number.", field="Last-Event-ID")
        wanted = narrowed.dataset_id
        if wanted is not None and not await self.feed.shows_dataset(self.actor, wanted):
            raise NotFound("There is no such dataset.")
        organization_id = self.actor.organization_id
        newest = await self.feed.newest(organization_id)
        last = narrowed.last_event_id if last_event_id is None else last_event_id
        if last is None:
            return Start(newest)
        position = int(last)
        # Every id that a stream gives is an event's, or 0: another one is of a log that a restore took back.
        if position and not await self.feed.knows(organization_id, position):
            return Start(newest, "unknown_position")
        if not await self.feed.is_within(organization_id, position, MOST_REPLAYED):
            return Start(newest, "too_far_behind")
        return Start(position)
