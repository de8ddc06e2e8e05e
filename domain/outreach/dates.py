"""Dates as people write them in lists: ISO, day first or month first, month names, spreadsheet serials."""

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

# Countries whose short numeric date has the month first (Unicode CLDR, short date patterns of their English locales).
_MONTH_FIRST = frozenset({"US", "AS", "FM", "GU", "MH", "MP", "PH", "PR", "PW", "UM", "VI"})

# A month a line: English, Spanish, Polish (both cases), German, French; accents folded.
_MONTHS = """
january jan enero ene styczen stycznia sty januar janner janvier janv
february feb febrero luty lutego lut februar fevrier fevr fev
march mar marzo marzec marca marz mrz mars
april apr abril abr kwiecien kwietnia kwi avril avr
may mayo maj maja mai
june jun junio czerwiec czerwca cze juni juin
july jul julio lipiec lipca lip juli juillet juil
august aug agosto ago sierpien sierpnia sie aout
september sep sept septiembre setiembre wrzesien wrzesnia wrz septembre
october oct octubre pazdziernik pazdziernika paz oktober okt octobre
november nov noviembre listopad listopada lis novembre
december dec diciembre dic grudzien grudnia gru dezember dez decembre
"""
_MONTH_OF = {name: month for month, line in enumerate(_MONTHS.split("\n")[1:13], 1) for name in line.split()}

# Words that may stand beside a date without changing it: ordinals, particles, weekdays.
_BESIDE = """
st nd rd th er o a re r de del el le den der am of the
monday mon tuesday tue tues wednesday wed thursday thu thur thurs friday fri saturday sat sunday sun
lunes lun martes miercoles mie jueves jue viernes vie sabado sab domingo dom
poniedzialek pon wtorek wt sroda sr czwartek czw piatek pt sobota sob niedziela niedz
montag dienstag mittwoch donnerstag freitag samstag sonntag mo di mi do fr sa so
lundi mardi mercredi mer jeudi jeu vendredi ven samedi sam dimanche dim
"""
_FILLERS = frozenset(_BESIDE.split())
_TIME = re.compile(
    r"(?:(?<=\d)T|[\s,]+)(?:at\s+)?\d{1,2}[:.h]\d{2}(?:[:.]\d{2}(?:[.,]\d+)?)?\s*(?:[ap]\.?m\.?)?"
    r"\s*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})?$",
    re.IGNORECASE | re.ASCII,
)
_YEAR_FIRST = re.compile(r"(\d{4})([-/. ])(\d{1,2})\2(\d{1,2})", re.ASCII)
_YEAR_LAST = re.compile(r"(\d{1,2})\s*([-/. ])\s*(\d{1,2})\s*\2\s*(\d{4}|\d{2})\.?", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_SERIAL = re.compile(r"([2-6]\d{4})(?:\.\d+)?", re.ASCII)
_WORDS = re.compile(r"\d+|[^\W\d_]+")
_NAMED_SHAPE = re.compile(r"[\w\s,.'’/ºª-]+")
_SERIAL_ZERO = date(1899, 12, 30)


def day_first_for(country: str) -> bool:
    """Tell whether 03/04/2025 is the third of April in a country (ISO 3166-1 alpha-2)."""
    return country not in _MONTH_FIRST


def read_date(text: str, day_first: bool, *, latest_year: int | None = None) -> date | None:
    """Read a date, leaving a time of day aside; None when it is none or no such day exists.

    `day_first` decides only what is ambiguous: 24/12/2024 is Christmas Eve everywhere. A two-digit year is never later
    than `latest_year` (by default next year); four-digit years run from 1900 to 2100.
    """
    return _read(text, day_first, latest_year or datetime.now(UTC).year + 1)


@lru_cache(maxsize=16_384)
def _read(text: str, day_first: bool, latest_year: int) -> date | None:
    written = text.strip()
    if not 4 < len(written) <= 64:
        return None
    bare = _TIME.sub("", written)
    if found := _YEAR_FIRST.fullmatch(bare):
        return _day(found[1], found[3], found[4], latest_year)
    if found := _YEAR_LAST.fullmatch(bare):
        first, second, year = found[1], found[3], found[4]
        day, month = (first, second) if day_first else (second, first)
        return _day(year, month, day, latest_year) or _day(year, day, month, latest_year)
    if found := _COMPACT.fullmatch(bare):
        return _day(found[1], found[2], found[3], latest_year)
    if found := _SERIAL.fullmatch(bare):
        serial = int(found[1])
        return _SERIAL_ZERO + timedelta(days=serial) if serial <= 60_000 else None
    return _named(bare, latest_year)


def _named(bare: str, latest_year: int) -> date | None:
    folded = unicodedata.normalize("NFKD", bare.casefold().replace("ł", "l"))
    folded = "".join(character for character in folded if not unicodedata.combining(character))
    if not _NAMED_SHAPE.fullmatch(folded):
        return None
    words = _WORDS.findall(folded)
    numbers = [word for word in words if word.isascii() and word.isdigit()]
    months = {_MONTH_OF[word] for word in words if word in _MONTH_OF}
    strange = [word for word in words if word not in numbers and word not in _MONTH_OF and word not in _FILLERS]
    if len(numbers) != 2 or len(months) != 1 or strange:
        return None
    day, year = (numbers[1], numbers[0]) if len(numbers[0]) == 4 else (numbers[0], numbers[1])
    if len(day) > 2 or len(year) not in {2, 4}:
        return None
    return _day(year, str(months.pop()), day, latest_year)


def _day(year: str, month: str, day: str, latest_year: int) -> date | None:
    number = int(year)
    if len(year) == 2:
        number += latest_year // 100 * 100
        if number > latest_year:
            number -= 100
    if not 1900 <= number <= 2100:
        return None
    try:
        return date(number, int(month), int(day))
    except ValueError:
        return None
