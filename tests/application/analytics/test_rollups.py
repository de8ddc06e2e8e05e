"""What is counted as it happens equals what is counted anew, whatever happened and however it was broken up."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import msgspec
import pytest

from adapters.persistence.database import Cause, Database, PostgresUnitOfWork
from adapters.persistence.rollups import PostgresRollups
from adapters.queue.relay import Relay
from application.analytics.facts import COUNTED, Told, facts_of
from application.analytics.rollups import COUNT, Counting
from application.ports import Actor
from domain.analytics.tally import Fact, Progress, Tally
from domain.kernel import Event, new_id
from domain.messaging.message import MessageReceived, MessagesSettled, OptedOut, Settled
from domain.messaging.reply import LeadTurnedHot
from domain.sales.lead import ContactStatusSet, LeadMoved
from domain.scheduling.booking import BookingCancelled, BookingMade
from entrypoints.config import Config
from entrypoints.subscriptions import GATHERED, routes
from tests.application.conftest import Tenant
from tests.http.background import Deaf

pytestmark = pytest.mark.anyio
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass
class History:
    """Let things happen to an organisation's leads, as its contexts would say so."""

    tenant: Tenant
    relay: Relay
    dice: random.Random
    campaigns: dict[UUID, UUID] = field(default_factory=dict)
    leads: dict[UUID, UUID | None] = field(default_factory=dict)

    async def people(self, count: int) -> None:
        """Make two datasets with a campaign each, and leads in them and in none."""
        for _ in range(2):
            dataset, campaign = await self.tenant.dataset(), new_id()
            await self.tenant.execute(
                "INSERT INTO campaigns (organization_id, id, dataset_id, seed, settings) VALUES ($1, $2, $3, 1, '{}')",
                campaign,
                dataset,
            )
            self.campaigns[dataset] = campaign
        places = [*self.campaigns, None]
        for number in range(count):
            place = places[number % 3]
            self.leads[await self.tenant.lead(f"+4477009{number:05d}", place)] = place

    async def happen(self, *events: Event) -> None:
        """Publish events in one unit of work, and let the relay stamp them."""
        async with self.tenant.house({Actor: self.tenant.system(), Cause: Cause()}) as scope:
            uow = await scope.get(PostgresUnitOfWork)
            async with uow:
                uow.publish(*events)
        await self.relay.run_once()

    def some(self) -> list[Event]:
        """Make up some events."""
        return [self._one() for _ in range(self.dice.randrange(1, 6))]

    def _one(self) -> Event:
        lead = self.dice.choice([*self.leads, new_id()])
        at, booking = START + timedelta(minutes=self.dice.randrange(60 * 24 * 9)), new_id()
        match self.dice.randrange(9):
            case 0 | 1 | 2:
                return MessagesSettled(subject=new_id(), settled=tuple(self._text() for _ in range(3)))
            case 3:
                reading = self.dice.choice(["none", "none", "stop"])
                return MessageReceived(
                    subject=new_id(), conversation_id=new_id(), contact_id=new_id(), lead_id=lead, reading=reading
                )
            case 4:
                return OptedOut(subject=new_id(), address="+447", how="text", wording=None, lead_ids=(lead, new_id()))
            case 5:
                return BookingMade(subject=lead, booking_id=booking, start_at=at, end_at=at, zone="UTC", source="api")
            case 6:
                return BookingCancelled(subject=lead, booking_id=booking, start_at=at, zone="UTC", reason=None)
            case 7:
                return LeadMoved(subject=lead, stage_from="A", stage_to="B", category=self.dice.choice(["won", "open"]))
        return self.dice.choice(
            [LeadTurnedHot(subject=lead, conversation_id=new_id()),
             ContactStatusSet(subject=lead, old="HOT", new=self.dice.choice(["CONVERTED", "COLD"]))]
        )  # fmt: skip

    def _text(self) -> Settled:
        lead, place = self.dice.choice(list(self.leads.items()))
        purpose = self.dice.choice(["campaign", "reply", "manual", "help"]) if place else "manual"
        is_touch = purpose == "campaign"
        return Settled(
            send_id=new_id(),
            outcome=self.dice.choice(["accepted", "accepted", "accepted", "rejected"]),
            at=START + timedelta(minutes=self.dice.randrange(60 * 24 * 9)),
            lead_id=lead,
            campaign_id=self.campaigns[place] if is_touch and place else None,
            touch=self.dice.choice(["M1", "M2", "M3"]) if is_touch else None,
            purpose=purpose,
            variant=self.dice.choice(["A", "B"]) if is_touch else None,
        )

    async def forget_somebody(self) -> None:
        """Let one lead be erased: its row goes, what happened stays in the log."""
        lead = self.dice.choice(list(self.leads))
        mark = "SELECT count(*) FROM lead_progress WHERE organization_id = $1 AND lead_id = $2"
        if not await self.tenant.value(mark, lead):
            del self.leads[lead]  # nothing of it was counted yet, and nothing will be
        await self.tenant.execute("DELETE FROM leads WHERE organization_id = $1 AND id = $2", lead)

    async def count(self) -> None:
        """Count as a worker does."""
        async with self.tenant.use(Counting, self.tenant.system()) as counting:
            await counting.count()

    async def rebuild(self) -> int:
        """Count anew."""
        async with self.tenant.use(Counting, self.tenant.system()) as counting:
            return await counting.rebuild()

    async def figures(self) -> tuple[Counter[Any], Counter[Any]]:
        """Read both tables of counts."""
        async with self.tenant.sql() as connection:
            counts = await connection.fetch("SELECT dataset_id, quarter, kind, count FROM rollups")
            results = await connection.fetch("SELECT campaign_id, touch, variant, what, count FROM touch_results")
        return Counter({tuple(row)[:-1]: row["count"] for row in counts}), Counter(
            {tuple(row)[:-1]: row["count"] for row in results}
        )

    async def recounted(self, known: Sequence[tuple[UUID, UUID | None]]) -> tuple[Counter[Any], Counter[Any]]:
        """Count the whole log at once, in memory."""
        async with self.tenant.sql() as connection:
            rows = await connection.fetch(
                "SELECT e.type, e.subject, e.at, e.data::text AS data FROM feed f"
                " JOIN events e ON e.organization_id = f.organization_id AND e.id = f.event_id ORDER BY f.position"
            )
        told = [Told(row["type"], row["subject"], row["at"], msgspec.json.decode(row["data"])) for row in rows]
        facts = [fact for one in told if one.type in COUNTED for fact in facts_of(one)]
        tally = Tally()
        tally.take(facts, {lead: Progress(lead_id=lead, dataset_id=place) for lead, place in known})
        return tally.counts, tally.results


