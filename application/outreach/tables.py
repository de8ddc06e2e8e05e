"""The port that reads uploaded tables."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from domain.outreach.upload import TableShape


class TableRecord(Protocol):
    """Be one record: the physical line on which it begins (header = 1), its cells, and what is wrong with it.

    `cells` are as many as the header's unless `error` says otherwise.
    """

    @property
    def line(self) -> int:
        """Tell the line."""
        ...

    @property
    def cells(self) -> list[str]:
        """Give the cells."""
        ...

    @property
    def error(self) -> str | None:
        """Tell what is wrong, in a sentence."""
        ...


class OpenTable(Protocol):
    """Be a table that can be read; reading blocks, so it is done in a thread."""

    def records(self, skip: int) -> Iterator[TableRecord]:
        """Read the records below the header, without the first `skip` of them; blank ones do not count."""
        ...


class Tables(Protocol):
    """Understand and read tables in the file store."""

    async def describe(self, file_key: str) -> TableShape:
        """Tell how a table is written and what it holds; `Invalid` says in a sentence why it is none."""
        ...

    def opened(self, file_key: str, shape: TableShape) -> AbstractAsyncContextManager[OpenTable]:
        """Open a table for reading, or refuse with `NotFound`."""
        ...
