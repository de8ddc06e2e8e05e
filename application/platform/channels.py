"""What somebody may listen to by name on the socket: a dataset's messages or leads, insights, who is there."""

from dataclasses import dataclass
from uuid import UUID

from application.platform.event_stream import EventFeed
from application.platform.shown_events import SHOWN
from application.ports import Actor
from domain.identity.role import Permission
from domain.kernel import NotFound

PRESENCE = "presence"
_OF_A_DATASET = {"messages": Permission.MESSAGES_READ, "leads": Permission.LEADS_READ}


@dataclass(frozen=True, slots=True)
class Channel:
    """Name what is told on it: events of these types, of one dataset where it has one."""

    name: str
    types: frozenset[str] = frozenset()
    dataset_id: UUID | None = None


@dataclass(frozen=True)
class Channels:
    """Find channels by their names."""

    actor: Actor
    feed: EventFeed

    async def find(self, name: str) -> Channel:
        """Give a channel that the caller may listen to, or refuse."""
        self.actor.require(Permission.EVENTS_READ)
        kind, _, of = name.partition(":")
        if kind in _OF_A_DATASET and of:
            self.actor.require(_OF_A_DATASET[kind])
            dataset_id = _id(of)
            if dataset_id is None or not await self.feed.shows_dataset(self.actor, dataset_id):
                raise NotFound("There is no such dataset.")
            return Channel(name, _types(_OF_A_DATASET[kind]), dataset_id)
        if name == "insights":
            self.actor.require(Permission.COACH_READ)
            return Channel(name, frozenset(one for one in SHOWN if one.startswith("insight.")))
        if name == PRESENCE:
            self.actor.require(Permission.ORGANIZATION_READ)
            return Channel(name)
        raise NotFound("There is no such channel: messages:<dataset>, leads:<dataset>, insights, presence.")


def _types(permission: Permission) -> frozenset[str]:
    return frozenset(name for name, shown in SHOWN.items() if shown.permission is permission)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
