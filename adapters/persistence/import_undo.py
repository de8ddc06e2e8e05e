"""What an undo may take, and the taking: everything is locked first, then judged, then removed, in one transaction."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.stale_plans import forget_plans
from application.outreach.import_ports import Collided
from application.outreach.import_undo import TakenBack
from application.outreach.import_views import KeptFor, KeptRow, UndoPreview
from domain.outreach.import_undo import EXPLANATIONS, Touch

SECONDS = 60
_EXAMPLES = 100
_JUDGED_AT_ONCE = 5_000

# `l` is the lead, `r` its row. A campaign's text that never was handed over is cancelled and touches nobody.
TOUCHES: dict[Touch, str] = {
    Touch.MESSAGE: """EXISTS (
      SELECT FROM messages m LEFT JOIN sends s ON s.organization_id = $1 AND s.id = m.id
      WHERE m.organization_id = $1 AND m.lead_id = l.id
        AND NOT (coalesce(s.purpose = 'campaign', false) AND s.handed_at IS NULL))""",
    Touch.NOTE: "EXISTS (SELECT FROM notes n WHERE n.organization_id = $1 AND n.lead_id = l.id)",
    Touch.BOOKING: "EXISTS (SELECT FROM bookings b WHERE b.organization_id = $1 AND b.lead_id = l.id)",
    Touch.EDIT: """(l.version > 1
      OR EXISTS (SELECT FROM lead_tags t WHERE t.organization_id = $1 AND t.lead_id = l.id))""",
    Touch.CONTACT_EDIT: """EXISTS (
      SELECT FROM contacts c WHERE c.organization_id = $1 AND c.id = r.contact_id AND c.version > 1)""",
}
_WHY = "CASE " + " ".join(f"WHEN {condition} THEN '{touch.value}'" for touch, condition in TOUCHES.items()) + " END"
# What else needs a contact `c`.
_NEEDED = {
    "conversations": "EXISTS (SELECT FROM conversations v WHERE v.organization_id = $1 AND v.contact_id = c.id)",
    "consents": "EXISTS (SELECT FROM consents k"
    " WHERE k.organization_id = $1 AND k.address = c.phone AND k.contact_id = c.id)",
}
KNOWN_REFERENCES = {
    "leads": {
        "bookings", "conversations", "enrolments", "evaluation_cases", "insight_evidence", "lead_tags", "messages",
        "notes", "notifications", "sends", "touch_texts",
    },
    "contacts": {"bookings", "conversations", "leads", "notifications"},
}  # fmt: skip
"""Which tables refer to what an undo removes; a test compares it with the schema, so that a new one is thought of.

