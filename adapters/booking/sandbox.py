"""A calendar at the sandbox provider, over HTTP as with any other."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import msgspec

from adapters.booking.sandbox_records import BookedCall, BookingChange, BookingOrder, FreeSlot, encode
from adapters.egress.waits import retry_after
from application.provider import Rejected, Unavailable, Unknown
from application.scheduling.calendar import Account, Call, Slot, Sought, Wanted

PROVIDER: Final = "sandbox"
_CONNECT_SECONDS: Final = 2.0
_TOTAL_SECONDS: Final = 5.0


class _Refused(msgspec.Struct):
    code: str = "rejected"
    message: str = "The sandbox's calendar refused this."


class _Slots(msgspec.Struct):
    data: list[FreeSlot]


class _Calls(msgspec.Struct):
    data: list[BookedCall]


@dataclass(frozen=True, slots=True)
class SandboxCalendar:
    """Implement `Calendar`; `client` is shared and owned by the caller, `total_seconds` limits a whole call."""

    client: httpx.AsyncClient
    base_url: str
    token: str
    total_seconds: float = _TOTAL_SECONDS

    async def free_slots(self, account: Account, since: datetime, until: datetime) -> list[Slot]:
        """List what is free."""
        asked = {
            "organization_id": str(account.organization_id),
            "since": since.isoformat(),
            "until": until.isoformat(),
            "zone": account.zone,
        }
        found = await self._read("/calendar/slots", asked, _Slots)
        return [Slot(slot.start, slot.end) for slot in found.data]

    async def book(self, account: Account, wanted: Wanted) -> Call:
        """Book a call."""
        order = BookingOrder(
            organization_id=account.organization_id,
            key=wanted.key,
            start=wanted.start,
            zone=account.zone,
            name=wanted.name,
            attendee_zone=wanted.zone,
            lead_id=wanted.lead_id,
            email=wanted.email,
            phone=wanted.phone,
            notes=wanted.notes,
            give_up_at=self._end(),
        )
        return await self._write("/calendar/bookings", order)

    async def move(self, account: Account, uid: str, start: datetime) -> Call:
        """Put a call to another time."""
        change = BookingChange(
            organization_id=account.organization_id, zone=account.zone, start=start, give_up_at=self._end()
        )
        return await self._write(f"/calendar/bookings/{uid}/change", change)

    async def cancel(self, account: Account, uid: str, reason: str) -> None:
        """Cancel a call."""
        change = BookingChange(
            organization_id=account.organization_id, zone=account.zone, reason=reason, give_up_at=self._end()
        )
        await self._write(f"/calendar/bookings/{uid}/change", change)

    async def find(self, account: Account, sought: Sought) -> Call | None:
        """Ask by name, or by key."""
        asked = {"organization_id": str(account.organization_id)}
        asked |= {"key": sought.key} if sought.uid is None else {"uid": sought.uid}
        found = (await self._read("/calendar/bookings", asked, _Calls)).data
        return _call(found[0]) if found else None

    async def _read(self, path: str, asked: dict[str, str], kind: type[Any]) -> Any:
        try:
            async with asyncio.timeout(self.total_seconds):
                answer = await self.client.get(
                    f"{self.base_url}{path}", params=asked, headers=self._headers(), timeout=self._timeout()
                )
            answer.raise_for_status()
            return msgspec.json.decode(answer.content, type=kind)
        except (httpx.HTTPError, TimeoutError, msgspec.DecodeError) as error:
            raise Unavailable from error

    async def _write(self, path: str, body: BookingOrder | BookingChange) -> Call:
        try:
            async with asyncio.timeout(self.total_seconds):
                answer = await self.client.post(
                    f"{self.base_url}{path}", content=encode(body), headers=self._headers(), timeout=self._timeout()
                )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unavailable from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unknown(f"The sandbox's calendar did not answer ({type(error).__name__}).") from error
        if answer.status_code != 201:
            raise _failure(answer)
        try:
            return _call(msgspec.json.decode(answer.content, type=BookedCall))
        except msgspec.DecodeError as error:
            raise Unknown("The answer of the sandbox's calendar cannot be read.") from error

    def _end(self) -> datetime:
        # Past this the call has failed here: a calendar that was asleep must not take it on waking.
        return datetime.now(UTC) + timedelta(seconds=self.total_seconds)

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}", "content-type": "application/json"}

    def _timeout(self) -> httpx.Timeout:
        return httpx.Timeout(self.total_seconds, connect=min(_CONNECT_SECONDS, self.total_seconds))


def _call(booked: BookedCall) -> Call:
    return Call(
        uid=booked.uid,
        start=booked.start,
        end=booked.end,
        title=f"Call with {booked.name}",
        is_cancelled=booked.status == "cancelled",
    )


def _failure(answer: httpx.Response) -> Rejected | Unavailable | Unknown:
    if answer.status_code in (408, 429, 503):
        return Unavailable(retry_after(answer.headers))
    if answer.status_code in (401, 403):
        return Unavailable(reason="The sandbox provider does not know this installation's token.")
    if 400 <= answer.status_code < 500:
        try:
            refused = msgspec.json.decode(answer.content, type=_Refused)
        except msgspec.DecodeError:
            refused = _Refused()
        return Rejected(refused.code, refused.message, permanent=False)
    return Unknown(f"The sandbox's calendar answered {answer.status_code}.")
