"""When the story plays: around the next change of summer time, in whole hours."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = "Europe/London"
_LOCAL = ZoneInfo(ZONE)
_BEFORE = timedelta(days=7)
_HALTS = frozenset({*range(9, 20, 2), 4, 22})


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
    """Tell the clock's next halt from an instant on: a 59th minute, every second hour by day and twice at night.

    Whatever falls due in between happens at the halt, so that runs are alike; by night nothing but replies does.
    """
    at = due.replace(minute=59, second=0, microsecond=0)
    if at < due:
        at += timedelta(hours=1)
    while local(at).hour not in _HALTS:
        at += timedelta(hours=1)
    return at


def local(at: datetime) -> datetime:
    """Show an instant on London's clocks."""
    return at.astimezone(_LOCAL)
