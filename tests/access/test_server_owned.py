"""Server-owned field × operation: what only the house may write is refused by name (ASVS 2.2.1, 15.3.3)."""

from typing import Any

import pytest

from tests.access.described import kinds, operations, resolved, wire
from tests.access.world import World

pytestmark = pytest.mark.anyio
OWNED: dict[str, Any] = {
    "id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8e90",
    "organization_id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8e91",
    "account_id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8e92",
    "user_id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8e92",
    "created_at": "2020-01-01T00:00:00Z",
    "updated_at": "2020-01-01T00:00:00Z",
    "created_by": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8e92",
    "version": 1,
    "token_version": 1,
    "password_hash": "x",
    "role": "owner",
    "permissions": ["organization:delete"],
    "is_platform_admin": True,
    "can_manage_users": True,
    "is_system": True,
    "score": 100,
}
MEANT: dict[str, frozenset[str]] = {
    "signIn": frozenset({"organization_id"}),
    "createApiKey": frozenset({"permissions"}),
    "changeApiKey": frozenset({"permissions"}),
    "inviteUser": frozenset({"role", "permissions"}),
    "changeUser": frozenset({"role", "permissions"}),
    "sendNotification": frozenset({"user_id"}),
    "rollBackPrompt": frozenset({"version"}),
}
"""Fields of `OWNED` that an operation takes on purpose, by operationId."""


def objects(schema: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
    """List the objects of a body, as (names on the way, schema); those of lists and free maps are left out."""
    schema = resolved(schema)
    found = [(path, schema)]
    for name, of in schema.get("properties", {}).items():
        for form in kinds(of):
            if "properties" in form:
                found += objects(form, (*path, name))
    return found


PLACES = [
    (one, path, name)
    for one in operations()
    if one.json_body is not None
    for path, schema in objects(one.json_body)
    for name in OWNED
    if name not in schema["properties"]
]
TAKEN = {
    one.operation_id: names
    for one in operations()
    if one.json_body is not None and (names := frozenset(one.json_body["properties"]) & OWNED.keys())
}


def test_only_what_is_meant_to_takes_a_field_of_the_servers() -> None:
    assert TAKEN == MEANT


async def test_every_server_owned_field_in_every_body_is_refused_by_its_name(world: World) -> None:
    wrong, tried = [], 0
    for one in [one for one in operations() if one.json_body is not None]:
        made = await world.request(one, world.owner)
        for _, path, name in [place for place in PLACES if place[0] is one]:
            answer = await world.owner.request(one.method, made["url"], json=_with(made["json"], (*path, name)))
            world.owner.cookies.clear()
            tried += 1
            named = [detail["field"] for detail in answer.json().get("error", {}).get("details", [])]
            if answer.status_code != 400 or named != [".".join((*path, name))]:
                wrong.append(f"{wire(one)} {'.'.join((*path, name))}: {answer.status_code} {named}")
    assert not wrong
    assert tried > 500


async def test_a_body_where_none_is_taken_is_refused_by_its_fields_name(world: World) -> None:
    wrong = []
    bare = [one for one in operations() if one.method != "get" and not one.content and one.access == "member"]
    for one in bare:
        answer = await world.ask(one, json={"organization_id": "x"})
        named = [detail["field"] for detail in answer.json().get("error", {}).get("details", [])]
        if answer.status_code != 400 or named != ["organization_id"]:
            wrong.append(f"{wire(one)}: {answer.status_code} {named}")
    assert not wrong
    assert len(bare) > 5


def _with(body: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    name = path[0]
    inner = body.get(name)
    value = OWNED[name] if len(path) == 1 else _with(inner if isinstance(inner, dict) else {}, path[1:])
    return body | {name: value}


def test_the_table_of_places_holds_nested_objects_too(world: World) -> None:
    assert any(len(path) > 0 for _, path, _ in PLACES)
    assert {one.method for one, _, _ in PLACES} == {"post", "put", "patch"}


def test_bodies_refuse_unknown_fields_in_the_document(world: World) -> None:
    open_ended = [
        f"{wire(one)} {'.'.join(path)}"
        for one in operations()
        if one.json_body is not None
        for path, schema in objects(one.json_body)
        if schema.get("additionalProperties", True) is not False
    ]
    assert not open_ended
