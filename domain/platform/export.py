"""A table that somebody asked for as a file."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from domain.kernel import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class TableExportRequested(Event):
    """Say that a table is to be written to a file; the subject is the job, `maker_id` whose sight holds.

    `first` and `last` are the days of `time_range` as they were when it was asked for; None where all are meant.
    """

    type: ClassVar[str] = "table_export.requested"
    maker_id: UUID
    by_key: bool
    export_type: str
    format: str
    dataset_id: UUID | None
    time_range: str | None
    first: date | None = None
    last: date | None = None
