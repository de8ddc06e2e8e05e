"""Planning: due enrolments become texts, settled texts bring the next touch."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from application.agenda import Agenda
from application.outreach.ai_texts import AiTexts, AiWording
from application.outreach.campaigns import PLAN, CampaignStore
from application.outreach.touch_gate import TouchGate, TouchText
from application.ports import Clock, UnitOfWork, effect
from domain.kernel import Phone
from domain.messaging.message import MessagesSettled
from domain.messaging.template import render
from domain.outreach.campaign import EXHAUSTED_AFTER, Campaign, TextFrom, Touch, choose_variant

PLANNED_AT_ONCE = 1000
BATCHES_IN_TURN = 10
EXHAUST = "EXHAUST"
WHILE_LOCKED = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTouch:
    """Hold one enrolment that is due, with what its text may say."""

    lead_id: UUID
    contact_id: UUID
    touch: str
    phone: Phone | None
    words: dict[str, str | None]
    delayed_by: str | None


class Enrolments(Protocol):
    """Know which lead is due for which touch."""

    async def campaign_with_due(self, besides: Collection[UUID]) -> Campaign | None:
        """Find another active campaign with due enrolments and lock it; None where all are planned, or others' now."""
        ...

    async def due(self, campaign: Campaign, limit: int) -> list[DueTouch]:
        """Take due enrolments of a campaign, locked, oldest first."""
        ...

    async def pace(self, campaign: Campaign) -> None:
        """Write down which slot is free next; nobody's version of the campaign grows old by that."""
        ...

    async def in_flight(self, campaign: Campaign, leads: Sequence[UUID]) -> None:
        """Let these wait for what becomes of their text."""
        ...

    async def delay(self, campaign: Campaign, later: Sequence[tuple[UUID, datetime, str]]) -> None:
        """Let these be due later, for a reason."""
        ...

    async def end(self, campaign: Campaign, leads: Sequence[UUID]) -> None:
        """Enrol these no longer."""
        ...

    async def exhaust(self, campaign: Campaign, leads: Sequence[UUID]) -> None:
        """Set leads that never answered to EXHAUSTED and enrol them no longer."""
        ...

    async def campaigns(self, identifiers: Sequence[UUID]) -> dict[UUID, Campaign]:
        """Load campaigns by id."""
        ...

    async def follow_up(self, next_touches: Sequence[tuple[UUID, UUID, str, datetime | None]]) -> None:
        """Set (campaign, lead, touch, due): the next touch of leads that are still enrolled; None due ends it."""
        ...

    async def contacted(self, leads: Sequence[UUID]) -> None:
        """Note that these leads were texted."""
        ...

    async def unreachable(self, leads: Sequence[UUID]) -> None:
        """Note that nothing reaches these leads."""
        ...

    async def refused(self, leads: Sequence[UUID]) -> None:
        """Enrol these no longer: the gate refused their text when it was to be handed over."""
        ...

    async def finished(self) -> list[Campaign]:
        """Find and lock active campaigns with nobody enrolled and nothing under way."""
        ...

    async def next_due(self, at_the_latest: datetime) -> datetime | None:
        """Tell when the next enrolment of an active campaign is due; what STOPs and replies ended is seen later."""
        ...


@dataclass(slots=True)
class _Pace:
    campaign: Campaign
    now: datetime

    def peek(self) -> datetime:
        return self.now if self.campaign.next_slot is None else max(self.campaign.next_slot, self.now)

    def take(self) -> datetime:
        return self.campaign.take_slots(self.now, 1)[0]


