"""What is told in truth: a version's words beside another's, with the lessons of one of the two."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.coaching.prompt_forms import Leads, TeachesView, ToldView
from application.coaching.prompt_ports import CanaryStore, PromptStore
from application.coaching.prompt_views import lessons_in
from application.ports import within
from domain.coaching.canary import CanaryStatus
from domain.coaching.prompt import PromptType, Standing, teaching, told


@dataclass(frozen=True)
class Telling:
    """Know what leads are told."""

    prompts: PromptStore
    canaries: CanaryStore

    @within
    async def told(self, prompt_type: PromptType) -> list[ToldView]:
        """Show what each text is written with that a prompt has a part in, for each part of the leads."""
        parts = await self._parts(prompt_type)
        if prompt_type is not PromptType.MASTER:
            master = await self.prompts.standing(PromptType.MASTER)
            return [_told(leads, master, prompt_type, own) for leads, own in parts]
        others = {kind: await self.prompts.standing(kind) for kind in PromptType if kind is not PromptType.MASTER}
        return [_told(leads, master, kind, own) for kind, own in others.items() for leads, master in parts]

    async def _parts(self, prompt_type: PromptType) -> Sequence[tuple[Leads, Standing]]:
        """Give the versions that leads are dealt out to, the live one first."""
        live, prompt = await self.prompts.standing(prompt_type), await self.prompts.of_type(prompt_type)
        trial = None if prompt is None else await self.canaries.open_of(prompt.id)
        if trial is None:
            return [("all", live)]
        runs = trial.status is CanaryStatus.RUNNING
        number = trial.number if runs else trial.baseline
        other = Standing(await self.prompts.version(prompt_type, number), trial.since(number))
        return [("rest", live), ("trial" if runs else "hold_out", other)]


def _told(leads: Leads, master: Standing, prompt_type: PromptType, own: Standing) -> ToldView:
    said, teaches_own = told(master, prompt_type, own), teaching(master, own) is own
    return ToldView(
        leads=leads,
        prompt_version=said.label,
        lessons_of=TeachesView(
            prompt_type=prompt_type if teaches_own else PromptType.MASTER,
            version=(own if teaches_own else master).version.number,
        ),
        lessons_context=lessons_in(said.lessons),
    )
