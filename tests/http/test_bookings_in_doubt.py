"""Calls of which the calendar says nothing, and the calendar that each is booked in."""

from datetime import timedelta

import pytest
from dishka import AsyncContainer

from application.provider import Unavailable, Unknown
from application.scheduling.calendar import Calendar
from entrypoints.config import Config
from tests.calendars import DiaryCalendar, DiaryOfTests
from tests.http.calls import book, calendar, next_day, settle, wire
from tests.http.conftest import Client
from tests.http.sales_world import World, enter
from tests.http.twilio_house import twilio_house

__all__ = ["calendar"]
pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("taken", [True, False])
async def test_a_doubtful_booking_is_asked_about(
    owner: Client, house: AsyncContainer, calendar: DiaryCalendar, taken: bool
) -> None:
    world, lead, start = World(house, owner.organization_id), await enter(owner), next_day()
    calendar.failures.append((Unknown("No answer."), taken))
    answer = await book(owner, lead, start)
    assert answer.status_code == 202, answer.text
    booking = answer.json()["data"]
    assert (booking["status"], booking["change"]) == ("requested", "book")
    assert (await owner.get(f"/leads/{lead['id']}")).json()["data"]["call_booked"] is False

    await settle(house, world, owner.organization_id)
    if not taken:
        await settle(house, world, owner.organization_id)

    assert calendar.told == (["book", "find"] if taken else ["book", "find", "book"])
    assert (await owner.get(f"/bookings/{booking['id']}")).json()["data"]["status"] == "scheduled"
    assert (await owner.get(f"/leads/{lead['id']}")).json()["data"]["contact_status"] == "CALL_BOOKED"
    assert len(calendar.diary.calls(owner.organization_id)) == 1
    await settle(house, world, owner.organization_id)
    (due,) = await world.fetch(
        "SELECT next_due_at FROM schedules WHERE organization_id = $1 AND name = 'bookings.settle'"
    )
    assert due["next_due_at"] is None


@pytest.mark.parametrize("taken", [True, False])
async def test_a_doubtful_move_and_a_doubtful_cancellation_are_asked_about(
    owner: Client, house: AsyncContainer, calendar: DiaryCalendar, taken: bool
) -> None:
    world, lead, start = World(house, owner.organization_id), await enter(owner), next_day()
    booking = (await book(owner, lead, start)).json()["data"]
    later = start + timedelta(hours=1)
    calendar.failures.append((Unknown("No answer."), taken))
    answer = await owner.patch(f"/bookings/{booking['id']}", json={"start_time": later.isoformat()})
    assert (answer.status_code, answer.json()["data"]["change"]) == (202, "move")
    for _ in range(2):
        await settle(house, world, owner.organization_id)
    moved = (await owner.get(f"/bookings/{booking['id']}")).json()["data"]
    assert (moved["start_time"], moved["change"]) == (wire(later), None)

    calendar.failures.append((Unknown("No answer."), taken))
    assert (await owner.delete(f"/bookings/{booking['id']}")).status_code == 202
    for _ in range(2):
        await settle(house, world, owner.organization_id)
    assert (await owner.get(f"/bookings/{booking['id']}")).json()["data"]["status"] == "cancelled"
    assert [call.status for call in calendar.diary.calls(owner.organization_id)] == ["cancelled"]
    assert (await owner.get(f"/leads/{lead['id']}")).json()["data"]["contact_status"] == "HOT"


async def test_a_calendar_that_is_away_is_told_later(
    owner: Client, house: AsyncContainer, calendar: DiaryCalendar
) -> None:
    world, lead = World(house, owner.organization_id), await enter(owner)
    calendar.failures.append((Unavailable(), False))
    answer = await book(owner, lead, next_day())
    assert (answer.status_code, answer.json()["data"]["status"]) == (202, "requested")
    await settle(house, world, owner.organization_id)
    assert calendar.told == ["book", "book"]
    assert (await owner.get(f"/leads/{lead['id']}")).json()["data"]["contact_status"] == "CALL_BOOKED"


