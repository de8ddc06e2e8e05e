"""Insights while they are raised: found by fingerprint, locked in order, one row however many raise it at once."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from adapters.persistence.database import PostgresUnitOfWork
from application.coaching.raising import Likeness
from domain.coaching.finding import Finding, Quote, Severity
from domain.coaching.insight import Decided, Insight, InsightStatus
from domain.kernel import new_id

_LIKE = "SELECT id, fingerprint, rule, title, category FROM insights WHERE organization_id = $1 AND id = ANY ($2)"
_LOCK = """
SELECT 1 FROM insights WHERE organization_id = $1 AND fingerprint = ANY ($2)
ORDER BY fingerprint, id FOR NO KEY UPDATE
"""
_DECIDED = """
SELECT i.status, i.severity, i.decided_at, EXISTS (
  SELECT FROM lessons l
  WHERE l.organization_id = $1 AND l.status = 'active' AND (l.mutes = $2 OR l.id = i.lesson_id)
) AS holds, array(
  SELECT e.message_id FROM insight_evidence e WHERE e.organization_id = $1 AND e.insight_id = i.id
) AS message_ids
FROM insights i WHERE i.organization_id = $1 AND i.fingerprint = $2 AND i.decided_at IS NOT NULL
ORDER BY i.decided_at DESC LIMIT 20
"""
_OPEN = """
SELECT severity FROM insights
WHERE organization_id = $1 AND fingerprint = $2 AND status IN ('pending', 'viewed')
"""
_RAISE = """
INSERT INTO insights AS known (organization_id, id, rule, fingerprint, title, category, severity, created_at, raised_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
ON CONFLICT (organization_id, fingerprint) WHERE status IN ('pending', 'viewed') DO UPDATE SET
  raised_at = greatest(known.raised_at, excluded.raised_at),
  severity = CASE WHEN array_position($9::text[], excluded.severity) < array_position($9::text[], known.severity)
             THEN excluded.severity ELSE known.severity END
RETURNING id
"""
_EVIDENCE = """
INSERT INTO insight_evidence (organization_id, id, insight_id, conversation_id, message_id, lead_id, review_id, words,
  description, suggestion, suggested_text, created_at)
SELECT $1, e.id, $2, m.conversation_id, m.id, m.lead_id, $3, e.words, $4, $5, $6, $7
FROM unnest($8::uuid[], $9::uuid[], $10::text[]) WITH ORDINALITY AS e(id, message_id, words, place)
JOIN messages m ON m.organization_id = $1 AND m.id = e.message_id
ORDER BY e.place ON CONFLICT (organization_id, insight_id, message_id) DO NOTHING
"""
RECOUNT = """
UPDATE insights SET affected_leads = (
  SELECT count(DISTINCT coalesce(e.lead_id, e.conversation_id)) FROM insight_evidence e
  WHERE e.organization_id = $1 AND e.insight_id = insights.id)
WHERE organization_id = $1 AND id = ANY ($2)
"""
_SEVERITIES = [severity.value for severity in Severity]


class PostgresFindings:
    """Be the `Findings` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def like(self, identifiers: Collection[UUID]) -> Mapping[UUID, Likeness]:
        """Give what makes findings the same as these insights."""
        rows = await self._fetch(_LIKE, list(identifiers))
        return {row["id"]: Likeness(row["fingerprint"], row["rule"], row["title"], row["category"]) for row in rows}

    async def lock(self, fingerprints: Sequence[str]) -> None:
        """Lock every insight with one of these fingerprints."""
        await self._fetch(_LOCK, list(fingerprints))

    async def decided(self, fingerprint: str) -> list[Decided]:
        """Give what people decided before."""
        return [
            Decided(
                status=InsightStatus(row["status"]),
                severity=Severity(row["severity"]),
                at=row["decided_at"],
                holds=row["holds"],
                message_ids=frozenset(row["message_ids"]),
            )
            for row in await self._fetch(_DECIDED, fingerprint)
        ]

    async def open_severity(self, fingerprint: str) -> Severity | None:
        """Tell how severe the open one is."""
        rows = await self._fetch(_OPEN, fingerprint)
        return Severity(rows[0]["severity"]) if rows else None

    async def raise_one(self, insight: Insight) -> UUID:
        """Insert an insight, or give the open one."""
        identifier: UUID = await self._uow.connection.fetchval(
            _RAISE,
            self._uow.organization_id,
            insight.id,
            insight.rule,
            insight.fingerprint,
            insight.title,
            insight.category,
            insight.severity,
            insight.created_at,
            _SEVERITIES,
        )
        return identifier

    async def add_evidence(
        self, insight_id: UUID, finding: Finding, quotes: Sequence[Quote], review_id: UUID | None, at: datetime
    ) -> None:
        """Add what shows it and count the leads anew."""
        await self._uow.connection.execute(
            _EVIDENCE,
            self._uow.organization_id,
            insight_id,
            review_id,
            finding.description,
            finding.suggestion,
            finding.suggested_text,
            at,
            [new_id() for _ in quotes],
            [quote.message_id for quote in quotes],
            [quote.words for quote in quotes],
        )
        await self._uow.connection.execute(RECOUNT, self._uow.organization_id, [insight_id])

    async def _fetch(self, statement: str, *values: Any) -> list[Any]:
        return list(await self._uow.connection.fetch(statement, self._uow.organization_id, *values))
