"""Read a table's next batch in a thread while the database works on the one before."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from application.outreach.row_reader import RowReader
from application.outreach.tables import OpenTable, TableRecord
from domain.outreach.import_rules import FailedRow, ReadRow

BATCH = 5_000
LARGEST_BATCH = 1_000_000
"""Characters that the notes and the failed rows of a batch may hold: it ends early where they would be more."""


@dataclass(slots=True)
class Batch:
    """Hold some records in a row, read; `records` 0 is the end of the table."""

    rows: list[ReadRow] = field(default_factory=list)
    failed: list[FailedRow] = field(default_factory=list)

    @property
    def records(self) -> int:
        """Count them."""
        return len(self.rows) + len(self.failed)


class ReadingAhead:
    """Give batches from any place on; going on from where the last one ended costs no waiting after `read_on`.

    When to read on is for the caller to say: before the database has its work, the thread would only slow the caller.
    """

    def __init__(self, table: OpenTable, reader: RowReader, size: int = BATCH) -> None:
        self._table = table
        self._reader = reader
        self._size = size
        self._records: Iterator[TableRecord] = iter(())
        self._place: int | None = None
        self._next: asyncio.Future[Batch] | None = None
        # Always the same thread: in each of a pool's, the allocator would keep what the largest batch took.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading-ahead")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._settle()
        self._thread.shutdown(wait=False)

    async def batch(self, place: int) -> Batch:
        """Give the batch that begins after so many records."""
        if place != self._place:
            await self._settle()
            self._records, self._place = self._table.records(place), place
        self.read_on()
        assert self._next is not None
        batch = await self._next
        self._next = None
        self._place = place + batch.records
        return batch

    def read_on(self) -> None:
        """Begin to read the next batch, unless that is under way."""
        if self._next is None:
            self._next = asyncio.get_running_loop().run_in_executor(self._thread, self._read)

    async def _settle(self) -> None:
        """Wait for the thread: an iterator that runs cannot be left alone."""
        if self._next is not None:
            await asyncio.wait({self._next})
            if not self._next.cancelled():
                self._next.exception()
            self._next = None

    def _read(self) -> Batch:
        batch = Batch()
        rows, failed, read, left = batch.rows, batch.failed, self._reader.read, self._size
        room = LARGEST_BATCH
        for record in self._records:
            outcome = read(record)
            if type(outcome) is ReadRow:
                rows.append(outcome)
                if outcome.notes is not None:
                    room -= len(outcome.notes)
            else:
                failed.append(outcome)  # type: ignore[arg-type]
                room -= sum(map(len, record.cells))
            left -= 1
            if not left or room < 0:
                break
        return batch
