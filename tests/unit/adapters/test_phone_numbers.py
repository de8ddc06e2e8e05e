"""Numbers are read as libphonenumber reads them, and refused in sentences where it would guess."""

import random
from collections import Counter
from pathlib import Path
from zoneinfo import available_timezones

import pytest
from phonenumbers.tzdata import TIMEZONE_DATA

from adapters.phones.libphonenumber import Libphonenumber
from adapters.phones.zones import zones_of_country
from adapters.tables.csv_reader import describe, read
from application.outreach.phone_numbers import ReadPhone, Unreadable
from tests.proofs import Note

_DATA = Path(__file__).parents[3] / "features" / "data"
SANDBOX = Libphonenumber(fiction=True)
PRODUCTION = Libphonenumber(fiction=False)


def test_the_demo_file_comes_to_what_its_readme_says() -> None:
    path = _DATA / "old-enquiries-uk-600.csv"
    shape = describe(path)
    column = shape.header.index("Mobile No.")
    seen: set[str] = set()
    outcome: Counter[str] = Counter()
    for record in read(path, shape):
        found = SANDBOX.read(record.cells[column], "GB")
        if isinstance(found, Unreadable):
            outcome["empty" if found.reason == "No number given." else "undiallable"] += 1
        elif found.phone in seen:
            outcome["duplicate"] += 1
        else:
            seen.add(found.phone)
            outcome["eligible" if found.sms_eligible else found.line_type] += 1
            assert found.zones == ("Europe/London",)
    assert outcome == {"eligible": 500, "fixed_line": 25, "duplicate": 40, "undiallable": 20, "empty": 15}


@pytest.mark.parametrize(
    "text",
    ["07700 900318", "+44 (0)7700 900318", "0044 7700900318", "7700900318", "447700900318", "07700-900318",
     "Mob: 07700 900318", "07700 900318 ext. 12", "(07700) 900318", "447700900318.0", "\u202a+44 7700 900318\u202c"],
)  # fmt: skip
def test_ways_to_write_one_number(text: str) -> None:
    found = SANDBOX.read(text, "GB")
    assert isinstance(found, ReadPhone)
    assert (found.phone, found.line_type, found.country) == ("+447700900318", "fiction", "GB")
    assert found.sms_eligible


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "No number given."),
        ("  ", "No number given."),
        ("n/a", "Not a phone number."),
        ("12345", "Too short to be dialled."),
        ("+44 7700 9001", "Too short to be dialled."),
        ("07700 900123 07700 900456", "Too long to be dialled."),
        ("07700 900123 / 07700 900456", "Two numbers in one cell."),
        ("07700 900123 or 020 7946 0123", "Two numbers in one cell."),
        ("07700 9OO123", "The letter O stands where a digit belongs."),
        ("0800 FLOWERS1", "There are letters in the number."),
        ("+999 123456789", "There is no such country code."),
        ("01111 111111", "Not a valid number in GB."),
    ],
)
def test_reasons(text: str, reason: str) -> None:
    assert SANDBOX.read(text, "GB") == Unreadable(reason)


@pytest.mark.parametrize(
    ("text", "country", "line_type", "eligible", "place", "zones"),
    [
        ("07400 123456", "GB", "mobile", True, "GB", ("Europe/London",)),
        ("01865 722222", "GB", "fixed_line", False, "GB", ("Europe/London",)),
        ("0800 123 4567", "GB", "toll_free", False, "GB", ("Europe/London",)),
        ("0906 123 4567", "GB", "premium", False, "GB", ("Europe/London",)),
        ("056 1234 5678", "GB", "voip", False, "GB", ("Europe/London",)),
        ("(212) 666-0249", "US", "fixed_line_or_mobile", True, "US", ("America/New_York",)),
        ("001-212-666-0249x721", "GB", "fixed_line_or_mobile", True, "US", ("America/New_York",)),
        ("00 44 7400 123456", "US", "mobile", True, "GB", ("Europe/London",)),
        ("030/23125000", "DE", "fixed_line", False, "DE", ("Europe/Berlin",)),
        ("512 345 678", "PL", "mobile", True, "PL", ("Europe/Warsaw",)),
        ("+800 1234 5678", "GB", "toll_free", False, "ZZ", ()),
    ],
)
def test_kinds_and_places(
    text: str, country: str, line_type: str, eligible: bool, place: str, zones: tuple[str, ...]
) -> None:
    found = PRODUCTION.read(text, country)
    assert isinstance(found, ReadPhone)
    assert (found.line_type, found.sms_eligible, found.country, found.zones) == (line_type, eligible, place, zones)


