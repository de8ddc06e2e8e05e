"""What Cal.com reports: proved, written down once, followed once, in whatever order it comes."""

import hashlib
import hmac
import itertools
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Cause
from adapters.queue.deliver import event_of
from application.ports import Actor
from application.provider import Unknown
from application.scheduling.calendar import Calendar
from application.scheduling.reports import BookingReports
from domain.kernel import new_id
from domain.scheduling.report import BookingReported
from entrypoints.config import Config
from tests.calendars import DiaryCalendar
from tests.http.calls import next_day, settle, wire
from tests.http.conftest import Client
from tests.http.sales_world import World, enter
from tests.http.twilio_house import twilio_house

pytestmark = pytest.mark.anyio
SECRET = "whsec-of-the-calendar"
START = next_day()
FOLLOWED: set[UUID] = set()


@pytest.fixture
async def calcom(owner: Client) -> Client:
    """Give the owner of an organisation that has told us its calendar's secret."""
    body = {
        "settings": {"event_type_id": 123},
        "credentials": {"api_key": "cal_live_0123456789", "webhook_secret": SECRET},
    }
    answer = await owner.put("/settings/integrations/calcom", json=body)
    assert answer.is_success, answer.text
    return owner


def told(trigger: str, uid: str = "uid-1", **payload: Any) -> dict[str, Any]:
    """Write what Cal.com would send."""
    return {
        "triggerEvent": f"BOOKING_{trigger}",
        "createdAt": "2030-01-01T09:00:00Z",
        "payload": {
            "uid": uid,
            "title": "Sash windows",
            "startTime": START.isoformat(),
            "endTime": (START + timedelta(minutes=30)).isoformat(),
            "attendees": [{"name": "Zoe Visitor", "email": "zoe@example.com", "timeZone": "Europe/Madrid"}],
            "metadata": {},
            **payload,
        },
    }


async def call(
    client: Client, body: Any, *, secret: str = SECRET, organization: object = None, raw: bytes | None = None
) -> httpx.Response:
    """Call as Cal.com does."""
    raw = json.dumps(body).encode() if raw is None else raw
    signature = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    return await client.post(
        "/webhooks/calcom",
        params={"organization": str(organization or client.organization_id)},
        content=raw,
        headers={"x-cal-signature-256": signature, "content-type": "application/json"},
    )


async def follow(house: AsyncContainer, client: Client) -> None:
    """Do what a worker does with each report that was not followed yet."""
    world = World(house, client.organization_id)
    rows = await world.fetch(
        "SELECT id, subject, data, personal FROM events"
        " WHERE organization_id = $1 AND type = 'booking.reported' ORDER BY id"
    )
    for row in [row for row in rows if row["id"] not in FOLLOWED]:
        FOLLOWED.add(row["id"])
        async with house({Actor: Actor.system(client.organization_id), Cause: Cause(event_id=row["id"])}) as scope:
            event = event_of(BookingReported, row)
            assert isinstance(event, BookingReported)
            await (await scope.get(BookingReports)).follow(event)


async def bookings(client: Client) -> list[dict[str, Any]]:
    """List bookings."""
    found: list[dict[str, Any]] = (await client.get("/bookings")).json()["data"]
    return found


async def test_somebody_unknown_who_books_becomes_contact_and_lead(calcom: Client, house: AsyncContainer) -> None:
    answer = await call(calcom, told("CREATED"))
    assert answer.status_code == 204, answer.text
    assert await bookings(calcom) == []
    await follow(house, calcom)
    [booking] = await bookings(calcom)
    assert (booking["cal_booking_id"], booking["start_time"]) == ("uid-1", wire(START))
    assert (booking["source"], booking["title"], booking["timezone"]) == ("calendar", "Sash windows", "Europe/Madrid")
    lead = (await calcom.get(f"/leads/{booking['lead']['id']}")).json()["data"]
    assert (lead["contact"]["first_name"], lead["contact"]["last_name"]) == ("Zoe", "Visitor")
    assert (lead["contact"]["email"], lead["contact_status"]) == ("zoe@example.com", "CALL_BOOKED")
    assert (lead["call_booked"], lead["manual_mode"], lead["source"]) == (True, True, "calendar")


