"""Search over HTTP: whom it finds, who comes first, who may be found by whom, and what it makes of odd texts."""

import random
from urllib.parse import quote
from uuid import UUID

import asyncpg
import pytest

from adapters.persistence import sales_search
from adapters.persistence.search_terms import pattern, plain, sought, trigrams_of
from domain.identity.role import Role
from domain.kernel import new_id
from tests.http.conftest import Client, Join
from tests.http.sales_world import World, enter, world

__all__ = ["world"]
pytestmark = pytest.mark.anyio

PEOPLE = [
    ("John", "Smith", "john.smith@example.com", "07700900111"),
    ("Zofia", "Kowalska", "zk@acme.example", "07700900222"),
    ("José", "García-Núñez", "jose@example.com", "07700900333"),
    ("Øyvind", "Strauß", "oy@example.com", "07700900444"),
    ("Ανδρέας", "Παπαδόπουλος", "ap@example.com", "07700900555"),
    ("Иван", "Петров", "ip@example.com", "07700900666"),
    ("Maria Anna", "da Silva Santos", "mass@example.com", "07700900777"),
]


@pytest.fixture
async def people(owner: Client) -> None:
    """Enter some people as leads."""
    for first, last, email, phone in PEOPLE:
        await enter(owner, {"first_name": first, "last_name": last, "email": email, "phone_number": phone})


async def found(client: Client, text: str, further: str = "") -> list[str]:
    """Search leads, and see that contacts are found alike; gives first names, best first."""
    answer = await client.get(f"/leads?search={quote(text)}{further}")
    assert answer.status_code == 200, answer.text
    leads = [item["contact"]["first_name"] for item in answer.json()["data"]]
    if not further:
        for path in (f"/contacts?search={quote(text)}", f"/contacts/search?q={quote(text)}"):
            contacts = (await client.get(path)).json()["data"]
            assert [contact["first_name"] for contact in contacts] == leads, path
    return leads


@pytest.mark.usefixtures("people")
async def test_people_are_found_by_any_part_of_what_they_are_called(owner: Client) -> None:
    for text, expected in {
        "owals": "Zofia",
        "KOWALSKA ZOF": "Zofia",
        "zofia kowal": "Zofia",
        "jose": "José",
        "garcia nunez": "José",
        "Núñez": "José",
        "nunez": "José",
        "oyvind": "Øyvind",
        "strauss": "Øyvind",
        "STRAUẞ": "Øyvind",
        "παπα": "Ανδρέας",
        "αδοπουλος": "Ανδρέας",
        "ετро": "",
        "етро": "Иван",
        "santos": "Maria Anna",
        "santos maria": "Maria Anna",
        "da sil": "Maria Anna",
        "acme.ex": "Zofia",
        "n.smith@ex": "John",
        "zk": "Zofia",
        "ow": "",
        "nobody at all": "",
    }.items():
        assert await found(owner, text) == ([expected] if expected else []), text


@pytest.mark.usefixtures("people")
async def test_numbers_are_found_as_people_write_them(owner: Client) -> None:
    for text in (
        "07700 900222", "07700-900-222", "+44 7700 900222", "0044 7700 900222", "+44 (0)7700 900222", "(07700) 900222",
        "900222", "0900222", "00222", "7700 9002",
    ):  # fmt: skip
        assert await found(owner, text) == ["Zofia"], text
    assert len(await found(owner, "07700 900")) == len(PEOPLE)
    assert await found(owner, "900223") == []


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("smiht", "John"),
        ("smth", "John"),
        ("smitth", "John"),
        ("snith", "John"),
        ("jhon smith", "John"),
        ("jon smith", "John"),
        ("kovalska", "Zofia"),
        ("kovalzka", "Zofia"),
        ("xofia kowaslka", "Zofia"),
        ("garsia", "José"),
        ("Петроф", "Иван"),
        ("smiht@", None),
        ("ann", "Maria Anna"),
        ("anx", None),
        ("completely different", None),
    ],
)
async def test_a_wrong_letter_or_two_are_forgiven(owner: Client, text: str, expected: str | None) -> None:
    assert await found(owner, text) == ([] if expected is None else [expected])


