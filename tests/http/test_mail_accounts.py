"""Through whom an organisation mails: its own Resend, the installation's account, the sandbox, or nobody."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Cause
from adapters.persistence.mail_accounts import resend_account
from application.mailing import NOBODY, MailAccount, MailAccounts
from application.ports import Actor, UnitOfWork
from entrypoints.config import Config
from entrypoints.container import container
from tests.http.conftest import Client

pytestmark = pytest.mark.anyio
INSTALLED = MailAccount("smtp", "mail.example:587", {"from_address": "office@house.example"})
BODY = {
    "settings": {"from_address": "office@bright.example", "from_name": "Bright Windows"},
    "credentials": {"api_key": "re_0123456789"},
}


async def account(config: Config, organization_id: UUID, **settings: Any) -> MailAccount:
    """Tell through whom an organisation mails in an installation with these settings."""
    house = container(replace(config, **settings))
    try:
        async with house({Actor: Actor.system(organization_id), Cause: Cause()}) as scope:
            uow, accounts = await scope.get(UnitOfWork), await scope.get(MailAccounts)
            async with uow.reading():
                found: MailAccount = await accounts.current()
                assert await accounts.named(found.name) == found
                assert await accounts.named("resend:another") is None
                return found
    finally:
        await house.close()


async def test_an_organisations_own_goes_before_the_installations(owner: Client, config: Config) -> None:
    real = {"sandbox": False, "sandbox_implied": False}
    assert await account(config, owner.organization_id, **real) is NOBODY
    assert await account(config, owner.organization_id, **real, mail_account=INSTALLED) == INSTALLED
    answer = await owner.put("/settings/integrations/resend", json=BODY)
    assert answer.is_success, answer.text
    own = await account(config, owner.organization_id, **real, mail_account=INSTALLED)
    assert (own.provider, own.settings) == ("resend", BODY["settings"])
    assert own.credentials == BODY["credentials"]
    assert "re_0123456789" not in own.name + repr(own)
    assert (await owner.put("/settings/integrations/resend", json=BODY | {"is_active": False})).is_success
    assert await account(config, owner.organization_id, **real, mail_account=INSTALLED) == INSTALLED


async def test_the_sandbox_serves_always_where_it_was_asked_for(owner: Client, config: Config) -> None:
    await owner.put("/settings/integrations/resend", json=BODY)
    asked_for = await account(config, owner.organization_id, sandbox=True, sandbox_implied=False)
    assert asked_for.provider == "sandbox"
    implied = await account(config, owner.organization_id, sandbox=True, sandbox_implied=True)
    assert implied.provider == "resend"


async def test_anothers_account_is_not_used(owner: Client, stranger: Client, config: Config) -> None:
    await owner.put("/settings/integrations/resend", json=BODY)
    real = {"sandbox": False, "sandbox_implied": False}
    assert await account(config, stranger.organization_id, **real) is NOBODY


async def test_a_trouble_is_new_once_and_ends_when_it_serves_again(
    owner: Client, stranger: Client, house: AsyncContainer
) -> None:
    await owner.put("/settings/integrations/resend", json=BODY)
    own = resend_account(BODY["settings"], BODY["credentials"])

    async def note(client: Client, at: MailAccount, trouble: str | None) -> tuple[bool, str | None]:
        async with house({Actor: Actor.system(client.organization_id), Cause: Cause()}) as scope:
            uow, accounts = await scope.get(UnitOfWork), await scope.get(MailAccounts)
            async with uow:
                is_new = await accounts.note(at, trouble)
        shown = (await owner.get("/settings/integrations/resend")).json()["data"]
        return is_new, shown["last_error"]

    wrong = "Resend: the API key is wrong."
    assert await note(owner, INSTALLED, wrong) == (False, None), "that is the operator's to mend"
    assert await note(stranger, own, wrong) == (False, None)
    assert await note(owner, own, wrong) == (True, wrong)
    assert await note(owner, own, wrong) == (False, wrong)
    assert await note(owner, own, None) == (False, None)
    assert await note(owner, own, wrong) == (True, wrong)


async def test_resend_is_shown_as_connected(owner: Client) -> None:
    shown = (await owner.put("/settings/integrations/resend", json=BODY)).json()["data"]
    assert (shown["configured"], shown["connected"], shown["source"]) == (True, True, "organization")
    assert "re_0123456789" not in str(shown)