What a notification tells of, and what the coach quotes, keeps a lead by itself (texts, bookings); both go with the lead
that nothing else keeps.
"""

_ROWS = """
SELECT row, lead_id, contact_id FROM import_rows
WHERE organization_id = $1 AND import_id = $2 AND row < $3 AND outcome = 'created' ORDER BY row DESC LIMIT $4
"""
# In the house's one order. A contact's lock lets new leads wait; a lead's waits for whoever is writing about it.
_LOCKS = (
    "SELECT FROM contacts WHERE organization_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE",
    "SELECT FROM leads WHERE organization_id = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE",
    "SELECT FROM enrolments WHERE organization_id = $1 AND lead_id = ANY ($2) ORDER BY lead_id FOR UPDATE",
    "SELECT FROM sends WHERE organization_id = $1 AND lead_id = ANY ($2) ORDER BY id FOR NO KEY UPDATE",
)
_JUDGE = f"""
SELECT r.row, l.id AS lead_id, l.contact_id AS whose, l.dataset_id, r.contact_id, {_WHY} AS why
FROM unnest($2::bigint[], $3::uuid[], $4::uuid[]) AS r(row, lead_id, contact_id)
LEFT JOIN leads l ON l.organization_id = $1 AND l.id = r.lead_id ORDER BY r.row
"""  # noqa: S608 - our own words
_CANCEL = """
WITH cancelled AS (
  UPDATE sends SET state = 'cancelled', settled_at = $3, batch = NULL, lease_until = NULL
  WHERE organization_id = $1 AND lead_id = ANY ($2) AND state IN ('planned', 'claimed') RETURNING id
), told AS (
  UPDATE messages SET status = 'cancelled' WHERE organization_id = $1 AND id IN (SELECT id FROM cancelled)
)
SELECT count(*) FROM cancelled
"""
# The ledger stays, with its messages and their thread, when the lead goes.
_DETACH = (
    "UPDATE sends SET lead_id = NULL WHERE organization_id = $1 AND lead_id = ANY ($2)",
    "UPDATE messages SET lead_id = NULL WHERE organization_id = $1 AND lead_id = ANY ($2)",
    "UPDATE conversations v SET lead_id = (SELECT m.lead_id FROM messages m WHERE m.organization_id = $1"
    " AND m.conversation_id = v.id AND m.lead_id IS NOT NULL ORDER BY m.created_at DESC, m.id DESC LIMIT 1)"
    " WHERE organization_id = $1 AND lead_id = ANY ($2)",
)
_REMOVE_LEADS = "DELETE FROM leads WHERE organization_id = $1 AND id = ANY ($2)"
_REMOVE_CONTACTS = f"""
DELETE FROM contacts c WHERE organization_id = $1 AND id = ANY ($2) AND version = 1
  AND NOT EXISTS (SELECT FROM leads l WHERE l.organization_id = $1 AND l.contact_id = c.id)
  AND NOT ({" OR ".join(_NEEDED.values())})
"""  # noqa: S608
_MARK = "UPDATE import_rows SET outcome = 'undone' WHERE organization_id = $1 AND import_id = $2 AND row = ANY ($3)"

_NEXT_ROWS = """
SELECT row, lead_id, contact_id FROM import_rows
WHERE organization_id = $1 AND import_id = $2 AND row > $3 AND outcome = 'created' ORDER BY row LIMIT $4
"""
_TEXTS = (
    "SELECT count(*) FROM sends WHERE organization_id = $1 AND lead_id = ANY ($2) AND state IN ('planned', 'claimed')"
)
# Contacts that only leads need, and how many; one with a lead of another dataset stays in any case.
_FREE = f"""
SELECT c.id, (SELECT count(*) FROM leads l WHERE l.organization_id = $1 AND l.contact_id = c.id) AS leads
FROM contacts c
WHERE c.organization_id = $1 AND c.id = ANY ($2) AND c.version = 1
  AND NOT EXISTS (SELECT FROM leads l WHERE l.organization_id = $1 AND l.contact_id = c.id
                  AND l.dataset_id IS DISTINCT FROM $3)
  AND NOT ({" OR ".join(_NEEDED.values())})
"""  # noqa: S608


@dataclass(slots=True)
class _Tally:
    """Add up what an undo would do, rows in the file's order: who made a contact comes before those that share it."""

    leads: int = 0
    contacts: int = 0
    texts: int = 0
    kept: Counter[Touch] = field(default_factory=Counter)
    examples: list[KeptRow] = field(default_factory=list)
    waiting: dict[UUID, int] = field(default_factory=dict)

    def keep(self, row: int, lead_id: UUID, why: Touch) -> None:
        self.kept[why] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(KeptRow(row=row, lead_id=lead_id, reason=why))

    def let_go(self, contact_id: UUID) -> None:
        """Count a lead that goes, and with the last one its contact."""
        self.leads += 1
        left = self.waiting.get(contact_id)
        if left is None:
            return
        if left == 1:
            self.contacts += 1
            del self.waiting[contact_id]
        else:
            self.waiting[contact_id] = left - 1

    def shown(self, import_id: UUID) -> UndoPreview:
        return UndoPreview(
            import_id=import_id,
            leads_to_remove=self.leads,
            contacts_to_remove=self.contacts,
            texts_to_cancel=self.texts,
            leads_to_keep=self.kept.total(),
            kept=[
                KeptFor(reason=why, explanation=EXPLANATIONS[why], leads=self.kept[why])
                for why in Touch
                if self.kept[why]
            ],
            examples=self.examples,
        )


