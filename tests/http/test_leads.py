"""Leads over HTTP: entered, found, changed, moved, put away, taken over, and seen by whom they should be."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from dishka import AsyncContainer

from domain.identity.role import Role
from domain.kernel import new_id
from tests.http.conftest import Client, Join
from tests.http.sales_world import JANE, World, enter

pytestmark = pytest.mark.anyio


@pytest.fixture
def world(house: AsyncContainer, owner: Client) -> World:
    """Write rows of the owner's organisation."""
    return World(house, owner.organization_id)


async def names(client: Client, query: str) -> list[str]:
    """List leads; gives first names in order."""
    answer = await client.get(f"/leads{query}")
    assert answer.status_code == 200, answer.text
    return [item["contact"]["first_name"] for item in answer.json()["data"]]


async def types(client: Client, lead: dict[str, Any]) -> list[str]:
    """Give what happened to a lead, latest first."""
    answer = await client.get(f"/leads/{lead['id']}")
    return [activity["type"] for activity in answer.json()["data"]["activities"]]


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


async def seed(owner: Client, world: World) -> dict[str, Any]:
    """Enter three leads that differ in everything a list narrows by."""
    dataset = await world.dataset()
    anna = await enter(owner, {"first_name": "Anna", "last_name": "Zeller", "email": "anna@z.example"}, source="fair")
    bob = await enter(
        owner,
        {"first_name": "Bob", "last_name": "Young", "phone_number": "07700900111"},
        dataset_id=str(dataset),
        stage="QUALIFIED",
        assigned_to=str(owner.user_id),
    )
    cleo = await enter(owner, {"first_name": "Cleo", "last_name": "Xu", "phone_number": "07700900222"})
    await owner.patch(f"/leads/{cleo['id']}", json={"lead_sentiment": "POSITIVE", "contact_status": "HOT"})
    await owner.post(f"/leads/{cleo['id']}/tags", json={"tag_slug": "won"})
    await owner.patch(f"/leads/{anna['id']}", json={"manual_mode": True})
    await owner.post(f"/leads/{bob['id']}/archive")
    await world.fetch(
        "UPDATE leads SET reply_received_at = now(), reply_order = now(), latest_reply = 'Yes'"
        " WHERE organization_id = $1 AND id = $2",
        UUID(bob["id"]),
    )
    return {"dataset": dataset, "anna": anna, "bob": bob, "cleo": cleo}


async def test_lists_narrow_by_every_filter(owner: Client, world: World) -> None:
    seeded = await seed(owner, world)
    for query, expected in {
        f"dataset_id={seeded['dataset']}": ["Bob"],
        "status=CONVERTED": ["Cleo"],
        "stage=QUALIFIED": ["Bob"],
        "source=fair": ["Anna"],
        "sentiment=POSITIVE": ["Cleo"],
        "tag=won": ["Cleo"],
        "tag=dnc": [],
        f"assigned_to={owner.user_id}": ["Bob"],
        "archived=true": ["Bob"],
        "archived=false": ["Cleo", "Anna"],
        "manual_mode=true": ["Anna"],
        "manual_mode=false": ["Cleo", "Bob"],
        "archived=false&status=UNREACHABLE": ["Anna"],
        "sort=created&order=asc": ["Anna", "Bob", "Cleo"],
        "sort=name&order=asc": ["Cleo", "Bob", "Anna"],
        "sort=stage&order=asc": ["Anna", "Bob", "Cleo"],
        "sort=status&order=asc": ["Cleo", "Bob", "Anna"],
        "sort=reply_date": ["Bob", "Cleo", "Anna"],
        "limit=1&page=2": ["Bob"],
    }.items():
        assert await names(owner, f"?{query}") == expected, query


@pytest.mark.parametrize("sort", ["created", "name", "status", "reply_date", "stage"])
@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_a_cursor_walks_every_order_without_gap_or_repeat(
    owner: Client, world: World, sort: str, order: str
) -> None:
    await seed(owner, world)
    whole = await names(owner, f"?sort={sort}&order={order}")
    walked: list[str] = []
    cursor = ""
    for _ in whole:
        answer = (await owner.get(f"/leads?limit=1&sort={sort}&order={order}{cursor}")).json()
        walked += [item["contact"]["first_name"] for item in answer["data"]]
        cursor = f"&cursor={answer['pagination']['next_cursor']}"
    assert walked == whole
    assert answer["pagination"]["has_next"] is False


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=WARMISH", "status"),
        ("sentiment=GOOD", "sentiment"),
        ("archived=maybe", "archived"),
        ("dataset_id=7", "dataset_id"),
        ("sort=phone", "sort"),
        ("order=up", "order"),
        ("icp=roofers", "icp"),
        ("page=201&limit=50", "page"),
        ("cursor=%2Fnonsense", "cursor"),
        ("search=", "search"),
        ("search=x&cursor=W10", "cursor"),
    ],
)
async def test_what_a_list_cannot_read_is_named(owner: Client, query: str, field: str) -> None:
    answer = await owner.get(f"/leads?{query}")
    assert answer.status_code == 400, answer.text
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]


async def test_search_finds_beginnings_first_then_what_lies_within(owner: Client) -> None:
    for first, last, mail, number in [
        ("Ann", "Smith", "ann@example.com", "07700900101"),
        ("Smitha", "Rao", "rao@example.com", "07700900102"),
        ("Carl", "Blacksmith", "carl@example.com", "07700900103"),
        ("Émile", "O'Neill 50%_", "smith@example.com", "07700900104"),
    ]:
        await enter(owner, {"first_name": first, "last_name": last, "email": mail, "phone_number": number})
    for query, expected in {
        "smith": ["Ann", "Smitha", "Émile", "Carl"],
        "SMITH ann": ["Ann"],
        "ann smi": ["Ann"],
        "émile": ["Émile"],
        "É": ["Émile"],
        "50%25_": ["Émile"],
        "%25": [],
        "carl@": ["Carl"],
        "@example.com": ["Carl", "Émile", "Smitha", "Ann"],
        "07700 900103": ["Carl"],
        "%2B44 7700 900104": ["Émile"],
        "0044770090010": ["Carl", "Émile", "Smitha", "Ann"],
        "900102": ["Smitha"],
        "nobody": [],
        "000": [],
        "smith&order=asc&sort=created": ["Ann", "Smitha", "Carl", "Émile"],
        "smith&status=HOT": [],
        "smith&limit=2&page=2": ["Émile", "Carl"],
    }.items():
        assert await names(owner, f"?search={query}") == expected, query
    page = (await owner.get("/leads?search=smith&limit=3")).json()
    assert page["pagination"]["total"] == 4
    rest = (await owner.get(f"/leads?search=smith&limit=3&cursor={page['pagination']['next_cursor']}")).json()
    assert [item["contact"]["first_name"] for item in rest["data"]] == ["Carl"]
    other = await owner.get(f"/leads?search=smit&limit=3&cursor={page['pagination']['next_cursor']}")
    assert other.status_code == 400


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
