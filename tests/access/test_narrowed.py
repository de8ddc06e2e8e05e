"""Narrowed member × operation: what lies in datasets that somebody is not limited to is not there (ASVS 8.2.2)."""

from typing import Any

import httpx
import msgspec
import pytest

from adapters.persistence.database import Database
from domain.identity.role import Role
from domain.kernel import new_id
from tests.access.conftest import Narrow
from tests.access.described import Described, operations, wire
from tests.access.test_foreign import fingerprint, keeper
from tests.access.world import World, id_fields, kind_of
from tests.http.conftest import Client

__all__ = ["keeper"]
pytestmark = pytest.mark.anyio
IN_DATASETS = {
    "dataset_id", "upload_id", "import_id", "job_id", "lead_id", "contact_id", "note_id", "conversation_id",
    "message_id", "export_id", "insight_id", "case_id",
}  # fmt: skip
"""Kinds of things that lie in a dataset, or belong to somebody whose leads do."""
BY_PATH = [(one, name) for one in operations() for name in one.path_ids if kind_of(name) in IN_DATASETS]
BY_BODY = [
    (one, path, many)
    for one in operations() if one.json_body and one.operation_id not in ("inviteUser", "changeUser")
    for path, many in id_fields(one.json_body) if kind_of(path[-1]) in IN_DATASETS
]  # fmt: skip
"""Whoever gives a colleague more than they have is refused in other words: `tests/http/test_users.py`."""
BY_QUERY = [
    (one, name) for one in operations() for name, said in one.query.items()
    if "uuid" in msgspec.json.encode(said["schema"]).decode() and kind_of(name) in IN_DATASETS
]  # fmt: skip
LISTS = (
    "listLeads", "listContacts", "listConversations", "listMessages", "listJobs", "listInsights", "listEvaluationCases",
)  # fmt: skip
PERSONAL_DATA = ("exportContact", "eraseContact", "downloadExport")
"""What concerns all that is known of a person is for nobody who is limited, whoever the person is."""
SEARCHES = (("listLeads", "search"), ("listContacts", "search"), ("searchContacts", "q"), ("suggestContacts", "q"))


@pytest.fixture(scope="session")
async def narrowed(world: World, narrow: Narrow) -> Client:
    """Be an admin who is limited to one dataset in which nothing is."""
    return await narrow(world, Role.ADMIN, [await world.fresh("dataset_id")])


def _of(operation_id: str) -> Described:
    return next(one for one in operations() if one.operation_id == operation_id)


async def _hidden(world: World, name: str) -> str:
    kind = kind_of(name)
    if kind == "contact_id":
        lead = (await world.owner.get(f"/leads/{await world.fresh('lead_id')}")).json()["data"]
        return str(lead["contact"]["id"])
    return await world.fresh(kind) if kind != "export_id" else await world.need(kind)


@pytest.mark.parametrize(("one", "name"), BY_PATH, ids=[f"{one}-{name}" for one, name in BY_PATH])
async def test_what_is_hidden_is_not_found_by_its_address(
    one: Described, name: str, world: World, narrowed: Client, keeper: Database
) -> None:
    hidden = await _hidden(world, name)
    made = await world.request(one, narrowed, ids={name: hidden})
    before = await fingerprint(keeper, world.owner.organization_id)
    answer = await narrowed.request(one.method, **made)
    assert answer.status_code == (403 if one.operation_id in PERSONAL_DATA else 404), f"{wire(one)}: {answer.text}"
    assert world.marker not in answer.text
    assert await fingerprint(keeper, world.owner.organization_id) == before


@pytest.mark.parametrize(
    ("one", "path", "many"), BY_BODY, ids=[f"{one}-{'.'.join(path)}" for one, path, _ in BY_BODY]
)  # fmt: skip
async def test_what_is_hidden_is_not_found_by_a_body(
    one: Described, path: tuple[str, ...], many: bool, world: World, narrowed: Client
) -> None:
    made = await world.request(one, narrowed)
    told = []
    for identifier in (await _hidden(world, path[-1]), str(new_id())):
        body = made["json"] | {path[0]: [identifier] if many else identifier}
        if one.operation_id == "createLead" and path == ("contact_id",):
            body.pop("contact", None)
        answer = await narrowed.request(one.method, made["url"], json=body)
        assert answer.status_code in (400, 403, 404), f"{wire(one)}: {answer.status_code} {answer.text}"
        assert world.marker not in answer.text
        told.append(_told(answer))
    assert told[0] == told[1], "What is hidden must read as what does not exist."


def _told(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    error: dict[str, Any] = answer.json()["error"]
    return answer.status_code, {name: error.get(name) for name in ("code", "message", "details")}


@pytest.mark.parametrize(("one", "name"), BY_QUERY, ids=[f"{one}-{name}" for one, name in BY_QUERY])
async def test_what_is_hidden_is_not_found_by_a_query(
    one: Described, name: str, world: World, narrowed: Client
) -> None:
    made = await world.request(one, narrowed)
    params = made.get("params", {}) | {name: await _hidden(world, name)}
    answer = await narrowed.get(made["url"], params=params)
    assert answer.status_code == 404 or answer.json()["data"] == [], f"{wire(one)}: {answer.text}"


@pytest.mark.parametrize("operation_id", LISTS)
async def test_no_list_shows_what_is_hidden(operation_id: str, world: World, narrowed: Client) -> None:
    path = _of(operation_id).path
    assert (await world.owner.get(path)).json()["data"], "There is nothing to be hidden."
    assert (await narrowed.get(path)).json()["data"] == []


async def test_the_list_of_datasets_is_narrowed(world: World, narrowed: Client) -> None:
    assert len((await world.owner.get("/datasets")).json()["data"]) > 1
    assert len((await narrowed.get("/datasets")).json()["data"]) == 1


@pytest.mark.parametrize(("operation_id", "name"), SEARCHES)
async def test_no_search_finds_what_is_hidden(operation_id: str, name: str, world: World, narrowed: Client) -> None:
    path = _of(operation_id).path
    within = () if operation_id == "suggestContacts" else (world.marker[2:9], world.phone[-6:])
    for sought in (world.marker, world.phone, *within):
        found = await world.owner.get(path, params={name: sought})
        assert found.json()["data"], f"{sought} is nowhere to be hidden"
        answer = await narrowed.get(path, params={name: sought})
        assert answer.json()["data"] == [], f"{path}?{name}={sought}"


async def test_what_the_narrowed_bring_in_themselves_they_see(world: World, narrow: Narrow) -> None:
    dataset_id = await world.fresh("dataset_id")
    narrowed = await narrow(world, Role.ADMIN, [dataset_id])
    body = {"contact": {"first_name": "Ann", "email": "own@example.com"}, "dataset_id": dataset_id}
    lead = await narrowed.post("/leads", json=body)
    assert lead.status_code == 201, lead.text
    for path in ("/leads", "/contacts", "/contacts?search=own"):
        shown = (await narrowed.get(path)).json()["data"]
        assert len(shown) == 1, path
