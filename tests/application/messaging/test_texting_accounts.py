"""Through whom an organisation texts: what it stored, what the installation brings, and when the sandbox serves."""

from typing import Any, Literal

import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Cause, PostgresUnitOfWork
from adapters.persistence.texting_accounts import InstallationTexting, PostgresAccountBook, in_order
from application.identity.secrets import Secrets
from application.messaging.texting import NOBODY, TextingAccount, TextingAccounts, account_of
from application.ports import Actor
from application.provider import Unfit, Unusable
from domain.kernel import new_id
from tests.application.conftest import Tenant

pytestmark = pytest.mark.anyio
HOUSE = account_of("twilio", {"account_sid": "AC1"}, {"auth_token": "t"})
HOUSE_PHONE = account_of("android_gateway", {"gateway_url": "https://a", "username": "u"}, {"password": "p"})


def account(provider: str, **settings: str) -> TextingAccount:
    return account_of(provider, {"account_sid": "AC2", **settings} if provider == "twilio" else settings, {})


@pytest.mark.parametrize(
    ("own", "names"),
    [
        ([], ["twilio:AC1"]),
        ([account("twilio")], ["twilio"]),
        ([account("android_gateway"), account("twilio")], ["twilio"]),
        ([account("twilio", fallback="android_gateway")], ["twilio", "android_gateway"]),
        ([account("android_gateway", fallback="twilio")], ["android_gateway", "twilio"]),
        ([account("android_gateway", fallback="twilio"), account("twilio")], ["android_gateway", "twilio"]),
    ],
)
def test_what_is_used_first_and_what_instead(own: list[TextingAccount], names: list[str]) -> None:
    ordered = in_order(own, [HOUSE, HOUSE_PHONE])
    assert [one.provider for one in ordered] == [name.partition(":")[0] for name in names]
    if own:
        assert ordered[0] in own
    assert in_order([], []) == ()


def test_the_second_is_chosen_while_the_first_is_down_and_ones_own_gateway_before_both() -> None:
    user = new_id()
    own = account_of("android_gateway", {"gateway_url": "https://mine"}, {}, user)
    accounts = TextingAccounts((HOUSE, HOUSE_PHONE), (own,))
    assert accounts.choose(None, lambda _: 0) is HOUSE
    assert accounts.choose(None, lambda one: 9 if one is HOUSE else 0) is HOUSE_PHONE
    assert accounts.choose(None, lambda _: 9) is HOUSE
    assert accounts.choose(user, lambda _: 0) is own
    assert accounts.choose(new_id(), lambda _: 0) is HOUSE
    assert TextingAccounts().choose(None, lambda _: 0) is NOBODY
    assert accounts.rest_seconds(lambda one: 9 if one is HOUSE else 5) == 5
    assert TextingAccounts().rest_seconds(lambda _: 0) > 0


async def test_trouble_of_the_installations_account_is_written_down_once_in_ten_seconds(
    house: AsyncContainer, tenant: Tenant
) -> None:
    async with house({Actor: Actor.system(tenant.organization_id), Cause: Cause()}) as scope:
        uow, secrets = await scope.get(PostgresUnitOfWork), await scope.get(Secrets)
        book = PostgresAccountBook(uow, secrets, InstallationTexting((HOUSE,)))
        read = "SELECT failing_since, noted_at, error FROM installation_accounts WHERE name = $1"
        rows = []
        number = Unfit(300, "This number does not reach this recipient.", sender_only=True)
        refused, still = (Unusable(300, reason) for reason in ("No.", "Still no."))
        for used, failed in (
            ((), number),
            ((), refused),
            ((), refused),
            ((), still),
            ((), number),
            ((HOUSE.name,), None),
        ):
            async with uow:
                await book.accounts()
                ours = {} if failed is None else {HOUSE.name: failed, "twilio:AC9": Unusable(300, "Not ours.")}
                fresh = await book.note(used, ours)
                assert fresh == frozenset(), "no organisation is told of what it cannot mend"
                rows.append(await uow.connection.fetchrow(read, HOUSE.name))
                assert await uow.connection.fetchrow(read, "twilio:AC9") is None
    of_a_number, first, again, other, then_of_a_number, served = rows
    assert (of_a_number, then_of_a_number) == (None, other), "one organisation's number is not everybody's account"
    assert (first["error"], first["failing_since"] is None) == ("No.", False)
    assert again["noted_at"] == first["noted_at"]
    assert (other["error"], other["failing_since"]) == ("Still no.", first["failing_since"])
    assert served["failing_since"] is None


