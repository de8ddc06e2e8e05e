"""Figures: of all or of some datasets from what was counted, of a person's own leads from the rows themselves."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.told import told_of
from application.analytics.facts import COUNTED
from application.analytics.figures import MOST_OWN, CampaignFacts, Counted, Performed, Standing
from application.ports import Actor
from domain.analytics.period import Period
from domain.analytics.tally import Arm, Fact, Progress, Tally, What
from domain.kernel import Conflict
from domain.messaging.message import MessagesSettled
from domain.statistics import Share

_CALENDAR = """
SELECT business_now() AS now, time_zone,
       (SELECT min(quarter) FROM rollups WHERE organization_id = $1) AS since
FROM organizations WHERE organization_id = $1
"""
_DATASETS = """
SELECT id, name FROM datasets
WHERE organization_id = $1 AND deleted_at IS NULL AND ($2::uuid[] IS NULL OR id = ANY ($2))
ORDER BY created_at DESC, id DESC
"""
# Said apart, so that no plan has to do for both: these datasets, or all and what lies in none. What lies in one that is
# being deleted is not shown any more.
_THESE = "{of}.dataset_id = ANY ($2)"
_ALL = """$2::uuid[] IS NULL AND NOT EXISTS (
  SELECT FROM datasets d WHERE d.organization_id = $1 AND d.id = {of}.dataset_id AND d.deleted_at IS NOT NULL)"""
_OF_ONE = "l.assigned_to = $3"
_OF_ANYBODY = "$3::uuid IS NULL"
# Days are told by when they begin: to ask for each row's day in a zone takes longer than all the rest.
_BY_DAY = """
SELECT width_bucket(quarter, $5::timestamptz[]) AS day, kind, sum(count)::bigint AS count FROM rollups r
WHERE organization_id = $1 AND quarter >= $3 AND quarter < $4 AND {shown} GROUP BY 1, kind
"""
_BY_DATASET = """
SELECT dataset_id, kind, sum(count)::bigint AS count FROM rollups r
WHERE organization_id = $1 AND quarter >= $3 AND quarter < $4 AND {shown} GROUP BY dataset_id, kind
"""
_LESSONS = """
WITH applied AS MATERIALIZED (
  SELECT l.dataset_id, lesson, r.conversation_id, bool_or(r.positive OR r.booked) AS succeeded
  FROM replies r JOIN leads l ON l.organization_id = $1 AND l.id = r.lead_id, unnest(r.lessons) AS lesson
  WHERE r.organization_id = $1 AND r.created_at >= $4 AND r.created_at < $5 AND r.measured_at IS NOT NULL
    AND cardinality(r.lessons) > 0 AND l.dataset_id IS NOT NULL AND {whose} AND {shown}
  GROUP BY l.dataset_id, lesson, r.conversation_id
)
SELECT a.dataset_id, a.lesson AS lesson_id, coalesce(own.title, everybodys.title) AS title,
       count(*) AS conversations, count(*) FILTER (WHERE a.succeeded) AS succeeded
FROM applied a LEFT JOIN lessons own ON own.organization_id = $1 AND own.id = a.lesson AND own.status = 'active'
LEFT JOIN platform_lessons everybodys ON everybodys.id = a.lesson AND everybodys.status = 'active'
WHERE coalesce(own.id, everybodys.id) IS NOT NULL GROUP BY 1, 2, 3 HAVING count(*) >= $6
"""
# A million leads come to a handful of groups: what is not shown is left out of those, a third faster.
_STANDING = """
SELECT dataset_id, contact_status, count FROM (
  SELECT dataset_id, contact_status, count(*) AS count FROM leads l WHERE organization_id = $1 AND {whose}
  GROUP BY dataset_id, contact_status
) AS l WHERE {shown}
"""
_SENTIMENTS = """
SELECT sentiment, count(*) AS count FROM leads l
WHERE organization_id = $1 AND sentiment IS NOT NULL AND {whose}
  AND {shown} GROUP BY sentiment
