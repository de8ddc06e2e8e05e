"""Forged headers, tokens, origins and parameters (ASVS 1.2.4, 3.4.2, 3.5.1, 4.1.3, 6.3.8, 9.1.1, 9.1.2, 9.2.1)."""

import base64
import json
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, cast

import httpx
import jwt
import pytest

from entrypoints.config import Config
from entrypoints.container import container
from entrypoints.http.app import create_app
from tests.access.described import operations
from tests.http.conftest import BASE, PASSWORD, Client
from tests.http.sales_world import enter

pytestmark = pytest.mark.anyio
ORIGIN = "https://app.example.com"
LOOK_ALIKES = [
    "https://app.example.com.evil.example",
    "https://evilapp.example.com",
    "https://app.example.com@evil.example",
    "https://app.example.co",
    "https://appXexample.com",
    "https://example.com",
    "https://sub.app.example.com",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com/",
    "HTTPS://APP.EXAMPLE.COM.",
    "https://app.example.com\tevil.example",
    "null",
    "",
    "*",
    "file://",
]
INJECTIONS = [
    "'", '"', "' OR '1'='1", "1; DROP TABLE leads --", "name); SELECT pg_sleep(5)--", "(SELECT password_hash)",
    "name desc nulls last, id", "created_at,(select 1)", "$1", "%27", "\\", "../../etc/passwd", "{{7*7}}", "${7*7}",
    "name/**/desc", "\u02bc OR 1=1", "%", "_", "0x31", "a" * 5000,
]  # fmt: skip
OpenDoor = Callable[..., Awaitable[Client]]


@pytest.fixture
async def open_door(config: Config) -> AsyncIterator[OpenDoor]:
    """Run the application with other settings."""
    async with AsyncExitStack() as stack:

        async def opened(**settings: Any) -> Client:
            own = replace(config, **settings)
            house = container(own)
            stack.push_async_callback(house.close)
            transport = httpx.ASGITransport(cast("Any", create_app(own, house)), raise_app_exceptions=False)
            return await stack.enter_async_context(Client(transport=transport, base_url=BASE))

        yield opened


def _token(client: Client) -> str:
    return client.headers["authorization"].removeprefix("Bearer ")


def _part(claims: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()


async def test_no_forgery_of_a_token_is_let_in(owner: Client, stranger: Client, client: Client, config: Config) -> None:
    token, claims = _token(owner), jwt.decode(_token(owner), options={"verify_signature": False})
    head, body, signature = token.split(".")
    key = config.derived_key("jwt")
    now = int(time.time())
    forged = {
        "none": f"{_part({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        "None": f"{_part({'alg': 'None', 'typ': 'JWT'})}.{body}.{signature}",
        "no signature": f"{head}.{body}.",
        "other algorithm": jwt.encode(claims, key * 2, algorithm="HS512"),
        "key in the header": jwt.encode(claims, b"k" * 32, headers={"jwk": {"kty": "oct", "k": "a2tr"}, "kid": "../k"}),
        "own key": jwt.encode(claims, b"0" * 32, algorithm="HS256"),
        "empty key": f"{head}.{body}.{_part({})}",
        "edited": f"{head}.{_part(claims | {'org': str(stranger.organization_id)})}.{signature}",
        "expired": jwt.encode(claims | {"exp": now - 1}, key, algorithm="HS256"),
        "for ever": jwt.encode({n: v for n, v in claims.items() if n != "exp"}, key, algorithm="HS256"),
        "another person": jwt.encode(claims | {"sub": str(stranger.user_id)}, key, algorithm="HS256"),
        "another organisation": jwt.encode(claims | {"org": str(stranger.organization_id)}, key, algorithm="HS256"),
        "an older version": jwt.encode(claims | {"ver": claims["ver"] - 1}, key, algorithm="HS256"),
        "a newer version": jwt.encode(claims | {"ver": claims["ver"] + 1}, key, algorithm="HS256"),
        "a version in words": jwt.encode(claims | {"ver": "1"}, key, algorithm="HS256"),
        "a list for a person": jwt.encode(claims | {"sub": [str(owner.user_id)]}, key, algorithm="HS256"),
        "a made-up key": "rpt_" + "A" * 43,
        "twice": f"{token} {token}",
        "very long": "A" * 100_000,
    }
    for name, attempt in forged.items():
        for headers in ({"Authorization": f"Bearer {attempt}"}, {"Cookie": f"token={attempt.split(' ')[0]}"}):
            if name == "twice" and "Cookie" in headers:
                continue
            answer = await client.get("/users/me", headers=headers)
            assert answer.status_code == 401, f"{name}: {answer.text}"
            assert owner.email not in answer.text


async def test_the_header_goes_before_the_cookie_and_a_bad_one_is_not_mended_by_it(
    owner: Client, stranger: Client, client: Client
) -> None:
    cookie = {"Cookie": f"token={_token(stranger)}"}
    mixed = await client.get("/users/me", headers=cookie | {"Authorization": f"Bearer {_token(owner)}"})
    assert mixed.json()["data"]["id"] == str(owner.user_id)
    for scheme in ("Bearer x", "Bearer", "Basic eDp5", "bearer\tx", "Token abc", ""):
        answer = await client.get("/users/me", headers=cookie | {"Authorization": scheme})
        assert answer.status_code == 401, scheme


@pytest.mark.parametrize("origin", LOOK_ALIKES)
async def test_an_origin_that_looks_like_ours_is_foreign(open_door: OpenDoor, owner: Client, origin: str) -> None:
    door = await open_door(cors_origins=(ORIGIN,))
    own = await door.get("/users/me", headers=dict(owner.headers) | {"Origin": ORIGIN})
    assert own.headers["access-control-allow-origin"] == ORIGIN
    asked = {"Origin": origin, "Access-Control-Request-Method": "PATCH"}
    for answer in (
        await door.options("/users/me", headers=asked),
        await door.get("/users/me", headers=dict(owner.headers) | {"Origin": origin}),
    ):
        assert "access-control-allow-origin" not in answer.headers
    with_cookie = {"Cookie": f"token={_token(owner)}", "Origin": origin}
    forged = await door.patch("/users/me", json={"first_name": "Eve"}, headers=with_cookie)
    assert (forged.status_code, forged.json()["error"]["code"]) == (403, "PERMISSION_DENIED")


async def test_no_write_with_the_cookie_alone_passes(owner: Client, client: Client) -> None:
    writes = [one for one in operations() if one.method != "get" and one.access == "member"]
    for one in writes:
        path = one.path.replace("{", "").replace("}", "")
        for name in one.path_ids:
            path = path.replace(name, "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8e90")
        for forged in ({}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"}):
            answer = await client.request(one.method, path, headers={"Cookie": f"token={_token(owner)}"} | forged)
            assert answer.status_code == 403, f"{one}: {answer.text}"
    assert len(writes) > 30


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "localhost:1", "'"])
async def test_the_host_header_moves_nothing(owner: Client, client: Client, host: str) -> None:
    forged = {
        "Host": host,
        "X-Forwarded-Host": host,
        "X-Original-URL": "/api/v1/health",
        "X-HTTP-Method-Override": "PUT",
    }
    answer = await owner.get("/users/me", headers=forged)
    assert answer.status_code == 200
    document = (await client.get("/openapi.json", headers=forged)).json()
    assert document["servers"] == [{"url": "http://testserver"}]
    body = {"email": f"{owner.user_id.hex}@example.com", "first_name": "Rita", "role": "rep"}
    invited = await owner.post("/users", json=body, headers=forged)
    assert host not in invited.json()["data"]["link"]


