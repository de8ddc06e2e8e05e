"""What the coach did and what followed: from the rows of lessons, replies and bookings."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.visibility import LeadVisibility
from application.analytics.impact import FOLLOWED, Applied, CoachMetrics
from application.ports import Actor
from domain.statistics import Share

_LESSONS = """
SELECT count(*) AS created, count(*) FILTER (WHERE status = 'active') AS active FROM lessons WHERE organization_id = $1
"""
_INSIGHTS = """
SELECT count(*) AS generated, count(*) FILTER (WHERE status = 'approved_and_learned') AS approved FROM insights
WHERE organization_id = $1
"""
_APPLIED = """
SELECT f.lesson_id, coalesce(l.title, p.title) AS title, f.applied, f.conversations, f.succeeded FROM lesson_figures f
LEFT JOIN lessons l ON l.organization_id = $1 AND l.id = f.lesson_id AND l.status = 'active'
LEFT JOIN platform_lessons p ON p.id = f.lesson_id AND p.status = 'active'
WHERE f.organization_id = $1 AND f.applied > 0 AND coalesce(l.id, p.id) IS NOT NULL
"""
_GROUPS = """
WITH first_answers AS MATERIALIZED (
  SELECT DISTINCT ON (c.lead_id) c.lead_id, r.created_at, cardinality(r.lessons) > 0 AS taught
  FROM replies r
  JOIN conversations c ON c.organization_id = $1 AND c.id = r.conversation_id
  JOIN leads l ON l.organization_id = $1 AND l.id = c.lead_id
  WHERE r.organization_id = $1 AND r.status = 'sent' AND r.prompt_type = 'reply' AND r.created_at >= $2 AND {visible}
  ORDER BY c.lead_id, r.created_at
)
SELECT taught, count(*) AS leads, count(*) FILTER (WHERE EXISTS (
  SELECT FROM bookings b WHERE b.organization_id = $1 AND b.lead_id = a.lead_id AND b.uid IS NOT NULL
    AND b.created_at >= a.created_at AND b.created_at < a.created_at + $4::interval)) AS booked
FROM first_answers a WHERE a.created_at < $3 GROUP BY taught
"""


class PostgresCoachFigures:
    """Be the `CoachFigures` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork, actor: Actor, visibility: LeadVisibility) -> None:
        self._uow = uow
        self._actor = actor
        self._visibility = visibility

    async def now(self) -> datetime:
        """Tell business time."""
        at: datetime = await self._uow.connection.fetchval("SELECT business_now()")
        return at

    async def metrics(self) -> CoachMetrics:
        """Count insights and lessons; how many insights there are would tell of leads that somebody may not see."""
        [lessons] = await self._rows(_LESSONS)
        sees_all = self._actor.sees_all_leads and self._actor.dataset_ids is None
        [insights] = await self._rows(_INSIGHTS) if sees_all else [{"generated": None, "approved": None}]
        return CoachMetrics(
            insights_generated=insights["generated"],
            insights_approved=insights["approved"],
            lessons_created=lessons["created"],
            lessons_active=lessons["active"],
        )

    async def groups(self, since: datetime, until: datetime) -> tuple[Share, Share]:
        """Take of each lead the AI's first answer that left, and look whether a booking followed."""
        visible, parameters = self._visibility.sql("l", first=5)
        rows = await self._rows(_GROUPS.format(visible=visible), since, until, FOLLOWED, *parameters)
        found = {row["taught"]: Share(row["booked"], row["leads"]) for row in rows}
        return found.get(False, Share(0, 0)), found.get(True, Share(0, 0))

    async def applied(self) -> Sequence[Applied]:
        """Give active lessons with what was counted of them."""
        return [
            Applied(row["lesson_id"], row["title"], row["applied"], Share(row["succeeded"], row["conversations"]))
            for row in await self._rows(_APPLIED)
        ]

    async def _rows(self, statement: str, *values: Any) -> list[Any]:
        return list(await self._uow.connection.fetch(statement, self._uow.organization_id, *values))
