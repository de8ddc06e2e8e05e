"""The sandbox provider's calendar: routes beside those for texts, on the same port, with the same token."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery, JSONBody

from adapters.booking.sandbox_diary import Diary
from adapters.booking.sandbox_records import BookedCall, BookingChange, BookingOrder, FreeSlot
from adapters.sms.sandbox_carrier import Expired
from domain.kernel import Conflict, Invalid, NotFound

_HANG_SECONDS: Final = 60


def diary_of(request: Request[Any, Any, State]) -> Diary:
    """Give the calendar that the application was made with."""
    diary = request.app.state.diary
    assert isinstance(diary, Diary)
    return diary


def _refused(status: int, code: str, message: str) -> Response[Any]:
    headers = {"retry-after": "1"} if status in (429, 503) else {}
    return Response({"code": code, "message": message}, status_code=status, headers=headers)


async def _hang(request: Request[Any, Any, State]) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(request.app.state.carrier.closing.wait(), _HANG_SECONDS)


async def _do(request: Request[Any, Any, State], key: str, work: Callable[[], Awaitable[BookedCall]]) -> Response[Any]:
    faults = diary_of(request).faults.draw(key)
    if "rate_limited" in faults:
        return _refused(429, "rate_limited", "Too many bookings at once.")
    if "server_error" in faults:
        return _refused(503, "server_error", "The calendar is unwell.")
    if "timeout_before_accept" in faults:
        await _hang(request)
        return _refused(503, "server_error", "The calendar took too long.")
    try:
        call = await work()
    except Conflict as refusal:
        return _refused(409, "not_free", refusal.message)
    except NotFound as refusal:
        return _refused(404, "not_found", refusal.message)
    except Invalid as refusal:
        return _refused(422, "invalid", refusal.message)
    except Expired:
        return _refused(408, "expired", "The booking arrived after its sender had stopped waiting.")
    except OSError:
        return _refused(503, "storage", "The calendar could not keep the booking.")
    if "timeout_after_accept" in faults:
        await _hang(request)
    return Response(call, status_code=201)


@get("/calendar/slots")
async def list_slots(
    request: Request[Any, Any, State],
    organization_id: FromQuery[UUID],
    since: FromQuery[datetime],
    until: FromQuery[datetime],
    zone: FromQuery[str],
) -> dict[str, list[FreeSlot]]:
    """List what is free and begins in a span."""
    return {"data": diary_of(request).free(organization_id, since, until, zone)}


@post("/calendar/bookings")
async def book_call(request: Request[Any, Any, State], data: JSONBody[BookingOrder]) -> Response[Any]:
    """Take a call, or show a fault that was ordered."""
    return await _do(request, data.key, lambda: diary_of(request).book(data))


@post("/calendar/bookings/{uid:str}/change")
async def change_call(
    request: Request[Any, Any, State], uid: FromPath[str], data: JSONBody[BookingChange]
) -> Response[Any]:
    """Put a call to another time, or off."""
    return await _do(request, uid, lambda: diary_of(request).change(uid, data))


@get("/calendar/bookings")
async def list_calls(
    request: Request[Any, Any, State],
    organization_id: FromQuery[UUID | None] = None,
    key: FromQuery[str | None] = None,
    uid: FromQuery[str | None] = None,
) -> dict[str, list[BookedCall]]:
    """List calls as they are now, newest first: all, or those of a key, or the one of a name."""
    diary = diary_of(request)
    if organization_id is not None and key is not None:
        return {"data": await diary.by_key(organization_id, key)}
    if organization_id is not None and uid is not None:
        call = diary.by_uid(organization_id, uid)
        return {"data": [] if call is None else [call]}
    return {"data": diary.calls(organization_id)}


CALENDAR_ROUTES = (list_slots, book_call, change_call, list_calls)
