"""What a job's work says of itself, from its beginning to its end, in the unit of work of whoever does it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from application.platform.jobs import JobStore
from application.ports import Actor, Clock, UnitOfWork, within
from domain.kernel import new_id
from domain.platform.job import Job


@dataclass(frozen=True)
class JobWork:
    """Keep a job's state; what has ended stays as it ended."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    jobs: JobStore

    @within
    async def open(self, kind: str, subject: UUID | None, total: int | None, job_id: UUID | None = None) -> UUID:
        """Make a queued job, of an id that was named before if there is one; gives its id."""
        job = Job(
            id=job_id or new_id(),
            organization_id=self.actor.organization_id,
            kind=kind,
            subject=subject,
            total=total,
            created_by=self.actor.id,
            created_at=self.clock.now(),
        )
        await self.jobs.add(job)
        return job.id

    @within
    async def wanted(self, job_id: UUID) -> bool:
        """Note that somebody works on it, or that it was cancelled; tells whether to go on."""
        job = await self.jobs.get_for_update(job_id)
        return await self._go_on(job, job.done)

    @within
    async def advance(self, job_id: UUID, done: int, total: int) -> bool:
        """Note how much is done; tells whether to go on."""
        job = await self.jobs.get_for_update(job_id)
        job.total = total
        return await self._go_on(job, done)

    @within
    async def finish(self, job_id: UUID, done: int, result: dict[str, Any]) -> None:
        """End well."""
        job = await self.jobs.get_for_update(job_id)
        if not job.has_ended:
            job.total = done
            self.uow.publish(job.advance(done), job.finish(result, self.clock.now()))
            await self.jobs.save(job)

    @within
    async def fail(self, job_id: UUID, reason: str) -> None:
        """End because it cannot go on, with a sentence for a person."""
        job = await self.jobs.get_for_update(job_id)
        if not job.has_ended:
            self.uow.publish(job.fail(reason, self.clock.now()))
            await self.jobs.save(job)

    async def _go_on(self, job: Job, done: int) -> bool:
        if job.has_ended:
            return False
        self.uow.publish(job.stop(None, self.clock.now()) if job.cancel_requested else job.advance(done))
        await self.jobs.save(job)
        return not job.has_ended