async def known(
    house: AsyncContainer,
    tenant: Tenant,
    sandbox: Literal["off", "implied", "always", "beside_stand_in"],
    *,
    ahead: bool = False,
) -> TextingAccounts:
    """Open the organisation's accounts in an installation of this kind."""
    async with house({Actor: Actor.system(tenant.organization_id), Cause: Cause()}) as scope:
        uow, secrets = await scope.get(PostgresUnitOfWork), await scope.get(Secrets)
        book = PostgresAccountBook(uow, secrets, InstallationTexting((HOUSE,) if sandbox == "off" else (), sandbox))
        try:
            async with uow:
                if ahead:
                    await uow.connection.execute(_THREE_HOURS_LATER)
                found = await book.accounts()
                raise _UndoAll
        except _UndoAll:
            return found


_THREE_HOURS_LATER = """
INSERT INTO sandbox_clock (id, ahead) VALUES (1, interval '3 hours')
ON CONFLICT (id) DO UPDATE SET ahead = sandbox_clock.ahead + interval '3 hours'
"""


class _UndoAll(Exception):
    pass


async def store(house: AsyncContainer, tenant: Tenant, provider: str, settings: str, **other: Any) -> None:
    secrets = await house.get(Secrets)
    await tenant.execute(
        "INSERT INTO integrations (organization_id, provider, settings, credentials, is_active, created_at,"
        " version) VALUES ($1, $2, $3, $4, $5, now(), 1)",
        provider,
        settings,
        secrets.seal({"auth_token": "token", "password": "word"}),
        other.get("is_active", True),
    )


def names(accounts: tuple[TextingAccount, ...]) -> list[str]:
    return [one.name for one in accounts]


async def test_a_sandbox_that_nobody_asked_for_ends_for_who_stores_a_provider(
    workshop: AsyncContainer, tenant: Tenant
) -> None:
    assert names((await known(workshop, tenant, "implied")).preferred) == ["sandbox"]
    await store(workshop, tenant, "stripe", "{}")
    assert (await known(workshop, tenant, "implied")).preferred == ()
    await store(workshop, tenant, "twilio", '{"account_sid": "AC2"}')
    found = await known(workshop, tenant, "implied")
    assert (names(found.preferred), names(found.former)) == (["twilio:AC2"], ["sandbox"])
    assert found.preferred[0].credentials["auth_token"] == "token"
    assert "token" not in repr(found)
    assert names((await known(workshop, tenant, "always")).preferred) == ["sandbox"]


async def test_texts_go_by_a_stored_twilio_beside_the_sandbox_where_a_stand_in_answers(
    workshop: AsyncContainer, tenant: Tenant
) -> None:
    await store(workshop, tenant, "anthropic", "{}")
    await store(workshop, tenant, "android_gateway", '{"gateway_url": "https://phone.example"}')
    assert names((await known(workshop, tenant, "beside_stand_in")).preferred) == ["sandbox"]
    await store(workshop, tenant, "twilio", '{"account_sid": "AC2", "fallback": "android_gateway"}')
    found = await known(workshop, tenant, "beside_stand_in")
    assert (names(found.preferred), names(found.former)) == (["twilio:AC2"], ["sandbox"])
    assert (await known(workshop, tenant, "beside_stand_in", ahead=True)).preferred == ()


async def test_nobody_real_is_texted_by_a_clock_that_was_moved(workshop: AsyncContainer, tenant: Tenant) -> None:
    await store(workshop, tenant, "twilio", '{"account_sid": "AC2"}')
    assert (await known(workshop, tenant, "implied", ahead=True)).preferred == ()


async def test_an_access_that_is_not_used_any_more_can_still_be_asked(workshop: AsyncContainer, tenant: Tenant) -> None:
    await store(workshop, tenant, "twilio", '{"account_sid": "AC2"}', is_active=False)
    found = await known(workshop, tenant, "off")
    assert (names(found.preferred), names(found.former)) == (["twilio:AC1"], ["twilio:AC2"])
    assert found.named("twilio:AC2") is not None
    assert found.named("twilio:AC3") is None
