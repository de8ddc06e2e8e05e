"""The sandbox's calendar: working hours, half an hour a call, kept in its own file; no two calls at one time."""

import secrets
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from adapters.booking.sandbox_records import BookedCall, BookingChange, BookingOrder, FreeSlot, encode
from adapters.sms.sandbox_carrier import Expired
from adapters.sms.sandbox_faults import Faults
from adapters.sms.sandbox_journal import Journal
from domain.kernel import Conflict, Invalid, NotFound

LENGTH: Final = timedelta(minutes=30)
OPENS, CLOSES, LUNCH = time(9), time(17), time(13)
LONGEST: Final = timedelta(days=62)


class Diary:
    """Keep `bookings.jsonl` in a folder that the carrier has locked: one line each time a call changes."""

    def __init__(self, folder: Path, seed: str, now: Callable[[], datetime]) -> None:
        self.faults = Faults(f"{seed} calendar")
        self._now = now
        self._journal = Journal(folder / "bookings.jsonl", durable=True)
        self._calls: dict[str, BookedCall] = {}
        self._first: dict[str, str] = {}
        self._taken: dict[tuple[UUID, datetime], str] = {}
        decoder = msgspec.json.Decoder(BookedCall)
        for line in self._journal.lines():
            self._remember(decoder.decode(line))

    async def close(self) -> None:
        """Keep what is waiting, then close the file."""
        await self._journal.close()

    def free(self, organization_id: UUID, since: datetime, until: datetime, zone: str) -> list[FreeSlot]:
        """List what is free and begins in a span, in the working hours of a zone."""
        if until - since > LONGEST:
            raise Invalid("At most 62 days may be asked about at once.", field="until")
        first, where = max(since, self._now()), _zone(zone)
        day, last = first.astimezone(where).date(), until.astimezone(where).date()
        found: list[FreeSlot] = []
        while day <= last:
            found += [
                FreeSlot(start, start + LENGTH)
                for start in _hours(day, where)
                if first <= start < until and (organization_id, start) not in self._taken
            ]
            day += timedelta(days=1)
        return found

    async def book(self, order: BookingOrder) -> BookedCall:
        """Take a call, once it is on disk; the same key again is another call.

        Raises `Conflict` where the time is not free, `Expired`, and OSError when it could not be kept.
        """
        _require_waiting(order.give_up_at)
        self._require_free(order.organization_id, order.start, order.zone)
        return await self._keep(
            BookedCall(
                uid=secrets.token_urlsafe(16),
                organization_id=order.organization_id,
                key=order.key,
                start=order.start.astimezone(UTC),
                end=order.start.astimezone(UTC) + LENGTH,
                name=order.name,
                attendee_zone=order.attendee_zone,
                lead_id=order.lead_id,
                email=order.email,
                phone=order.phone,
                status="accepted",
                was=None,
                at=self._now(),
            )
        )

    async def change(self, uid: str, change: BookingChange) -> BookedCall:
        """Put a call to another time, under a new name, or off; one that is off stays so."""
        _require_waiting(change.give_up_at)
        call = self.by_uid(change.organization_id, uid)
        if call is None:
            raise NotFound("There is no such booking.")
        if call.status == "cancelled":
            if change.start is not None:
                raise Conflict("This booking was cancelled.")
            return call
        if change.start is None:
            return await self._keep(
                msgspec.structs.replace(call, status="cancelled", at=self._now(), reason=change.reason)
            )
        self._require_free(change.organization_id, change.start, change.zone)
        start = change.start.astimezone(UTC)
        return await self._keep(
            msgspec.structs.replace(
                call, uid=secrets.token_urlsafe(16), was=call.uid, start=start, end=start + LENGTH, at=self._now()
            )
        )

    def by_uid(self, organization_id: UUID, uid: str) -> BookedCall | None:
        """Give a call by any name it ever had, as it is now."""
        call = self._calls.get(self._first.get(uid, ""))
        return call if call is not None and call.organization_id == organization_id else None

    async def by_key(self, organization_id: UUID, key: str) -> list[BookedCall]:
        """List the calls booked with a key, as they are now, also those just being written."""
        await self._journal.settle()
        return [call for call in self.calls(organization_id) if call.key == key]

    def calls(self, organization_id: UUID | None) -> list[BookedCall]:
        """List calls as they are now, newest first."""
        found = [call for call in self._calls.values() if organization_id in (None, call.organization_id)]
        return sorted(found, key=lambda call: call.at, reverse=True)

    async def _keep(self, call: BookedCall) -> BookedCall:
        """Hold the time at once, so that nobody else gets it meanwhile, and give it back where it was not kept."""
        known = self._remember(call)
        try:
            await self._journal.append(encode(call))
        except OSError:
            self._forget(call, known)
            raise
        return call

    def _remember(self, call: BookedCall) -> BookedCall | None:
        """Note how a call is now; gives how it was."""
        first = self._first.setdefault(call.uid, self._first.get(call.was or "", call.uid))
        known = self._calls.get(first)
        if known is not None:
            self._taken.pop((known.organization_id, known.start), None)
        self._calls[first] = call
        if call.status == "accepted":
            self._taken[call.organization_id, call.start] = first
        return known

    def _forget(self, call: BookedCall, known: BookedCall | None) -> None:
        first = self._first[call.uid]
        self._taken.pop((call.organization_id, call.start), None)
        if known is None:
            del self._calls[first], self._first[call.uid]
            return
        self._calls[first] = known
        self._taken[known.organization_id, known.start] = first

    def _require_free(self, organization_id: UUID, start: datetime, zone: str) -> None:
        if not any(slot.start == start for slot in self.free(organization_id, start, start + LENGTH, zone)):
            raise Conflict("This time is not free.")


def _hours(day: date, where: ZoneInfo) -> list[datetime]:
    if day.weekday() > 4:
        return []
    start, found = datetime.combine(day, OPENS, where), []
    while start.time() < CLOSES:
        if not LUNCH <= start.time() < time(14):
            found.append(start.astimezone(UTC))
        start += LENGTH
    return found


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid("There is no such time zone.", field="zone") from None


def _require_waiting(give_up_at: datetime | None) -> None:
    if give_up_at is not None and give_up_at < datetime.now(UTC):
        raise Expired
