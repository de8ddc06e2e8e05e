"""Accounts, memberships and organisations in PostgreSQL."""

from dataclasses import dataclass
from uuid import UUID

from adapters.persistence.database import Database
from domain.identity.role import Role


@dataclass(frozen=True, slots=True)
class Admission:
    """Tell what the database knows of somebody at the door: the token's version, the role, what narrows the view."""

    token_version: int
    role: Role
    can_view_all_leads: bool
    dataset_ids: frozenset[UUID] | None


_ADMISSION = """
SELECT a.token_version, m.role, m.can_view_all_leads, m.dataset_ids
FROM accounts a JOIN memberships m ON m.account_id = a.id
WHERE a.id = $1 AND m.organization_id = $2 AND m.is_active
"""


class Admissions:
    """Look up who is at the door, on every request, by primary keys; these tables stand outside tenancy."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, account_id: UUID, organization_id: UUID) -> Admission | None:
        """Find an active membership, or None."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_ADMISSION, account_id, organization_id)
        if row is None:
            return None
        version, role, sees_all, datasets = row
        return Admission(version, Role(role), sees_all, None if datasets is None else frozenset(datasets))
