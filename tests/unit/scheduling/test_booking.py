"""A booking's own rules: what may be asked of it, and when it is reminded of."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.kernel import Conflict, Invalid, new_id
from domain.scheduling.booking import Booking, BookingMade, BookingStatus, Step, asked_time

NOW = datetime(2027, 3, 15, 10, tzinfo=UTC)


def requested(start: datetime) -> Booking:
    """Ask for a call."""
    return Booking(
        organization_id=new_id(),
        lead_id=new_id(),
        contact_id=new_id(),
        provider="sandbox",
        natural_key="person:1",
        source="person",
        start_at=start,
        zone="Europe/London",
        created_at=NOW,
        updated_at=NOW,
    )


def made(start: datetime, at: datetime = NOW) -> Booking:
    """Ask for a call and get it."""
    booking = requested(start)
    event = booking.make("u1", start, start + timedelta(minutes=30), None, None, at)
    assert isinstance(event, BookingMade)
    assert (booking.status, booking.step) == (BookingStatus.SCHEDULED, None)
    return booking


@pytest.mark.parametrize(
    ("ahead", "reminders"),
    [
        (timedelta(days=3), ["day", "hour"]),
        (timedelta(hours=24, seconds=1), ["day", "hour"]),
        (timedelta(hours=24), ["hour"]),
        (timedelta(hours=2), ["hour"]),
        (timedelta(minutes=59), []),
    ],
)
def test_what_is_past_when_a_call_is_booked_is_not_reminded_of(ahead: timedelta, reminders: list[str]) -> None:
    booking, seen = made(NOW + ahead), []
    while booking.reminder_at is not None:
        assert booking.reminder_at > NOW
        seen.append(str(booking.reminder))
        booking.reminded(booking.reminder_at)
    assert seen == reminders


def test_a_reminder_that_comes_late_does_not_come_twice() -> None:
    booking = made(NOW + timedelta(days=3))
    booking.reminded(NOW + timedelta(days=3, minutes=-30))
    assert booking.reminder_at is None


def test_a_moved_call_keeps_its_length_and_is_reminded_of_anew() -> None:
    start = NOW + timedelta(days=3)
    booking = made(start)
    booking.ask_to_move(start + timedelta(days=1), NOW)
    assert (booking.step, booking.start_at) == (Step.MOVE, start)
    moved = booking.move("u2", start + timedelta(days=1), None, NOW)
    assert moved is not None
    assert (moved.old_start_at, moved.start_at) == (start, start + timedelta(days=1))
    assert booking.end_at == start + timedelta(days=1, minutes=30)
    assert (booking.uid, booking.step, booking.reminder_at) == ("u2", None, start)
    assert booking.move("u3", booking.start_at, booking.end_at, NOW) is None


def test_only_a_standing_call_is_moved_or_cancelled() -> None:
    start = NOW + timedelta(days=3)
    for booking in (requested(start), requested(start)):
        with pytest.raises(Conflict, match="still being told"):
            booking.ask_to_move(start + timedelta(hours=1), NOW)
        booking.fail("Taken.", NOW)
        with pytest.raises(Conflict, match="failed"):
            booking.ask_to_move(start + timedelta(hours=1), NOW)
        assert booking.cancel(None, NOW) is None
    booking = made(start)
    with pytest.raises(Invalid):
        booking.ask_to_move(start, NOW)
    booking.ask_to_cancel(NOW)
    with pytest.raises(Conflict):
        booking.ask_to_move(start + timedelta(hours=1), NOW)
    cancelled = booking.cancel("Rain", NOW)
    assert cancelled is not None
    assert cancelled.reason == "Rain"
    assert booking.reminder_at is None
    assert booking.cancel("Again", NOW) is None


def test_a_call_that_is_only_asked_for_is_off_at_once_unless_the_calendar_may_have_it() -> None:
    booking = requested(NOW + timedelta(days=3))
    booking.ask_to_cancel(NOW)
    assert (booking.status, booking.step) == (BookingStatus.CANCELLED, None)
    doubtful = requested(NOW + timedelta(days=3))
    doubtful.handed_at = NOW
    doubtful.ask_to_cancel(NOW)
    assert (doubtful.status, doubtful.step, doubtful.handed_at) == (BookingStatus.REQUESTED, Step.CANCEL, NOW)
    assert booking.is_unwanted()
    assert doubtful.is_unwanted()
    with pytest.raises(Conflict):
        doubtful.ask_to_cancel(NOW)
    doubtful.turn_up("u1", NOW)
    assert not doubtful.is_unwanted()
    assert doubtful.uid == "u1"


@pytest.mark.parametrize(
    "start",
    [
        NOW,
        NOW - timedelta(days=1),
        datetime(2030, 1, 1, 9),  # noqa: DTZ001 - no zone is the case
        NOW + timedelta(days=365 * 5 + 1),
        datetime.fromisoformat("9999-12-31T23:59:59-12:00"),
        datetime.fromisoformat("0001-01-01T00:00:00+14:00"),
    ],
)
def test_a_call_is_at_a_time_to_come(start: datetime) -> None:
    with pytest.raises(Invalid):
        asked_time(start, NOW)


def test_a_call_is_asked_for_in_whole_seconds_and_utc() -> None:
    given = datetime.fromisoformat("2027-03-16T11:00:00.123456+01:00")
    assert asked_time(given, NOW).isoformat() == "2027-03-16T10:00:00+00:00"
