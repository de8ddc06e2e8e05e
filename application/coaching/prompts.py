"""Prompts: edited apart from what is live, made live as a version that never changes, rolled back by a pointer."""

from dataclasses import dataclass, replace

from application.agenda import Agenda
from application.coaching.measuring import EVERY, MEASURE
from application.coaching.prompt_forms import (
    CanaryView,
    ComparedView,
    DraftPrompt,
    DraftView,
    EvaluationShown,
    MadeLiveView,
    MakeLive,
    PerformanceView,
    PromptView,
    RollBack,
    RolledBackView,
)
from application.coaching.prompt_ports import ActiveLessons, CanaryStore, KnownEvaluations, PromptStore
from application.coaching.prompt_views import (
    canary_view,
    evaluation_shown,
    evaluation_summary,
    left_out_of,
    lessons_in,
    rate,
    version_view,
)
from application.coaching.telling import Telling
from application.ports import Actor, Clock, Found, PageRequest, UnitOfWork, require_version
from domain.coaching.canary import Canary, CanaryStatus, Side
from domain.coaching.evaluation import Evaluation, Outcome
from domain.coaching.prompt import (
    BUILT_IN,
    Prompt,
    PromptMadeLive,
    PromptType,
    PromptVersion,
    beside_live,
    changes_between,
)
from domain.identity.role import Permission
from domain.kernel import Conflict, Invalid, Stale
from domain.statistics import Share

EXAMPLES = 3
"""Answers of an evaluation that whoever makes a draft live is shown at once; all of them stand in the evaluation."""
_WHOLE = 100


