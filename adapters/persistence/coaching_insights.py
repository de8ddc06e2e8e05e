"""Insights as people see them and decide about them: whoever sees some leads only sees what shows it among those."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from adapters.persistence.coaching_authors import author_of
from adapters.persistence.coaching_reviews import MOST_MESSAGES, facts_of
from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.finder import Finder, Listing
from adapters.persistence.schema.coaching import insight_evidence, insights
from adapters.persistence.schema.sales import leads
from adapters.persistence.store import PostgresStore
from adapters.persistence.visibility import LeadVisibility
from application.coaching.insight_forms import InsightFilter
from application.ports import Found, PageRequest
from domain.coaching.finding import Severity
from domain.coaching.insight import Insight
from domain.coaching.pattern import is_counted
from domain.coaching.taught import Material
from domain.coaching.voices import Voices
from domain.kernel import Forbidden, NotFound

MOST_EVIDENCE = 50
# Bound to NULL where nothing narrows; the finder binds the scope's values by the same names.
_PERSON = sa.bindparam("visible_to", None, type_=sa.Uuid())
_DATASETS = sa.bindparam("visible_datasets", None, type_=sa.ARRAY(sa.Uuid()))
_OF_LEADS = insight_evidence.outerjoin(
    leads,
    sa.and_(leads.c.organization_id == insight_evidence.c.organization_id, leads.c.id == insight_evidence.c.lead_id),
)
_SEEN = (
    insight_evidence.c.organization_id == insights.c.organization_id,
    insight_evidence.c.insight_id == insights.c.id,
    sa.or_(_PERSON.is_(None), leads.c.id.is_(None), leads.c.assigned_to.is_(None), leads.c.assigned_to == _PERSON),
    sa.or_(_DATASETS.is_(None), leads.c.dataset_id == sa.any_(_DATASETS)),
)
_LATEST = (
    sa.select(insight_evidence)
    .select_from(_OF_LEADS)
    .where(*_SEEN)
    .correlate(insights)
    .order_by(insight_evidence.c.id.desc())
    .limit(sa.literal_column("1"))
    .lateral("latest")
)
_AFFECTED = (
    sa.select(
        sa.func.count(sa.distinct(sa.func.coalesce(insight_evidence.c.lead_id, insight_evidence.c.conversation_id)))
    )
    .select_from(_OF_LEADS)
    .where(*_SEEN)
    .correlate(insights)
    .scalar_subquery()
)


def _shown_by(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return (
        sa.select(sa.literal_column("1")).select_from(_OF_LEADS).where(*_SEEN, condition).correlate(insights).exists()
    )


INSIGHTS = Listing(
    source=insights.outerjoin(_LATEST, sa.true()),
    organization=insights.c.organization_id,
    identifier=insights.c.id,
    shown={
        **{name: insights.c[name] for name in ("id", "rule", "severity", "category", "title")},
        "description": _LATEST.c.description,
        "suggestion": _LATEST.c.suggestion,
        "original_text": _LATEST.c.words,
        "suggested_text": _LATEST.c.suggested_text,
        "affected_leads_count": sa.case(
            (sa.and_(_PERSON.is_(None), _DATASETS.is_(None)), insights.c.affected_leads), else_=_AFFECTED
        ),
        "message_id": _LATEST.c.message_id,
        "conversation_id": _LATEST.c.conversation_id,
        **{
            name: insights.c[name]
            for name in (
                "status", "note", "lesson_id", "decided_by", "decided_at", "viewed_at", "raised_at", "created_at",
                "version",
            )
        },
    },
    sorts={"created": insights.c.created_at, "raised": insights.c.raised_at},
    default_sort="created",
    filters={
        "status": lambda p: insights.c.status == p,
        "severity": lambda p: insights.c.severity == p,
        "category": lambda p: insights.c.category == p,
        "dataset_id": lambda p: _shown_by(leads.c.dataset_id == p),
        "lead_id": lambda p: _shown_by(insight_evidence.c.lead_id == p),
        "conversation_id": lambda p: _shown_by(insight_evidence.c.conversation_id == p),
        "visible_to": lambda _: _LATEST.c.id.is_not(None),
        "visible_datasets": lambda _: _LATEST.c.id.is_not(None),
    },
    types={
        "dataset_id": sa.Uuid(),
        "lead_id": sa.Uuid(),
        "conversation_id": sa.Uuid(),
        "visible_to": sa.Uuid(),
        "visible_datasets": sa.ARRAY(sa.Uuid()),
    },
)  # fmt: skip
_EVIDENCE = """
SELECT coalesce(json_agg(shown ORDER BY id DESC), '[]')::text FROM (
  SELECT e.id, json_build_object('message_id', e.message_id, 'conversation_id', e.conversation_id,
    'lead_id', e.lead_id, 'by', {author},
    'words', e.words, 'suggested_text', e.suggested_text,
    'written_at', to_char(coalesce(m.sent_at, m.created_at), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) AS shown
  FROM insight_evidence e JOIN messages m ON m.organization_id = $1 AND m.id = e.message_id
  LEFT JOIN leads l ON l.organization_id = $1 AND l.id = e.lead_id
  WHERE e.organization_id = $1 AND e.insight_id = $2 AND {seen} ORDER BY e.id DESC LIMIT {most}) latest
"""
_HIDDEN = """
SELECT true FROM insight_evidence e LEFT JOIN leads l ON l.organization_id = $1 AND l.id = e.lead_id
WHERE e.organization_id = $1 AND e.insight_id = $2 AND ({seen}) IS NOT TRUE LIMIT 1
"""
_LEAD_OF = """
SELECT lead_id FROM insight_evidence WHERE organization_id = $1 AND insight_id = $2 ORDER BY id DESC LIMIT 1
"""
# Of a pattern what it would teach is suggested, where the insight says what to do about it.
_MATERIAL = """
SELECT i.rule, coalesce((SELECT p.lesson FROM patterns p WHERE p.organization_id = $1 AND p.insight_id = $2
         AND p.lesson IS NOT NULL ORDER BY p.created_at DESC, p.id DESC LIMIT 1), e.suggestion) AS suggestion,
       e.suggested_text, e.conversation_id, contact.first_name, contact.last_name,
       contact.company_name, o.name AS organization, o.settings
FROM insight_evidence e JOIN conversations c ON c.organization_id = $1 AND c.id = e.conversation_id
JOIN insights i ON i.organization_id = $1 AND i.id = e.insight_id
JOIN organizations o ON o.organization_id = $1
JOIN contacts contact ON contact.organization_id = $1 AND contact.id = c.contact_id
WHERE e.organization_id = $1 AND e.insight_id = $2 ORDER BY e.id DESC LIMIT 1
"""
_SAID = f"""
SELECT {author_of("m")} AS by, m.body FROM messages m
WHERE m.organization_id = $1 AND m.conversation_id = $2 ORDER BY m.created_at DESC, m.id DESC LIMIT $3
"""  # noqa: S608 - our own words


class PostgresInsights(PostgresStore[Insight]):
    """Be the `InsightStore` of the open unit of work."""

    entity = Insight
    table = insights
    noun = "insight"

    def __init__(self, uow: PostgresUnitOfWork, finder: Finder, visibility: LeadVisibility) -> None:
        super().__init__(uow)
        self._finder = finder
        self._visibility = visibility

    async def locked(self, identifier: UUID) -> Insight:
        """Load one that the actor sees the whole of, locked."""
        found = await self.get_for_update(identifier)
        scope = self._visibility.scope()
        if scope:
            await self.show(identifier)
            seen, parameters = self._visibility.sql("l", first=3)
            if await self.uow.connection.fetchval(
                _HIDDEN.format(seen=seen), self.uow.organization_id, identifier, *parameters
            ):
                raise Forbidden("This concerns leads that you do not see; somebody who sees them all has to decide.")
        return found

    async def lead_of(self, identifier: UUID) -> UUID | None:
        """Name the lead of the latest evidence."""
        found: UUID | None = await self.uow.connection.fetchval(_LEAD_OF, self.uow.organization_id, identifier)
        return found

    async def material(self, identifier: UUID) -> Material:
        """Give what its latest evidence suggests."""
        row = await self.uow.connection.fetchrow(_MATERIAL, self.uow.organization_id, identifier)
        if row is None:
            return Material(suggestion=None, suggested_text=None, names=())
        names = [name for name in (row["first_name"], row["last_name"], row["company_name"]) if name]
        voices = None if is_counted(row["rule"]) else await self._voices(row, names)
        return Material(suggestion=row["suggestion"], suggested_text=row["suggested_text"], names=names, voices=voices)

    async def _voices(self, row: Any, names: Sequence[str]) -> Voices:
        said = await self.uow.connection.fetch(_SAID, self.uow.organization_id, row["conversation_id"], MOST_MESSAGES)
        return Voices.told_apart(
            [(one["by"], one["body"]) for one in said],
            ours=[row["organization"], *facts_of(msgspec.json.decode(row["settings"]))],
            names=names,
        )

    async def find(self, narrowed: InsightFilter, page: PageRequest) -> Found:
        """List them, with how many of each severity there are."""
        scope = self._visibility.scope()
        found = await self._finder.find(INSIGHTS, narrowed, page, scope)
        counts = await self._finder.tally(INSIGHTS, msgspec.structs.replace(narrowed, severity=None), "severity", scope)
        return msgspec.structs.replace(
            found, summary={severity.value: counts.get(severity.value, 0) for severity in Severity}
        )

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one with its evidence."""
        head = await self._finder.one(INSIGHTS, identifier, self._visibility.scope())
        if head is None:
            raise NotFound("There is no such insight.")
        seen, parameters = self._visibility.sql("l", first=3)
        evidence: str = await self.uow.connection.fetchval(
            _EVIDENCE.format(seen=seen, most=MOST_EVIDENCE, author=author_of("m")),
            self.uow.organization_id,
            identifier,
            *parameters,
        )
        return msgspec.Raw(bytes(head)[:-1] + b', "evidence": ' + evidence.encode() + b"}")
