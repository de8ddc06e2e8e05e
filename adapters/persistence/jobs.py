"""Jobs."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.finder import Finder, Listing
from adapters.persistence.schema.platform import jobs
from adapters.persistence.store import PostgresStore
from application.platform.jobs import JobFilter
from application.ports import Actor, Found, PageRequest
from domain.platform.job import Job

JOBS = Listing(
    source=jobs,
    organization=jobs.c.organization_id,
    identifier=jobs.c.id,
    shown={
        "id": jobs.c.id,
        "kind": jobs.c.kind,
        "status": jobs.c.status,
        "progress": sa.func.json_build_object(
            sa.literal_column("'done'"), jobs.c.done, sa.literal_column("'total'"), jobs.c.total
        ),
        # What whoever asked for an export saw is there to compare, not to show.
        "result": jobs.c.result.op("-")(sa.literal_column("'sight'")),
        "error": jobs.c.error,
        "created_at": jobs.c.created_at,
        "finished_at": jobs.c.finished_at,
    },
    sorts={"created": jobs.c.created_at},
    default_sort="created",
    filters={
        "status": lambda value: jobs.c.status == value,
        "kind": lambda value: jobs.c.kind == value,
        "created_by": lambda value: jobs.c.created_by == value,
    },
    types={"created_by": sa.Uuid()},
)

_OPEN = """
SELECT count(*) FROM jobs WHERE organization_id = $1 AND kind = $2 AND created_by = $3
AND status IN ('queued', 'running')
"""
_BEING_WRITTEN = """
SELECT id FROM jobs WHERE organization_id = $1 AND kind = $2 AND ($3::uuid IS NULL OR subject = $3)
AND status = 'running' ORDER BY id
"""
_WITHDRAW = """
UPDATE jobs SET result = (result - 'url') || jsonb_build_object('kept_until', $4::timestamptz)
WHERE organization_id = $1 AND kind = $2 AND ($3::uuid IS NULL OR subject = $3)
  AND status = 'done' AND result ? 'kept_until' RETURNING id
"""
_EXPIRED = """
SELECT id FROM jobs WHERE organization_id = $1 AND kind = $2
AND status = 'done' AND (result ->> 'kept_until')::timestamptz <= $3
"""
_FORGET = """
UPDATE jobs SET result = result - '{url,kept_until}'::text[] WHERE organization_id = $1 AND id = ANY ($2)
"""
_NEXT = """
SELECT min((result ->> 'kept_until')::timestamptz) FROM jobs
WHERE organization_id = $1 AND kind = $2 AND status = 'done'
"""


class PostgresJobs(PostgresStore[Job]):
    """Be the `JobStore` of the open unit of work."""

    entity = Job
    table = jobs
    noun = "job"

    def __init__(self, uow: PostgresUnitOfWork, actor: Actor, finder: Finder) -> None:
        super().__init__(uow)
        self._actor = actor
        self._finder = finder

    def _scope(self) -> dict[str, Any]:
        return {} if self._actor.dataset_ids is None else {"created_by": self._actor.id}

    async def open_of(self, kind: str, maker_id: UUID | None) -> int:
        """Count queued and running ones."""
        return int(await self.uow.connection.fetchval(_OPEN, self.uow.organization_id, kind, maker_id))

    async def find(self, narrowed: JobFilter, page: PageRequest) -> Found:
        """List them, newest first."""
        return await self._finder.find(JOBS, narrowed, page, self._scope())

    async def show(self, identifier: UUID) -> msgspec.Raw | None:
        """Show one."""
        return await self._finder.one(JOBS, identifier, self._scope())


class PostgresKeptFiles:
    """Be the `KeptFiles` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def being_written(self, kind: str, subject: UUID | None) -> Sequence[UUID]:
        """Name running jobs."""
        return await self._ids(_BEING_WRITTEN, kind, subject)

    async def withdraw(self, kind: str, subject: UUID | None, now: datetime) -> Sequence[UUID]:
        """Bring the time to which files are kept forward to now."""
        return await self._ids(_WITHDRAW, kind, subject, now)

    async def expired(self, kind: str, now: datetime) -> Sequence[UUID]:
        """Name the jobs whose files are due to go."""
        return await self._ids(_EXPIRED, kind, now)

    async def forget(self, jobs: Collection[UUID]) -> None:
        """Take what makes a file fetched off the jobs' results."""
        await self._uow.connection.execute(_FORGET, self._uow.organization_id, list(jobs))

    async def next_expiry(self, kind: str) -> datetime | None:
        """Tell when the next one is due."""
        found: datetime | None = await self._uow.connection.fetchval(_NEXT, self._uow.organization_id, kind)
        return found

    async def _ids(self, statement: str, *values: Any) -> Sequence[UUID]:
        rows = await self._uow.connection.fetch(statement, self._uow.organization_id, *values)
        return [row["id"] for row in rows]
