"""Users over HTTP: who sees them, who may change whom, and that access ends at once (ASVS 5.0: 7.4.2, 8.2.1, 8.3.2)."""

import asyncio
from typing import Any

import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Cause, Database
from application.identity.accounts import Accounts
from application.ports import Actor
from domain.kernel import Invalid, new_id
from tests.http.conftest import PASSWORD, Client
from tests.http.lists import new_dataset
from tests.http.sales_world import enter
from tests.http.team import Hire, accept, address, invite, refused

pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.team"]
RACES = 8


def _path(who: Client) -> str:
    return f"/users/{who.user_id}"


async def test_those_who_manage_users_see_them_all(owner: Client, stranger: Client, hire: Hire) -> None:
    rita = await hire(owner, "rep")
    gone = await hire(owner, "manager")
    assert (await owner.delete(_path(gone))).status_code == 204
    asked = await invite(owner, "read_only", phone="+442079460123")
    listed = (await owner.get("/users")).json()
    people = {person["id"]: person for person in listed["data"]}
    assert listed["pagination"]["total"] == 4
    assert {str(who): people[str(who)]["status"] for who in (owner.user_id, rita.user_id, gone.user_id)} == {
        str(owner.user_id): "active",
        str(rita.user_id): "active",
        str(gone.user_id): "suspended",
    }
    invited = people[asked["user"]["id"]]
    assert (invited["status"], invited["role"], invited["phone"]) == ("invited", "read_only", "+442079460123")
    assert invited["invited_by"] == {"id": str(owner.user_id), "name": "Olga Owner"}
    assert invited["invitation"]["expires_at"] == asked["expires_at"]
    assert people[str(rita.user_id)]["last_login_at"].endswith("Z")
    assert people[str(rita.user_id)]["invitation"] is None
    assert invited == (await owner.get(f"/users/{asked['user']['id']}")).json()["data"]
    by_status = (await owner.get("/users?status=suspended")).json()["data"]
    assert [person["id"] for person in by_status] == [str(gone.user_id)]
    assert len((await owner.get("/users?role=owner&active=false")).json()["data"]) == 0
    page = (await owner.get("/users?sort=email&limit=1")).json()
    assert page["pagination"]["next_cursor"]
    assert [person["id"] for person in (await stranger.get("/users")).json()["data"]] == [str(stranger.user_id)]
    assert refused(await owner.get("/users?sort=password_hash"), 400) == "VALIDATION_ERROR"


