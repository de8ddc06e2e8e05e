"""Days of an organisation's zone: short ones, long ones, and zones between the hours."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from domain.analytics.period import Period, period_of
from domain.kernel import Invalid

NOW = datetime(2026, 3, 29, 23, 30, tzinfo=UTC)


def asked(name: str | None = None, first: str | None = None, last: str | None = None, zone: str = "UTC") -> Period:
    days = (None if one is None else date.fromisoformat(one) for one in (first, last))
    since = datetime(2026, 1, 5, 3, tzinfo=UTC)
    return period_of(name, *days, now=NOW, zone=zone, since=since)


def test_names_mean_days_of_the_organisations_zone() -> None:
    assert asked("today", zone="Asia/Kolkata").first == date(2026, 3, 30)
    assert asked("today", zone="America/New_York").first == date(2026, 3, 29)
    week = asked("week")
    assert (week.first, week.last) == (date(2026, 3, 23), date(2026, 3, 29))
    assert len(list(asked("month").days())) == 30
    assert asked("all").first == date(2026, 1, 5)
    assert asked() == asked("all")
    nothing = period_of("all", None, None, now=NOW, zone="UTC", since=None)
    assert list(nothing.days()) == [date(2026, 3, 29)]


def test_a_day_on_which_the_clocks_change_has_its_own_length() -> None:
    spring = Period(date(2026, 3, 29), date(2026, 3, 29), "Europe/London")
    autumn = Period(date(2026, 10, 25), date(2026, 10, 25), "Europe/London")
    assert spring.ends - spring.begins == timedelta(hours=23)
    assert autumn.ends - autumn.begins == timedelta(hours=25)


def test_a_midnight_that_the_clocks_skip_begins_with_what_follows() -> None:
    # Cairo, 2024-04-26: 00:00 became 01:00.
    day = Period(date(2024, 4, 26), date(2024, 4, 26), "Africa/Cairo")
    assert day.begins == datetime(2024, 4, 25, 22, tzinfo=UTC)
    assert day.begins.astimezone(ZoneInfo("Africa/Cairo")).hour == 1


@pytest.mark.parametrize("year", [2024, 2026, 2030])
def test_every_zone_begins_its_days_on_a_quarter_of_an_hour(year: int) -> None:
    for zone in sorted(available_timezones()):
        for day in (date(year, month, 1) for month in range(1, 13)):
            begins = Period(day, day, zone).begins
            assert (begins.minute % 15, begins.second) == (0, 0), zone


def test_as_many_days_come_before() -> None:
    before = asked(first="2026-03-10", last="2026-03-12").before()
    assert (before.first, before.last) == (date(2026, 3, 7), date(2026, 3, 9))


@pytest.mark.parametrize(
    ("name", "first", "last", "field"),
    [
        ("week", "2026-03-01", None, "time_range"),
        (None, None, "2026-03-01", "from"),
        (None, "2026-03-02", "2026-03-01", "to"),
        (None, "2020-01-01", "2026-03-01", "from"),
        (None, "0001-01-01", "0001-01-02", "from"),
        (None, "9999-12-31", "9999-12-31", "from"),
    ],
)
def test_a_period_that_is_none_is_refused_by_name(
    name: str | None, first: str | None, last: str | None, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        asked(name, first, last)
    assert [one for one, _ in refused.value.details] == [field]
