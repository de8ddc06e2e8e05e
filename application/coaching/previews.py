"""Previews: what the AI would be told with a draft, and what it would answer to a lead; nothing is kept or sent."""

from dataclasses import dataclass

from application.coaching.candidates import Drafts
from application.coaching.evaluation_ports import CandidateAnswers, PastThreads
from application.coaching.model_access import ModelAccess
from application.coaching.prompt_forms import PreviewFor, PreviewView
from application.coaching.prompt_views import left_out_of, lessons_in
from application.model_calls import Unusable, Usage
from application.model_spending import SPENT, Spending
from application.ports import Actor, UnitOfWork
from application.provider import Capabilities
from domain.coaching.prompt import PromptType
from domain.identity.role import Permission
from domain.kernel import Conflict


@dataclass(frozen=True)
class PromptPreviews:
    """Preview drafts."""

    actor: Actor
    uow: UnitOfWork
    drafts: Drafts
    past: PastThreads
    access: ModelAccess
    spending: Spending
    answers: CandidateAnswers
    capabilities: Capabilities

    async def show(self, prompt_type: PromptType, command: PreviewFor) -> PreviewView:
        """Render a draft with active and testing lessons for a lead, with the answer or touch that it would give."""
        self.actor.require(Permission.PROMPTS_WRITE)
        async with self.uow.reading():
            await self.capabilities.require("ai")
            candidates = await self.drafts.candidates(prompt_type, testing=True)
            past = self.past.of_lead if prompt_type.writes_answers else self.past.before_touch
            thread = await past(command.lead_id)
            access = await self.access.access()
            if await self.spending.is_spent():
                raise Conflict(SPENT)
        try:
            answer = await self.answers.answer(thread, candidates.new, access, prompt_type.touch)
        except Unusable as error:
            await self._note(error.usage)
            raise
        await self._note(answer.usage)
        why_not = [*answer.breaches, *(["needs_person"] if answer.needs_person else [])]
        return PreviewView(
            prompt_type=prompt_type,
            told=candidates.new.text,
            lessons_context=lessons_in(candidates.new.lessons),
            left_out=left_out_of(candidates.left_out),
            answer=answer.text,
            confidence=answer.confidence,
            would_go=not why_not,
            why_not=why_not,
            lessons_applied=list(answer.lesson_ids),
        )

    async def _note(self, usage: Usage) -> None:
        if usage.cost_micros:
            async with self.uow:
                await self.spending.note("preview", usage.cost_micros)
