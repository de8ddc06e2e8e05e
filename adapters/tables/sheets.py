"""Tables written as CSV or XLSX while their rows come, in memory that does not grow with them."""

import asyncio
import contextlib
import csv
import fcntl
import io
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from application.files import inert

_CHUNK = 1 << 18
_PREFIX = "table-"
_MOST_ROWS = 1_048_576
"""How many rows a sheet has at most, its header among them; what is more goes on the next sheet."""
_LONGEST = 32_767
"""How many characters a cell of XLSX takes."""
# Where a program splits CSV elsewhere than at commas, what stands behind such a sign becomes a cell of its own.
_INNER = re.compile(r"([;\t\r\n|])(?=[=+\-@＝＋－＠])")
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "remove_timezone": True,
    "default_date_format": "yyyy-mm-dd hh:mm:ss",
}


class SpreadsheetFiles:
    """Be the application's `Sheets`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def sweep(self) -> None:
        """Remove what killed processes left: the folders that nobody holds."""
        self._folder.mkdir(0o700, True, True)
        for left in self._folder.glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError), _held(left):
                shutil.rmtree(left)

    def written(
        self, format_: str, header: Sequence[str], pages: AsyncIterator[Sequence[Sequence[Any]]]
    ) -> AsyncIterator[bytes]:
        """Give a file's bytes."""
        return self._xlsx(header, pages) if format_ == "xlsx" else _csv(header, pages)

    async def _xlsx(self, header: Sequence[str], pages: AsyncIterator[Sequence[Sequence[Any]]]) -> AsyncIterator[bytes]:
        await asyncio.to_thread(self.sweep)
        with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=self._folder) as folder, _held(folder):
            path = Path(folder) / "table.xlsx"
            book = await asyncio.to_thread(_Book, path, header)
            async for rows in pages:
                await asyncio.to_thread(book.write, rows)
            await asyncio.to_thread(book.close)
            with path.open("rb") as stream:
                while chunk := await asyncio.to_thread(stream.read, _CHUNK):
                    yield chunk


@contextmanager
def _held(folder: str | Path) -> Iterator[None]:
    """Lock a folder for as long as this process lives, or fail where another one does."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


class _Book:
    """Write one sheet after the other; a row that is written stays on the disk."""

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        from xlsxwriter import Workbook  # 16 MB, which no process that writes none needs

        self._book = Workbook(str(path), {**_OPTIONS, "tmpdir": str(path.parent)})
        self._header = header
        self._next = _MOST_ROWS
        self._sheet: Any = None
        self._turn_over()

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        for row in rows:
            if self._next == _MOST_ROWS:
                self._turn_over()
            self._put(row)

    def close(self) -> None:
        self._book.close()

    def _turn_over(self) -> None:
        self._sheet, self._next = self._book.add_worksheet(), 0
        self._put(self._header)

    def _put(self, row: Sequence[Any]) -> None:
        for column, value in enumerate(row):
            _write(self._sheet, self._next, column, value)
        self._next += 1


def _write(sheet: Any, row: int, column: int, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, column, value.astimezone(UTC))
    else:
        # A text is a text, whatever it begins with; yet whoever saves the sheet as CSV is to be as safe.
        sheet.write_string(row, column, inert(str(value))[:_LONGEST])


async def _csv(header: Sequence[str], pages: AsyncIterator[Sequence[Sequence[Any]]]) -> AsyncIterator[bytes]:
    yield _lines([header])
    async for rows in pages:
        yield _lines(rows)


def _lines(rows: Sequence[Sequence[Any]]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue().encode()


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date() | UUID():
            return str(value)
        case _:
            return _INNER.sub(r"\1'", inert(str(value)))