class PostgresUndo:
    """Be the `UndoStore` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def _rows(self, statement: str, *parameters: Any) -> list[Any]:
        connection = self._uow.connection
        return list(await connection.fetch(statement, self._uow.organization_id, *parameters, timeout=SECONDS + 1))

    async def preview(self, import_id: UUID) -> UndoPreview:
        """Judge every lead that the import created, batch by batch; a million take some seconds."""
        tally, after = _Tally(), 0
        await forget_plans(self._uow.connection)
        while rows := await self._rows(_NEXT_ROWS, import_id, after, _JUDGED_AT_ONCE):
            after = rows[-1]["row"]
            judged = [row for row in await self._judge(rows) if row["lead_id"] is not None]
            made = [row["contact_id"] for row in judged if row["contact_id"] is not None and row["why"] is None]
            if made:
                free = await self._rows(_FREE, made, judged[0]["dataset_id"])
                tally.waiting.update((row["id"], row["leads"]) for row in free)
            for row in judged:
                if row["why"] is None:
                    tally.let_go(row["whose"])
                else:
                    tally.keep(row["row"], row["lead_id"], Touch(row["why"]))
            going = [row["lead_id"] for row in judged if row["why"] is None]
            tally.texts += (await self._rows(_TEXTS, going))[0][0]
        return tally.shown(import_id)

    async def _judge(self, rows: list[Any]) -> list[Any]:
        return await self._rows(_JUDGE, *([row[name] for row in rows] for name in ("row", "lead_id", "contact_id")))

    async def last_undo(self, undo_job_id: UUID | None) -> str | None:
        """Tell the status of the last undo's job."""
        rows = await self._rows("SELECT status FROM jobs WHERE organization_id = $1 AND id = $2", undo_job_id)
        return rows[0]["status"] if rows else None

    async def has_ended(self, job_id: UUID | None) -> bool:
        """Tell whether an import's job is over."""
        return not await self._rows(
            "SELECT 1 FROM jobs WHERE organization_id = $1 AND id = $2 AND finished_at IS NULL", job_id
        )

    async def take_back(self, import_id: UUID, below: int | None, limit: int) -> TakenBack | None:
        """Remove what may go of the next rows."""
        rows = await self._rows(_ROWS, import_id, (1 << 62) if below is None else below, limit)
        if not rows:
            return None
        try:
            return await self._take_back(import_id, rows)
        except asyncpg.DeadlockDetectedError as error:
            raise Collided("deadlock") from error

    async def _take_back(self, import_id: UUID, rows: list[Any]) -> TakenBack:
        connection, organization_id = self._uow.connection, self._uow.organization_id
        leads = [row["lead_id"] for row in rows]
        made = [row["contact_id"] for row in rows if row["contact_id"] is not None]
        for lock in _LOCKS:
            await connection.execute(lock, organization_id, made if "contacts" in lock else leads, timeout=SECONDS)
        judged = await self._judge(rows)
        going = [row["lead_id"] for row in judged if row["lead_id"] is not None and row["why"] is None]
        [(cancelled,)] = await self._rows(_CANCEL, going, self._uow.now())
        for detach in _DETACH:
            await connection.execute(detach, organization_id, going, timeout=SECONDS)
        await connection.execute(_REMOVE_LEADS, organization_id, going, timeout=SECONDS)
        theirs = [row["contact_id"] for row in judged if row["why"] is None and row["contact_id"] is not None]
        removed = await connection.execute(_REMOVE_CONTACTS, organization_id, theirs, timeout=SECONDS)
        gone = [row["row"] for row in judged if row["why"] is None]
        await connection.execute(_MARK, organization_id, import_id, gone, timeout=SECONDS)
        return TakenBack(
            below=rows[-1]["row"],
            leads=len(going),
            contacts=int(removed.rsplit(" ", 1)[1]),
            cancelled_texts=cancelled,
            kept=sum(row["why"] is not None for row in judged),
        )
