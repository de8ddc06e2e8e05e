"""Imports: what is known of the people in a batch, and the batch itself, in a few statements each."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.erased_addresses import ErasedAddresses
from adapters.persistence.schema.outreach import import_staging
from adapters.persistence.schema.outreach import imports as imports_table
from adapters.persistence.stale_plans import forget_plans
from adapters.persistence.store import PostgresStore, encode_json
from application.agenda import Agenda
from application.outreach.campaigns import PLAN
from application.outreach.import_ports import Collided, FailedCells, ImportPlan
from application.ports import Actor
from domain.outreach.column_mapping import Mapped
from domain.outreach.import_rules import FailedRow, KnownPeople, PlannedLead, ReadRow
from domain.outreach.lead_import import LeadImport
from domain.outreach.upload import TableShape

SECONDS = 100
"""How long one statement of a batch may take; the pool's own limit is for requests."""

_PLAN = """
SELECT i.id AS import_id, i.dataset_id, u.file_key, u.filename, u.shape, i.mapping, i.records_done,
       o.country, d.source, u.created_by,
       (SELECT s.key FROM stages s JOIN pipelines p ON p.organization_id = $1 AND p.id = s.pipeline_id
        WHERE s.organization_id = $1 AND s.category = 'open' ORDER BY p.is_default DESC, s.position LIMIT 1) AS stage
FROM imports i
JOIN uploads u ON u.organization_id = $1 AND u.id = i.upload_id
JOIN datasets d ON d.organization_id = $1 AND d.id = i.dataset_id AND d.deleted_at IS NULL
JOIN organizations o ON o.organization_id = $1
WHERE i.organization_id = $1 AND i.id = $2
"""
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('import'), hashtext($1))"
# A plan kept from the first batch knows neither how long the arrays are nor how the tables have grown since. The
# inserts are spared this: it would plan every check of a foreign key anew.
_PLAN_AFRESH = "SET LOCAL plan_cache_mode = force_custom_plan"
_KEEP_PLANS = "SET LOCAL plan_cache_mode = auto"
_LOCK_DATASET = "SELECT 1 FROM datasets WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL FOR NO KEY UPDATE"
_PHONES = "SELECT phone FROM leads WHERE organization_id = $1 AND dataset_id = $2 AND phone = ANY ($3)"
_BY_EMAIL = "SELECT email, id FROM contacts WHERE organization_id = $1 AND email = ANY ($2)"
_BY_PHONE = """
SELECT phone, last_name, id FROM contacts WHERE organization_id = $1 AND phone = ANY ($2) ORDER BY created_at DESC, id
"""
_SUPPRESSED = "SELECT address FROM suppressions WHERE organization_id = $1 AND address = ANY ($2)"
_STAGED = "FROM import_staging WHERE import_id = $2 AND row BETWEEN $3 AND $4"
_CONTACTS = f"""
INSERT INTO contacts (organization_id, id, first_name, last_name, name_key, email, phone, phone_type, sms_eligible,
                      zones, country, postcode, company_name, source, created_by, created_at, updated_at)
SELECT $1, contact_id, first_name, last_name, name_key, email, phone, phone_type, sms_eligible,
       zones, country, postcode, company_name, source, $5, $6, $6
{_STAGED} AND is_new_contact
"""
_REACHABLE_AGAIN = f"""
UPDATE contacts c SET phone = s.phone, phone_type = s.phone_type, sms_eligible = s.sms_eligible, zones = s.zones,
       country = s.country, updated_at = $5, version = version + 1
FROM (SELECT DISTINCT ON (contact_id) * {_STAGED} AND NOT is_new_contact ORDER BY contact_id, row) s
WHERE c.organization_id = $1 AND c.id = s.contact_id AND c.phone IS NULL
"""  # noqa: S608
_LEADS = f"""
INSERT INTO leads (organization_id, id, contact_id, dataset_id, stage, contact_status, phone, name_key, source,
                   inquiry_date, product, notes, created_by, created_at, updated_at)
SELECT $1, lead_id, contact_id, $5, $6, contact_status, phone, name_key, source,
       inquiry_date, product, notes, $7, $8, $8
{_STAGED}
"""
_UNSTAGE = "DELETE FROM import_staging WHERE organization_id = $1 AND import_id = $2 AND row BETWEEN $3 AND $4"
_OUTCOMES = """
INSERT INTO import_rows (organization_id, import_id, row, outcome, ineligible, lead_id, contact_id, reason, cells)
SELECT $1, $2, n.row, n.outcome, n.ineligible, n.lead_id, n.contact_id, n.reason, n.cells
FROM unnest($3::bigint[], $4::text[], $5::bool[], $6::uuid[], $7::uuid[], $8::text[], $9::jsonb[])
     AS n(row, outcome, ineligible, lead_id, contact_id, reason, cells)
"""
_REASONS = """
SELECT row, reason FROM import_rows
WHERE organization_id = $1 AND import_id = $2 AND outcome = 'failed' ORDER BY row LIMIT $3
"""
# One row after the other, since what fails may take 2 MB a row: a page ends with the row that fills it.
_FAILED = """
WITH RECURSIVE page AS (
  (SELECT row, reason, cells, octet_length(cells::text) AS size, 1 AS place FROM import_rows
   WHERE organization_id = $1 AND import_id = $2 AND row > $3 AND outcome = 'failed' ORDER BY row LIMIT 1)
  UNION ALL
  SELECT following.row, following.reason, following.cells,
         page.size + octet_length(following.cells::text), page.place + 1
  FROM page CROSS JOIN LATERAL (
    SELECT row, reason, cells FROM import_rows
    WHERE organization_id = $1 AND import_id = $2 AND row > page.row AND outcome = 'failed' ORDER BY row LIMIT 1
  ) AS following WHERE page.size < $4 AND page.place < $5
)
SELECT row, reason, cells FROM page ORDER BY row
"""
_PAGE_BYTES, _PAGE_ROWS = 1_000_000, 1_000
_ENROL = """
INSERT INTO enrolments (organization_id, campaign_id, lead_id, touch, due_at)
SELECT $1, c.id, l.id, 'M1', $4 FROM campaigns c, unnest($3::uuid[]) AS l(id)
WHERE c.organization_id = $1 AND c.dataset_id = $2 AND c.status IN ('active', 'paused')
"""
_STAGING_COLUMNS = [column.name for column in import_staging.columns]


