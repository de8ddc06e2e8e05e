"""Routes of the event stream (`docs/channels.md`)."""

from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.response.base import ASGIResponse

from adapters.persistence.identity import Admissions
from adapters.realtime.rings import Rings
from application.platform.event_stream import EventFeed, EventStreams, Start, StreamFilter
from application.platform.shown_events import OF_CONVERSATIONS
from application.ports import Actor
from entrypoints.http.auth import Caller, Doorkeeper
from entrypoints.http.errors import Refused
from entrypoints.http.event_stream import EventStreamAnswer, Following, OpenStreams
from entrypoints.http.operation import HEAD, LastEventId, operation

EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True)
class Broadcast:
    """Hold what every stream is made from."""

    actor: Actor
    doorkeeper: Doorkeeper
    admissions: Admissions
    feed: EventFeed
    rings: Rings
    streams: OpenStreams

    def answer(
        self,
        request: Request[Any, Any, Any],
        caller: Caller,
        narrowed: StreamFilter,
        start: Start,
        types: frozenset[str] | None,
    ) -> ASGIResponse:
        """Make the answer that goes on; a HEAD request's holds nothing and ends at once."""

        async def still_admitted() -> bool:
            try:
                now = await self.doorkeeper.member(request, "member", None, self.admissions)
            except Refused:
                return False
            return now.actor == caller.actor

        if request.scope["state"].get(HEAD):
            return ASGIResponse(media_type=EVENT_STREAM)
        following = Following(self.actor, narrowed, types, start, self.feed, self.rings, still_admitted)
        return EventStreamAnswer(following, self.streams, self.streams.take(caller))


@operation("GET", "/events/stream", "streamEvents", "Follow what happens", media_type=EVENT_STREAM)
async def stream_events(
    events: EventStreams,
    broadcast: Broadcast,
    request: Request[Any, Any, Any],
    caller: Caller,
    narrowed: StreamFilter,
    last: LastEventId,
) -> ASGIResponse:
    """Server-sent events of what your lists would show: ids and types. `Last-Event-ID` goes on where it broke off."""
    start = await events.begin(narrowed, last)
    return broadcast.answer(request, caller, narrowed, start, None)


@operation(
    "GET", "/conversations/stream", "streamConversations", "Follow what happens in conversations",
    media_type=EVENT_STREAM,
)  # fmt: skip
async def stream_conversations(
    events: EventStreams,
    broadcast: Broadcast,
    request: Request[Any, Any, Any],
    caller: Caller,
    narrowed: StreamFilter,
    last: LastEventId,
) -> ASGIResponse:
    """The same stream with messages and threads alone; its ids go on in either."""
    start = await events.begin_of_conversations(narrowed, last)
    return broadcast.answer(request, caller, narrowed, start, OF_CONVERSATIONS)


ROUTES = (stream_events, stream_conversations)
