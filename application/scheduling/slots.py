"""Free times in the calendar, in the zone of whoever is to be called."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from application.ports import Actor, UnitOfWork
from application.provider import Capabilities, ProviderError
from application.scheduling.booking_forms import AvailabilityView, CheckAvailability, SlotView
from application.scheduling.calendar import Account, Calendar, CalendarAccounts, Slot
from application.scheduling.leads import BookedLeads
from domain.identity.role import Permission
from domain.kernel import Invalid

OFFERED = 5
LOOK_AHEAD = timedelta(days=14)
REACH = range(2000, 3000)


@dataclass(frozen=True)
class Slots:
    """Ask the calendar what is free."""

    actor: Actor
    uow: UnitOfWork
    leads: BookedLeads
    accounts: CalendarAccounts
    capabilities: Capabilities
    calendar: Calendar

    async def on(self, asked: CheckAvailability) -> AvailabilityView:
        """List what is free on a day, as clocks show it in a zone."""
        self.actor.require(Permission.BOOKINGS_READ)
        given = None if asked.timezone is None else _zone(asked.timezone)
        async with self.uow.reading():
            await self.capabilities.require("booking")
            account = await self.accounts.current()
            theirs = None if asked.lead_id is None else (await self.leads.attendee(asked.lead_id)).zone
        zone = given or _zone(theirs or account.zone)
        since, until = _day(asked.date, zone)
        found = await self.calendar.free_slots(account, since, until)
        return AvailabilityView(
            date=asked.date, timezone=zone.key, slots=[_shown(slot, zone) for slot in _within(found, since, until)]
        )

    async def after(self, start: datetime, limit: int = OFFERED) -> list[Slot]:
        """Give the next free times from one on that is not free; none where the calendar does not tell."""
        self.actor.require(Permission.BOOKINGS_READ)
        async with self.uow.reading():
            account = await self.accounts.current()
        return await self._next(account, start, limit)

    async def _next(self, account: Account, since: datetime, limit: int) -> list[Slot]:
        until = since + LOOK_AHEAD
        try:
            found = await self.calendar.free_slots(account, since, until)
        except ProviderError:
            return []
        return _within(found, since, until)[:limit]


def _within(found: Sequence[Slot], since: datetime, until: datetime) -> list[Slot]:
    return sorted((slot for slot in found if since <= slot.start < until), key=lambda slot: slot.start)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid("This is not an IANA time zone such as Europe/London.", field="timezone") from None


def _day(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    if day.year not in REACH:
        raise Invalid("No calendar reaches that far.", field="date")
    start = datetime.combine(day, time(0), zone)
    return start.astimezone(UTC), datetime.combine(day + timedelta(days=1), time(0), zone).astimezone(UTC)


def _shown(slot: Slot, zone: ZoneInfo) -> SlotView:
    return SlotView(
        time=slot.start.astimezone(UTC), local_time=slot.start.astimezone(zone).isoformat(), duration=slot.minutes
    )
