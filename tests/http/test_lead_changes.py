"""Leads over HTTP: changed, moved, put away, taken over."""

import asyncio
from typing import Any

import pytest

from tests.http.conftest import Client
from tests.http.sales_world import World, enter, names, types, world

__all__ = ["world"]
pytestmark = pytest.mark.anyio


async def test_a_lead_and_its_contact_are_changed_together(owner: Client, world: World) -> None:
    lead = await enter(owner)
    answer = await owner.patch(
        f"/leads/{lead['id']}",
        json={
            "first_name": " Janet ",
            "email": "janet@example.com",
            "postcode": "LS1 4AP",
            "notes": "Ring after six",
            "lead_sentiment": "HOT",
            "assigned_to": str(owner.user_id),
            "contact_status": "WARM",
            "stage": "LOST",
            "lost_reason": "Too dear",
            "source": None,
        },
        headers={"If-Match": '"1"'},
    )
    assert answer.status_code == 200, answer.text
    changed = answer.json()["data"]
    assert (changed["contact"]["first_name"], changed["contact"]["postcode"]) == ("Janet", "LS1 4AP")
    assert (changed["stage"], changed["lost_reason"], changed["version"]) == ("LOST", "Too dear", 2)
    assert changed["assigned_to"] == str(owner.user_id)
    assert (await types(owner, lead))[:5] == [
        "lead.moved",
        "lead.contact_status_set",
        "lead.assigned",
        "lead.changed",
        "contact.changed",
    ]
    assert await names(owner, "?search=smith janet") == ["Janet"]
    (event,) = await world.fetch(
        "SELECT data::text, personal::text FROM events WHERE organization_id = $1 AND type = 'contact.changed'"
    )
    assert "janet@example.com" not in event["data"]
    assert "janet@example.com" in event["personal"]
    reopened = (await owner.patch(f"/leads/{lead['id']}", json={"stage": "CONTACTED"})).json()["data"]
    assert reopened["lost_reason"] is None


async def test_a_change_that_changes_nothing_is_none(owner: Client) -> None:
    lead = await enter(owner)
    for body in ({}, {"stage": "NEW_LEAD", "archived": False, "manual_mode": False, "first_name": "Jane"}):
        assert (await owner.patch(f"/leads/{lead['id']}", json=body)).json()["data"]["version"] == 1
    assert await types(owner, lead) == ["lead.created", "contact.created"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"phone_number": "07700900999"}, 400, "phone_number"),
        ({"contact_status": "TEPID"}, 400, "contact_status"),
        ({"email": "nonsense"}, 400, "email"),
        ({"assigned_to": "me"}, 400, "assigned_to"),
        ({"first_name": "a\x00b"}, 400, "first_name"),
        ({"score": 100}, 400, "score"),
        ({"notes": "x" * 10_001}, 400, "notes"),
        ({"email": "taken@example.com"}, 409, "existing_contact_id"),
        ({"contact_status": "OPTED_OUT"}, 409, None),
        ({"contact_status": "EXHAUSTED"}, 409, None),
    ],
)
async def test_changes_that_are_refused(owner: Client, body: dict[str, Any], status: int, field: str | None) -> None:
    await owner.post("/contacts", json={"email": "taken@example.com"})
    lead = await enter(owner)
    answer = await owner.patch(f"/leads/{lead['id']}", json=body)
    assert answer.status_code == status, answer.text
    named = [detail["field"] for detail in answer.json()["error"].get("details", [])]
    assert field is None or field in named
    assert (await owner.get(f"/leads/{lead['id']}")).json()["data"]["version"] == 1