@pytest.fixture
async def relay(config: Config) -> AsyncIterator[Relay]:
    """Stamp what happens."""
    system = await Database.open(config.system_database_url, size=1)
    yield Relay(system, Deaf(), routes(), gathered=GATHERED)
    await system.close()


@pytest.mark.parametrize("seed", range(8))
async def test_counting_as_it_happens_equals_counting_anew(tenant: Tenant, relay: Relay, seed: int) -> None:
    history = History(tenant, relay, random.Random(seed))
    await history.people(9)
    for _ in range(25):
        await history.happen(*history.some())
        if history.dice.random() < 0.4:
            await asyncio.gather(*(history.count() for _ in range(history.dice.randrange(1, 4))))
        if history.dice.random() < 0.1:
            await history.count()
            await history.forget_somebody()
        if history.dice.random() < 0.1:
            await history.rebuild()
    await history.count()

    as_it_happened = await history.figures()
    assert sum(as_it_happened[0].values()) > 50
    assert as_it_happened == await history.recounted(list(history.leads.items()))
    assert await history.rebuild() > 25
    assert await history.figures() == as_it_happened
    await history.count()
    assert await history.figures() == as_it_happened


async def test_whoever_counts_beside_another_comes_again(tenant: Tenant, relay: Relay) -> None:
    history = History(tenant, relay, random.Random(1))
    await history.people(3)
    await history.happen(*history.some())
    await history.count()
    async with tenant.sql() as other:
        await other.execute("SELECT 1 FROM feed_places WHERE organization_id = $1 FOR UPDATE", tenant.organization_id)
        await tenant.value("UPDATE schedules SET next_due_at = NULL WHERE organization_id = $1")
        await history.count()
    due = await tenant.value("SELECT next_due_at FROM schedules WHERE organization_id = $1 AND name = $2", COUNT)
    assert due is not None


