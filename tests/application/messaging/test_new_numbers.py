"""A contact gets another number: what is planned goes there, never to the old one, and an opt-out of either holds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from application.messaging.consent import Consents, RecordConsent
from application.messaging.messages import Messages, SendMessage, SendTo
from application.sales.contacts import ChangeContact, Contacts
from domain.kernel import Conflict
from tests.application.conftest import Tenant
from tests.application.messaging.replying import Thread
from tests.application.messaging.test_races import arrive, due, ledger_log, plan, send, soon, started
from tests.proofs import Note

__all__ = ["ledger_log"]
pytestmark = pytest.mark.anyio


def new_number(phone: str) -> str:
    """Give the number that somebody changes to."""
    return f"+447400{phone[-6:]}"


async def move(tenant: Tenant, lead: UUID, number: str) -> datetime:
    """Give a lead's contact another number; tells when (database time) that was committed."""
    contact = await tenant.value("SELECT contact_id FROM leads WHERE organization_id = $1 AND id = $2", lead)
    async with tenant.use(Contacts) as contacts:
        await contacts.change(contact, ChangeContact(phone_number=number), None)
    at: datetime = await tenant.value("SELECT clock_timestamp() WHERE $1::uuid IS NOT NULL")
    return at


async def texts(tenant: Tenant, numbers: list[str]) -> list[Any]:
    """List ledger rows to these numbers."""
    async with tenant.sql() as connection:
        rows: list[Any] = await connection.fetch(
            "SELECT s.recipient, s.state, s.handed_machine_at, m.recipient AS told FROM sends s"
            " JOIN messages m ON m.organization_id = $1 AND m.id = s.id"
            " WHERE s.organization_id = $1 AND s.recipient = ANY ($2)",
            tenant.organization_id,
            numbers,
        )
    return rows


async def change_numbers_amid_a_campaign(tenant: Tenant, count: int) -> str:
    """Change everybody's number while their texts are planned and handed over, and a person writes to them."""
    _, leads, phones = await started(tenant, count)
    news = [new_number(phone) for phone in phones]
    moved: dict[str, datetime] = {}
    gate = asyncio.Semaphore(6)  # the pool is shared with the senders

    async def moves(lead: UUID, phone: str) -> None:
        async with gate:
            moved[phone] = await move(tenant, lead, new_number(phone))

    async def writes(lead: UUID) -> None:
        async with gate, tenant.use(Messages) as messages:
            await messages.send(SendMessage(lead_id=lead, content="Olga here."))

    async def works() -> None:
        for _ in range(4):
            await plan(tenant)
            await due(tenant)
            await send(tenant)

    jobs = [soon(moves(lead, phone), 0.2) for lead, phone in zip(leads, phones, strict=True)]
    jobs += [soon(writes(lead), 0.2) for lead in leads[::4]]
    await asyncio.gather(*jobs, works(), works())
    await works()
    old = await texts(tenant, phones)
    assert [row for row in old if row["state"] not in ("accepted", "refused")] == [], "nothing waits for an old number"
    late = [row for row in old if row["handed_machine_at"] and row["handed_machine_at"] > moved[row["recipient"]]]
    assert late == [], "nothing is handed over to a number that is not theirs any more"
    new = await texts(tenant, news)
    assert {row["told"] for row in (*old, *new)} <= {*phones, *news}
    assert all(row["told"] == row["recipient"] for row in (*old, *new))
    taken = [t.body for t in tenant.texting.taken if t.organization_id == tenant.organization_id]
    assert len([body for body in taken if body == "Olga here."]) == len(leads[::4])
    touched = len(taken) - len(leads[::4])
    assert 3 * count // 4 <= touched <= count, "whom a person wrote to first is not touched"
    return f"{len(moved)} numbers changed amid a campaign: {len(old)} texts left before, 0 to an old number after"


async def test_texts_follow_their_contact_to_another_number(
    tenant: Tenant, ledger_log: list[tuple[str, float]]
) -> None:
    await change_numbers_amid_a_campaign(tenant, 40)
    assert ledger_log


