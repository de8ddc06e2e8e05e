"""Tags and notes over HTTP: what leads are marked and described with."""

import asyncio
from typing import Any

import pytest
from dishka import AsyncContainer

from domain.identity.role import Role
from domain.kernel import new_id
from tests.http.conftest import Client, Join
from tests.http.sales_world import World, enter

pytestmark = pytest.mark.anyio


async def make(client: Client, slug: str = "spoke-to-owner", **rest: Any) -> dict[str, Any]:
    """Make a tag; gives it as it was answered."""
    answer = await client.post("/tags", json={"slug": slug, "name": "Spoke to the owner", **rest})
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def slugs(client: Client, path: str) -> list[str]:
    """Give the slugs of a list of tags."""
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return [tag["slug"] for tag in answer.json()["data"]]


async def test_an_admin_makes_changes_and_deletes_a_tag(owner: Client) -> None:
    tag = await make(owner, color="#2266aa")
    assert (tag["category"], tag["is_system"], tag["color"]) == ("CUSTOM", False, "#2266aa")
    assert await slugs(owner, "/tags") == ["dnc", "spoke-to-owner", "won"]
    assert await slugs(owner, "/tags?category=CUSTOM") == ["spoke-to-owner"]
    changed = await owner.patch(
        f"/tags/{tag['id']}", json={"is_active": False, "color": None, "sort_order": 7}, headers={"If-Match": '"1"'}
    )
    assert changed.status_code == 200, changed.text
    assert (changed.json()["data"]["color"], changed.json()["data"]["version"]) == (None, 2)
    assert await slugs(owner, "/tags") == ["dnc", "won"]
    assert await slugs(owner, "/tags?active=false") == ["spoke-to-owner"]
    assert len(await slugs(owner, "/tags?active=all")) == 3
    stale = await owner.patch(f"/tags/{tag['id']}", json={"name": "x"}, headers={"If-Match": '"1"'})
    assert stale.json()["error"]["code"] == "STALE_VERSION"
    assert (await owner.delete(f"/tags/{tag['id']}")).status_code == 204
    assert (await owner.delete(f"/tags/{tag['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"slug": "Spoke", "name": "x"}, "slug"),
        ({"slug": "a b", "name": "x"}, "slug"),
        ({"slug": "ok\n", "name": "x"}, "slug"),
        ({"slug": "ok"}, "name"),
        ({"slug": "ok", "name": " "}, "name"),
        ({"slug": "ok", "name": "x", "category": "SYSTEM"}, "category"),
        ({"slug": "ok", "name": "x", "is_system": True}, "is_system"),
    ],
)
async def test_what_cannot_be_a_tag_names_the_field(owner: Client, body: dict[str, Any], field: str) -> None:
    answer = await owner.post("/tags", json=body)
    assert answer.status_code == 400, answer.text
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]