async def test_the_relay_sets_the_schedule_of_what_is_gathered_once_for_many(tenant: Tenant, relay: Relay) -> None:
    history = History(tenant, relay, random.Random(1))
    await history.people(3)
    due = "SELECT next_due_at FROM schedules WHERE organization_id = $1 AND name = $2"
    await history.happen(*(event for _ in range(20) for event in history.some()))
    first = await tenant.value(due, COUNT)
    assert first is not None
    await history.happen(*(event for _ in range(20) for event in history.some()))
    assert await tenant.value(due, COUNT) == first
    others = await tenant.value(
        "SELECT count(*) FROM deliveries WHERE organization_id = $1 AND subscription <> $2", COUNT
    )
    owed = await tenant.value("SELECT count(*) FROM deliveries WHERE organization_id = $1 AND subscription = $2", COUNT)
    assert others > 0, "whoever follows events one by one has a delivery of each"
    assert owed == 0


async def test_a_deleted_dataset_takes_its_counts_along(tenant: Tenant, relay: Relay) -> None:
    history = History(tenant, relay, random.Random(5))
    await history.people(6)
    for _ in range(15):
        await history.happen(*history.some())
    await history.count()
    gone = next(iter(history.campaigns))
    await tenant.execute("DELETE FROM datasets WHERE organization_id = $1 AND id = $2", gone)
    await history.happen(*history.some(), *history.some())
    await history.count()
    counts, results = await history.figures()
    assert counts
    assert gone not in {place for place, *_ in counts}
    assert history.campaigns[gone] not in {campaign for campaign, *_ in results}
    await history.rebuild()
    assert await history.figures() == (counts, results)


async def test_figures_are_shown_while_they_are_counted_anew(tenant: Tenant, relay: Relay) -> None:
    history = History(tenant, relay, random.Random(7))
    await history.people(6)
    for _ in range(10):
        await history.happen(*history.some())
    await history.count()
    before = await history.figures()
    rebuilding = asyncio.create_task(history.rebuild())
    while not rebuilding.done():
        assert await history.figures() == before
    assert await rebuilding > 0
    assert await history.figures() == before


async def test_a_dataset_may_be_deleted_while_all_is_counted_anew(
    tenant: Tenant, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(tenant, relay, random.Random(5))
    await history.people(6)
    for _ in range(15):
        await history.happen(*history.some())
    await history.count()
    gone = next(iter(history.campaigns))
    begin_anew, deleting = PostgresRollups.begin_anew, []

    async def delete() -> None:
        await tenant.execute("DELETE FROM datasets WHERE organization_id = $1 AND id = $2", gone)

    async def and_delete(self: PostgresRollups) -> None:
        await begin_anew(self)
        deleting.append(asyncio.create_task(delete()))
        await asyncio.sleep(0.5)

    monkeypatch.setattr(PostgresRollups, "begin_anew", and_delete)
    assert await history.rebuild() > 0
    await asyncio.gather(*deleting)
    counts, _ = await history.figures()
    assert counts
    assert gone not in {place for place, *_ in counts}


async def test_an_event_that_cannot_be_read_is_passed_over(
    tenant: Tenant, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(tenant, relay, random.Random(7))
    await history.people(3)
    lead = next(iter(history.leads))
    hot = LeadTurnedHot(subject=lead, conversation_id=new_id())
    await history.happen(ContactStatusSet(subject=lead, old="NEW", new="CONVERTED"), hot)

    def unreadable(told: Told) -> Iterable[Fact]:
        raise KeyError(told.type)

    monkeypatch.setitem(cast("dict[str, Any]", COUNTED), ContactStatusSet.type, unreadable)
    await history.count()
    counts, _ = await history.figures()
    assert [kind for _, _, kind in counts] == ["hot"]
    await history.rebuild()
    assert (await history.figures())[0] == counts
