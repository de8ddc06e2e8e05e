"""Campaigns and enrolments."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.schema.outreach import campaigns as campaigns_table
from adapters.persistence.stale_plans import forget_plans
from adapters.persistence.store import PostgresStore
from adapters.persistence.visibility import LeadVisibility
from application.outreach.campaign_views import AiTextCounts, TouchCounts
from application.outreach.campaigns import LeadFacts
from application.outreach.planning import DueTouch
from application.ports import Actor
from domain.kernel import NotFound, Phone
from domain.outreach.campaign import TEMPLATE_VARIABLES, Campaign
from domain.outreach.contact_status import TRANSITIONS, Cause, ContactStatus

_LEAD_WORDS = """lead.id AS lead_id, lead.contact_id, lead.phone, lead.product, lead.source,
  to_char(lead.inquiry_date, 'FMDD FMMonth YYYY') AS inquiry_date"""
_CONTACT_WORDS = """contact.id AS contact_id, contact.first_name, contact.last_name,
  concat_ws(' ', contact.first_name, contact.last_name) AS full_name, contact.company_name AS company, contact.postcode,
  (SELECT name FROM organizations WHERE organization_id = $1) AS organization"""
_ENROL = """
INSERT INTO enrolments (organization_id, campaign_id, lead_id, touch, due_at)
SELECT $1, $2, lead.id, 'M1', $4 FROM leads lead
WHERE lead.organization_id = $1 AND lead.dataset_id = $3 AND lead.contact_status = 'READY'
  AND NOT lead.archived AND NOT lead.is_dnc
ON CONFLICT DO NOTHING
"""
_HOLD = """
WITH mine AS (
  SELECT id FROM sends WHERE organization_id = $1 AND campaign_id = $2 AND state IN ('planned', 'claimed')
  ORDER BY id FOR NO KEY UPDATE
)
UPDATE sends SET state = 'planned', held = true, batch = NULL, lease_until = NULL
FROM mine WHERE sends.organization_id = $1 AND sends.id = mine.id
"""
_LOCK_HELD = """
SELECT 1 FROM sends WHERE organization_id = $1 AND campaign_id = $2 AND state = 'planned' AND held
ORDER BY id FOR NO KEY UPDATE
"""
_RELEASE = """
WITH waiting AS (
  SELECT s.id, $3::timestamptz + (row_number() OVER (ORDER BY s.due_at, s.id) - 1) * interval '1 minute' / $4 AS slot
  FROM sends s JOIN leads lead ON lead.organization_id = $1 AND lead.id = s.lead_id
  LEFT JOIN conversations thread ON thread.organization_id = $1 AND thread.id = s.conversation_id
  WHERE s.organization_id = $1 AND s.campaign_id = $2 AND s.state = 'planned' AND s.held
    AND NOT lead.manual_mode AND thread.turn_holder IS DISTINCT FROM 'person'
), moved AS (
  UPDATE sends SET held = false, due_at = waiting.slot FROM waiting
  WHERE sends.organization_id = $1 AND sends.id = waiting.id RETURNING sends.due_at
)
SELECT max(due_at) + interval '1 minute' / $4 FROM moved
"""
_COUNTS = """
SELECT touch, variant, state, delayed_by, count(*) AS count,
       CASE WHEN state IN ('refused', 'cancelled') THEN
         (SELECT r ->> 'rule' FROM jsonb_array_elements(reasons) r
          WHERE r ->> 'outcome' = 'refused' LIMIT 1) END AS rule
FROM sends WHERE organization_id = $1 AND campaign_id = $2
GROUP BY touch, variant, state, delayed_by, rule ORDER BY touch, variant, state
"""
_AI_TEXTS = """
SELECT touch, variant, status, reason, count(*) AS count FROM touch_texts
WHERE organization_id = $1 AND campaign_id = $2 AND status <> 'withdrawn'
GROUP BY touch, variant, status, reason ORDER BY touch, variant, status, reason
"""
_DUE_CAMPAIGN = """
SELECT campaign_id FROM enrolments e
WHERE organization_id = $1 AND due_at <= $2 AND NOT held AND campaign_id <> ALL ($3)
  AND EXISTS (SELECT 1 FROM campaigns c WHERE c.organization_id = $1 AND c.id = e.campaign_id AND c.status = 'active')
