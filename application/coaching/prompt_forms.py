"""What people say of prompts, and what they are shown."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import Meta

from application.coaching.evaluation_forms import ExampleView
from application.coaching.lesson_forms import Rate
from application.ports import Command, Filter, View
from domain.coaching.canary import CanaryStatus
from domain.coaching.evaluation import Outcome
from domain.coaching.prompt import PromptType

System = Annotated[str, Meta(min_length=1, max_length=20_000, pattern=r"\S")]
Template = Annotated[str, Meta(max_length=10_000)]
Number = Annotated[int, Meta(ge=0, le=1_000_000)]
Fingerprint = Annotated[str, Meta(max_length=64)]
Reason = Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"\S")]

Leads = Literal["all", "rest", "trial", "hold_out"]


class DraftPrompt(Command, frozen=True):
    """Edit the draft; what is live stays as it is."""

    system_prompt: System
    user_prompt_template: Template | None = None
    example: ClassVar[dict[str, Any]] = {
        "system_prompt": "Answer in one short message. Where they hesitate, ask what holds them back.",
    }


class MakeLive(Command, frozen=True):
    """Make the draft live, with the active lessons: for all conversations, or for a share of them as a trial.

    `hold_out` per cent of conversations keep the version before, also after the trial, so that lift can be measured.
    """

    share: Annotated[int, Meta(ge=1, le=100)] = 100
    hold_out: Annotated[int, Meta(ge=0, le=50)] = 0
    force: Annotated[bool, Meta(description="Makes it live although it was evaluated as worse; needs `reason`.")] = (
        False
    )
    reason: Reason | None = None
    fingerprint: Annotated[Fingerprint | None, Meta(description="`draft.fingerprint` as you saw it.")] = None
    example: ClassVar[dict[str, Any]] = {"share": 20, "hold_out": 10}


class RollBack(Command, frozen=True):
    """Name the version to be live again; 0 is the built-in one, the one that is live ends a trial."""

    version: Number
    reason: Reason | None = None
    example: ClassVar[dict[str, Any]] = {"version": 0, "reason": "Answers grew too long."}


class Against(Filter, frozen=True):
    """Name the version to compare with; without it the one before."""

    against: Number | None = None


class PreviewFor(Command, frozen=True):
    """Name the lead to write for; nothing is sent."""

    lead_id: UUID
    example: ClassVar[dict[str, Any]] = {"lead_id": "01890a5d-ac96-774b-bcce-b302099a8057"}


class LessonIn(View, frozen=True):
    """Show a lesson as a version holds it."""

    id: UUID
    title: str
    text: str


class LeftOutView(View, frozen=True):
    """Show a lesson that did not fit, and why."""

    id: UUID
    title: str
    why: str


class VersionView(View, frozen=True):
    """Show a version: what people wrote, and the lessons beside it as they were then."""

    version: int
    system_prompt: str
    user_prompt_template: str | None
    lessons_context: list[LessonIn]
    left_out: list[LeftOutView]
    lessons_included: int
    made_by: UUID | None
    made_at: datetime | None
    reason: str | None
    evaluation_id: UUID | None


class DraftView(View, frozen=True):
    """Show what is edited, and the lessons that it would be made live with now; `fingerprint` is of all of it."""

    system_prompt: str
    user_prompt_template: str | None
    drafted_by: UUID | None
    drafted_at: datetime | None
    lessons_context: list[LessonIn]
    left_out: list[LeftOutView]
    fingerprint: str


class PerformanceView(View, frozen=True):
    """Show how many conversations the live version answered, and in how many of them a good answer or a call came.

    Of the last 90 days, where it is live longer.
    """

    conversations_using: int
    success_rate: Rate


class SideView(View, frozen=True):
    """Count conversations of one side; `handed_over` are those among them that the version left to a person."""

    conversations: int
    replied: int
    booked: int
    opted_out: int
    handed_over: int


class DifferenceView(View, frozen=True):
    """Show how much higher a rate is under the new version, with bounds that hold at every look."""

    rate: str
    value: float
    low: float
    high: float


class SidesView(View, frozen=True):
    """Compare both sides of a trial, or of the hold-out after it."""

    new: SideView
    old: SideView
    differences: list[DifferenceView]


class CanaryView(View, frozen=True):
    """Show a trial: which version, for how many, how it goes, how it ended.

    `new`, `old` and `differences` are the trial's own; `held_out` compares the hold-out with all others since the new
    version was promoted, until something else is live (`closed_at`).
    """

    id: UUID
    version: int
    baseline: int
    share: int
    hold_out: int
    status: CanaryStatus
    started_at: datetime
    ended_at: datetime | None
    closed_at: datetime | None
    reason: str | None
    new: SideView
    old: SideView
    differences: list[DifferenceView]
    held_out: SidesView | None


class EvaluationSummary(View, frozen=True):
    """Show how a draft was judged against what is live; `outcome` null: it is still under way, or was ended."""

    id: UUID
    outcome: Outcome | None
    better: int
    same: int
    worse: int


class EvaluationShown(EvaluationSummary, frozen=True):
    """Show it with the answers that differ most, of leads that you may see."""

    examples: list[ExampleView]


class TeachesView(View, frozen=True):
    """Name the version whose lessons are told."""

    prompt_type: PromptType
    version: int


class ToldView(View, frozen=True):
    """Show what is told in truth: to all leads, to those of a trial or a hold-out, or to the rest of them."""

    leads: Leads
    prompt_version: str
    lessons_of: TeachesView
    lessons_context: list[LessonIn]


class PromptView(View, frozen=True):
    """Show a prompt: what is live, the draft beside it, how it does; `told` are the lessons that are in force."""

    id: UUID | None
    prompt_type: PromptType
    live: VersionView
    made_live_at: datetime | None
    told: list[ToldView]
    draft: DraftView
    lessons_included: int
    performance: PerformanceView
    canary: CanaryView | None
    evaluation: EvaluationSummary | None
    version: int | None
    example: ClassVar[dict[str, Any]] = {
        "id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea4",
        "prompt_type": "reply",
        "live": {
            "version": 3,
            "system_prompt": "Answer in one short message.",
            "user_prompt_template": None,
            "lessons_context": [],
            "left_out": [],
            "lessons_included": 0,
            "made_by": None,
            "made_at": "2026-03-22T09:00:00Z",
            "reason": None,
            "evaluation_id": None,
        },
        "made_live_at": "2026-03-22T09:00:00Z",
        "told": [
            {
                "leads": "all",
                "prompt_version": "master-1/reply-3",
                "lessons_of": {"prompt_type": "reply", "version": 3},
                "lessons_context": [],
            }
        ],
        "draft": {
            "system_prompt": "Answer in one short message. Where they hesitate, ask what holds them back.",
            "user_prompt_template": None,
            "drafted_by": None,
            "drafted_at": "2026-03-24T09:00:00Z",
            "lessons_context": [],
            "left_out": [],
            "fingerprint": "6f3c1c86a2a6ff0f0c7b4f4f0f0f8b1f5b1d2c3e4f5061728394a5b6c7d8e9f0",
        },
        "lessons_included": 0,
        "performance": {"conversations_using": 120, "success_rate": {"value": 0.25, "low": 0.181, "high": 0.3344}},
        "canary": None,
        "evaluation": None,
        "version": 4,
    }


class RolledBackView(View, frozen=True):
    """Name a trial that rolled exactly this text back, and why."""

    canary_id: UUID
    version: int
    reason: str | None
    ended_at: datetime | None


class MadeLiveView(View, frozen=True):
    """Say what is live now, and what is different; `rolled_back_before` warns of a text that has failed a trial."""

    prompt_type: PromptType
    version: int
    is_active: bool
    lessons_included: int
    made_live_at: datetime | None
    lessons_added: list[LessonIn]
    lessons_removed: list[LessonIn]
    lessons_changed: list[LessonIn]
    base_prompt_changed: bool
    left_out: list[LeftOutView]
    evaluation: EvaluationShown | None
    canary_id: UUID | None
    rolled_back_before: RolledBackView | None
    example: ClassVar[dict[str, Any]] = {
        "prompt_type": "reply",
        "version": 4,
        "is_active": True,
        "lessons_included": 1,
        "made_live_at": "2026-03-24T09:00:00Z",
        "lessons_added": [
            {"id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea4", "title": "Too expensive", "text": "Too expensive: …"}
        ],
        "lessons_removed": [],
        "lessons_changed": [],
        "base_prompt_changed": True,
        "left_out": [],
        "evaluation": {
            "id": "01890a5d-ac96-774b-bcce-b302099a8060",
            "outcome": "better",
            "better": 12,
            "same": 16,
            "worse": 2,
            "examples": [
                {
                    "case_id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea4",
                    "outcome": "better",
                    "old": {"text": "That depends.", "score": 70, "findings": ["A question is left unanswered"]},
                    "new": {"text": "We are open from nine to five. Shall we call?", "score": 100, "findings": []},
                }
            ],
        },
        "canary_id": None,
        "rolled_back_before": None,
    }


class ComparedView(View, frozen=True):
    """Show a version and what is different from another, as the lines of a unified diff."""

    prompt_type: PromptType
    shown: VersionView
    against: int
    diff: list[str]
    example: ClassVar[dict[str, Any]] = {
        "prompt_type": "reply",
        "shown": PromptView.example["live"],
        "against": 2,
        "diff": ["--- version 2", "+++ version 3", "@@ -1 +1 @@", "-Answer.", "+Answer in one short message."],
    }


class VersionListed(View, frozen=True):
    """Show a version in the history of its prompt."""

    version: int
    lessons_included: int
    made_by: UUID | None
    made_at: datetime
    reason: str | None
    is_live: bool
    example: ClassVar[dict[str, Any]] = {
        "version": 3,
        "lessons_included": 4,
        "made_by": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea5",
        "made_at": "2026-03-22T09:00:00.000000Z",
        "reason": None,
        "is_live": True,
    }


class PreviewView(View, frozen=True):
    """Show what the AI would be told with the draft, and what it would answer; none of it is kept or sent."""

    prompt_type: PromptType
    told: str
    lessons_context: list[LessonIn]
    left_out: list[LeftOutView]
    answer: str
    confidence: float
    would_go: bool
    why_not: list[str]
    lessons_applied: list[UUID]
    example: ClassVar[dict[str, Any]] = {
        "prompt_type": "reply",
        "told": "You write text messages for a business …",
        "lessons_context": [],
        "left_out": [],
        "answer": "That depends on the details, Ada. Shall we go through them on a call?",
        "confidence": 0.9,
        "would_go": True,
        "why_not": [],
        "lessons_applied": [],
    }