async def test_an_older_version_changes_nothing_and_says_what_clashes(owner: Client) -> None:
    lead = await enter(owner)
    path = f"/leads/{lead['id']}"
    await owner.patch(path, json={"notes": "first"}, headers={"If-Match": '"1"'})
    stale = await owner.patch(path, json={"notes": "second"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 409
    assert stale.json()["error"]["code"] == "STALE_VERSION"
    assert [detail["field"] for detail in stale.json()["error"]["details"]] == ["notes"]
    moved = await owner.patch(f"{path}/stage", json={"stage": "WON"}, headers={"If-Match": '"1"'})
    assert moved.status_code == 409
    assert (await owner.get(path)).json()["data"]["notes"] == "first"


async def test_of_many_changes_to_one_version_one_is_made(owner: Client) -> None:
    lead = await enter(owner)
    answers = await asyncio.gather(
        *(
            owner.patch(f"/leads/{lead['id']}", json={"first_name": f"Jane {n}"}, headers={"If-Match": '"1"'})
            for n in range(6)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5


async def test_outreach_writes_a_status_without_disturbing_people(owner: Client, world: World) -> None:
    lead = await enter(owner)
    await world.status(lead, "OPTED_OUT")
    changed = await owner.patch(f"/leads/{lead['id']}", json={"notes": "x"}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["data"]["contact_status"]) == (200, "OPTED_OUT")
    refused = await owner.patch(f"/leads/{lead['id']}", json={"contact_status": "READY"})
    assert refused.status_code == 409


async def test_a_sale_converts_and_ends_the_campaign(owner: Client, world: World) -> None:
    dataset = await world.dataset()
    lead = await enter(owner, dataset_id=str(dataset))
    send = await world.plan_text(lead, dataset)
    answer = await owner.patch(f"/leads/{lead['id']}/stage", json={"stage": "WON"})
    assert answer.status_code == 200
    assert (answer.json()["data"]["stage"], answer.json()["data"]["contact_status"]) == ("WON", "CONVERTED")
    assert await world.touches(lead) == []
    text = await world.text(send)
    assert (text["state"], text["status"]) == ("cancelled", "cancelled")


async def test_a_discarded_lead_is_bogus_and_left_alone(owner: Client, world: World) -> None:
    dataset = await world.dataset()
    lead = await enter(owner, dataset_id=str(dataset))
    send = await world.plan_text(lead, dataset, "claimed")
    answer = await owner.delete(f"/leads/{lead['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await owner.get(f"/leads/{lead['id']}")).json()["data"]["stage"] == "BOGUS"
    assert (await world.text(send))["state"] == "cancelled"


async def test_archiving_cancels_for_good_and_toggles(owner: Client, world: World) -> None:
    dataset = await world.dataset()
    lead = await enter(owner, dataset_id=str(dataset))
    send = await world.plan_text(lead, dataset, "claimed")
    archived = (await owner.post(f"/leads/{lead['id']}/archive")).json()["data"]
    assert archived["archived"] is True
    assert archived["archived_at"] is not None
    text = await world.text(send)
    assert (text["state"], text["batch"], text["status"]) == ("cancelled", None, "cancelled")
    assert await world.touches(lead) == []
    again = (await owner.post(f"/leads/{lead['id']}/archive")).json()["data"]
    assert (again["archived"], again["archived_at"]) == (False, None)
    assert (await world.text(send))["state"] == "cancelled"
    assert (await types(owner, lead))[:2] == ["lead.unarchived", "lead.archived"]


async def test_manual_mode_holds_and_lets_go(owner: Client, world: World) -> None:
    dataset = await world.dataset()
    lead = await enter(owner, dataset_id=str(dataset))
    send = await world.plan_text(lead, dataset, "claimed")
    on = (await owner.post(f"/leads/{lead['id']}/manual-mode", json={"enabled": True})).json()["data"]
    assert on["manual_mode"] is True
    assert on["manual_mode_activated_at"] is not None
    text = await world.text(send)
    assert (text["state"], text["held"], text["batch"]) == ("planned", True, None)
    assert await world.touches(lead) == [True]
    assert (await owner.post(f"/leads/{lead['id']}/manual-mode", json={})).status_code == 400
    off = (await owner.post(f"/leads/{lead['id']}/manual-mode", json={"enabled": False})).json()["data"]
    assert (off["manual_mode"], off["manual_mode_activated_at"]) == (False, None)
    assert (await world.text(send))["held"] is False
    assert await world.touches(lead) == [False]
    due = await world.fetch(
        "SELECT name FROM schedules WHERE organization_id = $1 AND next_due_at <= business_now() ORDER BY name"
    )
    assert [row["name"] for row in due] == ["messaging.send", "outreach.plan"]