@pytest.mark.prove
async def test_four_hundred_texts_follow_their_contacts_to_other_numbers(
    tenant: Tenant, ledger_log: list[tuple[str, float]], proved: Note
) -> None:
    proved(0, await change_numbers_amid_a_campaign(tenant, 400))


@asynccontextmanager
async def moving(tenant: Tenant, lead: UUID, number: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Keep a new number uncommitted until the block is left; gives how to wait until somebody waits for it."""
    async with tenant.sql() as connection:
        await connection.execute(
            "UPDATE contacts SET phone = $3 WHERE organization_id = $1"
            " AND id = (SELECT contact_id FROM leads WHERE organization_id = $1 AND id = $2)",
            tenant.organization_id,
            lead,
            number,
        )
        mine = await connection.fetchval("SELECT pg_backend_pid()")

        async def awaited() -> None:
            blocked = (
                "SELECT count(*) FROM pg_stat_activity WHERE $1::uuid IS NOT NULL AND $2 = ANY (pg_blocking_pids(pid))"
            )
            for _ in range(500):
                if await tenant.value(blocked, mine):
                    return
                await asyncio.sleep(0.01)
            pytest.fail("nobody waits")

        yield awaited


@pytest.mark.parametrize("by", ["lead", "number"])
async def test_a_persons_text_goes_to_the_number_that_is_theirs_once_it_is_their_turn(tenant: Tenant, by: str) -> None:
    phone = "+447700900455"
    lead = await tenant.lead(phone)

    async def writes() -> None:
        async with tenant.use(Messages) as messages:
            if by == "lead":
                await messages.send(SendMessage(lead_id=lead, content="Olga here."))
            else:
                await messages.send_to(SendTo(to=phone, channel="sms", body="Olga here."))

    async with moving(tenant, lead, new_number(phone)) as awaited:
        job = asyncio.create_task(writes())
        await awaited()
    await job
    assert await texts(tenant, [phone]) == []
    assert [row["told"] for row in await texts(tenant, [new_number(phone)])] == [new_number(phone)]


async def test_an_opt_out_that_a_person_notes_holds_for_the_number_that_is_theirs_once_it_is_their_turn(
    tenant: Tenant,
) -> None:
    phone = "+447700900456"
    lead = await tenant.lead(phone)
    contact = await tenant.value("SELECT contact_id FROM leads WHERE organization_id = $1 AND id = $2", lead)

    async def notes() -> None:
        async with tenant.use(Consents) as consents:
            await consents.opt_out(contact, RecordConsent())

    async with moving(tenant, lead, new_number(phone)) as awaited:
        job = asyncio.create_task(notes())
        await awaited()
    await job
    suppressed = "SELECT count(*) FROM suppressions WHERE organization_id = $1 AND address = $2"
    assert await tenant.value(suppressed, new_number(phone)) == 1


async def test_an_opt_out_of_either_number_holds(tenant: Tenant) -> None:
    _, [first, second], [one, two] = await started(tenant, 2)
    await plan(tenant)
    await arrive(tenant, one, "STOP")
    await move(tenant, first, new_number(one))
    await arrive(tenant, new_number(two), "STOP")  # by whoever had that number before
    await move(tenant, second, new_number(two))
    tenant.texting.taken.clear()
    await due(tenant)
    await send(tenant)
    assert [t.to for t in tenant.texting.taken if t.organization_id == tenant.organization_id and "Hi" in t.body] == []
    async with tenant.use(Messages) as messages:
        for lead in (first, second):
            with pytest.raises(Conflict):
                await messages.send(SendMessage(lead_id=lead, content="Hello?"))


async def test_an_answer_that_is_written_later_goes_to_the_new_number(thread: Thread) -> None:
    await thread.arrive("Yes please")
    await move(thread.tenant, thread.lead_id, new_number(thread.phone))
    await thread.live_at(13)
    thread.phone, old = new_number(thread.phone), thread.phone
    await thread.answer()
    assert len(await thread.hand_over()) == 1
    assert await texts(thread.tenant, [old]) == []
