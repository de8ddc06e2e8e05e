"""The mails of invitations: one each, in the organisation's language, tried again, and seen by their own alone."""

import pytest

from adapters.persistence.database import Database
from entrypoints.config import Config
from tests.contracts.sandbox_process import ProviderProcess
from tests.http.conftest import Client, OpenHouse
from tests.http.post import Deliver, app, mails, state
from tests.http.team import Hire, accept, address, invite, refused

__all__ = ["app"]
pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.post", "tests.http.team"]


async def test_an_invitation_is_written_in_the_organisations_language(owner: Client, deliver: Deliver) -> None:
    changed = await owner.patch("/settings/client", json={"locale": "es-ES"})
    assert changed.is_success, changed.text
    invited = await invite(owner)
    await deliver(owner)
    [mail] = await mails(owner)
    assert mail["subject"] == "Olga Owner le invita a Bright Windows"
    assert invited["link"] in mail["body"]


async def test_who_is_taken_back_before_the_mail_left_gets_none(
    owner: Client, client: Client, deliver: Deliver, database: Database
) -> None:
    invited = await invite(owner)
    assert (await owner.delete(f"/users/{invited['user']['id']}")).status_code == 204
    await deliver(owner)
    assert await mails(owner) == []
    assert (await owner.get(f"/users/{invited['user']['id']}")).status_code == 404
    async with database.connection() as connection:
        assert not await connection.fetchval(
            "SELECT EXISTS (SELECT FROM accounts WHERE email = $1)", invited["user"]["email"]
        ), "an account nobody ever used is gone"
    again = await invite(owner, email=invited["user"]["email"])
    await deliver(owner)
    assert [mail["to"] for mail in await mails(owner)] == [again["user"]["email"]]
    anew = (await owner.post(f"/users/{again['user']['id']}/invitation")).json()["data"]
    await deliver(owner)
    bodies = [mail["body"] for mail in await mails(owner)]
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
    states = {await state(owner, invited), await state(owner, hopeless)}
    assert {state for state, _ in states} == {"planned", "rejected"}
    await deliver(owner)
    assert await state(owner, invited) == ("accepted", None)
    assert (await state(owner, hopeless))[0] == "rejected"
    assert [mail["to"] for mail in await mails(owner)] == [invited["user"]["email"]]


@pytest.mark.parametrize("fault", ["timeout_after_accept", "timeout_before_accept"])
async def test_mail_that_may_or_may_not_have_left_is_asked_about_and_leaves_once(
    owner: Client, deliver: Deliver, provider: ProviderProcess, fault: str
) -> None:
    provider.http.post("/faults", json={"capability": "email", "fault": fault, "next": 1}).raise_for_status()
    invited = await invite(owner)
    await deliver(owner)
    if (await state(owner, invited))[0] == "unknown":
        await deliver(owner)
    await deliver(owner)
    assert await state(owner, invited) == ("accepted", None)
    assert len([line for line in provider.lines("mails.jsonl") if line["to"] == invited["user"]["email"]]) == 1


async def test_mail_is_its_organisations_own_and_for_owners_and_admins(
    owner: Client, stranger: Client, hire: Hire, deliver: Deliver
) -> None:
    await invite(owner)
    await deliver(owner)
    assert await mails(stranger) == []
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
    assert await state(owner, invited) == ("cancelled", "No provider is configured for email.")
    assert (await accept(client, invited["link"])).status_code == 200