@pytest.mark.parametrize("taken", [True, False])
async def test_a_doubtful_booking_can_be_cancelled(
    owner: Client, house: AsyncContainer, calendar: DiaryCalendar, taken: bool
) -> None:
    world, lead, start = World(house, owner.organization_id), await enter(owner), next_day()
    calendar.failures.append((Unknown("No answer."), taken))
    path = f"/bookings/{(await book(owner, lead, start)).json()['data']['id']}"
    answer = await owner.delete(path)
    assert (answer.status_code, answer.json()["data"]["change"]) == (202, "cancel"), answer.text
    assert (await owner.delete(path)).status_code == 409
    for _ in range(2):
        await settle(house, world, owner.organization_id)
    found = (await owner.get(path)).json()["data"]
    assert (found["status"], found["change"]) == ("cancelled", None)
    assert calendar.told == (["book", "find", "cancel"] if taken else ["book", "find"])
    assert [call.status for call in calendar.diary.calls(owner.organization_id)] == ["cancelled"] * taken
    shown = (await owner.get(f"/leads/{lead['id']}")).json()["data"]
    assert (shown["call_booked"], shown["contact_status"], shown["manual_mode"]) == (False, "READY", False)
    assert (await book(owner, lead, start)).status_code == 201


async def test_a_booking_that_waits_for_the_calendar_is_cancelled_at_once(
    owner: Client, house: AsyncContainer, calendar: DiaryCalendar
) -> None:
    world, lead, start = World(house, owner.organization_id), await enter(owner), next_day()
    calendar.failures.append((Unavailable(), False))
    path = f"/bookings/{(await book(owner, lead, start)).json()['data']['id']}"
    assert (await owner.delete(path)).status_code == 204
    await settle(house, world, owner.organization_id)
    assert (await owner.get(path)).json()["data"]["status"] == "cancelled"
    assert calendar.told == ["book"]
    assert (await book(owner, lead, start)).status_code == 201


@pytest.mark.parametrize("cancelled", [True, False])
async def test_a_booking_nobody_can_be_asked_about_ends_with_its_time(
    owner: Client, house: AsyncContainer, calendar: DiaryCalendar, monkeypatch: pytest.MonkeyPatch, cancelled: bool
) -> None:
    async def away(*_: object) -> None:
        raise Unavailable(reason="The calendar is away.")

    world, lead = World(house, owner.organization_id), await enter(owner)
    calendar.failures.append((Unknown("No answer."), False))
    monkeypatch.setattr(calendar, "find", away)
    path = f"/bookings/{(await book(owner, lead, next_day())).json()['data']['id']}"
    if cancelled:
        await owner.delete(path)
    await settle(house, world, owner.organization_id)
    assert (await owner.get(path)).json()["data"]["status"] == "requested"
    await world.fetch("UPDATE bookings SET start_at = now() - interval '1 minute' WHERE organization_id = $1")
    await settle(house, world, owner.organization_id)
    found = (await owner.get(path)).json()["data"]
    assert (found["status"], found["change"], found["error"]) == ("failed", None, "The calendar is away.")
    assert (await book(owner, lead, next_day())).status_code == 201


async def test_a_call_is_changed_in_the_calendar_that_it_was_booked_in(owner: Client, config: Config) -> None:
    settings = {
        "RAPPORT_CALCOM_API_KEY": "cal_live_of_the_house",
        "RAPPORT_CALCOM_EVENT_TYPE_ID": "1",
        "RAPPORT_CALCOM_WEBHOOK_SECRET": "whsec",
    }
    own = {"settings": {"event_type_id": 2}, "credentials": {"api_key": "cal_live_of_their_own"}}
    async with twilio_house(config, DiaryOfTests(), **settings) as outside:
        calendar, client = await outside.container.get(Calendar), outside.of(owner)
        assert isinstance(calendar, DiaryCalendar)
        houses = (await book(client, await enter(owner), next_day())).json()["data"]
        assert (await client.put("/settings/integrations/calcom", json=own)).is_success
        other = await enter(owner, {"first_name": "Ann", "phone_number": "+447700900777"})
        theirs = (await book(client, other, next_day(8))).json()["data"]
        assert (await client.delete(f"/bookings/{houses['id']}")).status_code == 204
        own["settings"] = {"event_type_id": 3}
        assert (await client.put("/settings/integrations/calcom", json=own)).is_success
        later = {"start_time": next_day(9).isoformat()}
        assert (await client.patch(f"/bookings/{theirs['id']}", json=later)).status_code == 200
        assert (await client.delete("/settings/integrations/calcom")).is_success
        gone = await client.delete(f"/bookings/{theirs['id']}")
        assert (gone.status_code, gone.json()["data"]["change"]) == (202, "cancel"), gone.text
        assert "not set up any more" in gone.json()["data"]["error"]
        assert calendar.told == ["book", "book", "cancel", "move"]
        assert [(account.api_key[-3:], account.event_type_id) for account in calendar.accounts] == [
            ("use", 1), ("own", 2), ("use", 1), ("own", 2),
        ]  # fmt: skip