async def test_everybody_sees_the_names_of_those_who_are_active(owner: Client, client: Client, hire: Hire) -> None:
    rita = await hire(owner, "rep")
    gone = await hire(owner, "rep")
    await owner.delete(_path(gone))
    await invite(owner)
    assert refused(await rita.get("/users"), 403) == "PERMISSION_DENIED"
    assert refused(await rita.get("/users?active=false"), 403) == "PERMISSION_DENIED"
    assert refused(await rita.get(_path(owner)), 403) == "PERMISSION_DENIED"
    short = (await rita.get("/users?active=true")).json()["data"]
    assert {person["id"] for person in short} == {str(owner.user_id), str(rita.user_id)}
    assert short[0].keys() == {"id", "first_name", "last_name", "name", "avatar_url", "role"}
    document = (await client.get("/openapi.json")).json()
    listed = document["paths"]["/api/v1/users"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    views = [one["$ref"].rpartition("/")[2] for one in listed["properties"]["data"]["items"]["anyOf"]]
    assert views == ["TeamMemberView", "ColleagueView"]
    assert set(document["components"]["schemas"]["ColleagueView"]["required"]) == short[0].keys()
    assert (await client.get("/users?active=true")).status_code == 401


async def test_a_change_holds_from_the_next_request_on(owner: Client, hire: Hire) -> None:
    rita = await hire(owner, "rep")
    dataset = await new_dataset(owner)
    assert (await rita.post("/datasets", json={"name": "Mine"})).status_code == 403
    before = await owner.get(_path(rita))
    body = {
        "role": "manager", "permissions": {"can_edit_lessons": True}, "allowed_dataset_ids": [dataset],
        "first_name": "Margarita", "phone": "+442079460199",
    }  # fmt: skip
    answer = await owner.patch(_path(rita), json=body, headers={"If-Match": before.headers["etag"]})
    assert answer.status_code == 200, answer.text
    after = answer.json()["data"]
    assert (after["role"], after["allowed_dataset_ids"]) == ("manager", [dataset])
    assert (after["name"], after["phone"]) == ("Margarita Reed", "+442079460199")
    assert after["permissions"] == {
        "can_view_all_leads": False, "can_edit_lessons": True, "can_push_to_live": False, "can_manage_users": False,
    }  # fmt: skip
    assert "datasets:write" in (await rita.get("/users/me")).json()["data"]["permissions"]
    assert [found["id"] for found in (await rita.get("/datasets")).json()["data"]] == [dataset]
    stale = await owner.patch(_path(rita), json={"role": "rep"}, headers={"If-Match": before.headers["etag"]})
    assert refused(stale, 409) == "STALE_VERSION"
    assert stale.json()["error"]["details"][0]["field"] == "role"
    assert (await owner.patch(_path(rita), json={"allowed_dataset_ids": None})).json()["data"][
        "allowed_dataset_ids"
    ] is None
    assert (await owner.patch(_path(rita), json={"role": "read_only"})).status_code == 200
    assert (await rita.post("/datasets", json={"name": "Mine"})).status_code == 403


async def test_the_flag_that_lets_manage_users_shows_in_the_permissions(owner: Client, hire: Hire) -> None:
    rita = await hire(owner, "rep", permissions={"can_manage_users": True})
    assert {"users:read", "users:write"} <= set((await rita.get("/users/me")).json()["data"]["permissions"])
    assert (await rita.get("/users")).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "platform_admin"}, "role"),
        ({"allowed_dataset_ids": [str(new_id())]}, "allowed_dataset_ids"),
        ({"location_ids": [str(new_id())]}, "location_ids"),
        ({"permissions": {"installation": True}}, "permissions.installation"),
        ({"email": "other@example.com"}, "email"),
        ({"phone": "020"}, "phone"),
        ({"first_name": None}, "first_name"),
    ],
)
async def test_a_change_that_cannot_be_names_the_field(
    owner: Client, hire: Hire, body: dict[str, Any], field: str
) -> None:
    rita = await hire(owner)
    for answer in (
        await owner.patch(_path(rita), json=body),
        *([] if "email" in body else [await owner.post("/users", json=_INVITED | body)]),
    ):
        assert refused(answer, 400) == "VALIDATION_ERROR"
        assert answer.json()["error"]["details"][0]["field"] == field


_INVITED = {"email": "x@example.com", "first_name": "X", "role": "rep"}


async def test_another_organisations_people_and_data_are_not_there(owner: Client, stranger: Client, hire: Hire) -> None:
    rita, foreign = await hire(owner), await hire(stranger)
    dataset = await new_dataset(stranger)
    calls = [("GET", "", None), ("PATCH", "", {"role": "rep"}), ("DELETE", "", None), ("POST", "/invitation", None)]
    for method, tail, body in calls:
        answer = await owner.request(method, f"{_path(foreign)}{tail}", json=body)
        assert refused(answer, 404) == "NOT_FOUND"
        assert "Rita" not in answer.text
    assert refused(await owner.patch(_path(rita), json={"allowed_dataset_ids": [dataset]}), 400) == "VALIDATION_ERROR"


