"""The hours in which people may be texted, in their own zones, over every change of the clocks."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from domain.kernel import Invalid

SEARCH_DAYS = 14
_DAY = 86_400
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


class Weekday(IntEnum):
    """Name a day of the week, numbered as `date.weekday()` numbers it."""

    MON = 0
    TUE = 1
    WED = 2
    THU = 3
    FRI = 4
    SAT = 5
    SUN = 6


EVERY_DAY = frozenset(Weekday)


@dataclass(frozen=True, slots=True)
class Window:
    """Hold the wall-clock hours from `start` up to, not including, `end`, beginning on each of `days`.

    An `end` at or before `start` lies on the next day; 00:00 to 00:00 is the whole day. A wall time that the clocks
    skip means the first instant after the gap, one that comes twice its first occurrence (`api.md`, part 4).
    """

    start: time
    end: time
    days: frozenset[Weekday] = EVERY_DAY

    def __post_init__(self) -> None:
        for name, value in (("start", self.start), ("end", self.end)):
            if value.tzinfo is not None or value.microsecond:
                raise Invalid("Hours are plain wall times, such as 09:00.", field=name)
        if not self.days:
            raise Invalid("Choose at least one day of the week.", field="days")
        if self.start == self.end != time(0):
            raise Invalid("The hours must end at another time than they start.", field="end")


DEFAULT_WINDOW = Window(time(9), time(20))
NORTH_AMERICA = Window(time(8), time(21))
"""The widest hours for +1 numbers (47 CFR 64.1200(c)(1))."""


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Invalid(f"{name!r} is not a time zone, such as Europe/London.", field="time_zone") from None


def _instant(day: int, wall: time, zone: ZoneInfo) -> int:
    """Find the Unix second of a wall time on a proleptic ordinal day."""
    first = datetime.combine(date.fromordinal(day), wall, zone)
    before = first.utcoffset()
    after = first.replace(fold=1).utcoffset()
    naive = first.replace(tzinfo=UTC)
    latest = int((naive - (before or timedelta())).timestamp())
    earliest = int((naive - (after or timedelta())).timestamp())
    if earliest >= latest:  # an ordinary time, or the first of two
        return latest
    while latest - earliest > 1:  # in a gap: the change of offset lies in (earliest, latest]
        middle = (earliest + latest) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == before:
            earliest = middle
        else:
            latest = middle
    return latest


Spans = tuple[tuple[int, int], ...]


def _common(left: Spans, right: Spans) -> Spans:
    overlaps = ((max(a, c), min(b, d)) for a, b in left for c, d in right)
    return tuple(sorted((start, end) for start, end in overlaps if start < end))


@lru_cache(maxsize=65_536)
def _spans(window: Window, zone: str, day: int) -> Spans:
    """List the seconds of one UTC day (by number since 1970) in which the window is open in one zone."""
    place = _zone(zone)
    next_day = window.end <= window.start
    found = []
    for local in range(day - 2, day + 3):  # offsets reach a day either way, windows a day on
        ordinal = local + _EPOCH_ORDINAL
        if date.fromordinal(ordinal).weekday() in window.days:
            start = _instant(ordinal, window.start, place)
            end = _instant(ordinal + next_day, window.end, place)
            found.append((max(start, day * _DAY), min(end, (day + 1) * _DAY)))
    return tuple(span for span in sorted(found) if span[0] < span[1])


@lru_cache(maxsize=65_536)
def _open_together(window: Window, zones: tuple[str, ...], day: int, calling_code: int | None) -> Spans:
    if not zones:
        raise Invalid("At least one time zone is needed to know the hour.", field="time_zone")
    together: Spans = ((day * _DAY, (day + 1) * _DAY),)
    for zone in zones:
        together = _common(together, _spans(window, zone, day))
        if calling_code == 1:
            together = _common(together, _spans(NORTH_AMERICA, zone, day))
    return together


def next_open(window: Window, zones: Collection[str], at: datetime, calling_code: int | None = None) -> datetime | None:
    """Find the first instant, `at` or later, when the window is open in all zones at once.

    `zones` are IANA names: for an unknown zone every plausible one. `calling_code` is the number's country code, 1 for
    +1. Returns UTC, or None when no such instant comes within 14 days.
    """
    second = int(at.timestamp() // 1)
    names = tuple(zones)
    for day in range(second // _DAY, second // _DAY + SEARCH_DAYS + 1):
        for start, end in _open_together(window, names, day, calling_code):
            if start <= second < end:
                return at.astimezone(UTC)
            if second < start:
                return None if start - second > SEARCH_DAYS * _DAY else datetime.fromtimestamp(start, UTC)
    return None


def is_open(window: Window, zone: str, at: datetime, calling_code: int | None = None) -> bool:
    """Tell whether the window is open in one zone at an instant."""
    second = int(at.timestamp() // 1)
    return any(start <= second < end for start, end in _open_together(window, (zone,), second // _DAY, calling_code))
