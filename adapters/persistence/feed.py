"""The event log by position, one organisation at a time, with what decides who may see each event now."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
import structlog

from adapters.persistence.database import Database
from application.platform.event_stream import Page
from application.platform.happened import About, Happened, LeadFacts
from application.platform.shown_events import SHOWN
from application.ports import Actor
from domain.sales.contact import ContactDeleted

PAGE = 200
_AT_A_TIME = 4  # of the pool's connections, however many come back after a restart
_NEWEST = "SELECT coalesce(max(position), 0) FROM feed WHERE organization_id = $1"
_KNOWS = "SELECT EXISTS (SELECT FROM feed WHERE organization_id = $1 AND position = $2)"
_BEYOND = """
SELECT EXISTS (SELECT FROM feed WHERE organization_id = $1 AND position > $2 ORDER BY position OFFSET $3 LIMIT 1)
"""
_AFTER = """
SELECT f.position, f.event_id, f.type, e.subject, e.at, e.data::text AS data
FROM feed f LEFT JOIN events e ON e.organization_id = f.organization_id AND e.id = f.event_id AND f.type = ANY ($3)
WHERE f.organization_id = $1 AND f.position > $2 ORDER BY f.position LIMIT $4
"""
_LEADS = """
SELECT id, contact_id, assigned_to, dataset_id FROM leads
WHERE organization_id = $1 AND (id = ANY ($2) OR contact_id = ANY ($3))
"""
_MESSAGES = "SELECT id, lead_id FROM messages WHERE organization_id = $1 AND id = ANY ($2)"
_MAKERS = """
SELECT id, created_by FROM contacts WHERE organization_id = $1 AND id = ANY ($2)
UNION ALL SELECT id, created_by FROM jobs WHERE organization_id = $1 AND id = ANY ($3)
"""
_DATASET = """
SELECT EXISTS (SELECT FROM datasets WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL)
"""
log = structlog.get_logger()


class PostgresFeed:
    """Be the `EventFeed`, in short transactions of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns = asyncio.Semaphore(_AT_A_TIME)

    @asynccontextmanager
    async def _reading(self, organization_id: UUID) -> AsyncIterator[Any]:
        async with self._turns, self._database.connection() as connection, connection.transaction(readonly=True):
            await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(organization_id))
            yield connection

    async def newest(self, organization_id: UUID) -> int:
        """Tell an organisation's last position; 0 where nothing has happened."""
        async with self._reading(organization_id) as connection:
            return int(await connection.fetchval(_NEWEST, organization_id))

    async def knows(self, organization_id: UUID, position: int) -> bool:
        """Tell whether an event of the organisation stands at a position."""
        async with self._reading(organization_id) as connection:
            return bool(await connection.fetchval(_KNOWS, organization_id, position))

    async def is_within(self, organization_id: UUID, position: int, most: int) -> bool:
        """Tell whether at most so many events came after a position."""
        async with self._reading(organization_id) as connection:
            return not await connection.fetchval(_BEYOND, organization_id, position, most)

    async def shows_dataset(self, actor: Actor, dataset_id: UUID) -> bool:
        """Tell whether somebody's list of datasets shows this one."""
        if actor.dataset_ids is not None and dataset_id not in actor.dataset_ids:
            return False
        async with self._reading(actor.organization_id) as connection:
            return bool(await connection.fetchval(_DATASET, actor.organization_id, dataset_id))

    async def after(self, organization_id: UUID, position: int) -> Page:
        """Give what came after a position, a page of it."""
        async with self._reading(organization_id) as connection:
            rows = await connection.fetch(_AFTER, organization_id, position, list(SHOWN), PAGE)
            read = [one for row in rows if row["data"] is not None and (one := _readable(row)) is not None]
            events = await self._judged(connection, organization_id, read) if read else []
        return Page(events, rows[-1]["position"] if rows else position, len(rows) < PAGE)

    async def _judged(self, connection: Any, organization_id: UUID, read: Sequence["_Read"]) -> list[Happened]:
        """Find out what decides who may see them."""
        untold = [one.subject for one in read if one.asks_message]
        told = await connection.fetch(_MESSAGES, organization_id, untold) if untold else []
        of_message = {row["id"]: row["lead_id"] for row in told}
        for one in read:
            if one.asks_message:
                one.named, one.is_gone = [of_message.get(one.subject)], one.subject not in of_message
        wanted = {lead for one in read for lead in one.named if lead is not None}
        contacts = [one.subject for one in read if one.about is About.CONTACT]
        jobs = [one.subject for one in read if one.about is About.JOB]
        leads = await connection.fetch(_LEADS, organization_id, list(wanted), contacts) if wanted or contacts else []
        made = await connection.fetch(_MAKERS, organization_id, contacts, jobs) if contacts or jobs else []
        makers = {row["id"]: row["created_by"] for row in made}
        facts = {row["id"]: LeadFacts(row["assigned_to"], row["dataset_id"]) for row in leads}
        for one in read:
            # A contact that has leads cannot be deleted by itself, so that its end is told as nobody's.
            if one.about is About.CONTACT and one.shown.type != ContactDeleted.type:
                one.is_gone = one.subject not in makers
        of_contact: dict[UUID, dict[UUID, LeadFacts]] = {}
        for row in leads:
            of_contact.setdefault(row["contact_id"], {})[row["id"]] = facts[row["id"]]
        found = (one.happened(facts, of_contact.get(one.subject, {}), makers.get(one.subject)) for one in read)
        return [event for event in found if _is_writable(event)]


