"""The gate and the ledger on the real database: once, in hours, never after STOP, never past a person."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from application.messaging.conversations import Conversations
from application.messaging.messages import Messages, SendMessage
from application.messaging.sending import Sending
from application.messaging.texting import Text
from application.outreach.campaign_forms import OfDataset, ScheduleIn, SettingsIn, StartCampaign
from application.outreach.campaigns import Campaigns
from application.outreach.planning import Planning
from application.provider import Rejected, Unavailable, Unknown
from domain.kernel import Conflict, Phone, new_id
from domain.messaging.message import MessagesSettled, Settled, TextArrived
from tests.application.conftest import Tenant

pytestmark = pytest.mark.anyio

ALWAYS = SettingsIn(
    schedule=ScheduleIn(start="00:00", end="00:00"), rate_limit_messages_per_minute=6000, m2_delay_hours=48
)


async def started(tenant: Tenant, *phones: str, settings: SettingsIn = ALWAYS) -> tuple[UUID, list[UUID]]:
    dataset = await tenant.dataset()
    leads = [await tenant.lead(phone, dataset) for phone in phones]
    async with tenant.use(Campaigns) as campaigns:
        await campaigns.start(StartCampaign(dataset_id=dataset, settings=settings))
    async with tenant.use(Planning, tenant.system()) as planning:
        await planning.plan()
    return dataset, leads


async def sent(tenant: Tenant) -> None:
    async with tenant.sql() as connection:  # the paced ones too
        await connection.execute("UPDATE sends SET due_at = business_now() WHERE state = 'planned' AND NOT held")
    async with tenant.use(Sending, tenant.system()) as sending:
        await sending.send_due()


def keys(tenant: Tenant) -> list[str]:
    return [t.to for t in tenant.texting.taken if t.organization_id == tenant.organization_id]


async def arrive(tenant: Tenant, sender: str, body: str, ago: timedelta = timedelta()) -> None:
    async with tenant.use(Conversations, tenant.system()) as conversations:
        now = await tenant.value("SELECT business_now() WHERE $1::uuid IS NOT NULL")
        await conversations.receive(
            TextArrived(
                subject=new_id(),
                provider="sandbox",
                external_id=new_id().hex,
                sender=sender,
                recipient="+442079460001",
                body=body,
                media=(),
                at=now - ago,
            )
        )


async def state(tenant: Tenant, phone: str) -> str:
    return str(await tenant.value("SELECT state FROM sends WHERE organization_id = $1 AND recipient = $2", phone))


async def status(tenant: Tenant, phone: str) -> str:
    return str(await tenant.value("SELECT contact_status FROM leads WHERE organization_id = $1 AND phone = $2", phone))


async def test_a_touch_is_planned_once_and_sent_once(tenant: Tenant) -> None:
    await started(tenant, "+447700900101", "+447700900102")
    async with tenant.use(Planning, tenant.system()) as planning:
        await planning.plan()
    await sent(tenant)
    await sent(tenant)
    assert sorted(keys(tenant)) == ["+447700900101", "+447700900102"]
    assert await state(tenant, "+447700900101") == "accepted"
    told = await tenant.value("SELECT data FROM events WHERE organization_id = $1 AND type = 'messages.settled'")
    assert '"accepted"' in told


async def test_two_workers_at_once_hand_each_over_once(tenant: Tenant) -> None:
    phones = [f"+4477009002{n:02d}" for n in range(60)]
    await started(tenant, *phones)
    await asyncio.gather(*(sent(tenant) for _ in range(3)))
    assert sorted(keys(tenant)) == phones


async def test_an_accepted_touch_brings_the_next_one(tenant: Tenant) -> None:
    await started(tenant, "+447700900103")
    await sent(tenant)
    row = await tenant.value("SELECT id FROM sends WHERE organization_id = $1")
    campaign = await tenant.value("SELECT id FROM campaigns WHERE organization_id = $1")
    lead = await tenant.value("SELECT id FROM leads WHERE organization_id = $1")
    at = await tenant.value("SELECT handed_at FROM sends WHERE organization_id = $1")
    # As the scheduler does when it calls.
    await tenant.execute("UPDATE schedules SET next_due_at = NULL WHERE organization_id = $1")
    settled = Settled(send_id=row, outcome="accepted", at=at, lead_id=lead, campaign_id=campaign, touch="M1")
    async with tenant.use(Planning, tenant.system()) as planning:
        await planning.advance(MessagesSettled(subject=new_id(), settled=(settled,)))
    due = await tenant.value("SELECT due_at FROM enrolments WHERE organization_id = $1 AND touch = 'M2'")
    assert due == at + timedelta(hours=48)
    assert await status(tenant, "+447700900103") == "CONTACTED"
    agenda = "SELECT next_due_at FROM schedules WHERE organization_id = $1 AND name = 'outreach.plan'"
    assert await tenant.value(agenda) == due


async def test_stop_cancels_what_is_planned_and_confirms_once(tenant: Tenant) -> None:
    await started(tenant, "+447700900104")
    await arrive(tenant, "+447700900104", "STOP")
    await arrive(tenant, "+447700900104", "stop!!")
    await sent(tenant)
    bodies = [t.body for t in tenant.texting.taken if t.organization_id == tenant.organization_id]
    assert len(bodies) == 1
    assert "unsubscribed" in bodies[0]
    assert await status(tenant, "+447700900104") == "OPTED_OUT"
    lines = await tenant.value(
        "SELECT count(*) FROM consents WHERE organization_id = $1 AND kind = 'opt_out' AND how = 'text'"
    )
    assert lines == 2


async def test_a_stop_between_claim_and_hand_over_wins(tenant: Tenant) -> None:
    await started(tenant, "+447700900105")
    async with tenant.sql() as connection:
        await connection.execute("UPDATE sends SET state = 'claimed', batch = $1", new_id())
    await arrive(tenant, "+447700900105", "please take me off your list")
    campaign_texts = "SELECT state FROM sends WHERE organization_id = $1 AND purpose = 'campaign'"
    assert await tenant.value(campaign_texts) == "cancelled"


async def test_start_undoes_stop(tenant: Tenant) -> None:
    await started(tenant, "+447700900106")
    await arrive(tenant, "+447700900106", "STOP")
    await arrive(tenant, "+447700900106", "START")
    assert await tenant.value("SELECT count(*) FROM suppressions WHERE organization_id = $1") == 0
    assert await status(tenant, "+447700900106") == "REPLIED"


async def test_a_start_that_comes_late_undoes_no_later_stop(tenant: Tenant) -> None:
    suppressed = "SELECT count(*) FROM suppressions WHERE organization_id = $1"
    await arrive(tenant, "+447700900131", "STOP", timedelta(minutes=30))
    await arrive(tenant, "+447700900131", "STOP", timedelta(minutes=5))
    await arrive(tenant, "+447700900131", "START", timedelta(minutes=10))
    assert await tenant.value(suppressed) == 1
    await arrive(tenant, "+447700900131", "START", timedelta(minutes=4))
    assert await tenant.value(suppressed) == 0


async def test_a_reply_ends_the_touches(tenant: Tenant) -> None:
    await started(tenant, "+447700900107")
    await arrive(tenant, "+447700900107", "Yes, how much is it?")
    await sent(tenant)
    assert keys(tenant) == []
    assert await status(tenant, "+447700900107") == "REPLIED"
    assert await tenant.value("SELECT count(*) FROM enrolments WHERE organization_id = $1") == 0


async def test_outside_hours_nothing_is_planned_and_the_reason_is_kept(tenant: Tenant) -> None:
    now = await tenant.value("SELECT business_now() AT TIME ZONE 'Europe/London' WHERE $1::uuid IS NOT NULL")
    start, end = ((now + timedelta(hours=h)).strftime("%H:%M") for h in (2, 3))
    shut = SettingsIn(schedule=ScheduleIn(start=start, end=end), rate_limit_messages_per_minute=60)
    await started(tenant, "+447700900108", settings=shut)
    assert await tenant.value("SELECT count(*) FROM sends WHERE organization_id = $1") == 0
    assert await tenant.value("SELECT delayed_by FROM enrolments WHERE organization_id = $1") == "quiet_hours"


async def test_a_window_that_shut_meanwhile_turns_a_text_back(tenant: Tenant) -> None:
    await started(tenant, "+447700900109")
    now = await tenant.value("SELECT business_now() AT TIME ZONE 'Europe/London' WHERE $1::uuid IS NOT NULL")
    start, end = ((now + timedelta(hours=h)).strftime("%H:%M:%S") for h in (2, 3))
    async with tenant.sql() as connection:
        await connection.execute(
            "UPDATE campaigns SET settings = jsonb_set(jsonb_set(settings, '{window,start}', to_jsonb($1::text)),"
            " '{window,end}', to_jsonb($2::text))",
            start,
            end,
        )
    await sent(tenant)
    assert keys(tenant) == []
    row = "SELECT state || ' ' || delayed_by FROM sends WHERE organization_id = $1"
    assert await tenant.value(row) == "planned quiet_hours"


async def test_a_person_takes_the_turn_and_the_campaign_waits(tenant: Tenant) -> None:
    _, [lead] = await started(tenant, "+447700900110")
    async with tenant.use(Messages) as messages:
        await messages.send(SendMessage(lead_id=lead, content="Hello, Bob here. Shall I ring you?"))
    await sent(tenant)
    bodies = [t.body for t in tenant.texting.taken if t.organization_id == tenant.organization_id]
    assert bodies == ["Hello, Bob here. Shall I ring you?"]
    held = "SELECT held FROM sends WHERE organization_id = $1 AND purpose = 'campaign'"
    assert await tenant.value(held) is True


async def test_a_manual_text_to_somebody_who_said_stop_is_refused_and_kept(tenant: Tenant) -> None:
    _, [lead] = await started(tenant, "+447700900111")
    await arrive(tenant, "+447700900111", "unsubscribe")
    async with tenant.use(Messages) as messages:
        with pytest.raises(Conflict, match="Opted out") as refused:
            await messages.send(SendMessage(lead_id=lead, content="One more thing"))
    identifier = dict(refused.value.details)["message_id"]
    async with tenant.use(Messages) as messages:
        why = await messages.why(UUID(identifier))
    assert (why.state, why.verdict) == ("refused", "refuse")
    assert any(r.rule == "opt_out" and r.outcome == "refused" for r in why.reasons)


async def test_pause_holds_and_resume_sends(tenant: Tenant) -> None:
    dataset, _ = await started(tenant, "+447700900112", "+447700900113")
    async with tenant.use(Campaigns) as campaigns:
        await campaigns.pause(OfDataset(dataset_id=dataset))
    await sent(tenant)
    assert keys(tenant) == []
    async with tenant.use(Campaigns) as campaigns:
        await campaigns.resume(OfDataset(dataset_id=dataset))
    await sent(tenant)
    assert sorted(keys(tenant)) == ["+447700900112", "+447700900113"]


async def test_a_permanent_rejection_makes_the_lead_unreachable(tenant: Tenant) -> None:
    await started(tenant, "+447700900114")
    tenant.texting.failures.append((Rejected("21211", "Not a number.", True), False))
    await sent(tenant)
    assert await state(tenant, "+447700900114") == "rejected"
    told = await tenant.value("SELECT data FROM events WHERE organization_id = $1 AND type = 'messages.settled'")
    assert '"unreachable"' in told


async def test_an_unavailable_provider_is_asked_again(tenant: Tenant) -> None:
    await started(tenant, "+447700900115")
    tenant.texting.failures.append((Unavailable(0.0), False))
    await sent(tenant)
    await sent(tenant)
    assert keys(tenant) == ["+447700900115"]


@pytest.mark.parametrize("took", [True, False])
async def test_an_unknown_is_settled_by_asking(tenant: Tenant, took: bool) -> None:
    await started(tenant, "+447700900116")
    tenant.texting.failures.append((Unknown("The line went dead."), took))
    await sent(tenant)
    assert await state(tenant, "+447700900116") == "unknown"
    await sent(tenant)
    assert keys(tenant) == (["+447700900116"] if took else [])
    async with tenant.sql() as connection:
        await connection.execute("UPDATE sends SET handed_machine_at = handed_machine_at - interval '1 minute'")
    async with tenant.use(Sending, tenant.system()) as sending:
        await sending.settle()
    await sent(tenant)
    assert keys(tenant) == ["+447700900116"]
    assert await state(tenant, "+447700900116") == "accepted"


async def test_a_dead_workers_claim_is_released_and_its_hand_over_asked_about(tenant: Tenant) -> None:
    await started(tenant, "+447700900117", "+447700900118")
    async with tenant.sql() as connection:
        await connection.execute(
            "UPDATE sends SET state = CASE recipient WHEN '+447700900117' THEN 'claimed' ELSE 'handed' END,"
            " batch = $1, lease_until = clock_timestamp() - interval '1 second', handed_at = business_now(),"
            " handed_machine_at = clock_timestamp() - interval '1 minute'",
            new_id(),
        )
    async with tenant.use(Sending, tenant.system()) as sending:
        await sending.settle()
    await sent(tenant)
    assert sorted(keys(tenant)) == ["+447700900117", "+447700900118"]


async def test_one_campaign_text_a_day_to_a_number_whatever_the_dataset(tenant: Tenant) -> None:
    await started(tenant, "+447700900119")
    await sent(tenant)
    second = await tenant.dataset()
    contact = await tenant.value("SELECT contact_id FROM leads WHERE organization_id = $1")
    await tenant.execute(
        "INSERT INTO leads (organization_id, id, contact_id, dataset_id, phone, created_at, updated_at)"
        " VALUES ($1, $2, $3, $4, $5, business_now(), business_now())",
        new_id(),
        contact,
        second,
        Phone("+447700900119"),
    )
    async with tenant.use(Campaigns) as campaigns:
        await campaigns.start(StartCampaign(dataset_id=second, settings=ALWAYS))
    async with tenant.use(Planning, tenant.system()) as planning:
        await planning.plan()
    delayed = (
        "SELECT delayed_by FROM enrolments WHERE organization_id = $1 AND campaign_id IN (SELECT id FROM campaigns"
    )
    assert await tenant.value(f"{delayed} WHERE dataset_id = $2)", second) == "cap_24h"


async def test_a_worker_that_slept_past_its_lease_writes_over_nothing(tenant: Tenant) -> None:
    await started(tenant, "+447700900120")

    async def another_worker_takes_it(text: Text) -> None:
        async with tenant.sql() as connection:
            await connection.execute("UPDATE sends SET batch = $1 WHERE id = $2", new_id(), UUID(text.key))

    tenant.texting.on_send = another_worker_takes_it
    tenant.texting.failures.append((Unavailable(0.0), False))
    await sent(tenant)
    assert await state(tenant, "+447700900120") == "handed"


async def test_a_lead_tagged_do_not_contact_is_not_enrolled_and_not_texted_by_anybody(tenant: Tenant) -> None:
    _, [lead] = await started(tenant, "+447700900121")
    async with tenant.sql() as connection:
        await connection.execute("UPDATE leads SET is_dnc = true")
    await sent(tenant)
    async with tenant.use(Messages) as messages:
        with pytest.raises(Conflict, match="do not contact"):
            await messages.send(SendMessage(lead_id=lead, content="Hello"))
    assert keys(tenant) == []
    campaign_text = "SELECT state FROM sends WHERE organization_id = $1 AND purpose = 'campaign'"
    assert await tenant.value(campaign_text) == "refused"


async def test_leads_tagged_do_not_contact_are_not_enrolled(tenant: Tenant) -> None:
    dataset = await tenant.dataset()
    await tenant.lead("+447700900122", dataset)
    async with tenant.sql() as connection:
        await connection.execute("UPDATE leads SET is_dnc = true")
    async with tenant.use(Campaigns) as campaigns:
        with pytest.raises(Conflict, match="No lead"):
            await campaigns.start(StartCampaign(dataset_id=dataset, settings=ALWAYS))
