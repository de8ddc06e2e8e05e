"""Races on the real database: what is committed holds, nothing is sent twice, nobody waits for the other for ever."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from adapters.queue.deliver import event_of
from application.messaging.conversations import ChangeConversation, Conversations
from application.messaging.inbound import Notice, ProviderNotices, Report
from application.messaging.messages import Messages, SendMessage
from application.messaging.sending import Sending
from application.messaging.texting import Text
from application.outreach.campaign_forms import OfDataset, ScheduleIn, SettingsIn, StartCampaign
from application.outreach.campaigns import Campaigns
from application.outreach.planning import Planning
from domain.kernel import Conflict, new_id
from domain.messaging.message import MessagesSettled, MessageStatus, TextArrived
from tests.application.conftest import Tenant
from tests.proofs import Note

pytestmark = pytest.mark.anyio
FAST = SettingsIn(schedule=ScheduleIn(start="00:00", end="24:00"), rate_limit_messages_per_minute=6000)
Job = Coroutine[Any, Any, Any]


@pytest.fixture
async def ledger_log(tenant: Tenant) -> AsyncIterator[list[tuple[str, float]]]:
    """Note each text with the moment (monotonic) at which the provider is called."""
    called: list[tuple[str, float]] = []

    async def note(text: Text) -> None:
        if text.organization_id == tenant.organization_id:
            called.append((text.to, asyncio.get_running_loop().time()))
            await asyncio.sleep(random.random() / 500)

    tenant.texting.on_send = note
    yield called
    tenant.texting.on_send = None


async def started(tenant: Tenant, count: int) -> tuple[UUID, list[UUID], list[str]]:
    phones = [f"+4477009{n:05d}" for n in range(400, 400 + count)]
    dataset = await tenant.dataset()
    leads = [await tenant.lead(phone, dataset) for phone in phones]
    async with tenant.use(Campaigns) as campaigns:
        await campaigns.start(StartCampaign(dataset_id=dataset, settings=FAST))
    return dataset, leads, phones


async def plan(tenant: Tenant) -> None:
    async with tenant.use(Planning, tenant.system()) as planning:
        await planning.plan()


async def send(tenant: Tenant) -> None:
    async with tenant.use(Sending, tenant.system()) as sending:
        await sending.send_due()


async def due(tenant: Tenant) -> None:
    await tenant.execute(
        "WITH mine AS (SELECT id FROM sends WHERE organization_id = $1 AND state = 'planned' AND NOT held"
        " ORDER BY id FOR NO KEY UPDATE)"
        " UPDATE sends SET due_at = business_now() FROM mine WHERE sends.organization_id = $1 AND sends.id = mine.id"
    )


async def arrive(tenant: Tenant, sender: str, body: str) -> None:
    now: datetime = await tenant.value("SELECT business_now() WHERE $1::uuid IS NOT NULL")
    arrived = TextArrived(
        subject=new_id(),
        provider="sandbox",
        external_id=new_id().hex,
        sender=sender,
        recipient="+442079460001",
        body=body,
        media=(),
        at=now,
    )
    async with tenant.use(Conversations, tenant.system()) as conversations:
        await conversations.receive(arrived)


async def soon(job: Job, within: float = 0.03) -> None:
    await asyncio.sleep(random.random() * within)
    await job


async def campaign_texts_after(tenant: Tenant, number: str, since: datetime) -> int:
    return int(
        await tenant.value(
            "SELECT count(*) FROM sends WHERE organization_id = $1 AND recipient = $2 AND purpose = 'campaign'"
            " AND handed_machine_at > $3",
            number,
            since,
        )
    )


async def interleave(tenant: Tenant, count: int, act: Callable[[UUID, str], Job]) -> dict[str, datetime]:
    """Send to many while something is done to each; gives when (database time) that was committed."""
    _, leads, phones = await started(tenant, count)
    await plan(tenant)
    await due(tenant)
    committed: dict[str, datetime] = {}

    async def acted(lead: UUID, phone: str) -> None:
        await act(lead, phone)
        committed[phone] = await tenant.value("SELECT clock_timestamp() WHERE $1::uuid IS NOT NULL")

    gate = asyncio.Semaphore(6)  # the pool is shared with the senders

    async def in_turn(lead: UUID, phone: str) -> None:
        async with gate:
            await soon(acted(lead, phone))

    jobs = [in_turn(lead, phone) for lead, phone in zip(leads, phones, strict=True)]
    await asyncio.gather(*jobs, soon(send(tenant)), soon(send(tenant)))
    await due(tenant)
    await send(tenant)
    return committed


async def stop_against_hand_over(tenant: Tenant, count: int) -> None:
    async def stopped(_: UUID, phone: str) -> None:
        await arrive(tenant, phone, "STOP")

    committed = await interleave(tenant, count, stopped)
    for phone, at in committed.items():
        assert await campaign_texts_after(tenant, phone, at) == 0
    open_rows = "SELECT count(*) FROM sends WHERE organization_id = $1 AND state IN ('planned', 'claimed', 'handed')"
    assert await tenant.value(f"{open_rows} AND purpose = 'campaign'") == 0
    twice = Counter(t.to for t in tenant.texting.taken if t.organization_id == tenant.organization_id)
    assert max(twice.values()) <= 2  # the touch, if it won, and the one confirmation


async def test_after_stop_nothing_is_handed_over(tenant: Tenant, ledger_log: list[tuple[str, float]]) -> None:
    await stop_against_hand_over(tenant, 40)
    assert ledger_log


@pytest.mark.prove
async def test_after_stop_nothing_is_handed_over_a_thousand_times(
    tenant: Tenant, ledger_log: list[tuple[str, float]], proved: Note
) -> None:
    await stop_against_hand_over(tenant, 1000)
    assert ledger_log
    proved(2, "STOP against a claim, 1,000 interleavings: 0 hand-overs after its commit")


async def person_against_campaign(tenant: Tenant, count: int) -> None:
    async def written(lead: UUID, _: str) -> None:
        async with tenant.use(Messages) as messages:
            await messages.send(SendMessage(lead_id=lead, content="Bob here"))

    committed = await interleave(tenant, count, written)
    for phone, at in committed.items():
        assert await campaign_texts_after(tenant, phone, at) == 0
    states = await tenant.value(
        "SELECT array_agg(DISTINCT state || ' ' || held) FROM sends WHERE organization_id = $1 AND purpose = 'campaign'"
    )
    assert set(states) <= {"accepted false", "planned true"}


async def test_a_persons_message_and_the_campaign_take_turns(
    tenant: Tenant, ledger_log: list[tuple[str, float]]
) -> None:
    await person_against_campaign(tenant, 40)
    assert ledger_log


@pytest.mark.prove
async def test_a_persons_message_and_the_campaign_take_turns_a_thousand_times(
    tenant: Tenant, ledger_log: list[tuple[str, float]], proved: Note
) -> None:
    await person_against_campaign(tenant, 1000)
    assert ledger_log
    proved(0, "a person's message against a campaign's text, 1,000 interleavings: 0 touches after it")


async def test_manual_mode_and_the_campaign_take_turns(tenant: Tenant, ledger_log: list[tuple[str, float]]) -> None:
    async def taken(lead: UUID, _: str) -> None:
        async with tenant.sql() as connection:  # as sales does: the lead, then the ledger
            await connection.execute(
                "UPDATE leads SET manual_mode = true WHERE organization_id = $1 AND id = $2",
                tenant.organization_id,
                lead,
            )
            await connection.execute(
                "UPDATE sends SET state = 'planned', held = true, batch = NULL, lease_until = NULL"
                " WHERE organization_id = $1 AND lead_id = $2 AND state IN ('planned', 'claimed')",
                tenant.organization_id,
                lead,
            )

    committed = await interleave(tenant, 40, taken)
    for phone, at in committed.items():
        assert await campaign_texts_after(tenant, phone, at) == 0
    assert ledger_log


async def test_after_pause_nothing_is_handed_over(tenant: Tenant, ledger_log: list[tuple[str, float]]) -> None:
    dataset, _, phones = await started(tenant, 40)
    await plan(tenant)
    for _ in range(8):
        await due(tenant)

        async def paused() -> None:
            async with tenant.use(Campaigns) as campaigns:
                await campaigns.pause(OfDataset(dataset_id=dataset))

        await asyncio.gather(soon(paused(), 0.05), soon(send(tenant), 0.05), soon(send(tenant), 0.05))
        handed = "SELECT count(handed_at) FROM sends WHERE organization_id = $1"
        before = await tenant.value(handed)
        await send(tenant)
        assert await tenant.value(handed) == before
        async with tenant.use(Campaigns) as campaigns:
            await campaigns.resume(OfDataset(dataset_id=dataset))
    await due(tenant)
    await send(tenant)
    assert sorted(to for to, _ in ledger_log) == phones


async def test_planners_at_once_plan_each_touch_once(tenant: Tenant, ledger_log: list[tuple[str, float]]) -> None:
    _, _, phones = await started(tenant, 60)
    await asyncio.gather(*(plan(tenant) for _ in range(4)))
    assert await tenant.value("SELECT count(*) FROM sends WHERE organization_id = $1") == 60
    slots = await tenant.value("SELECT count(DISTINCT due_at) FROM sends WHERE organization_id = $1")
    assert slots == 60
    await due(tenant)
    await asyncio.gather(*(send(tenant) for _ in range(3)))
    assert sorted(to for to, _ in ledger_log) == phones


async def test_a_number_that_said_stop_before_is_never_texted(
    tenant: Tenant, ledger_log: list[tuple[str, float]]
) -> None:
    await tenant.lead("+447700900400")
    await arrive(tenant, "+447700900400", "STOP")
    _, _, phones = await started(tenant, 3)  # the same number comes again with a new list
    await plan(tenant)
    await due(tenant)
    await send(tenant)
    campaign = await tenant.value(
        "SELECT array_agg(recipient || ' ' || state ORDER BY 1) FROM sends"
        " WHERE organization_id = $1 AND purpose = 'campaign'"
    )
    assert sorted(campaign) == [f"{phones[0]} refused", f"{phones[1]} accepted", f"{phones[2]} accepted"]
    assert [to for to, _ in ledger_log].count(phones[0]) == 1  # the confirmation of the opt-out


async def advance(tenant: Tenant) -> None:
    """Follow every settled event, as the subscription does."""
    async with tenant.sql() as connection:
        events = await connection.fetch(
            "SELECT subject, data, personal FROM events WHERE organization_id = $1 AND type = 'messages.settled'",
            tenant.organization_id,
        )
    for row in events:
        event = event_of(MessagesSettled, row)
        assert isinstance(event, MessagesSettled)
        async with tenant.use(Planning, tenant.system()) as planning:
            await planning.advance(event)


async def report(tenant: Tenant) -> None:
    """Bring a delivery report for each message that was handed over."""
    async with tenant.sql() as connection:
        handed = await connection.fetch(
            "SELECT id FROM sends WHERE organization_id = $1 AND handed_at IS NOT NULL", tenant.organization_id
        )
    for row in handed:
        notice = Notice(provider="sandbox", account="", external_id=new_id().hex, kind="status", payload={})
        now: datetime = await tenant.value("SELECT business_now() WHERE $1::uuid IS NOT NULL")
        told = Report(
            notice=notice,
            send_id=row["id"],
            status=MessageStatus.DELIVERED,
            provider_id=f"p-{row['id']}",
            error=None,
            permanent=False,
            at=now,
        )
        async with tenant.use(ProviderNotices, tenant.system()) as notices:
            await notices.report(told)


async def everything_at_once(tenant: Tenant, rounds: int) -> None:
    dataset, leads, phones = await started(tenant, 50)

    async def exhaust() -> None:
        await tenant.execute(
            "UPDATE enrolments SET touch = 'EXHAUST', due_at = business_now()"
            " WHERE organization_id = $1 AND lead_id IN (SELECT lead_id FROM enrolments"
            " WHERE organization_id = $1 ORDER BY lead_id LIMIT 5 FOR UPDATE SKIP LOCKED)"
        )
        await plan(tenant)

    async def toggle() -> None:
        for verb in ("pause", "resume"):
            async with tenant.use(Campaigns) as campaigns:
                await getattr(campaigns, verb)(OfDataset(dataset_id=dataset))

    async def settle() -> None:
        async with tenant.use(Sending, tenant.system()) as sending:
            await sending.settle()

    async def write(lead: UUID) -> None:
        async with tenant.use(Messages) as messages:
            await messages.send(SendMessage(lead_id=lead, content="Bob here"))

    async def hand_back(lead: UUID) -> None:
        async with tenant.sql() as connection:
            thread = await connection.fetchval(
                "SELECT id FROM conversations WHERE organization_id = $1 AND lead_id = $2", tenant.organization_id, lead
            )
        if thread is None:
            return
        for asked in (ChangeConversation(turn="person"), ChangeConversation(turn="nobody")):
            async with tenant.use(Conversations) as conversations:
                await conversations.change(thread, asked, None)

    for _ in range(rounds):
        some = random.sample(list(zip(leads, phones, strict=True)), 12)
        await due(tenant)
        jobs: list[Job] = [plan(tenant), plan(tenant), send(tenant), send(tenant), settle(), exhaust(), toggle()]
        jobs += [advance(tenant), report(tenant)]
        jobs += [arrive(tenant, phone, random.choice(("Yes", "STOP", "START", "HELP"))) for _, phone in some[:6]]
        jobs += [write(lead) for lead, _ in some[4:9]]
        jobs += [hand_back(lead) for lead, _ in some[7:]]
        random.shuffle(jobs)
        gate = asyncio.Semaphore(8)

        async def bounded(job: Job, gate: asyncio.Semaphore = gate) -> None:
            async with gate:
                await soon(job)

        results = await asyncio.gather(*(bounded(job) for job in jobs), return_exceptions=True)
        wrong = [r for r in results if isinstance(r, BaseException) and not isinstance(r, Conflict)]
        assert wrong == [], wrong


async def test_all_at_once_nobody_waits_for_the_other_for_ever(
    tenant: Tenant, ledger_log: list[tuple[str, float]]
) -> None:
    await everything_at_once(tenant, 5)
    assert ledger_log
    doubled = await tenant.value(
        "SELECT count(*) FROM (SELECT 1 FROM sends WHERE organization_id = $1 AND purpose = 'campaign'"
        " GROUP BY campaign_id, touch, lead_id HAVING count(*) > 1) doubled"
    )
    assert doubled == 0
    keys = Counter(t.key for t in tenant.texting.taken if t.organization_id == tenant.organization_id)
    assert set(keys.values()) == {1}


@pytest.mark.prove
async def test_all_at_once_for_long(tenant: Tenant, ledger_log: list[tuple[str, float]]) -> None:
    await everything_at_once(tenant, 100)
    assert ledger_log


async def test_first_texts_at_once_from_an_unknown_number_make_one_contact(tenant: Tenant) -> None:
    await asyncio.gather(*(arrive(tenant, "+447700900999", f"Hello {n}") for n in range(6)))
    assert await tenant.value("SELECT count(*) FROM contacts WHERE organization_id = $1") == 1
    assert await tenant.value("SELECT count(*) FROM messages WHERE organization_id = $1") == 6
