"""Tables for export: read page by page along an index, each as somebody may see it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from adapters.persistence.analytics import PostgresFigures
from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.visibility import LeadVisibility
from application.analytics.figures import side_by_side
from application.analytics.views import DatasetFigures
from application.ports import Actor
from domain.analytics.period import Period, period_of
from domain.platform.export import TableExportRequested

PAGE = 1_000
_DATASET = """
SELECT EXISTS (SELECT FROM datasets WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL)
"""


@dataclass(frozen=True, slots=True)
class _Table:
    """Say where rows come from; their place is `at`, then `id`."""

    columns: Mapping[str, str]
    source: str
    at: str
    id: str
    is_of_leads: bool = True


_LEADS = _Table(
    {
        "lead_id": "l.id",
        "first_name": "c.first_name",
        "last_name": "c.last_name",
        "email": "c.email",
        "phone_number": "l.phone",
        "company": "c.company_name",
        "postcode": "c.postcode",
        "dataset": "d.name",
        "stage": "l.stage",
        "contact_status": "l.contact_status",
        "sentiment": "l.sentiment",
        "source": "l.source",
        "product": "l.product",
        "inquiry_date": "l.inquiry_date",
        "latest_reply": "l.latest_reply",
        "reply_received_at": "l.reply_received_at",
        "call_booked_time": "l.call_booked_time",
        "manual_mode": "l.manual_mode",
        "archived": "l.archived",
        "assigned_to": "l.assigned_to",
        "notes": "l.notes",
        "created_at": "l.created_at",
    },
    "leads l JOIN contacts c ON c.organization_id = $1 AND c.id = l.contact_id"
    " LEFT JOIN datasets d ON d.organization_id = $1 AND d.id = l.dataset_id",
    "l.created_at",
    "l.id",
)
_MESSAGES = _Table(
    {
        "message_id": "m.id",
        "conversation_id": "m.conversation_id",
        "lead_id": "m.lead_id",
        "first_name": "c.first_name",
        "last_name": "c.last_name",
        "channel": "m.channel",
        "direction": "m.direction",
        "category": "m.category",
        "status": "m.status",
        "from": "m.sender",
        "to": "m.recipient",
        "content": "m.body",
        "sent_at": "m.sent_at",
        "delivered_at": "m.delivered_at",
        "created_at": "m.created_at",
    },
    "messages m LEFT JOIN leads l ON l.organization_id = $1 AND l.id = m.lead_id"
    " LEFT JOIN contacts c ON c.organization_id = $1 AND c.id = m.contact_id",
    "m.created_at",
    "m.id",
)
_LESSONS = _Table(
    {
        "lesson_id": "t.id",
        "lesson_type": "t.lesson_type",
        "status": "t.status",
        "title": "t.title",
        "description": "t.description",
        "trigger": "t.trigger",
        "correct_response": "t.correct_response",
        "incorrect_response": "t.incorrect_response",
        "reasoning": "t.reasoning",
        "tags": "array_to_string(t.tags, ', ')",
        "priority": "t.priority",
        "times_applied": "coalesce(f.applied, 0)",
        "conversations": "coalesce(f.conversations, 0)",
        "conversations_succeeded": "coalesce(f.succeeded, 0)",
        "created_at": "t.created_at",
        "updated_at": "t.updated_at",
    },
    "lessons t LEFT JOIN lesson_figures f ON f.organization_id = $1 AND f.lesson_id = t.id",
    "t.created_at",
    "t.id",
    is_of_leads=False,
)
_TABLES = {"leads": _LEADS, "conversations": _MESSAGES, "lessons": _LESSONS}
SUMMARY = DatasetFigures.__struct_fields__


class PostgresExportedTables:
    """Be the `ExportedTables` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def sees(self, actor: Actor, dataset_id: UUID) -> bool:
        """Tell whether somebody's list of datasets shows this one."""
        if actor.dataset_ids is not None and dataset_id not in actor.dataset_ids:
            return False
        return bool(await self._uow.connection.fetchval(_DATASET, self._uow.organization_id, dataset_id))

    async def days(self, actor: Actor, time_range: str) -> tuple[date, date]:
        """Ask the organisation's calendar."""
        now, zone, since = await PostgresFigures(self._uow, actor).calendar()
        period = period_of(time_range, None, None, now=now, zone=zone, since=since)
        return period.first, period.last

    async def begin(self, actor: Actor, asked: TableExportRequested) -> tuple[Sequence[str], int]:
        """Name the columns and count the rows."""
        if asked.export_type == "analytics_summary":
            return SUMMARY, len(await self._summary(actor, asked))
        table = _TABLES[asked.export_type]
        where, values = await self._where(table, actor, asked)
        statement = f"SELECT count(*) FROM {table.source} WHERE {where}"  # noqa: S608 - our own words
        return list(table.columns), int(await self._uow.connection.fetchval(statement, *values))

    async def page(self, actor: Actor, asked: TableExportRequested, after: Any) -> tuple[Sequence[Sequence[Any]], Any]:
        """Read on after a place."""
        if asked.export_type == "analytics_summary":
            return await self._summary(actor, asked), None
        table = _TABLES[asked.export_type]
        where, values = await self._where(table, actor, asked)
        if after is not None:
            where += f" AND ({table.at}, {table.id}) > (${len(values) + 1}, ${len(values) + 2})"
            values += after
        rows = await self._uow.connection.fetch(
            f"SELECT {', '.join(table.columns.values())}, {table.at}, {table.id} FROM {table.source}"  # noqa: S608
            f" WHERE {where} ORDER BY {table.at}, {table.id} LIMIT {PAGE}",
            *values,
        )
        width = len(table.columns)
        return [tuple(row)[:width] for row in rows], tuple(rows[-1])[width:] if len(rows) == PAGE else None

    async def _where(self, table: _Table, actor: Actor, asked: TableExportRequested) -> tuple[str, list[Any]]:
        values: list[Any] = [self._uow.organization_id]
        where = f"{table.at.partition('.')[0]}.organization_id = $1"
        if table.is_of_leads:
            visible, more = LeadVisibility(actor).sql("l", len(values) + 1)
            values += more
            where += f" AND {visible}"
        if asked.dataset_id is not None:
            values.append(asked.dataset_id)
            where += f" AND l.dataset_id = ${len(values)}"
        if asked.time_range not in (None, "all"):
            period = await self._period(PostgresFigures(self._uow, actor), asked)
            values += (period.begins, period.ends)
            where += f" AND {table.at} >= ${len(values) - 1} AND {table.at} < ${len(values)}"
        return where, values

    async def _summary(self, actor: Actor, asked: TableExportRequested) -> list[Sequence[Any]]:
        figures = PostgresFigures(self._uow, actor)
        found = await side_by_side(figures, await self._period(figures, asked))
        return [_line(one) for one in found if asked.dataset_id in (None, one.dataset_id)]

    async def _period(self, figures: PostgresFigures, asked: TableExportRequested) -> Period:
        now, zone, since = await figures.calendar()
        name = None if asked.first is not None else asked.time_range
        return period_of(name, asked.first, asked.last, now=now, zone=zone, since=since)


def _line(figures: DatasetFigures) -> Sequence[Any]:
    titles = "; ".join(lesson.title for lesson in figures.top_performing_lessons)
    return [titles if name == "top_performing_lessons" else getattr(figures, name) for name in SUMMARY]
