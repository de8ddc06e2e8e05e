"""Two people at the same lead: whoever comes second waits, and neither waits for the other."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from adapters.persistence.database import Cause
from application.identity.organization_erasure import OrganizationRecords
from application.messaging.conversations import ChangeConversation, Conversations
from application.messaging.messages import Messages, SendMessage
from application.ports import Actor, UnitOfWork
from application.sales.contacts import ChangeContact, Contacts
from application.sales.lead_forms import ChangeLead
from application.sales.leads import Leads
from domain.kernel import new_id
from tests.application.conftest import Tenant, waiting
from tests.proofs import Note

pytestmark = pytest.mark.anyio
Job = Callable[[], Coroutine[Any, Any, Any]]
Free = Callable[[str, Sequence[UUID]], Awaitable[bool]]
_PLAN = """
WITH thread AS (SELECT * FROM conversations WHERE organization_id = $1), said AS (
  INSERT INTO messages (organization_id, id, conversation_id, contact_id, lead_id, channel, direction, category, status,
                        body, sender, recipient, created_at)
  SELECT $1, $3, id, contact_id, $2, 'sms', 'outbound', 'm1', 'pending', 'Hello', '+442079460001', address,
         business_now() FROM thread)
INSERT INTO sends (organization_id, id, natural_key, purpose, channel, state, lead_id, contact_id, conversation_id,
                   recipient, sender, turn_number, due_at, verdict, reasons, created_at)
SELECT $1, $3, $3::text, 'manual', 'sms', 'planned', $2, contact_id, id, address, '+442079460001', turn_number,
       business_now() + interval '1 day', 'allow', '[]', business_now() FROM thread
"""


class Family:
    """Be one contact with two leads, the second enrolled, and texts planned for both."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.texts: list[UUID] = []

    async def move_in(self) -> None:
        """Make them."""
        tenant = self.tenant
        dataset = await tenant.dataset()
        self.lead = await tenant.lead("+447700900600")
        self.other = new_id()
        self.contact = await tenant.value("SELECT contact_id FROM leads WHERE organization_id = $1")
        async with tenant.use(Messages) as messages:
            await messages.send(SendMessage(lead_id=self.lead, content="Hello"))
        self.thread = await tenant.value("SELECT id FROM conversations WHERE organization_id = $1")
        async with tenant.use(Conversations) as conversations:
            await conversations.change(self.thread, ChangeConversation(turn="nobody"), None)
        async with tenant.sql() as connection:
            await connection.execute(
                "INSERT INTO leads (organization_id, id, contact_id, dataset_id, phone, created_at, updated_at)"
                " VALUES ($1, $2, $3, $4, '+447700900600', business_now(), business_now())",
                tenant.organization_id,
                self.other,
                self.contact,
                dataset,
            )
            await connection.execute(
                "WITH c AS (INSERT INTO campaigns (organization_id, id, dataset_id, seed, settings)"
                " VALUES ($1, $2, $3, 1, '{}') RETURNING id)"
                " INSERT INTO enrolments (organization_id, campaign_id, lead_id, touch) SELECT $1, id, $4, 'M1' FROM c",
                tenant.organization_id,
                new_id(),
                dataset,
                self.other,
            )
            for lead in (self.other, self.lead) * 3:
                self.texts.append(new_id())
                await connection.execute(_PLAN, tenant.organization_id, lead, self.texts[-1])

    async def plan(self) -> None:
        """Let every text be planned as at first."""
        await self.tenant.execute(
            "UPDATE sends SET state = 'planned' WHERE organization_id = $1 AND id = ANY ($2)", self.texts
        )

    async def take_over_and_put_away(self) -> None:
        """Change the lead by a form."""
        async with self.tenant.use(Leads) as leads:
            manual = random.random() < 0.5
            await leads.change(self.lead, ChangeLead(manual_mode=True, archived=True), None)
            await leads.change(self.lead, ChangeLead(manual_mode=manual, archived=False), None)

    async def take_over_the_other(self) -> None:
        """Take the second lead over and give it back."""
        for manual in (True, False):
            async with self.tenant.use(Leads) as leads:
                await leads.set_manual_mode(self.other, manual)

    async def put_away_the_other(self) -> None:
        """Archive the second lead, or take it out again."""
        async with self.tenant.use(Leads) as leads:
            await leads.toggle_archived(self.other)

    async def take_the_turn(self) -> None:
        """Take the thread over and give it back."""
        for turn in ("person", "nobody"):
            async with self.tenant.use(Conversations) as conversations:
                await conversations.change(self.thread, ChangeConversation(turn=turn), None)

    async def move_house(self) -> None:
        """Give the contact another number."""
        async with self.tenant.use(Contacts) as contacts:
            await contacts.change(
                self.contact, ChangeContact(phone_number=f"+447700900{random.randrange(100):03d}"), None
            )

    async def write(self) -> None:
        """Write to the first lead as a person."""
        async with self.tenant.use(Messages) as messages:
            await messages.send(SendMessage(lead_id=self.lead, content="Hello again"))

    async def silence(self) -> None:
        """Close the organisation, as far as that what is planned is cancelled."""
        async with self.tenant.house(context={Actor: self.tenant.system(), Cause: Cause()}) as scope:
            uow, records = await scope.get(UnitOfWork), await scope.get(OrganizationRecords)
            async with uow:
                await records.silence()

    @asynccontextmanager
    async def holding_the_thread(self) -> AsyncIterator[None]:
        """Keep others from the thread for a while."""
        async with self.tenant.sql() as connection:
            await connection.execute(
                "SELECT 1 FROM conversations WHERE organization_id = $1 FOR UPDATE", self.tenant.organization_id
            )
            yield

    @asynccontextmanager
    async def holding(self, table: str, row: UUID) -> AsyncIterator[Free]:
        """Lock a row for a while; gives a look whether nobody else has locked others."""
        async with self.tenant.sql() as connection:
            organization = self.tenant.organization_id
            lock = "SELECT 1 FROM {} WHERE organization_id = $1 AND id = ANY ($2) FOR NO KEY UPDATE SKIP LOCKED"
            assert await connection.fetch(lock.format(table), organization, [row])

            async def free(others: str, rows: Sequence[UUID]) -> bool:
                return len(await connection.fetch(lock.format(others), organization, rows)) == len(rows)

            yield free


