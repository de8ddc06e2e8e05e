"""Invitations over HTTP, mailed through a real provider process (ASVS 5.0: 6.4.1, 6.3.1, 6.3.8, 2.3.1)."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from adapters.persistence.database import Database
from adapters.persistence.identity_invitations import PostgresInvitations
from domain.identity.invitation import hash_of_token
from entrypoints.config import Config
from tests.http.conftest import PASSWORD, Client
from tests.http.post import OTHER, Deliver, app, mails, state
from tests.http.team import Hire, accept, address, invite, refused, token_of

__all__ = ["app"]
pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.post", "tests.http.team"]


async def test_somebody_is_invited_mailed_and_taken_in(
    owner: Client, client: Client, deliver: Deliver, own: Config
) -> None:
    email = address()
    invited = await invite(owner, "manager", email=email.upper(), first_name="Rita", phone="+442079460123")
    assert (invited["mailed"], invited["not_mailed_because"]) == (True, None)
    assert invited["link"].startswith(f"{own.public_url}/invitations/")
    assert (await client.post("/auth", json={"email": email, "password": PASSWORD})).status_code == 401
    await deliver(owner)
    assert await state(owner, invited) == ("accepted", None)
    [mail] = await mails(owner)
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
    assert len(await mails(owner)) == 1


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
    assert len(await mails(owner)) == 1
