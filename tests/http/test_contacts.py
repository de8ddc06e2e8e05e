"""Contacts over HTTP: entered, found, changed with all that copies them, deleted, and seen by whom they should be."""

import asyncio
from typing import Any

import pytest

from domain.identity.role import Role
from domain.kernel import new_id
from tests.http.conftest import Client, Join
from tests.http.sales_world import JANE, World, enter, world

__all__ = ["world"]
pytestmark = pytest.mark.anyio


async def create(client: Client, **contact: Any) -> dict[str, Any]:
    """Enter a contact; gives it as it was answered."""
    answer = await client.post("/contacts", json=contact)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def names(client: Client, path: str) -> list[str]:
    """Give the first names of a list of contacts."""
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return [item["first_name"] for item in answer.json()["data"]]


async def test_a_contact_is_entered_tidily(owner: Client) -> None:
    contact = await create(
        owner, first_name="  Jane ", last_name="van  der Berg", email=" JANE@Example.com", phone_number="07700 900 123"
    )
    assert (contact["first_name"], contact["last_name"]) == ("Jane", "van der Berg")
    assert (contact["email"], contact["phone_number"]) == ("jane@example.com", "+447700900123")
    assert (contact["country"], contact["zones"], contact["sms_eligible"]) == ("GB", ["Europe/London"], True)
    assert (contact["leads"], contact["lead_count"], contact["version"]) == ([], 0, 1)
    shown = await owner.get(f"/contacts/{contact['id']}")
    assert shown.json()["data"] == contact
    assert shown.headers["etag"] == '"1"'


async def test_numbers_are_read_as_the_organisations_country_writes_them(owner: Client, world: World) -> None:
    await world.fetch("UPDATE organizations SET country = 'PL' WHERE organization_id = $1")
    contact = await create(owner, first_name="Jan", phone_number="512 345 678")
    assert (contact["phone_number"], contact["zones"]) == ("+48512345678", ["Europe/Warsaw"])
    assert await names(owner, "/contacts/search?q=512 345") == ["Jan"]


async def test_somebody_may_be_kept_from_texts(owner: Client) -> None:
    assert (await create(owner, phone_number="07700900123", sms_eligible=False))["sms_eligible"] is False
    assert (await create(owner, phone_number="01134960001", sms_eligible=True))["sms_eligible"] is False


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"first_name": "Jane"}, "email"),
        ({"email": "jane"}, "email"),
        ({"phone_number": "12"}, "phone_number"),
        ({"phone_number": "07700 900123 / 07700 900124"}, "phone_number"),
        ({"email": "a@example.com", "phone": "07700900123"}, "phone"),
        ({"email": "a@example.com", "first_name": "x" * 201}, "first_name"),
        ({"email": "a@example.com", "version": 2}, "version"),
        ({"email": "a@example.com", "notes": "a\x00"}, "notes"),
    ],
)
async def test_what_cannot_be_entered_names_the_field(owner: Client, body: dict[str, Any], field: str) -> None:
    answer = await owner.post("/contacts", json=body)
    assert answer.status_code == 400, answer.text
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]


async def test_a_second_with_the_same_address_is_told_of_the_first(owner: Client, stranger: Client) -> None:
    first = await create(owner, email="jane@example.com")
    error = (await owner.post("/contacts", json={"email": "JANE@example.com"})).json()["error"]
    assert error["code"] == "DUPLICATE_RECORD"
    assert {"field": "existing_contact_id", "message": first["id"]} in error["details"]
    assert (await create(stranger, email="jane@example.com"))["id"] != first["id"]
    answers = await asyncio.gather(*(owner.post("/contacts", json={"email": "x@example.com"}) for _ in range(6)))
    [entered, *refused] = sorted(answers, key=lambda answer: answer.status_code)
    assert [entered.status_code, *(answer.status_code for answer in refused)] == [201] + [409] * 5
    first_of_all = {"field": "existing_contact_id", "message": entered.json()["data"]["id"]}
    assert all(first_of_all in answer.json()["error"]["details"] for answer in refused), "whoever came second, too"


