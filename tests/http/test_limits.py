"""Limits: by person, by address, by account; whom a proxy's headers are believed of, and what is open without Redis."""

import pytest

from domain.identity.role import Role
from entrypoints.config_limits import Limits
from tests.http.conftest import PASSWORD, Client, Join, OpenHouse
from tests.http.refusals import error_of

pytestmark = pytest.mark.anyio


async def test_the_api_is_limited_by_person(open_house: OpenHouse, own_redis: str, owner: Client, join: Join) -> None:
    limited = await open_house(redis_url=own_redis, limits=Limits())
    headers = dict(owner.headers)
    answers = [await limited.get("/users/me", headers=headers) for _ in range(101)]
    assert [answer.status_code for answer in answers] == [200] * 100 + [429]
    assert answers[0].headers["ratelimit-limit"] == "100"
    assert answers[0].headers["ratelimit-remaining"] == "99"
    assert 1 <= int(answers[0].headers["ratelimit-reset"]) <= 60
    last = answers[-1]
    error_of(last, 429, "RATE_LIMITED")
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
    error_of(answer, 503, "UNAVAILABLE")
    assert (await adrift.get("/users/me", headers=dict(owner.headers))).status_code == 200