async def test_whoever_is_named_or_known_is_booked_for(calcom: Client, house: AsyncContainer) -> None:
    jane = await enter(calcom)
    ann = await enter(calcom, {"first_name": "Ann", "email": "ann@example.com", "phone_number": "+447700900444"})
    attendee = {"name": "A. B.", "email": "other@example.com", "timeZone": "nowhere"}
    await call(calcom, told("CREATED", "u1", metadata={"lead_id": jane["id"]}, attendees=[attendee]))
    await call(calcom, told("CREATED", "u2", attendees=[{**attendee, "email": "ANN@example.com"}]))
    by_phone = {"name": "Ann", "email": "new@example.com", "phoneNumber": "07700 900444", "timeZone": "UTC"}
    await call(calcom, told("CREATED", "u3", attendees=[by_phone]))
    await follow(house, calcom)
    found = {item["cal_booking_id"]: item["lead"]["id"] for item in await bookings(calcom)}
    assert found == {"u1": jane["id"], "u2": ann["id"], "u3": ann["id"]}


async def test_a_lead_of_somebody_elses_is_not_taken_on_trust(
    calcom: Client, stranger: Client, house: AsyncContainer
) -> None:
    theirs = await enter(stranger)
    await call(calcom, told("CREATED", metadata={"lead_id": theirs["id"]}))
    await follow(house, calcom)
    [booking] = await bookings(calcom)
    assert booking["lead"]["id"] != theirs["id"]
    assert (await stranger.get(f"/leads/{theirs['id']}")).json()["data"]["call_booked"] is False


async def test_a_report_that_comes_twice_counts_once(calcom: Client, house: AsyncContainer) -> None:
    for _ in range(3):
        assert (await call(calcom, told("CREATED"))).status_code == 204
        await follow(house, calcom)
    [booking] = await bookings(calcom)
    lead = (await calcom.get(f"/leads/{booking['lead']['id']}")).json()["data"]
    assert [a["type"] for a in lead["activities"]].count("booking.made") == 1


LATER, LATEST = START + timedelta(hours=1), START + timedelta(hours=3)
MADE = told("CREATED", "a")
MOVED = told("RESCHEDULED", "b", rescheduleUid="a", startTime=LATER.isoformat(), endTime=None)
AGAIN = told("RESCHEDULED", "c", rescheduleUid="b", startTime=LATEST.isoformat(), endTime=None)
OFF = told("CANCELLED", "c", startTime=LATEST.isoformat(), cancellationReason="Rain")


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_moves_end_where_the_last_one_goes_in_any_order(
    calcom: Client, house: AsyncContainer, order: tuple[int, ...]
) -> None:
    for n in order:
        await call(calcom, (MADE, MOVED, AGAIN)[n])
        await follow(house, calcom)
    [booking] = await bookings(calcom)
    assert (booking["cal_booking_id"], booking["start_time"]) == ("c", wire(LATEST))
    assert (booking["status"], booking["lead_updated"]) == ("scheduled", True)
    lead = (await calcom.get(f"/leads/{booking['lead']['id']}")).json()["data"]
    assert (lead["call_booked_time"], lead["contact_status"]) == (wire(LATEST), "CALL_BOOKED")


@pytest.mark.parametrize("order", list(itertools.permutations(range(2))))
async def test_moves_of_our_own_booking_end_where_the_last_one_goes(
    calcom: Client, house: AsyncContainer, order: tuple[int, ...]
) -> None:
    lead = await enter(calcom)
    asked = {"lead_id": lead["id"], "start_time": START.isoformat()}
    booking = (await calcom.post("/bookings", json=asked)).json()["data"]
    first = told("RESCHEDULED", "b", rescheduleUid=booking["cal_booking_id"], startTime=LATER.isoformat())
    for n in order:
        report = json.loads(json.dumps((first, AGAIN)[n]))
        report["payload"]["metadata"] = {"rapport_booking": booking["id"], "lead_id": lead["id"]}
        await call(calcom, report)
        await follow(house, calcom)
    [found] = await bookings(calcom)
    assert (found["id"], found["cal_booking_id"], found["start_time"]) == (booking["id"], "c", wire(LATEST))


async def test_a_second_call_under_our_key_is_entered_beside_the_first(calcom: Client, house: AsyncContainer) -> None:
    lead = await enter(calcom)
    asked = {"lead_id": lead["id"], "start_time": START.isoformat()}
    booking = (await calcom.post("/bookings", json=asked)).json()["data"]
    metadata = {"rapport_booking": booking["id"], "lead_id": lead["id"]}
    await call(calcom, told("CREATED", "twice", startTime=LATER.isoformat(), metadata=metadata))
    await follow(house, calcom)
    found = {item["cal_booking_id"]: item["source"] for item in await bookings(calcom)}
    assert found == {booking["cal_booking_id"]: "person", "twice": "calendar"}


