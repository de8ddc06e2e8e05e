"""What every endpoint keeps: envelopes, refusals, keys, limits, CORS, health (`api.md`, part 2)."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
import redis.asyncio as redis
from dishka import Provider, Scope

from adapters.persistence.database import Database
from application.identity.accounts import RegistrationPolicy
from domain.identity.role import Role
from domain.kernel import new_id
from entrypoints.config import Config
from entrypoints.config_limits import Limits
from entrypoints.container import container
from entrypoints.http.app import create_app
from tests.http.conftest import BASE, PASSWORD, Client, Join

pytestmark = pytest.mark.anyio
OpenHouse = Callable[..., Awaitable[Client]]


@pytest.fixture
async def open_house(config: Config) -> AsyncIterator[OpenHouse]:
    """Run the application with other settings: `await open_house(cors_origins=(…), peer="…")`."""
    async with AsyncExitStack() as stack:

        async def opened(*overrides: Provider, peer: str = "203.0.113.7", **settings: Any) -> Client:
            own = replace(config, **settings)
            house = container(own, *overrides)
            stack.push_async_callback(house.close)
            app = cast("Any", create_app(own, house))
            transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(peer, 50_000))
            return await stack.enter_async_context(Client(transport=transport, base_url=BASE))

        yield opened


@pytest.fixture
async def own_redis(config: Config) -> AsyncIterator[str]:
    """Count in a database of Valkey's that nobody else counts in."""
    url = config.redis_url.replace("db=0", "db=7")
    client = redis.Redis.from_url(url)
    await client.flushdb()
    yield url
    await client.aclose()


def _error(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert error["code"] == code
    assert error["message"]
    assert error["request_id"] == answer.headers["x-request-id"]
    return error


async def test_health_answers_without_asking_anybody(open_house: OpenHouse) -> None:
    adrift = await open_house(
        database_url="postgresql+asyncpg://nobody@/nothing?host=/nonexistent", redis_url="unix:///nonexistent"
    )
    answer = await adrift.get("/health")
    assert answer.status_code == 200
    said = answer.json()["data"]
    assert said["status"] == "healthy"
    assert said["service"] == "rapport"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", said["timestamp"])


async def test_readiness_names_each_part(client: Client, open_house: OpenHouse, database: Database) -> None:
    answer = await client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["data"]["checks"] == {"database": "ok", "redis": "ok", "queue": "ok", "migrations": "ok"}
    adrift = await open_house(
        database_url="postgresql+asyncpg://nobody@/nothing?host=/nonexistent", redis_url="unix:///nonexistent"
    )
    refused = await adrift.get("/health/ready")
    assert refused.status_code == 503
    said = refused.json()["data"]
    assert said["status"] == "not_ready"
    assert set(said["checks"].values()) == {"cannot be reached"}


async def test_without_a_database_requests_are_refused_for_now(open_house: OpenHouse, owner: Client) -> None:
    adrift = await open_house(database_url="postgresql+asyncpg://nobody@/nothing?host=/nonexistent")
    answer = await adrift.get("/users/me", headers=dict(owner.headers))
    _error(answer, 503, "UNAVAILABLE")
    assert answer.headers["retry-after"] == "1"


async def test_head_answers_as_get_does_without_the_body(client: Client) -> None:
    answer = await client.head("/health")
    assert answer.status_code == 200
    assert answer.content == b""
    assert int(answer.headers["content-length"]) > 50


async def test_a_request_id_comes_back_or_is_made(client: Client) -> None:
    given = await client.get("/health", headers={"X-Request-ID": "from-the-caller-42"})
    assert given.headers["x-request-id"] == "from-the-caller-42"
    for poor in ("short", "x" * 65, "line\tbreak-in-it"):
        made = (await client.get("/health", headers={"X-Request-ID": poor})).headers["x-request-id"]
        assert UUID(made).version == 7


async def test_lists_and_single_things_have_their_envelopes(owner: Client) -> None:
    listed = (await owner.get("/organizations")).json()
    assert listed.keys() == {"data", "pagination"}
    assert listed["pagination"] == {
        "page": 1, "limit": 50, "total": 1, "total_pages": 1, "total_is_estimate": False, "has_next": False,
        "next_cursor": None,
    }  # fmt: skip
    single = await owner.get("/users/me")
    assert single.json().keys() == {"data"}
    assert single.headers["etag"] == f'"{single.json()["data"]["version"]}"'
    assert (await owner.get("/organizations?limit=5000")).json()["pagination"]["limit"] == 100


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("colour=red", "colour"),
        ("page=one", "page"),
        ("page=1&page=2", "page"),
        ("order=up", "order"),
        ("page=0", "page"),
        ("limit=0", "limit"),
        ("a%00=1", "a"),
    ],
)
async def test_a_parameter_that_cannot_be_is_named(owner: Client, query: str, field: str) -> None:
    error = _error(await owner.get(f"/organizations?{query}"), 400, "VALIDATION_ERROR")
    assert error["details"][0]["field"] == field


