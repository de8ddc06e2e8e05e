"""Server-owned field × operation: what only the house may write is refused by name (ASVS 2.2.1, 15.3.3)."""

from typing import Any

import pytest

from tests.access.described import kinds, operations, wire
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
FIRST = "[0]"
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
    """List the objects of a body, as (names on the way, schema); `FIRST` is any item of a list; free maps are left
    out."""
    found = [(path, schema)] if "properties" in schema else []
    inner = [(name, of) for name, of in schema.get("properties", {}).items()]
    inner += [(FIRST, schema["items"])] if "items" in schema else []
    for name, of in inner:
        for form in kinds(of):
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
            if answer.status_code != 400 or named != [_field((*path, name))]:
                wrong.append(f"{wire(one)} {_field((*path, name))}: {answer.status_code} {named}")
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


def _with(body: Any, path: tuple[str, ...]) -> Any:
    name, *rest = path
    if name == FIRST:
        items = body if isinstance(body, list) and body else [{}]
        return [_with(items[0], tuple(rest)), *items[1:]]
    body = body if isinstance(body, dict) else {}
    return body | {name: _with(body.get(name), tuple(rest)) if rest else OWNED[name]}


def _field(path: tuple[str, ...]) -> str:
    return ".".join(path).replace(f".{FIRST}", FIRST)


def test_the_table_of_places_holds_objects_in_objects_and_lists_too(world: World) -> None:
    within = {f"{one}.{_field(path)}" for one, path, _ in PLACES if path}
    assert "startCampaign.settings" in within
    assert {
        "startCampaign.settings.touches[0].variants[0]", "createLesson.example_conversation.messages[0]",
        "seedLocations.locations[0]",
    } <= within  # fmt: skip
    assert {one.method for one, _, _ in PLACES} == {"post", "put", "patch"}


def test_bodies_refuse_unknown_fields_in_the_document(world: World) -> None:
    open_ended = [
        f"{wire(one)} {_field(path)}"
        for one in operations()
        if one.json_body is not None
        for path, schema in objects(one.json_body)
        if schema.get("additionalProperties", True) is not False
    ]
    assert not open_ended
