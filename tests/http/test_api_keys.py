"""API keys over HTTP: what a program may do, and how its access ends (ASVS 5.0: 8.2.1, 8.2.2, 13.2.3, 14.2.1)."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any, cast
from uuid import UUID

import httpx
import pytest

from adapters.persistence.database import Database
from domain.identity.api_key import hash_of_key
from domain.identity.role import OF_PEOPLE_ONLY, Permission, Role
from domain.kernel import new_id
from entrypoints.config import Config
from entrypoints.config_limits import Limit, Limits
from entrypoints.container import container
from entrypoints.http.app import create_app
from entrypoints.logging import configure_logging
from tests.http.conftest import BASE, Client, Join, OpenClient
from tests.http.sales_world import enter

pytestmark = pytest.mark.anyio
MADE = {"name": "Website form", "permissions": ["leads:read", "leads:write", "contacts:read", "contacts:write"]}


async def _made(maker: Client, open_client: OpenClient, **changes: Any) -> tuple[Client, dict[str, Any]]:
    """Make a key, and a client that shows it."""
    answer = await maker.post("/api-keys", json=MADE | changes)
    assert answer.status_code == 201, answer.text
    said = answer.json()["data"]
    program = await open_client()
    program.headers["Authorization"] = f"Bearer {said['key']}"
    return program, said["api_key"]


def _refused(answer: httpx.Response, status: int, field: str | None = None) -> str:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    if field is not None:
        assert error["details"][0]["field"] == field, answer.text
    return str(error["code"])


async def test_a_key_is_shown_once_and_kept_as_a_hash(
    owner: Client, open_client: OpenClient, database: Database
) -> None:
    program, shown = await _made(owner, open_client)
    secret = program.headers["authorization"].removeprefix("Bearer ")
    assert shown["prefix"] == secret[:10]
    assert (shown["is_active"], shown["version"], shown["created_by"]) == (True, 1, str(owner.user_id))
    for path in ("/api-keys", f"/api-keys/{shown['id']}"):
        assert secret not in (await owner.get(path)).text
    async with database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM api_keys WHERE id = $1", UUID(shown["id"]))
    assert row["key_hash"] == hash_of_key(secret)
    assert secret not in str(dict(row))
    assert (await program.get("/leads")).status_code == 200
    used = (await owner.get(f"/api-keys/{shown['id']}")).json()["data"]["last_used_at"]
    assert used is not None


async def test_a_repeated_request_makes_one_key_and_does_not_show_it_again(owner: Client, database: Database) -> None:
    headers = {"Idempotency-Key": new_id().hex}
    first, second = [await owner.post("/api-keys", json=MADE, headers=headers) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["data"]["key"].startswith("rpt_")
    assert second.headers["idempotency-replayed"] == "true"
    assert second.json()["data"] == first.json()["data"] | {"key": None}
    assert (await owner.get("/api-keys")).json()["pagination"]["total"] == 1


async def test_a_revoked_key_ends_at_its_next_request(owner: Client, open_client: OpenClient) -> None:
    program, shown = await _made(owner, open_client)
    assert (await program.get("/leads")).status_code == 200
    assert (await owner.delete(f"/api-keys/{shown['id']}")).status_code == 204
    assert _refused(await program.get("/leads"), 401) == "UNAUTHORIZED"
    assert (await owner.delete(f"/api-keys/{shown['id']}")).status_code == 204
    assert (await owner.get("/api-keys")).json()["data"] == []
    ended = (await owner.get("/api-keys", params={"active": "false"})).json()["data"]
    assert [key["id"] for key in ended] == [shown["id"]]
    assert _refused(await owner.patch(f"/api-keys/{shown['id']}", json={"name": "Again"}), 409) == "CONFLICT"


async def test_a_key_ends_when_it_was_to_end(owner: Client, open_client: OpenClient, database: Database) -> None:
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    program, shown = await _made(owner, open_client, expires_at=later)
    assert (await program.get("/leads")).status_code == 200
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE api_keys SET expires_at = clock_timestamp() - interval '1 second' WHERE id = $1", UUID(shown["id"])
        )
    assert (await program.get("/leads")).status_code == 401
    assert (await owner.get("/api-keys")).json()["data"] == []
    past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    _refused(await owner.post("/api-keys", json=MADE | {"expires_at": past}), 400, "expires_at")


async def test_a_changed_key_is_held_to_the_change_at_once(owner: Client, open_client: OpenClient) -> None:
    program, shown = await _made(owner, open_client)
    path = f"/api-keys/{shown['id']}"
    body = {"name": "Reader", "permissions": ["leads:read"]}
    changed = await owner.patch(path, json=body, headers={"If-Match": '"1"'})
    assert changed.status_code == 200
    assert changed.json()["data"]["permissions"] == ["leads:read"]
    assert changed.headers["etag"] == '"2"'
    assert (await program.get("/leads")).status_code == 200
    _refused(await program.post("/leads", json={"contact": {"first_name": "Ann", "phone_number": "07700 900123"}}), 403)
    stale = await owner.patch(path, json={"name": "Other"}, headers={"If-Match": '"1"'})
    assert _refused(stale, 409) == "STALE_VERSION"


@pytest.mark.parametrize("permission", sorted(OF_PEOPLE_ONLY))
async def test_no_key_holds_what_only_people_may_do(owner: Client, permission: Permission) -> None:
    refused = await owner.post("/api-keys", json=MADE | {"permissions": ["leads:read", permission]})
    _refused(refused, 400, "permissions")


async def test_a_key_that_was_given_too_much_holds_none_of_it(
    owner: Client, open_client: OpenClient, database: Database
) -> None:
    program, shown = await _made(owner, open_client)
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE api_keys SET permissions = $2 WHERE id = $1", UUID(shown["id"]), [*Permission, "gone:since"]
        )
    for method, path in (
        ("GET", "/api-keys"), ("POST", "/api-keys"), ("GET", f"/api-keys/{shown['id']}"),
        ("PATCH", f"/api-keys/{shown['id']}"), ("DELETE", f"/api-keys/{shown['id']}"),
    ):  # fmt: skip
        body = {} if method in ("GET", "DELETE") else {"json": MADE}
        _refused(await program.request(method, path, **cast("Any", body)), 403)
    for path in ("/users/me", "/auth/session", "/organizations"):
        _refused(await program.get(path), 403)
    _refused(await program.post("/organizations", json={"name": "Mine"}), 403)
    assert (await program.get("/settings/client")).status_code == 200


async def test_only_admins_and_owners_have_to_do_with_keys(owner: Client, join: Join) -> None:
    for role in (Role.MANAGER, Role.REP, Role.READ_ONLY):
        person = await join(owner, role)
        _refused(await person.get("/api-keys"), 403)
        _refused(await person.post("/api-keys", json=MADE), 403)
    admin = await join(owner, Role.ADMIN)
    assert (await admin.post("/api-keys", json=MADE)).status_code == 201


async def test_another_organisations_keys_are_not_there(
    owner: Client, stranger: Client, open_client: OpenClient
) -> None:
    _, shown = await _made(owner, open_client)
    path = f"/api-keys/{shown['id']}"
    assert (await stranger.get("/api-keys", params={"active": "all"})).json()["data"] == []
    for answer in (
        await stranger.get(path), await stranger.patch(path, json={"name": "Mine"}), await stranger.delete(path),
        await owner.get(f"/api-keys/{new_id()}"),
    ):  # fmt: skip
        assert _refused(answer, 404) == "NOT_FOUND"
    assert (await owner.get(path)).json()["data"]["is_active"] is True


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"permissions": []}, "permissions"),
        ({"permissions": ["leads:eat"]}, "permissions[0]"),
        ({"dataset_ids": [str(new_id())]}, "dataset_ids"),
        ({"location_ids": [str(new_id())]}, "location_ids"),
        ({"expires_at": "2030-01-01T00:00:00"}, "expires_at"),
        ({"key_hash": "abc"}, "key_hash"),
        ({"organization_id": str(new_id())}, "organization_id"),
    ],
)
async def test_a_key_that_cannot_be_names_the_field(owner: Client, change: dict[str, Any], field: str) -> None:
    _refused(await owner.post("/api-keys", json=MADE | change), 400, field)


async def test_a_key_sees_no_more_than_its_maker(
    owner: Client, stranger: Client, join: Join, open_client: OpenClient
) -> None:
    async def dataset(client: Client, name: str) -> str:
        return str((await client.post("/datasets", json={"name": name})).json()["data"]["id"])

    seen, hidden, foreign = await dataset(owner, "Seen"), await dataset(owner, "Hidden"), await dataset(stranger, "No")
    mine = await enter(owner, dataset_id=seen)
    await enter(owner, {"first_name": "Bob", "phone_number": "07700 900456"}, dataset_id=hidden)
    _refused(await owner.post("/api-keys", json=MADE | {"dataset_ids": [foreign]}), 400, "dataset_ids")

    admin = await join(owner, Role.ADMIN, dataset_ids=[UUID(seen)])
    _refused(await admin.post("/api-keys", json=MADE | {"dataset_ids": [hidden]}), 400, "dataset_ids")
    program, shown = await _made(admin, open_client)
    assert shown["dataset_ids"] == [seen]
    assert [lead["id"] for lead in (await program.get("/leads")).json()["data"]] == [mine["id"]]
    widened = await admin.patch(f"/api-keys/{shown['id']}", json={"dataset_ids": None})
    assert widened.json()["data"]["dataset_ids"] == [seen]
    assert (await owner.patch(f"/api-keys/{shown['id']}", json={"dataset_ids": None})).status_code == 200
    assert len((await program.get("/leads")).json()["data"]) == 2


async def test_what_a_program_makes_is_its_own(owner: Client, open_client: OpenClient, database: Database) -> None:
    permissions = [*MADE["permissions"], "datasets:read", "datasets:write"]
    program, shown = await _made(owner, open_client, permissions=permissions)
    other, _ = await _made(owner, open_client, permissions=permissions)
    made = (await program.post("/datasets", json={"name": "From the website"})).json()["data"]
    assert (await program.patch(f"/datasets/{made['id']}", json={"name": "Renamed"})).status_code == 200
    _refused(await other.patch(f"/datasets/{made['id']}", json={"name": "Taken"}), 403)

    lead = await enter(program)
    assert (await owner.get(f"/leads/{lead['id']}")).json()["data"]["created_by"] == shown["id"]
    _refused(await program.post(f"/leads/{lead['id']}/notes", json={"body": "Called."}), 403)
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(owner.organization_id))
        actor = await connection.fetchval(
            "SELECT actor_id FROM events WHERE organization_id = $1 AND type = 'lead.created'", owner.organization_id
        )
    assert actor == UUID(shown["id"])


async def test_idempotency_keys_belong_to_one_program(owner: Client, open_client: OpenClient) -> None:
    first, _ = await _made(owner, open_client)
    second, _ = await _made(owner, open_client)
    headers = {"Idempotency-Key": new_id().hex}
    body = {"contact": {"first_name": "Ann", "email": "ann@example.com"}}
    answers = [await one.post("/leads", json=body, headers=headers) for one in (first, first, second)]
    assert [answer.headers.get("idempotency-replayed") for answer in answers] == [None, "true", None]


async def test_requests_are_counted_for_each_key(owner: Client, open_client: OpenClient, config: Config) -> None:
    first, second = [(await _made(owner, open_client))[0] for _ in range(2)]
    off = Limit(0, 60)
    limits = Limits(off, Limit(2, 60), off, off, off, off, off)
    own = replace(config, redis_url=config.redis_url.replace("db=0", "db=8"), limits=limits)
    house = container(own)
    transport = httpx.ASGITransport(cast("Any", create_app(own, house)), raise_app_exceptions=False)
    async with Client(transport=transport, base_url=BASE) as limited:

        async def asked(program: Client) -> int:
            return (await limited.get("/leads", headers=dict(program.headers))).status_code

        assert [await asked(first) for _ in range(3)] == [200, 200, 429]
        assert await asked(second) == 200
        assert await asked(owner) == 200
    await house.close()


@pytest.mark.parametrize("where", ["cookie", "query", "basic", "header"])
async def test_a_key_counts_as_a_bearer_token_only(owner: Client, open_client: OpenClient, where: str) -> None:
    program, _ = await _made(owner, open_client)
    secret = program.headers.pop("authorization").removeprefix("Bearer ")
    if where == "cookie":
        program.cookies.set("token", secret)
    elif where == "basic":
        program.headers["Authorization"] = f"Basic {secret}"
    elif where == "header":
        program.headers["X-API-Key"] = secret
    params = {"token": secret, "api_key": secret, "access_token": secret} if where == "query" else {}
    assert (await program.get("/leads", params=params)).status_code == 401


async def test_an_unknown_key_is_refused_as_such(client: Client) -> None:
    for key in ("rpt_", "rpt_nonsense", f"rpt_{'A' * 5000}", "rpt_ä"):
        answer = await client.get("/leads", headers={b"authorization": f"Bearer {key}".encode()})
        assert answer.status_code == 401, key


async def test_a_key_never_reaches_the_logs(owner: Client, open_client: OpenClient) -> None:
    written = StringIO()
    configure_logging("debug")
    handler = logging.getLogger().handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    try:
        program, _ = await _made(owner, open_client)
        secret = program.headers["authorization"].removeprefix("Bearer ")
        await program.get("/leads")
        await program.get(f"/leads/{secret}")
        await program.get("/leads", params={"key": secret})
        logging.getLogger("planted").warning("somebody wrote down %s", secret)
    finally:
        configure_logging("info")
    assert "request" in written.getvalue()
    assert "somebody wrote down" in written.getvalue()
    assert secret not in written.getvalue()
    assert secret[4:] not in written.getvalue()


async def test_the_keys_of_a_closed_organisation_end(owner: Client, open_client: OpenClient) -> None:
    program, _ = await _made(owner, open_client)
    assert (await owner.delete(f"/organizations/{owner.organization_id}")).status_code == 204
    assert (await program.get("/leads")).status_code == 401
