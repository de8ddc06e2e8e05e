"""How many leads each insight concerns, reckoned anew where evidence went with the leads that it was about."""

from typing import Any
from uuid import UUID

from adapters.persistence.database import PostgresUnitOfWork

# What nobody decided and nothing shows any more was never an insight for anybody.
_FORGET = """
DELETE FROM insights i WHERE i.organization_id = $1 AND i.status IN ('pending', 'viewed') AND NOT EXISTS (
  SELECT FROM insight_evidence e WHERE e.organization_id = $1 AND e.insight_id = i.id)
"""
_RECOUNT = """
WITH counted AS (
  SELECT i.id, (SELECT count(DISTINCT coalesce(e.lead_id, e.conversation_id)) FROM insight_evidence e
                WHERE e.organization_id = $1 AND e.insight_id = i.id) AS leads
  FROM insights i WHERE i.organization_id = $1 ORDER BY i.fingerprint, i.id FOR NO KEY UPDATE
)
UPDATE insights i SET affected_leads = counted.leads FROM counted
WHERE i.organization_id = $1 AND i.id = counted.id AND i.affected_leads <> counted.leads
"""


async def recount_insights(connection: Any, organization_id: UUID) -> None:
    """Count what still shows each insight, and forget those that wait without any."""
    await connection.execute(_RECOUNT, organization_id)
    await connection.execute(_FORGET, organization_id)


class PostgresInsightCounts:
    """Be the `EvidenceCounts` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def renew(self) -> None:
        """Count anew."""
        await recount_insights(self._uow.connection, self._uow.organization_id)
