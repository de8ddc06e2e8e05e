"""Which account a text leaves through when accounts change or fall ill meanwhile, and what becomes of the others."""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from dishka import AnyOf, AsyncContainer, Provider, Scope, provide

from adapters.persistence.database import Database
from application.messaging.hand_overs import AccountBook
from application.messaging.messages import Messages, SendTo
from application.messaging.sending import Sending
from application.messaging.texting import Texting, TextingAccounts, TextingHealth, account_of
from application.ports import Actor
from application.provider import Unavailable, Unfit, Unusable
from domain.identity.role import PERMISSIONS, Role
from domain.kernel import new_id
from entrypoints.config import Config
from entrypoints.container import container
from tests.application.conftest import RememberingTexting, Tenant
from tests.application.messaging.test_sick_provider import planned, send_due

pytestmark = pytest.mark.anyio
FIRST = account_of("twilio", {"account_sid": "AC1", "phone_number": "+442079460011"}, {"auth_token": "t"})
SECOND = account_of("twilio", {"account_sid": "AC2"}, {"auth_token": "t"})


class _Book:
    """Be an account book that a test writes: each look gives the next page, the last one for ever."""

    pages: list[TextingAccounts]
    failed: Mapping[str, Unavailable]

    async def accounts(self) -> TextingAccounts:
        return self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]

    async def note(self, used: Collection[str], failed: Mapping[str, Unavailable]) -> frozenset[str]:
        del used
        self.failed = failed
        return frozenset()


class _Told(Provider):
    @provide(scope=Scope.APP)
    def texting(self) -> AnyOf[Texting, TextingHealth]:
        return RememberingTexting()

    @provide(scope=Scope.APP)
    def book(self) -> AccountBook:
        return _Book()


@pytest.fixture(scope="module")
async def booked(config: Config) -> AsyncIterator[AsyncContainer]:
    """Open a house whose account book is written by the test."""
    opened = container(config, _Told())
    yield opened
    await opened.close()


@pytest.fixture
async def there(booked: AsyncContainer, tenant: Tenant) -> Tenant:
    """Make an organisation in that house."""
    texting = await booked.get(Texting)
    assert isinstance(texting, RememberingTexting)
    texting.taken.clear()
    texting.failures.clear()
    texting.down.clear()
    return replace(tenant, house=booked, database=await booked.get(Database), texting=texting)


async def pages(there: Tenant, *accounts: TextingAccounts) -> None:
    book = await there.house.get(AccountBook)
    assert isinstance(book, _Book)
    book.pages = list(accounts)


async def ledger(there: Tenant) -> list[dict[str, Any]]:
    async with there.sql() as connection:
        rows = await connection.fetch(
            "SELECT purpose, state, provider, left_from, attempts, due_at <= business_now() AS due FROM sends"
            " WHERE organization_id = $1 ORDER BY purpose, id",
            there.organization_id,
        )
    return [dict(row.items()) for row in rows]


async def test_an_account_that_was_changed_after_the_claim_is_not_used(there: Tenant) -> None:
    await pages(there, TextingAccounts((FIRST,)))
    await planned(there, 1)
    await pages(there, TextingAccounts((FIRST,)), TextingAccounts((SECOND,)))
    await send_due(there)
    [text] = there.texting.taken
    assert text.account is SECOND
    [row] = await ledger(there)
    assert (row["state"], row["provider"], row["left_from"]) == ("accepted", "twilio:AC2", "+442079460001")


async def test_the_ledger_remembers_the_number_that_a_text_left_from(there: Tenant) -> None:
    await pages(there, TextingAccounts((FIRST,)))
    await planned(there, 1)
    await send_due(there)
    assert [row["left_from"] for row in await ledger(there)] == ["+442079460011"]


