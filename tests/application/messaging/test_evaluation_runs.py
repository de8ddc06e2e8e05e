"""An evaluation broken off anywhere goes on where it stood, and ends when somebody cancels it."""

from uuid import UUID

import pytest

from adapters.ai.sandbox_reviewer import SandboxReviewer
from application.coaching.evaluation_forms import EvaluateDraft, EvaluationStarted
from application.coaching.evaluations import Evaluations
from application.coaching.prompt_forms import DraftPrompt
from application.coaching.prompts import Prompts
from application.coaching.reviewing import Review, ReviewTask
from application.model_calls import Fault, Unusable, Usage
from application.platform.jobs import Jobs
from application.provider import Rejected, Unavailable
from domain.coaching.evaluation import EvaluationRequested
from domain.coaching.prompt import PromptType
from tests.application.messaging.replying import Thread, said

pytestmark = pytest.mark.anyio
GOOD = "A colleague can go through it with you."
PHONES = ("+447700900331", "+447700900332")


@pytest.fixture
async def started(thread: Thread) -> EvaluationStarted:
    """Begin an evaluation on three conversations."""
    await thread.arrive("How much is it?")
    for phone in PHONES:
        lead_id = await thread.tenant.lead(phone, await thread.tenant.dataset())
        await Thread(thread.tenant, thread.writer, thread.slots, thread.calls, phone, lead_id).arrive("How much is it?")
    async with thread.tenant.use(Prompts) as prompts:
        await prompts.draft(PromptType.REPLY, DraftPrompt(system_prompt="Be brief."), None)
    async with thread.tenant.use(Evaluations) as evaluations:
        return await evaluations.start(PromptType.REPLY, EvaluateDraft())


async def run(thread: Thread, started: EvaluationStarted) -> None:
    """Work on it as the subscription does."""
    async with thread.tenant.use(Evaluations, thread.tenant.system()) as evaluations:
        await evaluations.run(EvaluationRequested(subject=started.evaluation_id, job_id=started.job_id))


async def standing(thread: Thread, job_id: UUID) -> tuple[str, int, int]:
    """Tell the job's status, how much of it is done, and how many answers are kept."""
    async with thread.tenant.sql() as connection:
        row = await connection.fetchrow(
            "SELECT status, done, (SELECT count(*) FROM evaluation_answers WHERE organization_id = $1) AS kept"
            " FROM jobs WHERE organization_id = $1 AND id = $2",
            thread.tenant.organization_id,
            job_id,
        )
    return row["status"], row["done"], row["kept"]


async def test_what_was_judged_is_not_asked_again(thread: Thread, started: EvaluationStarted) -> None:
    thread.writer.ready = [said(GOOD), said(GOOD), said(GOOD), Unavailable(reason="Away.")]
    with pytest.raises(Unavailable):
        await run(thread, started)
    assert await standing(thread, started.job_id) == ("running", 1, 1)
    await run(thread, started)
    assert await standing(thread, started.job_id) == ("done", 3, 3)
    assert len(thread.writer.tasks) == 4 + 4
    await run(thread, started)
    assert len(thread.writer.tasks) == 8, "what has ended is not begun again"
    prompts = {task.prompt.version for task in thread.writer.tasks}
    assert prompts == {"master-0/reply-0", "master-0/reply-1"}


async def test_it_ends_after_the_case_under_way_when_it_is_cancelled(
    thread: Thread, started: EvaluationStarted
) -> None:
    async def cancel() -> None:
        async with thread.tenant.use(Jobs) as jobs:
            await jobs.cancel(started.job_id)

    thread.writer.ready = [said(GOOD), said(GOOD), Unavailable(reason="Away.")]
    with pytest.raises(Unavailable):
        await run(thread, started)
    thread.writer.meanwhile = cancel
    await run(thread, started)
    assert await standing(thread, started.job_id) == ("cancelled", 1, 1)
    assert len(thread.writer.tasks) == 3 + 2


async def test_without_access_to_the_model_the_job_says_so(thread: Thread, started: EvaluationStarted) -> None:
    thread.writer.ready = [Rejected("no_key", "No key for the model is set.", permanent=False)]
    await run(thread, started)
    assert (await standing(thread, started.job_id))[0] == "failed"
    error = await thread.tenant.value("SELECT error FROM jobs WHERE organization_id = $1 AND id = $2", started.job_id)
    assert "No key" in error


async def test_a_conversation_that_was_erased_meanwhile_is_left_out(thread: Thread, started: EvaluationStarted) -> None:
    await thread.tenant.execute("DELETE FROM conversations WHERE organization_id = $1 AND address = $2", PHONES[0])
    await run(thread, started)
    assert await standing(thread, started.job_id) == ("done", 2, 2)


def garble(monkeypatch: pytest.MonkeyPatch, times: int) -> list[ReviewTask]:
    """Let the judge say nothing of use so many times; gives what it was asked."""
    judged, asked = SandboxReviewer.review, list[ReviewTask]()

    async def review(self: SandboxReviewer, task: ReviewTask) -> Review:
        asked.append(task)
        if len(asked) <= times:
            raise Unusable(Fault.GARBLED, "The review was garbled.", Usage(model="test", cost_micros=7))
        return await judged(self, task)

    monkeypatch.setattr(SandboxReviewer, "review", review)
    return asked


@pytest.mark.parametrize(("times", "left_out"), [(1, 0), (2, 1)])
async def test_a_judge_that_garbles_twice_costs_one_case(
    thread: Thread, started: EvaluationStarted, monkeypatch: pytest.MonkeyPatch, times: int, left_out: int
) -> None:
    asked = garble(monkeypatch, times)
    await run(thread, started)
    assert await standing(thread, started.job_id) == ("done", 3, 3 - left_out)
    assert len(asked) == (7 if times == 1 else 6)
    async with thread.tenant.use(Evaluations) as evaluations:
        shown = await evaluations.show(started.evaluation_id)
    assert shown.outcome is not None
    assert [one.why for one in shown.left_out] == ["The review was garbled."] * left_out
    spent = await thread.tenant.value("SELECT sum(cost_micros)::int FROM model_calls WHERE organization_id = $1")
    assert spent == 7 * times, "what was garbled is paid"


async def test_an_evaluation_of_which_nothing_could_be_judged_says_so(
    thread: Thread, started: EvaluationStarted, monkeypatch: pytest.MonkeyPatch
) -> None:
    garble(monkeypatch, 1_000)
    await run(thread, started)
    assert await standing(thread, started.job_id) == ("failed", 3, 0)
    error = await thread.tenant.value("SELECT error FROM jobs WHERE organization_id = $1 AND id = $2", started.job_id)
    assert error == "None could be judged: The review was garbled."


async def test_an_answer_that_the_rules_refuse_scores_nothing(thread: Thread, started: EvaluationStarted) -> None:
    thread.writer.ready = [
        said(GOOD),
        said("That will be £500."),
        said("", needs_person="They ask for one."),
        said(GOOD),
    ]
    await run(thread, started)
    async with thread.tenant.sql() as connection:
        rows = await connection.fetch(
            "SELECT old_score, new_score, outcome FROM evaluation_answers WHERE organization_id = $1 ORDER BY case_id",
            thread.tenant.organization_id,
        )
    assert (rows[0]["new_score"], rows[0]["outcome"]) == (0, "worse")
    assert (rows[1]["old_score"], rows[1]["outcome"]) == (50, "better")
