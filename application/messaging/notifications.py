"""What a person does with what they are told, and how they want to be told."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from application.mails import one_line
from application.messaging.notification_forms import (
    ChangePreferences,
    MarkNotification,
    NotificationFilter,
    PreferencesView,
    ReadAllView,
    SendNotification,
    SentNotificationView,
)
from application.messaging.notifying import Audience, NotificationStore, Notifying
from application.ports import Actor, Clock, Found, PageRequest, UnitOfWork, require_version
from domain.identity.role import Permission
from domain.kernel import Invalid, NotFound, Stale, new_id
from domain.messaging.notification import Kind, Notification, Preferences, Priority, Way

LARGEST_DATA = 4_000
DEEPEST_DATA = 20


@dataclass(frozen=True)
class Notifications:
    """Show and mark one's own notifications, choose how they come, and send one."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    store: NotificationStore
    audience: Audience
    notifying: Notifying

    async def find(self, narrowed: NotificationFilter, page: PageRequest) -> Found:
        """List one's own."""
        self.actor.require(Permission.ORGANIZATION_READ)
        self.actor.person()
        async with self.uow.reading():
            return await self.store.find(narrowed, page)

    async def mark(self, identifier: UUID, command: MarkNotification, version: int | None) -> msgspec.Raw:
        """Mark one as read or put away, or take that back."""
        self.actor.require(Permission.ORGANIZATION_READ)
        self.actor.person()
        given: dict[str, Any] = {
            name: value for name in ("read", "archived") if (value := getattr(command, name)) is not UNSET
        }
        async with self.uow:
            found = await self.store.mine(identifier)
            require_version(found, version, given, "notification")
            found.mark(read=given.get("read"), archived=given.get("archived"), at=self.clock.now())
            await self.store.save(found)
            return await self.store.show(identifier)

    async def read_all(self) -> ReadAllView:
        """Mark all of one's own as read."""
        self.actor.require(Permission.ORGANIZATION_READ)
        account_id = self.actor.person()
        async with self.uow:
            return ReadAllView(marked=await self.store.read_all(account_id, self.clock.now()))

    async def preferences(self) -> PreferencesView:
        """Show how one is told."""
        self.actor.require(Permission.ORGANIZATION_READ)
        account_id = self.actor.person()
        async with self.uow.reading():
            return _shown((await self.store.preferences([account_id]))[account_id])

    async def set_preferences(self, command: ChangePreferences, version: int | None) -> PreferencesView:
        """Be told otherwise from now on."""
        self.actor.require(Permission.ORGANIZATION_READ)
        account_id = self.actor.person()
        named = [name for name in command.__struct_fields__ if getattr(command, name) is not UNSET]
        async with self.uow:
            chosen = (await self.store.preferences([account_id]))[account_id]
            if version is not None and version != chosen.version:
                raise Stale(
                    "These preferences were changed meanwhile.",
                    details=[(name, "This may have been changed meanwhile.") for name in named],
                )
            _choose(chosen, command)
            await self.notifying.choose(chosen)
            return _shown(chosen)

    async def send(self, command: SendNotification) -> SentNotificationView:
        """Tell somebody of the organisation something, by the channels that they want it by."""
        self.actor.require(Permission.NOTIFICATIONS_SEND)
        # Before it is encoded: what is nested as deep as a body may be would not be written down any more.
        if not _is_shallow(command.data, DEEPEST_DATA):
            raise Invalid(f"data is nested at most {DEEPEST_DATA} deep.", field="data")
        if len(msgspec.json.encode(command.data)) > LARGEST_DATA:
            raise Invalid(f"data takes at most {LARGEST_DATA:,} bytes.", field="data")
        title, priority = one_line(command.title), Priority(command.priority)
        if not title or not command.message.strip():
            raise Invalid("Say something.", field="message" if title else "title")
        async with self.uow:
            recipient = await self.audience.person(command.user_id)
            if recipient is None:
                raise NotFound("There is no such user.")
            chosen = (await self.store.preferences([recipient.account_id]))[recipient.account_id]
            made = Notification(
                organization_id=self.actor.organization_id,
                account_id=recipient.account_id,
                source=new_id(),
                kind=Kind.MESSAGE,
                priority=priority,
                title=title,
                message=command.message.strip(),
                link=command.link,
                data=command.data,
                created_at=self.clock.now(),
            )
            wanted = chosen.ways_for(made.kind, priority) & {Way(name) for name in command.channels}
            ways = await self.notifying.send(made, recipient, wanted, chosen, await self.audience.voice())
            return SentNotificationView(id=made.id if ways else None, channels=sorted(ways))


def _is_shallow(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_shallow(one, levels - 1) for one in inner)


def _choose(chosen: Preferences, command: ChangePreferences) -> None:
    if command.channels is not UNSET:
        for priority in Priority:
            ways = getattr(command.channels, priority.value)
            if ways is not UNSET:
                chosen.choose(priority, frozenset(map(Way, ways)))
    if command.muted is not UNSET:
        chosen.muted = frozenset(command.muted)
    if command.digest_hour is not UNSET:
        chosen.digest_hour = command.digest_hour
    if command.time_zone is not UNSET:
        chosen.live_in(command.time_zone)


def _shown(chosen: Preferences) -> PreferencesView:
    return PreferencesView(
        channels={priority: [way for way in Way if way in chosen.ways[priority]] for priority in Priority},
        muted=sorted(chosen.muted),
        digest_hour=chosen.digest_hour,
        time_zone=chosen.time_zone,
        version=chosen.version,
    )
