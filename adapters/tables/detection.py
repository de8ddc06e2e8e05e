"""How a table was written down: encoding, delimiter, quotes; decided in one fixed order, without the file in memory."""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from domain.kernel import Invalid

_CHUNK = 1 << 20
_HEAD = 1 << 16
_LONGEST_LINE = 8 * _CHUNK
_DELIMITERS = ",;\t|"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SIGNATURES = (
    (b"PK\x03\x04", "an Excel workbook or a ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "a compressed file"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)
_UNDEFINED_IN_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_ESCAPED = re.compile("[\udc80-\udcff]+")
_CONTROL = bytes(set(range(32)) - set(b"\0\t\n\r\f\x1a\x1b"))


def encoding_of(path: Path) -> tuple[str, bool]:
    """Name the Python codec of a file, and tell whether parts of it are in another.

    Byte order mark, UTF-16 by its NULs, UTF-8 if all of it is, or most of what is not ASCII; else cp1252 or latin-1.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
        if not head:
            raise Invalid("The file is empty.", field="file")
        for signature, kind in _SIGNATURES:
            if head.startswith(signature):
                raise Invalid(f"This is {kind}, not a CSV file; save the table as CSV first.", field="file")
        marked = next((name for bom, name in _BOMS if head.startswith(bom)), None)
        wide = marked or _utf16_by_nuls(head)
        if wide:
            if not _decodes(stream, wide):
                if wide == "utf-8-sig":
                    return wide, True
                raise Invalid(
                    f"The file is damaged: it begins as {wide.upper()} and is not that to the end.", field="file"
                )
            return wide, False
        if len(head.translate(None, _CONTROL)) < len(head) * 0.99 or head.count(0) > len(head) * 0.01:
            raise Invalid("This is not a text file; save the table as CSV first.", field="file")
        if _decodes(stream, "utf-8"):
            return "utf-8", False
        if _is_mostly_utf8(stream):
            return "utf-8", True
        stream.seek(0)
        undefined = any(_UNDEFINED_IN_CP1252.search(chunk) for chunk in iter(lambda: stream.read(_CHUNK), b""))
        return ("latin-1" if undefined else "cp1252"), False


def _utf16_by_nuls(head: bytes) -> str | None:
    """Tell UTF-16 without a mark: Western text has a NUL in every second byte, little-endian in the odd ones."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = max(len(head) // 2, 1)
    if odd > half * 0.4 and even < half * 0.05:
        return "utf-16-le"
    if even > half * 0.4 and odd < half * 0.05:
        return "utf-16-be"
    return None


def _is_mostly_utf8(stream: BinaryIO) -> bool:
    """Tell whether more of what is beyond ASCII is UTF-8 than not: Latin letters seldom look so by chance."""
    stream.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    good = bad = 0
    for chunk in iter(lambda: stream.read(_CHUNK), b""):
        if chunk.isascii():
            continue
        text = decoder.decode(chunk)
        beyond = len(_BEYOND_ASCII.findall(text))
        runs = _ESCAPED.findall(text)
        good, bad = good + beyond - sum(map(len, runs)), bad + len(runs)
    return good > bad


def _decodes(stream: BinaryIO, encoding: str) -> bool:
    stream.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in iter(lambda: stream.read(_CHUNK), b""):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def refuse_endless_lines(path: Path) -> None:
    """Refuse a file with a line of more than some 8 MB, which nobody could read line by line in flat memory."""
    run = 0
    with path.open("rb") as stream:
        for chunk in iter(lambda: stream.read(_CHUNK), b""):
            last = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
            run = run + len(chunk) if last < 0 else len(chunk) - last
            if run > _LONGEST_LINE:
                raise Invalid("The file has a line of more than 8 MB; is it a table?", field="file")


def head_of(path: Path, encoding: str, *, mixed: bool = False) -> str:
    """Read the first 64 K characters, cut back to whole lines when there is more."""
    with path.open(encoding=encoding, errors="surrogateescape" if mixed else "strict", newline="") as stream:
        text = stream.read(_HEAD)
        if stream.read(1):
            text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    return text


def announced_delimiter(head: str) -> str | None:
    """Read the first line `sep=;` that Excel writes, if it is there."""
    announced = re.match(r"\"?sep=(.)\"?[ \t]*[\r\n]", head, re.IGNORECASE)
    return announced[1] if announced else None


def delimiter_of(head: str, quote: str, escape: str) -> str:
    """Choose the delimiter under which the first records agree best with the header on the number of fields."""
    best, choice = (0.0, 0), ","
    for delimiter in _DELIMITERS:
        widths = [len(cells) for cells in islice(_records(head, delimiter, quote, escape), 100)]
        if not widths or widths[0] < 2:
            continue
        agreeing = sum(width == widths[0] for width in widths) / len(widths)
        score = (1.0 if agreeing >= 0.8 else agreeing, widths[0])
        if score > best:
            best, choice = score, delimiter
    return choice


def _records(head: str, delimiter: str, quote: str, escape: str) -> Iterator[list[str]]:
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", head)
    try:
        for cells in csv.reader(lines, delimiter=delimiter, quotechar=quote, escapechar=escape or None):
            if any(cells):
                yield cells
    except csv.Error:
        return


def quoting_of(head: str) -> tuple[str, str]:
    """Tell the quotation mark, and the escape character (empty when a mark within quotes is doubled)."""
    marks = Counter(re.findall(r"(?:^|[,;\t|\r\n])(['\"])[^'\"\r\n]*\1(?=[,;\t|\r\n]|$)", head))
    lines = max(len(head.splitlines()), 1)
    quote = "'" if marks["'"] >= lines and not marks['"'] else '"'
    escaped = re.search(rf"\\{quote}[^,;\t|\r\n]", head) and quote * 2 not in head
    return quote, "\\" if escaped else ""