async def test_the_best_come_first(owner: Client) -> None:
    for first, last, email in [
        ("Within", "Blackmoore", "w@example.com"),
        ("Address", "Jones", "moore@example.com"),
        ("Begins", "Mooreland", "b@example.com"),
        ("Exact", "Moore", "e@example.com"),
        ("Given", "Young", "g@example.com"),
        ("Double", "Young Moorey", "d@example.com"),
    ]:
        await enter(owner, {"first_name": first, "last_name": last, "email": email})
    whole = ["Exact", "Begins", "Address", "Double", "Within"]
    assert await found(owner, "moore") == whole
    assert await found(owner, "mooer") == ["Exact", "Begins", "Double", "Address"]
    walked, cursor = [], ""
    while True:
        answer = (await owner.get(f"/leads?search=moore&limit=2{cursor}")).json()
        walked += [item["contact"]["first_name"] for item in answer["data"]]
        if answer["pagination"]["next_cursor"] is None:
            break
        cursor = f"&cursor={answer['pagination']['next_cursor']}"
    assert walked == whole
    assert await found(owner, "moore", "&sort=created&order=asc") == ["Within", "Address", "Begins", "Exact", "Double"]
    assert await found(owner, "moore", "&status=HOT") == []
    assert (await owner.get(f"/leads?search=moor&limit=2{cursor}")).status_code == 400
    assert (await owner.get("/leads?search=moore&sort=phone")).status_code == 400


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    "text",
    [
        "%", "_", "\\", "%%%", "___", "s%h", "sm_th@", "\\%\\", "';--", "' OR 1=1 --", '"', "a" * 200, "%_" * 100,
        "(((", "[a-z]{9}", "smi\\", "\ufffd\u202e", "\U0001f600\U0001f600\U0001f600", "a b " * 50, "\u0301" * 50,
    ],
)  # fmt: skip
async def test_odd_texts_find_nobody_and_harm_nothing(owner: Client, text: str) -> None:
    assert await found(owner, text) == []


@pytest.mark.parametrize("text", ["", "a" * 201, "smith\0"])
async def test_what_cannot_be_looked_for_is_refused(owner: Client, text: str) -> None:
    for path in ("/leads?search=", "/contacts?search=", "/contacts/search?q=", "/contacts/suggest?q="):
        assert (await owner.get(path + quote(text))).status_code == 400, path


async def test_what_is_changed_is_found_as_it_is_now(owner: Client) -> None:
    lead = await enter(owner, {"first_name": "Ann", "last_name": "Blackwood", "email": "a@example.com"})
    assert await found(owner, "ackwoo") == ["Ann"]
    assert (await owner.patch(f"/contacts/{lead['contact']['id']}", json={"last_name": "Hazel"})).status_code == 200
    assert await found(owner, "ackwoo") == []
    assert await found(owner, "aze") == ["Ann"]


async def test_another_organisation_finds_nobody(owner: Client, stranger: Client, world: World) -> None:
    await enter(owner, {"first_name": "Ann", "last_name": "Blackwood", "email": "a@example.com"})
    for text in ("black", "ackwoo", "blackwod", "a@example.com"):
        assert await found(stranger, text) == []
    theirs = World(world.house, stranger.organization_id)
    for call in ("search_contacts({}, ARRAY['%ackwoo%'], 10)", "ranked_contacts({}, ARRAY['%ackwoo%'], 'ackwoo', 10)"):
        ask = f"SELECT * FROM {call.format('$1')}"
        assert len(await world.fetch(ask)) == 1
        assert await theirs.fetch(ask) == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="Only the organisation of the transaction"):
            await theirs.fetch(f"SELECT $1::uuid, * FROM {call.format('$2')}", owner.organization_id)


MANY = 1_200


async def crowd(world: World, dataset: UUID, assigned_to: UUID | None = None) -> None:
    """Enter more people than a search has hits, all called alike."""
    await world.fetch(
        "WITH made AS (INSERT INTO contacts (organization_id, id, first_name, last_name, name_key, created_at,"
        " updated_at) SELECT $1, uuidv7(), 'Crowd', 'Underwood', 'underwood crowd', now(), now()"
        " FROM generate_series(1, $4) RETURNING id)"
        " INSERT INTO leads (organization_id, id, contact_id, dataset_id, assigned_to, stage, name_key, created_at,"
        " updated_at) SELECT $1, uuidv7(), id, $2, $3, 'NEW_LEAD', 'underwood crowd', now(), now() FROM made",
        dataset,
        assigned_to,
        MANY,
    )


