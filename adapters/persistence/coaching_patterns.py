"""First texts and first answers with what came of them, and the patterns found in them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.finder import Finder, Listing
from adapters.persistence.schema.coaching import patterns
from adapters.persistence.visibility import LeadVisibility
from application.coaching.pattern_forms import PatternFilter
from application.coaching.patterns import Looked, WordedPattern
from application.ports import Found, PageRequest
from domain.coaching.pattern import Sample, Step
from domain.kernel import NotFound, new_id

MOST_CONVERSATIONS = 5_000
_HEAD = "SELECT name, time_zone FROM organizations WHERE organization_id = $1"
# A text that left less than a day ago has not had its chance yet.
_LOOK = """
WITH picked AS (
  SELECT c.id, l.contact_id, l.contact_status, l.call_booked FROM conversations c
  JOIN leads l ON l.organization_id = $1 AND l.id = c.lead_id
  WHERE c.organization_id = $1 AND ($2::uuid IS NULL OR l.dataset_id = $2)
    AND ($3::timestamptz IS NULL OR c.last_message_at >= $3) AND {seen}
  ORDER BY c.last_message_at DESC, c.id DESC LIMIT {most}
)
SELECT picked.id, contact.first_name, contact.last_name, opening.id AS opening_id, opening.body AS opening,
       opening.at AS opening_at, answer.id AS answer_id, answer.body AS answer, answer.at AS answer_at,
       heard.at IS NOT NULL AND picked.contact_status <> 'OPTED_OUT' AS answered,
       picked.call_booked OR picked.contact_status IN ('CALL_BOOKED', 'CONVERTED') AS booked,
       coalesce(opening.at < business_now() - interval '1 day', false) AS opening_counts,
       coalesce(answer.at < business_now() - interval '1 day', false) AS answer_counts
FROM picked JOIN contacts contact ON contact.organization_id = $1 AND contact.id = picked.contact_id
LEFT JOIN LATERAL (
  SELECT m.id, m.body, coalesce(m.sent_at, m.created_at) AS at FROM messages m
  JOIN sends s ON s.organization_id = $1 AND s.id = m.id AND s.purpose = 'campaign'
  WHERE m.organization_id = $1 AND m.conversation_id = picked.id AND m.status IN ('sent', 'delivered', 'unknown')
  ORDER BY m.created_at, m.id LIMIT 1) opening ON true
LEFT JOIN LATERAL (
  SELECT m.created_at AS at FROM messages m
  WHERE m.organization_id = $1 AND m.conversation_id = picked.id AND m.direction = 'inbound'
  ORDER BY m.created_at, m.id LIMIT 1) heard ON true
LEFT JOIN LATERAL (
  SELECT m.id, m.body, coalesce(m.sent_at, m.created_at) AS at FROM messages m
  WHERE m.organization_id = $1 AND m.conversation_id = picked.id AND m.created_at >= heard.at
    AND m.category IN ('ai_response', 'human_manual') AND m.status IN ('sent', 'delivered', 'unknown')
  ORDER BY m.created_at, m.id LIMIT 1) answer ON true