@pytest.fixture
async def family(tenant: Tenant) -> Family:
    made = Family(tenant)
    await made.move_in()
    return made


async def test_whoever_comes_second_waits_and_is_not_waited_for(family: Family) -> None:
    async with family.holding_the_thread():
        jobs = [asyncio.create_task(family.take_over_and_put_away())]
        await waiting(family.tenant.database)
        jobs.append(asyncio.create_task(family.take_the_turn()))
        await waiting(family.tenant.database, 2)
    assert await asyncio.gather(*jobs, return_exceptions=True) == [None, None]


async def test_whoever_writes_waits_for_the_lead_before_any_text_is_locked(family: Family) -> None:
    async with family.holding("leads", family.lead) as free:
        writing = asyncio.create_task(family.write())
        await waiting(family.tenant.database)
        assert not writing.done()
        assert await free("sends", family.texts), "whoever holds the lead can still get at its texts"
    await writing


async def test_an_organisation_is_silenced_text_by_text_in_order(family: Family) -> None:
    first, *others = sorted(family.texts)
    await family.plan()
    moved = "UPDATE sends SET due_at = due_at + interval '1 hour' WHERE organization_id = $1 AND id = $2"
    await family.tenant.execute(moved, first)  # it stands last in the table now
    async with family.holding("sends", first) as free:
        silencing = asyncio.create_task(family.silence())
        await waiting(family.tenant.database)
        assert not silencing.done()
        assert await free("sends", others), "whoever hands over goes on"
    await silencing


@pytest.mark.prove
async def test_everything_done_to_one_contact_at_once_takes_turns(family: Family, proved: Note) -> None:
    rounds, changes = 150, 0
    for _ in range(rounds):
        await family.plan()
        jobs: list[Job] = [
            family.take_over_and_put_away,
            family.take_over_the_other,
            family.put_away_the_other,
            family.take_the_turn,
            family.move_house,
        ]
        random.shuffle(jobs)
        assert await asyncio.gather(*(job() for job in jobs), return_exceptions=True) == [None] * len(jobs)
        changes += 2 * len(jobs) - 2
    proved(0, f"{changes} changes to one contact's leads, texts and thread, five at once: 0 deadlocks")
