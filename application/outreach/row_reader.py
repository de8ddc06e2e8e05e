"""Read the cells of one record into what an import works with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from application.files import FORMULA_STARTS
from application.outreach.phone_numbers import PhoneNumbers, ReadPhone
from application.outreach.tables import TableRecord
from domain.kernel import Email, Invalid
from domain.outreach.dates import day_first_for, read_date
from domain.outreach.import_rules import FailedRow, ReadRow, split_name

NO_NUMBER = "No number given."
_LIMITS = {"first_name": 200, "last_name": 200, "postcode": 50, "product": 200, "company": 200, "source": 200}
_NEVER_TOO_LONG = min(_LIMITS.values())
_LONGEST_NOTES = 10_000


class _Columns(NamedTuple):
    phone_number: tuple[int, ...]
    email: tuple[int, ...]
    first_name: int | None
    last_name: int | None
    full_name: int | None
    postcode: int | None
    inquiry_date: int | None
    product: int | None
    company: int | None
    source: int | None
    notes: int | None


@dataclass(slots=True)
class RowReader:
    """Read records by a mapping of columns; numbers and ambiguous dates by the organisation's country."""

    phones: PhoneNumbers
    country: str
    columns: _Columns
    day_first: bool

    @classmethod
    def of(
        cls, mapping: Mapping[str, Sequence[str]], header: Sequence[str], phones: PhoneNumbers, country: str
    ) -> "RowReader":
        """Find the mapped columns' places in the header."""
        places = {name: place for place, name in enumerate(header)}

        def one(target: str) -> int | None:
            return places[mapping[target][0]] if target in mapping else None

        columns = _Columns(
            phone_number=tuple(places[name] for name in mapping["phone_number"]),
            email=tuple(places[name] for name in mapping.get("email", ())),
            first_name=one("first_name"),
            last_name=one("last_name"),
            full_name=one("full_name"),
            postcode=one("postcode"),
            inquiry_date=one("inquiry_date"),
            product=one("product"),
            company=one("company"),
            source=one("source"),
            notes=one("notes"),
        )
        return cls(phones, country, columns, day_first_for(country))

    def read(self, record: TableRecord) -> ReadRow | FailedRow:
        """Read one record; what makes it impossible to import comes back as its reason."""
        line, cells, error = record.line, record.cells, record.error
        if error is not None:
            return FailedRow(line, error, cells)
        phone = self._phone(cells)
        if isinstance(phone, str):
            return FailedRow(line, phone, cells)
        columns = self.columns
        first, last = _name(cells, columns.first_name), _name(cells, columns.last_name)
        if first is None and last is None and columns.full_name is not None:
            full = _name(cells, columns.full_name)
            if full is not None:
                first, last = split_name(full)
        email, email_remark = self._email(cells) if columns.email else (None, None)
        day, date_remark = self._date(cells)
        row = ReadRow(
            line,
            phone.phone,
            phone.line_type,
            phone.sms_eligible,
            phone.zones,
            phone.country,
            first,
            last,
            email,
            _text(cells, columns.postcode),
            day,
            _text(cells, columns.product),
            _text(cells, columns.company),
            _text(cells, columns.source),
            _text(cells, columns.notes),
            f"{email_remark} {date_remark}" if email_remark and date_remark else email_remark or date_remark,
        )
        too_long = _too_long(row) if max(map(len, cells)) > _NEVER_TOO_LONG else None
        return row if too_long is None else FailedRow(line, too_long, cells)

    def _phone(self, cells: list[str]) -> ReadPhone | str:
        reason = NO_NUMBER
        for place in self.columns.phone_number:
            written = _plain(cells[place])
            if not written:
                continue
            read = self.phones.read(written, self.country)
            if isinstance(read, ReadPhone):
                return read
            if reason is NO_NUMBER:
                reason = read.reason
        return reason

    def _email(self, cells: list[str]) -> tuple[str | None, str | None]:
        remark = None
        for place in self.columns.email:
            written = cells[place]
            if not written or written.isspace():
                continue
            try:
                return Email(_plain(written)), None
            except Invalid:
                remark = "The e-mail address cannot be read."
        return None, remark

    def _date(self, cells: list[str]) -> tuple[date | None, str | None]:
        place = self.columns.inquiry_date
        if place is None or not (written := _plain(cells[place])):
            return None, None
        found = read_date(written, self.day_first)
        return found, None if found is not None else "The date cannot be read."


def _plain(cell: str) -> str:
    """Trim a cell, and take away the apostrophe that keeps spreadsheets from running it as a formula."""
    text = cell.strip()
    if text[:1] == "'" and text[1:2] in FORMULA_STARTS:
        return text[1:].strip()
    return text


def _text(cells: list[str], place: int | None) -> str | None:
    if place is None:
        return None
    return _plain(cells[place]) or None


def _name(cells: list[str], place: int | None) -> str | None:
    if place is None:
        return None
    return " ".join(_plain(cells[place]).split()) or None


def _too_long(row: ReadRow) -> str | None:
    for name, most in _LIMITS.items():
        value = getattr(row, name)
        if value is not None and len(value) > most:
            return f"The {name.replace('_', ' ')} has more than {most} characters."
    if row.notes is not None and len(row.notes) > _LONGEST_NOTES:
        return f"The notes have more than {_LONGEST_NOTES:,} characters."
    return None
