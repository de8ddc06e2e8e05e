"""What a new organisation starts with: the default sales pipeline and the system's tags (`api.md`, part 1)."""

from datetime import datetime
from uuid import UUID

from adapters.persistence.database import PostgresUnitOfWork
from domain.kernel import new_id

STAGES = (
    ("NEW_LEAD", "New lead", "open"),
    ("CONTACTED", "Contacted", "open"),
    ("QUALIFIED", "Qualified", "open"),
    ("PROPOSAL", "Proposal", "open"),
    ("NEGOTIATION", "Negotiation", "open"),
    ("WON", "Won", "won"),
    ("LOST", "Lost", "lost"),
    ("BOGUS", "Bogus", "bogus"),
)
TAGS = (("won", "Won"), ("dnc", "Do not contact"))


class PostgresFoundation:
    """Lay it in the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def lay(self, organization_id: UUID, at: datetime) -> None:
        """Insert pipeline, stages and tags."""
        connection = self._uow.connection
        pipeline_id = new_id()
        await connection.execute(
            "INSERT INTO pipelines (organization_id, id, name, is_default, created_at) VALUES ($1, $2, $3, true, $4)",
            organization_id,
            pipeline_id,
            "Sales",
            at,
        )
        await connection.executemany(
            "INSERT INTO stages (organization_id, id, pipeline_id, key, name, category, position)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            [
                (organization_id, new_id(), pipeline_id, key, name, category, position)
                for position, (key, name, category) in enumerate(STAGES, 1)
            ],
        )
        await connection.executemany(
            "INSERT INTO tags (organization_id, id, slug, name, category, is_system, sort_order, created_at)"
            " VALUES ($1, $2, $3, $4, 'SYSTEM', true, $5, $6)",
            [(organization_id, new_id(), slug, name, order, at) for order, (slug, name) in enumerate(TAGS, 1)],
        )
