"""A job: background work that somebody can watch and cancel."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from domain.kernel import Conflict, Entity, Event


class JobStatus(StrEnum):
    """Name where a job stands (`api.md`, part 5)."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


_ENDED = frozenset({JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAdvanced(Event):
    """Say how far a job is now; `total` None is not known yet."""

    type: ClassVar[str] = "job.advanced"
    kind: str
    done: int
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnded(Event):
    """Say that a job is over, and how."""

    type: ClassVar[str] = "job.ended"
    kind: str
    status: JobStatus


@dataclass(slots=True, kw_only=True)
class Job(Entity):
    """Tell how far some work is; `subject` is what it works on, `error` a sentence for a person."""

    kind: str
    status: JobStatus = JobStatus.QUEUED
    subject: UUID | None = None
    done: int = 0
    total: int | None = None
    result: dict[str, Any] | None = None
    error: str | None = None
    cancel_requested: bool = False
    created_by: UUID | None = None
    created_at: datetime
    finished_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        """Tell whether nothing more will happen."""
        return self.status in _ENDED

    def advance(self, done: int) -> JobAdvanced:
        """Note how much is done; the first time, that somebody works on it."""
        self._refuse_when_ended()
        self.status, self.done = JobStatus.RUNNING, done
        return JobAdvanced(subject=self.id, kind=self.kind, done=done, total=self.total)

    def finish(self, result: dict[str, Any], at: datetime) -> JobEnded:
        """End well."""
        return self._end(JobStatus.DONE, at, result=result)

    def fail(self, error: str, at: datetime) -> JobEnded:
        """End because it cannot go on, with the reason."""
        return self._end(JobStatus.FAILED, at, error=error)

    def stop(self, result: dict[str, Any] | None, at: datetime) -> JobEnded:
        """End because somebody asked for it; `result` tells what was done until then."""
        return self._end(JobStatus.CANCELLED, at, result=result)

    def cancel(self, at: datetime) -> JobEnded | None:
        """Ask for the end: at once while nobody works on it, else after the step under way (`Conflict` once ended)."""
        self._refuse_when_ended()
        self.cancel_requested = True
        return self.stop(None, at) if self.status is JobStatus.QUEUED else None

    def _end(
        self, status: JobStatus, at: datetime, *, result: dict[str, Any] | None = None, error: str | None = None
    ) -> JobEnded:
        self._refuse_when_ended()
        self.status, self.finished_at, self.result, self.error = status, at, result, error
        return JobEnded(subject=self.id, kind=self.kind, status=status)

    def _refuse_when_ended(self) -> None:
        if self.has_ended:
            raise Conflict(f"This job is {self.status.value} already.")
