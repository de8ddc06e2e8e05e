"""An import: one upload read into one dataset, row by row, each row with one outcome."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from domain.kernel import Entity, Event
from domain.outreach.column_mapping import Mapped


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequested(Event):
    """Say that an upload is to be imported; the subject is the import."""

    type: ClassVar[str] = "import.requested"
    dataset_id: UUID
    job_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadsImported(Event):
    """Say what one batch of rows came to; the rows' own outcomes stand in `import_rows`."""

    type: ClassVar[str] = "leads.imported"
    import_id: UUID
    created: int
    duplicates: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportEnded(Event):
    """Say that every row of an import has its outcome."""

    type: ClassVar[str] = "import.ended"
    dataset_id: UUID
    created: int
    ineligible: int
    duplicates: int
    failed: int


@dataclass(slots=True, kw_only=True)
class LeadImport(Entity):
    """Count what an import has come to; `records_done` is how far into the file it is, blank records aside."""

    upload_id: UUID
    dataset_id: UUID
    mapping: Mapped
    records_done: int = 0
    created: int = 0
    ineligible: int = 0
    duplicates: int = 0
    failed: int = 0
    created_at: datetime

    def requested(self, job_id: UUID) -> ImportRequested:
        """Ask for the work."""
        return ImportRequested(subject=self.id, dataset_id=self.dataset_id, job_id=job_id)

    def advance(self, records: int, *, created: int, ineligible: int, duplicates: int, failed: int) -> LeadsImported:
        """Go on by one batch, every record of which has ended in exactly one outcome."""
        if created + duplicates + failed != records:
            raise ValueError(f"{records} records came to {created + duplicates + failed} outcomes")
        self.records_done += records
        self.created += created
        self.ineligible += ineligible
        self.duplicates += duplicates
        self.failed += failed
        return LeadsImported(
            subject=self.dataset_id, import_id=self.id, created=created, duplicates=duplicates, failed=failed
        )

    def ended(self) -> ImportEnded:
        """Tell of the end."""
        return ImportEnded(
            subject=self.id,
            dataset_id=self.dataset_id,
            created=self.created,
            ineligible=self.ineligible,
            duplicates=self.duplicates,
            failed=self.failed,
        )
