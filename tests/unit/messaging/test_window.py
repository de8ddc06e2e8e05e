"""Promise 3: nobody is texted outside the allowed hours, in any zone, over every change of the clocks."""

import time as stopwatch
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel import Invalid
from domain.messaging.window import DEFAULT_WINDOW, Weekday, Window, is_open, next_open

SECOND = timedelta(seconds=1)
ZONES = sorted(available_timezones() - {"localtime"})
YEARS = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC))
QUARTER = 900


def wall(second: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(second, zone).replace(tzinfo=None)


@lru_cache(maxsize=200_000)
def first_at_or_past(target: datetime, zone: ZoneInfo) -> int:
    """Find by walking the clock the first second whose wall time is the target or later: the rule in other words.

    All changes of 2024–2030 fall on quarter hours, so within a quarter the wall runs evenly.
    """
    naive = int(target.replace(tzinfo=UTC).timestamp())
    quarter = (naive - 16 * 3600) // QUARTER * QUARTER
    while True:
        last = wall(quarter + QUARTER - 1, zone)
        if last >= target:
            begin = wall(quarter, zone)
            return quarter + max(0, int((target - begin).total_seconds()))
        quarter += QUARTER


def open_by_the_clock(window: Window, zone: ZoneInfo, second: int) -> bool:
    today = wall(second, zone).date()
    for day in (today + timedelta(days=n) for n in (-2, -1, 0, 1)):
        if day.weekday() in window.days:
            end_day = day + timedelta(days=window.end <= window.start)
            start = first_at_or_past(datetime.combine(day, window.start), zone)
            if start <= second < first_at_or_past(datetime.combine(end_day, window.end), zone):
                return True
    return False


def changes(name: str) -> tuple[int, ...]:
    """List the seconds at which a zone's offset changes in 2024–2030."""
    zone = ZoneInfo(name)
    found = []
    week = timedelta(days=7)  # no zone changes twice within one
    day = YEARS[0]
    while day < YEARS[1]:
        if day.astimezone(zone).utcoffset() != (day + week).astimezone(zone).utcoffset():
            low, high = int(day.timestamp()), int((day + week).timestamp())
            before = datetime.fromtimestamp(low, zone).utcoffset()
            while high - low > 1:
                middle = (low + high) // 2
                same = datetime.fromtimestamp(middle, zone).utcoffset() == before
                low, high = (middle, high) if same else (low, middle)
            found.append(high)
        day += week
    return tuple(found)


@pytest.fixture(scope="module")
def behaviours() -> dict[str, tuple[int, ...]]:
    """Give one zone name for each distinct behaviour of all IANA zones in 2024–2030, with its changes."""
    distinct: dict[tuple[object, ...], str] = {}
    found: dict[str, tuple[int, ...]] = {}
    for name in ZONES:
        times = changes(name)
        edges = (YEARS[0], *(datetime.fromtimestamp(change, UTC) for change in times))
        offsets = tuple(edge.astimezone(ZoneInfo(name)).utcoffset() for edge in edges)
        if distinct.setdefault((times, offsets), name) == name:
            found[name] = times
    return found


def test_every_change_of_the_clocks_in_every_zone_to_the_second(behaviours: dict[str, tuple[int, ...]]) -> None:
    assert len(behaviours) > 60
    checked = 0
    for name, times in behaviours.items():
        zone = ZoneInfo(name)
        for change in times:
            turned = wall(change - 1, zone) + SECOND
            shifted = wall(change, zone)
            inside = min(turned, shifted) + abs(turned - shifted) / 2
            windows = (
                DEFAULT_WINDOW,
                Window(inside.time(), (inside + timedelta(hours=3)).time()),
                Window((inside - timedelta(hours=3)).time(), inside.time()),
            )
            for window in windows:
                borders = {change}
                for days in (-1, 0, 1):
                    day = inside.date() + timedelta(days=days)
                    borders.add(first_at_or_past(datetime.combine(day, window.start), zone))
                    borders.add(first_at_or_past(datetime.combine(day, window.end), zone))
                for border in borders:
                    for second in (border - 1, border, border + 1):
                        at = datetime.fromtimestamp(second, UTC)
                        assert is_open(window, name, at) == open_by_the_clock(window, zone, second), (name, window, at)
                        checked += 1
    assert checked > 10_000


walls = st.builds(time, st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
windows = (
    st.tuples(walls, walls, st.frozensets(st.sampled_from(Weekday), min_size=1))
    .filter(lambda parts: parts[0] != parts[1])
    .map(lambda parts: Window(*parts))
)
instants = st.integers(int(YEARS[0].timestamp()), int(YEARS[1].timestamp()))


@settings(max_examples=300, deadline=None)
@given(windows, st.sampled_from(ZONES), instants)
def test_any_window_in_any_zone_agrees_with_the_clock(window: Window, name: str, second: int) -> None:
    zone = ZoneInfo(name)
    at = datetime.fromtimestamp(second, UTC)
    assert is_open(window, name, at) == open_by_the_clock(window, zone, second)
    opening = next_open(window, [name], at)
    assert opening is not None
    if opening != at:
        border = int(opening.timestamp())
        assert not open_by_the_clock(window, zone, border - 1)
        assert open_by_the_clock(window, zone, border)
        assert open_by_the_clock(window, zone, border + 1) or not is_open(window, name, opening + SECOND)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(ZONES), min_size=2, max_size=4), instants)
