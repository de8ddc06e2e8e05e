"""Values that nobody used yet, for whatever must be new each time."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

NUMBERS = itertools.count(1)
_HOURS = itertools.count()
MAPPING = {"first_name": "First", "last_name": "Last", "phone_number": "Mobile", "email": "Mail"}


def working_hour() -> str:
    """Name an hour of a working day to come that nobody asked for yet."""
    weeks, number = divmod(next(_HOURS), 20)
    days, hour = divmod(number, 4)
    today = datetime.now(UTC).date()
    day = today + timedelta(days=7 - today.weekday() + days, weeks=weeks)
    return f"{day}T{(10, 11, 14, 15)[hour]}:00:00Z"


UNUSED: dict[str, Callable[[int, str], str]] = {
    "email": lambda number, _: f"person{number}@example.com",
    "phone_number": lambda number, _: f"+447400{number:06d}",
    "from_number": lambda number, _: f"+447400{number:06d}",
    "email_address": lambda number, _: f"sender{number}@example.com",
    "slug": lambda number, _: f"slug-{number}",
    "name": lambda number, marker: f"{marker} {number}",
    "first_name": lambda _, marker: marker,
    "body": lambda number, marker: f"{marker} {number}",
}
"""Values that must be, or had better be, new each time."""
