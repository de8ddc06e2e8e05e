"""The set of past conversations that versions are compared on."""

from dataclasses import dataclass
from uuid import UUID

from application.coaching.evaluation_forms import CaseView, ChooseCase
from application.coaching.evaluation_ports import Case, CaseStore, PastThreads
from application.ports import Actor, Clock, Found, PageRequest, UnitOfWork
from domain.identity.role import Permission


@dataclass(frozen=True)
class Cases:
    """Choose cases."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    cases: CaseStore
    past: PastThreads

    async def find(self, page: PageRequest) -> Found:
        """List the set, as far as its leads may be seen."""
        self.actor.require(Permission.COACH_READ)
        async with self.uow.reading():
            return await self.cases.find(page)

    async def choose(self, command: ChooseCase) -> CaseView:
        """Freeze a conversation as it stands; one that is in the set already is frozen anew."""
        self.actor.require(Permission.PROMPTS_PUBLISH)
        async with self.uow:
            lead_id, thread = await self.past.of(command.conversation_id)
            known = await self.cases.of_conversation(command.conversation_id)
            if known is not None:
                await self.cases.remove(known)
            case = Case(
                organization_id=self.actor.organization_id,
                conversation_id=command.conversation_id,
                lead_id=lead_id,
                chosen=True,
                thread=thread,
                created_by=self.actor.id,
                created_at=self.clock.now(),
            )
            await self.cases.add(case)
        return CaseView(
            id=case.id,
            conversation_id=case.conversation_id,
            lead_id=case.lead_id,
            chosen=case.chosen,
            created_by=case.created_by,
            created_at=case.created_at,
        )

    async def drop(self, identifier: UUID) -> None:
        """Take a conversation out of the set, with its answers in past evaluations."""
        self.actor.require(Permission.PROMPTS_PUBLISH)
        async with self.uow:
            await self.cases.remove(await self.cases.visible(identifier))
