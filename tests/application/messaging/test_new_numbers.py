"""A contact gets another number: what is planned goes there, never to the old one, and an opt-out of either holds."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from application.messaging.messages import Messages, SendMessage
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
    async with thread.tenant.sql() as connection:  # where it is about one o'clock
        hour = (await connection.fetchval("SELECT business_now()")).hour
        zone = f"Etc/GMT{hour - 13:+d}"
        await connection.execute(
            "UPDATE organizations SET time_zone = $2 WHERE organization_id = $1", thread.tenant.organization_id, zone
        )
    await thread.arrive("Yes please")
    await move(thread.tenant, thread.lead_id, new_number(thread.phone))
    async with thread.tenant.sql() as connection:
        await connection.execute(
            "UPDATE contacts SET zones = ARRAY[$2] WHERE organization_id = $1", thread.tenant.organization_id, zone
        )
    thread.phone, old = new_number(thread.phone), thread.phone
    await thread.answer()
    assert len(await thread.hand_over()) == 1
    assert await texts(thread.tenant, [old]) == []
