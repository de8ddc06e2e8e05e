"""Whom a notification concerns, as memberships, leads, datasets and imports stand in the open unit of work."""

from typing import Any
from uuid import UUID

from adapters.persistence.database import Cause, PostgresUnitOfWork
from adapters.persistence.visibility import SHOWN
from application.messaging.notices import KnownImport, KnownInsight
from application.messaging.notifying import KnownLead, Origin, Recipient, Voice
from domain.identity.role import Role
from domain.kernel import Phone, new_id
from domain.messaging.notification import Kind, Notification

_VOICE = "SELECT name, locale, time_zone FROM organizations WHERE organization_id = $1"
_ACTOR = "SELECT actor_id FROM events WHERE organization_id = $1 AND id = $2"
_LEAD = """
SELECT l.id, l.contact_id, concat_ws(' ', c.first_name, c.last_name) AS name, l.dataset_id, l.assigned_to
FROM leads l JOIN contacts c ON c.organization_id = $1 AND c.id = l.contact_id
WHERE l.organization_id = $1 AND l.id = $2
"""
_PEOPLE = """
SELECT a.id, a.email, a.phone FROM memberships m JOIN accounts a ON a.id = m.account_id
WHERE m.organization_id = $1 AND m.is_active
"""
# What narrows a person's view narrows what they are told; what is in no dataset they do not see.
_SEES = " AND (m.dataset_ids IS NULL OR $3::uuid = ANY (m.dataset_ids))"
_PERSON = f"{_PEOPLE} AND m.account_id = $2"
_SEEING = f"{_PERSON}{_SEES}"
_LEADERS = f"{_PEOPLE} AND m.role = ANY ($2){_SEES} ORDER BY a.id"
_HEADS = f"{_PEOPLE} AND m.role = ANY ($2) ORDER BY a.id"
_WITH_LEAD = f"""{_PERSON} AND EXISTS (
  SELECT FROM leads l WHERE l.organization_id = $1 AND l.id = $3 AND {SHOWN})
"""
_WRITER = """
SELECT author_id FROM messages WHERE organization_id = $1 AND conversation_id = $2 AND author_id IS NOT NULL
ORDER BY created_at DESC, id DESC LIMIT 1
"""
_IMPORT = """
SELECT i.id, i.dataset_id, j.created_by, j.error FROM imports i
LEFT JOIN jobs j ON j.organization_id = $1 AND j.id = i.job_id
WHERE i.organization_id = $1 AND (i.id = $2 OR i.job_id = $2)
"""
_INSIGHT = """
SELECT i.title, o.settings ->> 'coach_name' AS coach FROM insights i
JOIN organizations o ON o.organization_id = $1 WHERE i.organization_id = $1 AND i.id = $2
"""
COACH = "Sophie"
"""How the coach is called where an organisation gives it no other name (`coach_name` of its settings)."""


class PostgresAudience:
    """Be messaging's `Audience`."""

    def __init__(self, uow: PostgresUnitOfWork, cause: Cause) -> None:
        self._uow = uow
        self._cause = cause

    async def origin(self) -> Origin:
        """Tell which event is being followed."""
        if self._cause.event_id is None:
            return Origin(new_id(), None)
        actor_id = await self._uow.connection.fetchval(_ACTOR, self._uow.organization_id, self._cause.event_id)
        return Origin(self._cause.event_id, actor_id)

    async def voice(self) -> Voice:
        """Tell how the organisation speaks."""
        row = await self._uow.connection.fetchrow(_VOICE, self._uow.organization_id)
        return Voice(row["name"], row["locale"], row["time_zone"])

    async def lead(self, lead_id: UUID) -> KnownLead | None:
        """Give a lead."""
        row = await self._uow.connection.fetchrow(_LEAD, self._uow.organization_id, lead_id)
        return None if row is None else KnownLead(**dict(row))

    async def person(self, account_id: UUID) -> Recipient | None:
        """Give somebody who is active."""
        row = await self._uow.connection.fetchrow(_PERSON, self._uow.organization_id, account_id)
        return None if row is None else _recipient(row)

    async def seeing(self, account_id: UUID, dataset_id: UUID | None) -> Recipient | None:
        """Give somebody who is active and sees the dataset."""
        row = await self._uow.connection.fetchrow(_SEEING, self._uow.organization_id, account_id, dataset_id)
        return None if row is None else _recipient(row)

    async def concerned(self, told: Notification) -> Recipient | None:
        """Give whom it is for, as they stand now."""
        if told.lead_id is not None:
            row = await self._uow.connection.fetchrow(
                _WITH_LEAD, self._uow.organization_id, told.account_id, told.lead_id
            )
            return None if row is None else _recipient(row)
        # What a program says in `data` is its own.
        dataset = None if told.kind is Kind.MESSAGE else told.data.get("dataset_id")
        if dataset is None:
            return await self.person(told.account_id)
        return await self.seeing(told.account_id, UUID(dataset))

    async def writer(self, conversation_id: UUID, lead_id: UUID | None) -> Recipient | None:
        """Give who wrote last."""
        organization_id = self._uow.organization_id
        author = await self._uow.connection.fetchval(_WRITER, organization_id, conversation_id)
        if author is None:
            return None
        if lead_id is None:
            return await self.person(author)
        row = await self._uow.connection.fetchrow(_WITH_LEAD, organization_id, author, lead_id)
        return None if row is None else _recipient(row)

    async def leaders(self, dataset_id: UUID | None) -> list[Recipient]:
        """List those who lead."""
        roles = [Role.OWNER, Role.ADMIN, Role.MANAGER]
        rows = await self._uow.connection.fetch(_LEADERS, self._uow.organization_id, roles, dataset_id)
        return [_recipient(row) for row in rows]

    async def heads(self) -> list[Recipient]:
        """List owners and admins."""
        rows = await self._uow.connection.fetch(_HEADS, self._uow.organization_id, [Role.OWNER, Role.ADMIN])
        return [_recipient(row) for row in rows]


class PostgresHappenings:
    """Be messaging's `Happenings`."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def dataset(self, dataset_id: UUID) -> str | None:
        """Give a dataset's name."""
        name: str | None = await self._uow.connection.fetchval(
            "SELECT name FROM datasets WHERE organization_id = $1 AND id = $2", self._uow.organization_id, dataset_id
        )
        return name

    async def import_of(self, identifier: UUID) -> KnownImport | None:
        """Find an import by its own id or its job's."""
        row = await self._uow.connection.fetchrow(_IMPORT, self._uow.organization_id, identifier)
        return None if row is None else KnownImport(row["id"], row["dataset_id"], row["created_by"], row["error"])

    async def insight(self, identifier: UUID) -> KnownInsight | None:
        """Give what the coach found."""
        row = await self._uow.connection.fetchrow(_INSIGHT, self._uow.organization_id, identifier)
        return None if row is None else KnownInsight(row["title"], (row["coach"] or "").strip()[:40] or COACH)


def _recipient(row: Any) -> Recipient:
    return Recipient(row["id"], row["email"], None if row["phone"] is None else Phone(row["phone"]))
