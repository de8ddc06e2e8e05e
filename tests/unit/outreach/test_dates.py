"""Dates in the forms people use come to the day they mean, or to none."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.outreach.dates import day_first_for, read_date

_DAYS = st.dates(date(1927, 1, 1), date(2026, 12, 31))
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-06-16", date(2023, 6, 16)),
        ("24/12/2024", date(2024, 12, 24)),
        ("15-02-25", date(2025, 2, 15)),
        ("1.2.2024", date(2024, 2, 1)),
        ("21 Nov 2024", date(2024, 11, 21)),
        ("4 Oct 2023", date(2023, 10, 4)),
        ("Nov 21, 2024", date(2024, 11, 21)),
        ("21st November 2024", date(2024, 11, 21)),
        ("Thursday, 21 November 2024", date(2024, 11, 21)),
        ("21-Nov-24", date(2024, 11, 21)),
        ("20241121", date(2024, 11, 21)),
        ("45617", date(2024, 11, 21)),
        ("45617.5", date(2024, 11, 21)),
        ("2024-11-21T10:30:00Z", date(2024, 11, 21)),
        ("2024-11-21 10:30:00.123+01:00", date(2024, 11, 21)),
        ("21/11/2024 3:05 pm", date(2024, 11, 21)),
        ("21 de noviembre de 2024", date(2024, 11, 21)),
        ("3. März 2024", date(2024, 3, 3)),
        ("1er août 2024", date(2024, 8, 1)),
        ("01/02/99", date(1999, 2, 1)),
    ],
)
def test_forms_people_use(text: str, expected: date) -> None:
    assert read_date(text, day_first=True, latest_year=2027) == expected


@pytest.mark.parametrize(
    "text",
    ["", "n/a", "31/02/2024", "2024-13-01", "29 Feb 2023", "19999", "60001", "21 Foo 2024", "Nov 2024", "12", "1/2",
     "21 Nov 12024", "0000-00-00", "32 Jan 2024", "10:30", "call 21 Nov 2024", "1850-01-01"],
)  # fmt: skip
def test_what_is_no_date(text: str) -> None:
    assert read_date(text, day_first=True, latest_year=2027) is None


def test_the_country_decides_only_what_is_ambiguous() -> None:
    assert read_date("03/04/2025", day_first=True) == date(2025, 4, 3)
    assert read_date("03/04/2025", day_first=False) == date(2025, 3, 4)
    assert read_date("24/12/2024", day_first=False) == date(2024, 12, 24)
    assert (day_first_for("GB"), day_first_for("DE"), day_first_for("US")) == (True, True, False)


@pytest.mark.parametrize(("year", "expected"), [("27", 2027), ("28", 1928), ("00", 2000)])
def test_two_digits_are_never_later_than_next_year(year: str, expected: int) -> None:
    found = read_date(f"05/06/{year}", day_first=True, latest_year=2027)
    assert found == date(expected, 6, 5)


@given(_DAYS, st.sampled_from(["-", "/", "."]))
def test_numeric_forms_come_back(day: date, mark: str) -> None:
    assert read_date(day.isoformat(), day_first=False) == day
    assert read_date(day.strftime(f"%d{mark}%m{mark}%Y"), day_first=True) == day
    assert read_date(day.strftime(f"%m{mark}%d{mark}%Y"), day_first=False) == day
    assert read_date(day.strftime("%Y%m%d"), day_first=True) == day
    assert read_date(day.strftime(f"%d{mark}%m{mark}%y"), day_first=True, latest_year=2026) == day


@given(_DAYS, st.sampled_from(sorted(_MONTHS)), st.sampled_from(["{d} {m} {y}", "{d}. {m} {y} 10:30", "{m} {d}, {y}"]))
def test_month_names_come_back(day: date, language: str, form: str) -> None:
    name = _MONTHS[language].split()[day.month - 1]
    assert read_date(form.format(d=day.day, m=name.upper(), y=day.year), day_first=True) == day


@given(st.integers(20_000, 60_000))
def test_spreadsheet_serials(serial: int) -> None:
    assert read_date(str(serial), day_first=True) == date(1899, 12, 30) + timedelta(days=serial)


@given(st.text(max_size=40))
def test_any_text_is_a_date_or_none(text: str) -> None:
    assert isinstance(read_date(text, day_first=True), date | None)