@dataclass(frozen=True)
class Planning:
    """Turn what is due into texts."""

    uow: UnitOfWork
    clock: Clock
    campaigns: CampaignStore
    enrolments: Enrolments
    gate: TouchGate
    wording: AiWording
    ai_texts: AiTexts
    agenda: Agenda

    @effect
    async def plan(self) -> None:
        """Plan due touches, end campaigns that have nobody left, and set the schedule to what is due next.

        After some batches others have their turn.
        """
        locked: set[UUID] = set()
        for _ in range(BATCHES_IN_TURN):
            if not await self._batch(locked):
                break
        async with self.uow:
            now = self.clock.now()
            for campaign in await self.enrolments.finished():
                self.uow.publish(campaign.complete(now))
                await self.campaigns.save(campaign)
                await self.campaigns.show_on_dataset(campaign)
            await self.agenda.lock(PLAN)
            due = await self.enrolments.next_due(now + EXHAUSTED_AFTER)
            if due is not None:
                await self.agenda.no_later_than(PLAN, max(due, now + WHILE_LOCKED) if locked else due)

    async def _batch(self, locked: set[UUID]) -> bool:
        async with self.uow:
            campaign = await self.enrolments.campaign_with_due(locked)
            if campaign is None:
                return False
            due = await self.enrolments.due(campaign, PLANNED_AT_ONCE)
            await self.enrolments.exhaust(campaign, [d.lead_id for d in due if d.touch == EXHAUST])
            await self._plan(campaign, [d for d in due if d.touch != EXHAUST])
            await self.enrolments.pace(campaign)
        if not due:  # others have all of it locked, which is no reason for other campaigns to wait
            locked.add(campaign.id)
        return True

    async def _plan(self, campaign: Campaign, due: Sequence[DueTouch]) -> None:
        pace = _Pace(campaign, self.clock.now())
        texts = [text for touch in due if (text := _text(campaign, touch)) is not None]
        sorted_out = await self.wording.sort(campaign, texts, pace)
        answers = list(zip(sorted_out.ready, await self.gate.submit(sorted_out.ready, pace), strict=True))
        planned = [text for text, answer in answers if answer.kind in ("allow", "hold")]
        await self.ai_texts.submitted([text for text in planned if text.by_prompt])
        await self.enrolments.in_flight(campaign, [text.lead_id for text in planned])
        delayed = [(text.lead_id, a.until, a.rule or "") for text, a in answers if a.until is not None]
        await self.enrolments.delay(campaign, [*sorted_out.later, *delayed])
        ended = [text.lead_id for text, answer in answers if answer.kind == "refuse"]
        ended += {d.lead_id for d in due} - {text.lead_id for text in texts}
        await self.enrolments.end(campaign, ended)

    @effect
    async def advance(self, event: MessagesSettled) -> None:
        """Bring the next touch of leads whose text was accepted; drop whom nothing reaches or the gate refused."""
        touches = [s for s in event.settled if s.campaign_id and s.lead_id and s.touch]
        async with self.uow:
            campaigns = await self.enrolments.campaigns(sorted({s.campaign_id for s in touches if s.campaign_id}))
            reached = [s for s in touches if s.outcome in ("accepted", "rejected")]
            await self.enrolments.contacted([s.lead_id for s in reached if s.lead_id and s.outcome == "accepted"])
            await self.enrolments.unreachable([s.lead_id for s in touches if s.outcome == "unreachable" and s.lead_id])
            await self.enrolments.refused([s.lead_id for s in touches if s.outcome == "refused" and s.lead_id])
            following = []
            for s in reached:
                campaign = campaigns.get(s.campaign_id) if s.campaign_id else None
                if campaign is None or s.lead_id is None or s.touch is None:
                    continue
                following.append((campaign.id, s.lead_id, *_next(campaign, Touch(s.touch), s.at)))
            await self.enrolments.follow_up(following)
            due = [at for *_, at in following] + [s.at for s in touches if s not in reached]
            if due:
                await self.agenda.no_later_than(PLAN, min(due))


def _next(campaign: Campaign, touch: Touch, at: datetime) -> tuple[str, datetime]:
    following = campaign.settings.follow_up(touch, at)
    return (following[0].value, following[1]) if following else (EXHAUST, at + EXHAUSTED_AFTER)


def _text(campaign: Campaign, due: DueTouch) -> TouchText | None:
    plan = campaign.settings.plan(Touch(due.touch))
    if plan is None or due.phone is None:
        return None
    variant = choose_variant(campaign.seed, plan.touch, due.phone, plan.variants)
    return TouchText(
        campaign_id=campaign.id,
        lead_id=due.lead_id,
        contact_id=due.contact_id,
        touch=plan.touch,
        variant=variant.name,
        phone=due.phone,
        body=render(variant.template, due.words),
        delayed_by=due.delayed_by,
        by_prompt=variant.text_from is TextFrom.PROMPT,
    )