async def test_nobody_gives_or_takes_what_they_do_not_have(owner: Client, hire: Hire) -> None:
    dataset, other = await new_dataset(owner, "One"), await new_dataset(owner, "Two")
    admin = await hire(owner, "admin")
    manager = await hire(owner, "manager", permissions={"can_manage_users": True})
    rita = await hire(owner, "rep", permissions={"can_manage_users": True})
    narrowed = await hire(owner, "admin", allowed_dataset_ids=[dataset])
    simple = await hire(owner, "rep")
    refusals: list[tuple[Client, str, str, Any]] = [
        (admin, "PATCH", _path(owner), {"role": "admin"}),
        (admin, "DELETE", _path(owner), None),
        (admin, "PATCH", _path(simple), {"role": "owner"}),
        (admin, "POST", "/users", _INVITED | {"role": "owner"}),
        (manager, "POST", "/users", _INVITED | {"role": "admin"}),
        (manager, "PATCH", _path(simple), {"role": "admin"}),
        (manager, "DELETE", _path(admin), None),
        (manager, "PATCH", _path(admin), {"is_active": False}),
        (manager, "POST", "/users", _INVITED | {"permissions": {"can_push_to_live": True}}),
        (rita, "POST", "/users", _INVITED | {"role": "manager"}),
        (rita, "POST", "/users", _INVITED | {"role": "read_only"}),
        (rita, "POST", "/users", _INVITED | {"permissions": {"can_view_all_leads": True}}),
        (narrowed, "PATCH", _path(simple), {"allowed_dataset_ids": [other]}),
        (narrowed, "POST", "/users", _INVITED),
        (simple, "POST", "/users", _INVITED),
        (simple, "PATCH", _path(rita), {"role": "rep"}),
        (simple, "DELETE", _path(rita), None),
    ]
    for who, method, path, body in refusals:
        assert refused(await who.request(method, path, json=body), 403) == "PERMISSION_DENIED", (path, body)
    assert (await narrowed.patch(_path(simple), json={"allowed_dataset_ids": [dataset]})).status_code == 200
    assert (await manager.patch(_path(simple), json={"permissions": {"can_view_all_leads": True}})).status_code == 200
    assert (await rita.post("/users", json=_INVITED | {"email": "friend@example.com"})).status_code == 201
    assert (await admin.delete(_path(simple))).status_code == 204


async def test_nobody_changes_their_own_place(owner: Client, hire: Hire) -> None:
    admin = await hire(owner, "admin")
    second = await hire(owner, "owner")
    for who in (admin, owner, second):
        for body in ({"role": "read_only"}, {"is_active": False}, {"permissions": {"can_manage_users": True}}):
            assert refused(await who.patch(_path(who), json=body), 403) == "PERMISSION_DENIED"
        assert refused(await who.delete(_path(who)), 403) == "PERMISSION_DENIED"
    assert (await owner.patch(_path(owner), json={"first_name": "Olga", "role": "owner"})).status_code == 200


async def test_of_two_owners_who_demote_each_other_at_once_one_remains(
    owner: Client, hire: Hire, database: Database
) -> None:
    for number in range(RACES):
        second = await hire(owner, "owner")
        if number % 2:
            calls = (owner.patch(_path(second), json={"role": "rep"}), second.patch(_path(owner), json={"role": "rep"}))
        else:
            calls = (owner.delete(_path(second)), second.delete(_path(owner)))
        answers = await asyncio.gather(*calls)
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses in ([200, 403], [204, 403], [200, 401], [204, 401]), [a.text for a in answers]
        async with database.connection() as connection:
            owners = await connection.fetch(
                "SELECT account_id FROM memberships WHERE organization_id = $1 AND role = 'owner' AND is_active",
                owner.organization_id,
            )
        assert len(owners) == 1
        owner = owner if owners[0]["account_id"] == owner.user_id else second


async def test_a_platform_administrator_cannot_take_the_last_owner_either(
    owner: Client, hire: Hire, database: Database
) -> None:
    helper = await hire(owner, "admin")
    async with database.connection() as connection:
        await connection.execute("UPDATE accounts SET is_platform_admin = true WHERE id = $1", helper.user_id)
    assert refused(await helper.patch(_path(owner), json={"role": "rep"}), 409) == "CONFLICT"
    assert refused(await helper.patch(_path(owner), json={"is_active": False}), 409) == "CONFLICT"
    assert refused(await helper.delete(_path(owner)), 409) == "CONFLICT"
    second = await hire(owner, "owner")
    assert (await helper.delete(_path(second))).status_code == 204


async def test_a_suspended_person_is_out_and_their_work_stays(owner: Client, client: Client, hire: Hire) -> None:
    rita, ben = await hire(owner), await hire(owner)
    lead = await enter(owner)
    assert (await owner.patch(f"/leads/{lead['id']}", json={"assigned_to": str(rita.user_id)})).status_code == 200
    assert (await rita.get("/users/me")).status_code == 200
    assert (await owner.patch(_path(rita), json={"is_active": False})).json()["data"]["status"] == "suspended"
    assert (await rita.get("/users/me")).status_code == 401
    signing_in = {"email": rita.email, "password": PASSWORD}
    assert refused(await client.post("/auth", json=signing_in), 403) == "PERMISSION_DENIED"
    kept = (await owner.get(f"/leads/{lead['id']}")).json()["data"]
    assert kept["assigned_to"] == str(rita.user_id)
    moved = await owner.patch(f"/leads/{lead['id']}", json={"assigned_to": str(ben.user_id)})
    assert moved.json()["data"]["assigned_to"] == str(ben.user_id)
    assert refused(await owner.delete(_path(rita)), 409) == "CONFLICT"
    assert (await owner.patch(_path(rita), json={"is_active": True})).json()["data"]["status"] == "active"
    assert (await rita.get("/users/me")).status_code == 401, "the old token stays dead"
    assert (await client.post("/auth", json=signing_in)).status_code == 200


