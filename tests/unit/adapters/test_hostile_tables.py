"""Files made to harm, or harmed: a sentence that names what is wrong, or rows that fail, in flat memory."""

import tracemalloc
from pathlib import Path

import pytest

from adapters.tables import csv_reader
from adapters.tables.csv_reader import describe, read
from application.outreach import reading_ahead
from application.outreach.reading_ahead import ReadingAhead
from domain.kernel import Invalid
from domain.outreach.import_rules import FailedRow
from tests.unit.adapters.test_csv_reader import rows, table


def test_a_file_in_two_encodings_keeps_the_one_and_fails_the_rows_in_the_other(tmp_path: Path) -> None:
    content = "Name\nZoë\nŁódź\n".encode() + b"Jos\xe9\n" + "Müller\n".encode()
    shape, found = rows(table(tmp_path, content))

    assert (shape.encoding, shape.mixed, shape.sample) == ("utf-8", True, [["Zoë", "Łódź", "Jos\ufffd"]])
    assert [(record.cells[0], record.error) for record in found] == [
        ("Zoë", None),
        ("Łódź", None),
        ("Jos\ufffd", "The row is not UTF-8, as the rest of the file is."),
        ("Müller", None),
    ]


def test_a_mark_of_utf8_is_believed_though_rows_break_it(tmp_path: Path) -> None:
    shape, found = rows(table(tmp_path, b"\xef\xbb\xbfName\nZo\xeb\nAnn\n"))

    assert (shape.encoding, shape.mixed, shape.header) == ("utf-8-sig", True, ["Name"])
    assert [record.error is None for record in found] == [False, True]


def test_lone_surrogates_fail_their_row_or_the_file(tmp_path: Path) -> None:
    shape, found = rows(table(tmp_path, "Name\nZoë\n".encode() + b"A\xed\xa0\x80\nBob\n\xc5\x81\xc5\x81\n"))
    assert (shape.encoding, shape.mixed) == ("utf-8", True)
    assert [record.error is not None for record in found] == [False, True, False, False]
    assert not any("\ud800" <= character <= "\udfff" for record in found for character in record.cells[0])
    wide = "Name\nAnn\n".encode("utf-16") + b"\x00\xd8\n\x00"
    with pytest.raises(Invalid, match="begins as UTF-16"):
        describe(table(tmp_path, wide))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_marks_and_line_ends(tmp_path: Path, encoding: str, end: str) -> None:
    _, found = rows(table(tmp_path, end.join(("Name,Town", "Zoë,Łódź", "José,Málaga", "")), encoding))
    assert [(record.line, *record.cells) for record in found] == [(2, "Zoë", "Łódź"), (3, "José", "Málaga")]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\xff\xfe\x00\x00", b"\xef\xbb\xbf"])
def test_a_mark_and_nothing_else(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Invalid, match="no header"):
        describe(table(tmp_path, content))


def test_a_quotation_mark_that_is_never_closed_is_named_with_what_it_swallowed(tmp_path: Path) -> None:
    content = 'A,B\n1,2\n3,"four\n' + "5,6\n" * 30
    _, found = rows(table(tmp_path, content))
    assert [record.line for record in found] == [2, 3]
    assert found[0].error is None
    assert (
        found[1].error == "A quotation mark in the row is not closed: everything down to line 33 was read as one cell."
    )


def test_quotation_marks_that_are_closed_or_only_inches_spoil_nothing(tmp_path: Path) -> None:
    content = 'A,B\n1,"two\nlines"\n5" pipe,3\n7,"""so"" he said,\nand went"\n'
    _, found = rows(table(tmp_path, content))
    assert [record.error for record in found] == [None, None, None]


def test_a_row_of_many_cells_fails_and_is_not_kept_whole(tmp_path: Path) -> None:
    _, found = rows(table(tmp_path, "A,B\n" + "," * 89_999 + "x\n1,2\n"))
    assert found[0].error == "The row has 90,000 cells, the header 2."
    assert len(found[0].cells) == 102
    assert found[1].error is None


def test_a_row_of_a_million_cells_is_refused_before_they_are_cells(tmp_path: Path) -> None:
    path = table(tmp_path, "A,B\n1,2\n" + "," * 1_000_000 + "x\n")
    tracemalloc.start()
    with pytest.raises(Invalid, match="Line 3: a row of more than 100,000 cells"):
        describe(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 << 20


def test_a_row_without_end_is_refused_though_its_cells_are_short(tmp_path: Path) -> None:
    line = '"' + "x" * 500_000 + '\n",'
    with pytest.raises(Invalid, match="a row than 2 MB"):
        describe(table(tmp_path, "A,B\n" + line * 20 + "1\n"))


def test_too_many_rows_are_refused_by_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_reader, "_MOST_RECORDS", 1_000)
    with pytest.raises(Invalid, match="more than 1,000 rows"):
        describe(table(tmp_path, "A,B\n" + "\n" * 1_001))


def test_long_cells_are_not_held_as_samples(tmp_path: Path) -> None:
    path = table(tmp_path, "A,B\n" + ("x" * 900_000 + ",1\n") * 20)
    tracemalloc.start()
    shape = describe(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert max(len(value) for value in shape.sample[0]) == 1_000
    assert peak < 20 << 20


class _Spoilt:
    """Read every row as one that fails."""

    def read(self, record: csv_reader.Record) -> FailedRow:
        """Fail it."""
        return FailedRow(record.line, "No.", record.cells)


class _Table:
    def __init__(self, path: Path) -> None:
        self._path = path

    def records(self, skip: int) -> object:
        """Read on."""
        return read(self._path, describe(self._path), skip)


@pytest.mark.anyio
async def test_a_batch_ends_early_where_its_rows_are_long(tmp_path: Path) -> None:
    path = table(tmp_path, "A,B\n" + ("x" * 1_000_000 + ",1\n") * 30)
    sizes = []
    place = 0
    async with ReadingAhead(_Table(path), _Spoilt()) as ahead:  # type: ignore[arg-type]
        while (batch := await ahead.batch(place)).records:
            sizes.append(batch.records)
            place += batch.records
    assert sum(sizes) == 30
    assert max(sizes) <= reading_ahead.LARGEST_BATCH // 1_000_000 + 1