async def test_a_call_that_was_cancelled_before_it_was_known_is_cancelled_when_it_turns_up(
    calcom: Client, house: AsyncContainer
) -> None:
    calendar, lead = await house.get(Calendar), await enter(calcom)
    assert isinstance(calendar, DiaryCalendar)
    calendar.failures.append((Unknown("No answer."), True))
    asked = {"lead_id": lead["id"], "start_time": START.isoformat()}
    booking = (await calcom.post("/bookings", json=asked)).json()["data"]
    await calcom.delete(f"/bookings/{booking['id']}")
    [made] = calendar.diary.calls(calcom.organization_id)
    metadata = {"rapport_booking": booking["id"], "lead_id": lead["id"]}
    await call(calcom, told("CREATED", made.uid, metadata=metadata))
    await follow(house, calcom)
    [found] = await bookings(calcom)
    assert (found["status"], found["change"], found["cal_booking_id"]) == ("requested", "cancel", made.uid)
    await settle(house, World(house, calcom.organization_id), calcom.organization_id)
    assert [one.status for one in calendar.diary.calls(calcom.organization_id)] == ["cancelled"]
    [found] = await bookings(calcom)
    assert (found["id"], found["status"]) == (booking["id"], "cancelled")
    assert (await calcom.get(f"/leads/{lead['id']}")).json()["data"]["call_booked"] is False


@pytest.mark.parametrize("trigger", ["CREATED", "RESCHEDULED", "CANCELLED"])
async def test_a_booking_of_ours_that_is_not_here_brings_nobody_in(
    calcom: Client, house: AsyncContainer, trigger: str
) -> None:
    await call(calcom, told(trigger, metadata={"rapport_booking": str(new_id()), "lead_id": str(new_id())}))
    await follow(house, calcom)
    assert await bookings(calcom) == []
    assert (await calcom.get("/contacts")).json()["data"] == []


async def test_a_calendar_that_organisations_share_tells_each_of_its_own(
    owner: Client, stranger: Client, house: AsyncContainer, config: Config
) -> None:
    theirs, ours = await enter(owner), await enter(stranger)
    settings = {
        "RAPPORT_CALCOM_API_KEY": "cal_live_0123456789",
        "RAPPORT_CALCOM_EVENT_TYPE_ID": "123",
        "RAPPORT_CALCOM_WEBHOOK_SECRET": SECRET,
    }
    named = {"lead_id": theirs["id"], "rapport_booking": str(new_id())}
    async with twilio_house(config, **settings) as shared:

        async def tell(uid: str, metadata: dict[str, str]) -> None:
            answer = await call(
                shared.client, told("CREATED", uid, metadata=metadata), organization=stranger.organization_id
            )
            assert answer.status_code == 204, answer.text

        await tell("theirs", {**named, "rapport_organization": str(owner.organization_id)})
        assert await _kept(house, stranger) == 0
        await tell("older", named)
        await tell("nobodys", {})
        await tell("ours", {"lead_id": ours["id"], "rapport_organization": str(stranger.organization_id)})
    await follow(house, stranger)
    [booking] = await bookings(stranger)
    assert (booking["cal_booking_id"], booking["lead"]["id"]) == ("ours", ours["id"])
    assert len((await stranger.get("/contacts")).json()["data"]) == 1


async def _kept(house: AsyncContainer, client: Client) -> int:
    rows = await World(house, client.organization_id).fetch("SELECT id FROM inbound WHERE organization_id = $1")
    return len(rows)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_a_cancellation_holds_in_any_order(calcom: Client, house: AsyncContainer, order: tuple[int, ...]) -> None:
    for n in order:
        await call(calcom, (MADE, MOVED, AGAIN, OFF)[n])
        await follow(house, calcom)
    [booking] = await bookings(calcom)
    assert (booking["status"], booking["cal_booking_id"]) == ("cancelled", "c")
    lead = (await calcom.get(f"/leads/{booking['lead']['id']}")).json()["data"]
    assert (lead["call_booked"], lead["contact_status"], lead["manual_mode"]) == (False, "HOT", True)


