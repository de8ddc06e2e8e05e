"""Campaigns: start, pause, resume, watch, and preview what a lead would get."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Annotated, Any, ClassVar, Literal, Protocol
from uuid import UUID

import msgspec

from application.agenda import Agenda
from application.ports import Actor, Clock, Command, Store, UnitOfWork, View
from domain.identity.role import Permission
from domain.kernel import Conflict, Invalid, NotFound, Phone, Stale
from domain.messaging.segments import count_segments
from domain.messaging.template import render
from domain.messaging.window import EVERY_DAY, Weekday, Window
from domain.outreach.campaign import (
    Campaign,
    CampaignSettings,
    CampaignStatus,
    Touch,
    TouchPlan,
    Variant,
    choose_variant,
    estimated_completion,
)

PLAN = "outreach.plan"
Hours = Annotated[float, msgspec.Meta(ge=0, le=8760)]
DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
MessageText = Annotated[str, msgspec.Meta(min_length=1, max_length=1600)]


class ScheduleIn(Command, frozen=True):
    """Say when texts may go out, in the recipient's zone: `start` and `end` as HH:MM, or whole hours."""

    start: str | None = None
    end: str | None = None
    hours_start: Annotated[int, msgspec.Meta(ge=0, le=24)] | None = None
    hours_end: Annotated[int, msgspec.Meta(ge=0, le=24)] | None = None
    days: list[DayName] | None = None


class VariantIn(Command, frozen=True):
    """Hold one wording and its weight."""

    template: MessageText
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=50)] = "A"
    weight: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 100


class TouchIn(Command, frozen=True):
    """Plan one touch: hours after the previous one, and its wordings (ours, when none are given)."""

    touch: Literal["M1", "M2", "M3"]
    delay_hours: Annotated[int, msgspec.Meta(ge=0, le=8760)] | None = None
    variants: Annotated[list[VariantIn], msgspec.Meta(min_length=1, max_length=20)] | None = None


class SettingsIn(Command, frozen=True):
    """Change a campaign's settings; what is left out stays as it is."""

    m1_delay_hours: Annotated[int, msgspec.Meta(ge=0, le=8760)] | None = None
    m2_delay_hours: Annotated[int, msgspec.Meta(ge=0, le=8760)] | None = None
    m3_delay_hours: Annotated[int, msgspec.Meta(ge=0, le=8760)] | None = None
    ai_response_delay_seconds: Annotated[int, msgspec.Meta(ge=0, le=86_400)] | None = None
    rate_limit_messages_per_minute: Annotated[int, msgspec.Meta(ge=1, le=6000)] | None = None
    schedule: ScheduleIn | None = None
    touches: Annotated[list[TouchIn], msgspec.Meta(min_length=1, max_length=3)] | None = None
    example: ClassVar[dict[str, Any]] = {
        "rate_limit_messages_per_minute": 60,
        "schedule": {"start": "10:00", "end": "18:30"},
    }


class StartCampaign(Command, frozen=True):
    """Start the campaign of a dataset."""

    dataset_id: UUID
    settings: SettingsIn | None = None
    example: ClassVar[dict[str, Any]] = {
        "dataset_id": "01890a5d-aa00-7d10-8f2e-1a2b3c4d5e6f",
        "settings": {"m2_delay_hours": 48, "rate_limit_messages_per_minute": 30, "schedule": {"start": "09:00"}},
    }


class OfDataset(Command, frozen=True):
    """Name the dataset whose campaign is meant."""

    dataset_id: UUID
    example: ClassVar[dict[str, Any]] = {"dataset_id": "01890a5d-aa00-7d10-8f2e-1a2b3c4d5e6f"}


class PreviewText(Command, frozen=True):
    """Ask what a lead would get; `template` tries a wording that is not saved."""

    dataset_id: UUID
    lead_id: UUID
    touch: Literal["M1", "M2", "M3"] = "M1"
    template: MessageText | None = None
    example: ClassVar[dict[str, Any]] = {
        "dataset_id": "01890a5d-aa00-7d10-8f2e-1a2b3c4d5e6f",
        "lead_id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "touch": "M1",
    }


class VariantView(View, frozen=True):
    """Show one wording."""

    name: str
    weight: int
    template: str


class TouchView(View, frozen=True):
    """Show one touch."""

    touch: str
    delay_hours: int
    variants: list[VariantView]


