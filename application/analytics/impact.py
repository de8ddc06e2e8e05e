"""What the coach's lessons changed: bookings of leads who were answered with lessons, against those without."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol
from uuid import UUID

from application.analytics.views import Covers
from application.ports import Actor, UnitOfWork, View
from domain.identity.role import Permission
from domain.statistics import Share, chance

LOOKS_BACK = timedelta(days=180)
FOLLOWED = timedelta(days=7)
"""How long after the AI's first answer a booking counts; leads answered more lately are not compared yet."""
MOST_LESSONS = 5


class CoachMetrics(View, frozen=True):
    """Count what the coach found and what was taught; insights are null for whoever sees but some leads."""

    insights_generated: int | None
    insights_approved: int | None
    lessons_created: int
    lessons_active: int


class GroupView(View, frozen=True):
    """Show leads by their AI's first answer, and how many had a call booked within seven days of it."""

    leads: int
    booked: int
    booking_rate: float | None
    interval: tuple[float, float] | None


class ImprovementView(View, frozen=True):
    """Show both groups. `improvement_percent` is relative; `confidence_level` how sure it is that they differ, in
    percent, by the pooled two-proportion z-test, two-sided; null, with the reason, where that cannot be said."""

    baseline: GroupView
    current: GroupView
    improvement_percent: float | None
    confidence_level: float | None
    reason: str | None


class TopLesson(View, frozen=True):
    """Show a lesson and the share of its conversations in which what was hoped for followed; its score is what that
    share is at least, with 95 % confidence."""

    lesson_id: UUID
    title: str
    times_applied: int
    success_rate: float | None
    impact_score: float


class ImpactView(View, frozen=True):
    """Show what the coach changed."""

    covers: Covers
    coach_metrics: CoachMetrics
    performance_improvement: ImprovementView
    top_lessons: list[TopLesson]
    example: ClassVar[dict[str, Any]] = {
        "covers": "everything",
        "coach_metrics": {
            "insights_generated": 31,
            "insights_approved": 6,
            "lessons_created": 8,
            "lessons_active": 7,
        },
        "performance_improvement": {
            "baseline": {"leads": 410, "booked": 37, "booking_rate": 9.02, "interval": [6.62, 12.19]},
            "current": {"leads": 388, "booked": 56, "booking_rate": 14.43, "interval": [11.29, 18.28]},
            "improvement_percent": 59.98,
            "confidence_level": 98.26,
            "reason": None,
        },
        "top_lessons": [
            {
                "lesson_id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea4",
                "title": "Too expensive",
                "times_applied": 120,
                "success_rate": 55.0,
                "impact_score": 46.09,
            }
        ],
    }


@dataclass(frozen=True, slots=True)
class Applied:
    """Tell how often a lesson was applied, and in how many conversations what was hoped for followed."""

    lesson_id: UUID
    title: str
    times: int
    share: Share


class CoachFigures(Protocol):
    """Read what the coach did and what followed, of what the actor may see."""

    async def now(self) -> datetime:
        """Tell business time."""
        ...

    async def metrics(self) -> CoachMetrics:
        """Count insights and lessons."""
        ...

    async def groups(self, since: datetime, until: datetime) -> tuple[Share, Share]:
        """Give bookings of leads first answered between two times, without lessons and with."""
        ...

    async def applied(self) -> Sequence[Applied]:
        """Give the active lessons that were applied."""
        ...


@dataclass(frozen=True)
class Impact:
    """Read what the coach changed."""

    actor: Actor
    uow: UnitOfWork
    figures: CoachFigures

    async def show(self) -> ImpactView:
        """Compare, with how sure that is."""
        self.actor.require(Permission.ANALYTICS_READ)
        async with self.uow.reading():
            now = await self.figures.now()
            baseline, current = await self.figures.groups(now - LOOKS_BACK, now - FOLLOWED)
            metrics, applied = await self.figures.metrics(), await self.figures.applied()
        limited = self.actor.dataset_ids is not None
        return ImpactView(
            covers="datasets" if limited else "everything" if self.actor.sees_all_leads else "visible_leads",
            coach_metrics=metrics,
            performance_improvement=improvement(baseline, current),
            top_lessons=sorted((_top(one) for one in applied), key=lambda one: -one.impact_score)[:MOST_LESSONS],
        )


def improvement(baseline: Share, current: Share) -> ImprovementView:
    """Show both groups and how they differ."""
    p = chance(baseline, current)
    return ImprovementView(
        baseline=_group(baseline),
        current=_group(current),
        improvement_percent=_relative(baseline, current),
        confidence_level=None if p is None else round(100 * (1 - p), 2),
        reason=_reason(baseline, current) if p is None else None,
    )


def _relative(baseline: Share, current: Share) -> float | None:
    if not baseline.cases or not current.of:
        return None
    before = baseline.cases / baseline.of
    return round(100 * (current.cases / current.of - before) / before, 2)


def _reason(baseline: Share, current: Share) -> str:
    if not current.of:
        return "Nobody was first answered with a lesson, or not for seven days yet."
    if not baseline.of:
        return "Everybody was first answered with lessons: there is nothing to compare with."
    return "There are too few leads or bookings for a test."


def _group(share: Share) -> GroupView:
    return GroupView(leads=share.of, booked=share.cases, booking_rate=share.percent, interval=share.percents)


def _top(applied: Applied) -> TopLesson:
    interval = applied.share.percents
    return TopLesson(
        lesson_id=applied.lesson_id,
        title=applied.title,
        times_applied=applied.times,
        success_rate=applied.share.percent,
        impact_score=interval[0] if interval else 0.0,
    )
