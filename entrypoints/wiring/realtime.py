"""What the streams of events stand on."""

from functools import partial

import redis.asyncio as redis
from dishka import Provider, Scope, provide

from adapters.persistence.database import Database
from adapters.persistence.feed import PostgresFeed
from adapters.realtime.presence import Presence
from adapters.realtime.rings import Rings
from application.platform.event_stream import EventFeed, EventStreams
from entrypoints.config import Config
from entrypoints.http.event_stream import OpenStreams
from entrypoints.http.events import Broadcast


class Realtime(Provider):
    """Bind the reader of the event log and those who follow it."""

    scope = Scope.APP

    feed = provide(PostgresFeed, provides=EventFeed)
    open_streams = provide(OpenStreams)
    presence = provide(Presence)
    broadcast = provide(Broadcast, scope=Scope.REQUEST)
    streams = provide(EventStreams, scope=Scope.REQUEST)

    @provide
    def rings(self, feed: EventFeed, client: redis.Redis, config: Config) -> Rings:
        """Make the rings; the system's connection is opened when somebody follows."""
        return Rings(feed, client, partial(Database.open, config.system_database_url, size=1))
