"""Notifications by mail: one each, or a day's in one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.agenda import Agenda
from application.mailing import Mail, MailEntry
from application.mails import MailsOwed, NotOwed, one_line
from application.messaging.notification_wordings import digest, links
from application.messaging.notifying import DIGEST, DIGEST_MAIL, Audience, NotificationStore, Recipient
from application.ports import Actor, Clock, UnitOfWork, effect, within
from domain.kernel import Email, NotFound, new_id
from domain.messaging.notification import Notification, Way

GONE = "What it told of is gone."
UNWANTED = "The person does not want it by mail any more."
LEFT = "The person signs in here no more, or may not see it any more."


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """Know where the pages are that links lead to."""

    url: str

    def page(self, link: str | None) -> str:
        """Give a page's whole address."""
        return f"{self.url}{link or '/notifications'}"


class DigestStore(Protocol):
    """Keep what waits for a digest, and what went into one."""

    async def due_to(self, at: datetime) -> list[UUID]:
        """List the people whose digest is due."""
        ...

    async def gather(self, account_id: UUID, digest_id: UUID, at: datetime) -> int:
        """Put what is due to somebody into one digest; tells how many."""
        ...

    async def next_digest(self) -> datetime | None:
        """Tell when the next digest is due."""
        ...

    async def in_digest(self, digest_id: UUID) -> Sequence[Notification]:
        """List what went into one, in order."""
        ...


@dataclass(frozen=True)
class NotificationMail:
    """Be the `MailWriter` of single notifications."""

    actor: Actor
    store: NotificationStore
    audience: Audience
    front_end: FrontEnd

    @within
    async def write(self, entry: MailEntry) -> Mail | NotOwed:
        """Write one, as long as it is there and its person signs in."""
        try:
            told = await self.store.get(entry.subject)
        except NotFound:
            return NotOwed(GONE)
        recipient = await self.audience.concerned(told)
        if recipient is None:
            return NotOwed(LEFT)
        voice = await self.audience.voice()
        return Mail(
            organization_id=self.actor.organization_id,
            to=Email(recipient.email),
            subject=f"{one_line(told.title)} – {one_line(voice.name)}"[:250],
            body=f"{told.message}\n\n{self.front_end.page(told.link)}\n\n{links(voice.locale, self.front_end.url)}\n",
            key=str(entry.id),
        )


@dataclass(frozen=True)
class DigestMail:
    """Be the `MailWriter` of digests."""

    actor: Actor
    digests: DigestStore
    store: NotificationStore
    audience: Audience
    front_end: FrontEnd

    @within
    async def write(self, entry: MailEntry) -> Mail | NotOwed:
        """Write what is left of a day."""
        gathered = await self.digests.in_digest(entry.subject)
        if not gathered:
            return NotOwed(GONE)
        told = [one for one in gathered if await self.audience.concerned(one) is not None]
        recipient = await self.audience.person(gathered[0].account_id)
        if recipient is None or not told:
            return NotOwed(LEFT)
        chosen = (await self.store.preferences([recipient.account_id]))[recipient.account_id]
        told = [one for one in told if Way.EMAIL in chosen.ways_for(one.kind, one.priority)]
        if not told:
            return NotOwed(UNWANTED)
        voice = await self.audience.voice()
        lines = [
            f"- {one_line(one.title)}\n  {one_line(one.message)}\n  {self.front_end.page(one.link)}" for one in told
        ]
        return Mail(
            organization_id=self.actor.organization_id,
            to=Email(recipient.email),
            subject=digest(voice.locale, one_line(voice.name), len(told))[:250],
            body="\n\n".join([*lines, links(voice.locale, self.front_end.url)]) + "\n",
            key=str(entry.id),
        )


@dataclass(frozen=True)
class Digests:
    """Gather what can wait, a day's for each person."""

    uow: UnitOfWork
    clock: Clock
    agenda: Agenda
    digests: DigestStore
    audience: Audience
    mails: MailsOwed

    @effect
    async def gather(self) -> None:
        """Make the digests that are due, and set the schedule to the next."""
        async with self.uow:
            await self.agenda.lock(DIGEST)
            now = self.clock.now()
            for account_id in await self.digests.due_to(now):
                await self._gather(account_id, await self.audience.person(account_id), now)
            next_at = await self.digests.next_digest()
            if next_at is None:
                await self.agenda.clear(DIGEST)
            else:
                await self.agenda.no_later_than(DIGEST, next_at)

    async def _gather(self, account_id: UUID, recipient: Recipient | None, now: datetime) -> None:
        digest_id = new_id()
        if await self.digests.gather(account_id, digest_id, now) and recipient is not None:
            await self.mails.plan(DIGEST_MAIL, digest_id, recipient.email)
