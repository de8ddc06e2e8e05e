"""CSV tables in the file store."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from adapters.tables import csv_reader
from application.files import FileStore
from domain.outreach.upload import TableShape


class _OpenCsv:
    def __init__(self, path: Path, shape: csv_reader.TableShape) -> None:
        self._path = path
        self._shape = shape

    def records(self, skip: int) -> Iterator[csv_reader.Record]:
        return csv_reader.read(self._path, self._shape, skip)


class CsvTables:
    """Be the application's `Tables`."""

    def __init__(self, files: FileStore) -> None:
        self._files = files

    async def describe(self, file_key: str) -> TableShape:
        """Read the file through once, in a thread."""
        async with self._files.local(file_key) as path:
            return TableShape(**asdict(await asyncio.to_thread(csv_reader.describe, path)))

    @asynccontextmanager
    async def opened(self, file_key: str, shape: TableShape) -> AsyncIterator[_OpenCsv]:
        """Open a table whose shape is known."""
        async with self._files.local(file_key) as path:
            yield _OpenCsv(path, csv_reader.TableShape(**asdict(shape)))
