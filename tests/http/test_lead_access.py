"""Leads over HTTP: seen and changed by whom they should be."""

from typing import Any

import pytest

from domain.identity.role import Role
from domain.kernel import new_id
from tests.http.conftest import Client, Join
from tests.http.sales_world import JANE, World, enter, names, world

__all__ = ["world"]
pytestmark = pytest.mark.anyio


async def test_a_rep_sees_their_own_leads_and_nobodys(owner: Client, join: Join) -> None:
    rep = await join(owner, Role.REP)
    await enter(owner, {"first_name": "Nobodys", "email": "n@example.com"})
    await enter(owner, {"first_name": "Theirs", "email": "t@example.com"}, assigned_to=str(rep.user_id))
    hidden = await enter(owner, {"first_name": "Hidden", "email": "h@example.com"}, assigned_to=str(owner.user_id))
    assert await names(rep, "") == ["Theirs", "Nobodys"]
    assert await names(rep, "?search=hidden") == []
    for method, path, body in every_lead_operation(hidden):
        assert (await rep.request(method, path, json=body)).status_code == 404, (method, path)
    everything = await join(owner, Role.REP, can_view_all_leads=True)
    assert await names(everything, "") == ["Hidden", "Theirs", "Nobodys"]


async def test_allowed_datasets_always_narrow(owner: Client, world: World, join: Join) -> None:
    mine, other = await world.dataset(), await world.dataset()
    await enter(owner, {"first_name": "Mine", "email": "m@example.com"}, dataset_id=str(mine))
    hidden = await enter(owner, {"first_name": "Other", "email": "o@example.com"}, dataset_id=str(other))
    await enter(owner, {"first_name": "None", "email": "x@example.com"})
    limited = await join(owner, Role.MANAGER, dataset_ids=[mine])
    assert await names(limited, "") == ["Mine"]
    assert (await limited.get(f"/leads/{hidden['id']}")).status_code == 404
    new = {"contact": {"email": "new@example.com"}}
    assert (await limited.post("/leads", json=new)).status_code == 400
    assert (await limited.post("/leads", json=new | {"dataset_id": str(other)})).status_code == 404
    assert (await limited.post("/leads", json=new | {"dataset_id": str(mine)})).status_code == 201


def every_lead_operation(lead: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """Name every operation on one lead."""
    path = f"/leads/{lead['id']}"
    return [
        ("GET", path, None),
        ("PATCH", path, {"notes": "x"}),
        ("PATCH", path, {"first_name": "x"}),
        ("DELETE", path, None),
        ("PATCH", f"{path}/stage", {"stage": "WON"}),
        ("POST", f"{path}/archive", None),
        ("POST", f"{path}/manual-mode", {"enabled": True}),
        ("GET", f"{path}/tags", None),
        ("POST", f"{path}/tags", {"tag_slug": "won"}),
        ("DELETE", f"{path}/tags?tag_slug=won", None),
        ("GET", f"{path}/notes", None),
        ("POST", f"{path}/notes", {"body": "x"}),
        ("PATCH", f"{path}/notes/{new_id()}", {"body": "x"}),
        ("DELETE", f"{path}/notes/{new_id()}", None),
    ]


async def test_another_organisations_lead_is_not_there(owner: Client, stranger: Client) -> None:
    lead = await enter(owner)
    for method, path, body in every_lead_operation(lead):
        answer = await stranger.request(method, path, json=body)
        assert (answer.status_code, b"Jane" in answer.content) == (404, False), (method, path)
    foreign = await stranger.post("/leads", json={"contact_id": lead["contact"]["id"]})
    assert foreign.status_code == 404
    assert await names(stranger, "?search=jane") == []
    assert (await owner.get(f"/leads/{lead['id']}")).json()["data"]["version"] == 1


async def test_read_only_changes_nothing(owner: Client, join: Join) -> None:
    lead = await enter(owner)
    reader = await join(owner, Role.READ_ONLY)
    for method, path, body in [*every_lead_operation(lead), ("POST", "/leads", {"contact": JANE})]:
        answer = await reader.request(method, path, json=body)
        assert answer.status_code == (200 if method == "GET" else 403), (method, path)
