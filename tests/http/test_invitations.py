"""Invitations over HTTP, mailed through a real provider process (ASVS 5.0: 6.4.1, 6.3.1, 6.3.8, 2.3.1)."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
import structlog
from dishka import AsyncContainer, Provider, Scope, provide
from litestar import Litestar

from adapters.email.sandbox import SandboxMailing
from adapters.persistence.database import Database
from adapters.persistence.identity_invitations import PostgresInvitations
from adapters.queue.deliver import Deliverer
from adapters.queue.relay import Relay
from adapters.sms.sandbox import provider_token
from application.mailing import Mailing
from domain.identity.invitation import hash_of_token
from entrypoints.config import Config
from entrypoints.config_limits import Limits
from entrypoints.container import container
from entrypoints.http.app import create_app
from entrypoints.subscriptions import SUBSCRIPTIONS, routes
from tests.contracts.sandbox_process import ProviderProcess
from tests.http.background import Deaf
from tests.http.conftest import PASSWORD, Client, OpenHouse
from tests.http.team import Hire, accept, address, invite, refused, token_of

pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.team"]
Deliver = Callable[[Client], Awaitable[None]]
OTHER = "a password of somebody's own"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    """Run the sandbox's provider."""
    running = ProviderProcess(tmp_path_factory.mktemp("provider"), "http://127.0.0.1:1")
    running.start()
    yield running
    running.close()


@pytest.fixture(scope="module")
def own(config: Config, provider: ProviderProcess) -> Config:
    """Send mail through it."""
    return replace(config, sandbox_provider_url=provider.url, secret_keys=provider.config.secret_keys)


class _Impatient(Provider):
    @provide(scope=Scope.APP)
    async def mailing(self, config: Config) -> AsyncIterator[Mailing]:
        async with httpx.AsyncClient(trust_env=False) as client:
            token = provider_token(config.derived_key("sandbox-provider"))
            yield SandboxMailing(client, config.sandbox_provider_url, token, total_seconds=1.5)


@pytest.fixture(scope="module")
async def own_house(own: Config) -> AsyncIterator[AsyncContainer]:
    """Open the container that does, and waits less long for it."""
    opened = container(own, _Impatient())
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def app(own: Config, own_house: AsyncContainer) -> Litestar:
    """Make the application on it, in place of the tests' common one."""
    return create_app(own, own_house)


@pytest.fixture
async def deliver(config: Config, own_house: AsyncContainer, database: Database) -> AsyncIterator[Deliver]:
    """Work off the mails that an organisation's invitations left behind."""
    system = await Database.open(config.system_database_url, size=2)
    relay = Relay(system, Deaf(), routes())
    deliverer = Deliverer(await own_house.get(Database), own_house, SUBSCRIPTIONS)

    async def delivered(of: Client) -> None:
        async with database.connection() as connection, connection.transaction():
            await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(of.organization_id))
            await connection.execute(
                "UPDATE mails SET next_try_at = NULL WHERE organization_id = $1", of.organization_id
            )
        async with system.connection() as connection:
            await connection.execute(
                "INSERT INTO deliveries (id, organization_id, subscription, queue, due_at)"
                " SELECT uuidv7(), organization_id, name, 'default', clock_timestamp() FROM schedules"
                " WHERE organization_id = $1 AND name = 'mails.settle' AND next_due_at IS NOT NULL",
                of.organization_id,
            )
        await relay.run_once()
        async with system.connection() as connection:
            owed = await connection.fetch(
                "SELECT id FROM deliveries WHERE organization_id = $1 AND subscription = 'mails.settle'"
                " AND parked_at IS NULL ORDER BY id",
                of.organization_id,
            )
        for row in owed:
            await deliverer.deliver(UUID(str(row["id"])))

    yield delivered
    await system.close()


async def _mails(of: Client) -> list[dict[str, Any]]:
    answer = await of.get("/sandbox/mail")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]["mails"]
    return found


async def _state(of: Client, invited: dict[str, Any]) -> tuple[str, str | None]:
    shown = (await of.get(f"/users/{invited['user']['id']}")).json()["data"]["invitation"]
    return shown["mail"], shown["mail_reason"]


