"""Tables that people upload as text, described once and read as a stream of records."""

import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TextIO

from adapters.tables.detection import (
    announced_delimiter,
    delimiter_of,
    encoding_of,
    head_of,
    quoting_of,
    refuse_endless_lines,
)
from domain.kernel import Invalid

_MOST_COLUMNS = 1_000
_MOST_RECORDS = 10_000_000
_LARGEST_CELL = 1 << 20
_LARGEST_RECORD = 2 << 20
_MOST_CELLS = 100_000
_SURPLUS_KEPT = 100
_SAMPLES = 3
_LONGEST_SAMPLE = 1_000
_ESCAPED = re.compile("[\udc80-\udcff]")
_LINE_ENDS = {"\n": "LF", "\r": "CR", "\r\n": "CRLF"}

# The csv module keeps this limit for the whole process; its default of 128 K is less than a long note.
csv.field_size_limit(_LARGEST_CELL)


class Record(NamedTuple):
    """One record: `line` is the physical line on which it begins (header = 1), `cells` are as many as the header's.

    `error` is a sentence when the record cannot be trusted; its cells are then as they were found. A tuple, not a
    dataclass: a file has a million of them.
    """

    line: int
    cells: list[str]
    error: str | None


@dataclass(frozen=True, slots=True)
class TableShape:
    """How a file is written and what it holds; `encoding` is a Python codec, `line_end` LF, CRLF, CR or mixed.

    `rows` counts the records below the header without blank ones; `sample` holds up to three values a column; `mixed`
    says that the file is UTF-8 with rows that are not.
    """

    encoding: str
    delimiter: str
    line_end: str
    header: list[str]
    rows: int
    sample: list[list[str]]
    quote: str = '"'
    escape: str = ""
    has_nul: bool = False
    mixed: bool = False


def describe(path: Path) -> TableShape:
    """Tell how a file is written and read it through once; `Invalid` says in a sentence why it is no table."""
    encoding, mixed = encoding_of(path)
    refuse_endless_lines(path)
    head = head_of(path, encoding, mixed=mixed)
    quote, escape = quoting_of(head)
    delimiter = announced_delimiter(head) or delimiter_of(head, quote, escape)
    shape = TableShape(encoding, delimiter, "LF", [], 0, [], quote, escape, mixed=mixed)
    with _opened(path, shape) as stream:
        records = _records(stream, shape)
        header = _unique(next(records, Record(1, [], None)).cells)
        if not header:
            raise Invalid("The file has no header and no rows.", field="file")
        if len(header) > _MOST_COLUMNS:
            raise Invalid(f"The file has {len(header):,} columns; {_MOST_COLUMNS:,} is the most.", field="file")
        sample: list[list[str]] = [[] for _ in header]
        wanting = list(range(len(header)))
        rows = 0
        for record in records:
            rows += 1
            if wanting:
                for column in wanting:
                    value = record.cells[column].strip() if column < len(record.cells) else ""
                    if value:
                        sample[column].append(_legible(value[:_LONGEST_SAMPLE]))
                wanting = [column for column in wanting if len(sample[column]) < _SAMPLES]
        ends = stream.newlines
    line_end = _LINE_ENDS.get(ends, "LF") if isinstance(ends, str) else "mixed" if ends else "LF"
    has_nul = _has_nul(path, shape)
    return TableShape(encoding, delimiter, line_end, header, rows, sample, quote, escape, has_nul, mixed)


def read(path: Path, shape: TableShape, skip_records: int = 0) -> Iterator[Record]:
    """Stream the records below the header, without the first `skip_records` of them; blank records do not count."""
    width = len(shape.header)
    with _opened(path, shape) as stream:
        records = _records(stream, shape)
        next(records, None)
        for record in records:
            if skip_records:
                skip_records -= 1
                continue
            found = len(record.cells)
            if found != width:
                record = _fitted(record, width)  # noqa: PLW2901 - the record, made as wide as the header
            if shape.has_nul and any("\0" in cell for cell in record.cells):
                record = record._replace(error="The row holds a NUL character.")  # noqa: PLW2901 - as above
            if shape.mixed:
                record = _in_one_encoding(record)  # noqa: PLW2901 - as above
            yield record