async def test_a_parameter_where_none_is_taken_is_named(owner: Client) -> None:
    error = _error(await owner.get("/users/me?verbose=1"), 400, "VALIDATION_ERROR")
    assert error["details"][0]["field"] == "verbose"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"nonsense",
        b'{"name": "\xff"}',
        b'{"name": ' + b"[" * 200_000,
        b'{"name": "\\ud800"}',
        b"null",
    ],
)
async def test_a_body_that_cannot_be_read_is_the_senders_fault(owner: Client, body: bytes) -> None:
    answer = await owner.post("/organizations", content=body, headers={"Content-Type": "application/json"})
    _error(answer, 400, "VALIDATION_ERROR")


async def test_a_nul_is_found_wherever_it_hides(owner: Client) -> None:
    hidden = {"name": "X", "business_hours": {"mon": ["09:00", {"deep\u0000key": 1}]}}
    error = _error(await owner.post("/organizations", json=hidden), 400, "VALIDATION_ERROR")
    assert error["details"][0]["field"].startswith("business_hours.mon[1]")
    literal = await owner.post("/organizations", json={"name": "A backslash: \\u0000"})
    assert literal.json()["data"]["name"] == "A backslash: \\u0000"


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_only_json_is_taken_for_json(owner: Client, media_type: str) -> None:
    answer = await owner.post("/organizations", content=b'{"name": "X"}', headers={"Content-Type": media_type})
    _error(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("declared", [True, False])
async def test_too_large_a_body_is_refused(owner: Client, declared: bool) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 50_000

    content: Any = b" " * 2_000_000 if declared else endless()
    answer = await owner.post("/organizations", content=content, headers={"Content-Type": "application/json"})
    _error(answer, 413, "PAYLOAD_TOO_LARGE")


async def test_unknown_addresses_and_methods_are_answered_in_the_envelope(client: Client, owner: Client) -> None:
    _error(await client.get("/nowhere"), 404, "NOT_FOUND")
    _error(await owner.get("/organizations/not-an-id"), 404, "NOT_FOUND")
    _error(await client.get("/docs/start%00.js"), 404, "NOT_FOUND")
    answer = await client.post("/health")
    _error(answer, 405, "METHOD_NOT_ALLOWED")
    assert "GET" in answer.headers["allow"]


async def test_a_fault_of_ours_shows_a_code_and_a_request_id_and_no_more(open_house: OpenHouse) -> None:
    class Broken:
        @property
        def is_open(self) -> bool:
            raise RuntimeError("SELECT secret FROM /etc/passwd")

    provider = Provider(scope=Scope.APP)
    provider.provide(lambda: Broken(), provides=RegistrationPolicy)
    answer = await (await open_house(provider)).get("/auth/providers")
    error = _error(answer, 500, "INTERNAL_ERROR")
    assert error.keys() == {"code", "message", "request_id"}
    assert "secret" not in answer.text


@pytest.mark.parametrize("value", ["1.5", '"one"', '""', '"-1"', "0"])
async def test_if_match_must_be_a_version(owner: Client, value: str) -> None:
    answer = await owner.patch("/users/me", json={"first_name": "O"}, headers={"If-Match": value})
    error = _error(answer, 400, "VALIDATION_ERROR")
    assert error["details"][0]["field"] == "If-Match"


async def test_if_match_of_the_present_version_passes(owner: Client) -> None:
    etag = (await owner.get("/users/me")).headers["etag"]
    changed = await owner.patch("/users/me", json={"first_name": "O"}, headers={"If-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag
    unconditional = await owner.patch("/users/me", json={"first_name": "P"}, headers={"If-Match": "*"})
    assert unconditional.status_code == 200


async def test_a_repeated_request_has_one_effect(owner: Client) -> None:
    headers = {"Idempotency-Key": "the-first-key"}
    first = await owner.post("/organizations", json={"name": "Once"}, headers=headers)
    again = await owner.post("/organizations", json={"name": "Once"}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    other = await owner.post("/organizations", json={"name": "Twice"}, headers=headers)
    _error(other, 422, "IDEMPOTENCY_MISMATCH")
    assert (await owner.get("/organizations")).json()["pagination"]["total"] == 2


async def test_twenty_twins_at_once_have_one_effect(owner: Client) -> None:
    headers = {"Idempotency-Key": "twins"}
    answers = await asyncio.gather(
        *(owner.post("/organizations", json={"name": "Twin"}, headers=headers) for _ in range(20))
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = {answer.json()["data"]["id"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert (await owner.get("/organizations")).json()["pagination"]["total"] == 2


async def test_a_refused_request_leaves_its_key_free(owner: Client) -> None:
    headers = {"Idempotency-Key": "second-try"}
    assert (await owner.post("/organizations", json={"name": ""}, headers=headers)).status_code == 400
    assert (await owner.post("/organizations", json={"name": "X"}, headers=headers)).status_code == 201


async def test_a_stranger_may_repeat_a_registration(client: Client) -> None:
    body = {"email": f"{new_id().hex}@example.com", "password": PASSWORD, "name": "Ann"}
    headers = {"Idempotency-Key": new_id().hex}
    first = await client.post("/auth/register", json=body, headers=headers)
    again = await client.post("/auth/register", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()


async def test_the_stored_answer_is_encrypted(owner: Client, database: Database) -> None:
    answer = await owner.post("/organizations", json={"name": "Hidden away"}, headers={"Idempotency-Key": "sealed"})
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", answer.json()["data"]["id"])
        stored = await connection.fetchrow("SELECT status, answer FROM idempotency")
    assert stored["status"] == 201
    assert b"Hidden away" not in stored["answer"]


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "käse".encode().decode("latin-1")])
async def test_an_idempotency_key_is_visible_ascii(owner: Client, key: str) -> None:
    headers = {"Idempotency-Key": key.encode("latin-1")}
    answer = await owner.post("/organizations", json={"name": "X"}, headers=cast("Any", headers))
    error = _error(answer, 400, "VALIDATION_ERROR")
    assert error["details"][0]["field"] == "Idempotency-Key"


async def test_a_cookie_signs_in_but_only_from_our_own_pages(owner: Client, client: Client) -> None:
    client.cookies.set("token", owner.headers["authorization"].removeprefix("Bearer "))
    assert (await client.get("/users/me")).status_code == 200
    for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        refused = await client.patch("/users/me", json={"first_name": "Eve"}, headers=headers)
        _error(refused, 403, "PERMISSION_DENIED")
    for headers in ({"Origin": "http://testserver"}, {"Sec-Fetch-Site": "same-origin"}):
        assert (await client.patch("/users/me", json={"first_name": "Olga"}, headers=headers)).status_code == 200


async def test_the_bearer_token_goes_before_the_cookie(owner: Client, stranger: Client) -> None:
    owner.cookies.set("token", stranger.headers["authorization"].removeprefix("Bearer "))
    assert (await owner.get("/users/me")).json()["data"]["id"] == str(owner.user_id)
    owner.headers["Authorization"] = "Bearer broken"
    assert (await owner.get("/users/me")).status_code == 401


async def test_the_api_is_limited_by_person(open_house: OpenHouse, own_redis: str, owner: Client, join: Join) -> None:
    limited = await open_house(redis_url=own_redis, limits=Limits())
    headers = dict(owner.headers)
    answers = [await limited.get("/users/me", headers=headers) for _ in range(101)]
    assert [answer.status_code for answer in answers] == [200] * 100 + [429]
    assert answers[0].headers["ratelimit-limit"] == "100"
    assert answers[0].headers["ratelimit-remaining"] == "99"
    assert 1 <= int(answers[0].headers["ratelimit-reset"]) <= 60
    last = answers[-1]
    _error(last, 429, "RATE_LIMITED")
    assert last.headers["ratelimit-remaining"] == "0"
    assert 1 <= int(last.headers["retry-after"]) <= 60
    somebody_else = await join(owner, Role.REP)
    assert (await limited.get("/users/me", headers=dict(somebody_else.headers))).status_code == 200
    assert (await limited.get("/health")).status_code == 200


async def test_strangers_are_limited_by_address_and_forged_headers_move_nothing(
    open_house: OpenHouse, own_redis: str
) -> None:
    limited = await open_house(redis_url=own_redis, limits=Limits())
    forged = [{"X-Forwarded-For": f"198.51.100.{n}", "X-Real-IP": f"198.51.100.{n}"} for n in range(11)]
    answers = [await limited.get("/auth/providers", headers=headers) for headers in forged]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    elsewhere = await open_house(redis_url=own_redis, limits=Limits(), peer="203.0.113.8")
    assert (await elsewhere.get("/auth/providers")).status_code == 200


async def test_guessing_tokens_is_limited(open_house: OpenHouse, own_redis: str) -> None:
    limited = await open_house(redis_url=own_redis, limits=Limits())
    headers = {"Authorization": "Bearer guess"}
    statuses = [(await limited.get("/users/me", headers=headers)).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]


async def test_a_trusted_proxy_vouches_for_the_last_hop_only(open_house: OpenHouse, own_redis: str) -> None:
    behind = await open_house(redis_url=own_redis, limits=Limits(), peer="10.0.0.1", trusted_proxies=("10.0.0.0/8",))

    async def asked(forwarded: str) -> int:
        return (await behind.get("/auth/providers", headers={"X-Forwarded-For": forwarded})).status_code

    assert [await asked(f"1.1.1.{n}, 198.51.100.9, 10.0.0.2") for n in range(11)] == [200] * 10 + [429]
    assert await asked("198.51.100.10, 10.0.0.2") == 200
    assert [await asked(f"2001:db8::{n:x}") for n in range(1, 12)] == [200] * 10 + [429]


async def test_signing_in_is_limited_by_account_and_by_address(
    open_house: OpenHouse, own_redis: str, owner: Client
) -> None:
    body = {"email": owner.email, "password": "wrong password"}
    statuses = []
    for number in range(6):
        door = await open_house(redis_url=own_redis, limits=Limits(), peer=f"198.51.100.{number}")
        statuses.append((await door.post("/auth", json=body)).status_code)
    assert statuses == [401] * 5 + [429]
    one_door = await open_house(redis_url=own_redis, limits=Limits(), peer="198.51.100.77")
    many = [body | {"email": f"somebody{number}@example.com"} for number in range(6)]
    assert [(await one_door.post("/auth", json=each)).status_code for each in many] == [401] * 5 + [429]


async def test_without_redis_signing_in_is_closed_and_the_rest_open(open_house: OpenHouse, owner: Client) -> None:
    adrift = await open_house(redis_url="unix:///nonexistent", limits=Limits())
    answer = await adrift.post("/auth", json={"email": owner.email, "password": PASSWORD})
    _error(answer, 503, "UNAVAILABLE")
    assert (await adrift.get("/users/me", headers=dict(owner.headers))).status_code == 200


@pytest.fixture
async def with_cors(open_house: OpenHouse) -> Client:
    """Allow one foreign origin."""
    return await open_house(cors_origins=("https://app.example.com",))


async def test_preflight_allows_the_configured_origin_only(with_cors: Client) -> None:
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization,if-match"}
    allowed = await with_cors.options("/users/me", headers=asked | {"Origin": "https://app.example.com"})
    assert allowed.status_code in (200, 204)
    assert allowed.headers["access-control-allow-origin"] == "https://app.example.com"
    assert allowed.headers["access-control-allow-credentials"] == "true"
    assert allowed.headers["access-control-max-age"] == "86400"
    methods = {method.strip() for method in allowed.headers["access-control-allow-methods"].split(",")}
    assert methods == {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    foreign = await with_cors.options("/users/me", headers=asked | {"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in foreign.headers


async def test_answers_and_refusals_carry_cors_headers(with_cors: Client, owner: Client) -> None:
    origin = {"Origin": "https://app.example.com"}
    for answer in (
        await with_cors.get("/users/me", headers=dict(owner.headers) | origin),
        await with_cors.get("/users/me", headers=origin),
        await with_cors.get("/nowhere", headers=origin),
    ):
        assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
        assert "etag" in answer.headers["access-control-expose-headers"].lower()
    foreign = await with_cors.get("/health", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in foreign.headers


async def test_a_cron_route_brings_its_schedules_forward(client: Client, owner: Client, database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO schedules (name, organization_id, next_due_at)"
            " VALUES ('messaging.send', $1, business_now() + interval '9 days')",
            owner.organization_id,
        )
    secret = {"Authorization": "Bearer cron-secret-of-the-tests"}
    answer = await client.get("/cron/send-m1", headers=secret)
    assert answer.status_code == 202
    assert answer.json()["data"]["organizations"] >= 1
    async with database.connection() as connection:
        due = await connection.fetchval(
            "SELECT next_due_at IS NULL OR next_due_at <= business_now() FROM schedules"
            " WHERE organization_id = $1 AND name = 'messaging.send'",
            owner.organization_id,
        )
    assert due
    for wrong in ({}, {"Authorization": "Bearer wrong"}, dict(owner.headers)):
        _error(await client.get("/cron/send-m1", headers=wrong), 401, "UNAUTHORIZED")
    _error(await client.get("/cron/no-such-job", headers=secret), 404, "NOT_FOUND")


async def test_without_a_secret_there_are_no_cron_routes(open_house: OpenHouse) -> None:
    closed = await open_house(cron_secret=None)
    _error(await closed.get("/cron/send-m1", headers={"Authorization": "Bearer "}), 404, "NOT_FOUND")


async def test_every_answer_is_kept_from_caches_and_frames(client: Client) -> None:
    headers = (await client.get("/health")).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
