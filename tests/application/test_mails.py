"""Mails owed: which account has one, and what becomes of those that nobody knows of."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
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
    fails: list[Exception] = field(default_factory=list)
    knows: Receipt | ProviderError | None = None
    cannot_write: str | None = None
    calls: asyncio.Event = field(default_factory=asyncio.Event)
    answers: asyncio.Event | None = None

    async def current(self) -> MailAccount:
        return self.serving

    async def named(self, name: str) -> MailAccount | None:
        return next((account for account in self.known if account.name == name), None)

    async def note(self, account: MailAccount, trouble: str | None) -> bool:
        del account
        is_new = trouble is not None and trouble not in self.noted[-1:]
        self.noted.append(trouble)
        return is_new

    async def write(self, entry: MailEntry) -> Mail | NotOwed:
        if entry.to == self.cannot_write:
            raise TypeError("This cannot be written.")
        return Mail(self.organization_id, Email(entry.to), "Hello", "There.", str(entry.id))

    async def send(self, mail: Mail) -> Receipt:
        self.sent.append(mail)
        self.calls.set()
        if self.answers is not None:
            await self.answers.wait()
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

    async def owe(self, to: str = "rita@bright.example") -> None:
        async with self._scope() as scope:
            uow, ledger = await scope.get(UnitOfWork), await scope.get(MailLedger)
            async with uow:
                await ledger.plan("test:one", new_id(), to, None)

    async def settle(self, later: str = "1 minute") -> None:
        await self.sql(
            f"UPDATE mails SET handed_at = handed_at - interval '{later}',"
            f" doubted_at = doubted_at - interval '{later}', next_try_at = next_try_at - interval '{later}'"
            " WHERE organization_id = $1"
        )
        async with self._scope() as scope:
            hand_over = MailHandOver(
                owner=await scope.get(Actor),
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

    async def sql(self, statement: str) -> Any:
        async with self.tenant.sql() as connection:
            return await connection.fetchval(statement, self.tenant.organization_id)

    async def wait(self) -> float:
        """Tell how long the schedule rests."""
        return float(
            await self.sql(
                "SELECT extract(epoch FROM next_due_at - business_now()) FROM schedules"
                " WHERE organization_id = $1 AND name = 'mails.settle'"
            )
        )

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
    await desk.settle("6 minutes")
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
    assert [mail.account for mail in desk.post.sent] == [OWN, OWN]
    assert [mail.is_doubtful for mail in desk.post.sent] == [False, True]
    assert [handed.account for handed in desk.post.asked] == [OWN, OWN]
    assert (await desk.row())["state"] == "accepted"


async def test_what_nobody_will_ever_know_of_is_parked(desk: Desk) -> None:
    desk.post.fails = [Unknown("No answer.")]
    desk.post.knows = Rejected("smtp", "It cannot be asked.", False)
    for _ in range(3):
        await desk.settle()
    assert tuple(await desk.row()) == ("parked", "resend:own", "It cannot be asked.")
    assert len(desk.post.sent) == len(desk.post.asked) == 1


@pytest.mark.parametrize("declined", [False, True])
async def test_what_an_account_may_have_that_is_gone_is_parked(desk: Desk, declined: bool) -> None:
    desk.post.fails = [Unknown("No answer."), Unavailable()]
    await desk.settle()
    if declined:  # which proves nothing of the hand-over before
        await desk.settle()
        assert tuple(await desk.row())[:2] == ("unknown", "resend:own")
    sent = len(desk.post.sent)
    desk.post.known.remove(OWN)
    desk.post.serving = OTHER
    await desk.settle()
    assert (await desk.row())["state"] == "parked"
    assert len(desk.post.sent) == sent


async def test_a_doubt_begins_with_the_first_hand_over_and_is_asked_about_before_each(desk: Desk) -> None:
    desk.post.fails = [Unknown("No answer."), Unavailable(), Unknown("No answer."), Rejected("422", "Bad.", False)]
    for _ in range(4):
        await desk.settle("5 hours")
    assert [round((datetime.now(UTC) - handed.at) / timedelta(hours=1)) for handed in desk.post.asked] == [5, 10, 15]
    assert tuple(await desk.row()) == ("parked", "resend:own", "Bad.")


async def test_what_was_handed_to_nobody_leaves_through_whoever_serves_then(desk: Desk) -> None:
    await desk.sql("UPDATE mails SET state = 'handed', handed_at = now(), account = 'none' WHERE organization_id = $1")
    desk.post.serving = NOBODY
    await desk.settle()
    assert tuple(await desk.row())[:2] == ("planned", None)
    assert (desk.post.sent, desk.post.asked) == ([], [])
    desk.post.serving = OTHER
    await desk.settle()
    assert [mail.account for mail in desk.post.sent] == [OTHER]
    assert (await desk.row())["state"] == "accepted"


async def test_a_stop_in_the_middle_of_a_hand_over_waits_for_its_end(desk: Desk) -> None:
    desk.post.answers = asyncio.Event()
    running = asyncio.create_task(desk.settle())
    await asyncio.wait_for(desk.post.calls.wait(), 10)
    running.cancel()
    await asyncio.sleep(0)
    desk.post.answers.set()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert running.cancelled()
    assert (await desk.row())["state"] == "accepted"


async def test_nobody_asks_while_a_call_may_still_be_under_way(desk: Desk) -> None:
    for seconds, asked in ((11, 0), (13, 1)):
        await desk.sql(
            "UPDATE mails SET state = 'handed', account = 'resend:own', next_try_at = NULL,"
            f" handed_at = clock_timestamp() - interval '{seconds} seconds' WHERE organization_id = $1"
        )
        await desk.settle("0")
        assert len(desk.post.asked) == asked


async def test_what_nobody_foresaw_is_unknown_and_keeps_no_other_mail_waiting(desk: Desk) -> None:
    desk.post.fails = [UnicodeEncodeError("ascii", "“", 0, 1, "no")]
    await desk.settle()
    assert (await desk.row())["state"] == "unknown"
    await desk.owe("broken@bright.example")
    await desk.owe("later@bright.example")
    desk.post.cannot_write = "broken@bright.example"
    with pytest.raises(TypeError):
        await desk.settle()
    assert [str(mail.to) for mail in desk.post.sent[1:]] == ["later@bright.example", "rita@bright.example"]
    await desk.settle("0")  # it waits
    assert len(desk.post.sent) == 3


@pytest.mark.parametrize(("trouble", "seconds"), [(Unavailable(60), 60), (Unavailable(), 30), (Unknown("?"), 30)])
async def test_a_mail_is_tried_again_when_the_provider_said(desk: Desk, trouble: ProviderError, seconds: int) -> None:
    desk.post.fails = [trouble]
    await desk.settle()
    assert seconds - 5 < await desk.wait() <= seconds
    await desk.settle("0")
    assert len(desk.post.sent) == 1
    assert desk.post.asked == []


async def test_a_provider_that_takes_nothing_is_told_of_once_a_trouble(desk: Desk) -> None:
    wrong = Unusable(300, "The key is wrong.")
    desk.post.fails = [wrong, wrong]
    told = "SELECT count(*) FROM events WHERE organization_id = $1 AND type = 'mail.failed'"
    for _ in range(2):
        await desk.settle("6 minutes")
        assert await desk.sql(told) == 1
    said = "SELECT data FROM events WHERE organization_id = $1 AND type = 'mail.failed'"
    assert msgspec.json.decode(await desk.sql(said)) == {"provider": "resend", "reason": "The key is wrong."}
    await desk.settle("6 minutes")
    assert (await desk.row())["state"] == "accepted"
    desk.post.fails = [wrong]
    await desk.owe()
    await desk.settle("6 minutes")
    assert await desk.sql(told) == 2, "it had been mended"


async def test_only_whoever_was_called_and_answered_is_noted_to_serve(desk: Desk) -> None:
    desk.post.fails = [Unknown("No answer."), Unusable(300, "The key is wrong."), Unknown("No answer.")]
    for _ in range(3):
        await desk.settle("6 minutes")
    assert desk.post.noted == ["The key is wrong."]
    desk.post.knows = Rejected("stale", "Too old.", False)
    await desk.settle()
    assert desk.post.noted == ["The key is wrong."]
