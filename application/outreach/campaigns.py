"""Campaigns: start, pause, resume, watch, and preview what a lead would get."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from application.agenda import Agenda
from application.outreach.ai_texts import AiTexts
from application.outreach.campaign_forms import OfDataset, PreviewText, SettingsIn, StartCampaign, changed
from application.outreach.campaign_views import (
    AiTextCounts,
    CampaignView,
    PreviewView,
    ScheduleView,
    TouchCounts,
    TouchView,
    VariantView,
)
from application.ports import Actor, Clock, Store, UnitOfWork, within
from application.provider import Capabilities
from domain.identity.role import Permission
from domain.kernel import Conflict, NotFound, Phone, Stale
from domain.messaging.segments import count_segments
from domain.messaging.template import render
from domain.outreach.campaign import (
    Campaign,
    CampaignSettings,
    CampaignStatus,
    TextFrom,
    Touch,
    Variant,
    choose_variant,
    estimated_completion,
)

PLAN = "outreach.plan"


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

    async def ai_texts(self, campaign: Campaign) -> list[AiTextCounts]:
        """Count the texts that the AI is to write by touch, variant and what became of them."""
        ...

    async def lead_facts(self, dataset_id: UUID, lead_id: UUID) -> LeadFacts:
        """Give what a template may say of a lead, or refuse with `NotFound`."""
        ...

    async def active(self) -> list[Campaign]:
        """Load and lock all that are active."""
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
    capabilities: Capabilities
    ai_texts: AiTexts

    async def start(self, asked: StartCampaign) -> CampaignView:
        """Start the campaign of a dataset: enrol its READY leads and plan the first touch."""
        self.actor.require(Permission.CAMPAIGNS_RUN)
        async with self.uow:
            await self.capabilities.require("texting")
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

    @within
    async def hold_all(self) -> int:
        """Pause whatever is active, until a person has seen to what a restored database cannot know; tells how many."""
        active = await self.campaigns.active()
        for campaign in active:
            self.uow.publish(campaign.pause(self.clock.now()))
            await self.campaigns.save(campaign)
            await self.campaigns.hold(campaign)
            await self.campaigns.show_on_dataset(campaign)
        return len(active)

    async def resume(self, asked: OfDataset) -> CampaignView:
        """Go on, at the campaign's pace from now."""
        self.actor.require(Permission.CAMPAIGNS_RUN)
        async with self.uow:
            await self.capabilities.require("texting")
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
            before = campaign.settings.touches
            campaign.settings = changed(campaign.settings, asked)
            await self.campaigns.save(campaign)
            if asked.touches is not None and campaign.settings.touches != before:
                await self.ai_texts.withdraw(campaign)
                await self.agenda.no_later_than(PLAN, self.clock.now())
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
        name, template, text_from = None, asked.template, TextFrom.TEMPLATE
        if template is not None:
            Variant("preview", 1, template)  # refuses what could not be saved either
        else:
            plan = settings.plan(touch)
            if plan is None:
                raise NotFound(f"This campaign has no {touch.value}.")
            phone = lead.phone or Phone("+440000000000")
            variant = choose_variant(campaign.seed if campaign else 0, touch, phone, plan.variants)
            name, template, text_from = variant.name, variant.template, variant.text_from
        text = render(template, lead.words)
        count = count_segments(text)
        return PreviewView(
            text=text,
            variant=name,
            text_from=text_from,
            written_preview_url=f"/api/v1/coach/prompts/{touch.value.lower()}/preview"
            if text_from is TextFrom.PROMPT
            else None,
            encoding=count.encoding,
            segments=count.segments,
            characters=len(text),
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
                    variants=[
                        VariantView(name=v.name, weight=v.weight, template=v.template, text_from=v.text_from)
                        for v in plan.variants
                    ],
                )
                for plan in settings.touches
            ],
            started_at=campaign.started_at,
            completed_at=campaign.completed_at,
            texts=texts,
            ai_texts=await self.campaigns.ai_texts(campaign),
            version=campaign.version,
        )
