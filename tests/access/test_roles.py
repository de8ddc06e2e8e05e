"""Role × operation: every cell of `permissions.tsv`, over HTTP (ASVS 8.2.1, 8.3.1)."""

import httpx
import pytest

from domain.identity.role import OF_PEOPLE_ONLY, PERMISSIONS, Permission, Role
from tests.access.conftest import Found, Program
from tests.access.described import CALLERS, Described, operations, rows, wire
from tests.access.makers import INSTEAD
from tests.access.world import World
from tests.http.conftest import Client

pytestmark = pytest.mark.anyio
ENDS = frozenset({"signOut", "deleteOrganization"})
USES_UP = frozenset({"cancelJob", "changeNotification"})
BY_OTHERS = frozenset({"listSandboxMail", "listSandboxTexts", "sandboxInbound", "testIntegration", "testSmsGateway"})
"""Answered by somebody outside, whom the tests of this folder do not run: 501 and 502 are to be let in."""
NOT_YET = frozenset({"downloadExport", "showExport", "showCampaignResults"})
"""Asks for what only a worker or a campaign makes, which the tests of this folder do not run: 404 is to be let in."""
BESIDE = {"exportTable": {Permission.LEADS_READ, Permission.CONTACTS_READ}}
"""What an operation asks for besides: nobody takes out what they may not read."""
OPERATIONS = {one.operation_id: one for one in operations()}
FOR_KEYS = [
    one
    for one in operations()
    if rows().get(one.operation_id, {}).get("permission") in set(Permission) - OF_PEOPLE_ONLY
]
FOR_PEOPLE = [one for one in operations() if "person" in rows().get(one.operation_id, {}).get("permission", "")]


def test_the_table_has_a_row_for_every_operation_and_no_other() -> None:
    assert set(rows()) == set(OPERATIONS), "Add to tests/access/permissions.tsv what is missing, take out what is gone."


@pytest.mark.parametrize("name", rows())
def test_a_row_says_what_its_permission_gives_each_role(name: str) -> None:
    row = rows()[name]
    asked = row["permission"].removesuffix(", person")
    for role in ("owner", "admin", "manager", "rep", "read_only"):
        everybody = asked in ("public", "person")
        may = everybody or (asked in set(Permission) and Permission(asked) in PERMISSIONS[Role(role)])
        assert (row[role] in ("y", "own")) == may, f"{name}, {role}"
    assert row["nobody"] == row["key"] == ("y" if asked == "public" else "n")


def _let_in(one: Described, answer: httpx.Response) -> bool:
    """Tell whether the caller was let in; an answer that is neither that nor a refusal fails."""
    error = answer.json().get("error", {}) if answer.status_code >= 400 else {}  # without one: 503, not ready
    code = error.get("code", "")
    if code in ("UNAUTHORIZED", "PERMISSION_DENIED") or (one.access == "signed" and code == "NOT_FOUND"):
        return False  # a signed route without a secret is not there
    said = f"{wire(one)} answered {answer.status_code}: {answer.text[:300]}"
    sound = answer.is_success or answer.status_code == 409
    waits = {501: BY_OTHERS, 502: BY_OTHERS, 404: NOT_YET}.get(answer.status_code, frozenset())
    assert sound or one.access == "public" or one.operation_id in waits, said
    return True


async def _asked(one: Described, world: World, client: Client, *, of: Client) -> bool:
    """Ask, with a thing that `of` made where the request uses one up or the maker matters."""
    ids = {}
    last = one.path_ids[-1] if one.path_ids and one.operation_id not in {*ENDS, *INSTEAD} else None
    if last is not None and (one.method == "delete" or one.operation_id in USES_UP or "own" in _cells(one)):
        ids[last] = await world.fresh(last, of)
    return _let_in(one, await world.ask(one, client, ids))


def _cells(one: Described) -> list[str]:
    row = rows()[one.operation_id]
    return [row[caller] for caller in CALLERS]


@pytest.mark.parametrize("one", operations(), ids=str)
async def test_each_caller_is_let_in_or_refused_as_the_table_says(
    one: Described, world: World, nobody: Client, program: Program, found: Found
) -> None:
    row = rows()[one.operation_id]
    if one.operation_id in ENDS:
        world = await found()
    for caller in (*CALLERS[5:], *reversed(CALLERS[:5])):
        client = world.members.get(caller, nobody)
        if caller == "key":
            client = await program(world, [])
        if row[caller] == "own":
            assert await _asked(one, world, client, of=client), f"{caller} is refused what is their own"
            other = "admin" if caller == "owner" else "owner"
            assert not await _asked(one, world, client, of=world.members[other]), f"{caller} is let at others' own"
        else:
            let_in = await _asked(one, world, client, of=client if row[caller] == "y" else world.owner)
            assert let_in == (row[caller] == "y"), f"{caller} is {'let in' if let_in else 'refused'}"


@pytest.mark.parametrize("one", FOR_KEYS, ids=str)
async def test_a_key_opens_what_its_permission_says_and_nothing_else(
    one: Described, world: World, program: Program
) -> None:
    wanted = Permission(rows()[one.operation_id]["permission"])
    others = set(Permission) - OF_PEOPLE_ONLY - {wanted}
    assert not await _asked(one, world, await program(world, others), of=world.owner)
    client = await program(world, {wanted, *BESIDE.get(one.operation_id, ())})
    assert await _asked(one, world, client, of=client if "own" in _cells(one) else world.owner)


@pytest.mark.parametrize("one", FOR_PEOPLE, ids=str)
async def test_what_is_for_people_is_opened_by_no_key(one: Described, world: World, program: Program) -> None:
    assert not await _asked(one, world, await program(world, Permission), of=world.owner)
