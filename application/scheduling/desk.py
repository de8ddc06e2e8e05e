"""Telling the calendar: written down first, told with no transaction open, asked about when nobody knows."""

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from application.agenda import Agenda
from application.ports import Actor, Clock, UnitOfWork, effect
from application.provider import NotConfigured, ProviderError, Rejected, Unavailable, Unknown
from application.scheduling.calendar import (
    CALL_LIMIT,
    PROVIDER_LIMIT,
    Account,
    Calendar,
    CalendarAccounts,
    Call,
    Sought,
    Wanted,
)
from application.scheduling.effects import SETTLE, Effects
from application.scheduling.leads import Attendee, BookedLeads
from application.scheduling.store import BookingStore
from domain.identity.role import Permission
from domain.kernel import NotFound
from domain.scheduling.booking import Booking, BookingStatus, Step

RETRY = timedelta(seconds=30)
MARGIN = timedelta(seconds=0.5)  # the hand-over begins a little later than its unit of work
MOST_ATTEMPTS = 12
_Told = Call | ProviderError | None


@dataclass(frozen=True)
class CalendarDesk:
    """Bring calendar and bookings into step."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    agenda: Agenda
    bookings: BookingStore
    accounts: CalendarAccounts
    leads: BookedLeads
    calendar: Calendar
    effects: Effects

    @effect
    async def settle(self) -> None:
        """Take up what a dead process left, what could not be told, and what nobody knows of."""
        async with self.uow.reading():
            waiting = await self.bookings.unsettled()
        for booking_id in waiting:
            with suppress(NotFound):  # erased meanwhile
                await self.tell(booking_id)
        async with self.uow:
            await self.agenda.lock(SETTLE)
            if await self.bookings.unsettled():
                await self.agenda.no_later_than(SETTLE, self.clock.now() + RETRY)
            else:
                await self.agenda.clear(SETTLE)

    async def tell(self, booking_id: UUID) -> Booking:
        """Tell the calendar what it is yet to be told of a booking, or ask how that stands; gives how it is then."""
        self.actor.require(Permission.BOOKINGS_WRITE)
        async with self.uow:
            booking = await self.bookings.locked(booking_id)
            if booking.step is None or await self.bookings.under_way(booking_id, PROVIDER_LIMIT):
                return booking
            since = booking.handed_at
            if since is None:
                booking.attempts += 1
                await self.bookings.save(booking)
                await self.bookings.hand(booking)
            # Whoever dies from here on, the schedule comes back to it. Last, since all who book share this row.
            await self.agenda.no_later_than(SETTLE, self.clock.now() + PROVIDER_LIMIT + MARGIN)
            ends = time.monotonic() + PROVIDER_LIMIT.total_seconds()
        # A request's first block stays open until the next one begins, for its answer: this one lets it be committed.
        async with self.uow.reading():
            attendee = await self.leads.attendee(booking.lead_id)
            account = await self._account(booking)
        if isinstance(account, Unavailable):
            told: _Told = account
        elif since is None:
            told = await self._tell(account, booking, attendee, ends)
        else:
            told = await self._ask(account, booking, since)
        async with self.uow:
            await self.leads.lock(booking.lead_id)
            latest = await self.bookings.locked(booking_id)
            if latest.step is booking.step and latest.handed_at == booking.handed_at:
                await self._write(latest, told, asked=since is not None)
            return latest

    async def _account(self, booking: Booking) -> Account | Unavailable:
        try:
            return await self.accounts.of(booking)
        except NotConfigured as refusal:
            return Unavailable(reason=refusal.message)

    async def _tell(self, account: Account, booking: Booking, attendee: Attendee, ends: float) -> _Told:
        if time.monotonic() + CALL_LIMIT.total_seconds() > ends:
            return Unavailable(0, "The process slept before the call.")
        try:
            match booking.step:
                case Step.BOOK:
                    return await self.calendar.book(account, _wanted(booking, attendee))
                case Step.MOVE:
                    assert booking.uid is not None
                    assert booking.step_start_at is not None
                    return await self.calendar.move(account, booking.uid, booking.step_start_at)
                case _:
                    assert booking.uid is not None
                    await self.calendar.cancel(account, booking.uid, "Cancelled by the organiser.")
                    return _cancelled(booking)
        except ProviderError as error:
            return error

    async def _ask(self, account: Account, booking: Booking, since: datetime) -> _Told:
        sought = Sought(key=str(booking.id), uid=booking.uid, since=since - timedelta(minutes=1))
        try:
            return await self.calendar.find(account, sought)
        except ProviderError as error:
            return Unavailable(getattr(error, "retry_after", None), error.reason)

    async def _write(self, booking: Booking, told: _Told, *, asked: bool) -> None:
        now = self.clock.now()
        match told:
            case Call():
                await self._take(booking, told, now)
            case Rejected() if not asked:
                await self._refuse(booking, told.reason, now)
            case Unknown():
                await self.agenda.no_later_than(SETTLE, now + PROVIDER_LIMIT)
            case Unavailable() if asked and not _is_past(booking, now):
                await self.agenda.no_later_than(SETTLE, now + RETRY)
            case None if booking.is_unwanted():
                await self.effects.cancel(booking, None, now)
            case ProviderError() if booking.is_unwanted():
                await self._refuse(booking, told.reason, now)
            case _:
                wait = 0 if told is None else getattr(told, "retry_after", None)
                reason = "The calendar does not have it." if told is None else told.reason
                await self._again(booking, reason, RETRY if wait is None else timedelta(seconds=wait), now)

    async def _take(self, booking: Booking, call: Call, now: datetime) -> None:
        """Follow the calendar as far as it has come; what it has not done yet it is told again."""
        match booking.step:
            case Step.BOOK:
                await self.effects.make(booking, call, now)
                if call.is_cancelled:
                    await self.effects.cancel(booking, None, now)
            case _ if call.is_cancelled:
                await self.effects.cancel(booking, None, now)
            case Step.MOVE if call.start == booking.step_start_at:
                await self.effects.move(booking, call.uid, call.start, call.end, now)
            case _:
                booking.uid = call.uid
                await self.bookings.name(booking.id, (call.uid,))
                await self._again(booking, "The calendar has not done it yet.", timedelta(0), now)

    async def _again(self, booking: Booking, reason: str, wait: timedelta, now: datetime) -> None:
        late = _is_past(booking, now) and booking.step is not Step.CANCEL
        if late or booking.attempts >= MOST_ATTEMPTS:
            await self._refuse(booking, reason, now)
            return
        booking.handed_at, booking.error = None, reason
        await self.bookings.save(booking)
        await self.agenda.no_later_than(SETTLE, now + wait)

    async def _refuse(self, booking: Booking, reason: str, now: datetime) -> None:
        if booking.status is BookingStatus.REQUESTED:
            self.uow.publish(booking.fail(reason, now))
        else:
            booking.refuse_step(reason, now)
        await self.bookings.save(booking)


def _is_past(booking: Booking, now: datetime) -> bool:
    return (booking.step_start_at or booking.start_at) <= now


def _wanted(booking: Booking, attendee: Attendee) -> Wanted:
    return Wanted(
        key=str(booking.id),
        start=booking.start_at,
        name=attendee.name,
        email=attendee.email,
        phone=attendee.phone,
        zone=booking.zone,
        lead_id=booking.lead_id,
        notes=booking.notes,
    )


def _cancelled(booking: Booking) -> Call:
    assert booking.uid is not None
    return Call(uid=booking.uid, start=booking.start_at, end=booking.end_at or booking.start_at, is_cancelled=True)