"""
_CAMPAIGN = "SELECT id, status, started_at FROM campaigns WHERE organization_id = $1 AND dataset_id = $2"
_RESULTS = "SELECT touch, variant, what, count FROM touch_results WHERE organization_id = $1 AND campaign_id = $2"
_OWN = """
SELECT id, dataset_id, contact_id FROM leads l
WHERE organization_id = $1 AND assigned_to = $3 AND {shown} LIMIT $4
"""
_OWN_TEXTS = """
SELECT lead_id, purpose, campaign_id, touch, variant, coalesce(handed_at, settled_at, created_at) AS at FROM sends
WHERE organization_id = $1 AND lead_id = ANY ($2) AND state = 'accepted'
"""
_OWN_EVENTS = """
WITH subjects AS MATERIALIZED (
  SELECT unnest($2::uuid[]) AS id UNION ALL
  SELECT id FROM messages WHERE organization_id = $1 AND lead_id = ANY ($2) AND direction = 'inbound'
)
SELECT e.id AS event_id, e.type, e.subject, e.at, e.data::text AS data FROM subjects s
JOIN events e ON e.organization_id = $1 AND e.subject = s.id WHERE e.type = ANY ($3)
"""


class PostgresFigures:
    """Be the `Figures` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork, actor: Actor) -> None:
        self._uow = uow
        self._actor = actor
        self._tallies: dict[UUID | None, Tally] = {}

    async def calendar(self) -> tuple[datetime, str, datetime | None]:
        """Tell business time, the organisation's zone, and since when anything was counted."""
        [row] = await self._rows(_CALENDAR)
        return row["now"], row["time_zone"], row["since"]

    async def datasets(self) -> Sequence[tuple[UUID, str]]:
        """Name those that the actor may see."""
        return [(row["id"], row["name"]) for row in await self._rows(_DATASETS, self._limits(None))]

    async def by_day(self, period: Period, dataset_id: UUID | None) -> Sequence[Counted]:
        """Count by the organisation's days."""
        if not self._actor.sees_all_leads:
            tally = await self._own(dataset_id)
            return [
                Counted(day, None, kind, count)
                for (_, quarter, kind), count in tally.counts.items()
                if (day := _day_of(quarter, period)) is not None
            ]
        days = list(period.days())
        begins = [Period(day, day, period.zone).begins for day in days]
        rows = await self._narrowed(_BY_DAY, "r", self._limits(dataset_id), period.begins, period.ends, begins)
        return [Counted(days[row["day"] - 1], None, row["kind"], row["count"]) for row in rows]

    async def by_dataset(self, period: Period) -> Sequence[Counted]:
        """Count by dataset."""
        if not self._actor.sees_all_leads:
            tally = await self._own(None)
            return [
                Counted(None, dataset, kind, count)
                for (dataset, quarter, kind), count in tally.counts.items()
                if _day_of(quarter, period) is not None
            ]
        rows = await self._narrowed(_BY_DATASET, "r", self._limits(None), period.begins, period.ends)
        return [Counted(None, row["dataset_id"], row["kind"], row["count"]) for row in rows]

    async def lessons(self, period: Period, least: int) -> Sequence[Performed]:
        """Count by dataset what followed lessons."""
        rows = await self._narrowed(_LESSONS, "l", self._limits(None), self._owner(), period.begins, period.ends, least)
        return [
            Performed(row["dataset_id"], row["lesson_id"], row["title"], Share(row["succeeded"], row["conversations"]))
            for row in rows
        ]

    async def standing(self, dataset_id: UUID | None) -> Sequence[Standing]:
        """Count leads as they stand now."""
        rows = await self._narrowed(_STANDING, "l", self._limits(dataset_id), self._owner())
        return [Standing(row["dataset_id"], row["contact_status"], row["count"]) for row in rows]

    async def sentiments(self, dataset_id: UUID | None) -> Mapping[str, int]:
        """Count leads by how they last sounded."""
        rows = await self._narrowed(_SENTIMENTS, "l", self._limits(dataset_id), self._owner())
        return {row["sentiment"]: row["count"] for row in rows}

    async def campaign(self, dataset_id: UUID) -> CampaignFacts | None:
        """Find a dataset's campaign."""
        rows = await self._rows(_CAMPAIGN, dataset_id)
        return CampaignFacts(**dict(rows[0])) if rows else None

    async def results(self, campaign_id: UUID, dataset_id: UUID) -> Mapping[Arm, int]:
        """Count what came of each touch's wordings."""
        if not self._actor.sees_all_leads:
            own = (await self._own(dataset_id)).results
            return {arm: count for arm, count in own.items() if arm[0] == campaign_id}
        rows = await self._rows(_RESULTS, campaign_id)
        return {(campaign_id, row["touch"], row["variant"], row["what"]): row["count"] for row in rows}

    async def _own(self, dataset_id: UUID | None) -> Tally:
        """Count a person's own leads as the log is counted, once for all that one answer says of them."""
        if dataset_id not in self._tallies:
            self._tallies[dataset_id] = await self._tally(dataset_id)
        return self._tallies[dataset_id]

    async def _tally(self, dataset_id: UUID | None) -> Tally:
        rows = await self._narrowed(_OWN, "l", self._limits(dataset_id), self._owner(), MOST_OWN + 1)
        if len(rows) > MOST_OWN:
            raise Conflict(f"More than {MOST_OWN:,} leads are yours; ask for can_view_all_leads to have them counted.")
        known = {row["id"]: Progress(lead_id=row["id"], dataset_id=row["dataset_id"]) for row in rows}
        facts = [Fact(what=What.TEXT, **dict(row)) for row in await self._rows(_OWN_TEXTS, list(known))]
        subjects = [*known, *{row["contact_id"] for row in rows}]
        others = [name for name in COUNTED if name != MessagesSettled.type]
        for told in told_of(await self._rows(_OWN_EVENTS, subjects, others)):
            facts += told
        tally = Tally()
        tally.take(sorted(facts, key=lambda fact: fact.at), known)
        return tally

    def _limits(self, dataset_id: UUID | None) -> list[UUID] | None:
        allowed = self._actor.dataset_ids
        if dataset_id is None:
            return None if allowed is None else sorted(allowed)
        return [dataset_id] if allowed is None or dataset_id in allowed else []

    def _owner(self) -> UUID | None:
        return None if self._actor.sees_all_leads else self._actor.user_id

    async def _narrowed(self, statement: str, of: str, limits: list[UUID] | None, *values: Any) -> list[Any]:
        shown = (_ALL if limits is None else _THESE).format(of=of)
        whose = _OF_ANYBODY if self._owner() is None else _OF_ONE
        return await self._rows(statement.format(shown=shown, whose=whose), limits, *values)

    async def _rows(self, statement: str, *values: Any) -> list[Any]:
        return list(await self._uow.connection.fetch(statement, self._uow.organization_id, *values))


def _day_of(quarter: datetime, period: Period) -> date | None:
    if not period.begins <= quarter < period.ends:
        return None
    return quarter.astimezone(ZoneInfo(period.zone)).date()
