"""Calls: a working day to come, a call booked, the calendar, and what is open taken up."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Cause
from application.ports import Actor
from application.scheduling.calendar import Calendar
from application.scheduling.desk import CalendarDesk
from tests.calendars import DiaryCalendar
from tests.http.conftest import Client
from tests.http.sales_world import World

LONDON = ZoneInfo("Europe/London")


def next_day(days: int = 7) -> datetime:
    """Give nine o'clock in London on a working day to come."""
    at = datetime.now(LONDON).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=days)
    while at.weekday() > 4:
        at += timedelta(days=1)
    return at.astimezone(UTC)


def wire(at: datetime) -> str:
    """Write a time as answers do."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def book(client: Client, lead: dict[str, Any], start: datetime, **more: Any) -> Any:
    """Ask for a call; gives the answer."""
    return await client.post("/bookings", json={"lead_id": lead["id"], "start_time": start.isoformat(), **more})


@pytest.fixture
async def calendar(house: AsyncContainer) -> DiaryCalendar:
    """Give the calendar, in good order."""
    found = await house.get(Calendar)
    assert isinstance(found, DiaryCalendar)
    found.failures.clear()
    found.told.clear()
    return found


async def settle(house: AsyncContainer, world: World, organization_id: UUID) -> None:
    """Let the schedule take up what is open, as if the time for it had passed."""
    await world.fetch("UPDATE bookings SET handed_at = handed_at - interval '1 minute' WHERE organization_id = $1")
    async with house({Actor: Actor.system(organization_id), Cause: Cause()}) as scope:
        await (await scope.get(CalendarDesk)).settle()
