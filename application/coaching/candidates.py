"""What a draft would come to, beside what is live."""

from dataclasses import dataclass

from application.coaching.evaluation_ports import Candidates
from application.coaching.prompt_ports import ActiveLessons, PromptStore
from application.ports import Actor, UnitOfWork, within
from domain.coaching.prompt import BUILT_IN, Prompt, PromptType, PromptVersion, told


@dataclass(frozen=True)
class Drafts:
    """Put drafts together with what stands beside them."""

    actor: Actor
    uow: UnitOfWork
    prompts: PromptStore
    lessons: ActiveLessons

    @within
    async def candidates(self, prompt_type: PromptType, *, testing: bool = False) -> Candidates:
        """Give what texts are written with now, and what they would be written with; `testing` lessons if wanted."""
        prompt, live = await self._standing(prompt_type)
        candidate = prompt.candidate(await self.lessons.active(testing=testing), await self.prompts.lesson_budget())
        _, other = await self._standing(prompt_type.beside)
        is_master = prompt_type is PromptType.MASTER
        old = told(live, PromptType.REPLY, other) if is_master else told(other, prompt_type, live)
        new = told(candidate, PromptType.REPLY, other) if is_master else told(other, prompt_type, candidate)
        return Candidates(live.number, candidate.fingerprint(live.number, other.number), old, new, candidate.left_out)

    async def _standing(self, prompt_type: PromptType) -> tuple[Prompt, PromptVersion]:
        prompt = await self.prompts.of_type(prompt_type)
        live = await self.prompts.version(prompt_type, BUILT_IN if prompt is None else prompt.live)
        return prompt or Prompt.of(self.actor.organization_id, prompt_type, live), live
