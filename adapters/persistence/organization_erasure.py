"""Every row of an organisation, whichever table it lies in: read from the tables' own description."""

from collections.abc import Sequence
from typing import Any

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.schema import metadata
from adapters.persistence.stale_plans import forget_plans
from application.identity.organization_erasure import ERASE, Ending

# What has work wait, what others are found by, and what has no key to walk along: gone with the organisation itself.
_AT_ONCE = ("outbox", "deliveries", "schedules", "import_staging", "invitations", "memberships")
_CHILDREN_FIRST = tuple(
    table.name
    for table in reversed(metadata.sorted_tables)
    if "organization_id" in table.c and table.name != "organizations"
)
_ENDING = """
SELECT name, deleted_at FROM organizations WHERE organization_id = $1 AND id = $1 FOR NO KEY UPDATE
"""
# Nobody can write anything that names the organisation, until it is gone.
_LOCK = "SELECT 1 FROM organizations WHERE organization_id = $1 AND id = $1 FOR UPDATE"
_SILENCE = (
    "DELETE FROM enrolments WHERE organization_id = $1",
    # In order, as whoever hands over locks them: neither waits for the other for ever.
    "WITH mine AS (SELECT id FROM sends WHERE organization_id = $1 AND state IN ('planned', 'claimed')"
    " ORDER BY id FOR NO KEY UPDATE)"
    " UPDATE sends SET state = 'cancelled', held = false FROM mine WHERE organization_id = $1 AND sends.id = mine.id",
    "UPDATE bookings SET reminder_at = NULL WHERE organization_id = $1 AND reminder_at IS NOT NULL",
    # What may have left is not asked about any more: the answer could only send it anew.
    "UPDATE mails SET state = CASE state WHEN 'planned' THEN 'cancelled' ELSE 'parked' END,"
    " reason = 'The organisation was closed.', settled_at = clock_timestamp()"
    " WHERE organization_id = $1 AND state IN ('planned', 'unknown')",
)
# First the outbox: whoever is relaying from it has committed its deliveries when this has waited for them.
_STOP = (
    "DELETE FROM outbox WHERE organization_id = $1 AND $2::text IS NOT NULL",
    "DELETE FROM deliveries WHERE organization_id = $1 AND subscription <> $2",
    "DELETE FROM schedules WHERE organization_id = $1 AND name <> $2",
)
_ACCOUNTS = """
SELECT account_id AS id FROM memberships WHERE organization_id = $1
UNION SELECT account_id FROM invitations WHERE organization_id = $1
"""
# Locked before it is asked whether they belong elsewhere: who is being invited there right now belongs there.
_LOCK_ACCOUNTS = "SELECT 1 FROM accounts WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE"
_HOMELESS = """
DELETE FROM accounts a WHERE id = ANY ($1::uuid[]) AND NOT is_platform_admin
AND NOT EXISTS (SELECT FROM memberships m WHERE m.account_id = a.id)
AND NOT EXISTS (SELECT FROM invitations i WHERE i.account_id = a.id)
"""
_LAST_USED = "UPDATE accounts SET last_organization_id = NULL WHERE last_organization_id = $1"


class PostgresOrganizationRecords:
    """Be the `OrganizationRecords` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    def tables(self) -> Sequence[str]:
        """Name the tables that are walked along their keys, those first that others do not point to."""
        return tuple(name for name in _CHILDREN_FIRST if name not in _AT_ONCE)

    async def ending(self) -> Ending | None:
        """Read the organisation and lock it against other erasures."""
        row = await self._uow.connection.fetchrow(_ENDING, self._uow.organization_id)
        return None if row is None else Ending(row["name"], row["deleted_at"])

    async def silence(self) -> None:
        """End every enrolment, and cancel what is planned."""
        for statement in _SILENCE:
            await self._execute(statement, self._uow.organization_id)

    async def stop(self) -> None:
        """Leave nothing in outbox, deliveries and schedules but the erasure, which must be found again."""
        for statement in _STOP:
            await self._execute(statement, self._uow.organization_id, ERASE)

    async def remove_some(self, table: str, after: Any, limit: int) -> tuple[int, Any]:
        """Remove the rows between one place of the key and the next."""
        await forget_plans(self._uow.connection)
        key = [column.name for column in metadata.tables[table].primary_key if column.name != "organization_id"]
        words = ", ".join(key)
        later = f" AND ({words}) > ({_places(2, len(key))})" if after else ""
        rows = await self._uow.connection.fetch(
            f"SELECT {words} FROM {table} WHERE organization_id = $1{later} ORDER BY {words} LIMIT {limit}",  # noqa: S608 - our own names
            self._uow.organization_id,
            *(after or ()),
        )
        if not rows:
            return 0, None
        last = tuple(rows[-1])
        count = await self._execute(
            f"DELETE FROM {table} WHERE organization_id = $1 AND ({words}) <= ({_places(2, len(key))})"  # noqa: S608
            + (f" AND ({words}) > ({_places(2 + len(key), len(key))})" if after else ""),
            self._uow.organization_id,
            *last,
            *(after or ()),
        )
        return count, last if len(rows) == limit else None

    async def remove_rest(self) -> dict[str, int]:
        """Go over every table once more, with the organisation locked, and remove it last of all."""
        organization_id = self._uow.organization_id
        await forget_plans(self._uow.connection)
        await self._uow.connection.execute(_LOCK, organization_id)
        accounts = [row["id"] for row in await self._uow.connection.fetch(_ACCOUNTS, organization_id)]
        await self._uow.connection.execute(_LOCK_ACCOUNTS, accounts)
        names = ["outbox", *(name for name in _CHILDREN_FIRST if name != "outbox"), "organizations"]
        counts = {
            name: await self._execute(f"DELETE FROM {name} WHERE organization_id = $1", organization_id)  # noqa: S608
            for name in names
        }
        counts["accounts"] = await self._execute(_HOMELESS, accounts)
        await self._execute(_LAST_USED, organization_id)
        return counts

    async def _execute(self, statement: str, *values: Any) -> int:
        return int(str(await self._uow.connection.execute(statement, *values)).rpartition(" ")[2])


def _places(first: int, count: int) -> str:
    return ", ".join(f"${number}" for number in range(first, first + count))