async def test_a_slug_stands_once_in_an_organisation(owner: Client, stranger: Client) -> None:
    body = {"slug": "warm", "name": "Warm"}
    answers = await asyncio.gather(*(owner.post("/tags", json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert {a.json()["error"]["code"] for a in answers if a.status_code == 409} == {"DUPLICATE_RECORD"}
    tag = await make(stranger, "warm")
    for method, request_body in (("PATCH", {"name": "x"}), ("DELETE", None)):
        assert (await owner.request(method, f"/tags/{tag['id']}", json=request_body)).status_code == 404


async def test_system_tags_are_protected(owner: Client) -> None:
    (won,) = [tag for tag in (await owner.get("/tags")).json()["data"] if tag["slug"] == "won"]
    assert (await owner.patch(f"/tags/{won['id']}", json={"name": "Lost"})).status_code == 403
    assert (await owner.delete(f"/tags/{won['id']}")).status_code == 403


async def test_a_tag_in_use_is_not_deleted(owner: Client) -> None:
    tag = await make(owner)
    lead = await enter(owner)
    await owner.post(f"/leads/{lead['id']}/tags", json={"tag_slug": tag["slug"]})
    refused = await owner.delete(f"/tags/{tag['id']}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")
    await owner.delete(f"/leads/{lead['id']}/tags?tag_slug={tag['slug']}")
    assert (await owner.delete(f"/tags/{tag['id']}")).status_code == 204


@pytest.mark.parametrize("role", [Role.MANAGER, Role.REP, Role.READ_ONLY])
async def test_only_admins_write_tags(owner: Client, join: Join, role: Role) -> None:
    tag = await make(owner)
    member = await join(owner, role)
    assert await slugs(member, "/tags") == ["dnc", "spoke-to-owner", "won"]
    for method, path, body in (
        ("POST", "/tags", {"slug": "x", "name": "x"}),
        ("PATCH", f"/tags/{tag['id']}", {"name": "x"}),
        ("DELETE", f"/tags/{tag['id']}", None),
    ):
        assert (await member.request(method, path, json=body)).status_code == 403


async def test_a_lead_is_tagged_once_and_untagged(owner: Client) -> None:
    await make(owner)
    lead = await enter(owner)
    path = f"/leads/{lead['id']}/tags"
    for _ in range(2):
        tagged = await owner.post(path, json={"tag_slug": "spoke-to-owner"})
        assert (tagged.status_code, [tag["slug"] for tag in tagged.json()["data"]]) == (201, ["spoke-to-owner"])
    assert tagged.json()["data"][0]["applied_by"] == str(owner.user_id)
    assert await slugs(owner, path) == ["spoke-to-owner"]
    assert (await owner.get("/leads")).json()["data"][0]["tags"] == ["spoke-to-owner"]
    for _ in range(2):
        removed = await owner.delete(f"{path}?tag_slug=spoke-to-owner")
        assert (removed.status_code, removed.json()["data"]) == (200, [])
    activities = (await owner.get(f"/leads/{lead['id']}")).json()["data"]["activities"]
    assert [a["type"] for a in activities[:3]] == ["lead.tag_removed", "lead.tag_applied", "lead.created"]
    for answer, status in (
        (await owner.post(path, json={"tag_slug": "nothing"}), 404),
        (await owner.post(path, json={}), 400),
        (await owner.delete(f"{path}?tag_slug="), 400),
        (await owner.delete(f"{path}?tag_slug=nothing"), 404),
    ):
        assert answer.status_code == status


async def test_a_tag_out_of_use_is_not_applied(owner: Client) -> None:
    tag = await make(owner)
    await owner.patch(f"/tags/{tag['id']}", json={"is_active": False})
    lead = await enter(owner)
    assert (await owner.post(f"/leads/{lead['id']}/tags", json={"tag_slug": tag["slug"]})).status_code == 409


async def test_dnc_loses_the_lead_and_ends_contact(owner: Client, house: AsyncContainer) -> None:
    world = World(house, owner.organization_id)
    dataset = await world.dataset()
    lead = await enter(owner, dataset_id=str(dataset))
    send = await world.plan_text(lead, dataset)
    path = f"/leads/{lead['id']}"
    await owner.post(f"{path}/tags", json={"tag_slug": "dnc"})
    shown = (await owner.get(path)).json()["data"]
    assert (shown["stage"], shown["is_dnc"]) == ("LOST", True)
    assert (await world.text(send))["state"] == "cancelled"
    assert await world.touches(lead) == []
    await owner.patch(path, json={"lost_reason": "Asked us to stop"})
    await owner.delete(f"{path}/tags?tag_slug=dnc")
    shown = (await owner.get(path)).json()["data"]
    assert (shown["stage"], shown["is_dnc"], shown["lost_reason"]) == ("LOST", False, None)


async def test_won_wins_the_lead(owner: Client) -> None:
    lead = await enter(owner)
    await owner.post(f"/leads/{lead['id']}/tags", json={"tag_slug": "won"})
    shown = (await owner.get(f"/leads/{lead['id']}")).json()["data"]
    assert (shown["stage"], shown["contact_status"]) == ("WON", "CONVERTED")
    assert [a["type"] for a in shown["activities"][:3]] == [
        "lead.contact_status_set",
        "lead.moved",
        "lead.tag_applied",
    ]


async def test_notes_are_their_authors(owner: Client, join: Join) -> None:
    lead = await enter(owner)
    path = f"/leads/{lead['id']}/notes"
    note = (await owner.post(path, json={"body": "Call on Tuesday"})).json()["data"]
    assert note["author"] == {"id": str(owner.user_id), "first_name": "Olga", "last_name": "Owner"}
    colleague = await join(owner, Role.ADMIN)
    second = (await colleague.post(path, json={"body": "Called"})).json()["data"]
    listed = (await owner.get(path)).json()
    assert [n["id"] for n in listed["data"]] == [note["id"], second["id"]]
    assert listed["pagination"]["total"] == 2
    for method, body in (("PATCH", {"body": "x"}), ("DELETE", None)):
        assert (await colleague.request(method, f"{path}/{note['id']}", json=body)).status_code == 403
    edited = await owner.patch(f"{path}/{note['id']}", json={"body": "Wednesday"}, headers={"If-Match": '"1"'})
    assert (edited.json()["data"]["body"], edited.json()["data"]["version"]) == ("Wednesday", 2)
    stale = await owner.patch(f"{path}/{note['id']}", json={"body": "x"}, headers={"If-Match": '"1"'})
    assert stale.json()["error"]["code"] == "STALE_VERSION"
    assert (await owner.delete(f"{path}/{note['id']}")).status_code == 204
    assert [n["id"] for n in (await owner.get(path)).json()["data"]] == [second["id"]]
    activities = (await owner.get(f"/leads/{lead['id']}")).json()["data"]["activities"]
    assert [a["type"] for a in activities[:4]] == ["note.deleted", "note.edited", "note.added", "note.added"]


@pytest.mark.parametrize("body", [{}, {"body": ""}, {"body": " \n"}, {"body": "x" * 10_001}, {"text": "x"}])
async def test_what_is_no_note_is_refused(owner: Client, body: dict[str, Any]) -> None:
    lead = await enter(owner)
    assert (await owner.post(f"/leads/{lead['id']}/notes", json=body)).status_code == 400


async def test_a_note_is_found_under_its_own_lead_only(owner: Client) -> None:
    lead, other = await enter(owner), await enter(owner, {"email": "o@example.com"})
    note = (await owner.post(f"/leads/{lead['id']}/notes", json={"body": "x"})).json()["data"]
    for path in (f"/leads/{other['id']}/notes/{note['id']}", f"/leads/{lead['id']}/notes/{new_id()}"):
        assert (await owner.patch(path, json={"body": "y"})).status_code == 404
        assert (await owner.delete(path)).status_code == 404