def _lists() -> list[Any]:
    return [one for one in operations() if one.access == "member" and {"sort", "cursor"} <= one.query.keys()]


@pytest.mark.parametrize("one", _lists(), ids=str)
async def test_nothing_is_injected_into_a_list(one: Any, owner: Client, client: Client) -> None:
    lead = await enter(owner)
    path = one.path
    for name in one.path_ids:
        path = path.replace(f"{{{name}}}", lead["id"])
    texts = [
        name for name, said in one.query.items()
        if name not in ("page", "limit") and "uuid" not in json.dumps(said["schema"])
    ]  # fmt: skip
    required = {name: said["example"] for name, said in one.query.items() if said["required"]}
    for name in texts:
        for attempt in INJECTIONS:
            started = time.monotonic()
            answer = await owner.get(path, params=required | {name: attempt})
            assert answer.status_code in (200, 400, 404), f"{one} {name}={attempt}: {answer.text}"
            assert time.monotonic() - started < 4, f"{one} {name}={attempt} slept"
            for said in ("syntax", "asyncpg", "pg_", "SELECT", "Traceback"):
                assert said not in answer.text.replace(attempt, ""), answer.text
            if name in ("sort", "cursor", "order"):
                assert answer.status_code in (400, 404)


@pytest.mark.parametrize("path", [
    "/leads/..%2f..%2fhealth", "/leads/%00", "/leads/' OR 1=1--", "/leads/%2e%2e", "/docs/..%2f..%2fpyproject.toml",
    "/docs/%2e%2e%2fapp.py", "/docs//etc/passwd", "/imports/*/rows", "//evil.example/%2e%2e",
])  # fmt: skip
async def test_an_address_leads_nowhere_else(owner: Client, path: str) -> None:
    answer = await owner.get(path)
    assert answer.status_code == 404
    assert "root:" not in answer.text
    assert "[project]" not in answer.text


async def test_a_wrong_password_and_an_unknown_person_cannot_be_told_apart(owner: Client, client: Client) -> None:
    async def tried(email: str) -> tuple[float, httpx.Response]:
        started = time.perf_counter()
        answer = await client.post("/auth", json={"email": email, "password": "not the password"})
        return time.perf_counter() - started, answer

    known, unknown = [], []
    for number in range(15):
        known.append(await tried(owner.email))
        unknown.append(await tried(f"nobody{number}-{owner.email}"))
    told = {
        (answer.status_code, answer.content.replace(answer.headers["x-request-id"].encode(), b""))
        for _, answer in (*known, *unknown)
    }
    assert len(told) == 1
    names = {tuple(sorted(answer.headers)) for _, answer in (*known, *unknown)}
    assert len(names) == 1
    ratio = statistics.median(t for t, _ in known) / statistics.median(t for t, _ in unknown)
    print(f"wrong password / unknown person: {ratio:.2f}")
    assert 0.5 < ratio < 2
    assert (await client.post("/auth", json={"email": owner.email, "password": PASSWORD})).status_code == 200
