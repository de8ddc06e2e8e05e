"""The steps that leads go through."""

from dataclasses import dataclass

import msgspec

from application.ports import Actor, UnitOfWork
from application.sales.lead_ports import StageStore
from domain.identity.role import Permission


@dataclass(frozen=True)
class Stages:
    """Look at the pipeline's stages."""

    actor: Actor
    uow: UnitOfWork
    stages: StageStore

    async def find(self) -> list[msgspec.Raw]:
        """List all stages in order."""
        self.actor.require(Permission.LEADS_READ)
        async with self.uow.reading():
            return await self.stages.list()