async def test_somebody_is_invited_mailed_and_taken_in(
    owner: Client, client: Client, deliver: Deliver, own: Config
) -> None:
    email = address()
    invited = await invite(owner, "manager", email=email.upper(), first_name="Rita", phone="+442079460123")
    assert (invited["mailed"], invited["not_mailed_because"]) == (True, None)
    assert invited["link"].startswith(f"{own.public_url}/invitations/")
    assert (await client.post("/auth", json={"email": email, "password": PASSWORD})).status_code == 401
    await deliver(owner)
    assert await _state(owner, invited) == ("accepted", None)
    [mail] = await _mails(owner)
    assert (mail["to"], mail["subject"]) == (email, "Olga Owner invites you to Bright Windows")
    assert invited["link"] in mail["body"]
    shown = (await client.get(f"/invitations/{token_of(invited['link'])}")).json()["data"]
    assert (shown["organization_name"], shown["email"], shown["role"]) == ("Bright Windows", email, "manager")
    assert (shown["has_account"], shown["first_name"]) == (False, "Rita")
    answer = await accept(client, invited["link"], last_name="Rand")
    assert answer.status_code == 200, answer.text
    assert "HttpOnly" in answer.headers["set-cookie"]
    client.cookies.clear()
    client.sign_in(answer.json()["data"])
    me = (await client.get("/users/me")).json()["data"]
    assert (me["name"], me["role"], me["phone"]) == ("Rita Rand", "manager", "+442079460123")
    listed = (await owner.get(f"/users/{client.user_id}")).json()["data"]
    assert (listed["status"], listed["invitation"]) == ("active", None)
    assert listed["joined_at"]
    again = await client.post("/auth", json={"email": email, "password": PASSWORD})
    assert again.status_code == 200
    await deliver(owner)
    assert len(await _mails(owner)) == 1


async def test_an_invitation_is_written_in_the_organisations_language(owner: Client, deliver: Deliver) -> None:
    changed = await owner.patch("/settings/client", json={"locale": "es-ES"})
    assert changed.is_success, changed.text
    invited = await invite(owner)
    await deliver(owner)
    [mail] = await _mails(owner)
    assert mail["subject"] == "Olga Owner le invita a Bright Windows"
    assert invited["link"] in mail["body"]


async def _accept_at_once(client: Client, link: str, times: int = 20) -> list[httpx.Response]:
    return await asyncio.gather(*(accept(client, link, f"{PASSWORD} {n}") for n in range(times)))


async def test_twenty_who_accept_at_once_make_one(owner: Client, client: Client) -> None:
    invited = await invite(owner)
    answers = await _accept_at_once(client, invited["link"])
    assert sorted(answer.status_code for answer in answers) == [200] + [404] * 19
    [first] = [number for number, answer in enumerate(answers) if answer.status_code == 200]
    body = {"email": invited["user"]["email"], "password": f"{PASSWORD} {first}"}
    assert (await client.post("/auth", json=body)).status_code == 200


async def test_a_link_that_is_not_used_up_would_be_seen(
    owner: Client, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def kept(self: PostgresInvitations, token_hash: bytes) -> datetime | None:
        del self, token_hash
        return datetime.now(UTC)

    monkeypatch.setattr(PostgresInvitations, "take", kept)
    link = (await invite(owner))["link"]
    answers = await _accept_at_once(client, link, 5)
    assert sorted(answer.status_code for answer in answers) != [200] + [404] * 4
    assert (await client.get(f"/invitations/{token_of(link)}")).status_code == 200


async def test_a_link_that_is_no_good_says_nothing_about_why(owner: Client, client: Client, database: Database) -> None:
    used, expired, withdrawn, replaced = [(await invite(owner)) for _ in range(4)]
    await accept(client, used["link"])
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE invitations SET expires_at = clock_timestamp() WHERE token_hash = $1",
            hash_of_token(token_of(expired["link"])),
        )
    assert (await owner.delete(f"/users/{withdrawn['user']['id']}")).status_code == 204
    anew = await owner.post(f"/users/{replaced['user']['id']}/invitation")
    assert anew.status_code == 201
    unknown = used["link"][:-1] + ("A" if used["link"][-1] != "A" else "B")
    said = set()
    for link in (used["link"], expired["link"], withdrawn["link"], replaced["link"], unknown):
        for answer in (await client.get(f"/invitations/{token_of(link)}"), await accept(client, link)):
            assert refused(answer, 404) == "NOT_FOUND"
            said.add(answer.json()["error"]["message"])
    for odd in ("%ed%a0%80", "%ff%fe", "x" * 5000, "%2e%2e"):
        said.add(refused(await client.get(f"/invitations/{odd}"), 404) and "")
    assert len(said - {""}) == 1
    assert (await accept(client, anew.json()["data"]["link"])).status_code == 200
    late = (await owner.get(f"/users/{expired['user']['id']}")).json()["data"]
    assert late["status"] == "invited"