async def test_names_are_ones_own_once_one_belongs_elsewhere_too(
    owner: Client, stranger: Client, open_client: Any
) -> None:
    invited = await invite(owner, email=stranger.email, first_name="Someone")
    path = f"/users/{invited['user']['id']}"
    assert (await owner.patch(path, json={"first_name": "Anyone"})).json()["data"]["name"] == "Anyone Reed"
    assert (await accept(await open_client(), invited["link"])).status_code == 200
    shown = (await owner.get(path)).json()["data"]
    assert (shown["name"], shown["status"]) == ("Olga Owner", "active")
    assert refused(await owner.patch(path, json={"first_name": "Mallory"}), 409) == "CONFLICT"
    assert (await owner.patch(path, json={"role": "manager"})).status_code == 200
    assert (await stranger.get("/users/me")).json()["data"]["name"] == "Olga Owner"


async def test_a_platform_administrator_enters_every_organisation(
    owner: Client, stranger: Client, client: Client, house: AsyncContainer, database: Database
) -> None:
    email = address()
    async with house({Actor: Actor.system(new_id()), Cause: Cause()}) as scope:
        accounts = await scope.get(Accounts)
        with pytest.raises(Invalid):
            await accounts.appoint_platform_admin(email, None, None)
        assert await accounts.appoint_platform_admin(email, PASSWORD, "Petra Platform")
        assert not await accounts.appoint_platform_admin(email, None, None), "it asks for no password twice"
    entering = {"email": email, "password": PASSWORD, "organization_id": str(owner.organization_id)}
    signed_in = await client.post("/auth", json=entering)
    assert signed_in.status_code == 200, signed_in.text
    client.cookies.clear()
    client.sign_in(signed_in.json()["data"])
    me = (await client.get("/users/me")).json()["data"]
    assert (me["role"], me["name"]) == ("platform_admin", "Petra Platform")
    assert {"platform", "installation", "users:write"} <= set(me["permissions"])
    assert (await client.get(f"/organizations/{owner.organization_id}")).json()["data"]["role"] == "platform_admin"
    assert (await client.get(f"/organizations/{stranger.organization_id}")).status_code == 200
    assert [person["id"] for person in (await client.get("/users")).json()["data"]] == [str(owner.user_id)]
    assert (await invite(client, "owner"))["user"]["role"] == "owner"
    assert (await client.get("/organizations")).json()["data"] == []
    by_default = await client.post("/auth", json={"email": email, "password": PASSWORD})
    assert by_default.json()["data"]["organization"]["id"] == str(owner.organization_id), "where they were last"
    nowhere = await client.post("/auth", json=entering | {"organization_id": str(new_id())})
    assert refused(nowhere, 403) == "PERMISSION_DENIED"
    async with house({Actor: Actor.system(new_id()), Cause: Cause()}) as scope:
        await (await scope.get(Accounts)).dismiss_platform_admin(email)
    assert (await client.get("/users/me")).status_code == 401
    assert refused(await client.post("/auth", json=entering), 403) == "PERMISSION_DENIED"


async def test_no_request_makes_a_platform_administrator(owner: Client, hire: Hire) -> None:
    admin = await hire(owner, "admin")
    for body in ({"is_platform_admin": True}, {"role": "platform_admin"}):
        assert refused(await owner.patch(_path(admin), json=body), 400) == "VALIDATION_ERROR"
        assert refused(await admin.patch("/users/me", json=body), 400) == "VALIDATION_ERROR"
    permissions = set((await admin.get("/users/me")).json()["data"]["permissions"])
    assert not permissions & {"platform", "installation", "organization:delete"}
