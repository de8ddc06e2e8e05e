"""Long tables: written in flat memory, and continued where a sheet is full."""

import asyncio
import csv
import io
import os
import tracemalloc
import zipfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from adapters.tables import sheets
from adapters.tables.sheets import SpreadsheetFiles

pytestmark = pytest.mark.anyio
HEADER = ("id", "name", "note")


async def pages(rows: int, page: int = 1_000) -> AsyncIterator[Sequence[Sequence[object]]]:
    for first in range(0, rows, page):
        yield [(n, f"Ada N{n}", "A note of some length about windows " * 3) for n in range(first, first + page)]


async def peak(folder: Path, format_: str, rows: int) -> int:
    tracemalloc.start()
    try:
        size = 0
        async for chunk in SpreadsheetFiles(folder).written(format_, HEADER, pages(rows)):
            size += len(chunk)
        assert size > rows * 10
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
async def test_ten_times_the_rows_take_no_more_memory(tmp_path: Path, format_: str) -> None:
    await peak(tmp_path, format_, 1_000)
    assert await peak(tmp_path, format_, 20_000) < 1.5 * await peak(tmp_path, format_, 2_000)
    assert os.listdir(tmp_path) == [], "nothing is left behind"


async def test_a_full_sheet_is_continued_on_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "_MOST_ROWS", 1_001)
    chunks = [chunk async for chunk in SpreadsheetFiles(tmp_path).written("xlsx", HEADER, pages(2_500, 500))]
    book = zipfile.ZipFile(io.BytesIO(b"".join(chunks)))
    rows = [book.read(f"xl/worksheets/sheet{n}.xml").count(b"<row ") for n in (1, 2, 3)]
    assert rows == [1_001, 1_001, 501]


async def test_a_long_cell_is_cut_and_an_empty_one_left_out(tmp_path: Path) -> None:
    async def one() -> AsyncIterator[Sequence[Sequence[object]]]:
        yield [(None, "x" * 40_000, True)]

    chunks = [chunk async for chunk in SpreadsheetFiles(tmp_path).written("xlsx", HEADER, one())]
    sheet = zipfile.ZipFile(io.BytesIO(b"".join(chunks))).read("xl/worksheets/sheet1.xml")
    assert b"x" * 32_767 in sheet
    assert b"x" * 32_768 not in sheet


@pytest.mark.parametrize(
    ("said", "stands"),
    [
        ("x;=1+1", "x;'=1+1"),
        ("a\t@SUM(A1)", "a\t'@SUM(A1)"),
        ("one\n-two", "one\n'-two"),
        ("a|+1", "a|'+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("1; 2 = 3", "1; 2 = 3"),
    ],
)
async def test_no_piece_of_a_text_is_a_formula_where_it_is_split_otherwise(
    tmp_path: Path, said: str, stands: str
) -> None:
    async def one() -> AsyncIterator[Sequence[Sequence[object]]]:
        yield [[said]]

    content = b"".join([chunk async for chunk in SpreadsheetFiles(tmp_path).written("csv", ["said"], one())])
    assert list(csv.reader(io.StringIO(content.decode(), newline=""))) == [["said"], [stands]]


async def test_what_a_killed_process_left_goes_and_what_is_being_written_stays(tmp_path: Path) -> None:
    left = tmp_path / "table-left"
    left.mkdir()
    (left / "table.xlsx").write_text("Ada")
    seen: list[str] = []

    async def rows() -> AsyncIterator[Sequence[Sequence[object]]]:
        await asyncio.to_thread(SpreadsheetFiles(tmp_path).sweep)
        seen.extend(os.listdir(tmp_path))
        yield [["Ada"]]

    chunks = [chunk async for chunk in SpreadsheetFiles(tmp_path).written("xlsx", ["name"], rows())]
    assert chunks
    assert len(seen) == 1
    assert seen != ["table-left"]
    assert os.listdir(tmp_path) == []
