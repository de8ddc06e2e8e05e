"""Which events people are told of, and whom each concerns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.messaging.notification_wordings import ended, when, why
from application.messaging.notifying import Audience, KnownLead, Notice, NotificationStore, Notifying, Recipient
from application.ports import UnitOfWork, effect
from domain.coaching.canary import CanaryDecided
from domain.coaching.insight import InsightRaised
from domain.identity.membership import UserSuspended
from domain.messaging.conversation import PersonAwaited
from domain.messaging.message import MailFailed, TextingFailed
from domain.messaging.notification import Kind
from domain.messaging.reply import AiFailed, HandedToPerson, LeadTurnedHot
from domain.outreach.campaign import CampaignCompleted
from domain.outreach.lead_import import ImportEnded
from domain.platform.job import JobEnded, JobStatus
from domain.scheduling.booking import BookingCancelled, BookingFailed, BookingMade, BookingMoved

IMPORT = "import"


@dataclass(frozen=True, slots=True)
class KnownImport:
    """Tell who asked for an import, into which dataset, and what stopped it."""

    import_id: UUID
    dataset_id: UUID
    asked_by: UUID | None
    error: str | None


@dataclass(frozen=True, slots=True)
class KnownInsight:
    """Tell what the coach found, and by which name the organisation calls the coach."""

    title: str
    coach: str


class Happenings(Protocol):
    """Know of datasets, imports and insights what a notification says; answered in the caller's unit of work."""

    async def dataset(self, dataset_id: UUID) -> str | None:
        """Give a dataset's name."""
        ...

    async def import_of(self, identifier: UUID) -> KnownImport | None:
        """Find an import by its own id or its job's."""
        ...

    async def insight(self, identifier: UUID) -> KnownInsight | None:
        """Give what the coach found, unless it is gone."""
        ...


