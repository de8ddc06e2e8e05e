"""An upload: a file somebody sent, kept as it came, with what was found out about its shape."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from domain.kernel import Entity, Event, Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class TableShape:
    """Hold how a table is written and what it holds; `encoding` is a Python codec, `sample` a few values a column.

    `rows` counts the records below the header, without blank ones; `mixed` says that some are not in this encoding.
    """

    encoding: str
    delimiter: str
    line_end: str
    header: list[str]
    rows: int
    sample: list[list[str]]
    quote: str
    escape: str
    has_nul: bool
    mixed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FileUploaded(Event):
    """Say that a file was received and understood."""

    type: ClassVar[str] = "upload.received"
    filename: str
    rows: int
    size: int


@dataclass(slots=True, kw_only=True)
class Upload(Entity):
    """Be one file; `file_key` names it in the file store, `size` is in bytes."""

    dataset_id: UUID | None = None
    filename: str
    file_key: str
    size: int
    shape: TableShape
    created_by: UUID | None = None
    created_at: datetime

    def received(self) -> FileUploaded:
        """Tell of the arrival."""
        return FileUploaded(subject=self.id, filename=self.filename, rows=self.shape.rows, size=self.size)


def require_rows(shape: TableShape) -> None:
    """Refuse a table that has a header and nothing below it (`Invalid`)."""
    if shape.rows == 0:
        raise Invalid("The file has a header and no rows.", field="file")


def plain_filename(given: str | None) -> str:
    """Give a file's own name without folders or control characters, at most 200 characters long."""
    last = (given or "").replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(character for character in last if character.isprintable()).strip()
    return kept[-200:] or "upload.csv"