async def test_a_link_is_good_for_a_day_of_machine_time(owner: Client, database: Database) -> None:
    invited = await invite(owner)
    async with database.connection() as connection:
        left = await connection.fetchval(
            "SELECT extract(epoch FROM expires_at - clock_timestamp()) FROM invitations WHERE token_hash = $1",
            hash_of_token(token_of(invited["link"])),
        )
    assert 86_300 < left <= 86_400


async def test_whoever_has_an_account_proves_it_with_their_password(
    owner: Client, stranger: Client, client: Client
) -> None:
    unknown = await invite(owner, first_name="Rita", last_name=None)
    known = await invite(owner, first_name="Rita", last_name=None, email=stranger.email)
    for name in ("first_name", "last_name", "name", "phone", "status", "avatar_url", "last_login_at"):
        assert known["user"][name] == unknown["user"][name], "the answer tells who has an account"
    assert (await stranger.get("/organizations")).json()["pagination"]["total"] == 1
    entering = {"email": stranger.email, "password": PASSWORD, "organization_id": str(owner.organization_id)}
    assert refused(await client.post("/auth", json=entering), 403) == "PERMISSION_DENIED"
    assert (await client.get(f"/invitations/{token_of(known['link'])}")).json()["data"]["has_account"] is True
    answer = await accept(client, known["link"], OTHER)
    wrong = await client.post("/auth", json={"email": stranger.email, "password": OTHER})
    assert refused(answer, 401) == refused(wrong, 401) == "UNAUTHORIZED"
    assert answer.json()["error"]["message"] == wrong.json()["error"]["message"]
    joined = await accept(client, known["link"])
    assert joined.json()["data"]["organization"]["id"] == str(owner.organization_id)
    assert joined.json()["data"]["user"]["name"] == "Olga Owner"
    assert (await client.post("/auth", json=entering)).status_code == 200
    assert (await stranger.get("/organizations")).json()["pagination"]["total"] == 2


async def test_an_invitation_hinders_nobody_from_registering(owner: Client, client: Client) -> None:
    email = address()
    invited = await invite(owner, email=email)
    body = {"email": email, "password": OTHER, "name": "Rita Rand", "organization_name": "Rand & Co"}
    registered = await client.post("/auth/register", json=body)
    assert registered.status_code == 201, registered.text
    assert registered.json()["data"]["user"]["name"] == "Rita Rand"
    assert refused(await accept(client, invited["link"], PASSWORD), 401) == "UNAUTHORIZED"
    assert (await accept(client, invited["link"], OTHER)).status_code == 200
    assert refused(await client.post("/auth/register", json=body), 409) == "DUPLICATE_RECORD"


