"""Booking calls: one call a time, and what becomes of the lead."""

import asyncio
from datetime import timedelta

import pytest
from dishka import AsyncContainer

from domain.identity.role import Role
from domain.kernel import new_id
from tests.calendars import DiaryCalendar
from tests.http.calls import book, calendar, next_day, wire
from tests.http.conftest import Client, Join
from tests.http.sales_world import World, enter

__all__ = ["calendar"]
pytestmark = pytest.mark.anyio


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
