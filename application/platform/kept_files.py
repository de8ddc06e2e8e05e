"""Files that jobs write and people fetch: there until a time, and gone with it or before it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import msgspec

from application.agenda import Agenda
from application.files import FileStore
from application.platform.job_work import JobWork
from application.platform.jobs import JobStore
from application.ports import Actor, Clock, UnitOfWork, within
from domain.platform.job import Job, JobStatus

_ERASED = "Somebody's data was erased while this was written. Ask again."


@dataclass(frozen=True, slots=True)
class FileKind:
    """Say which jobs write such a file, which schedule removes it, and how long it can be fetched."""

    job: str
    schedule: str
    kept: timedelta


class KeptFiles(Protocol):
    """Know which jobs wrote files that can be fetched: their result says `kept_until`."""

    async def being_written(self, kind: str, subject: UUID | None) -> Sequence[UUID]:
        """Name the jobs that somebody works on, of all subjects or one."""
        ...

    async def withdraw(self, kind: str, subject: UUID | None, now: datetime) -> Sequence[UUID]:
        """Keep files no longer than until now, of all subjects or one; names their jobs."""
        ...

    async def expired(self, kind: str, now: datetime) -> Sequence[UUID]:
        """Name the jobs whose files were kept until now or before."""
        ...

    async def forget(self, jobs: Collection[UUID]) -> None:
        """Note that files are gone."""
        ...

    async def next_expiry(self, kind: str) -> datetime | None:
        """Tell until when the next file is kept."""
        ...


def file_key(organization_id: UUID, job_id: UUID) -> str:
    """Name the file that a job writes."""
    return f"{organization_id}/{job_id}"


def kept_until(job: Job) -> datetime | None:
    """Tell until when a job's file can be fetched; None where it has none."""
    said = (job.result or {}).get("kept_until") if job.status is JobStatus.DONE else None
    return None if said is None else msgspec.convert(said, datetime)


@dataclass(frozen=True)
class FileKeeping:
    """Begin and end such jobs, and know the files that nobody is to have.

    A kind's schedule is locked first, so that whoever erases finds each file either being written or kept.
    """

    actor: Actor
    clock: Clock
    jobs: JobStore
    work: JobWork
    kept: KeptFiles
    agenda: Agenda

    @within
    async def begin(self, kind: FileKind, job_id: UUID) -> bool:
        """Note that somebody writes; tells whether to go on. What is read from now on holds nobody erased before."""
        await self.agenda.lock(kind.schedule)
        return await self.work.wanted(job_id)

    @within
    async def finish(self, kind: FileKind, job_id: UUID, done: int, result: dict[str, Any]) -> bool:
        """End well, unless the job was ended meanwhile or is to be; tells which."""
        await self.agenda.lock(kind.schedule)
        if not await self.work.wanted(job_id):
            return False
        until = self.clock.now() + kind.kept
        await self.work.finish(job_id, done, {**result, "kept_until": msgspec.to_builtins(until)})
        await self.agenda.no_later_than(kind.schedule, until)
        return True

    @within
    async def end(self, kind: FileKind, subject: UUID | None) -> list[str]:
        """End what is being written and keep nothing any longer, of all subjects or one; gives the keys of files."""
        await self.agenda.lock(kind.schedule)
        now = self.clock.now()
        for job_id in await self.kept.being_written(kind.job, subject):
            await self.work.fail(job_id, _ERASED)
        withdrawn = await self.kept.withdraw(kind.job, subject, now)
        # Whoever removes them now may die first.
        await self.agenda.no_later_than(kind.schedule, now)
        return [file_key(self.actor.organization_id, job_id) for job_id in withdrawn]

    @within
    async def unwanted(self, job_id: UUID) -> list[str]:
        """Give the key of what was written for a job that ended otherwise than well, or whose time is over."""
        until = kept_until(await self.jobs.get(job_id))
        is_kept = until is not None and self.clock.now() < until
        return [] if is_kept else [file_key(self.actor.organization_id, job_id)]

    @within
    async def expired(self, kind: FileKind) -> Mapping[UUID, str]:
        """Give the keys of files that were kept long enough, by their jobs."""
        gone = await self.kept.expired(kind.job, self.clock.now())
        return {job_id: file_key(self.actor.organization_id, job_id) for job_id in gone}

    @within
    async def forget(self, kind: FileKind, gone: Collection[UUID]) -> None:
        """Note that files are removed, never before they are, and come again for the next."""
        await self.agenda.lock(kind.schedule)
        await self.kept.forget(gone)
        following = await self.kept.next_expiry(kind.job)
        if following is not None:
            await self.agenda.no_later_than(kind.schedule, following)


async def drop(uow: UnitOfWork, keeping: FileKeeping, files: FileStore, job_id: UUID) -> None:
    """Remove what was written for a job that ended otherwise than well, or whose time is over."""
    async with uow:
        unwanted = await keeping.unwanted(job_id)
    for key in unwanted:
        await files.remove(key)


async def remove_expired(uow: UnitOfWork, keeping: FileKeeping, files: FileStore, kind: FileKind) -> None:
    """Remove files that were kept long enough, and come again for the next."""
    async with uow:
        gone = await keeping.expired(kind)
    for key in gone.values():
        await files.remove(key)
    async with uow:
        await keeping.forget(kind, gone.keys())
