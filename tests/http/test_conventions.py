"""What every endpoint keeps: envelopes, refusals, parameters, versions (`api.md`, part 2)."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from dishka import Provider, Scope

from application.identity.accounts import RegistrationPolicy
from tests.http.conftest import Client, OpenHouse
from tests.http.refusals import error_of

pytestmark = pytest.mark.anyio


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
    error = error_of(await owner.get(f"/organizations?{query}"), 400, "VALIDATION_ERROR")
    assert error["details"][0]["field"] == field


async def test_a_parameter_where_none_is_taken_is_named(owner: Client) -> None:
    error = error_of(await owner.get("/users/me?verbose=1"), 400, "VALIDATION_ERROR")
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
    error_of(answer, 400, "VALIDATION_ERROR")


async def test_a_nul_is_found_wherever_it_hides(owner: Client) -> None:
    hidden = {"name": "X", "business_hours": {"mon": ["09:00", {"deep\u0000key": 1}]}}
    error = error_of(await owner.post("/organizations", json=hidden), 400, "VALIDATION_ERROR")
    assert error["details"][0]["field"].startswith("business_hours.mon[1]")
    literal = await owner.post("/organizations", json={"name": "A backslash: \\u0000"})
    assert literal.json()["data"]["name"] == "A backslash: \\u0000"


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_only_json_is_taken_for_json(owner: Client, media_type: str) -> None:
    answer = await owner.post("/organizations", content=b'{"name": "X"}', headers={"Content-Type": media_type})
    error_of(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("declared", [True, False])
async def test_too_large_a_body_is_refused(owner: Client, declared: bool) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 50_000

    content: Any = b" " * 2_000_000 if declared else endless()
    answer = await owner.post("/organizations", content=content, headers={"Content-Type": "application/json"})
    error_of(answer, 413, "PAYLOAD_TOO_LARGE")


async def test_unknown_addresses_and_methods_are_answered_in_the_envelope(client: Client, owner: Client) -> None:
    error_of(await client.get("/nowhere"), 404, "NOT_FOUND")
    error_of(await owner.get("/organizations/not-an-id"), 404, "NOT_FOUND")
    error_of(await client.get("/docs/start%00.js"), 404, "NOT_FOUND")
    answer = await client.post("/health")
    error_of(answer, 405, "METHOD_NOT_ALLOWED")
    assert "GET" in answer.headers["allow"]


async def test_a_fault_of_ours_shows_a_code_and_a_request_id_and_no_more(open_house: OpenHouse) -> None:
    class Broken:
        @property
        def is_open(self) -> bool:
            raise RuntimeError("SELECT secret FROM /etc/passwd")

    provider = Provider(scope=Scope.APP)
    provider.provide(lambda: Broken(), provides=RegistrationPolicy)
    answer = await (await open_house(None, provider)).get("/auth/providers")
    error = error_of(answer, 500, "INTERNAL_ERROR")
    assert error.keys() == {"code", "message", "request_id"}
    assert "secret" not in answer.text


@pytest.mark.parametrize("value", ["1.5", '"one"', '""', '"-1"', "0"])
async def test_if_match_must_be_a_version(owner: Client, value: str) -> None:
    answer = await owner.patch("/users/me", json={"first_name": "O"}, headers={"If-Match": value})
    error = error_of(answer, 400, "VALIDATION_ERROR")
    assert error["details"][0]["field"] == "If-Match"


async def test_if_match_of_the_present_version_passes(owner: Client) -> None:
    etag = (await owner.get("/users/me")).headers["etag"]
    changed = await owner.patch("/users/me", json={"first_name": "O"}, headers={"If-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag
    unconditional = await owner.patch("/users/me", json={"first_name": "P"}, headers={"If-Match": "*"})
    assert unconditional.status_code == 200


async def test_every_answer_is_kept_from_caches_and_frames(client: Client) -> None:
    headers = (await client.get("/health")).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