def _records(stream: TextIO, shape: TableShape) -> Iterator[Record]:
    """Yield every record that is not blank, the header among them, as wide as it was found."""
    if announced_delimiter(stream.readline(16)):
        begin = 2
    else:
        stream.seek(0)
        begin = 1
    before = begin
    lines = _Lines(stream, shape, before)
    reader = csv.reader(
        lines, delimiter=shape.delimiter, quotechar=shape.quote, escapechar=shape.escape or None, strict=False
    )
    count = 0
    try:
        for cells in reader:
            line, begin = begin, reader.line_num + before
            count += 1
            if count > _MOST_RECORDS:
                raise Invalid(f"The file has more than {_MOST_RECORDS:,} rows; split it.", field="file")
            unclosed = lines.ended and lines.odd and begin - line > 1 and not shape.escape
            lines.size, lines.odd = 0, False
            if any(map(str.strip, cells)):
                yield Record(line, cells, _UNCLOSED.format(last=begin - 1) if unclosed else None)
    except csv.Error:
        raise Invalid(
            f"Line {begin:,}: a cell is longer than 1 MB, or a row than 2 MB; perhaps a quotation mark is not closed.",
            field="file",
        ) from None
    except UnicodeDecodeError:
        raise Invalid(f"Line {begin:,}: the file is not {shape.encoding.upper()} here.", field="file") from None


class _Lines:
    """Give a stream's lines; refuse a record that grows without end, and know whether its last quote was closed."""

    def __init__(self, stream: TextIO, shape: TableShape, number: int) -> None:
        self._lines = iter(stream)
        self._quote = shape.quote
        self._delimiter = shape.delimiter
        self._number = number
        self.size = 0
        self.odd = False
        self.ended = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines, None)
        if line is None:
            self.ended = True
            raise StopIteration
        self._number += 1
        self.size += len(line)
        if len(line) > _MOST_CELLS and line.count(self._delimiter) >= _MOST_CELLS:
            text = f"Line {self._number - 1:,}: a row of more than {_MOST_CELLS:,} cells; is it a table?"
            raise Invalid(text, field="file")
        if self.size > _LARGEST_RECORD:
            raise csv.Error("a record without end")
        if line.count(self._quote) & 1:
            self.odd = not self.odd
        return line


_UNCLOSED = "A quotation mark in the row is not closed: everything down to line {last:,} was read as one cell."


def _opened(path: Path, shape: TableShape) -> TextIO:
    return path.open(encoding=shape.encoding, errors="surrogateescape" if shape.mixed else "strict", newline="")


def _legible(text: str) -> str:
    return _ESCAPED.sub("\ufffd", text)


def _in_one_encoding(record: Record) -> Record:
    cells = [_legible(cell) for cell in record.cells]
    if cells == record.cells:
        return record
    return Record(record.line, cells, record.error or "The row is not UTF-8, as the rest of the file is.")


def _fitted(record: Record, width: int) -> Record:
    found = len(record.cells)
    if found < width:
        return record._replace(cells=record.cells + [""] * (width - found))
    if not any(map(str.strip, record.cells[width:])):
        return record._replace(cells=record.cells[:width])
    error = record.error or f"The row has {found:,} cells, the header {width:,}."
    return record._replace(cells=record.cells[: width + _SURPLUS_KEPT], error=error)


def _unique(cells: list[str]) -> list[str]:
    taken: set[str] = set()
    names = []
    for position, cell in enumerate(cells, 1):
        plain = " ".join(unicodedata.normalize("NFC", _legible(cell).replace("\0", "")).split()) or f"Column {position}"
        name, copy = plain, 1
        while name in taken:
            copy += 1
            name = f"{plain} ({copy})"
        taken.add(name)
        names.append(name)
    return names


def _has_nul(path: Path, shape: TableShape) -> bool:
    with _opened(path, shape) as stream:
        return any("\0" in chunk for chunk in iter(lambda: stream.read(_LARGEST_CELL), ""))
