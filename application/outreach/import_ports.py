"""What an import needs: its store, its job, and the enrolment of new leads into a running campaign."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from application.ports import Store
from domain.outreach.column_mapping import Mapped
from domain.outreach.import_rules import FailedRow, KnownPeople, PlannedLead, ReadRow
from domain.outreach.lead_import import LeadImport
from domain.outreach.upload import TableShape


class Collided(Exception):
    """Say that somebody stored one of the same people or numbers meanwhile: look again and go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """Hold what does not change while an import runs; `stage` is the one that leads begin in."""

    import_id: UUID
    dataset_id: UUID
    file_key: str
    filename: str
    shape: TableShape
    mapping: Mapped
    records_done: int
    country: str
    stage: str
    source: str | None
    created_by: UUID | None


class FailedCells(NamedTuple):
    """Hold a failed row as it is kept."""

    row: int
    reason: str
    cells: list[str]


class ImportStore(Store[LeadImport], Protocol):
    """Keep imports and their rows' outcomes."""

    async def plan(self, import_id: UUID) -> ImportPlan | None:
        """Give what an import is about; None when its dataset or upload is gone or not to be seen."""
        ...

    async def claim(self, plan: ImportPlan) -> LeadImport | None:
        """Load and lock an import, and keep others from adding to the organisation's people by import meanwhile."""
        ...

    async def known(self, plan: ImportPlan, rows: Sequence[ReadRow]) -> KnownPeople:
        """Tell what is stored of the people in these rows."""
        ...

    async def stage(self, plan: ImportPlan, leads: Sequence[PlannedLead]) -> None:
        """Hand the leads over to where `write` stores them from."""
        ...

    async def write(
        self,
        plan: ImportPlan,
        leads: Sequence[PlannedLead],
        duplicates: Sequence[tuple[int, str]],
        failed: Sequence[FailedRow],
        at: datetime,
    ) -> None:
        """Store contacts, leads and the outcome of every row; raises `Collided` when one is there already."""
        ...

    async def reasons(self, import_id: UUID, limit: int) -> list[tuple[int, str]]:
        """Give the first failed rows' lines, and why each failed."""
        ...

    async def failed(self, import_id: UUID, after_row: int) -> list[FailedCells]:
        """Give the next failed rows past a line, in the order of the file: as many as fit a page, which may be one."""
        ...


class ImportJobs(Protocol):
    """Keep the job that people watch an import, its undo or a removal by; answered in the caller's unit of work."""

    async def open(self, job_id: UUID, subject: UUID, total: int, kind: str = "import") -> None:
        """Make a queued job."""
        ...

    async def wanted(self, job_id: UUID) -> bool | None:
        """Lock the job and tell whether to go on (True), to stop (False), or that it has ended (None)."""
        ...

    async def advance(self, job_id: UUID, done: int) -> None:
        """Note how many rows are done."""
        ...

    async def gain(self, job_id: UUID, more: int) -> None:
        """Note that so many more are done."""
        ...

    async def finish(self, job_id: UUID, result: dict[str, Any]) -> None:
        """End well."""
        ...

    async def stop(self, job_id: UUID, result: dict[str, Any]) -> None:
        """End because somebody cancelled it."""
        ...

    async def fail(self, job_id: UUID, reason: str) -> None:
        """End because it cannot go on; a job that has ended stays as it is."""
        ...


class Enrols(Protocol):
    """Let new leads into a campaign that is under way."""

    async def after_import(self, dataset_id: UUID, leads: Sequence[UUID], at: datetime) -> int:
        """Enrol READY leads in the dataset's campaign, if one is active or paused; tells how many."""
        ...
