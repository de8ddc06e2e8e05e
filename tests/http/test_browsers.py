"""What browsers meet: the cookie, and CORS."""

import pytest

from tests.http.conftest import Client, OpenHouse
from tests.http.refusals import error_of

pytestmark = pytest.mark.anyio


async def test_a_cookie_signs_in_but_only_from_our_own_pages(owner: Client, client: Client) -> None:
    client.cookies.set("token", owner.headers["authorization"].removeprefix("Bearer "))
    assert (await client.get("/users/me")).status_code == 200
    for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        refused = await client.patch("/users/me", json={"first_name": "Eve"}, headers=headers)
        error_of(refused, 403, "PERMISSION_DENIED")
    for headers in ({"Origin": "http://testserver"}, {"Sec-Fetch-Site": "same-origin"}):
        assert (await client.patch("/users/me", json={"first_name": "Olga"}, headers=headers)).status_code == 200


async def test_the_bearer_token_goes_before_the_cookie(owner: Client, stranger: Client) -> None:
    owner.cookies.set("token", stranger.headers["authorization"].removeprefix("Bearer "))
    assert (await owner.get("/users/me")).json()["data"]["id"] == str(owner.user_id)
    owner.headers["Authorization"] = "Bearer broken"
    assert (await owner.get("/users/me")).status_code == 401


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
