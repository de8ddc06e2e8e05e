"""When the story plays: around the next change of summer time, in whole hours."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = "Europe/London"
_LOCAL = ZoneInfo(ZONE)
_BEFORE = timedelta(days=7)
_HALTS = (time(4, 59), time(9, 1), *(time(hour, 59) for hour in (*range(11, 20, 2), 22)))


def next_change(after: datetime, zone: ZoneInfo = _LOCAL) -> datetime:
    """Find the first hour (UTC) after an instant at which a zone's clocks change."""
    at = after.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    offset = at.astimezone(zone).utcoffset()
    for hours in range(1, 24 * 400):
        later = at + timedelta(hours=hours)
        if later.astimezone(zone).utcoffset() != offset:
            return later
    raise ValueError(f"The clocks of {zone.key} do not change any more.")


def start_of_story(now: datetime) -> datetime:
    """Tell ten o'clock in London seven days before the next change of summer time that is that far away."""
    change = next_change(now + _BEFORE + timedelta(days=1))
    day = change.astimezone(_LOCAL).date() - _BEFORE
    return datetime(day.year, day.month, day.day, 10, tzinfo=_LOCAL).astimezone(UTC)


def stop_at(due: datetime) -> datetime:
    """Tell the clock's next halt from an instant on: once texts may leave again, every second hour, twice at night.

    Whatever falls due in between happens at the halt, so that runs are alike; by night nothing but replies does.
    """
    day = local(due).date()
    halts = (
        datetime.combine(date, at, _LOCAL).astimezone(UTC) for date in (day, day + timedelta(days=1)) for at in _HALTS
    )
    return next(halt for halt in halts if halt >= due)


def local(at: datetime) -> datetime:
    """Show an instant on London's clocks."""
    return at.astimezone(_LOCAL)
