"""Routes of bookings."""

from uuid import UUID

import msgspec

from application.ports import Found, PageRequest
from application.scheduling.booking_forms import (
    AvailabilityView,
    BookCall,
    BookingFilter,
    BookingView,
    CheckAvailability,
    MoveBooking,
)
from application.scheduling.bookings import Bookings
from application.scheduling.slots import Slots
from entrypoints.http.operation import Answer, IfMatch, operation


@operation("POST", "/bookings/availability", "checkAvailability", "List free times for a call", status=200, keyed=False)
async def check_availability(slots: Slots, body: CheckAvailability) -> AvailabilityView:
    """On a day, in the zone that is named, else in the lead's, else in the organisation's."""
    return await slots.on(body)


@operation("GET", "/bookings", "listBookings", "List bookings", shows=BookingView)
async def list_bookings(bookings: Bookings, narrowed: BookingFilter, page: PageRequest) -> Found:
    """The latest call first, of leads that you may see."""
    return await bookings.find(narrowed, page)


@operation("POST", "/bookings", "bookCall", "Book a call", shows=BookingView, also={202: BookingView})
async def book_call(bookings: Bookings, body: BookCall) -> Answer:
    """201 when it stands in the calendar, 202 while that is not known yet; a time that is taken is 409, whose details
    name the next free ones as `next_slot`. The lead is then a person's: CALL_BOOKED, manual mode on, planned texts
    cancelled."""
    shown, settled = await bookings.book(body)
    return Answer(shown, 201 if settled else 202)


@operation("GET", "/bookings/{booking_id:uuid}", "showBooking", "Show a booking", shows=BookingView)
async def show_booking(bookings: Bookings, booking_id: UUID) -> msgspec.Raw:
    """Cancelled and failed ones stay."""
    return await bookings.show(booking_id)


@operation(
    "PATCH", "/bookings/{booking_id:uuid}", "moveBooking", "Move a booking", shows=BookingView, also={202: BookingView}
)
async def move_booking(bookings: Bookings, booking_id: UUID, body: MoveBooking, version: IfMatch) -> Answer:
    """To another free time; 202 while it is not known whether the calendar has done so."""
    shown, settled = await bookings.move(booking_id, body, version)
    return Answer(shown, 200 if settled else 202)


@operation("DELETE", "/bookings/{booking_id:uuid}", "cancelBooking", "Cancel a booking", also={202: BookingView})
async def cancel_booking(bookings: Bookings, booking_id: UUID) -> Answer:
    """The lead is HOT again and stays a person's; 202 while it is not known whether the calendar has done so."""
    if await bookings.cancel(booking_id):
        return Answer(None, 204)
    return Answer(await bookings.show(booking_id), 202)


ROUTES = (check_availability, list_bookings, book_call, show_booking, move_booking, cancel_booking)
