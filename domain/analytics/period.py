"""A stretch of days in an organisation's zone, and where it lies in UTC."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.kernel import Invalid

LONGEST = 731
"""Days that may be asked for by name; `all` may be longer."""
_DAYS_BACK = {"today": 0, "week": 6, "month": 29}


@dataclass(frozen=True, slots=True)
class Period:
    """Hold the days from `first` to `last`, both of them in it."""

    first: date
    last: date
    zone: str

    @property
    def begins(self) -> datetime:
        """Give its first instant."""
        return _midnight(self.first, self.zone)

    @property
    def ends(self) -> datetime:
        """Give the first instant after it."""
        return _midnight(self.last + timedelta(days=1), self.zone)

    def days(self) -> Iterator[date]:
        """List its days."""
        return (self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))

    def before(self) -> "Period":
        """Give as many days as it has, right before it."""
        length = (self.last - self.first).days + 1
        return Period(self.first - timedelta(days=length), self.first - timedelta(days=1), self.zone)


def period_of(
    asked: str | None, first: date | None, last: date | None, *, now: datetime, zone: str, since: datetime | None
) -> Period:
    """Choose the days: by name (`today`; `week` and `month` are the last 7 and 30 days; `all`), or from one to another.

    `since` is when anything was first counted.
    """
    today = now.astimezone(ZoneInfo(zone)).date()
    if first is None and last is None:
        return Period(_named(asked or "all", today, zone, since), today, zone)
    if asked is not None:
        raise Invalid("Give time_range, or from and to, not both.", field="time_range")
    if first is None:
        raise Invalid("Give from too.", field="from")
    last = max(first, today) if last is None else last
    if last < first:
        raise Invalid("The period ends before it begins.", field="to")
    if (last - first).days >= LONGEST:
        raise Invalid(f"A period has at most {LONGEST} days.", field="from")
    if not date(1971, 1, 1) <= first <= last <= date(9000, 1, 1):
        raise Invalid("There is nothing to count in such years.", field="from")
    return Period(first, last, zone)


def _named(asked: str, today: date, zone: str, since: datetime | None) -> date:
    if asked == "all":
        return today if since is None else min(today, since.astimezone(ZoneInfo(zone)).date())
    return today - timedelta(days=_DAYS_BACK[asked])


def _midnight(day: date, zone: str) -> datetime:
    """Find when a day begins: where the clocks skip midnight, with the first instant that there is."""
    at = datetime.combine(day, time(), ZoneInfo(zone))
    return at.astimezone(UTC)