@dataclass(frozen=True)
class Prompts:
    """Work on prompts."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    prompts: PromptStore
    canaries: CanaryStore
    evaluations: KnownEvaluations
    lessons: ActiveLessons
    telling: Telling
    agenda: Agenda

    async def show(self, prompt_type: PromptType) -> PromptView:
        """Show what is live, the draft beside it, and how it does."""
        self.actor.require(Permission.COACH_READ)
        async with self.uow.reading():
            return await self._shown(prompt_type)

    async def draft(self, prompt_type: PromptType, command: DraftPrompt, version: int | None) -> PromptView:
        """Edit the draft; nothing that is live changes."""
        self.actor.require(Permission.PROMPTS_WRITE)
        async with self.uow:
            prompt, is_new = await self._own(prompt_type)
            _require_seen(prompt, version, is_new=is_new)
            changed = prompt.draft(command.system_prompt, command.user_prompt_template, self.actor.id, self.clock.now())
            await (self.prompts.add(prompt) if is_new else self.prompts.save(prompt))
            self.uow.publish(changed)
            return await self._shown(prompt_type)

    async def make_live(self, prompt_type: PromptType, command: MakeLive, version: int | None = None) -> MadeLiveView:
        """Make the draft live with the active lessons, or refuse what was evaluated as worse unless that is forced."""
        self.actor.require(Permission.PROMPTS_PUBLISH)
        if command.share < _WHOLE and command.share + command.hold_out > _WHOLE:
            raise Invalid("Share and hold-out come to more than all conversations.", field="hold_out")
        async with self.uow:
            now = self.clock.now()
            prompt, is_new = await self._own(prompt_type)
            _require_seen(prompt, version, is_new=is_new)
            before = await self.prompts.version(prompt_type, prompt.live)
            trial = None if is_new else await self.canaries.open_of(prompt.id)
            if trial is not None and trial.status is CanaryStatus.RUNNING:
                raise Conflict(f"Version {trial.number} is being tried; roll back to {prompt.live} to end that first.")
            candidate = prompt.candidate(await self.lessons.active(), await self.prompts.lesson_budget())
            if candidate.fingerprint() == before.fingerprint():
                raise Conflict(f"Nothing is different from version {before.number}, which is live.")
            if command.fingerprint not in (None, candidate.fingerprint()):
                raise Stale("The draft or the lessons were changed since you saw them; look at the draft again.")
            evaluation = await self.evaluations.judged(prompt_type, await self._fingerprint(candidate, prompt_type))
            _require_no_worse(evaluation, command)
            made = replace(
                candidate,
                made_by=self.actor.id,
                made_at=now,
                reason=command.reason,
                evaluation_id=None if evaluation is None else evaluation.id,
            )
            prompt.number(made)
            if is_new:
                await self.prompts.add(prompt)
            await self.prompts.add_version(prompt, made)
            failed = await self._rolled_back_before(prompt, made)
            if trial is not None:
                trial.close(now)
                await self.canaries.save(trial)
            canary = await self._let_live(prompt, made, command)
            await self.prompts.save(prompt)
            await self.agenda.no_later_than(MEASURE, now + EVERY)
            judged = evaluation_shown(
                evaluation, [] if evaluation is None else await self.evaluations.examples(evaluation, EXAMPLES)
            )
            return _made_live(prompt, before, made, judged, canary, failed)

    async def _rolled_back_before(self, prompt: Prompt, made: PromptVersion) -> Canary | None:
        """Find the latest trial that rolled exactly this text back."""
        for canary in await self.canaries.rolled_back(prompt.id):
            tried = await self.prompts.version(prompt.prompt_type, canary.number)
            if tried.fingerprint() == made.fingerprint():
                return canary
        return None

    async def _let_live(self, prompt: Prompt, made: PromptVersion, command: MakeLive) -> Canary | None:
        """Move the pointer, or begin a trial; a hold-out without a trial stands open as if one had ended well."""
        now = self.clock.now()
        is_trial = command.share < _WHOLE
        canary = None
        if is_trial or command.hold_out:
            canary = Canary(
                organization_id=self.actor.organization_id,
                prompt_id=prompt.id,
                prompt_type=prompt.prompt_type,
                number=made.number,
                baseline=prompt.live,
                share=command.share,
                hold_out=command.hold_out,
                status=CanaryStatus.RUNNING if is_trial else CanaryStatus.PROMOTED,
                started_at=now,
                started_by=self.actor.id,
                ended_at=None if is_trial else now,
                baseline_since=(await self.prompts.standing(prompt.prompt_type)).since,
            )
            await self.canaries.add(canary)
        live = PromptMadeLive(
            subject=prompt.id, prompt_type=prompt.prompt_type, number=made.number, share=command.share
        )
        self.uow.publish(live if is_trial else prompt.make_live(made.number, now))
        return canary

    async def roll_back(self, prompt_type: PromptType, command: RollBack) -> PromptView:
        """Let another version be live again, at once and for all; the version that is live ends a trial."""
        self.actor.require(Permission.PROMPTS_PUBLISH)
        async with self.uow:
            now = self.clock.now()
            prompt = await self.prompts.locked(prompt_type)
            await self.prompts.version(prompt_type, command.version)
            if prompt is None:
                raise Conflict("The built-in prompt is live already.")
            trial = await self.canaries.open_of(prompt.id)
            tried = None if trial is None or trial.status is not CanaryStatus.RUNNING else trial.number
            if trial is not None:
                trial.close(now)
                if tried is not None:  # why one was promoted stays said
                    trial.reason = command.reason or trial.reason
                await self.canaries.save(trial)
            if trial is not None and command.version == prompt.live:
                self.uow.publish(prompt.rolled_back(tried or trial.baseline, command.reason))
            else:
                self.uow.publish(prompt.roll_back(command.version, now, command.reason))
                await self.prompts.save(prompt)
            return await self._shown(prompt_type)

    async def versions(self, prompt_type: PromptType, page: PageRequest) -> Found:
        """List the history, the latest first."""
        self.actor.require(Permission.COACH_READ)
        async with self.uow.reading():
            return await self.prompts.versions(prompt_type, page)

    async def version(self, prompt_type: PromptType, number: int, against: int | None) -> ComparedView:
        """Show a version and what is different from another."""
        self.actor.require(Permission.COACH_READ)
        async with self.uow.reading():
            shown = await self.prompts.version(prompt_type, number)
            other = await self.prompts.version(prompt_type, max(number - 1, BUILT_IN) if against is None else against)
        return ComparedView(
            prompt_type=prompt_type,
            shown=version_view(shown),
            against=other.number,
            diff=shown.compared_with(other),
        )

    async def _own(self, prompt_type: PromptType) -> tuple[Prompt, bool]:
        """Give the organisation's prompt, locked, or one made of the built-in one that is not stored yet."""
        prompt = await self.prompts.locked(prompt_type)
        if prompt is not None:
            return prompt, False
        live = await self.prompts.version(prompt_type, BUILT_IN)
        return Prompt.of(self.actor.organization_id, prompt_type, live), True

    async def _fingerprint(self, candidate: PromptVersion, prompt_type: PromptType) -> str:
        """Digest exactly this beside what is live now, as evaluations do."""
        live = await self.prompts.standing(prompt_type)
        return beside_live(candidate, live, await self.prompts.standing(prompt_type.beside))

    async def _canary(self, canary: Canary) -> CanaryView:
        trial, held_out = canary.trial, canary.held_out
        return canary_view(
            canary,
            (Side(), Side()) if trial is None else await self.canaries.sides(canary, trial),
            None if held_out is None else await self.canaries.sides(canary, held_out),
        )

    async def _shown(self, prompt_type: PromptType) -> PromptView:
        prompt = await self.prompts.of_type(prompt_type)
        live = await self.prompts.version(prompt_type, BUILT_IN if prompt is None else prompt.live)
        own = prompt or Prompt.of(self.actor.organization_id, prompt_type, live)
        drafted = own.candidate(await self.lessons.active(), await self.prompts.lesson_budget())
        canary = None if prompt is None else await self.canaries.latest_of(prompt.id)
        done = Share(0, 0) if prompt is None else await self.prompts.performance(prompt)
        evaluation = await self.evaluations.latest(prompt_type, await self._fingerprint(drafted, prompt_type))
        return PromptView(
            id=None if prompt is None else prompt.id,
            prompt_type=prompt_type,
            live=version_view(live),
            made_live_at=None if prompt is None else prompt.made_live_at,
            told=await self.telling.told(prompt_type),
            draft=DraftView(
                system_prompt=drafted.system_prompt,
                user_prompt_template=drafted.user_prompt_template,
                drafted_by=None if prompt is None else prompt.drafted_by,
                drafted_at=None if prompt is None else prompt.drafted_at,
                lessons_context=lessons_in(drafted.lessons),
                left_out=left_out_of(drafted.left_out),
                fingerprint=drafted.fingerprint(),
            ),
            lessons_included=len(live.lessons),
            performance=PerformanceView(conversations_using=done.of, success_rate=rate(done)),
            canary=None if canary is None else await self._canary(canary),
            evaluation=evaluation_summary(evaluation),
            version=None if prompt is None else prompt.version,
        )


