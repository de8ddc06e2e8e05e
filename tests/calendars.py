"""A calendar in the test's own process: the sandbox's books, without its HTTP face; fails on demand."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from dishka import Provider, Scope, provide

from adapters.booking.sandbox_diary import Diary
from adapters.booking.sandbox_records import BookedCall, BookingChange, BookingOrder
from application.provider import ProviderError, Rejected
from application.scheduling.calendar import Account, Calendar, Call, Slot, Sought, Wanted
from domain.kernel import Conflict, NotFound


@dataclass
class DiaryCalendar:
    """Implement `Calendar`; each of `failures` is raised once, before or after the calendar took the call."""

    diary: Diary
    failures: list[tuple[ProviderError, bool]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)

    async def free_slots(self, account: Account, since: datetime, until: datetime) -> list[Slot]:
        """List what is free."""
        found = self.diary.free(account.organization_id, since, until, account.zone)
        return [Slot(slot.start, slot.end) for slot in found]

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
        )
        return await self._do(account, "book", lambda: self.diary.book(order))

    async def move(self, account: Account, uid: str, start: datetime) -> Call:
        """Put a call to another time."""
        change = BookingChange(organization_id=account.organization_id, zone=account.zone, start=start)
        return await self._do(account, "move", lambda: self.diary.change(uid, change))

    async def cancel(self, account: Account, uid: str, reason: str) -> None:
        """Cancel a call."""
        change = BookingChange(organization_id=account.organization_id, zone=account.zone, reason=reason)
        await self._do(account, "cancel", lambda: self.diary.change(uid, change))

    async def find(self, account: Account, sought: Sought) -> Call | None:
        """Ask by name, or by key."""
        self.told.append("find")
        if sought.uid is not None:
            found = self.diary.by_uid(account.organization_id, sought.uid)
        else:
            found = next(iter(await self.diary.by_key(account.organization_id, sought.key)), None)
        return None if found is None else _call(found)

    async def _do(self, account: Account, what: str, work: Callable[[], Awaitable[BookedCall]]) -> Call:
        self.told.append(what)
        self.accounts.append(account)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None and not failure[1]:
            raise failure[0]
        try:
            call = await work()
        except Conflict as refusal:
            raise Rejected("not_free", refusal.message, permanent=False) from None
        except NotFound as refusal:
            raise Rejected("not_found", refusal.message, permanent=False) from None
        if failure is not None:
            raise failure[0]
        return _call(call)


def _call(booked: BookedCall) -> Call:
    return Call(
        uid=booked.uid,
        start=booked.start,
        end=booked.end,
        title=f"Call with {booked.name}",
        is_cancelled=booked.status == "cancelled",
    )


class DiaryOfTests(Provider):
    """Bind `Calendar` to books in a folder of their own."""

    @provide(scope=Scope.APP)
    async def calendar(self) -> AsyncIterator[Calendar]:
        """Open the books."""
        with tempfile.TemporaryDirectory(prefix="rapport-diary-") as folder:
            diary = Diary(Path(folder), "test", lambda: datetime.now(UTC))
            yield DiaryCalendar(diary)
            await diary.close()