def test_several_plausible_zones_are_open_together(names: list[str], second: int) -> None:
    at = datetime.fromtimestamp(second, UTC)
    opening = next_open(DEFAULT_WINDOW, names, at)
    if opening is None:
        hours = [at + timedelta(minutes=15 * n) for n in range(96)]
        assert not any(all(is_open(DEFAULT_WINDOW, name, hour) for name in names) for hour in hours)
        return
    assert opening >= at
    assert all(is_open(DEFAULT_WINDOW, name, opening) for name in names)
    if opening > at:
        assert not all(is_open(DEFAULT_WINDOW, name, opening - SECOND) for name in names)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "window", "at", "opening"),
    [
        ("Europe/London", DEFAULT_WINDOW, "2026-03-28T20:00:00", "2026-03-29T08:00:00"),  # clocks go forward overnight
        ("Europe/London", DEFAULT_WINDOW, "2026-10-24T19:00:00", "2026-10-25T09:00:00"),  # and back
        ("Europe/London", Window(time(1, 30), time(4)), "2026-03-29T00:00:00", "2026-03-29T01:00:00"),  # in the gap
        ("Europe/London", Window(time(1, 30), time(4)), "2026-10-25T00:00:00", "2026-10-25T00:30:00"),  # first of two
        ("America/New_York", DEFAULT_WINDOW, "2026-03-08T01:00:00", "2026-03-08T13:00:00"),
        ("America/New_York", DEFAULT_WINDOW, "2026-11-01T00:30:00", "2026-11-01T14:00:00"),
        ("Australia/Lord_Howe", Window(time(2, 15), time(5)), "2026-10-03T15:00:00", "2026-10-03T15:30:00"),
        ("Australia/Lord_Howe", DEFAULT_WINDOW, "2026-04-04T12:00:00", "2026-04-04T22:30:00"),  # half an hour back
        ("Pacific/Apia", DEFAULT_WINDOW, "2011-12-30T07:00:00", "2011-12-30T19:00:00"),  # the 30th never came
        ("Asia/Kathmandu", DEFAULT_WINDOW, "2026-01-01T00:00:00", "2026-01-01T03:15:00"),
    ],
)
def test_known_mornings(zone: str, window: Window, at: str, opening: str) -> None:
    assert next_open(window, [zone], utc(at)) == utc(opening)


def test_half_open_to_the_microsecond() -> None:
    last = utc("2026-01-05T19:59:59.999999")
    assert is_open(DEFAULT_WINDOW, "Europe/London", last)
    assert not is_open(DEFAULT_WINDOW, "Europe/London", last + timedelta(microseconds=1))
    assert next_open(DEFAULT_WINDOW, ["Europe/London"], last) == last


def test_a_night_belongs_to_the_day_on_which_it_starts() -> None:
    friday = Window(time(22), time(2), frozenset({Weekday.FRI}))
    assert is_open(friday, "UTC", utc("2026-01-10T01:59:59"))  # Saturday morning
    assert not is_open(friday, "UTC", utc("2026-01-09T01:00:00"))  # Friday morning
    assert next_open(friday, ["UTC"], utc("2026-01-10T02:00:00")) == utc("2026-01-16T22:00:00")


def test_plus_one_is_never_wider_than_eight_to_nine() -> None:
    wide = Window(time(6), time(23))
    at = utc("2026-01-05T05:00:00")
    assert next_open(wide, ["America/New_York"], at, calling_code=1) == utc("2026-01-05T13:00:00")
    assert next_open(wide, ["America/New_York"], at, calling_code=44) == utc("2026-01-05T11:00:00")
    assert is_open(wide, "America/New_York", utc("2026-01-06T01:59:59"), calling_code=1)
    assert not is_open(wide, "America/New_York", utc("2026-01-06T02:00:00"), calling_code=1)


def test_zones_that_are_never_open_together() -> None:
    short = Window(time(9), time(10))
    assert next_open(short, ["Europe/London", "America/New_York"], utc("2026-01-05T05:00:00")) is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: Window(time(9), time(9)),
        lambda: Window(time(9), time(20), frozenset()),
        lambda: Window(time(9, tzinfo=UTC), time(20)),
        lambda: next_open(DEFAULT_WINDOW, ["Mars/Olympus"], YEARS[0]),
        lambda: next_open(DEFAULT_WINDOW, ["../etc/passwd"], YEARS[0]),
        lambda: next_open(DEFAULT_WINDOW, [], YEARS[0]),
    ],
)
def test_what_is_no_window_or_no_zone_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(Invalid):
        make()


def test_whole_day() -> None:
    assert Window(time(0), time(0), frozenset({Weekday(date(2026, 1, 5).weekday())})).days == {Weekday.MON}
    assert is_open(Window(time(0), time(0)), "Europe/London", utc("2026-03-29T01:00:00"))


def test_fast_enough_for_ten_thousand_a_second() -> None:
    moments = [YEARS[0] + timedelta(minutes=7 * n) for n in range(5_000)]
    zones = ["Europe/London", "America/New_York", "Asia/Tokyo", "Europe/Warsaw"]
    for number, at in enumerate(moments):
        next_open(DEFAULT_WINDOW, [zones[number % 4]], at)
    began = stopwatch.perf_counter()
    for number, at in enumerate(moments):
        next_open(DEFAULT_WINDOW, [zones[number % 4]], at)
    assert len(moments) / (stopwatch.perf_counter() - began) > 10_000
