"""What a record's cells come to."""

from datetime import date
from typing import NamedTuple

import pytest

from adapters.phones.libphonenumber import Libphonenumber
from application.files import inert
from application.outreach.row_reader import RowReader
from domain.outreach.import_rules import FailedRow, ReadRow

HEADER = ["Name", "Mobile", "Home", "Mail", "When", "Notes", "Source"]
MAPPING = {
    "full_name": ["Name"],
    "phone_number": ["Mobile", "Home"],
    "email": ["Mail"],
    "inquiry_date": ["When"],
    "notes": ["Notes"],
    "source": ["Source"],
}


class Record(NamedTuple):
    """Be a record of a table."""

    line: int
    cells: list[str]
    error: str | None = None


def read(country: str = "GB", error: str | None = None, **cells: str) -> ReadRow | FailedRow:
    """Read one record."""
    reader = RowReader.of(MAPPING, HEADER, Libphonenumber(fiction=True), country)
    return reader.read(Record(7, [cells.get(name, "") for name in HEADER], error))


def understood(country: str = "GB", **cells: str) -> ReadRow:
    """Read a record that can be imported."""
    found = read(country, **({"Mobile": "07700 900123"} | cells))
    assert isinstance(found, ReadRow), found
    return found


def test_a_record_is_read() -> None:
    found = understood(Name=" Ash,  Ann ", Mail=" ANN@Example.com ", When="03/04/2024", Notes="x\ny", Source=" web ")

    assert (found.line, found.phone, found.line_type, found.sms_eligible) == (7, "+447700900123", "fiction", True)
    assert (found.first_name, found.last_name, found.email) == ("Ann", "Ash", "ann@example.com")
    assert (found.inquiry_date, found.notes, found.source, found.remark) == (date(2024, 4, 3), "x\ny", "web", None)


def test_an_ambiguous_date_is_read_by_the_country() -> None:
    assert understood("US", Mobile="+447700900123", When="03/04/2024").inquiry_date == date(2024, 3, 4)


def test_what_cannot_be_read_is_left_aside_with_a_remark() -> None:
    found = understood(Mail="ann at home", When="some day")

    assert (found.email, found.inquiry_date) == (None, None)
    assert found.remark == "The e-mail address cannot be read. The date cannot be read."


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({}, "No number given."),
        ({"Mobile": "   "}, "No number given."),
        ({"Mobile": "12345"}, "Too short to be dialled."),
        ({"Mobile": "12345", "Home": "no"}, "Too short to be dialled."),
        ({"Mobile": "07700 900123", "Name": "x" * 201}, "The first name has more than 200 characters."),
        ({"Mobile": "07700 900123", "Notes": "x" * 10_001}, "The notes have more than 10,000 characters."),
    ],
)
def test_a_record_that_cannot_be_imported_says_why(cells: dict[str, str], reason: str) -> None:
    found = read(**cells)

    assert isinstance(found, FailedRow)
    assert (found.line, found.reason) == (7, reason)
    assert found.cells == [cells.get(name, "") for name in HEADER]


def test_the_first_valid_number_wins() -> None:
    assert understood(Mobile="12345", Home="020 7946 0001").phone == "+442079460001"
    assert understood(Mobile="07700 900123", Home="020 7946 0001").phone == "+447700900123"


def test_a_record_the_table_could_not_hold_keeps_its_reason() -> None:
    assert read(error="The row has 9 cells.", Mobile="07700 900123") == FailedRow(
        7, "The row has 9 cells.", ["", "07700 900123", "", "", "", "", ""]
    )


@pytest.mark.parametrize("cell", ["=1+1", "+447700900123", "-1", "@x", "\tx", "\rx", "\n=x"])
def test_a_formula_is_made_inert_and_read_back_as_it_was(cell: str) -> None:
    assert inert(cell) == f"'{cell}"
    assert understood(Notes=inert(cell)).notes == cell.strip()


@pytest.mark.parametrize("cell", ["", "Ann", "'", "O'Neill", "07700 900123", "1+1"])
def test_other_cells_are_left_alone(cell: str) -> None:
    assert inert(cell) == cell
    assert understood(Notes=cell).notes == (cell or None)
