"""Brands, locations and who is limited to which, over HTTP (ASVS 5.0: 8.2.2, 8.2.3)."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from adapters.persistence.database import Database
from domain.identity.role import Role
from domain.kernel import new_id
from tests.http.conftest import Client, Join, OpenClient

pytestmark = pytest.mark.anyio


async def _brand(client: Client, name: str = "Bright") -> dict[str, Any]:
    answer = await client.post("/brands", json={"name": name})
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def _location(client: Client, brand: dict[str, Any], name: str = "Leeds", **more: Any) -> dict[str, Any]:
    answer = await client.post("/locations", json={"brand_id": brand["id"], "name": name} | more)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def _assign(database: Database, person: Client, owner: Client, *locations: dict[str, Any]) -> None:
    """Limit a member to locations, as an administrator does."""
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE memberships SET location_ids = $3 WHERE account_id = $1 AND organization_id = $2",
            person.user_id,
            owner.organization_id,
            [UUID(location["id"]) for location in locations],
        )


def _refused(answer: httpx.Response, status: int, field: str | None = None) -> str:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    if field is not None:
        assert error["details"][0]["field"] == field, answer.text
    return str(error["code"])


async def _names(client: Client, path: str, **params: Any) -> list[str]:
    return [item["name"] for item in (await client.get(path, params=params)).json()["data"]]


async def test_a_brand_is_made_changed_and_deleted(owner: Client) -> None:
    brand = await _brand(owner, "  Bright   Windows ")
    assert (brand["name"], brand["logo_url"], brand["version"]) == ("Bright Windows", None, 1)
    path = f"/brands/{brand['id']}"
    changed = await owner.patch(path, json={"logo_url": "https://bright.example/l.png"}, headers={"If-Match": '"1"'})
    assert changed.json()["data"]["version"] == 2
    stale = await owner.patch(path, json={"name": "Other"}, headers={"If-Match": '"1"'})
    assert _refused(stale, 409) == "STALE_VERSION"
    assert (await owner.get(path)).json()["data"] == changed.json()["data"]
    assert (await owner.delete(path)).status_code == 204
    assert _refused(await owner.get(path), 404) == "NOT_FOUND"


async def test_a_location_is_made_changed_and_deleted(owner: Client) -> None:
    brand, other = await _brand(owner), await _brand(owner, "Brighter")
    made = await _location(
        owner, brand, city="Leeds", country="GB", phone="0113 496 0123", email="Leeds@Bright.example"
    )
    assert made["phone"] == "+441134960123"
    assert made["email"] == "leeds@bright.example"
    assert made["brand"] == {"id": brand["id"], "name": "Bright", "logo_url": None}
    path = f"/locations/{made['id']}"
    body = {"brand_id": other["id"], "is_active": False, "phone": None}
    changed = (await owner.patch(path, json=body, headers={"If-Match": '"1"'})).json()["data"]
    assert (changed["brand"]["name"], changed["is_active"], changed["phone"]) == ("Brighter", False, None)
    assert _refused(await owner.patch(path, json={"name": "X"}, headers={"If-Match": '"1"'}), 409) == "STALE_VERSION"
    assert (await owner.delete(path)).status_code == 204
    assert _refused(await owner.get(path), 404) == "NOT_FOUND"


async def test_names_are_unique_where_they_could_be_mixed_up(owner: Client, stranger: Client) -> None:
    brand, other = await _brand(owner), await _brand(owner, "Other")
    assert _refused(await owner.post("/brands", json={"name": "Bright"}), 409, "name") == "DUPLICATE_RECORD"
    await _location(owner, brand)
    twin = {"brand_id": brand["id"], "name": "Leeds"}
    assert _refused(await owner.post("/locations", json=twin), 409, "name") == "DUPLICATE_RECORD"
    await _location(owner, other)
    await _brand(stranger)


async def test_a_brand_with_locations_stays(owner: Client) -> None:
    brand = await _brand(owner)
    await _location(owner, brand)
    assert _refused(await owner.delete(f"/brands/{brand['id']}"), 409) == "CONFLICT"
    assert await _names(owner, "/brands") == ["Bright"]


async def test_lists_are_narrowed_and_sorted_by_name(owner: Client) -> None:
    brand, other = await _brand(owner), await _brand(owner, "Élan")
    for name, active in (("Leeds", True), ("leicester", False), ("York", True)):
        await _location(owner, brand, name, is_active=active)
    await _location(owner, other, "Lens")
    assert await _names(owner, "/locations") == ["Leeds", "Lens", "York", "leicester"]
    assert await _names(owner, "/locations", search="LE") == ["Leeds", "Lens", "leicester"]
    assert await _names(owner, "/locations", search="l%") == []
    assert await _names(owner, "/locations", brand_id=other["id"]) == ["Lens"]
    assert await _names(owner, "/locations", is_active="false") == ["leicester"]
    assert await _names(owner, "/brands", search="éL") == ["Élan"]
    assert await _names(owner, "/locations", sort="created", order="desc", limit=1) == ["Lens"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"brand_id": str(new_id())}, "brand_id"),
        ({"country": "XX"}, "country"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"phone": "12345"}, "phone"),
        ({"email": "nobody"}, "email"),
        ({"version": 7}, "version"),
        ({"created_at": "2020-01-01T00:00:00Z"}, "created_at"),
    ],
)
async def test_a_location_that_cannot_be_names_the_field(owner: Client, change: dict[str, Any], field: str) -> None:
    brand = await _brand(owner)
    _refused(await owner.post("/locations", json={"brand_id": brand["id"], "name": "Leeds"} | change), 400, field)


async def test_only_admins_and_owners_change_places(owner: Client, join: Join) -> None:
    brand = await _brand(owner)
    made = await _location(owner, brand)
    for role in (Role.MANAGER, Role.REP, Role.READ_ONLY):
        person = await join(owner, role)
        assert await _names(person, "/locations") == ["Leeds"]
        for answer in (
            await person.post("/brands", json={"name": "Mine"}),
            await person.patch(f"/brands/{brand['id']}", json={"name": "Mine"}),
            await person.delete(f"/brands/{brand['id']}"),
            await person.post("/locations", json={"brand_id": brand["id"], "name": "Mine"}),
            await person.patch(f"/locations/{made['id']}", json={"name": "Mine"}),
            await person.delete(f"/locations/{made['id']}"),
        ):
            assert _refused(answer, 403) == "PERMISSION_DENIED"


async def test_another_organisations_places_are_not_there(owner: Client, stranger: Client) -> None:
    brand = await _brand(owner)
    made = await _location(owner, brand)
    assert await _names(stranger, "/brands") == await _names(stranger, "/locations") == []
    for path in (f"/brands/{brand['id']}", f"/locations/{made['id']}"):
        for answer in (
            await stranger.get(path), await stranger.patch(path, json={"name": "X"}), await stranger.delete(path)
        ):  # fmt: skip
            assert _refused(answer, 404) == "NOT_FOUND"
    _refused(await stranger.post("/locations", json={"brand_id": brand["id"], "name": "Mine"}), 400, "brand_id")
    assert await _names(owner, "/locations") == ["Leeds"]


async def test_whoever_is_limited_sees_their_locations_and_their_brands(
    owner: Client, join: Join, database: Database, open_client: OpenClient
) -> None:
    brand, other = await _brand(owner), await _brand(owner, "Other")
    leeds, york = await _location(owner, brand), await _location(owner, brand, "York")
    paris = await _location(owner, other, "Paris")
    admin = await join(owner, Role.ADMIN)
    await _assign(database, admin, owner, leeds)

    assert await _names(admin, "/locations") == ["Leeds"]
    assert await _names(admin, "/brands") == ["Bright"]
    hidden = (f"/locations/{york['id']}", f"/locations/{paris['id']}", f"/brands/{other['id']}")
    for path in hidden:
        for answer in (await admin.get(path), await admin.patch(path, json={"name": "X"}), await admin.delete(path)):
            assert _refused(answer, 404) == "NOT_FOUND"
    changed = await admin.patch(f"/locations/{leeds['id']}", json={"name": "Leeds Dock"})
    assert changed.status_code == 200
    _refused(await admin.patch(f"/locations/{leeds['id']}", json={"brand_id": other["id"]}), 400, "brand_id")
    assert _refused(await admin.post("/brands", json={"name": "Mine"}), 403) == "PERMISSION_DENIED"
    new = {"brand_id": brand["id"], "name": "Mine"}
    assert _refused(await admin.post("/locations", json=new), 403) == "PERMISSION_DENIED"

    made = await admin.post("/api-keys", json={"name": "Till", "permissions": ["locations:read"]})
    program = await open_client()
    program.headers["Authorization"] = f"Bearer {made.json()['data']['key']}"
    assert await _names(program, "/locations") == ["Leeds Dock"]
    wider = {"name": "Till", "permissions": ["locations:read"], "location_ids": [york["id"]]}
    _refused(await admin.post("/api-keys", json=wider), 400, "location_ids")


async def test_the_context_shows_ones_own_locations(owner: Client, join: Join, database: Database) -> None:
    brand, other = await _brand(owner), await _brand(owner, "Other")
    leeds, york = await _location(owner, brand), await _location(owner, brand, "York")
    await _location(owner, other, "Paris")
    rep = await join(owner, Role.REP)
    empty = {"user_id": str(rep.user_id), "locations": [], "brand_ids": []}
    assert (await rep.get("/organizations/context")).json()["data"] == empty
    await _assign(database, rep, owner, york, leeds)
    said = (await rep.get("/organizations/context")).json()["data"]
    assert [(location["name"], location["brand"]["name"]) for location in said["locations"]] == [
        ("Leeds", "Bright"), ("York", "Bright"),
    ]  # fmt: skip
    assert said["brand_ids"] == [brand["id"]]


async def test_a_deleted_location_leaves_nobody_with_more(
    owner: Client, join: Join, database: Database, open_client: OpenClient
) -> None:
    brand = await _brand(owner)
    leeds, york = await _location(owner, brand), await _location(owner, brand, "York")
    both, one = await join(owner, Role.REP), await join(owner, Role.REP)
    await _assign(database, both, owner, leeds, york)
    await _assign(database, one, owner, leeds)
    limited = {"name": "Till", "permissions": ["locations:read"], "location_ids": [leeds["id"]]}
    key = (await owner.post("/api-keys", json=limited)).json()["data"]
    program = await open_client()
    program.headers["Authorization"] = f"Bearer {key['key']}"
    assert await _names(program, "/locations") == ["Leeds"]

    assert (await owner.delete(f"/locations/{leeds['id']}")).status_code == 204
    assert await _names(both, "/locations") == ["York"]
    assert await _names(one, "/locations") == await _names(program, "/locations") == []
    assert await _names(one, "/brands") == []
    shown = (await owner.get(f"/api-keys/{key['api_key']['id']}")).json()["data"]
    assert (shown["location_ids"], shown["version"]) == ([], 2)


async def test_sample_locations_are_filled_in_once(owner: Client, database: Database) -> None:
    assert _refused(await owner.post("/admin/seed-locations"), 403) == "PERMISSION_DENIED"
    async with database.connection() as connection:
        await connection.execute("UPDATE accounts SET is_platform_admin = true WHERE id = $1", owner.user_id)
    answers = await asyncio.gather(*(owner.post("/admin/seed-locations") for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    made = [len(answer.json()["data"]["created"]) for answer in answers]
    assert sorted(made) == [0, 0, 0, 0, 3]
    assert await _names(owner, "/brands") == ["Sample brand"]
    assert len(await _names(owner, "/locations")) == 3

    body = {"brand": "Sample brand", "locations": [{"name": "London"}, {"name": "Leeds", "country": "GB"}]}
    said = (await owner.post("/admin/seed-locations", json=body)).json()["data"]
    assert [location["name"] for location in said["created"]] == ["Leeds"]
    assert [location["name"] for location in said["existing"]] == ["London"]
    _refused(await owner.post("/admin/seed-locations", json={"locations": []}), 400, "locations")
    _refused(
        await owner.post("/admin/seed-locations", json={"locations": [{"name": "X", "country": "XX"}]}), 400, "country"
    )
