"""Counts of what happened, in the transaction that moves their place in the log on."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.stale_plans import forget_plans
from adapters.persistence.told import told_of
from application.analytics.facts import COUNTED
from domain.analytics.tally import Fact, Progress, Tally

SECONDS = 110
"""How long one statement may take while everything is counted anew."""
MANY = 200
"""From so many leads on, a batch is planned for as large as the tables are now."""
_MAKE_PLACE = """
INSERT INTO feed_places (organization_id, reader, position) VALUES ($1, 'rollups', 0) ON CONFLICT DO NOTHING
"""
_PLACE = "SELECT position FROM feed_places WHERE organization_id = $1 AND reader = 'rollups' FOR UPDATE"
_MOVE_ON = "UPDATE feed_places SET position = $2 WHERE organization_id = $1 AND reader = 'rollups'"
# Of an event that is not counted only the position is read.
_TOLD = """
SELECT f.position, f.event_id, f.type, e.subject, e.at, e.data::text AS data
FROM feed f LEFT JOIN events e ON e.organization_id = $1 AND e.id = f.event_id AND f.type = ANY ($3)
WHERE f.organization_id = $1 AND f.position > $2 ORDER BY f.position LIMIT $4
"""
_PROGRESS = """
SELECT lead_id, dataset_id, first_text_at, texts, campaign_id, touch, variant, marks FROM lead_progress
WHERE organization_id = $1 AND lead_id = ANY ($2)
"""
_LEADS = "SELECT id, dataset_id FROM leads WHERE organization_id = $1 AND id = ANY ($2)"
# A deletion has its dataset first and its counts then; who counts takes them in the same order, or one of both would
# be ended by PostgreSQL.
_KEEP_ALL = "SELECT FROM datasets WHERE organization_id = $1 ORDER BY id FOR KEY SHARE"
_KEEP_DATASETS = "SELECT FROM datasets WHERE organization_id = $1 AND id = ANY ($2) ORDER BY id FOR KEY SHARE"
# A dataset that is being deleted takes its counts along.
_ADD = """
INSERT INTO rollups (organization_id, id, dataset_id, quarter, kind, count)
SELECT $1, uuidv7(), n.dataset_id, n.quarter, n.kind, n.count
FROM unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::bigint[]) AS n(dataset_id, quarter, kind, count)
WHERE n.dataset_id IS NULL OR EXISTS (SELECT FROM datasets d WHERE d.organization_id = $1 AND d.id = n.dataset_id)
ON CONFLICT (organization_id, quarter, kind, dataset_id) DO UPDATE SET count = rollups.count + excluded.count
"""
_ADD_RESULTS = """
INSERT INTO touch_results (organization_id, campaign_id, touch, variant, what, count)
SELECT $1, n.campaign_id, n.touch, n.variant, n.what, n.count
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[]) AS n(campaign_id, touch, variant, what, count)
WHERE EXISTS (SELECT FROM campaigns c WHERE c.organization_id = $1 AND c.id = n.campaign_id)
ON CONFLICT (organization_id, campaign_id, touch, variant, what)
DO UPDATE SET count = touch_results.count + excluded.count
"""
_KEEP = """
INSERT INTO lead_progress (organization_id, lead_id, dataset_id, first_text_at, texts, campaign_id, touch, variant,
                           marks)
SELECT $1, n.lead_id, n.dataset_id, n.first_text_at, n.texts, n.campaign_id, n.touch, n.variant,
       CASE n.marks WHEN '' THEN '{}' ELSE string_to_array(n.marks, ' ') END
FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::bigint[], $6::uuid[], $7::text[], $8::text[], $9::text[])
     AS n(lead_id, dataset_id, first_text_at, texts, campaign_id, touch, variant, marks)
WHERE n.dataset_id IS NULL OR EXISTS (SELECT FROM datasets d WHERE d.organization_id = $1 AND d.id = n.dataset_id)
ON CONFLICT (organization_id, lead_id) DO UPDATE
SET first_text_at = excluded.first_text_at, texts = excluded.texts, campaign_id = excluded.campaign_id,
    touch = excluded.touch, variant = excluded.variant, marks = excluded.marks
"""
_ANEW = (
    "DELETE FROM rollups WHERE organization_id = $1",
    "DELETE FROM touch_results WHERE organization_id = $1",
    "UPDATE lead_progress SET first_text_at = NULL, texts = 0, campaign_id = NULL, touch = NULL, variant = NULL,"
    " marks = '{}' WHERE organization_id = $1",
)


class PostgresRollups:
    """Be the `Rollups` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def take_place(self, *, wait: bool) -> int | None:
        """Lock the organisation's one row, which is made when it is first asked for."""
        await self._run(_MAKE_PLACE)
        rows = await self._rows(_PLACE if wait else f"{_PLACE} SKIP LOCKED")
        return int(rows[0]["position"]) if rows else None

    async def told_after(self, position: int, most: int) -> tuple[Sequence[Sequence[Fact]], int, bool]:
        """Read on in the order in which events became visible (decision 3)."""
        rows = await self._rows(_TOLD, position, list(COUNTED), most)
        return told_of(rows), rows[-1]["position"] if rows else position, len(rows) < most

    async def progress(self, leads: Collection[UUID]) -> Mapping[UUID, Progress]:
        """Give what is kept, else what the lead itself says of its dataset."""
        known = {
            row["lead_id"]: Progress(**{**dict(row), "marks": set(row["marks"])})
            for row in await self._rows(_PROGRESS, list(leads))
        }
        others = [lead for lead in leads if lead not in known]
        begun = await self._rows(_LEADS, others) if others else []
        return known | {row["id"]: Progress(lead_id=row["id"], dataset_id=row["dataset_id"]) for row in begun}

    async def add(self, tally: Tally, progress: Collection[Progress], position: int) -> None:
        """Write all of a batch by a statement a table, rows in one order."""
        if len(progress) >= MANY:
            await forget_plans(self._uow.connection)
        # Ids first: a dataset that is none comes before all others.
        counts = sorted(tally.counts.items(), key=lambda one: (str(one[0][0] or ""), *one[0][1:]))
        if counts:
            await self._rows(_KEEP_DATASETS, list({place[0] for place, _ in counts if place[0] is not None}))
            await self._run(_ADD, *([key[n] for key, _ in counts] for n in range(3)), [count for _, count in counts])
        results = sorted(tally.results.items())
        if results:
            arms = ([arm[n] for arm, _ in results] for n in range(4))
            await self._run(_ADD_RESULTS, *arms, [count for _, count in results])
        if progress:
            kept = sorted(progress, key=lambda one: one.lead_id)
            await self._run(
                _KEEP,
                [one.lead_id for one in kept],
                [one.dataset_id for one in kept],
                [one.first_text_at for one in kept],
                [one.texts for one in kept],
                [one.campaign_id for one in kept],
                [one.touch for one in kept],
                [one.variant for one in kept],
                [" ".join(sorted(one.marks)) for one in kept],
            )
        await self._run(_MOVE_ON, position)

    async def begin_anew(self) -> None:
        """Empty the counts, and keep of each lead its dataset."""
        await self._rows(_KEEP_ALL)
        for statement in _ANEW:
            await self._run(statement)

    async def _rows(self, statement: str, *values: Any) -> list[Any]:
        connection, organization_id = self._uow.connection, self._uow.organization_id
        return list(await connection.fetch(statement, organization_id, *values, timeout=SECONDS))

    async def _run(self, statement: str, *values: Any) -> None:
        await self._uow.connection.execute(statement, self._uow.organization_id, *values, timeout=SECONDS)