@pytest.mark.parametrize("candidates", [sales_search._MOST_CANDIDATES, 1001])
@pytest.mark.parametrize("text", ["underwood", "derwoo"])
async def test_whoever_sees_little_finds_the_best_of_it(
    owner: Client, world: World, join: Join, monkeypatch: pytest.MonkeyPatch, candidates: int, text: str
) -> None:
    monkeypatch.setattr(sales_search, "_MOST_CANDIDATES", candidates)
    theirs, mine = await world.dataset(), await world.dataset()
    await crowd(world, theirs, owner.user_id)
    limited = await join(owner, Role.MANAGER, dataset_ids=[mine])
    rep = await join(owner, Role.REP)
    for name, more in (("Mine", {"dataset_id": str(mine)}), ("Own", {"assigned_to": str(rep.user_id)})):
        await enter(owner, {"first_name": name, "last_name": "Underwood", "email": f"{name}@example.com"}, **more)
    assert await found(limited, text) == ["Mine"]
    assert await found(rep, text) == ["Mine", "Own"]
    assert await found(owner, text, f"&dataset_id={mine}") == ["Mine"]
    every = (await owner.get(f"/leads?search={text}&limit=100")).json()["pagination"]
    assert (every["total"], every["total_is_estimate"], every["total_pages"]) == (1000, False, 10)
    assert (await owner.get(f"/leads?search={text}&limit=100&page=10")).json()["pagination"]["has_next"] is False


async def test_the_database_and_we_write_alike(world: World) -> None:
    texts = [*(f"{first} {last}" for first, last, _, _ in PEOPLE), "İSTANBUL Iı", "ÆØÅ Ł Đ ð", "ＦＵＬＬ ﬁ ½", "ΌΣΟΣ ς"]
    rows = await world.fetch(
        "SELECT $1::uuid, contact_search_text(t, NULL, NULL, NULL) AS s FROM unnest($2::text[]) AS t",
        texts,
    )
    assert [row["s"].split("\n")[0] for row in rows] == [f" {plain(t)}  {plain(t)} " for t in texts]


async def test_every_part_of_a_text_is_found_by_its_keys(world: World) -> None:
    draw = random.Random(3)
    pairs = []
    for _ in range(600):
        words = ["".join(draw.choices("abcqzx09éжσ'%_\\-. ", k=draw.randint(1, 9))) for _ in range(4)]
        text = f" {' '.join(words)} "
        start = draw.randrange(len(text) - 3)
        pairs.append((text, pattern(text[start : start + draw.randint(3, 12)])))
    missed = await world.fetch(
        "SELECT t, p FROM unnest($2::text[], $3::text[]) AS n(t, p)"
        " WHERE NOT (t LIKE p AND search_pattern_keys($1, ARRAY[p]) <@ contact_search_keys($1, t))",
        [text for text, _ in pairs],
        [sought for _, sought in pairs],
    )
    assert missed == []
    other = await world.fetch("SELECT contact_search_keys($1, 'smith') && contact_search_keys($2, 'smith')", new_id())
    assert other[0][0] is False


async def test_nobody_can_tell_by_a_slip_that_somebody_hidden_has_the_word(
    owner: Client, world: World, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, mine = await world.dataset(), await world.dataset()
    limited = await join(owner, Role.MANAGER, dataset_ids=[mine])
    await enter(owner, {"first_name": "Mine", "last_name": "Overwood", "email": "m@example.com"}, dataset_id=str(mine))

    async def see(*texts: str) -> None:
        for text in texts:
            assert await found(limited, text) == ["Mine"], text
            assert await found(owner, text, f"&dataset_id={mine}") == ["Mine"], text

    await see("overwod", "overwoot")
    assert await found(owner, "overwoot") == ["Mine"]
    hidden = {"first_name": "Hidden", "last_name": "Overwoot", "email": "h@example.com"}
    await enter(owner, hidden, dataset_id=str(theirs))
    await see("overwod", "overwoot")
    assert await found(owner, "overwoot") == ["Hidden"]
    monkeypatch.setattr(sales_search, "_MOST_CANDIDATES", 1001)
    monkeypatch.setattr(sales_search, "SLIPS_MILLISECONDS", 4000)
    own = {"first_name": "Mine", "last_name": "Underwod", "email": "u@example.com"}
    await enter(owner, own, dataset_id=str(mine))
    await see("underwood")
    await crowd(world, theirs)
    await see("underwood")
    assert "Mine" not in await found(owner, "underwood", "&limit=100")
    assert await found(limited, "derwoo") == []


async def test_no_further_slip_is_looked_for_when_the_time_is_over(owner: Client, world: World) -> None:
    await enter(owner, {"first_name": "Ann", "last_name": "Blackwood", "email": "a@example.com"})
    slips = ["% blxckwood%", "% blackw_od%"]
    for milliseconds, expected in ((0, 0), (60_000, 1)):
        rows = await world.fetch("SELECT * FROM misspelt_contacts($1, $2, 10, $3)", slips, milliseconds)
        assert len(rows) == expected


def test_what_keeps_most_of_a_word_counts_most() -> None:
    slips = sorted(sought("example", "").slips(), key=trigrams_of, reverse=True)
    assert slips[0] == ["% xeample%"]
    assert slips[-1] == ["% exam_le%"]
