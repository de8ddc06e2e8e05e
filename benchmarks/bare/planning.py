"""The bare planning: one statement a batch of 1,000 that claims what is due and inserts it into a ledger of its own."""

from typing import Any
from uuid import UUID

BATCH = 1000
TABLES = """
DROP TABLE IF EXISTS bare_enrolments, bare_sends;
CREATE TABLE bare_enrolments (LIKE enrolments INCLUDING ALL);
CREATE TABLE bare_sends (LIKE sends INCLUDING ALL)
"""
FILL = "INSERT INTO bare_enrolments SELECT * FROM enrolments WHERE organization_id = $1 AND campaign_id = $2"
_PLAN = """
WITH due AS (
  SELECT campaign_id, lead_id FROM bare_enrolments
  WHERE organization_id = $1 AND due_at <= $2 AND NOT held ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
), claimed AS (
  UPDATE bare_enrolments e SET due_at = NULL FROM due
  WHERE e.organization_id = $1 AND e.campaign_id = due.campaign_id AND e.lead_id = due.lead_id
  RETURNING e.campaign_id, e.lead_id, e.touch
)
INSERT INTO bare_sends (organization_id, id, natural_key, purpose, channel, campaign_id, touch, variant, lead_id,
                        contact_id, conversation_id, recipient, sender, due_at, verdict, reasons, created_at)
SELECT $1, gen_random_uuid(), concat_ws(':', c.campaign_id, c.touch, c.lead_id), 'campaign', 'sms', c.campaign_id,
       c.touch, 'A', c.lead_id, l.contact_id, l.contact_id, l.phone, '', $2, 'allow', '[]', $2
FROM claimed c JOIN leads l ON l.organization_id = $1 AND l.id = c.lead_id
"""


async def plan(connection: Any, organization_id: UUID, now: Any) -> int:
    """Plan all that is due; gives how many."""
    planned = 0
    while (done := int((await connection.execute(_PLAN, organization_id, now, BATCH)).rpartition(" ")[2])) > 0:
        planned += done
    return planned