@pytest.mark.parametrize(
    ("text", "line_type"),
    [("07700 900999", "fiction"), ("020 7946 0123", "fixed_line"), ("01632 960123", "fixed_line"),
     ("0808 157 0123", "toll_free"), ("+1 212 555 0150", "fiction")],
)  # fmt: skip
def test_fiction_is_for_the_sandbox(text: str, line_type: str) -> None:
    found = SANDBOX.read(text, "GB")
    assert isinstance(found, ReadPhone)
    assert found.line_type == line_type
    assert PRODUCTION.read(text, "GB") == Unreadable("This number is kept for fiction; nobody can be reached on it.")


def test_numbers_beside_the_fiction_range_are_not_of_it() -> None:
    assert isinstance(SANDBOX.read("07700 901000", "GB"), Unreadable)
    real = SANDBOX.read("+1 212 555 0200", "GB")
    assert isinstance(real, ReadPhone)
    assert real.line_type == "fixed_line_or_mobile"


def british(chance: random.Random) -> str:
    digits = chance.choice("777712358") + "".join(chance.choices("0123456789", k=9))
    if chance.random() < 0.05:
        digits = chance.choice(["7700900", "2079460", "1632960", "7911128"]) + digits[:3]
    if chance.random() < 0.05:
        digits = digits[:-1]
    mark = chance.choice(["", " ", "-"])
    start = chance.choice(["+44 ", "+44", "0044 ", "0044", "44", "0", "", "+44 (0)", "+440", "+44-"])
    return f"{start}{digits[:4]}{mark}{digits[4:]}"


def american(chance: random.Random) -> str:
    area = chance.choice("23456789") + "".join(chance.choices("0123456789", k=2))
    exchange = (
        "555" if chance.random() < 0.05 else chance.choice("123456789") + "".join(chance.choices("0123456789", k=2))
    )
    last = f"{chance.randrange(250 if exchange == '555' else 10_000):04d}"
    start = chance.choice(["+1", "1", "1-", "+1-", "", "011 1", "1 ", "+1 "])
    form = chance.choice(["{}{}{}", "({}) {}-{}", "({}){}-{}", "{}.{}.{}", "{}-{}-{}", "{} {} {}"])
    return start + form.format(area, exchange, last)


@pytest.mark.parametrize("numbers", [SANDBOX, PRODUCTION], ids=["sandbox", "production"])
def test_the_short_cut_equals_the_library(numbers: Libphonenumber) -> None:
    chance = random.Random(2)
    readable = 0
    for write, country in ((british, "GB"), (american, "US")):
        for _ in range(5_000):
            text = write(chance)
            found = numbers.read(text, country)
            assert found == numbers.read_by_library(text, country), text
            readable += isinstance(found, ReadPhone)
    assert readable > 4_000


@pytest.mark.prove
def test_the_short_cut_equals_the_library_over_a_quarter_million_numbers(proved: Note) -> None:
    chance = random.Random(3)
    total, readable = 250_000, 0
    for number in range(total):
        write, country = ((british, "GB"), (american, "US"))[number & 1]
        numbers = (SANDBOX, PRODUCTION)[number >> 1 & 1]
        text = write(chance)
        found = numbers.read(text, country)
        assert found == numbers.read_by_library(text, country), (text, country)
        readable += isinstance(found, ReadPhone)
    assert readable > total * 0.4
    proved(0, f"{total:,} written numbers read by the short cut as by libphonenumber, {readable:,} of them valid")


def test_zones_are_zones() -> None:
    assert {zone for zones in TIMEZONE_DATA.values() for zone in zones} <= available_timezones()
    assert zones_of_country("GB") == ("Europe/London",)
    assert len(zones_of_country("US")) > 20
    assert zones_of_country("ZZ") == ()
