"""What people see of the coach's insights, and what they decide about them."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import msgspec
from msgspec.structs import replace

from application.coaching.insight_forms import DismissInsight, InsightFilter
from application.coaching.insight_lessons import DecidedInsights
from application.ports import Actor, Clock, Found, PageRequest, UnitOfWork, require_version
from domain.coaching.insight import InsightStatus
from domain.identity.role import Permission


class InsightStore(DecidedInsights, Protocol):
    """Keep insights; what is shown is what the actor may see."""

    async def find(self, narrowed: InsightFilter, page: PageRequest) -> Found:
        """List them, with how many of each severity there are."""
        ...

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one with its evidence, or refuse with `NotFound`."""
        ...


@dataclass(frozen=True)
class Insights:
    """Show insights, and take people's decisions."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    store: InsightStore

    async def find(self, narrowed: InsightFilter, page: PageRequest) -> Found:
        """List those that wait, or others."""
        self.actor.require(Permission.COACH_READ)
        status = None if narrowed.status == "all" else narrowed.status or "pending"
        async with self.uow.reading():
            return await self.store.find(replace(narrowed, status=status), page)

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one in full."""
        self.actor.require(Permission.COACH_READ)
        async with self.uow.reading():
            return await self.store.show(identifier)

    async def view(self, identifier: UUID) -> msgspec.Raw:
        """Note that somebody looked at it."""
        self.actor.require(Permission.COACH_ANALYZE)
        async with self.uow:
            insight = await self.store.locked(identifier)
            if insight.status is InsightStatus.PENDING:
                insight.view(self.clock.now())
                await self.store.save(insight)
            return await self.store.show(identifier)

    async def dismiss(self, identifier: UUID, command: DismissInsight, version: int | None) -> msgspec.Raw:
        """Let it rest."""
        self.actor.require(Permission.COACH_ANALYZE)
        async with self.uow:
            insight = await self.store.locked(identifier)
            require_version(insight, version, ("status",), "insight")
            decided = insight.decide(
                InsightStatus.DISMISSED,
                by=self.actor.id,
                at=self.clock.now(),
                note=command.reason,
                lead_id=await self.store.lead_of(identifier),
            )
            await self.store.save(insight)
            self.uow.publish(decided)
            return await self.store.show(identifier)