class PostgresImports(PostgresStore[LeadImport]):
    """Be the `ImportStore` of the open unit of work."""

    entity = LeadImport
    table = imports_table
    noun = "import"

    def __init__(self, uow: PostgresUnitOfWork, actor: Actor, erased: ErasedAddresses) -> None:
        super().__init__(uow)
        self._actor = actor
        self._erased = erased

    async def plan(self, import_id: UUID) -> ImportPlan | None:
        """Give what an import is about."""
        row = await self.uow.connection.fetchrow(_PLAN, self.uow.organization_id, import_id)
        if row is None:
            return None
        if self._actor.dataset_ids is not None and row["dataset_id"] not in self._actor.dataset_ids:
            return None
        return ImportPlan(
            import_id=row["import_id"],
            dataset_id=row["dataset_id"],
            file_key=row["file_key"],
            filename=row["filename"],
            shape=msgspec.json.decode(row["shape"], type=TableShape),
            mapping=msgspec.json.decode(row["mapping"], type=Mapped),
            records_done=row["records_done"],
            country=row["country"],
            stage=row["stage"],
            source=row["source"],
            created_by=row["created_by"],
        )

    async def claim(self, plan: ImportPlan) -> LeadImport | None:
        """Lock in this order: the organisation's imports, the dataset (a campaign's start locks it too), the import."""
        connection, organization_id = self.uow.connection, self.uow.organization_id
        await forget_plans(connection)
        await connection.execute(_ONE_AT_A_TIME, str(organization_id), timeout=SECONDS)
        if not await connection.fetchval(_LOCK_DATASET, organization_id, plan.dataset_id, timeout=SECONDS):
            return None
        return await self.get_for_update(plan.import_id)

    async def known(self, plan: ImportPlan, rows: Sequence[ReadRow]) -> KnownPeople:
        """Look the numbers and addresses of a batch up, each kind in one query over its index."""
        await self.uow.connection.execute(_PLAN_AFRESH)
        known = await self._known(plan, rows)
        await self.uow.connection.execute(_KEEP_PLANS)
        return known

    async def _known(self, plan: ImportPlan, rows: Sequence[ReadRow]) -> KnownPeople:
        phones = list({row.phone for row in rows})
        known = KnownPeople(phones={row[0] for row in await self._rows(_PHONES, plan.dataset_id, phones)})
        fresh = [row for row in rows if row.phone not in known.phones]
        if not fresh:
            return known
        emails = list({row.email for row in fresh if row.email is not None})
        numbers = list({row.phone for row in fresh})
        if emails:
            known.by_email = {row[0]: row[1] for row in await self._rows(_BY_EMAIL, emails)}
        known.by_phone = {(row[0], (row[1] or "").lower()): row[2] for row in await self._rows(_BY_PHONE, numbers)}
        await self._erased.recall(numbers + emails)
        known.suppressed = {row[0] for row in await self._rows(_SUPPRESSED, numbers + emails)}
        return known

    async def _rows(self, statement: str, *parameters: Any) -> list[Any]:
        connection = self.uow.connection
        return list(await connection.fetch(statement, self.uow.organization_id, *parameters, timeout=SECONDS))

    async def stage(self, plan: ImportPlan, leads: Sequence[PlannedLead]) -> None:
        """COPY into the staging table: row-level security refuses COPY elsewhere."""
        if leads:
            organization_id = self.uow.organization_id
            await self.uow.connection.copy_records_to_table(
                "import_staging",
                records=((organization_id, plan.import_id, *_staged(lead, plan.source)) for lead in leads),
                columns=_STAGING_COLUMNS,
                timeout=SECONDS,
            )

    async def write(
        self,
        plan: ImportPlan,
        leads: Sequence[PlannedLead],
        duplicates: Sequence[tuple[int, str]],
        failed: Sequence[FailedRow],
        at: datetime,
    ) -> None:
        """Insert from what is staged."""
        connection, organization_id = self.uow.connection, self.uow.organization_id
        if leads:
            batch = (organization_id, plan.import_id, leads[0].row.line, leads[-1].row.line)
            try:
                # PostgreSQL and this process work side by side: the outcomes are laid out meanwhile.
                _, outcomes = await asyncio.gather(
                    connection.execute(_CONTACTS, *batch, plan.created_by, at, timeout=SECONDS),
                    asyncio.to_thread(_outcomes, leads, duplicates, failed),
                )
                if not all(lead.is_new_contact for lead in leads):
                    await connection.execute(_REACHABLE_AGAIN, *batch, at, timeout=SECONDS)
                by = (plan.dataset_id, plan.stage, plan.created_by, at)
                await connection.execute(_LEADS, *batch, *by, timeout=SECONDS)
            except (
                asyncpg.UniqueViolationError,
                asyncpg.ForeignKeyViolationError,
                asyncpg.DeadlockDetectedError,
            ) as error:
                raise Collided(error.constraint_name) from error
            await connection.execute(_UNSTAGE, *batch, timeout=SECONDS)
        else:
            outcomes = _outcomes(leads, duplicates, failed)
        await connection.execute(_OUTCOMES, organization_id, plan.import_id, *outcomes, timeout=SECONDS)

    async def reasons(self, import_id: UUID, limit: int) -> list[tuple[int, str]]:
        """Give the first failed rows' lines and reasons."""
        return [(row["row"], row["reason"]) for row in await self._rows(_REASONS, import_id, limit)]

    async def failed(self, import_id: UUID, after_row: int) -> list[FailedCells]:
        """Give the next page of failed rows past a line."""
        rows = await self._rows(_FAILED, import_id, after_row, _PAGE_BYTES, _PAGE_ROWS)
        return [FailedCells(row["row"], row["reason"], msgspec.json.decode(row["cells"])) for row in rows]