async def test_what_leaves_by_ones_own_gateway_waits_for_no_other_account(there: Tenant) -> None:
    me = new_id()
    own = account_of("android_gateway", {"gateway_url": "https://mine", "username": "me"}, {"password": "p"}, me)
    await pages(there, TextingAccounts((FIRST,), (own,)))
    await planned(there, 2)
    await there.lead("+447400990001")
    actor = Actor(there.organization_id, me, PERMISSIONS[Role.OWNER], sees_all_leads=True, dataset_ids=None)
    async with there.use(Messages, actor) as messages:
        await messages.send_to(SendTo(to="+447400990001", channel="sms", body="It is me"))
    there.texting.down.add(FIRST.name)
    # As the scheduler does when it calls.
    await there.execute("UPDATE schedules SET next_due_at = NULL WHERE organization_id = $1")
    await send_due(there)
    assert [text.account.owner_id for text in there.texting.taken] == [me]
    assert [(row["purpose"], row["state"], row["attempts"]) for row in await ledger(there)] == [
        ("campaign", "planned", 0),
        ("campaign", "planned", 0),
        ("manual", "accepted", 1),
    ]
    wait = "SELECT extract(epoch FROM min(next_due_at) - business_now()) FROM schedules WHERE organization_id = $1"
    assert await there.value(f"{wait} AND name = 'messaging.send'") > 30, "the campaign is looked at later"
    there.texting.down.clear()
    await send_due(there)
    assert {row["state"] for row in await ledger(there)} == {"accepted"}


async def test_what_people_must_mend_is_not_waited_for_where_there_is_a_second_account(there: Tenant) -> None:
    await pages(there, TextingAccounts((FIRST, SECOND)))
    await planned(there, 1)

    async def shut(_: object) -> None:
        there.texting.down.add(FIRST.name)

    there.texting.on_send = shut
    there.texting.failures.append((Unusable(300, "The token is not right."), False))
    try:
        await send_due(there)
    finally:
        there.texting.on_send = None
    await send_due(there)
    [row] = await ledger(there)
    assert (row["state"], row["provider"], row["attempts"]) == ("accepted", "twilio:AC2", 1)


async def test_of_troubles_in_one_batch_the_accounts_own_is_told_before_that_of_a_number(there: Tenant) -> None:
    await pages(there, TextingAccounts((FIRST,)))
    await planned(there, 3)
    of_a_number = Unfit(300, "This number does not reach this recipient.", sender_only=True)
    there.texting.failures += [(of_a_number, False), (Unusable(300, "Refused."), False), (of_a_number, False)]
    await send_due(there)
    book = await there.house.get(AccountBook)
    assert isinstance(book, _Book)
    assert {name: error.reason for name, error in book.failed.items()} == {FIRST.name: "Refused."}


async def test_an_access_that_is_refused_amid_a_batch_is_told_of_though_it_took_others(there: Tenant) -> None:
    await pages(there, TextingAccounts((FIRST,)))
    await planned(there, 3)
    there.texting.failures.append((Unusable(300, "Refused."), False))
    await send_due(there)
    book = await there.house.get(AccountBook)
    assert isinstance(book, _Book)
    assert len(there.texting.taken) == 2
    assert {name: error.reason for name, error in book.failed.items()} == {FIRST.name: "Refused."}


async def test_what_nobody_knows_of_is_asked_where_it_was_handed_and_given_to_nobody_else(there: Tenant) -> None:
    await pages(there, TextingAccounts((FIRST, SECOND)))
    await planned(there, 1)
    await there.execute(
        "UPDATE sends SET state = 'unknown', provider = 'twilio:AC1', left_from = '+442079460011', attempts = 1,"
        " handed_at = now(), handed_machine_at = now() - interval '1 minute', lease_until = now()"
        " WHERE organization_id = $1"
    )
    there.texting.down.add(FIRST.name)
    asked: list[tuple[UUID | str, str | None]] = []
    there.texting.on_find = lambda text: asked.append((text.account.name, text.left_from))
    try:
        async with there.use(Sending, there.system()) as sending:
            await sending.settle()
        await send_due(there)
    finally:
        there.texting.on_find = None
    assert asked == [("twilio:AC1", "+442079460011")]