@dataclass(frozen=True)
class Notices:
    """Follow what happens and tell those whom it concerns."""

    uow: UnitOfWork
    audience: Audience
    happenings: Happenings
    store: NotificationStore
    notifying: Notifying

    @effect
    async def hot(self, event: LeadTurnedHot) -> None:
        """A lead wants to go on now."""
        async with self.uow:
            lead = await self.audience.lead(event.subject)
            if lead is not None:
                data = {"conversation_id": event.conversation_id}
                await self._of_lead(Kind.LEAD_HOT, lead, {}, data, f"/conversations/{event.conversation_id}")

    @effect
    async def handed_over(self, event: HandedToPerson) -> None:
        """A person has to answer."""
        async with self.uow:
            reason = why(event.reason, (await self.audience.voice()).locale)
            link, data = f"/conversations/{event.subject}", {"conversation_id": event.subject, "reason": event.reason}
            lead = None if event.lead_id is None else await self.audience.lead(event.lead_id)
            if lead is not None or event.lead_id is None:
                await self._of_lead(Kind.PERSON_NEEDED, lead, {"reason": reason}, data, link)

    @effect
    async def awaited(self, event: PersonAwaited) -> None:
        """Somebody wrote to the person who holds the conversation: who wrote in it last, else as of any lead."""
        async with self.uow:
            link, data = f"/conversations/{event.subject}", {"conversation_id": event.subject}
            lead = None if event.lead_id is None else await self.audience.lead(event.lead_id)
            if lead is None and event.lead_id is not None:
                return
            writer = await self.audience.writer(event.subject, event.lead_id)
            await self._of_lead(Kind.PERSON_AWAITED, lead, {}, data, link, [writer] if writer else None)

    @effect
    async def booked(self, event: BookingMade) -> None:
        """A call stands in the calendar."""
        await self._of_call(Kind.BOOKING_MADE, event.subject, event.booking_id, event.start_at)

    @effect
    async def moved(self, event: BookingMoved) -> None:
        """A call is at another time."""
        await self._of_call(
            Kind.BOOKING_MOVED, event.subject, event.booking_id, event.start_at, before=event.old_start_at
        )

    @effect
    async def cancelled(self, event: BookingCancelled) -> None:
        """A call is off."""
        await self._of_call(
            Kind.BOOKING_CANCELLED, event.subject, event.booking_id, event.start_at, reason=event.reason
        )

    @effect
    async def not_booked(self, event: BookingFailed) -> None:
        """A call that was asked for did not get into the calendar."""
        await self._of_call(Kind.BOOKING_FAILED, event.subject, event.booking_id, event.start_at, reason=event.reason)

    @effect
    async def texting_failed(self, event: TextingFailed) -> None:
        """A text provider takes nothing until people mend it."""
        await self._of_provider(Kind.TEXTING_FAILED, event.provider, event.reason)

    @effect
    async def mail_failed(self, event: MailFailed) -> None:
        """A mail provider takes nothing until people mend it."""
        await self._of_provider(Kind.MAIL_FAILED, event.provider, event.reason)

    @effect
    async def ai_failed(self, event: AiFailed) -> None:
        """A model answers nothing until people mend it."""
        await self._of_provider(Kind.AI_FAILED, event.provider, event.reason)

    @effect
    async def trial_ended(self, event: CanaryDecided) -> None:
        """A version of a prompt proved better, or harmful, or neither."""
        async with self.uow:
            values = {
                "prompt": event.prompt_type.value,
                "number": event.number,
                "outcome": ended(event.status, (await self.audience.voice()).locale),
                "reason": event.reason,
            }
            data = {"prompt_type": event.prompt_type, "version": event.number, "status": event.status}
            link = f"/coach/prompts/{event.prompt_type}"
            notice = Notice(kind=Kind.TRIAL_ENDED, values=values, link=link, data=data)
            await self.notifying.tell(notice, await self.audience.heads())

    @effect
    async def shut_out(self, event: UserSuspended) -> None:
        """Somebody signs in here no more: their phone hears no more of it either."""
        async with self.uow:
            await self.store.drop_texts(event.subject)

    @effect
    async def insight(self, event: InsightRaised) -> None:
        """The coach found something that cannot wait: whoever leads hears of it, and whose lead it is."""
        if not event.cannot_wait:
            return
        async with self.uow:
            lead = None if event.lead_id is None else await self.audience.lead(event.lead_id)
            known = await self.happenings.insight(event.subject)
            if known is None or (lead is None and event.lead_id is not None):
                return
            values = {"coach": known.coach, "title": known.title, "severity": event.severity.value}
            data = {"insight_id": event.subject, "conversation_id": event.conversation_id}
            link = f"/coach/insights/{event.subject}"
            told = await self.audience.leaders(lead.dataset_id if lead else None)
            owner = await self._owner(lead)
            told += [owner] if owner else []
            await self._of_lead(Kind.INSIGHT_RAISED, lead, values, data, link, told)

    @effect
    async def campaign_finished(self, event: CampaignCompleted) -> None:
        """A campaign has no touch left."""
        async with self.uow:
            notice = Notice(
                kind=Kind.CAMPAIGN_FINISHED,
                values={"dataset": await self.happenings.dataset(event.dataset_id)},
                link=f"/datasets/{event.dataset_id}",
                data={"campaign_id": event.subject, "dataset_id": event.dataset_id},
            )
            await self.notifying.tell(notice, await self.audience.leaders(event.dataset_id))

    @effect
    async def imported(self, event: ImportEnded) -> None:
        """Every row of an import has its outcome."""
        async with self.uow:
            known = await self.happenings.import_of(event.subject)
            if known is not None:
                counts = {"created": event.created, "duplicates": event.duplicates, "failed": event.failed}
                await self._of_import(Kind.IMPORT_FINISHED, known, counts)

    @effect
    async def job_ended(self, event: JobEnded) -> None:
        """An import cannot go on."""
        async with self.uow:
            failed = event.kind == IMPORT and event.status is JobStatus.FAILED
            known = await self.happenings.import_of(event.subject) if failed else None
            if known is not None:
                await self._of_import(Kind.IMPORT_FAILED, known, {"reason": known.error})

    async def _of_provider(self, kind: Kind, provider: str, reason: str) -> None:
        async with self.uow:
            values, data = {"provider": provider, "reason": reason}, {"provider": provider}
            notice = Notice(kind=kind, values=values, link="/settings/integrations", data=data)
            await self.notifying.tell(notice, await self.audience.heads())

    async def _of_import(self, kind: Kind, known: KnownImport, values: Mapping[str, str | int | None]) -> None:
        values = {"dataset": await self.happenings.dataset(known.dataset_id), **values}
        data = {"import_id": known.import_id, "dataset_id": known.dataset_id}
        notice = Notice(kind=kind, values=values, link=f"/imports/{known.import_id}", data=data)
        asker = None if known.asked_by is None else await self.audience.seeing(known.asked_by, known.dataset_id)
        await self.notifying.tell(notice, [asker] if asker else await self.audience.leaders(known.dataset_id))

    async def _of_call(
        self,
        kind: Kind,
        lead_id: UUID,
        booking_id: UUID,
        start_at: datetime,
        *,
        before: datetime | None = None,
        reason: str | None = None,
    ) -> None:
        async with self.uow:
            lead, voice = await self.audience.lead(lead_id), await self.audience.voice()
            if lead is None:
                return
            values = {
                "when": when(start_at, voice.time_zone, voice.locale),
                "before": None if before is None else when(before, voice.time_zone, voice.locale),
                "zone": voice.time_zone,
                "reason": reason,
            }
            await self._of_lead(kind, lead, values, {"booking_id": booking_id}, f"/bookings/{booking_id}")

    async def _of_lead(
        self,
        kind: Kind,
        lead: KnownLead | None,
        values: Mapping[str, str | None],
        data: Mapping[str, object],
        link: str,
        to: Sequence[Recipient] | None = None,
    ) -> None:
        """Tell these, or whose lead it is, else those who lead."""
        if to is None:
            owner = await self._owner(lead)
            to = [owner] if owner else await self.audience.leaders(lead.dataset_id if lead else None)
        values = {"name": lead.name if lead else None, **values}
        await self.notifying.tell(Notice(kind=kind, values=values, link=link, lead=lead, data=data), to)

    async def _owner(self, lead: KnownLead | None) -> Recipient | None:
        """Give whose lead it is, if they see it."""
        if lead is None or lead.assigned_to is None:
            return None
        return await self.audience.seeing(lead.assigned_to, lead.dataset_id)
