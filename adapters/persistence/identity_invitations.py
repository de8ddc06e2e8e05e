"""Invitations in PostgreSQL; a day is counted on the database's own clock."""

from datetime import datetime
from typing import Any
from uuid import UUID

from adapters.persistence.database import PostgresUnitOfWork
from domain.identity.invitation import LIFE, Invitation
from domain.kernel import NotFound, Phone

_COLUMNS = "id, organization_id, account_id, token_hash, invited_by, first_name, last_name, phone, expires_at"
_GOOD = "ended_at IS NULL AND expires_at > clock_timestamp()"


def _invitation(row: Any) -> Invitation:
    values = dict(row.items())
    return Invitation(**values | {"phone": None if values["phone"] is None else Phone(values["phone"])})


class PostgresInvitations:
    """Keep invitations, outside tenancy; what is asked by person is asked of the unit of work's organisation."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def add(self, invitation: Invitation) -> None:
        """Insert one, good from now on, and set `expires_at`."""
        invitation.expires_at = await self._uow.connection.fetchval(
            "INSERT INTO invitations (id, organization_id, account_id, token_hash, invited_by, first_name, last_name,"
            " phone, created_at, expires_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp(), clock_timestamp() + $9) RETURNING expires_at",
            invitation.id,
            invitation.organization_id,
            invitation.account_id,
            invitation.token_hash,
            invitation.invited_by,
            invitation.first_name,
            invitation.last_name,
            invitation.phone,
            LIFE,
        )

    async def open(self, identifier: UUID) -> Invitation | None:
        """Load one that is still good."""
        return await self._one(f"id = $1 AND {_GOOD}", identifier)

    async def by_link(self, token_hash: bytes) -> Invitation | None:
        """Load one that is still good by its link."""
        return await self._one(f"token_hash = $1 AND {_GOOD}", token_hash)

    async def latest(self, account_id: UUID) -> Invitation:
        """Load the last one of a person into the organisation, good or not."""
        found = await self._one(
            "account_id = $1 AND organization_id = $2 ORDER BY id DESC LIMIT 1", account_id, self._uow.organization_id
        )
        if found is None:
            raise NotFound("This person was never invited.")
        return found

    async def _one(self, condition: str, *arguments: Any) -> Invitation | None:
        row = await self._uow.connection.fetchrow(
            f"SELECT {_COLUMNS} FROM invitations WHERE {condition}",  # noqa: S608 - conditions of our own
            *arguments,
        )
        return None if row is None else _invitation(row)

    async def take(self, token_hash: bytes) -> datetime | None:
        """Use a good one up, and tell when; whoever comes second waits on the row and is told None."""
        taken: datetime | None = await self._uow.connection.fetchval(
            f"UPDATE invitations SET ended_at = clock_timestamp() WHERE token_hash = $1 AND {_GOOD}"  # noqa: S608
            " RETURNING ended_at",
            token_hash,
        )
        return taken

    async def end_all(self, account_id: UUID, reason: str) -> None:
        """End those of a person into the organisation, and cancel their mails that have not left."""
        await self._uow.connection.execute(
            "WITH ended AS (UPDATE invitations SET ended_at = clock_timestamp()"
            " WHERE account_id = $2 AND organization_id = $1 AND ended_at IS NULL RETURNING id)"
            " UPDATE mails SET state = 'cancelled', reason = $3, settled_at = clock_timestamp()"
            " WHERE organization_id = $1 AND kind = 'invitation' AND subject IN (SELECT id FROM ended)"
            " AND state = 'planned'",
            self._uow.organization_id,
            account_id,
            reason,
        )

    async def rename(self, account_id: UUID, values: dict[str, Any]) -> tuple[str, ...]:
        """Call the invited person otherwise; gives the names of the fields that changed."""
        last = await self.latest(account_id)
        changed = tuple(name for name, value in values.items() if getattr(last, name) != value)
        for name in changed:
            setattr(last, name, values[name])
        await self._uow.connection.execute(
            "UPDATE invitations SET first_name = $2, last_name = $3, phone = $4 WHERE id = $1",
            last.id,
            last.first_name,
            last.last_name,
            last.phone,
        )
        return changed