async def test_a_member_or_somebody_invited_is_not_invited_twice(owner: Client, hire: Hire) -> None:
    rita = await hire(owner)
    invited = await invite(owner)
    await owner.delete(f"/users/{rita.user_id}")
    for email in (owner.email, rita.email, invited["user"]["email"]):
        body = {"email": email, "first_name": "Rita", "role": "rep"}
        answer = await owner.post("/users", json=body)
        assert refused(answer, 409) == "DUPLICATE_RECORD"
        assert answer.json()["error"]["details"][0]["field"] == "email"
    assert refused(await owner.post(f"/users/{rita.user_id}/invitation"), 409) == "CONFLICT"
    twice = {"email": address(), "first_name": "Rita", "role": "rep"}
    answers = await asyncio.gather(*(owner.post("/users", json=twice) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


async def test_a_repeated_request_invites_once(owner: Client, deliver: Deliver) -> None:
    body = {"email": address(), "first_name": "Rita", "role": "rep"}
    answers = [await owner.post("/users", json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    await deliver(owner)
    assert len(await _mails(owner)) == 1


async def test_who_is_taken_back_before_the_mail_left_gets_none(
    owner: Client, client: Client, deliver: Deliver, database: Database
) -> None:
    invited = await invite(owner)
    assert (await owner.delete(f"/users/{invited['user']['id']}")).status_code == 204
    await deliver(owner)
    assert await _mails(owner) == []
    assert (await owner.get(f"/users/{invited['user']['id']}")).status_code == 404
    async with database.connection() as connection:
        assert not await connection.fetchval(
            "SELECT EXISTS (SELECT FROM accounts WHERE email = $1)", invited["user"]["email"]
        ), "an account nobody ever used is gone"
    again = await invite(owner, email=invited["user"]["email"])
    await deliver(owner)
    assert [mail["to"] for mail in await _mails(owner)] == [again["user"]["email"]]
    anew = (await owner.post(f"/users/{again['user']['id']}/invitation")).json()["data"]
    await deliver(owner)
    bodies = [mail["body"] for mail in await _mails(owner)]
    assert [again["link"] in body for body in bodies] == [False, True]
    assert anew["link"] in bodies[0]
    assert (await accept(client, anew["link"])).status_code == 200


async def test_mail_that_nobody_took_is_tried_again_and_mail_refused_for_good_is_not(
    owner: Client, deliver: Deliver, provider: ProviderProcess
) -> None:
    order = {"capability": "email", "fault": "server_error", "next": 1}
    provider.http.post("/faults", json=order).raise_for_status()
    invited = await invite(owner)
    hopeless = await invite(owner, email=f"{address()}.invalid")
    await deliver(owner)
    states = {await _state(owner, invited), await _state(owner, hopeless)}
    assert {state for state, _ in states} == {"planned", "rejected"}
    await deliver(owner)
    assert await _state(owner, invited) == ("accepted", None)
    assert (await _state(owner, hopeless))[0] == "rejected"
    assert [mail["to"] for mail in await _mails(owner)] == [invited["user"]["email"]]


@pytest.mark.parametrize("fault", ["timeout_after_accept", "timeout_before_accept"])
async def test_mail_that_may_or_may_not_have_left_is_asked_about_and_leaves_once(
    owner: Client, deliver: Deliver, provider: ProviderProcess, fault: str
) -> None:
    provider.http.post("/faults", json={"capability": "email", "fault": fault, "next": 1}).raise_for_status()
    invited = await invite(owner)
    await deliver(owner)
    if (await _state(owner, invited))[0] == "unknown":
        await deliver(owner)
    await deliver(owner)
    assert await _state(owner, invited) == ("accepted", None)
    assert len([line for line in provider.lines("mails.jsonl") if line["to"] == invited["user"]["email"]]) == 1


async def test_mail_is_its_organisations_own_and_for_owners_and_admins(
    owner: Client, stranger: Client, hire: Hire, deliver: Deliver
) -> None:
    await invite(owner)
    await deliver(owner)
    assert await _mails(stranger) == []
    assert refused(await (await hire(owner, "manager")).get("/sandbox/mail"), 403) == "PERMISSION_DENIED"
    page = (await owner.get("/sandbox/mail?limit=1")).json()["data"]
    assert len(page["mails"]) == 1


async def test_without_a_mail_provider_the_link_is_shown_and_the_reason(
    open_house: OpenHouse, own: Config, owner: Client, client: Client
) -> None:
    bare = await open_house(sandbox=False, secret_keys=own.secret_keys)
    body = {"email": address(), "first_name": "Rita", "role": "rep"}
    answer = await bare.post("/users", json=body, headers=dict(owner.headers))
    assert answer.status_code == 201, answer.text
    invited = answer.json()["data"]
    assert invited["mailed"] is False
    assert invited["not_mailed_because"] == "No provider is configured for email."
    assert await _state(owner, invited) == ("cancelled", "No provider is configured for email.")
    assert (await accept(client, invited["link"])).status_code == 200


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
