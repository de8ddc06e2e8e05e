"""Two workers told at the same moment to plan and to send to the same lead: one text, no deadlock, no error."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest
from dishka import AnyOf, Provider, Scope, provide

from adapters.persistence.database import Database
from application.messaging.messages import Messages, SendTo
from application.messaging.sending import Sending
from application.messaging.texting import Texting, TextingHealth
from application.outreach.campaign_forms import ScheduleIn, SettingsIn, StartCampaign
from application.outreach.campaigns import Campaigns
from application.outreach.planning import Planning
from domain.messaging.message import MessagePlanned
from entrypoints.config import Config
from entrypoints.container import container
from tests.application.conftest import RememberingTexting, Tenant
from tests.proofs import Note

pytestmark = pytest.mark.anyio
FAST = SettingsIn(schedule=ScheduleIn(start="00:00", end="24:00"), rate_limit_messages_per_minute=6000)
AT_ONCE = 5
_PEOPLE = """
WITH people AS (
  INSERT INTO contacts (organization_id, id, first_name, phone, phone_type, sms_eligible, zones, created_at, updated_at)
  SELECT $1, uuidv7(), 'Ada', '+447400' || lpad(n::text, 6, '0'), 'mobile', true, '{Europe/London}', now(), now()
  FROM generate_series(1, $3) AS n RETURNING id, phone
)
INSERT INTO leads (organization_id, id, contact_id, dataset_id, phone, created_at, updated_at)
SELECT $1, uuidv7(), id, $2, phone, business_now(), business_now() FROM people
"""


class _Same(Provider):
    """Give a second worker the first one's provider."""

    def __init__(self, texting: RememberingTexting) -> None:
        super().__init__()
        self._texting = texting

    @provide(scope=Scope.APP)
    def texting(self) -> AnyOf[Texting, TextingHealth]:
        """Give it."""
        return self._texting


@pytest.fixture
async def workers(tenant: Tenant, config: Config) -> AsyncIterator[tuple[Tenant, Tenant]]:
    """Run the tenant's work in two containers, each with its own pool."""
    second = container(config, _Same(tenant.texting))
    yield tenant, replace(tenant, house=second, database=await second.get(Database))
    await second.close()


async def _plan(worker: Tenant) -> None:
    async with worker.use(Planning, worker.system()) as planning:
        await planning.plan()


async def _send(worker: Tenant, message: UUID) -> None:
    async with worker.use(Sending, worker.system()) as sending:
        await sending.send_one(MessagePlanned(subject=message))


async def _send_due(worker: Tenant) -> None:
    async with worker.use(Sending, worker.system()) as sending:
        await sending.send_due()


async def contended(workers: tuple[Tenant, Tenant], leads: int) -> None:
    """Let both workers plan, and send, the same rows at the same moment."""
    tenant, _ = workers
    dataset = await tenant.dataset()
    await tenant.execute(_PEOPLE, dataset, leads)
    async with tenant.use(Campaigns) as campaigns:
        await campaigns.start(StartCampaign(dataset_id=dataset, settings=FAST))
    counted = "SELECT count(*) FROM sends WHERE organization_id = $1"
    while await tenant.value(counted) < leads:
        await asyncio.gather(*(_plan(worker) for worker in workers))
    await tenant.execute("UPDATE sends SET due_at = business_now() WHERE organization_id = $1")
    ids = await tenant.value("SELECT array_agg(id ORDER BY due_at DESC, id DESC) FROM sends WHERE organization_id = $1")

    gate = asyncio.Semaphore(AT_ONCE)

    async def at_once(message: UUID) -> None:
        async with gate:
            await asyncio.gather(*(_send(worker, message) for worker in workers))

    await asyncio.gather(*(at_once(message) for message in ids[: leads * 9 // 10]))
    await asyncio.gather(*(_send_due(worker) for worker in workers))
    texts = [text for text in tenant.texting.taken if text.organization_id == tenant.organization_id]
    assert Counter(Counter(text.to for text in texts).values()) == {1: leads}
    assert Counter(Counter(text.key for text in texts).values()) == {1: leads}
    states = await tenant.value("SELECT array_agg(DISTINCT state) FROM sends WHERE organization_id = $1")
    assert states == ["accepted"]


async def test_two_workers_on_one_lead_send_one_text(workers: tuple[Tenant, Tenant]) -> None:
    await contended(workers, 200)


@pytest.mark.prove
async def test_two_workers_on_one_lead_ten_thousand_times_send_one_text(
    workers: tuple[Tenant, Tenant], proved: Note
) -> None:
    await contended(workers, 10_000)
    told = "9,000 told one by one to send, 1,000 as what is due: 10,000 texts, 0 doubled, 0 errors"
    proved(1, f"two workers (two containers, each with its own pool, in one process) on the same 10,000 leads, {told}")


async def test_what_somebody_waits_for_goes_before_touches_that_are_long_due(tenant: Tenant) -> None:
    dataset = await tenant.dataset()
    await tenant.execute(_PEOPLE, dataset, 150)
    async with tenant.use(Campaigns) as campaigns:
        await campaigns.start(StartCampaign(dataset_id=dataset, settings=FAST))
    await _plan(tenant)
    await tenant.lead("+447400999999")
    async with tenant.use(Messages) as messages:
        await messages.send_to(SendTo(to="+447400999999", channel="sms", body="Bob here"))
    await tenant.execute(
        "UPDATE sends SET due_at = business_now() - CASE purpose WHEN 'campaign' THEN interval '1 hour'"
        " ELSE interval '0' END WHERE organization_id = $1"
    )
    await _send_due(tenant)
    texts = [text for text in tenant.texting.taken if text.organization_id == tenant.organization_id]
    assert len(texts) == 151
    assert "+447400999999" in [text.to for text in texts[:50]], "it is in the first group, though due last"
