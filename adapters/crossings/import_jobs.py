"""Outreach keeps the job that people watch an import, its undo or a removal by."""

from typing import Any
from uuid import UUID

from application.platform.job_work import JobWork
from application.platform.jobs import JobStore
from application.ports import Clock, UnitOfWork


class JobsOfImports:
    """Be outreach's `ImportJobs`."""

    def __init__(self, uow: UnitOfWork, clock: Clock, jobs: JobStore, work: JobWork) -> None:
        self._uow = uow
        self._clock = clock
        self._jobs = jobs
        self._work = work

    async def open(self, job_id: UUID, subject: UUID, total: int, kind: str = "import") -> None:
        """Make a queued job."""
        await self._work.open(kind, subject, total, job_id)

    async def wanted(self, job_id: UUID) -> bool | None:
        """Lock the job and tell whether to go on."""
        job = await self._jobs.get_for_update(job_id)
        return None if job.has_ended else not job.cancel_requested

    async def advance(self, job_id: UUID, done: int) -> None:
        """Note how many rows are done."""
        job = await self._jobs.get_for_update(job_id)
        self._uow.publish(job.advance(done))
        await self._jobs.save(job)

    async def gain(self, job_id: UUID, more: int) -> None:
        """Note that so many more are done."""
        job = await self._jobs.get_for_update(job_id)
        self._uow.publish(job.advance(job.done + more))
        await self._jobs.save(job)

    async def finish(self, job_id: UUID, result: dict[str, Any]) -> None:
        """End well."""
        job = await self._jobs.get_for_update(job_id)
        self._uow.publish(job.finish(result, self._clock.now()))
        await self._jobs.save(job)

    async def stop(self, job_id: UUID, result: dict[str, Any]) -> None:
        """End because somebody cancelled it."""
        job = await self._jobs.get_for_update(job_id)
        self._uow.publish(job.stop(result, self._clock.now()))
        await self._jobs.save(job)

    async def fail(self, job_id: UUID, reason: str) -> None:
        """End because it cannot go on; a job that has ended stays as it is."""
        await self._work.fail(job_id, reason)