class ScheduleView(View, frozen=True):
    """Show the hours."""

    start: str
    end: str
    days: list[str]


class TouchCounts(View, frozen=True):
    """Count one touch's texts by what became of them."""

    touch: str
    variant: str
    state: str
    verdict_rule: str | None
    delayed_by: str | None
    count: int


class CampaignView(View, frozen=True):
    """Show a campaign with its plan and where it stands."""

    id: UUID
    dataset_id: UUID
    status: str
    total_leads: int
    messages_queued: int
    estimated_completion: datetime | None
    rate_limit_messages_per_minute: int
    ai_response_delay_seconds: int
    schedule: ScheduleView
    touches: list[TouchView]
    started_at: datetime | None
    completed_at: datetime | None
    texts: list[TouchCounts]
    version: int
    example: ClassVar[dict[str, Any]] = {
        "id": "01890a5d-ab00-7b1e-9d2c-7e51c0a4b8aa",
        "dataset_id": "01890a5d-aa00-7d10-8f2e-1a2b3c4d5e6f",
        "status": "active",
        "total_leads": 600,
        "messages_queued": 412,
        "estimated_completion": "2027-03-22T15:52:00Z",
        "rate_limit_messages_per_minute": 1,
        "ai_response_delay_seconds": 60,
        "schedule": {"start": "09:00", "end": "20:00", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]},
        "touches": [
            {
                "touch": "M1",
                "delay_hours": 0,
                "variants": [
                    {"name": "A", "weight": 100, "template": "Hi {{ first_name | there }}, still interested?"}
                ],
            }
        ],
        "started_at": "2027-03-22T09:00:00Z",
        "completed_at": None,
        "texts": [
            {
                "touch": "M1",
                "variant": "A",
                "state": "accepted",
                "verdict_rule": None,
                "delayed_by": "quiet_hours",
                "count": 188,
            }
        ],
        "version": 2,
    }


