"""Booking calls: free times, one call a time, and what becomes of the lead."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from dishka import AsyncContainer

from application.provider import Unavailable, Unknown
from application.scheduling.calendar import Calendar
from application.scheduling.desk import CalendarDesk
from domain.identity.role import Role
from domain.kernel import new_id
from entrypoints.config import Config
from tests.calendars import DiaryCalendar, DiaryOfTests
from tests.http.conftest import Client, Join
from tests.http.sales_world import World, enter
from tests.http.twilio_house import twilio_house

pytestmark = pytest.mark.anyio
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


async def test_free_times_are_those_of_the_working_day(owner: Client) -> None:
    day = next_day()
    answer = await owner.post("/bookings/availability", json={"date": day.astimezone(LONDON).date().isoformat()})
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert data["timezone"] == "Europe/London"
    assert len(data["slots"]) == 14
    first = data["slots"][0]
    assert datetime.fromisoformat(first["time"]) == day
    assert first["time"].endswith("Z")
    assert first["duration"] == 30
    assert first["local_time"].startswith(f"{day.astimezone(LONDON):%Y-%m-%dT09:00:00}")


async def test_free_times_are_said_in_the_leads_zone(owner: Client) -> None:
    lead = await enter(owner, {"first_name": "Kate", "phone_number": "+12125550123"})
    day = next_day().astimezone(LONDON).date().isoformat()
    answer = await owner.post("/bookings/availability", json={"date": day, "lead_id": lead["id"]})
    data = answer.json()["data"]
    assert data["timezone"] == "America/New_York"
    assert data["slots"][0]["local_time"][-6:] in ("-04:00", "-05:00")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"date": "tomorrow"}, "date"),
        ({}, "date"),
        ({"date": "2030-01-07", "timezone": "Europe/Leeds"}, "timezone"),
        ({"date": "2030-01-07", "timezone": "../etc/passwd"}, "timezone"),
        ({"date": "9999-12-31"}, "date"),
        ({"date": "9999-12-30"}, "date"),
        ({"date": "0001-01-01"}, "date"),
    ],
)
async def test_a_day_that_is_none_is_refused(owner: Client, body: dict[str, Any], field: str) -> None:
    answer = await owner.post("/bookings/availability", json=body)
    assert answer.status_code == 400, answer.text
    assert field in answer.json()["error"]["details"][0]["field"]


async def test_a_booked_call_makes_the_lead_a_persons(owner: Client, house: AsyncContainer) -> None:
    world, start = World(house, owner.organization_id), next_day()
    dataset = await world.dataset()
    lead = await enter(owner, dataset_id=str(dataset))
    send = await world.plan_text(lead, dataset)

    answer = await book(owner, lead, start, notes="About sash windows")

    assert answer.status_code == 201, answer.text
    booking = answer.json()["data"]
    assert (booking["status"], booking["start_time"]) == ("scheduled", wire(start))
    assert booking["end_time"] == wire(start + timedelta(minutes=30))
    assert (booking["notes"], booking["lead_updated"], booking["change"]) == ("About sash windows", True, None)
    assert booking["lead"]["contact_status"] == "CALL_BOOKED"
    shown = (await owner.get(f"/leads/{lead['id']}")).json()["data"]
    assert (shown["call_booked"], shown["call_booked_time"]) == (True, wire(start))
    assert shown["cal_booking_id"] == booking["cal_booking_id"]
    assert (shown["contact_status"], shown["manual_mode"]) == ("CALL_BOOKED", True)
    assert {"booking.made", "lead.contact_status_set", "lead.manual_mode_set"} <= {
        activity["type"] for activity in shown["activities"]
    }
    assert (await world.text(send))["state"] == "cancelled"
    assert await world.touches(lead) == []
    (turn,) = await world.fetch("SELECT turn_holder FROM conversations WHERE organization_id = $1")
    assert turn["turn_holder"] == "person"
    listed = (await owner.get("/leads", params={"call_booked": "true"})).json()["data"]
    assert [item["id"] for item in listed] == [lead["id"]]
    assert (await owner.get("/leads", params={"call_booked": "false"})).json()["data"] == []


async def test_a_call_is_moved(owner: Client) -> None:
    lead, start = await enter(owner), next_day()
    booking = (await book(owner, lead, start)).json()["data"]
    later = start + timedelta(hours=2)
    stale = await owner.patch(
        f"/bookings/{booking['id']}", json={"start_time": later.isoformat()}, headers={"If-Match": '"1"'}
    )
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "STALE_VERSION")

    answer = await owner.patch(f"/bookings/{booking['id']}", json={"start_time": later.isoformat()})

    assert answer.status_code == 200, answer.text
    moved = answer.json()["data"]
    assert (moved["start_time"], moved["status"]) == (wire(later), "scheduled")
    assert moved["cal_booking_id"] != booking["cal_booking_id"]
    shown = (await owner.get(f"/leads/{lead['id']}")).json()["data"]
    assert (shown["call_booked_time"], shown["cal_booking_id"]) == (wire(later), moved["cal_booking_id"])
    again = await owner.patch(f"/bookings/{booking['id']}", json={"start_time": later.isoformat()})
    assert again.status_code == 400


async def test_a_cancelled_call_leaves_the_lead_hot_and_a_persons(owner: Client) -> None:
    lead, start = await enter(owner), next_day()
    booking = (await book(owner, lead, start)).json()["data"]

    answer = await owner.delete(f"/bookings/{booking['id']}")

    assert answer.status_code == 204, answer.text
    shown = (await owner.get(f"/leads/{lead['id']}")).json()["data"]
    assert (shown["call_booked"], shown["call_booked_time"], shown["cal_booking_id"]) == (False, None, None)
    assert (shown["contact_status"], shown["manual_mode"]) == ("HOT", True)
    assert shown["activities"][0]["type"] in ("booking.cancelled", "lead.contact_status_set")
    assert (await owner.get(f"/bookings/{booking['id']}")).json()["data"]["status"] == "cancelled"
    assert (await owner.delete(f"/bookings/{booking['id']}")).status_code == 409
    assert (await book(owner, lead, start)).status_code == 201


async def test_of_fifty_who_want_one_time_one_gets_it(owner: Client, calendar: DiaryCalendar) -> None:
    leads = [
        await enter(owner, {"first_name": f"Lead{n}", "phone_number": f"+4477009{n:05d}"}) for n in range(100, 150)
    ]
    start = next_day(9)
    answers = await asyncio.gather(*(book(owner, lead, start) for lead in leads))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] + [409] * 49, {answer.text for answer in answers if answer.status_code not in (201, 409)}
    refused = next(answer for answer in answers if answer.status_code == 409).json()["error"]
    slots = [detail["message"] for detail in refused["details"] if detail["field"] == "next_slot"]
    assert slots[0] == (start + timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert len(slots) == 5
    taken = [call for call in calendar.diary.calls(owner.organization_id) if call.status == "accepted"]
    assert [call.start for call in taken] == [start]
    booked = (await owner.get("/bookings", params={"status": "scheduled"})).json()
    assert booked["pagination"]["total"] == 1


async def test_a_lead_has_one_call_at_a_time(owner: Client, calendar: DiaryCalendar) -> None:
    lead, start = await enter(owner), next_day()
    answers = await asyncio.gather(*(book(owner, lead, start + timedelta(minutes=30 * n)) for n in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert len(calendar.diary.calls(owner.organization_id)) == 1


@pytest.mark.parametrize(
    ("start", "status"),
    [
        (datetime(2020, 1, 6, 9, tzinfo=UTC), 400),
        (next_day().replace(tzinfo=None), 400),
        (next_day() + timedelta(minutes=7), 409),
        (next_day() + timedelta(hours=12), 409),
    ],
)
async def test_a_time_at_which_no_call_can_be_is_refused(owner: Client, start: datetime, status: int) -> None:
    answer = await book(owner, await enter(owner), start)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["details"][0]["field"] == "start_time"


@pytest.mark.parametrize(
    "start",
    [
        next_day(9).replace(tzinfo=None).isoformat(),
        "2020-01-06T09:00:00Z",
        "9999-12-31T23:59:59-12:00",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
    ],
)
async def test_a_time_that_cannot_be_is_refused_to_whoever_books_or_moves(owner: Client, start: str) -> None:
    lead = await enter(owner)
    refused = await owner.post("/bookings", json={"lead_id": lead["id"], "start_time": start})
    assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (400, "start_time"), refused.text
    booking = (await book(owner, lead, next_day())).json()["data"]
    second = await owner.post("/bookings", json={"lead_id": lead["id"], "start_time": start})
    assert second.status_code == 400, second.text
    refused = await owner.patch(f"/bookings/{booking['id']}", json={"start_time": start})
    assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (400, "start_time"), refused.text


async def test_a_call_is_moved_to_a_whole_second_once(owner: Client, calendar: DiaryCalendar) -> None:
    booking = (await book(owner, await enter(owner), next_day())).json()["data"]
    later = next_day() + timedelta(hours=2)
    fraction = later.replace(microsecond=250_000).isoformat()
    answer = await owner.patch(f"/bookings/{booking['id']}", json={"start_time": fraction})
    assert (answer.status_code, answer.json()["data"]["start_time"]) == (200, wire(later)), answer.text
    assert calendar.told == ["book", "move"]


async def test_a_keyed_request_books_once(owner: Client, calendar: DiaryCalendar) -> None:
    lead, body = await enter(owner), {"start_time": next_day().isoformat()}
    headers = {"Idempotency-Key": new_id().hex}
    first = await owner.post("/bookings", json={"lead_id": lead["id"], **body}, headers=headers)
    second = await owner.post("/bookings", json={"lead_id": lead["id"], **body}, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert len(calendar.diary.calls(owner.organization_id)) == 1


async def test_a_refused_keyed_request_is_refused_again(owner: Client) -> None:
    start, headers = next_day(), {"Idempotency-Key": new_id().hex}
    await book(owner, await enter(owner), start)
    other = await enter(owner, {"first_name": "Ann", "phone_number": "+447700900777"})
    body = {"lead_id": other["id"], "start_time": start.isoformat()}
    first = await owner.post("/bookings", json=body, headers=headers)
    second = await owner.post("/bookings", json=body, headers=headers)
    assert first.status_code == second.status_code == 409
    assert first.json()["error"]["details"] == second.json()["error"]["details"]


async def settle(house: AsyncContainer, world: World, organization_id: UUID) -> None:
    """Let the schedule take up what is open, as if the time for it had passed."""
    from adapters.persistence.database import Cause
    from application.ports import Actor

    await world.fetch("UPDATE bookings SET handed_at = handed_at - interval '1 minute' WHERE organization_id = $1")
    async with house({Actor: Actor.system(organization_id), Cause: Cause()}) as scope:
        await (await scope.get(CalendarDesk)).settle()


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


async def test_bookings_are_listed_and_narrowed(owner: Client) -> None:
    start = next_day()
    leads = [await enter(owner, {"first_name": f"L{n}", "phone_number": f"+44770090080{n}"}) for n in range(3)]
    made = [(await book(owner, lead, start + timedelta(minutes=30 * n))).json()["data"] for n, lead in enumerate(leads)]
    await owner.delete(f"/bookings/{made[2]['id']}")

    async def listed(**params: str) -> list[str]:
        answer = await owner.get("/bookings", params=params)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["data"]]

    assert await listed() == [made[2]["id"], made[1]["id"], made[0]["id"]]
    assert await listed(sort="start", order="asc", status="scheduled") == [made[0]["id"], made[1]["id"]]
    assert await listed(lead_id=leads[1]["id"]) == [made[1]["id"]]
    assert await listed(**{"from": made[1]["start_time"], "to": made[2]["start_time"]}) == [made[1]["id"]]
    assert (await owner.get("/bookings", params={"status": "lost"})).status_code == 400


async def test_a_rep_sees_and_books_for_the_leads_that_are_theirs(owner: Client, join: Join) -> None:
    rep, other = await join(owner, Role.REP), await join(owner, Role.REP)
    lead = await enter(owner, assigned_to=str(other.user_id))
    booking = (await book(other, lead, next_day())).json()["data"]
    assert (await rep.get("/bookings")).json()["data"] == []
    path = f"/bookings/{booking['id']}"
    for answer in (
        await rep.get(path),
        await rep.patch(path, json={"start_time": next_day(10).isoformat()}),
        await rep.delete(path),
        await book(rep, lead, next_day(10)),
        await rep.post("/bookings/availability", json={"date": "2030-01-07", "lead_id": lead["id"]}),
    ):
        assert answer.status_code == 404, answer.text
    assert (await other.get(path)).status_code == 200


async def test_bookings_are_ones_own_organisations(owner: Client, stranger: Client, client: Client) -> None:
    lead = await enter(owner)
    booking = (await book(owner, lead, next_day())).json()["data"]
    path = f"/bookings/{booking['id']}"
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.delete(path)).status_code == 404
    assert (await book(stranger, lead, next_day())).status_code == 404
    assert (await client.get("/bookings")).status_code == 401
