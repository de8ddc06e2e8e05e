"""Foreign tenant × operation: another organisation's existing ids open nothing (ASVS 8.2.2, 8.4.1)."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from adapters.persistence.database import Database
from adapters.persistence.schema import metadata
from domain.kernel import new_id
from entrypoints.config import Config
from tests.access.described import Described, operations, wire
from tests.access.world import World, id_fields

pytestmark = pytest.mark.anyio
TABLES = sorted(name for name, table in metadata.tables.items() if "organization_id" in table.columns)
BY_PATH = [(one, name) for one in operations() for name in one.path_ids]
BY_BODY = [(one, path, many) for one in operations() if one.json_body for path, many in id_fields(one.json_body)]
BY_QUERY = [
    (one, name) for one in operations() for name, said in one.query.items()
    if "uuid" in msgspec.json.encode(said["schema"]).decode()
]  # fmt: skip

INSTEAD_OF = {"createLead": {"contact_id": ("contact",)}}
"""What a body may not hold beside an id, by operationId and id."""


@pytest.fixture(scope="session")
async def keeper(config: Config) -> AsyncIterator[Database]:
    """Open the owner's pool: the application may not read all that is kept of an organisation."""
    opened = await Database.open(config.owner_database_url, size=1)
    yield opened
    await opened.close()


async def fingerprint(database: Database, organization_id: UUID) -> dict[str, str]:
    """Digest every row that an organisation has, by table."""
    each = " UNION ALL ".join(
        f"SELECT '{name}' AS name, md5(coalesce(string_agg(t::text, ' ' ORDER BY t::text), '')) AS digest"
        f" FROM {name} t WHERE organization_id = $1"
        for name in TABLES
    )
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(organization_id))
        return {row["name"]: row["digest"] for row in await connection.fetch(each, organization_id)}


def _is_silent(one: Described, text: str, foreign: World) -> None:
    assert foreign.marker not in text, wire(one)
    assert foreign.phone not in text, wire(one)


async def test_the_canary_is_seen_by_its_own(foreign: World) -> None:
    told = (await foreign.owner.get("/leads")).text + (await foreign.owner.get("/messages")).text
    assert foreign.marker in told
    assert foreign.phone in told


@pytest.mark.parametrize(("one", "name"), BY_PATH, ids=[f"{one}-{name}" for one, name in BY_PATH])
async def test_a_foreign_id_in_the_address_is_not_found(
    one: Described, name: str, world: World, foreign: World, keeper: Database
) -> None:
    before = await fingerprint(keeper, foreign.owner.organization_id)
    answer = await world.ask(one, ids={name: foreign.ids[name]})
    assert answer.status_code == 404, f"{wire(one)}: {answer.text}"
    assert answer.json()["error"]["code"] == "NOT_FOUND"
    _is_silent(one, answer.text, foreign)
    assert await fingerprint(keeper, foreign.owner.organization_id) == before


def _put(body: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    inner = body.get(path[0])
    return body | {
        path[0]: value if len(path) == 1 else _put(inner if isinstance(inner, dict) else {}, path[1:], value)
    }


@pytest.mark.parametrize(
    ("one", "path", "many"), BY_BODY, ids=[f"{one}-{'.'.join(path)}" for one, path, _ in BY_BODY]
)  # fmt: skip
async def test_a_foreign_id_in_the_body_is_not_found(
    one: Described, path: tuple[str, ...], many: bool, world: World, foreign: World, keeper: Database
) -> None:
    identifier = await foreign.need(path[-1])
    before = await fingerprint(keeper, foreign.owner.organization_id)
    made = await world.request(one, world.owner)
    without = INSTEAD_OF.get(one.operation_id, {}).get(path[0], ())
    body = {name: value for name, value in made["json"].items() if name not in without}
    answer, of_nothing = [
        await world.ask(one, json=_put(body, path, [each] if many else each)) for each in (identifier, str(new_id()))
    ]
    assert answer.status_code in (400, 403, 404), f"{wire(one)}: {answer.status_code} {answer.text}"
    assert _told(answer) == _told(of_nothing), "A foreign id must read as one that does not exist."
    _is_silent(one, answer.text, foreign)
    assert await fingerprint(keeper, foreign.owner.organization_id) == before


def _told(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    error: dict[str, Any] = answer.json()["error"]
    return answer.status_code, {name: error.get(name) for name in ("code", "message", "details")}


@pytest.mark.parametrize(("one", "name"), BY_QUERY, ids=[f"{one}-{name}" for one, name in BY_QUERY])
async def test_a_foreign_id_in_the_query_finds_nothing(
    one: Described, name: str, world: World, foreign: World, keeper: Database
) -> None:
    params = (await world.request(one, world.owner)).get("params", {}) | {name: await foreign.need(name)}
    answer = await world.ask(one, params=params)
    assert answer.status_code == 404 or answer.json()["data"] == [], f"{wire(one)}: {answer.text}"
    _is_silent(one, answer.text, foreign)


async def test_no_list_shows_anything_foreign(world: World, foreign: World) -> None:
    lists = [one for one in operations() if one.method == "get" and one.access == "member"]
    for one in lists:
        answer = await world.ask(one)
        _is_silent(one, answer.text, foreign)
    assert len(lists) > 20
