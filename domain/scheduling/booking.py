"""A call with a lead in somebody's calendar: asked for, made, moved, cancelled, and when to remind of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from domain.kernel import Conflict, Entity, Event, Invalid

REMINDERS = (("day", timedelta(hours=24)), ("hour", timedelta(hours=1)))
"""Which reminders there are, and how long before the call each is due."""
LEAST_NOTICE = timedelta(minutes=10)
"""A reminder that could only leave later than this before the call is of no use."""
FURTHEST = timedelta(days=5 * 365)
"""How far ahead a call may be asked for; calendars reach no further, and some times cannot be told in UTC."""


class BookingStatus(StrEnum):
    """Name where a booking stands; `requested` is not in the calendar yet, as far as anybody knows."""

    REQUESTED = "requested"
    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Step(StrEnum):
    """Name what the calendar is yet to be told of a booking."""

    BOOK = "book"
    MOVE = "move"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingMade(Event):
    """Say that a call stands in the calendar; the subject is the lead."""

    type: ClassVar[str] = "booking.made"
    booking_id: UUID
    start_at: datetime
    end_at: datetime
    zone: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingMoved(Event):
    """Say that a call was put to another time; the subject is the lead."""

    type: ClassVar[str] = "booking.moved"
    booking_id: UUID
    old_start_at: datetime
    start_at: datetime
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingCancelled(Event):
    """Say that a call was cancelled; the subject is the lead."""

    type: ClassVar[str] = "booking.cancelled"
    personal: ClassVar[frozenset[str]] = frozenset({"reason"})
    booking_id: UUID
    start_at: datetime
    zone: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingFailed(Event):
    """Say that a call that was asked for did not get into the calendar; the subject is the lead."""

    type: ClassVar[str] = "booking.failed"
    personal: ClassVar[frozenset[str]] = frozenset({"reason"})
    booking_id: UUID
    start_at: datetime
    zone: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Booking(Entity):
    """Be one call. `uid` is the calendar's present name for it, `step` what the calendar is yet to be told.

    `handed_at` (machine time) says since when the calendar is being told; `step_start_at` is where a move goes;
    `account_owner` and `event_type_id` say in whose calendar it is, and as what, whatever is set up meanwhile.
    """

    lead_id: UUID
    contact_id: UUID
    provider: str
    account_owner: str | None = None
    event_type_id: int | None = None
    natural_key: str
    source: str
    start_at: datetime
    end_at: datetime | None = None
    zone: str
    status: BookingStatus = BookingStatus.REQUESTED
    uid: str | None = None
    title: str | None = None
    notes: str | None = None
    booking_url: str | None = None
    step: Step | None = Step.BOOK
    step_start_at: datetime | None = None
    handed_at: datetime | None = None
    attempts: int = 0
    error: str | None = None
    reminder: str | None = None
    reminder_at: datetime | None = None
    created_by: UUID | None = None
    created_at: datetime
    updated_at: datetime

    def make(
        self, uid: str, start_at: datetime, end_at: datetime, title: str | None, url: str | None, at: datetime
    ) -> BookingMade:
        """Note that the call stands in the calendar."""
        self.status, self.step, self.error, self.updated_at = BookingStatus.SCHEDULED, None, None, at
        self.uid, self.start_at, self.end_at = uid, start_at, end_at
        self.title, self.booking_url = title, url
        self._remind_next(at)
        return BookingMade(
            subject=self.lead_id,
            booking_id=self.id,
            start_at=start_at,
            end_at=end_at,
            zone=self.zone,
            source=self.source,
        )

    def fail(self, reason: str, at: datetime) -> BookingFailed:
        """Note that the call will not be in the calendar."""
        self.status, self.step, self.error, self.updated_at = BookingStatus.FAILED, None, reason, at
        return BookingFailed(
            subject=self.lead_id, booking_id=self.id, start_at=self.start_at, zone=self.zone, reason=reason
        )

    def ask_to_move(self, start_at: datetime, at: datetime) -> None:
        """Let the calendar be told of another time (`Conflict` where there is nothing to move)."""
        self._require_standing()
        if start_at == self.start_at:
            raise Invalid("The call is at this time already.", field="start_time")
        self.step, self.step_start_at, self.handed_at, self.attempts = Step.MOVE, start_at, None, 0
        self.error, self.updated_at = None, at

    def ask_to_cancel(self, at: datetime) -> None:
        """Let the calendar be told to cancel (`Conflict` where there is nothing to cancel).

        One that is only asked for is off at once; where the calendar may have it, that keeps being asked about.
        """
        if self.step is Step.BOOK:
            if self.handed_at is None:
                self.cancel(None, at)
            else:
                self.step, self.attempts, self.error, self.updated_at = Step.CANCEL, 0, None, at
            return
        self._require_standing()
        self.step, self.handed_at, self.attempts, self.error, self.updated_at = Step.CANCEL, None, 0, None, at

    def is_unwanted(self) -> bool:
        """Tell whether the calendar may have it although it was cancelled before anybody knew."""
        off = self.status is BookingStatus.CANCELLED or self.step is Step.CANCEL
        return off and self.uid is None

    def turn_up(self, uid: str, at: datetime) -> None:
        """Note that an unwanted call does stand in the calendar, which is to cancel it."""
        self.uid, self.step, self.handed_at, self.attempts, self.updated_at = uid, Step.CANCEL, None, 0, at

    def move(self, uid: str, start_at: datetime, end_at: datetime | None, at: datetime) -> BookingMoved | None:
        """Note that the call is at another time, maybe under another name; None where only the name is new."""
        old, length = self.start_at, (self.end_at or self.start_at) - self.start_at
        self.uid, self.start_at, self.end_at = uid, start_at, end_at or start_at + length
        self.step, self.step_start_at, self.error, self.updated_at = None, None, None, at
        if start_at == old:
            return None
        self._remind_next(at)
        return BookingMoved(
            subject=self.lead_id, booking_id=self.id, old_start_at=old, start_at=start_at, zone=self.zone
        )

    def cancel(self, reason: str | None, at: datetime) -> BookingCancelled | None:
        """Note that the call is off; None where it was not on."""
        on = self.status is BookingStatus.SCHEDULED
        self.status, self.step, self.error, self.updated_at = BookingStatus.CANCELLED, None, None, at
        self.reminder = self.reminder_at = None
        if not on:
            return None
        return BookingCancelled(
            subject=self.lead_id, booking_id=self.id, start_at=self.start_at, zone=self.zone, reason=reason
        )

    def refuse_step(self, reason: str, at: datetime) -> None:
        """Leave the call as it is: the calendar would not move or cancel it."""
        self.step, self.step_start_at, self.error, self.updated_at = None, None, reason, at

    def reminded(self, at: datetime) -> None:
        """Note that the reminder that was due is done, and set the next one."""
        self._remind_next(max(at, self.reminder_at or at))

    def _remind_next(self, after: datetime) -> None:
        due = sorted((self.start_at - before, name) for name, before in REMINDERS if self.start_at - before > after)
        self.reminder_at, self.reminder = due[0] if due else (None, None)

    def _require_standing(self) -> None:
        if self.step is not None:
            raise Conflict("The calendar is still being told of this call; try again in a moment.")
        if self.status is not BookingStatus.SCHEDULED:
            raise Conflict(f"This call is {self.status.value}, so there is nothing to change.")


def asked_time(given: datetime, now: datetime) -> datetime:
    """Read the time that a call is asked for, in UTC and whole seconds; one that no call can be at is `Invalid`."""
    if given.tzinfo is None:
        raise Invalid("Give the time with its zone, such as 2027-03-22T09:30:00Z.", field="start_time")
    if given <= now:
        raise Invalid("A call can only be at a time yet to come.", field="start_time")
    if given > now + FURTHEST:
        raise Invalid("A call can be at most five years ahead.", field="start_time")
    # Calendars keep no fractions: with one, a moved call would never be seen to be where it was put.
    return given.astimezone(UTC).replace(microsecond=0)
