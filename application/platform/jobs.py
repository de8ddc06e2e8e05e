"""Jobs: background work that can be watched, awaited and cancelled."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol
from uuid import UUID

import msgspec

from application.ports import Actor, Clock, Filter, Found, PageRequest, Store, UnitOfWork, View
from domain.identity.role import Permission
from domain.kernel import NotFound
from domain.platform.job import Job, JobStatus

_LOOK_SECONDS = 0.1


class JobFilter(Filter, frozen=True):
    """Narrow a list of jobs."""

    status: Literal["queued", "running", "done", "failed", "cancelled"] | None = None
    kind: str | None = None


class Progress(View, frozen=True):
    """Show how far a job is; `total` None is not known yet."""

    done: int
    total: int | None


class JobView(View, frozen=True):
    """Show a job."""

    id: UUID
    kind: str
    status: JobStatus
    progress: Progress
    result: dict[str, Any] | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None
    example: ClassVar[dict[str, Any]] = {
        "id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "kind": "import",
        "status": "running",
        "progress": {"done": 200, "total": 600},
        "result": None,
        "error": None,
        "created_at": "2026-03-02T09:00:00Z",
        "finished_at": None,
    }


class JobStore(Store[Job], Protocol):
    """Keep jobs; an actor limited to certain datasets sees their own only."""

    async def get_for_update(self, identifier: UUID) -> Job:
        """Load one and lock it."""
        ...

    async def open_of(self, kind: str, maker_id: UUID | None) -> int:
        """Tell how many of somebody's jobs of a kind have not ended."""
        ...

    async def find(self, narrowed: JobFilter, page: PageRequest) -> Found:
        """List them, newest first."""
        ...

    async def show(self, identifier: UUID) -> msgspec.Raw | None:
        """Show one."""
        ...


class _Standing(msgspec.Struct):
    status: JobStatus
    finished_at: datetime | None


@dataclass(frozen=True)
class Jobs:
    """Watch background work."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    jobs: JobStore

    async def find(self, narrowed: JobFilter, page: PageRequest) -> Found:
        """List jobs."""
        self.actor.require(Permission.JOBS_READ)
        async with self.uow.reading():
            return await self.jobs.find(narrowed, page)

    async def show(self, identifier: UUID, wait_seconds: float = 0) -> msgspec.Raw:
        """Show a job, waiting for its end for at most so many seconds."""
        self.actor.require(Permission.JOBS_READ)
        until = asyncio.get_running_loop().time() + wait_seconds
        while True:
            async with self.uow.reading():
                shown = await self._shown(identifier)
            ended = wait_seconds <= 0 or msgspec.json.decode(shown, type=_Standing).finished_at is not None
            if ended or asyncio.get_running_loop().time() >= until:
                return shown
            await asyncio.sleep(_LOOK_SECONDS)

    async def cancel(self, identifier: UUID) -> msgspec.Raw:
        """Ask a job to end: at once while it is queued, else after the step under way."""
        self.actor.require(Permission.JOBS_CANCEL)
        async with self.uow:
            await self._shown(identifier)
            job = await self.jobs.get_for_update(identifier)
            event = job.cancel(self.clock.now())
            await self.jobs.save(job)
            if event is not None:
                self.uow.publish(event)
            return await self._shown(identifier)

    async def _shown(self, identifier: UUID) -> msgspec.Raw:
        shown = await self.jobs.show(identifier)
        if shown is None:
            raise NotFound("There is no such job.")
        return shown
