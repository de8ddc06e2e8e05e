"""What is asked of a search for patterns, and what it shows."""

from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec

from application.ports import Command, Filter, View
from domain.coaching.pattern import Action, Step

_DATASET = "01890a5d-aa00-7d10-8f2e-1a2b3c4d5e6f"


class DetectPatterns(Command, frozen=True):
    """Ask what the messages of a dataset have in common where they succeed."""

    dataset_id: UUID
    min_occurrences: Annotated[int, msgspec.Meta(ge=2, le=100_000)] = 10
    example: ClassVar[dict[str, Any]] = {"dataset_id": _DATASET, "min_occurrences": 10}


class PatternFilter(Filter, frozen=True):
    """Narrow the list of what was found: in one dataset, of one step, to be done one thing with."""

    dataset_id: UUID | None = None
    step: Step | None = None
    recommended_action: Action | None = None


class PatternListed(View, frozen=True):
    """Show what a search found; `dataset_id` null: the nightly one, in all that moved within seven days.

    Rates are in percent, `p_value` is adjusted by Holm.
    """

    id: UUID
    dataset_id: UUID | None
    step: Step
    feature: str
    title: str
    pattern_description: str
    occurrences: int
    successes: int
    success_rate: float
    other_occurrences: int
    other_successes: int
    other_success_rate: float
    p_value: float
    recommended_action: Action
    suggested_lesson: str | None
    insight_id: UUID | None
    created_at: datetime
    example: ClassVar[dict[str, Any]] = {
        "id": "01890a5d-b200-7d1a-9e2b-3c4d5e6f7a8b",
        "dataset_id": None,
        "step": "opening",
        "feature": "names_the_lead",
        "title": "Openings that call the lead by name are answered more often",
        "pattern_description": "120 of 400 (30%) against 62 of 412 (15%) of the others; p = 0.001.",
        "occurrences": 400,
        "successes": 120,
        "success_rate": 30.0,
        "other_occurrences": 412,
        "other_successes": 62,
        "other_success_rate": 15.0,
        "p_value": 0.001,
        "recommended_action": "adopt",
        "suggested_lesson": "Call the lead by name.",
        "insight_id": "01890a5d-b000-7d1a-9e2b-3c4d5e6f7a8b",
        "created_at": "2027-03-22T03:00:00.000000Z",
    }


class PatternView(msgspec.Struct, frozen=True, kw_only=True):
    """Show a pattern: `success_rate` and `other_success_rate` in percent, `p_value` adjusted by Holm.

    `suggested_lesson` stands where the action is `adopt` or `avoid`; `message_ids` are examples.
    """

    step: Step
    feature: str
    title: str
    pattern_description: str
    occurrences: int
    success_rate: float
    other_occurrences: int
    other_success_rate: float
    p_value: float
    recommended_action: Action
    suggested_lesson: str | None
    insight_id: UUID | None
    message_ids: list[UUID]


class PatternsView(View, frozen=True):
    """Show what was found in how many conversations."""

    conversations: int
    patterns: list[PatternView]
    example: ClassVar[dict[str, Any]] = {
        "conversations": 812,
        "patterns": [
            {
                "step": "opening",
                "feature": "names_the_lead",
                "title": "Openings that call the lead by name are answered more often",
                "pattern_description": "120 of 400 (30%) against 62 of 412 (15%) of the others; p = 0.001.",
                "occurrences": 400,
                "success_rate": 30.0,
                "other_occurrences": 412,
                "other_success_rate": 15.0,
                "p_value": 0.001,
                "recommended_action": "adopt",
                "suggested_lesson": "Call the lead by name.",
                "insight_id": None,
                "message_ids": [],
            }
        ],
    }
