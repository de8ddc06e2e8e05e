"""Files as people save them are described rightly and read to the line, in flat memory."""

import csv
import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tables.csv_reader import Record, TableShape, describe, read
from domain.kernel import Invalid

_PEOPLE = "Name,Town\nZoë,Łódź\nJosé,Málaga\n"


def table(tmp_path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path = tmp_path / "list.csv"
    path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
    return path


def rows(path: Path) -> tuple[TableShape, list[Record]]:
    shape = describe(path)
    found = list(read(path, shape))
    assert shape.rows == len(found)
    return shape, found


@pytest.mark.parametrize(
    ("written", "named"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16-le"),
     ("utf-16-be", "utf-16-be")],
)  # fmt: skip
def test_unicode_encodings(tmp_path: Path, written: str, named: str) -> None:
    shape, found = rows(table(tmp_path, _PEOPLE, written))
    assert (shape.encoding, shape.header) == (named, ["Name", "Town"])
    assert [record.cells for record in found] == [["Zoë", "Łódź"], ["José", "Málaga"]]


def test_single_byte_encodings(tmp_path: Path) -> None:
    shape, found = rows(table(tmp_path, "Name,Price\nZoë,10 €\n", "cp1252"))
    assert (shape.encoding, found[0].cells) == ("cp1252", ["Zoë", "10 €"])
    shape, found = rows(table(tmp_path, b"Name\nZo\xeb\x81\n"))
    assert (shape.encoding, found[0].cells) == ("latin-1", ["Zo\xeb\x81"])


def test_one_late_byte_decides_the_encoding(tmp_path: Path) -> None:
    path = table(tmp_path, b"Name\n" + b"Anna\n" * 300_000 + b"Zo\xeb\n")
    shape = describe(path)
    assert (shape.encoding, shape.rows) == ("cp1252", 300_001)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(tmp_path: Path, delimiter: str) -> None:
    lines = [["Name", "Note", "Price"], ["Ann", "a, b; c | d", "1,5"], ["Bob", 'say "hi"', "2,5"]]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(lines)
    shape, found = rows(table(tmp_path, out.getvalue()))
    assert shape.delimiter == delimiter
    assert [record.cells for record in found] == lines[1:]


def test_excel_announces_its_delimiter(tmp_path: Path) -> None:
    shape, found = rows(table(tmp_path, "sep=;\r\nName;Town\r\nAnn;Ely\r\n", "utf-8-sig"))
    assert (shape.header, found) == (["Name", "Town"], [Record(3, ["Ann", "Ely"], None)])


@pytest.mark.parametrize(("end", "named"), [("\n", "LF"), ("\r\n", "CRLF"), ("\r", "CR")])
def test_line_ends_and_lines(tmp_path: Path, end: str, named: str) -> None:
    text = end.join(["Name,Note", "Ann,x", "", 'Bob,"two', 'lines"', " , ", "Cid,z", ""])
    shape, found = rows(table(tmp_path, text))
    assert shape.line_end == named
    assert found == [
        Record(2, ["Ann", "x"], None),
        Record(4, ["Bob", f"two{end}lines"], None),
        Record(7, ["Cid", "z"], None),
    ]


def test_mixed_line_ends(tmp_path: Path) -> None:
    shape, found = rows(table(tmp_path, "Name\r\nAnn\nBob\rCid"))
    assert shape.line_end == "mixed"
    assert [(record.line, record.cells[0]) for record in found] == [(2, "Ann"), (3, "Bob"), (4, "Cid")]


def test_other_quotes_and_escapes(tmp_path: Path) -> None:
    shape, found = rows(table(tmp_path, "'Name','Note'\n'Ann','a,b'\n'Bob','c'\n"))
    assert (shape.quote, found[0].cells) == ("'", ["Ann", "a,b"])
    shape, found = rows(table(tmp_path, '"Name","Note"\n"Ann","say \\"hi\\" now, Bob"\n'))
    assert (shape.escape, found[0].cells) == ("\\", ["Ann", 'say "hi" now, Bob'])


def test_ragged_rows(tmp_path: Path) -> None:
    _, found = rows(table(tmp_path, "A,B,C\n1,2\n1,2,3,,\n1,2,3,4\n1,2,3\n"))
    assert found == [
        Record(2, ["1", "2", ""], None),
        Record(3, ["1", "2", "3"], None),
        Record(4, ["1", "2", "3", "4"], "The row has 4 cells, the header 3."),
        Record(5, ["1", "2", "3"], None),
    ]


def test_header_names_are_made_unique(tmp_path: Path) -> None:
    shape = describe(table(tmp_path, "Phone,Phone, ,Phone (2), Town \n1,2,3,4,5\n"))
    assert shape.header == ["Phone", "Phone (2)", "Column 3", "Phone (2) (2)", "Town"]


def test_samples_are_the_first_values(tmp_path: Path) -> None:
    shape = describe(table(tmp_path, "A,B\n1,\n2,x\n, \n3,y\n4,\n"))
    assert shape.sample == [["1", "2", "3"], ["x", "y"]]


def test_skipping_resumes_where_it_stopped(tmp_path: Path) -> None:
    path = table(tmp_path, 'A,B\n1,"x\ny"\n\n2,b\n3,c\n')
    shape = describe(path)
    everything = list(read(path, shape))
    assert [list(read(path, shape, skip_records=count)) for count in range(4)] == [
        everything[count:] for count in range(4)
    ]


def test_a_nul_spoils_its_row_only(tmp_path: Path) -> None:
    _, found = rows(table(tmp_path, "A,B\n" + "1,2\n" * 50 + "1,\0\n3,4\n"))
    assert [record.line for record in found if record.error] == [52]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\n\n", "no header"),
        (b"PK\x03\x04rest", "Excel"),
        (b"%PDF-1.7", "PDF"),
        (bytes(range(256)) * 40, "not a text file"),
        (b"\xff\xfeN\x00a\x00m\x00e\x00\n\x00\x00\xd8", "damaged"),
        (",".join(f"c{n}" for n in range(1_001)).encode() + b"\n", "1,001 columns"),
        (b'A,B\n1,"never closed\n' + b"1,2\n" * 300_000, "quotation mark is not closed"),
        (b"A\n" + b"x" * (10 << 20), "8 MB"),
    ],
)
def test_refusals(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        describe(table(tmp_path, content))


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peaks = []
    for count in (20_000, 200_000):
        path = table(tmp_path, "Name,Town\n" + "Annabel Lee,Kingdom by the sea\n" * count)
        tracemalloc.start()
        assert sum(1 for _ in read(path, describe(path))) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + (4 << 20)


_CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.lists(_CELL, min_size=3, max_size=3), max_size=8))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]]) -> None:
    path = tmp_path_factory.getbasetemp() / "written.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["A", "B", "C"], *cells])
    shape = TableShape("utf-8", ",", "CRLF", ["A", "B", "C"], len(cells), [])
    kept = [row for row in cells if any(cell.strip() for cell in row)]
    assert [record.cells for record in read(path, shape)] == kept