class PreviewView(View, frozen=True):
    """Show a text as a lead would get it."""

    text: str
    variant: str | None
    encoding: str
    segments: int
    characters: int
    example: ClassVar[dict[str, Any]] = {
        "text": "Hi Ada, still interested?",
        "variant": "A",
        "encoding": "GSM-7",
        "segments": 1,
        "characters": 25,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadFacts:
    """Hold what a template may say of a lead."""

    phone: Phone | None
    words: dict[str, str | None]


class CampaignStore(Store[Campaign], Protocol):
    """Keep campaigns and enrolments."""

    async def of_dataset(self, dataset_id: UUID) -> Campaign | None:
        """Find the campaign of a dataset that the actor may see."""
        ...

    async def to_change(self, dataset_id: UUID) -> Campaign | None:
        """Find and lock the campaign of a dataset that is locked already."""
        ...

    async def dataset_is_there(self, dataset_id: UUID) -> bool:
        """Tell whether there is such a dataset for this actor to see; locks it."""
        ...

    async def show_on_dataset(self, campaign: Campaign) -> None:
        """Copy the campaign's status and dates to its dataset."""
        ...

    async def enrol(self, campaign: Campaign, due_at: datetime) -> int:
        """Enrol every READY lead of the dataset that is not archived; tells how many."""
        ...

    async def hold(self, campaign: Campaign) -> None:
        """Put planned and claimed texts back to planned and held."""
        ...

    async def release(self, campaign: Campaign, at: datetime) -> datetime | None:
        """Let held texts go on, spaced afresh from `at`; tells the slot that is free after them."""
        ...

    async def counts(self, campaign: Campaign) -> tuple[int, int, list[TouchCounts]]:
        """Count leads, open texts and enrolments, and texts by touch, variant and state."""
        ...

    async def lead_facts(self, dataset_id: UUID, lead_id: UUID) -> LeadFacts:
        """Give what a template may say of a lead, or refuse with `NotFound`."""
        ...

    async def can_send(self) -> bool:
        """Tell whether the organisation has a number to send from."""
        ...


@dataclass(frozen=True)
class Campaigns:
    """Run campaigns."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    campaigns: CampaignStore
    agenda: Agenda

    async def start(self, asked: StartCampaign) -> CampaignView:
        """Start the campaign of a dataset: enrol its READY leads and plan the first touch."""
        self.actor.require(Permission.CAMPAIGNS_RUN)
        async with self.uow:
            now = self.clock.now()
            if not await self.campaigns.can_send():
                raise Conflict("This organisation has no number to send texts from.")
            campaign = await self._of(asked.dataset_id)
            if asked.settings is not None:
                campaign.settings = changed(campaign.settings, asked.settings)
            self.uow.publish(campaign.start(now))
            first = campaign.settings.plan(Touch.M1)
            assert first is not None
            due_at = now + timedelta(hours=first.delay_hours)
            await self.campaigns.save(campaign)
            if await self.campaigns.enrol(campaign, due_at) == 0:
                raise Conflict("No lead of this dataset is READY to be texted.")
            await self.campaigns.show_on_dataset(campaign)
            await self.agenda.no_later_than(PLAN, due_at)
            return await self._view(campaign)

    async def pause(self, asked: OfDataset) -> CampaignView:
        """Stop sending at once; what is planned waits, held."""
        self.actor.require(Permission.CAMPAIGNS_RUN)
        async with self.uow:
            campaign = await self._of(asked.dataset_id)
            self.uow.publish(campaign.pause(self.clock.now()))
            await self.campaigns.save(campaign)
            await self.campaigns.hold(campaign)
            await self.campaigns.show_on_dataset(campaign)
            return await self._view(campaign)

    async def resume(self, asked: OfDataset) -> CampaignView:
        """Go on, at the campaign's pace from now."""
        self.actor.require(Permission.CAMPAIGNS_RUN)
        async with self.uow:
            now = self.clock.now()
            campaign = await self._of(asked.dataset_id)
            self.uow.publish(campaign.resume(now))
            campaign.next_slot = await self.campaigns.release(campaign, now)
            await self.campaigns.save(campaign)
            await self.campaigns.show_on_dataset(campaign)
            await self.agenda.no_later_than(PLAN, now)
            await self.agenda.no_later_than("messaging.send", now)
            return await self._view(campaign)

    async def change(self, dataset_id: UUID, asked: SettingsIn, version: int | None) -> CampaignView:
        """Change settings; texts already planned keep their wording and variant."""
        self.actor.require(Permission.CAMPAIGNS_RUN)
        async with self.uow:
            campaign = await self._of(dataset_id)
            if version is not None and version != campaign.version:
                message = f"This campaign was changed meanwhile: it is at version {campaign.version}, not {version}."
                named = [name for name in asked.__struct_fields__ if getattr(asked, name) is not None]
                raise Stale(message, details=[(name, "This may have been changed meanwhile.") for name in named])
            if campaign.status is CampaignStatus.COMPLETED:
                raise Conflict("This campaign is completed; its settings no longer matter.")
            campaign.settings = changed(campaign.settings, asked)
            await self.campaigns.save(campaign)
            return await self._view(campaign)

    async def show(self, dataset_id: UUID) -> CampaignView:
        """Show a dataset's campaign: plan, state, and its texts counted by what became of them."""
        self.actor.require(Permission.CAMPAIGNS_READ)
        async with self.uow.reading():
            campaign = await self.campaigns.of_dataset(dataset_id)
            if campaign is None:
                raise NotFound("This dataset has no campaign yet.")
            return await self._view(campaign)

    async def preview(self, asked: PreviewText) -> PreviewView:
        """Render a touch for one lead and count its segments."""
        self.actor.require(Permission.CAMPAIGNS_READ)
        touch = Touch(asked.touch)
        async with self.uow.reading():
            campaign = await self.campaigns.of_dataset(asked.dataset_id)
            lead = await self.campaigns.lead_facts(asked.dataset_id, asked.lead_id)
        settings = campaign.settings if campaign else CampaignSettings()
        name, template = None, asked.template
        if template is not None:
            Variant("preview", 1, template)  # refuses what could not be saved either
        else:
            plan = settings.plan(touch)
            if plan is None:
                raise NotFound(f"This campaign has no {touch.value}.")
            phone = lead.phone or Phone("+440000000000")
            variant = choose_variant(campaign.seed if campaign else 0, touch, phone, plan.variants)
            name, template = variant.name, variant.template
        text = render(template, lead.words)
        count = count_segments(text)
        return PreviewView(
            text=text, variant=name, encoding=count.encoding, segments=count.segments, characters=len(text)
        )

    async def _of(self, dataset_id: UUID) -> Campaign:
        if not await self.campaigns.dataset_is_there(dataset_id):
            raise NotFound("There is no such dataset.")
        campaign = await self.campaigns.to_change(dataset_id)
        if campaign is None:
            campaign = Campaign(
                organization_id=self.actor.organization_id, dataset_id=dataset_id, seed=secrets.randbits(62)
            )
            await self.campaigns.add(campaign)
        return campaign

    async def _view(self, campaign: Campaign) -> CampaignView:
        leads, queued, texts = await self.campaigns.counts(campaign)
        settings = campaign.settings
        since = campaign.next_slot or campaign.started_at
        running = campaign.status is CampaignStatus.ACTIVE and since is not None and queued > 0
        return CampaignView(
            id=campaign.id,
            dataset_id=campaign.dataset_id,
            status=campaign.status.value,
            total_leads=leads,
            messages_queued=queued,
            estimated_completion=estimated_completion(queued, settings.rate_per_minute, since)
            if running and since
            else None,
            rate_limit_messages_per_minute=settings.rate_per_minute,
            ai_response_delay_seconds=settings.ai_response_delay_seconds,
            schedule=ScheduleView(
                start=settings.window.start.strftime("%H:%M"),
                end=settings.window.end.strftime("%H:%M"),
                days=[day.name.lower() for day in sorted(settings.window.days)],
            ),
            touches=[
                TouchView(
                    touch=plan.touch.value,
                    delay_hours=plan.delay_hours,
                    variants=[VariantView(name=v.name, weight=v.weight, template=v.template) for v in plan.variants],
                )
                for plan in settings.touches
            ],
            started_at=campaign.started_at,
            completed_at=campaign.completed_at,
            texts=texts,
            version=campaign.version,
        )


def changed(settings: CampaignSettings, asked: SettingsIn) -> CampaignSettings:
    """Apply what was asked to settings, checking every rule; delays by name and by `touches` mean the same."""
    plans = {plan.touch: plan for plan in settings.touches}
    if asked.touches is not None:
        plans = {Touch(t.touch): _plan(t, settings) for t in asked.touches}
        if len(plans) < len(asked.touches):
            raise Invalid("Each touch stands once.", field="touches")
    delays = {Touch.M1: asked.m1_delay_hours, Touch.M2: asked.m2_delay_hours, Touch.M3: asked.m3_delay_hours}
    for touch, delay in delays.items():
        if delay is not None:
            if touch not in plans:
                raise Invalid(f"This campaign has no {touch.value}.", field=f"{touch.value.lower()}_delay_hours")
            plans[touch] = replace(plans[touch], delay_hours=delay)
    return CampaignSettings(
        touches=tuple(plans[touch] for touch in Touch if touch in plans),
        window=settings.window if asked.schedule is None else _window(settings.window, asked.schedule),
        rate_per_minute=asked.rate_limit_messages_per_minute or settings.rate_per_minute,
        ai_response_delay_seconds=settings.ai_response_delay_seconds
        if asked.ai_response_delay_seconds is None
        else asked.ai_response_delay_seconds,
    )


def _plan(asked: TouchIn, settings: CampaignSettings) -> TouchPlan:
    touch = Touch(asked.touch)
    present = settings.plan(touch) or CampaignSettings().plan(touch)
    assert present is not None
    variants = present.variants
    if asked.variants is not None:
        variants = tuple(Variant(v.name, v.weight, v.template) for v in asked.variants)
    return TouchPlan(touch, present.delay_hours if asked.delay_hours is None else asked.delay_hours, variants)


def _window(present: Window, asked: ScheduleIn) -> Window:
    start = _hour(asked.start, asked.hours_start, present.start, "schedule.start")
    end = _hour(asked.end, asked.hours_end, present.end, "schedule.end")
    days = present.days
    if asked.days is not None:
        days = frozenset(Weekday[day.upper()] for day in asked.days)
    return Window(start, end, days or EVERY_DAY)


def _hour(text: str | None, hour: int | None, present: time, field: str) -> time:
    if text is not None and hour is not None:
        raise Invalid("Give the time once: as HH:MM or as a whole hour.", field=field)
    if hour is not None:
        return time(hour % 24)
    if text is None:
        return present
    try:
        found = time.fromisoformat("00:00" if text == "24:00" else text)
    except ValueError:
        raise Invalid("A time is HH:MM, such as 09:00.", field=field) from None
    if len(text) != 5 or found.tzinfo is not None:
        raise Invalid("A time is HH:MM, such as 09:00.", field=field)
    return found