def _require_seen(prompt: Prompt, version: int | None, *, is_new: bool) -> None:
    """Refuse what was edited since it was seen (`Stale`)."""
    if is_new and version is not None:
        raise Stale("This prompt has no draft yet, so that there is no version to change it from.")
    if not is_new:
        require_version(prompt, version, ("system_prompt", "user_prompt_template"), "prompt")


def _require_no_worse(evaluation: Evaluation | None, command: MakeLive) -> None:
    if evaluation is None or evaluation.outcome is not Outcome.WORSE:
        return
    if not command.force:
        said = f"{evaluation.worse} answers were worse and {evaluation.better} better than under what is live"
        raise Conflict(
            f"This draft was evaluated as worse: {said}. Give force and a reason to decide for it.",
            details=[(f"evaluation:{evaluation.id}", _counts(evaluation))],
        )
    if command.reason is None:
        raise Invalid("Say why it goes live although it was evaluated as worse.", field="reason")


def _counts(evaluation: Evaluation) -> str:
    return f"{evaluation.better} better, {evaluation.same} the same, {evaluation.worse} worse."


def _made_live(
    prompt: Prompt,
    before: PromptVersion,
    made: PromptVersion,
    judged: EvaluationShown | None,
    canary: Canary | None,
    failed: Canary | None,
) -> MadeLiveView:
    changes = changes_between(before, made)
    return MadeLiveView(
        prompt_type=prompt.prompt_type,
        version=made.number,
        is_active=prompt.live == made.number,
        lessons_included=len(made.lessons),
        made_live_at=made.made_at,
        lessons_added=lessons_in(changes.lessons_added),
        lessons_removed=lessons_in(changes.lessons_removed),
        lessons_changed=lessons_in(changes.lessons_changed),
        base_prompt_changed=changes.base_prompt_changed,
        left_out=left_out_of(made.left_out),
        evaluation=judged,
        canary_id=None if canary is None else canary.id,
        rolled_back_before=None
        if failed is None
        else RolledBackView(canary_id=failed.id, version=failed.number, reason=failed.reason, ended_at=failed.ended_at),
    )