ORDER BY due_at LIMIT 1
"""
# One step each, by ids that are known by then: joined, they would be planned for as few rows as a new organisation had
# when its tables were last analysed, and a batch might walk the organisation once for each of its rows.
_DUE = """
SELECT lead_id FROM enrolments
WHERE organization_id = $1 AND campaign_id = $2 AND due_at <= $3 AND NOT held ORDER BY due_at, lead_id LIMIT $4
"""
_DUE_LEADS = f"""
SELECT {_LEAD_WORDS} FROM leads lead WHERE organization_id = $1 AND id = ANY ($2) FOR NO KEY UPDATE SKIP LOCKED
"""  # noqa: S608 - our own column names
_DUE_TOUCHES = """
SELECT lead_id, touch, delayed_by FROM enrolments
WHERE organization_id = $1 AND campaign_id = $2 AND lead_id = ANY ($4) AND due_at <= $3 AND NOT held
ORDER BY due_at, lead_id FOR NO KEY UPDATE SKIP LOCKED
"""
_DUE_CONTACTS = f"""
SELECT {_CONTACT_WORDS} FROM contacts contact WHERE organization_id = $1 AND id = ANY ($2)
"""  # noqa: S608 - our own column names
_FACTS = f"""
SELECT {_LEAD_WORDS}, {_CONTACT_WORDS}
FROM leads lead JOIN contacts contact ON contact.organization_id = $1 AND contact.id = lead.contact_id
WHERE lead.organization_id = $1 AND lead.dataset_id = $2 AND lead.id = $3 AND """  # noqa: S608
_FINISHED = """
SELECT c.id FROM campaigns c JOIN datasets d ON d.organization_id = $1 AND d.id = c.dataset_id
WHERE c.organization_id = $1 AND c.status = 'active'
  AND NOT EXISTS (SELECT 1 FROM enrolments e WHERE e.organization_id = $1 AND e.campaign_id = c.id)
  AND NOT EXISTS (SELECT 1 FROM sends s WHERE s.organization_id = $1 AND s.campaign_id = c.id
                  AND s.state IN ('planned', 'claimed', 'handed', 'unknown'))