async def test_our_own_booking_is_known_again(calcom: Client, house: AsyncContainer) -> None:
    lead = await enter(calcom)
    asked = {"lead_id": lead["id"], "start_time": START.isoformat()}
    booking = (await calcom.post("/bookings", json=asked)).json()["data"]
    uid = booking["cal_booking_id"]
    metadata = {"rapport_booking": booking["id"], "lead_id": lead["id"]}
    await call(calcom, told("CREATED", uid, metadata=metadata))
    await call(calcom, told("CANCELLED", uid, metadata=metadata))
    await follow(house, calcom)
    [found] = await bookings(calcom)
    assert (found["id"], found["status"]) == (booking["id"], "cancelled")


@pytest.mark.parametrize("change", ["secret", "body", "none"])
async def test_a_call_that_is_not_signed_is_refused(calcom: Client, change: str) -> None:
    raw = json.dumps(told("CREATED")).encode()
    signature = hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
    if change == "secret":
        answer = await call(calcom, told("CREATED"), secret="another")
    else:
        headers = {"x-cal-signature-256": signature} if change == "body" else {}
        organization = {"organization": str(calcom.organization_id)}
        answer = await calcom.post("/webhooks/calcom", params=organization, content=raw + b" ", headers=headers)
    assert answer.status_code == 401, answer.text


async def test_without_a_secret_there_is_no_such_route(owner: Client, calcom: Client, stranger: Client) -> None:
    for organization in (stranger.organization_id, new_id(), "nobody"):
        answer = await call(calcom, told("CREATED"), secret="", organization=organization)
        assert answer.status_code == 404, answer.text
        assert (await call(calcom, told("CREATED"), organization=organization)).status_code == 404


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        json.dumps(told("CREATED", "", startTime=None)).encode(),
        json.dumps(told("CREATED", startTime="tomorrow")).encode(),
        json.dumps({"triggerEvent": "BOOKING_CREATED", "payload": [1]}).encode(),
    ],
)
async def test_what_cannot_be_read_is_refused(calcom: Client, raw: bytes) -> None:
    assert (await call(calcom, None, raw=raw[:60_000])).status_code == 400


@pytest.mark.parametrize("field", ["uid", "rescheduleUid"])
async def test_an_id_that_is_longer_than_any_is_a_400_that_names_it(calcom: Client, field: str) -> None:
    for length, status in ((64, 204), (65, 400), (10_000, 400)):
        answer = await call(calcom, told("RESCHEDULED", **{field: "u" * length}))
        assert answer.status_code == status, length
        if status == 400:
            assert [one["field"] for one in answer.json()["error"]["details"]] == [f"payload.{field}"]


@pytest.mark.parametrize(
    "body",
    [
        {"triggerEvent": "PING", "payload": {"type": "Test"}},
        {"triggerEvent": "MEETING_ENDED"},
        {},
        told("CREATED", attendees=[{"name": "\ud800 \x00", "email": "no", "timeZone": 7}], metadata=["x"]),
        told("CREATED", attendees="nobody", metadata={"lead_id": 7}),
    ],
)
async def test_what_names_nobody_is_kept_and_answered(calcom: Client, house: AsyncContainer, body: Any) -> None:
    assert (await call(calcom, body)).status_code == 204
    await follow(house, calcom)
    assert await bookings(calcom) == []
    world = World(house, calcom.organization_id)
    [kept] = await world.fetch("SELECT payload FROM inbound WHERE organization_id = $1 AND provider = 'calcom'")
    assert msgspec.json.decode(kept["payload"]).get("triggerEvent") == body.get("triggerEvent")


async def test_two_reports_of_one_stranger_at_once_make_one_lead(calcom: Client, house: AsyncContainer) -> None:
    import asyncio

    world = World(house, calcom.organization_id)
    for n in range(4):
        await call(calcom, told("CREATED", f"u{n}"))
    rows = await world.fetch(
        "SELECT id, subject, data, personal FROM events WHERE organization_id = $1 AND type = 'booking.reported'"
    )

    async def one(row: Any) -> None:
        async with house({Actor: Actor.system(calcom.organization_id), Cause: Cause(event_id=row["id"])}) as scope:
            event = event_of(BookingReported, row)
            assert isinstance(event, BookingReported)
            await (await scope.get(BookingReports)).follow(event)

    await asyncio.gather(*(one(row) for row in rows))
    found = await bookings(calcom)
    assert len(found) == 4
    assert len({UUID(item["lead"]["id"]) for item in found}) == 1
