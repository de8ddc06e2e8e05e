"""The mail ledger in PostgreSQL; hand-overs are counted on the database's own clock."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from adapters.persistence.database import PostgresUnitOfWork
from application.mailing import MailEntry
from domain.kernel import new_id


class PostgresMailLedger:
    """Keep what became of each mail of the organisation."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def plan(self, kind: str, subject: UUID, to: str, why_not: str | None) -> None:
        """Write a mail down; one that cannot be sent is cancelled at once, and says why."""
        await self._uow.connection.execute(
            "INSERT INTO mails (organization_id, id, kind, subject, to_address, state, reason, created_at, settled_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp(), CASE WHEN $6 <> 'planned'"
            " THEN clock_timestamp() END)",
            self._uow.organization_id,
            new_id(),
            kind,
            subject,
            to,
            "planned" if why_not is None else "cancelled",
            why_not,
        )

    async def lock(self, kind: str, subject: UUID) -> MailEntry | None:
        """Load one and keep others from it until the unit of work ends."""
        row = await self._uow.connection.fetchrow(
            "SELECT id, kind, subject, to_address, state, account, handed_at, doubted_at,"
            " clock_timestamp() - handed_at AS age FROM mails"
            " WHERE organization_id = $1 AND kind = $2 AND subject = $3 FOR UPDATE",
            self._uow.organization_id,
            kind,
            subject,
        )
        if row is None:
            return None
        return MailEntry(
            id=row["id"],
            kind=row["kind"],
            subject=row["subject"],
            to=row["to_address"],
            state=row["state"],
            account=row["account"],
            handed_at=row["handed_at"],
            age=row["age"],
            doubted_at=row["doubted_at"],
        )

    async def hand(self, entry: MailEntry, account: str, look_at: datetime) -> MailEntry:
        """Say that it is being handed over through an account from now on, to be looked at later."""
        at = await self._uow.connection.fetchval(
            "UPDATE mails SET state = 'handed', handed_at = clock_timestamp(), reason = NULL, account = $3,"
            " doubted_at = $4, next_try_at = $5 WHERE organization_id = $1 AND id = $2 RETURNING handed_at",
            self._uow.organization_id,
            entry.id,
            account,
            entry.doubtful_since,
            look_at,
        )
        return replace(entry, state="handed", account=account, handed_at=at, doubted_at=entry.doubtful_since)

    async def write(
        self,
        entry: MailEntry,
        state: str,
        *,
        reason: str | None = None,
        provider_id: str | None = None,
        next_try_at: datetime | None = None,
    ) -> None:
        """Write what became of it, unless somebody else has meanwhile: the hand-over's time tells one from another."""
        await self._uow.connection.execute(
            "UPDATE mails SET state = $4, reason = $5, provider_id = $6, account = $7, next_try_at = $8, settled_at ="
            " CASE WHEN $4 IN ('accepted', 'rejected', 'cancelled', 'parked') THEN clock_timestamp() END"
            " WHERE organization_id = $1 AND id = $2 AND handed_at IS NOT DISTINCT FROM $3"
            " AND state IN ('planned', 'handed', 'unknown')",
            self._uow.organization_id,
            entry.id,
            entry.handed_at,
            state,
            reason,
            provider_id,
            entry.account,
            next_try_at,
        )

    async def put_off(self, kind: str, subject: UUID, until: datetime) -> None:
        """Let one that has not come to an end wait."""
        await self._uow.connection.execute(
            "UPDATE mails SET next_try_at = $4 WHERE organization_id = $1 AND kind = $2 AND subject = $3"
            " AND state IN ('planned', 'handed', 'unknown')",
            self._uow.organization_id,
            kind,
            subject,
            until,
        )

    async def due(self) -> list[tuple[str, UUID]]:
        """List kind and subject of open mails that are due, those never tried first."""
        rows = await self._uow.connection.fetch(
            "SELECT kind, subject FROM mails WHERE organization_id = $1 AND state IN ('planned', 'handed', 'unknown')"
            " AND (next_try_at IS NULL OR next_try_at <= business_now()) ORDER BY handed_at NULLS FIRST, id LIMIT 100",
            self._uow.organization_id,
        )
        return [(row["kind"], row["subject"]) for row in rows]

    async def next_due(self) -> datetime | None:
        """Tell when the next is due."""
        found: datetime | None = await self._uow.connection.fetchval(
            "SELECT min(coalesce(next_try_at, 'epoch')) FROM mails"
            " WHERE organization_id = $1 AND state IN ('planned', 'handed', 'unknown')",
            self._uow.organization_id,
        )
        return found
