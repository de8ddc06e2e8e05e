"""Mails owed: which account has one, and what becomes of those that nobody knows of."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from adapters.persistence.database import Cause
from application.agenda import Agenda
from application.mailing import NOBODY, HandedMail, Mail, MailAccount, MailEntry, MailLedger, Receipt
from application.mails import MailHandOver, NotOwed
from application.ports import Actor, Clock, UnitOfWork
from application.provider import ProviderError, Rejected, Unavailable, Unknown, Unusable
from domain.kernel import Email, new_id
from tests.application.conftest import Tenant

pytestmark = pytest.mark.anyio
OWN, OTHER = MailAccount("resend", "own"), MailAccount("smtp", "house")


@dataclass
class Post:
    """Be the provider, its accounts and the writer of mails; `fails` and `knows` are what comes next."""

    organization_id: UUID
    serving: MailAccount = OWN
    known: list[MailAccount] = field(default_factory=lambda: [OWN, OTHER, NOBODY])
    sent: list[Mail] = field(default_factory=list)
    asked: list[HandedMail] = field(default_factory=list)
    noted: list[str | None] = field(default_factory=list)
    fails: list[ProviderError] = field(default_factory=list)
    knows: Receipt | ProviderError | None = None

    async def current(self) -> MailAccount:
        return self.serving

    async def named(self, name: str) -> MailAccount | None:
        return next((account for account in self.known if account.name == name), None)

    async def note(self, account: MailAccount, trouble: str | None) -> None:
        del account
        self.noted.append(trouble)

    async def write(self, entry: MailEntry) -> Mail | NotOwed:
        return Mail(self.organization_id, Email(entry.to), "Hello", "There.", str(entry.id))

    async def send(self, mail: Mail) -> Receipt:
        self.sent.append(mail)
        if self.fails:
            raise self.fails.pop(0)
        return Receipt(f"p-{mail.key}")

    async def find(self, handed: HandedMail) -> Receipt | None:
        self.asked.append(handed)
        if isinstance(self.knows, ProviderError):
            raise self.knows
        return self.knows


@dataclass
class Desk:
    """Owe one mail and hand it over, as often as asked."""

    tenant: Tenant
    post: Post

    async def owe(self) -> None:
        async with self._scope() as scope:
            uow, ledger = await scope.get(UnitOfWork), await scope.get(MailLedger)
            async with uow:
                await ledger.plan("test:one", new_id(), "rita@bright.example", None)

    async def settle(self) -> None:
        await self._sql("UPDATE mails SET handed_at = handed_at - interval '1 minute' WHERE organization_id = $1")
        async with self._scope() as scope:
            hand_over = MailHandOver(
                uow=await scope.get(UnitOfWork),
                clock=await scope.get(Clock),
                agenda=await scope.get(Agenda),
                ledger=await scope.get(MailLedger),
                writers={"test": self.post},
                accounts=self.post,
                mailing=self.post,
            )
            await hand_over.settle()

    async def row(self) -> Any:
        async with self.tenant.sql() as connection:
            return await connection.fetchrow(
                "SELECT state, account, reason FROM mails WHERE organization_id = $1", self.tenant.organization_id
            )

    async def _sql(self, statement: str) -> None:
        async with self.tenant.sql() as connection:
            await connection.execute(statement, self.tenant.organization_id)

    def _scope(self) -> Any:
        return self.tenant.house({Actor: self.tenant.system(), Cause: Cause()})


@pytest.fixture
async def desk(tenant: Tenant) -> Desk:
    """Owe a mail."""
    made = Desk(tenant, Post(tenant.organization_id))
    await made.owe()
    return made


async def test_a_mail_leaves_once_through_the_account_that_serves(desk: Desk) -> None:
    await desk.settle()
    await desk.settle()
    assert [mail.account for mail in desk.post.sent] == [OWN]
    assert tuple(await desk.row())[:2] == ("accepted", "resend:own")
    assert desk.post.noted == [None]


async def test_what_was_certainly_not_taken_may_leave_through_another_account(desk: Desk) -> None:
    desk.post.fails = [Unavailable(), Unusable(300, "The key is wrong.")]
    await desk.settle()
    assert tuple(await desk.row())[:2] == ("planned", None)
    await desk.settle()
    assert desk.post.noted == ["The key is wrong."]
    desk.post.serving = OTHER
    await desk.settle()
    assert [mail.account for mail in desk.post.sent] == [OWN, OWN, OTHER]
    assert len({mail.key for mail in desk.post.sent}) == 1
    assert (await desk.row())["state"] == "accepted"


async def test_what_may_have_been_taken_is_asked_of_the_account_that_may_have_it(desk: Desk) -> None:
    desk.post.fails = [Unknown("No answer.")]
    await desk.settle()
    assert tuple(await desk.row())[:2] == ("unknown", "resend:own")
    desk.post.serving = OTHER
    desk.post.knows = Unavailable()
    await desk.settle()
    assert (await desk.row())["state"] == "unknown"
    desk.post.knows = None
    await desk.settle()
    assert tuple(await desk.row())[:2] == ("planned", "resend:own")
    await desk.settle()
    assert [mail.account for mail in desk.post.sent] == [OWN, OWN]
    assert [handed.account for handed in desk.post.asked] == [OWN, OWN]
    assert (await desk.row())["state"] == "accepted"


async def test_what_nobody_will_ever_know_of_is_parked(desk: Desk) -> None:
    desk.post.fails = [Unknown("No answer.")]
    desk.post.knows = Rejected("smtp", "It cannot be asked.", False)
    for _ in range(3):
        await desk.settle()
    assert tuple(await desk.row()) == ("parked", "resend:own", "It cannot be asked.")
    assert len(desk.post.sent) == len(desk.post.asked) == 1


@pytest.mark.parametrize("found_absent", [False, True])
async def test_what_an_account_may_have_that_is_gone_is_parked(desk: Desk, found_absent: bool) -> None:
    desk.post.fails = [Unknown("No answer.")]
    await desk.settle()
    if found_absent:
        await desk.settle()
        assert (await desk.row())["state"] == "planned"
    desk.post.known.remove(OWN)
    desk.post.serving = OTHER
    await desk.settle()
    assert (await desk.row())["state"] == "parked"
    assert len(desk.post.sent) == 1
