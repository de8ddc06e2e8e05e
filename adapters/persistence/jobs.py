"""Jobs."""

from collections.abc import Sequence
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
        "result": jobs.c.result,
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

_EXPIRED = """
UPDATE jobs SET result = result - '{url,kept_until}'::text[] WHERE organization_id = $1 AND kind = $2
AND status = 'done' AND finished_at <= $3 AND result ? 'kept_until' RETURNING id
"""
_FOLLOWING = """
SELECT min(finished_at) FROM jobs WHERE organization_id = $1 AND kind = $2 AND status = 'done' AND result ? 'kept_until'
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

    async def expired(self, kind: str, before: datetime) -> tuple[Sequence[UUID], datetime | None]:
        """Take what makes a file fetched off the jobs' results."""
        organization_id = self._uow.organization_id
        rows = await self._uow.connection.fetch(_EXPIRED, organization_id, kind, before)
        following: datetime | None = await self._uow.connection.fetchval(_FOLLOWING, organization_id, kind)
        return [row["id"] for row in rows], following