"""
_KEEP = """
INSERT INTO patterns (organization_id, id, dataset_id, step, feature, occurrences, successes, others, other_successes,
  p_value, action, title, description, lesson, insight_id, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
"""


def _percent(cases: sa.ColumnElement[Any], of: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    share = 100 * sa.cast(cases, sa.Numeric()) / sa.func.nullif(of, 0)
    return sa.cast(sa.func.round(share, 1), sa.Float())


PATTERNS = Listing(
    source=patterns,
    organization=patterns.c.organization_id,
    identifier=patterns.c.id,
    shown={
        **{name: patterns.c[name] for name in ("id", "dataset_id", "step", "feature", "title")},
        "pattern_description": patterns.c.description,
        "occurrences": patterns.c.occurrences,
        "successes": patterns.c.successes,
        "success_rate": _percent(patterns.c.successes, patterns.c.occurrences),
        "other_occurrences": patterns.c.others,
        "other_successes": patterns.c.other_successes,
        "other_success_rate": _percent(patterns.c.other_successes, patterns.c.others),
        "p_value": patterns.c.p_value,
        "recommended_action": patterns.c.action,
        "suggested_lesson": patterns.c.lesson,
        "insight_id": patterns.c.insight_id,
        "created_at": patterns.c.created_at,
    },
    sorts={"created": patterns.c.created_at},
    default_sort="created",
    filters={
        "dataset_id": lambda p: patterns.c.dataset_id == p,
        "step": lambda p: patterns.c.step == p,
        "recommended_action": lambda p: patterns.c.action == p,
        "visible_datasets": lambda p: patterns.c.dataset_id == sa.any_(p),
    },
    types={"dataset_id": sa.Uuid(), "visible_datasets": sa.ARRAY(sa.Uuid())},
)


class PostgresPatterns:
    """Be the `PatternStore` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork, finder: Finder, visibility: LeadVisibility) -> None:
        self._uow = uow
        self._finder = finder
        self._visibility = visibility

    async def require_dataset(self, dataset_id: UUID) -> None:
        """Refuse a dataset that is not there for the actor."""
        allowed = self._visibility.scope().get("visible_datasets")
        found = await self._uow.connection.fetchval(
            "SELECT true FROM datasets WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL",
            self._uow.organization_id,
            dataset_id,
        )
        if not found or (allowed is not None and dataset_id not in allowed):
            raise NotFound("There is no such dataset.")

    async def look(self, dataset_id: UUID | None, since: datetime | None) -> Looked:
        """Read first texts and first answers."""
        head = await self._uow.connection.fetchrow(_HEAD, self._uow.organization_id)
        seen, parameters = self._visibility.sql("l", first=4)
        rows = await self._uow.connection.fetch(
            _LOOK.format(seen=seen, most=MOST_CONVERSATIONS), self._uow.organization_id, dataset_id, since, *parameters
        )
        zone = ZoneInfo(head["time_zone"])
        return Looked(
            conversations=len(rows),
            samples=[
                sample
                for row in rows
                for sample in (
                    _sample(row, Step.OPENING, "answered", head["name"], zone),
                    _sample(row, Step.ANSWER, "booked", head["name"], zone),
                )
                if sample is not None
            ],
        )

    async def sees_all(self) -> bool:
        """Tell whether nothing narrows what the actor sees."""
        return not self._visibility.scope()

    async def keep(self, dataset_id: UUID | None, found: Sequence[WordedPattern], at: datetime) -> None:
        """Write down what was found."""
        await self._uow.connection.executemany(
            _KEEP,
            [
                (self._uow.organization_id, new_id(), dataset_id, told.pattern.step.value, told.pattern.feature,
                 told.pattern.occurrences, told.pattern.successes, told.pattern.others, told.pattern.other_successes,
                 told.pattern.p_value, told.pattern.action.value, told.wording.title, told.wording.description,
                 told.lesson, told.insight_id, at)
                for told in found
            ],
        )  # fmt: skip

    async def find(self, narrowed: PatternFilter, page: PageRequest) -> Found:
        """List what was found."""
        scope = self._visibility.scope()
        if "visible_to" in scope:  # it was counted among everybody's leads
            scope = {"visible_datasets": []}
        return await self._finder.find(PATTERNS, narrowed, page, scope)


def _sample(row: Any, step: Step, succeeded: str, organization: str, zone: ZoneInfo) -> Sample | None:
    if not row[f"{step}_counts"]:
        return None
    return Sample(
        step=step,
        message_id=row[f"{step}_id"],
        text=row[step.value],
        at=row[f"{step}_at"].astimezone(zone),
        names=[name for name in (row["first_name"], row["last_name"]) if name],
        organization=organization,
        succeeded=row[succeeded],
    )
