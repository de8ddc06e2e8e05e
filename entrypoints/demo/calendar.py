"""When the story plays: around the next change of summer time, in whole hours."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = "Europe/London"
_LOCAL = ZoneInfo(ZONE)
_BEFORE = timedelta(days=7)


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
    """Tell the first 59th minute of an hour from an instant on: where the clock halts, so that runs are alike.

    Whatever falls due within an hour happens at its end, and all ends of hours lie within the hours of texting.
    """
    at = due.replace(minute=59, second=0, microsecond=0)
    return at if at >= due else at + timedelta(hours=1)


def local(at: datetime) -> datetime:
    """Show an instant on London's clocks."""
    return at.astimezone(_LOCAL)