def _staged(lead: PlannedLead, source: str | None) -> tuple[Any, ...]:
    row = lead.row
    return (
        row.line,
        lead.lead_id,
        lead.contact_id,
        lead.is_new_contact,
        lead.contact_status.value,
        row.phone,
        row.line_type,
        row.sms_eligible,
        row.zones,
        row.country,
        row.first_name,
        row.last_name,
        lead.name_key,
        row.email,
        row.postcode,
        row.inquiry_date,
        row.product,
        row.company,
        row.source or source,
        row.notes,
    )


def _outcomes(
    leads: Sequence[PlannedLead], duplicates: Sequence[tuple[int, str]], failed: Sequence[FailedRow]
) -> list[list[Any]]:
    """Lay the rows' outcomes out by column: row, outcome, ineligible, lead, contact that it made, reason, cells."""
    outcomes = [
        *(
            (
                lead.row.line,
                "created",
                not lead.row.sms_eligible,
                lead.lead_id,
                lead.contact_id if lead.is_new_contact else None,
                lead.reason,
                None,
            )
            for lead in leads
        ),
        *((line, "duplicate", False, None, None, reason, None) for line, reason in duplicates),
        *((row.line, "failed", False, None, None, row.reason, _cells(row)) for row in failed),
    ]
    return [list(column) for column in zip(*outcomes, strict=True)]


def _cells(row: FailedRow) -> str:
    return encode_json([cell.replace("\0", "") for cell in row.cells])


class PostgresEnrols:
    """Be outreach's `Enrols`."""

    def __init__(self, uow: PostgresUnitOfWork, agenda: Agenda) -> None:
        self._uow = uow
        self._agenda = agenda

    async def after_import(self, dataset_id: UUID, leads: Sequence[UUID], at: datetime) -> int:
        """Enrol READY leads, due at once, or when a paused campaign goes on.

        The dataset is locked, so that a campaign that starts meanwhile waits.
        """
        if not leads:
            return 0
        done = await self._uow.connection.execute(
            _ENROL, self._uow.organization_id, dataset_id, leads, at, timeout=SECONDS
        )
        enrolled = int(done.rsplit(" ", 1)[1])
        if enrolled:
            await self._agenda.no_later_than(PLAN, at)
        return enrolled
