"""What an invitation must not give away: its token, and passwords to whoever guesses."""

import logging

import pytest
import structlog

from adapters.persistence.database import Database
from entrypoints.config import Config
from entrypoints.config_limits import Limits
from tests.http.conftest import PASSWORD, Client, OpenHouse
from tests.http.post import OTHER, Deliver, app
from tests.http.team import accept, invite, refused, token_of

__all__ = ["app"]
pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.post"]


async def test_no_token_is_kept_or_logged(
    owner: Client, client: Client, deliver: Deliver, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)  # what nobody would write is not even made
    with structlog.testing.capture_logs() as logged:
        invited = await invite(owner)
        await deliver(owner)
        token = token_of(invited["link"])
        await client.get(f"/invitations/{token}")
        await accept(client, invited["link"], "short")
        await accept(client, invited["link"])
        await accept(client, invited["link"])
    assert any(line.get("route", "").startswith("/api/v1/invitations/{token") for line in logged)
    assert token not in repr(logged)
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(owner.organization_id))
        for table in ("events", "deliveries", "mails", "invitations", "memberships", "schedules"):
            rows = await connection.fetch(f"SELECT t::text FROM {table} t WHERE organization_id = $1",
                                          owner.organization_id)  # fmt: skip
            assert token not in repr(rows), table
        kinds = await connection.fetch(
            "SELECT type FROM events WHERE organization_id = $1 AND type LIKE 'user.%' ORDER BY id",
            owner.organization_id,
        )
    assert [row["type"] for row in kinds] == ["user.invited", "user.joined"]


async def test_guessing_a_password_at_a_link_or_in_the_profile_counts_as_signing_in(
    open_house: OpenHouse, own_redis: str, own: Config, owner: Client, stranger: Client
) -> None:
    invited = await invite(owner, email=stranger.email)

    async def door(number: int) -> Client:
        peer = f"198.51.100.{number}"
        return await open_house(redis_url=own_redis, limits=Limits(), peer=peer, secret_keys=own.secret_keys)

    said = [(await accept(await door(number), invited["link"], OTHER)).status_code for number in range(3)]
    body = {"current_password": OTHER, "new_password": PASSWORD}
    headers = dict(stranger.headers)
    said += [(await (await door(9)).patch("/users/me", json=body, headers=headers)).status_code for _ in range(2)]
    assert said == [401] * 3 + [400] * 2
    assert (await accept(await door(4), invited["link"])).status_code == 429
    assert (await (await door(9)).patch("/users/me", json=body, headers=headers)).status_code == 429
    assert (
        await (await door(5)).post("/auth", json={"email": stranger.email, "password": PASSWORD})
    ).status_code == 429
    one = await door(77)
    tokens = [(await accept(one, f"/{'A' * 42}{number}")).status_code for number in range(6)]
    assert tokens == [404] * 5 + [429]


async def test_without_redis_nobody_guesses(
    open_house: OpenHouse, own: Config, owner: Client, redis_is_away: str
) -> None:
    invited = await invite(owner)
    adrift = await open_house(redis_url=redis_is_away, limits=Limits(), secret_keys=own.secret_keys)
    assert refused(await accept(adrift, invited["link"]), 503) == "UNAVAILABLE"
    body = {"current_password": PASSWORD, "new_password": OTHER}
    changed = await adrift.patch("/users/me", json=body, headers=dict(owner.headers))
    assert refused(changed, 503) == "UNAVAILABLE"
    assert (await adrift.patch("/users/me", json={"name": "Olga"}, headers=dict(owner.headers))).status_code == 200


@pytest.fixture
def redis_is_away() -> str:
    """Name a Redis that nobody runs."""
    return "unix:///nonexistent"
