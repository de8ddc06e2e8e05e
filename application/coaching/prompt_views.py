"""How prompts and their versions are shown."""

from collections.abc import Sequence

from application.coaching.evaluation_ports import Compared
from application.coaching.evaluation_views import example_view
from application.coaching.lesson_forms import Rate
from application.coaching.prompt_forms import (
    CanaryView,
    DifferenceView,
    EvaluationShown,
    EvaluationSummary,
    LeftOutView,
    LessonIn,
    SidesView,
    SideView,
    VersionView,
)
from domain.coaching.canary import Canary, Side, differences
from domain.coaching.evaluation import Evaluation
from domain.coaching.prompt import LeftOut, PromptVersion, TaughtLesson
from domain.statistics import Share


def lessons_in(lessons: tuple[TaughtLesson, ...]) -> list[LessonIn]:
    """Show lessons as a version holds them."""
    return [LessonIn(id=lesson.id, title=lesson.title, text=lesson.text) for lesson in lessons]


def left_out_of(left: tuple[LeftOut, ...]) -> list[LeftOutView]:
    """Show what did not fit."""
    return [LeftOutView(id=one.id, title=one.title, why=one.why) for one in left]


def version_view(version: PromptVersion) -> VersionView:
    """Show a version."""
    return VersionView(
        version=version.number,
        system_prompt=version.system_prompt,
        user_prompt_template=version.user_prompt_template,
        lessons_context=lessons_in(version.lessons),
        left_out=left_out_of(version.left_out),
        lessons_included=len(version.lessons),
        made_by=version.made_by,
        made_at=version.made_at,
        reason=version.reason,
        evaluation_id=version.evaluation_id,
    )


def rate(share: Share) -> Rate:
    """Show a share with its interval."""
    low, high = share.interval or (None, None)
    return Rate(value=_short(share.value), low=_short(low), high=_short(high))


def canary_view(canary: Canary, tried: tuple[Side, Side], held_out: tuple[Side, Side] | None) -> CanaryView:
    """Show a trial with what came of both sides, and of its hold-out where there is one."""
    trial = _sides(*tried)
    return CanaryView(
        id=canary.id,
        version=canary.number,
        baseline=canary.baseline,
        share=canary.share,
        hold_out=canary.hold_out,
        status=canary.status,
        started_at=canary.started_at,
        ended_at=canary.ended_at,
        closed_at=canary.closed_at,
        reason=canary.reason,
        new=trial.new,
        old=trial.old,
        differences=trial.differences,
        held_out=None if held_out is None else _sides(*held_out),
    )


def evaluation_summary(evaluation: Evaluation | None) -> EvaluationSummary | None:
    """Show how a draft was judged."""
    if evaluation is None:
        return None
    return EvaluationSummary(
        id=evaluation.id,
        outcome=evaluation.outcome,
        better=evaluation.better,
        same=evaluation.same,
        worse=evaluation.worse,
    )


def evaluation_shown(evaluation: Evaluation | None, examples: Sequence[Compared]) -> EvaluationShown | None:
    """Show how a draft was judged, with examples."""
    if evaluation is None:
        return None
    return EvaluationShown(
        id=evaluation.id,
        outcome=evaluation.outcome,
        better=evaluation.better,
        same=evaluation.same,
        worse=evaluation.worse,
        examples=[example_view(one) for one in examples],
    )


def _sides(new: Side, old: Side) -> SidesView:
    return SidesView(
        new=_side(new),
        old=_side(old),
        differences=[
            DifferenceView(rate=name, value=round(one.value, 4), low=round(one.low, 4), high=round(one.high, 4))
            for name, one in differences(new, old).items()
        ],
    )


def _side(side: Side) -> SideView:
    return SideView(
        conversations=side.conversations,
        replied=side.replied,
        booked=side.booked,
        opted_out=side.opted_out,
        handed_over=side.handed_over,
    )


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
