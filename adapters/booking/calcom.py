"""Cal.com's API v2: each endpoint has a version of its own, and none knows idempotency, so our key lies in metadata."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from adapters.egress.waits import retry_after
from application.provider import ProviderError, Rejected, Unavailable, Unknown
from application.scheduling.calendar import CALL_LIMIT, Account, Call, Slot, Sought, Wanted

T = TypeVar("T")
PROVIDER: Final = "calcom"
API_URL: Final = "https://api.cal.com"
KEY, LEAD, ORGANIZATION = "rapport_booking", "lead_id", "rapport_organization"
"""What our bookings carry as metadata, and webhooks bring back."""
_SLOTS, _BOOKINGS = "2024-09-04", "2024-08-13"
_CONNECT_SECONDS: Final = 2.0
_PAGE, _MOST_PAGES, _MOST_MOVES = 100, 5, 20
_LATE = timedelta(minutes=10)  # how long after we gave up Cal.com may still have entered a booking


class _Range(msgspec.Struct):
    start: datetime
    end: datetime


class _Ranges(msgspec.Struct):
    data: dict[str, list[_Range]]


class _Booking(msgspec.Struct, rename="camel"):
    uid: str
    status: str
    start: datetime
    end: datetime
    title: str | None = None
    location: str | None = None
    rescheduled_to_uid: str | None = None
    metadata: dict[str, Any] | None = None


class _Booked(msgspec.Struct):
    data: _Booking


class _Message(msgspec.Struct):
    message: str = ""


class _Problem(msgspec.Struct):
    error: _Message = msgspec.field(default_factory=_Message)


class _Keyed(msgspec.Struct):
    uid: str = ""
    metadata: dict[str, Any] | None = None


class _Items(msgspec.Struct):
    data: list[_Keyed]


@dataclass(frozen=True, slots=True)
class CalcomCalendar:
    """Implement `Calendar`; `client` is shared and owned by the caller, `total_seconds` limits a whole call."""

    client: httpx.AsyncClient
    api_url: str = API_URL
    total_seconds: float = CALL_LIMIT.total_seconds() - 0.5

    async def free_slots(self, account: Account, since: datetime, until: datetime) -> list[Slot]:
        """List what is free, at most what Cal.com lets be asked at once."""
        asked = {
            "eventTypeId": str(account.event_type_id),
            "start": _utc(since),
            "end": _utc(until),
            "timeZone": "UTC",
            "format": "range",
        }
        answer = await self._limited(self._call(account, "GET", "/slots", _SLOTS, params=asked))
        days = _read(answer, _Ranges).data.values()
        return sorted((Slot(r.start, r.end) for day in days for r in day), key=lambda slot: slot.start)

    async def book(self, account: Account, wanted: Wanted) -> Call:
        """Book a call, without asking whether it was booked before: that is `find`'s."""
        attendee = {"name": wanted.name, "timeZone": wanted.zone}
        attendee |= {"email": wanted.email} if wanted.email else {}
        attendee |= {"phoneNumber": wanted.phone} if wanted.phone else {}
        body: dict[str, Any] = {
            "start": _utc(wanted.start),
            "eventTypeId": account.event_type_id,
            "attendee": attendee,
            "metadata": {
                KEY: wanted.key,
                LEAD: str(wanted.lead_id),
                ORGANIZATION: str(account.organization_id),
            },
        }
        if wanted.notes:
            body["bookingFieldsResponses"] = {"notes": wanted.notes}
        return await self._limited(self._written(account, "/bookings", body))

    async def move(self, account: Account, uid: str, start: datetime) -> Call:
        """Put a call to another time; Cal.com makes another booking of it."""
        return await self._limited(
            self._written(account, f"/bookings/{quote(uid, safe='')}/reschedule", {"start": _utc(start)})
        )

    async def cancel(self, account: Account, uid: str, reason: str) -> None:
        """Cancel a call; Cal.com refuses to cancel twice, so a refusal is looked into."""

        async def cancelled() -> None:
            try:
                path = f"/bookings/{quote(uid, safe='')}/cancel"
                await self._call(account, "POST", path, _BOOKINGS, json={"cancellationReason": reason})
            except Rejected:
                found = await self._named(account, uid)
                if found is None or found.status != "cancelled":
                    raise

        await self._limited(cancelled())

    async def find(self, account: Account, sought: Sought) -> Call | None:
        """Ask by name, or look through what was made since then for our key."""
        try:
            found = await self._limited(self._sought(account, sought))
        except Unknown as error:
            raise Unavailable(reason=error.reason) from error
        return None if found is None else self._as_call(found)

    async def _sought(self, account: Account, sought: Sought) -> _Booking | None:
        uid = sought.uid or await self._uid_of(account, sought)
        return None if uid is None else await self._named(account, uid)

    async def _named(self, account: Account, uid: str) -> _Booking | None:
        """Give a booking as it is under its latest name."""
        for _ in range(_MOST_MOVES):
            try:
                answer = await self._call(account, "GET", f"/bookings/{quote(uid, safe='')}", _BOOKINGS)
            except Rejected as error:
                if error.code == "404":
                    return None
                raise
            booking: _Booking = _read(answer, _Booked).data
            if booking.rescheduled_to_uid is None:
                return booking
            uid = booking.rescheduled_to_uid
        raise Unavailable(reason="This booking was moved too often to be followed.")

    async def _uid_of(self, account: Account, sought: Sought) -> str | None:
        for page in range(_MOST_PAGES):
            asked = {
                "eventTypeId": str(account.event_type_id),
                "afterCreatedAt": _utc(sought.since),
                "beforeCreatedAt": _utc(sought.since + _LATE),
                "sortCreated": "asc",
                "take": str(_PAGE),
                "skip": str(page * _PAGE),
            }
            items = _read(await self._call(account, "GET", "/bookings", _BOOKINGS, params=asked), _Items).data
            for item in items:
                if (item.metadata or {}).get(KEY) == sought.key:
                    return str(item.uid)
            if len(items) < _PAGE:
                return None
        raise Unavailable(reason="Cal.com has too many new bookings to look through.")

    async def _written(self, account: Account, path: str, body: dict[str, Any]) -> Call:
        answer = await self._call(account, "POST", path, _BOOKINGS, json=body)
        return self._as_call(_read(answer, _Booked).data)

    async def _limited(self, work: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self.total_seconds):
                return await work
        except TimeoutError as error:
            raise Unknown("Cal.com did not answer in time.") from error

    async def _call(self, account: Account, method: str, path: str, version: str, **options: Any) -> httpx.Response:
        try:
            answer = await self.client.request(
                method,
                f"{self.api_url}/v2{path}",
                headers={"authorization": f"Bearer {account.api_key}", "cal-api-version": version},
                timeout=httpx.Timeout(self.total_seconds, connect=min(_CONNECT_SECONDS, self.total_seconds)),
                **options,
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unavailable(reason="Cal.com cannot be reached.") from error
        except httpx.HTTPError as error:
            raise Unknown(f"Cal.com did not answer ({type(error).__name__}).") from error
        if answer.is_success:
            return answer
        raise _failure(answer, writes=method == "POST")

    def _as_call(self, booking: _Booking) -> Call:
        url = booking.location if (booking.location or "").startswith("https://") else None
        if url is None and self.api_url == API_URL:
            url = f"https://app.cal.com/booking/{booking.uid}"
        return Call(
            uid=booking.uid,
            start=booking.start,
            end=booking.end,
            title=booking.title,
            url=url,
            is_cancelled=booking.status in ("cancelled", "rejected"),
        )


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(answer: httpx.Response, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except msgspec.DecodeError as error:
        raise Unknown("Cal.com's answer cannot be read.") from error


def _failure(answer: httpx.Response, *, writes: bool) -> ProviderError:
    status = answer.status_code
    if status == 429:
        return Unavailable(retry_after(answer.headers), "Cal.com asks for fewer calls.")
    if status in (401, 403):
        return Rejected(str(status), "Cal.com does not take this API key.", permanent=False)
    if status >= 500 or status == 408 or status < 400:
        reason = f"Cal.com answered {status}."
        return Unknown(reason) if writes else Unavailable(reason=reason)
    try:
        said = msgspec.json.decode(answer.content, type=_Problem).error.message
    except msgspec.DecodeError:
        said = ""
    return Rejected(str(status), said[:300] or f"Cal.com refused ({status}).", permanent=False)
