"""Marking leads with tags, some of which do something."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol
from uuid import UUID

import msgspec
from msgspec import Meta

from application.ports import Actor, Clock, Command, Filter, UnitOfWork
from application.sales.lead_ports import LeadStore, OutreachOfLead, StageStore
from application.sales.leads import Leads
from domain.identity.role import Permission
from domain.kernel import Event
from domain.sales.lead import Lead
from domain.sales.stage import Category
from domain.sales.tag import DO_NOT_CONTACT, WON, Tag, TagApplied, TagRemoved

Slug = Annotated[str, Meta(min_length=1, max_length=100)]


class ApplyTag(Command, frozen=True):
    """Say which tag."""

    tag_slug: Slug
    example: ClassVar[dict[str, Any]] = {"tag_slug": "dnc"}


class TagOnLead(Filter, frozen=True):
    """Say which tag to take off."""

    tag_slug: Slug
    example: ClassVar[dict[str, Any]] = {"tag_slug": "dnc"}


class LeadTagStore(Protocol):
    """Keep which tags a lead has."""

    async def with_slug(self, slug: str) -> Tag:
        """Load a tag, or refuse with `NotFound`."""
        ...

    async def apply(self, lead_id: UUID, tag: Tag, by: UUID | None) -> bool:
        """Put a tag on a lead; False when it was there already."""
        ...

    async def take_off(self, lead_id: UUID, tag: Tag) -> bool:
        """Take a tag off a lead; False when it was not there."""
        ...

    async def of_lead(self, lead_id: UUID) -> list[msgspec.Raw]:
        """Show a lead's tags (`TagOfLead`)."""
        ...


@dataclass(frozen=True)
class LeadTags:
    """Mark leads."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    leads: LeadStore
    tags: LeadTagStore
    stages: StageStore
    pipeline: Leads
    outreach: OutreachOfLead

    async def find(self, lead_id: UUID) -> list[msgspec.Raw]:
        """List a lead's tags."""
        self.actor.require(Permission.LEADS_READ)
        async with self.uow.reading():
            await self.leads.require_visible(lead_id)
            return await self.tags.of_lead(lead_id)

    async def apply(self, lead_id: UUID, slug: str) -> list[msgspec.Raw]:
        """Mark a lead: `won` wins it, `dnc` loses it and ends all contact; a second time changes nothing."""
        self.actor.require(Permission.LEADS_WRITE)
        async with self.uow:
            lead = await self.leads.locked(lead_id)
            tag = await self.tags.with_slug(slug)
            tag.require_active()
            if await self.tags.apply(lead_id, tag, self.actor.id):
                self.uow.publish(TagApplied(subject=lead_id, tag_id=tag.id, slug=tag.slug))
                await self._act_on(lead, tag.slug)
            return await self.tags.of_lead(lead_id)

    async def remove(self, lead_id: UUID, slug: str) -> list[msgspec.Raw]:
        """Take a tag off; without `dnc` the lead may be contacted again, its stage stays."""
        self.actor.require(Permission.LEADS_WRITE)
        async with self.uow:
            lead = await self.leads.locked(lead_id)
            tag = await self.tags.with_slug(slug)
            if await self.tags.take_off(lead_id, tag):
                self.uow.publish(TagRemoved(subject=lead_id, tag_id=tag.id, slug=tag.slug))
                if tag.slug == DO_NOT_CONTACT:
                    lead.allow_contact(self.clock.now())
                    await self.leads.save(lead)
            return await self.tags.of_lead(lead_id)

    async def _act_on(self, lead: Lead, slug: str) -> None:
        if slug == DO_NOT_CONTACT:
            lead.forbid_contact(self.clock.now())
            await self.outreach.stop(lead.id, "tag dnc")
            await self._place(lead, "lost")
        elif slug == WON:
            await self._place(lead, "won")

    async def _place(self, lead: Lead, category: Category) -> None:
        stage = await self.stages.of_category(category)
        events: list[Event | None] = await self.pipeline.place(lead, stage)
        await self.leads.save(lead)
        self.uow.publish(*[event for event in events if event is not None])
