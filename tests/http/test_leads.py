"""Leads over HTTP: how they are entered, and the stages that they stand at."""

import asyncio
from typing import Any

import pytest

from domain.kernel import new_id
from tests.http.conftest import Client
from tests.http.sales_world import JANE, World, enter, world

__all__ = ["world"]
pytestmark = pytest.mark.anyio


async def test_a_lead_is_entered_with_its_contact(owner: Client) -> None:
    answer = await owner.post(
        "/leads",
        json={
            "contact": JANE | {"email": " Jane@Example.com "},
            "source": "web form",
            "product": "Solar",
            "inquiry_date": "2025-11-03",
            "estimated_units": 2,
            "estimated_revenue": {"amount": "1200.5", "currency": "GBP"},
            "notes": "South roof",
        },
    )
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    item = answer.json()["data"]
    assert item["contact"] | {"id": None} == {
        "id": None,
        "first_name": "Jane",
        "last_name": "Smith",
        "email": "jane@example.com",
        "phone_number": "+447700900123",
        "postcode": None,
        "sms_eligible": True,
        "phone_type": "fiction",
    }
    assert (item["stage"], item["contact_status"], item["tags"]) == ("NEW_LEAD", "READY", [])
    assert (await owner.get("/leads")).json()["data"] == [item]
    detail = (await owner.get(f"/leads/{item['id']}")).json()["data"]
    assert detail["estimated_revenue"] == {"amount": "1200.50", "currency": "GBP"}
    assert (detail["notes"], detail["estimated_units"], detail["conversation"]) == ("South roof", 2, None)
    assert [a["type"] for a in detail["activities"]] == ["lead.created", "contact.created"]
    assert detail["activities"][0]["actor_id"] == str(owner.user_id)


async def test_a_lead_is_entered_for_a_contact_that_is_there(owner: Client) -> None:
    first = await enter(owner)
    answer = await owner.post("/leads", json={"contact_id": first["contact"]["id"], "stage": "QUALIFIED"})
    assert answer.status_code == 201
    assert answer.json()["data"]["contact"] == first["contact"]
    assert answer.json()["data"]["stage"] == "QUALIFIED"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "contact_id"),
        ({"contact": JANE, "contact_id": str(new_id())}, "contact_id"),
        ({"contact": {"first_name": "Jane"}}, "email"),
        ({"contact": JANE | {"phone_number": "0123"}}, "phone_number"),
        ({"contact": JANE | {"phone_number": "O7700 900123"}}, "phone_number"),
        ({"contact": JANE | {"email": "jane@"}}, "email"),
        ({"contact": JANE, "stage": "NOWHERE"}, "stage"),
        ({"contact": JANE, "assigned_to": str(new_id())}, "assigned_to"),
        ({"contact": JANE, "estimated_units": -1}, "estimated_units"),
        ({"contact": JANE, "estimated_revenue": {"amount": "1.005", "currency": "GBP"}}, "amount"),
        ({"contact": JANE, "version": 3}, "version"),
        ({"contact": JANE | {"name_key": "x"}}, "contact.name_key"),
    ],
)
async def test_what_cannot_be_entered_names_the_field(owner: Client, body: dict[str, Any], field: str) -> None:
    answer = await owner.post("/leads", json=body)
    assert answer.status_code == 400, answer.text
    assert field in [detail["field"] for detail in answer.json()["error"]["details"]]
    assert (await owner.get("/contacts")).json()["data"] == []


async def test_a_number_stands_in_a_dataset_once_however_many_try(owner: Client, world: World) -> None:
    dataset = str(await world.dataset())
    body = {"contact": {"first_name": "Jane", "phone_number": "07700900123"}, "dataset_id": dataset}
    answers = await asyncio.gather(*(owner.post("/leads", json=body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    again = (await owner.post("/leads", json=body)).json()["error"]
    (only,) = (await owner.get("/leads")).json()["data"]
    assert again["code"] == "DUPLICATE_RECORD"
    assert {"field": "existing_lead_id", "message": only["id"]} in again["details"]
    assert len((await owner.get("/contacts")).json()["data"]) == 1


async def test_a_repeated_request_enters_one_lead(owner: Client) -> None:
    key = {"Idempotency-Key": "enter-jane"}
    first = await owner.post("/leads", json={"contact": JANE}, headers=key)
    second = await owner.post("/leads", json={"contact": JANE}, headers=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content


async def test_who_cannot_be_texted_starts_so(owner: Client, world: World) -> None:
    landline = await enter(owner, {"first_name": "Lou", "phone_number": "0113 496 0001"})
    assert (landline["contact_status"], landline["contact"]["sms_eligible"]) == ("UNREACHABLE", False)
    await world.fetch(
        "INSERT INTO suppressions (organization_id, address, since, how, consent_id)"
        " VALUES ($1, '+447700900123', now(), 'text', uuidv7())"
    )
    assert (await enter(owner))["contact_status"] == "OPTED_OUT"


async def test_stages_stand_in_order(owner: Client, client: Client) -> None:
    stages = (await owner.get("/pipeline/stages")).json()["data"]
    assert [stage["key"] for stage in stages] == [
        "NEW_LEAD",
        "CONTACTED",
        "QUALIFIED",
        "PROPOSAL",
        "NEGOTIATION",
        "WON",
        "LOST",
        "BOGUS",
    ]
    assert [stage["category"] for stage in stages[4:]] == ["open", "won", "lost", "bogus"]
    for path in ("/pipeline/stages", "/leads", "/contacts", "/tags"):
        assert (await client.get(path)).status_code == 401
