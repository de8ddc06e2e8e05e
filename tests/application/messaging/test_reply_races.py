"""A person against the AI, on the real database: once the person's word is committed, the AI hands nothing over."""

import asyncio
import random
from datetime import UTC, datetime

import pytest

from application.messaging.conversations import ChangeConversation, Conversations
from application.messaging.messages import Messages, SendMessage
from application.messaging.sending import Sending
from application.sales.leads import Leads
from domain.kernel import Conflict
from tests.application.messaging.replying import Thread
from tests.application.messaging.test_replies import SLOT
from tests.proofs import Note

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("waking_hours")]
AT_ONCE = 5
EVER = datetime.min.replace(tzinfo=UTC)


async def race(thread: Thread, count: int) -> int:
    """Let a person and the AI answer the same texts; gives how many answers of the AI came before the person's.

    Every other lead has just taken a slot: there the AI books, and tells of it.
    """
    tenant = thread.tenant
    phones = [f"+4477009{n:05d}" for n in range(10_000, 10_000 + count)]
    dataset = await tenant.dataset()
    zone = await tenant.value("SELECT zones[1] FROM contacts WHERE organization_id = $1")
    leads = [await tenant.lead(phone, dataset, zones=(zone,)) for phone in phones]
    gate = asyncio.Semaphore(AT_ONCE)
    committed: dict[str, datetime] = {}
    begun: dict[str, datetime] = {}
    takers = frozenset(phones[::2])
    thread.calls.seconds = 0.03

    async def machine(one: Thread, *, books: bool) -> None:
        await asyncio.sleep(random.random() * 0.03)
        if books:
            await one.book()
        else:
            await one.answer()
        async with tenant.use(Sending, tenant.system()) as sending:
            await sending.send_due()

    async def person(one: Thread) -> None:
        await asyncio.sleep(random.random() * 0.2)
        way = random.random()
        if way < 0.2:
            async with tenant.use(Leads) as leads_of_sales:
                await leads_of_sales.set_manual_mode(one.lead_id, True)
        elif way < 0.8:
            async with tenant.use(Messages) as messages:
                await messages.send(SendMessage(lead_id=one.lead_id, content="Bob here"))
        else:
            async with tenant.use(Conversations) as conversations:
                await conversations.change(await one.id(), ChangeConversation(turn="person"), None)
        committed[one.phone] = await tenant.value("SELECT clock_timestamp() WHERE $1::uuid IS NOT NULL")

    async def one_race(phone: str, lead: object) -> None:
        async with gate:
            one = Thread(tenant, thread.writer, thread.slots, thread.calls, phone, lead)  # type: ignore[arg-type]
            books = phone in takers
            await (one.take_slot(SLOT) if books else one.arrive("Yes please"))
            if books:
                begun[phone] = await tenant.value("SELECT clock_timestamp() WHERE $1::uuid IS NOT NULL")
            await asyncio.gather(machine(one, books=books), person(one))

    results = await asyncio.gather(
        *(one_race(*pair) for pair in zip(phones, leads, strict=True)), return_exceptions=True
    )
    wrong = [result for result in results if isinstance(result, BaseException) and not isinstance(result, Conflict)]
    assert wrong == []
    async with tenant.use(Sending, tenant.system()) as sending:
        await sending.send_due()
    async with tenant.sql() as connection:
        handed = await connection.fetch(
            "SELECT recipient, purpose, handed_machine_at FROM sends WHERE organization_id = $1"
            " AND natural_key ^@ 'reply:' AND handed_at IS NOT NULL",
            tenant.organization_id,
        )
    handed = [row for row in handed if row["handed_machine_at"] > begun.get(row["recipient"], EVER)]
    late = [row["recipient"] for row in handed if row["handed_machine_at"] > committed[row["recipient"]]]
    assert late == []
    assert len(committed) == count
    assert count < 1000 or {"reply", "system"} <= {row["purpose"] for row in handed}, "both kinds must win some races"
    return len(handed)


async def test_after_a_persons_word_the_ai_says_nothing(thread: Thread) -> None:
    await race(thread, 50)


@pytest.mark.prove
async def test_after_a_persons_word_the_ai_says_nothing_a_thousand_times(thread: Thread, proved: Note) -> None:
    before = await race(thread, 1000)
    assert 0 < before < 1000, "each of them must have won some races"
    proved(10, f"a person against the AI, 1,000 interleavings: 0 answers after the person's, {before} before it")
