"""Routes of previews, of evaluations, and of the conversations that they are made on."""

from uuid import UUID

from application.coaching.cases import Cases
from application.coaching.evaluation_forms import (
    CaseView,
    ChooseCase,
    EvaluateDraft,
    EvaluationStarted,
    EvaluationView,
)
from application.coaching.evaluations import Evaluations
from application.coaching.previews import PromptPreviews
from application.coaching.prompt_forms import PreviewFor, PreviewView
from application.ports import Found, PageRequest
from entrypoints.http.coaching_prompts import type_of
from entrypoints.http.operation import operation


@operation(
    "POST",
    "/coach/prompts/{prompt_type:str}/preview",
    "previewPrompt",
    "Preview a prompt's draft for a lead",
    status=200,
    keyed=False,
    seconds=40,
)
async def preview_prompt(previews: PromptPreviews, prompt_type: str, body: PreviewFor) -> PreviewView:
    """What the AI would be told with the draft, the active lessons and those in testing, and what it would answer to
    the lead's latest message; with `m1`, `m2` or `m3`, what it would begin with, whether the lead has a thread or not.
    Nothing is sent or kept."""
    return await previews.show(type_of(prompt_type), body)


@operation(
    "POST",
    "/coach/prompts/{prompt_type:str}/evaluations",
    "evaluatePrompt",
    "Evaluate a prompt's draft",
    status=202,
)
async def evaluate_prompt(evaluations: Evaluations, prompt_type: str, body: EvaluateDraft) -> EvaluationStarted:
    """Past conversations are answered with the draft and with what is live, and judged on the same points: a job that
    can be watched and cancelled. `make-live` refuses what was found worse."""
    return await evaluations.start(type_of(prompt_type), body)


@operation("GET", "/coach/evaluations/{evaluation_id:uuid}", "getEvaluation", "Show an evaluation")
async def get_evaluation(evaluations: Evaluations, evaluation_id: UUID) -> EvaluationView:
    """Better, same or worse by a sign test, with the answers that differ most, of leads that you may see."""
    return await evaluations.show(evaluation_id)


@operation("GET", "/coach/evaluation-cases", "listEvaluationCases", "List what drafts are compared on", shows=CaseView)
async def list_cases(cases: Cases, page: PageRequest) -> Found:
    """Conversations as they stood when they were chosen or sampled, as far as you may see their leads."""
    return await cases.find(page)


@operation("POST", "/coach/evaluation-cases", "chooseEvaluationCase", "Choose a conversation to compare drafts on")
async def choose_case(cases: Cases, body: ChooseCase) -> CaseView:
    """Frozen as it stands, up to the lead's latest message; chosen ones are taken before sampled ones."""
    return await cases.choose(body)


@operation(
    "DELETE", "/coach/evaluation-cases/{case_id:uuid}", "dropEvaluationCase", "Take a conversation out of the set"
)
async def drop_case(cases: Cases, case_id: UUID) -> None:
    """With its answers in past evaluations; what those found stays."""
    await cases.drop(case_id)


ROUTES = (preview_prompt, evaluate_prompt, get_evaluation, list_cases, choose_case, drop_case)
