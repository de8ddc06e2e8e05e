"""What a draft would come to, beside what is live."""

from dataclasses import dataclass

from application.coaching.evaluation_ports import Candidates
from application.coaching.prompt_ports import ActiveLessons, PromptStore
from application.ports import Actor, UnitOfWork, within
from domain.coaching.prompt import Prompt, PromptType, Standing, beside_live, told


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
        live = await self.prompts.standing(prompt_type)
        own = await self.prompts.of_type(prompt_type)
        prompt = own or Prompt.of(self.actor.organization_id, prompt_type, live.version)
        candidate = prompt.candidate(await self.lessons.active(testing=testing), await self.prompts.lesson_budget())
        drafted, other = Standing(candidate), await self.prompts.standing(prompt_type.beside)
        is_master = prompt_type is PromptType.MASTER
        old = told(live, PromptType.REPLY, other) if is_master else told(other, prompt_type, live)
        new = told(drafted, PromptType.REPLY, other) if is_master else told(other, prompt_type, drafted)
        return Candidates(live.version.number, beside_live(candidate, live, other), old, new, candidate.left_out)