class _Read:
    """Hold one row of the log until it is known who may see it."""

    def __init__(self, row: Any) -> None:
        self._row = row
        self.subject: UUID = row["subject"]
        self.data: Mapping[str, Any] = msgspec.json.decode(row["data"])
        self.shown = SHOWN[row["type"]]
        self.about = self.shown.about
        self.named: list[UUID | None] = list(self._named())
        self.whose = self._whose()
        self.is_gone = False

    @property
    def asks_message(self) -> bool:
        """Tell whether only its message knows the lead."""
        return self.about is About.THREAD and "lead_id" not in self.data

    def _named(self) -> Iterable[UUID | None]:
        match self.about:
            case About.LEAD:
                return [self.subject]
            case About.THREAD:
                return [_id(self.data.get("lead_id"))]
            case About.MESSAGES:
                return [_id(one["lead_id"]) for one in self.data["settled"]]
            case _:
                return []

    def _whose(self) -> UUID | None:
        match self.about:
            case About.DATASET:
                return _id(self.data.get("dataset_id")) or self.subject
            case About.PERSON:
                return UUID(self.data["account_id"])
            case _:
                return None

    def happened(
        self, leads: Mapping[UUID, LeadFacts], of_contact: Mapping[UUID, LeadFacts], maker: UUID | None
    ) -> Happened:
        """Make the event."""
        known = {one: leads[one] for one in self.named if one is not None and one in leads}
        row = self._row
        return Happened(
            position=row["position"],
            id=row["event_id"],
            shown=self.shown,
            subject=self.subject,
            at=row["at"],
            data=self.data,
            named=self.named,
            leads=of_contact if self.about is About.CONTACT else known,
            maker=maker,
            whose=self.whose,
            is_gone=self.is_gone,
        )


def _readable(row: Any) -> _Read | None:
    """Read a row, or pass over one that cannot be: it is not to keep all that follows it from being told."""
    try:
        return _Read(row)
    except Exception:
        log.exception("an event cannot be shown", event_id=str(row["event_id"]), type=row["type"])
        return None


def _is_writable(event: Happened) -> bool:
    try:
        return bool(event.whole)
    except Exception:
        log.exception("an event cannot be shown", event_id=str(event.id), type=event.shown.type)
        return False


def _id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)
