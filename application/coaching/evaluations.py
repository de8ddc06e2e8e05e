"""Evaluations: a draft and what is live answer the same past conversations, and are judged on the same points."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from application.coaching.candidates import Drafts
from application.coaching.evaluation_forms import (
    EvaluateDraft,
    EvaluationStarted,
    EvaluationView,
    ExampleView,
    LeftOutCase,
)
from application.coaching.evaluation_ports import (
    Case,
    CaseStore,
    Compared,
    EvaluationJobs,
    EvaluationStore,
    PastThreads,
)
from application.coaching.evaluation_views import example_view
from application.coaching.judging import Judging
from application.coaching.model_access import ModelAccess
from application.model_calls import Unusable, Usage
from application.model_spending import SPENT, Spending
from application.ports import Actor, Clock, UnitOfWork, effect
from application.provider import Capabilities, Rejected
from domain.coaching.evaluation import Evaluation, EvaluationRequested, Tally
from domain.coaching.prompt import PromptType
from domain.identity.role import Permission
from domain.kernel import Conflict, new_id

JOB = "evaluation"
NO_ANSWERS = (
    "Past answers are what drafts are judged by, and this prompt writes none: it begins conversations."
    " Preview it, make it live for a share of leads, and see what follows."
)
EXAMPLES = 10


@dataclass(frozen=True)
class Evaluations:
    """Evaluate drafts."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    evaluations: EvaluationStore
    cases: CaseStore
    past: PastThreads
    drafts: Drafts
    judging: Judging
    access: ModelAccess
    spending: Spending
    jobs: EvaluationJobs
    capabilities: Capabilities

    async def start(self, prompt_type: PromptType, command: EvaluateDraft) -> EvaluationStarted:
        """Have a draft compared with what is live in the background, on chosen conversations and a sample."""
        self.actor.require(Permission.PROMPTS_PUBLISH)
        async with self.uow:
            await self.capabilities.require("ai")
            if not prompt_type.writes_answers:
                raise Conflict(NO_ANSWERS)
            if await self.spending.is_spent():
                raise Conflict(SPENT)
            candidates = await self.drafts.candidates(prompt_type)
            await self._fill(command.cases)
            case_ids = tuple(await self.cases.ids(command.cases))
            if not case_ids:
                raise Conflict("There is no conversation yet in which a lead wrote.")
            evaluation = Evaluation(
                organization_id=self.actor.organization_id,
                prompt_type=prompt_type,
                baseline=candidates.baseline,
                fingerprint=candidates.fingerprint,
                old=candidates.old,
                new=candidates.new,
                job_id=new_id(),
                case_ids=case_ids,
                created_by=self.actor.id,
                created_at=self.clock.now(),
            )
            await self.evaluations.add(evaluation)
            await self.jobs.open(evaluation.job_id, evaluation.id, len(case_ids), JOB)
            self.uow.publish(EvaluationRequested(subject=evaluation.id, job_id=evaluation.job_id))
            return EvaluationStarted(job_id=evaluation.job_id, evaluation_id=evaluation.id)

    async def _fill(self, wanted: int) -> None:
        """Sample what is missing of a set; once in it, a conversation stays as it was frozen."""
        have = len(await self.cases.ids(wanted))
        for conversation_id in await self.past.sample(wanted - have):
            lead_id, thread = await self.past.of(conversation_id)
            await self.cases.add(
                Case(
                    organization_id=self.actor.organization_id,
                    conversation_id=conversation_id,
                    lead_id=lead_id,
                    chosen=False,
                    thread=thread,
                    created_at=self.clock.now(),
                )
            )

    async def show(self, identifier: UUID) -> EvaluationView:
        """Show what was found, with the answers that differ most, as far as their leads may be seen."""
        self.actor.require(Permission.COACH_READ)
        async with self.uow.reading():
            evaluation = await self.evaluations.get(identifier)
            examples = await self.evaluations.examples(evaluation, EXAMPLES)
        return _view(evaluation, [example_view(one) for one in examples])

    @effect
    async def run(self, requested: EvaluationRequested) -> None:
        """Do the work from wherever it stands: a case is kept whole, with the progress, or not at all."""
        while True:
            async with self.uow:
                wanted = await self.jobs.wanted(requested.job_id)
                if wanted is None:
                    return
                evaluation = await self.evaluations.get(requested.subject)
                if not wanted:
                    await self.jobs.stop(requested.job_id, {"evaluation_id": str(evaluation.id)})
                    return
                case = await self.evaluations.next_case(evaluation)
                if case is None:
                    await self._end(evaluation)
                    return
                if await self.spending.is_spent():
                    await self.jobs.fail(requested.job_id, f"The evaluation was given up: {SPENT}")
                    return
                access = await self.access.access()
            usages: list[Usage] = []
            try:
                compared = await self.judging.compare(case, evaluation.old, evaluation.new, access, usages)
            except Rejected as error:
                await self.give_up(requested, error.reason)
                return
            except Unusable as error:
                await self._leave_out(requested, case, error.reason)
                continue
            finally:
                await self._note(usages)
            await self._keep(evaluation, compared)

    async def _note(self, usages: Sequence[Usage]) -> None:
        """Count what was paid, also for a case that breaks off and is answered again."""
        cost = sum(usage.cost_micros for usage in usages)
        if cost:
            async with self.uow:
                await self.spending.note("evaluation", cost)

    async def _keep(self, evaluation: Evaluation, compared: Compared) -> None:
        async with self.uow:
            if not await self.jobs.wanted(evaluation.job_id):
                return
            done = await self.evaluations.record(evaluation, compared)
            await self.jobs.advance(evaluation.job_id, done + len(evaluation.left_out))

    async def _leave_out(self, requested: EvaluationRequested, case: Case, why: str) -> None:
        """Go on without a case of which the judge says nothing of use."""
        async with self.uow:
            if not await self.jobs.wanted(requested.job_id):
                return
            evaluation = await self.evaluations.get(requested.subject)
            evaluation.leave_out(case.id, why)
            await self.evaluations.save(evaluation)
            done = len(await self.evaluations.outcomes(evaluation))
            await self.jobs.advance(requested.job_id, done + len(evaluation.left_out))

    async def _end(self, evaluation: Evaluation) -> None:
        tally = Tally.of(await self.evaluations.outcomes(evaluation))
        if tally == Tally():
            why = next(iter(evaluation.left_out.values()), None)
            gone = "None of the conversations stands any more."
            await self.jobs.fail(evaluation.job_id, gone if why is None else f"None could be judged: {why}")
            return
        ended = evaluation.end(tally, self.clock.now())
        await self.evaluations.save(evaluation)
        await self.jobs.finish(evaluation.job_id, _result(evaluation, tally))
        self.uow.publish(ended)

    @effect
    async def give_up(self, requested: EvaluationRequested, reason: str) -> None:
        """Tell on the job that the work cannot go on."""
        async with self.uow:
            await self.jobs.fail(requested.job_id, f"The evaluation was given up: {reason}")


def _result(evaluation: Evaluation, tally: Tally) -> dict[str, Any]:
    return {
        "evaluation_id": str(evaluation.id),
        "outcome": tally.outcome.value,
        "better": tally.better,
        "same": tally.same,
        "worse": tally.worse,
        "left_out": len(evaluation.left_out),
        "p_value": round(tally.p_value, 4),
    }


def _view(evaluation: Evaluation, examples: list[ExampleView]) -> EvaluationView:
    tally = Tally(evaluation.better, evaluation.same, evaluation.worse)
    return EvaluationView(
        id=evaluation.id,
        prompt_type=evaluation.prompt_type,
        baseline=evaluation.baseline,
        job_id=evaluation.job_id,
        cases=len(evaluation.case_ids),
        outcome=evaluation.outcome,
        better=tally.better,
        same=tally.same,
        worse=tally.worse,
        left_out=[LeftOutCase(case_id=case_id, why=why) for case_id, why in evaluation.left_out.items()],
        p_value=None if evaluation.outcome is None else round(tally.p_value, 4),
        examples=examples,
        created_by=evaluation.created_by,
        created_at=evaluation.created_at,
        ended_at=evaluation.ended_at,
    )
