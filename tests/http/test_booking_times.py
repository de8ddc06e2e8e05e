"""The times of calls: which are free, and which no call can have."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.http.calls import LONDON, book, next_day
from tests.http.conftest import Client
from tests.http.sales_world import enter

pytestmark = pytest.mark.anyio


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
