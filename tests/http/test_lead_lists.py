"""Lists of leads over HTTP: narrowed, walked, searched, and what they cannot read."""

from typing import Any
from uuid import UUID

import pytest

from tests.http.conftest import Client
from tests.http.sales_world import World, enter, names, world

__all__ = ["world"]
pytestmark = pytest.mark.anyio


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