async def test_a_list_is_sorted_paged_and_searched(owner: Client) -> None:
    for first, last in [("Anna", "Zeller"), ("Bob", "Young"), ("Cleo", "Xu")]:
        await create(owner, first_name=first, last_name=last, email=f"{first}@example.com")
    assert await names(owner, "/contacts") == ["Cleo", "Bob", "Anna"]
    assert await names(owner, "/contacts?sort=name&order=asc") == ["Cleo", "Bob", "Anna"]
    assert await names(owner, "/contacts?limit=2&page=2") == ["Anna"]
    assert await names(owner, "/contacts?search=zel") == ["Anna"]
    assert await names(owner, "/contacts?search=cleo") == ["Cleo"]
    assert await names(owner, "/contacts/search?q=oun") == ["Bob"]
    first = (await owner.get("/contacts?limit=2")).json()["pagination"]
    assert await names(owner, f"/contacts?limit=2&cursor={first['next_cursor']}") == ["Anna"]
    for query in ("sort=email", "limit=0", "city=Leeds"):
        assert (await owner.get(f"/contacts?{query}")).status_code == 400
    assert (await owner.get("/contacts/search?q=")).status_code == 400


async def test_suggestions_complete_a_beginning(owner: Client) -> None:
    for number in range(12):
        await create(owner, first_name="Jan", last_name=f"Kowalski {number:02}", email=f"jan{number}@example.com")
    await create(owner, first_name="Marjan", email="m@example.com")
    suggested = (await owner.get("/contacts/suggest?q=jan")).json()["data"]
    assert len(suggested) == 10
    assert suggested[0] | {"id": ""} == {
        "id": "",
        "name": "Jan Kowalski 00",
        "email": "jan0@example.com",
        "phone_number": None,
    }
    assert (await owner.get("/contacts/suggest?q=arjan")).json()["data"] == []


async def test_its_leads_follow_a_contact(owner: Client, world: World) -> None:
    dataset = await world.dataset()
    lead = await enter(owner, dataset_id=str(dataset))
    send = await world.plan_text(lead, dataset, "claimed")
    path = f"/contacts/{lead['contact']['id']}"
    changed = await owner.patch(
        path, json={"last_name": "Adams", "phone_number": "07700900777", "postcode": None}, headers={"If-Match": '"1"'}
    )
    assert changed.status_code == 200, changed.text
    assert (changed.json()["data"]["version"], changed.json()["data"]["phone_number"]) == (2, "+447700900777")
    (row,) = await world.fetch("SELECT name_key, phone, version FROM leads WHERE organization_id = $1")
    assert (row["name_key"], row["phone"], row["version"]) == ("adams jane", "+447700900777", 1)
    text = await world.text(send)
    assert (text["state"], text["recipient"], text["told"]) == ("planned", "+447700900777", "+447700900777")
    landline = await owner.patch(path, json={"phone_number": "0113 496 0001"})
    assert landline.status_code == 200
    assert (await world.text(send))["state"] == "cancelled"
    assert (await owner.get(f"/leads/{lead['id']}")).json()["data"]["contact_status"] == "UNREACHABLE"
    await owner.patch(path, json={"phone_number": "07700900778"})
    assert (await owner.get(f"/leads/{lead['id']}")).json()["data"]["contact_status"] == "READY"


async def test_texts_stop_for_somebody_kept_from_them(owner: Client, world: World) -> None:
    dataset = await world.dataset()
    lead = await enter(owner, dataset_id=str(dataset))
    send = await world.plan_text(lead, dataset)
    kept = await owner.patch(f"/contacts/{lead['contact']['id']}", json={"sms_eligible": False})
    assert kept.json()["data"]["sms_eligible"] is False
    assert (await world.text(send))["state"] == "cancelled"


async def test_a_number_of_another_lead_in_the_dataset_is_refused(owner: Client, world: World) -> None:
    dataset = str(await world.dataset())
    await enter(owner, dataset_id=dataset)
    other = await enter(owner, {"phone_number": "07700900124"}, dataset_id=dataset)
    answer = await owner.patch(f"/contacts/{other['contact']['id']}", json={"phone_number": "07700900123"})
    assert answer.status_code == 409
    assert answer.json()["error"]["details"][0]["field"] == "phone_number"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"email": "taken@example.com"}, 409),
        ({"email": None, "phone_number": None}, 400),
        ({"email": "nonsense"}, 400),
        ({"sms_eligible": None}, 400),
        ({"name_key": "x"}, 400),
    ],
)
async def test_changes_that_are_refused(owner: Client, body: dict[str, Any], status: int) -> None:
    await create(owner, email="taken@example.com")
    contact = await create(owner, **JANE)
    answer = await owner.patch(f"/contacts/{contact['id']}", json=body)
    assert answer.status_code == status, answer.text
    assert (await owner.get(f"/contacts/{contact['id']}")).json()["data"] == contact


