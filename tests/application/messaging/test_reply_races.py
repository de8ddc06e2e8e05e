"""A person against the AI, on the real database: once the person's word is committed, the AI hands nothing over."""

import asyncio
import random
from datetime import datetime

import pytest

from application.messaging.conversations import ChangeConversation, Conversations
from application.messaging.messages import Messages, SendMessage
from application.messaging.replies import Replies
from application.messaging.sending import Sending
from domain.kernel import Conflict
from domain.messaging.reply import AnswerDue
from tests.application.messaging.replying import Thread
from tests.application.messaging.test_replies import waking_hours
from tests.proofs import Note

pytestmark = pytest.mark.anyio
__all__ = ["waking_hours"]
AT_ONCE = 5


async def race(thread: Thread, count: int) -> int:
    """Let a person and the AI answer the same texts; gives how many answers of the AI came before the person's."""
    tenant = thread.tenant
    phones = [f"+4477009{n:05d}" for n in range(10_000, 10_000 + count)]
    dataset = await tenant.dataset()
    zone = await tenant.value("SELECT zones[1] FROM contacts WHERE organization_id = $1")
    leads = [await tenant.lead(phone, dataset, zones=(zone,)) for phone in phones]
    gate = asyncio.Semaphore(AT_ONCE)
    committed: dict[str, datetime] = {}

    async def machine(one: Thread) -> None:
        await asyncio.sleep(random.random() * 0.03)
        async with tenant.use(Replies, tenant.system()) as replies:
            await replies.answer(AnswerDue(subject=await one.id()))
        async with tenant.use(Sending, tenant.system()) as sending:
            await sending.send_due()

    async def person(one: Thread) -> None:
        await asyncio.sleep(random.random() * 0.06)
        if random.random() < 0.7:
            async with tenant.use(Messages) as messages:
                await messages.send(SendMessage(lead_id=one.lead_id, content="Bob here"))
        else:
            async with tenant.use(Conversations) as conversations:
                await conversations.change(await one.id(), ChangeConversation(turn="person"), None)
        committed[one.phone] = await tenant.value("SELECT clock_timestamp() WHERE $1::uuid IS NOT NULL")

    async def one_race(phone: str, lead: object) -> None:
        async with gate:
            one = Thread(tenant, thread.writer, thread.slots, thread.calls, phone, lead)  # type: ignore[arg-type]
            await one.arrive("Yes please")
            await asyncio.gather(machine(one), person(one))

    results = await asyncio.gather(
        *(one_race(*pair) for pair in zip(phones, leads, strict=True)), return_exceptions=True
    )
    wrong = [result for result in results if isinstance(result, BaseException) and not isinstance(result, Conflict)]
    assert wrong == []
    async with tenant.use(Sending, tenant.system()) as sending:
        await sending.send_due()
    async with tenant.sql() as connection:
        handed = await connection.fetch(
            "SELECT recipient, handed_machine_at FROM sends WHERE organization_id = $1 AND purpose = 'reply'"
            " AND handed_at IS NOT NULL",
            tenant.organization_id,
        )
    late = [row["recipient"] for row in handed if row["handed_machine_at"] > committed[row["recipient"]]]
    assert late == []
    assert len(committed) == count
    return len(handed)


async def test_after_a_persons_word_the_ai_says_nothing(thread: Thread) -> None:
    await race(thread, 50)


@pytest.mark.prove
async def test_after_a_persons_word_the_ai_says_nothing_a_thousand_times(thread: Thread, proved: Note) -> None:
    before = await race(thread, 1000)
    assert 0 < before < 1000, "each of them must have won some races"
    proved(10, f"a person against the AI, 1,000 interleavings: 0 answers after the person's, {before} before it")
