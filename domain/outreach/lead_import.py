"""An import: one upload read into one dataset, row by row, each row with one outcome."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from domain.kernel import Conflict, Entity, Event
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


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoRequested(Event):
    """Say that what an import created is to be taken back; the subject is the import."""

    type: ClassVar[str] = "import.undo_requested"
    dataset_id: UUID
    job_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadsRemoved(Event):
    """Say what one batch of an undo came to; the rows' own outcomes stand in `import_rows`."""

    type: ClassVar[str] = "leads.removed"
    import_id: UUID
    leads: int
    contacts: int
    cancelled_texts: int
    kept: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportUndone(Event):
    """Say that every lead of an import is gone or has a reason to stay."""

    type: ClassVar[str] = "import.undone"
    dataset_id: UUID
    leads: int
    contacts: int
    kept: int


@dataclass(slots=True, kw_only=True)
class LeadImport(Entity):
    """Count what an import has come to; `records_done` is how far into the file it is, blank records aside.

    An undo goes through the rows from the last to the first: `undo_below` is the row it has come to, and what it has
    removed and kept so far stands beside it. So a contact that several rows share goes with the row that made it.
    """

    upload_id: UUID
    dataset_id: UUID
    mapping: Mapped
    records_done: int = 0
    created: int = 0
    ineligible: int = 0
    duplicates: int = 0
    failed: int = 0
    job_id: UUID | None = None
    undo_job_id: UUID | None = None
    undo_below: int | None = None
    removed_leads: int = 0
    removed_contacts: int = 0
    cancelled_texts: int = 0
    kept_leads: int = 0
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

    def undo(self, job_id: UUID, *, job_ended: bool, last_undo: str | None) -> UndoRequested:
        """Ask for everything to be taken back, once the import has ended; `last_undo` is that job's status, if any."""
        if not job_ended:
            raise Conflict("This import still runs; cancel its job first.")
        if last_undo in ("queued", "running"):
            raise Conflict("This import is being undone already.")
        if last_undo == "done":
            raise Conflict("This import was undone already.")
        self.undo_job_id, self.undo_below, self.kept_leads = job_id, None, 0
        return UndoRequested(subject=self.id, dataset_id=self.dataset_id, job_id=job_id)

    def take_back(self, below: int, *, leads: int, contacts: int, cancelled_texts: int, kept: int) -> LeadsRemoved:
        """Go on with the undo by one batch, the rows from `below` on."""
        self.undo_below = below
        self.removed_leads += leads
        self.removed_contacts += contacts
        self.cancelled_texts += cancelled_texts
        self.kept_leads += kept
        return LeadsRemoved(
            subject=self.dataset_id,
            import_id=self.id,
            leads=leads,
            contacts=contacts,
            cancelled_texts=cancelled_texts,
            kept=kept,
        )

    def undone(self) -> ImportUndone:
        """Tell of the end of the undo."""
        return ImportUndone(
            subject=self.id,
            dataset_id=self.dataset_id,
            leads=self.removed_leads,
            contacts=self.removed_contacts,
            kept=self.kept_leads,
        )