async def test_an_older_version_changes_nothing(owner: Client) -> None:
    contact = await create(owner, **JANE)
    path = f"/contacts/{contact['id']}"
    answers = await asyncio.gather(
        *(owner.patch(path, json={"title": f"Dr {n}"}, headers={"If-Match": '"1"'}) for n in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 4
    assert {a.json()["error"]["code"] for a in answers if a.status_code == 409} == {"STALE_VERSION"}


async def test_a_lead_and_its_contact_changed_at_once_do_not_block_each_other(owner: Client) -> None:
    lead = await enter(owner)
    answers = await asyncio.gather(
        *(
            owner.patch(path, json={"first_name": f"Jane {n}"})
            for n in range(10)
            for path in (f"/leads/{lead['id']}", f"/contacts/{lead['contact']['id']}")
        )
    )
    assert {answer.status_code for answer in answers} == {200}


async def test_a_contact_is_deleted_only_while_nothing_needs_it(owner: Client) -> None:
    alone = await create(owner, email="alone@example.com")
    assert (await owner.delete(f"/contacts/{alone['id']}")).status_code == 204
    assert (await owner.get(f"/contacts/{alone['id']}")).status_code == 404
    lead = await enter(owner)
    refused = await owner.delete(f"/contacts/{lead['contact']['id']}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")
    assert (await owner.get(f"/contacts/{lead['contact']['id']}")).json()["data"]["lead_count"] == 1


async def test_another_organisations_contact_is_not_there(owner: Client, stranger: Client) -> None:
    contact = await create(owner, **JANE)
    path = f"/contacts/{contact['id']}"
    for method, body in (("GET", None), ("PATCH", {"title": "x"}), ("DELETE", None)):
        answer = await stranger.request(method, path, json=body)
        assert (answer.status_code, b"jane" in answer.content) == (404, False)
    for path in ("/contacts", "/contacts?search=jane", "/contacts/search?q=jane", "/contacts/suggest?q=jane"):
        assert (await stranger.get(path)).json()["data"] == []
    assert (await owner.get(f"/contacts/{new_id()}")).status_code == 404


async def test_a_rep_sees_the_contacts_of_leads_they_see(owner: Client, join: Join, world: World) -> None:
    rep = await join(owner, Role.REP)
    await create(owner, first_name="Leadless", email="l@example.com")
    hidden = await enter(owner, {"first_name": "Hidden", "email": "h@example.com"}, assigned_to=str(owner.user_id))
    await enter(owner, {"first_name": "Theirs", "email": "t@example.com"}, assigned_to=str(rep.user_id))
    assert await names(rep, "/contacts") == ["Theirs", "Leadless"]
    assert await names(rep, "/contacts?search=hidden") == []
    path = f"/contacts/{hidden['contact']['id']}"
    for method, body in (("GET", None), ("PATCH", {"title": "x"}), ("DELETE", None)):
        assert (await rep.request(method, path, json=body)).status_code == 404
    dataset = await world.dataset()
    limited = await join(owner, Role.REP, dataset_ids=[dataset])
    await enter(owner, {"first_name": "Inside", "email": "i@example.com"}, dataset_id=str(dataset))
    await create(limited, first_name="Own", email="own@example.com")
    assert await names(limited, "/contacts") == ["Own", "Inside"]


async def test_read_only_changes_nothing(owner: Client, join: Join) -> None:
    contact = await create(owner, **JANE)
    reader = await join(owner, Role.READ_ONLY)
    path = f"/contacts/{contact['id']}"
    assert (await reader.get(path)).status_code == 200
    for method, target, body in (
        ("POST", "/contacts", {"email": "x@example.com"}),
        ("PATCH", path, {"title": "x"}),
        ("DELETE", path, None),
    ):
        assert (await reader.request(method, target, json=body)).status_code == 403
