"""Telling people: one row a person and event, and by which ways it leaves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from application.agenda import Agenda
from application.mails import MailsOwed
from application.messaging.notification_forms import NotificationFilter
from application.messaging.notification_texts import NotificationTexts
from application.messaging.notification_wordings import worded
from application.ports import Actor, Clock, Found, PageRequest, UnitOfWork, within
from application.provider import Capabilities, NotConfigured
from domain.kernel import Phone
from domain.messaging.notification import PRIORITIES, Kind, Notification, NotificationMade, Preferences, Priority, Way

MAIL = "notification"
DIGEST_MAIL = "notification_digest"
DIGEST = "notifications.digest"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Name somebody who belongs to the organisation and signs in."""

    account_id: UUID
    email: str
    phone: Phone | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Tell what a notification comes from, so that there is one of it a person, and who did it."""

    source: UUID
    actor_id: UUID | None


@dataclass(frozen=True, slots=True)
class Voice:
    """Hold how the organisation speaks, and on which clock."""

    name: str
    locale: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class KnownLead:
    """Hold what a notification says of a lead, and who is told."""

    id: UUID
    contact_id: UUID
    name: str
    dataset_id: UUID | None
    assigned_to: UUID | None


class Audience(Protocol):
    """Know who is to be told; answered in the caller's unit of work."""

    async def origin(self) -> Origin:
        """Tell which event is being followed, and who made it happen."""
        ...

    async def voice(self) -> Voice:
        """Tell how the organisation speaks."""
        ...

    async def lead(self, lead_id: UUID) -> KnownLead | None:
        """Give a lead, unless it is gone."""
        ...

    async def person(self, account_id: UUID) -> Recipient | None:
        """Give somebody of the organisation who is active."""
        ...

    async def concerned(self, told: Notification) -> Recipient | None:
        """Give whom a notification is for, while they are active and may see what it tells of."""
        ...

    async def seeing(self, account_id: UUID, dataset_id: UUID | None) -> Recipient | None:
        """Give somebody who is active and sees what lies in a dataset, or in none."""
        ...

    async def writer(self, conversation_id: UUID, lead_id: UUID | None) -> Recipient | None:
        """Give who of the organisation last wrote in a conversation, while they are active and may see its lead."""
        ...

    async def leaders(self, dataset_id: UUID | None) -> list[Recipient]:
        """List the active owners, admins and managers who see what lies there."""
        ...

    async def heads(self) -> list[Recipient]:
        """List the active owners and admins, whatever narrows what they see."""
        ...


class NotificationStore(Protocol):
    """Keep notifications and preferences; what is shown and changed is the actor's own."""

    async def add_once(self, notification: Notification) -> bool:
        """Insert one; tells whether it was new, by source and person."""
        ...

    async def mine(self, identifier: UUID) -> Notification:
        """Load one of the actor's, locked, or refuse with `NotFound`."""
        ...

    async def get(self, identifier: UUID) -> Notification:
        """Load anybody's, or refuse with `NotFound`."""
        ...

    async def save(self, entity: Notification) -> None:
        """Update one; refuse with `Stale` when another change was saved since it was loaded."""
        ...

    async def find(self, narrowed: NotificationFilter, page: PageRequest) -> Found:
        """List the actor's."""
        ...

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one of the actor's, or refuse with `NotFound`."""
        ...

    async def drop_texts(self, account_id: UUID) -> None:
        """Cancel texts to somebody's own phone that have not been handed over."""
        ...

    async def read_all(self, account_id: UUID, at: datetime) -> int:
        """Mark all of somebody's as read; tells how many were not."""
        ...

    async def put_digest_at(self, account_id: UUID, at: datetime) -> bool:
        """Let what waits for somebody's digest go into the one of another time; tells whether anything waits."""
        ...

    async def preferences(self, account_ids: Iterable[UUID]) -> Mapping[UUID, Preferences]:
        """Give the preferences of each, the house's where somebody set none."""
        ...

    async def save_preferences(self, preferences: Preferences) -> None:
        """Write somebody's; refuse with `Stale` when another change was saved meanwhile."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Hold what is to be told, in the values that its wording names."""

    kind: Kind
    values: Mapping[str, str | int | None]
    link: str | None = None
    lead: KnownLead | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Notifying:
    """Tell people what they want to know, by the ways that they chose, inside the caller's unit of work."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    agenda: Agenda
    audience: Audience
    store: NotificationStore
    capabilities: Capabilities
    mails: MailsOwed
    texts: NotificationTexts

    @within
    async def tell(self, notice: Notice, recipients: Iterable[Recipient]) -> None:
        """Tell each once, but whoever did it themselves."""
        origin, voice = await self.audience.origin(), await self.audience.voice()
        told = {one.account_id: one for one in recipients if one.account_id != origin.actor_id}
        preferences = await self.store.preferences(told)
        priority = PRIORITIES[notice.kind]
        title, message = worded(notice.kind, voice.locale, notice.values)
        for recipient in told.values():
            chosen = preferences[recipient.account_id]
            made = Notification(
                organization_id=self.actor.organization_id,
                account_id=recipient.account_id,
                source=origin.source,
                kind=notice.kind,
                priority=priority,
                title=title,
                message=message,
                link=notice.link,
                data={name: value for name, value in notice.data.items() if value is not None},
                lead_id=notice.lead.id if notice.lead else None,
                contact_id=notice.lead.contact_id if notice.lead else None,
                created_at=self.clock.now(),
            )
            await self.send(made, recipient, chosen.ways_for(notice.kind, priority), chosen, voice)

    @within
    async def send(
        self, made: Notification, to: Recipient, ways: frozenset[Way], chosen: Preferences, voice: Voice
    ) -> frozenset[Way]:
        """Keep one and let it leave by these ways; gives those that are open, none where it was told before."""
        if not await self._can("email"):
            ways -= {Way.EMAIL}
        if to.phone is None or made.priority is not Priority.IMMEDIATE or not await self._can("texting"):
            ways -= {Way.SMS}
        if not ways:
            return ways
        waits = Way.EMAIL in ways and made.priority is Priority.LOW
        made.in_app = Way.IN_APP in ways
        if waits:
            made.digest_at = chosen.next_digest(self.clock.now(), voice.time_zone)
        if not await self.store.add_once(made):
            return frozenset()
        if made.in_app:
            self.uow.publish(NotificationMade(subject=made.id, account_id=made.account_id, kind=made.kind))
        # Before the mail: the gate's schedule is set before the mails', as where reminders are planned.
        if Way.SMS in ways and to.phone is not None:
            await self.texts.submit(made, to.phone)
        if made.digest_at is not None:
            await self.agenda.no_later_than(DIGEST, made.digest_at)
        elif Way.EMAIL in ways:
            await self.mails.plan(MAIL, made.id, to.email)
        return ways

    @within
    async def choose(self, chosen: Preferences) -> None:
        """Keep how somebody wants to be told; what waits for their digest comes at the hour that they chose."""
        await self.store.save_preferences(chosen)
        at = chosen.next_digest(self.clock.now(), (await self.audience.voice()).time_zone)
        if await self.store.put_digest_at(chosen.account_id, at):
            await self.agenda.no_later_than(DIGEST, at)

    async def _can(self, capability: str) -> bool:
        try:
            await self.capabilities.require(capability)
        except NotConfigured:
            return False
        return True