FOR NO KEY UPDATE OF d, c SKIP LOCKED
"""
_NEXT_DUE = """
SELECT coalesce((
  SELECT e.due_at FROM enrolments e WHERE e.organization_id = $1 AND e.due_at IS NOT NULL AND NOT e.held
    AND EXISTS (SELECT 1 FROM campaigns c WHERE c.organization_id = $1 AND c.id = e.campaign_id AND c.status = 'active')
  ORDER BY e.due_at LIMIT 1
), (SELECT $2::timestamptz FROM campaigns WHERE organization_id = $1 AND status = 'active' LIMIT 1))
"""
_FOLLOW_UP = """
UPDATE enrolments e SET touch = n.touch, due_at = n.due_at, delayed_by = NULL
FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[]) AS n(campaign_id, lead_id, touch, due_at)
WHERE e.organization_id = $1 AND e.campaign_id = n.campaign_id AND e.lead_id = n.lead_id AND e.due_at IS NULL
"""


class PostgresCampaigns(PostgresStore[Campaign]):
    """Be the `CampaignStore` and the `Enrolments` of the open unit of work."""

    entity = Campaign
    table = campaigns_table
    noun = "campaign"

    def __init__(self, uow: PostgresUnitOfWork, actor: Actor, visibility: LeadVisibility) -> None:
        super().__init__(uow)
        self._actor = actor
        self._visibility = visibility

    def _sees(self, dataset_id: UUID) -> bool:
        return self._actor.dataset_ids is None or dataset_id in self._actor.dataset_ids

    async def _run(self, statement: str, *parameters: Any) -> str:
        return str(await self.uow.connection.execute(statement, self.uow.organization_id, *parameters))

    async def _rows(self, statement: str, *parameters: Any) -> list[Any]:
        return list(await self.uow.connection.fetch(statement, self.uow.organization_id, *parameters))

    async def of_dataset(self, dataset_id: UUID) -> Campaign | None:
        """Find the campaign of a dataset that the actor may see."""
        return await self.find_one("dataset_id = $2", dataset_id) if self._sees(dataset_id) else None

    async def to_change(self, dataset_id: UUID) -> Campaign | None:
        """Find and lock the campaign of a dataset that is locked already."""
        rows = await self._rows(
            f"{self._select} WHERE organization_id = $1 AND dataset_id = $2 FOR NO KEY UPDATE", dataset_id
        )
        return self.layout.read(rows[0]) if rows else None

    async def dataset_is_there(self, dataset_id: UUID) -> bool:
        """Tell whether there is such a dataset, and lock it."""
        found = await self._rows(
            "SELECT 1 FROM datasets WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL FOR NO KEY UPDATE",
            dataset_id,
        )
        return bool(found) and self._sees(dataset_id)

    async def show_on_dataset(self, campaign: Campaign) -> None:
        """Copy the campaign's status and dates to its dataset."""
        await self._run(
            "UPDATE datasets SET campaign_status = $3, campaign_start_date = coalesce($4, campaign_start_date),"
            " campaign_end_date = coalesce($5, campaign_end_date), version = version + 1"
            " WHERE organization_id = $1 AND id = $2",
            campaign.dataset_id,
            campaign.status.value,
            campaign.started_at,
            campaign.completed_at,
        )

    async def enrol(self, campaign: Campaign, due_at: datetime) -> int:
        """Enrol every READY lead of the dataset."""
        done = await self._run(_ENROL, campaign.id, campaign.dataset_id, due_at)
        return int(done.rsplit(" ", 1)[1])

    async def hold(self, campaign: Campaign) -> None:
        """Put planned and claimed texts back to planned and held."""
        await self._run(_HOLD, campaign.id)

    async def release(self, campaign: Campaign, at: datetime) -> datetime | None:
        """Let held texts go on, spaced afresh; those that a person holds stay held."""
        await self._rows(_LOCK_HELD, campaign.id)
        [row] = await self._rows(_RELEASE, campaign.id, at, campaign.settings.rate_per_minute)
        slot: datetime | None = row[0]
        return slot

    async def counts(self, campaign: Campaign) -> tuple[int, int, list[TouchCounts]]:
        """Count leads, what is still queued, and texts by what became of them."""
        [leads] = await self._rows(
            "SELECT count(*) FROM leads WHERE organization_id = $1 AND dataset_id = $2", campaign.dataset_id
        )
        [queued] = await self._rows(
            "SELECT count(*) FROM enrolments WHERE organization_id = $1 AND campaign_id = $2 AND touch <> 'EXHAUST'",
            campaign.id,
        )
        texts = [
            TouchCounts(
                touch=row["touch"],
                variant=row["variant"],
                state=row["state"],
                verdict_rule=row["rule"],
                delayed_by=row["delayed_by"],
                count=row["count"],
            )
            for row in await self._rows(_COUNTS, campaign.id)
        ]
        return leads[0], queued[0], texts

    async def ai_texts(self, campaign: Campaign) -> list[AiTextCounts]:
        """Count the texts that the AI is to write; what is wanted no more is none."""
        return [AiTextCounts(**dict(row.items())) for row in await self._rows(_AI_TEXTS, campaign.id)]

    async def lead_facts(self, dataset_id: UUID, lead_id: UUID) -> LeadFacts:
        """Give what a template may say of a lead."""
        condition, parameters = self._visibility.sql("lead", first=4)
        rows = await self._rows(_FACTS + condition, dataset_id, lead_id, *parameters)
        if not rows:
            raise NotFound("There is no such lead in this dataset.")
        return LeadFacts(phone=_phone(rows[0]), words=_words(rows[0]))

    async def active(self) -> list[Campaign]:
        """Load and lock all that are active."""
        rows = await self._rows(
            f"{self._select} WHERE organization_id = $1 AND status = 'active' ORDER BY id FOR NO KEY UPDATE"
        )
        return [self.layout.read(row) for row in rows]

    async def can_send(self) -> bool:
        """Tell whether the organisation has a number to send from."""
        return bool(await self._rows("SELECT 1 FROM organizations WHERE organization_id = $1 AND sender IS NOT NULL"))

    async def campaign_with_due(self, besides: Collection[UUID]) -> Campaign | None:
        """Find another active campaign with due enrolments and lock it."""
        rows = await self._rows(_DUE_CAMPAIGN, self.uow.now(), list(besides))
        if not rows:
            return None
        campaign = await self.get_for_update(rows[0]["campaign_id"])
        return campaign if campaign.status == "active" else None

    async def due(self, campaign: Campaign, limit: int) -> list[DueTouch]:
        """Take due enrolments, locked; a list that has just been imported is planned for as large as it is."""
        await forget_plans(self.uow.connection)
        now = self.uow.now()
        ids = [row["lead_id"] for row in await self._rows(_DUE, campaign.id, now, limit)]
        leads = {row["lead_id"]: row for row in await self._rows(_DUE_LEADS, ids)}
        contact_ids = [row["contact_id"] for row in leads.values()]
        contacts = {row["contact_id"]: row for row in await self._rows(_DUE_CONTACTS, contact_ids)}
        return [
            DueTouch(
                lead_id=lead["lead_id"],
                contact_id=lead["contact_id"],
                touch=row["touch"],
                phone=_phone(lead),
                words=_words({**lead, **contacts[lead["contact_id"]]}),
                delayed_by=row["delayed_by"],
            )
            for row in await self._rows(_DUE_TOUCHES, campaign.id, now, list(leads))
            for lead in (leads[row["lead_id"]],)
        ]

    async def pace(self, campaign: Campaign) -> None:
        """Write down which slot is free next."""
        await self._run(
            "UPDATE campaigns SET next_slot = $3 WHERE organization_id = $1 AND id = $2",
            campaign.id,
            campaign.next_slot,
        )

    async def in_flight(self, campaign: Campaign, leads: Sequence[UUID]) -> None:
        """Let these wait for what becomes of their text."""
        await self._run(
            "UPDATE enrolments SET due_at = NULL"
            " WHERE organization_id = $1 AND campaign_id = $2 AND lead_id = ANY ($3)",
            campaign.id,
            leads,
        )

    async def delay(self, campaign: Campaign, later: Sequence[tuple[UUID, datetime, str]]) -> None:
        """Let these be due later, for a reason."""
        await self._run(
            "UPDATE enrolments e SET due_at = l.due_at, delayed_by = l.rule"
            " FROM unnest($3::uuid[], $4::timestamptz[], $5::text[]) AS l(lead_id, due_at, rule)"
            " WHERE e.organization_id = $1 AND e.campaign_id = $2 AND e.lead_id = l.lead_id",
            campaign.id,
            *([entry[n] for entry in later] for n in range(3)),
        )

    async def end(self, campaign: Campaign, leads: Sequence[UUID]) -> None:
        """Enrol these no longer."""
        await self._run(
            "DELETE FROM enrolments WHERE organization_id = $1 AND campaign_id = $2 AND lead_id = ANY ($3)",
            campaign.id,
            leads,
        )

    async def exhaust(self, campaign: Campaign, leads: Sequence[UUID]) -> None:
        """Set leads that never answered to EXHAUSTED."""
        await self._set_status(leads, Cause.LAST_TOUCH_UNANSWERED, ContactStatus.EXHAUSTED)
        await self.end(campaign, leads)

    async def campaigns(self, identifiers: Sequence[UUID]) -> dict[UUID, Campaign]:
        """Load campaigns by id."""
        rows = await self._rows(f"{self._select} WHERE organization_id = $1 AND id = ANY ($2)", identifiers)
        return {row["id"]: self.layout.read(row) for row in rows}

    async def follow_up(self, next_touches: Sequence[tuple[UUID, UUID, str, datetime | None]]) -> None:
        """Set the next touch of leads that are still enrolled."""
        await self._run(_FOLLOW_UP, *([entry[n] for entry in next_touches] for n in range(4)))

    async def contacted(self, leads: Sequence[UUID]) -> None:
        """Note that these leads were texted."""
        await self._set_status(leads, Cause.TEXT_ACCEPTED, ContactStatus.CONTACTED)

    async def unreachable(self, leads: Sequence[UUID]) -> None:
        """Note that nothing reaches these leads, and enrol them no longer."""
        await self._set_status(leads, Cause.PERMANENT_FAILURE, ContactStatus.UNREACHABLE)
        await self._run("DELETE FROM enrolments WHERE organization_id = $1 AND lead_id = ANY ($2)", leads)

    async def refused(self, leads: Sequence[UUID]) -> None:
        """Enrol these no longer."""
        await self._run(
            "DELETE FROM enrolments WHERE organization_id = $1 AND lead_id = ANY ($2) AND due_at IS NULL", leads
        )

    async def _set_status(self, leads: Sequence[UUID], cause: Cause, to: ContactStatus) -> None:
        found, _ = TRANSITIONS[cause]
        await self._run(
            "UPDATE leads SET contact_status = $3 WHERE organization_id = $1 AND id = ANY ($2)"
            " AND contact_status = ANY ($4)",
            leads,
            to.value,
            [status.value for status in found],
        )

    async def finished(self) -> list[Campaign]:
        """Find active campaigns with nobody enrolled and nothing under way."""
        ids = [row["id"] for row in await self._rows(_FINISHED)]
        return list((await self.campaigns(ids)).values())

    async def next_due(self, at_the_latest: datetime) -> datetime | None:
        """Tell when the next enrolment of an active campaign is due."""
        [row] = await self._rows(_NEXT_DUE, at_the_latest)
        due: datetime | None = row[0]
        return due


def _phone(row: Any) -> Phone | None:
    return None if row["phone"] is None else Phone(row["phone"])


def _words(row: Any) -> dict[str, str | None]:
    return {name: row[name] for name in TEMPLATE_VARIABLES}
