"""What people say of evaluations, and what they are shown."""

from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from msgspec import Meta

from application.ports import Command, View
from domain.coaching.evaluation import Outcome
from domain.coaching.prompt import PromptType


class EvaluateDraft(Command, frozen=True):
    """Say on how many past conversations at most a draft is compared with what is live."""

    cases: Annotated[int, Meta(ge=1, le=200)] = 30
    example: ClassVar[dict[str, Any]] = {"cases": 30}


class ChooseCase(Command, frozen=True):
    """Name a conversation to compare versions on: as it stands now, up to the lead's latest message."""

    conversation_id: UUID
    example: ClassVar[dict[str, Any]] = {"conversation_id": "01890a5d-ab00-7b1e-9d2c-7e51c0a4b8aa"}


class EvaluationStarted(View, frozen=True):
    """Name the job to watch."""

    job_id: UUID
    evaluation_id: UUID
    example: ClassVar[dict[str, Any]] = {
        "job_id": "01890a5d-ac96-774b-bcce-b302099a8059",
        "evaluation_id": "01890a5d-ac96-774b-bcce-b302099a8060",
    }


class CaseView(View, frozen=True):
    """Show a case."""

    id: UUID
    conversation_id: UUID
    lead_id: UUID | None
    chosen: bool
    created_by: UUID | None
    created_at: datetime
    example: ClassVar[dict[str, Any]] = {
        "id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea4",
        "conversation_id": "01890a5d-ab00-7b1e-9d2c-7e51c0a4b8aa",
        "lead_id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "chosen": True,
        "created_by": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea5",
        "created_at": "2026-03-22T09:00:00Z",
    }


class AnswerView(View, frozen=True):
    """Show an answer with its score of a hundred and what was found in it."""

    text: str
    score: int
    findings: list[str]


class ExampleView(View, frozen=True):
    """Show both answers to one past conversation."""

    case_id: UUID
    outcome: Outcome
    old: AnswerView
    new: AnswerView


class LeftOutCase(View, frozen=True):
    """Name a case that could not be judged, and why."""

    case_id: UUID
    why: str


class EvaluationView(View, frozen=True):
    """Show an evaluation; `outcome` null: it is under way, or was ended."""

    id: UUID
    prompt_type: PromptType
    baseline: int
    job_id: UUID
    cases: int
    outcome: Outcome | None
    better: int
    same: int
    worse: int
    left_out: list[LeftOutCase]
    p_value: float | None
    examples: list[ExampleView]
    created_by: UUID | None
    created_at: datetime
    ended_at: datetime | None
    example: ClassVar[dict[str, Any]] = {
        "id": "01890a5d-ac96-774b-bcce-b302099a8060",
        "prompt_type": "reply",
        "baseline": 3,
        "job_id": "01890a5d-ac96-774b-bcce-b302099a8059",
        "cases": 30,
        "outcome": "better",
        "better": 12,
        "same": 16,
        "worse": 2,
        "left_out": [],
        "p_value": 0.0129,
        "examples": [],
        "created_by": None,
        "created_at": "2026-03-22T09:00:00Z",
        "ended_at": "2026-03-22T09:02:00Z",
    }
