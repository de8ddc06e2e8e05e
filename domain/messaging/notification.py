"""What one person of the organisation is told, by which ways, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from domain.kernel import Entity, Event, Invalid


class Kind(StrEnum):
    """Name what a person is told of; `message` is what a program of the organisation says in its own words."""

    LEAD_HOT = "lead_hot"
    PERSON_NEEDED = "person_needed"
    PERSON_AWAITED = "person_awaited"
    BOOKING_MADE = "booking_made"
    BOOKING_MOVED = "booking_moved"
    BOOKING_CANCELLED = "booking_cancelled"
    BOOKING_FAILED = "booking_failed"
    TEXTING_FAILED = "texting_failed"
    TRIAL_ENDED = "trial_ended"
    INSIGHT_RAISED = "insight_raised"
    MAIL_FAILED = "mail_failed"
    AI_FAILED = "ai_failed"
    CAMPAIGN_FINISHED = "campaign_finished"
    IMPORT_FINISHED = "import_finished"
    IMPORT_FAILED = "import_failed"
    MESSAGE = "message"


class Priority(StrEnum):
    """Name how soon a person should know; what is `low` waits for the day's digest where it is mailed."""

    IMMEDIATE = "immediate"
    NORMAL = "normal"
    LOW = "low"


class Way(StrEnum):
    """Name how a notification reaches a person (on the wire: channel)."""

    IN_APP = "in_app"
    EMAIL = "email"
    SMS = "sms"


PRIORITIES: Mapping[Kind, Priority] = {
    Kind.LEAD_HOT: Priority.IMMEDIATE,
    Kind.PERSON_NEEDED: Priority.IMMEDIATE,
    Kind.PERSON_AWAITED: Priority.IMMEDIATE,
    Kind.BOOKING_MADE: Priority.NORMAL,
    Kind.BOOKING_MOVED: Priority.NORMAL,
    Kind.BOOKING_CANCELLED: Priority.IMMEDIATE,
    Kind.BOOKING_FAILED: Priority.IMMEDIATE,
    Kind.TEXTING_FAILED: Priority.IMMEDIATE,
    Kind.TRIAL_ENDED: Priority.NORMAL,
    Kind.INSIGHT_RAISED: Priority.IMMEDIATE,
    Kind.MAIL_FAILED: Priority.IMMEDIATE,
    Kind.AI_FAILED: Priority.IMMEDIATE,
    Kind.CAMPAIGN_FINISHED: Priority.LOW,
    Kind.IMPORT_FINISHED: Priority.LOW,
    Kind.IMPORT_FAILED: Priority.NORMAL,
}
"""How soon each kind should be known; a `message` names its own."""

_SCREEN_AND_MAIL = frozenset({Way.IN_APP, Way.EMAIL})


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationMade(Event):
    """Say that somebody has something to read on their screen."""

    type: ClassVar[str] = "notification.made"
    account_id: UUID
    kind: Kind


@dataclass(slots=True, kw_only=True)
class Preferences:
    """Hold how one person wants to be told: the ways of each priority, what of not at all, and when the digest comes.

    `time_zone` None is the organisation's.
    """

    account_id: UUID
    ways: dict[Priority, frozenset[Way]] = field(default_factory=lambda: dict.fromkeys(Priority, _SCREEN_AND_MAIL))
    muted: frozenset[Kind] = frozenset()
    digest_hour: int = 8
    time_zone: str | None = None
    version: int = 0

    def ways_for(self, kind: Kind, priority: Priority) -> frozenset[Way]:
        """Tell by which ways this person hears of something; none at all where they muted it."""
        ways = frozenset[Way]() if kind in self.muted else self.ways[priority]
        # A mail about mail that does not leave would come when it is mended.
        return ways - {Way.EMAIL} | {Way.IN_APP} if kind is Kind.MAIL_FAILED and Way.EMAIL in ways else ways

    def choose(self, priority: Priority, ways: frozenset[Way]) -> None:
        """Take other ways for a priority, or refuse (`Invalid`) texts about what can wait."""
        if Way.SMS in ways and priority is not Priority.IMMEDIATE:
            raise Invalid("Only what is immediate is texted.", field=f"channels.{priority.value}")
        self.ways[priority] = ways

    def live_in(self, zone: str | None) -> None:
        """Take another clock, or refuse (`Invalid`) one that the IANA database does not know."""
        if zone is not None and zone not in available_timezones():
            raise Invalid("A time zone is a name of the IANA database, such as Europe/London.", field="time_zone")
        self.time_zone = zone

    def next_digest(self, now: datetime, organization_zone: str) -> datetime:
        """Tell when the next digest is due, on the person's own clock."""
        zone = ZoneInfo(self.time_zone or organization_zone)
        local = now.astimezone(zone)
        due = local.replace(hour=self.digest_hour, minute=0, second=0, microsecond=0, fold=0)
        return (due if due > local else due + timedelta(days=1)).astimezone(now.tzinfo)


@dataclass(slots=True, kw_only=True)
class Notification(Entity):
    """Be one thing that one person is told, once: `source` is the event, or the request, that it comes from.

    What is not `in_app` stands here for its mail only. `digest_at` is when it is due to go into a digest, `digest_id`
    the one that it went into.
    """

    account_id: UUID
    source: UUID
    kind: Kind
    priority: Priority
    title: str
    message: str
    link: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    lead_id: UUID | None = None
    contact_id: UUID | None = None
    in_app: bool = True
    read_at: datetime | None = None
    archived_at: datetime | None = None
    digest_at: datetime | None = None
    digest_id: UUID | None = None
    created_at: datetime

    def mark(self, *, read: bool | None, archived: bool | None, at: datetime) -> None:
        """Note that it was read or put away, or take that back; the first time stays."""
        if read is not None:
            self.read_at = (self.read_at or at) if read else None
        if archived is not None:
            self.archived_at = (self.archived_at or at) if archived else None
