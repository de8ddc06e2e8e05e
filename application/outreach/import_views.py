"""How imports, their rows and what an undo would do are shown."""

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from application.ports import Filter, View
from domain.outreach.import_undo import EXPLANATIONS, Touch

State = Literal["queued", "running", "done", "failed", "cancelled", "undoing", "undone"]
Outcome = Literal["created", "duplicate", "ineligible", "failed", "undone"]


class ImportItem(View, frozen=True):
    """Show an import: `successful` were created, of which `ineligible` take no texts; the last four are an undo's."""

    id: UUID
    dataset_id: UUID
    upload_id: UUID
    filename: str
    state: State
    total_rows: int
    rows_done: int
    successful: int
    ineligible: int
    duplicates: int
    failed: int
    job_id: UUID | None
    undo_job_id: UUID | None
    created_at: datetime
    finished_at: datetime | None
    removed_leads: int
    removed_contacts: int
    cancelled_texts: int
    kept_leads: int
    example: ClassVar[dict[str, Any]] = {
        "id": "01890a5d-ac96-774b-bcce-b302099a8060",
        "dataset_id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "upload_id": "01890a5d-ac96-774b-bcce-b302099a8058",
        "filename": "old-enquiries.csv",
        "state": "done",
        "total_rows": 600,
        "rows_done": 600,
        "successful": 525,
        "ineligible": 25,
        "duplicates": 40,
        "failed": 35,
        "removed_leads": 0,
        "removed_contacts": 0,
        "cancelled_texts": 0,
        "kept_leads": 0,
        "job_id": "01890a5d-ac96-774b-bcce-b302099a8059",
        "undo_job_id": None,
        "created_at": "2026-03-02T09:00:00Z",
        "finished_at": "2026-03-02T09:00:03Z",
    }


class ImportRowFilter(Filter, frozen=True):
    """Narrow an import's rows by what became of them; `ineligible` are created ones that take no texts."""

    outcome: Outcome | None = None


class ImportRowItem(View, frozen=True):
    """Show what became of a row; `row` is its line in the file, `cells` are kept of failed rows only.

    Of a row of more than 10,000 characters each cell shows its beginning; whole it is in the CSV of failed rows.
    """

    row: int
    outcome: Literal["created", "duplicate", "failed", "undone"]
    ineligible: bool
    lead_id: UUID | None
    reason: str | None
    cells: list[str] | None
    example: ClassVar[dict[str, Any]] = {
        "row": 17,
        "outcome": "duplicate",
        "ineligible": False,
        "lead_id": None,
        "reason": "The same number as in row 12.",
        "cells": None,
    }


class KeptRow(View, frozen=True):
    """Name a row whose lead stays, and why."""

    row: int
    lead_id: UUID
    reason: Touch
    example: ClassVar[dict[str, Any]] = {
        "row": 5,
        "lead_id": "01890a5d-ac96-774b-bcce-b302099a8070",
        "reason": "note",
    }


class KeptFor(View, frozen=True):
    """Count leads that stay for one reason."""

    reason: Touch
    explanation: str
    leads: int
    example: ClassVar[dict[str, Any]] = {"reason": "note", "explanation": EXPLANATIONS[Touch.NOTE], "leads": 2}


class UndoPreview(View, frozen=True):
    """Show what an undo would remove and what would stay; `examples` are the first 100 rows that stay."""

    import_id: UUID
    leads_to_remove: int
    contacts_to_remove: int
    texts_to_cancel: int
    leads_to_keep: int
    kept: list[KeptFor]
    examples: list[KeptRow]
    example: ClassVar[dict[str, Any]] = {
        "import_id": "01890a5d-ac96-774b-bcce-b302099a8060",
        "leads_to_remove": 523,
        "contacts_to_remove": 520,
        "texts_to_cancel": 12,
        "leads_to_keep": 2,
        "kept": [KeptFor.example],
        "examples": [KeptRow.example],
    }


class UndoStarted(View, frozen=True):
    """Name the job that does the work."""

    job_id: UUID
    import_id: UUID
    example: ClassVar[dict[str, Any]] = {
        "job_id": "01890a5d-ac96-774b-bcce-b302099a8061",
        "import_id": "01890a5d-ac96-774b-bcce-b302099a8060",
    }
