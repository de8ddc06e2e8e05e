"""Whatever is stored encrypted, and how it is brought under another key while the house runs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from adapters.persistence.database import Database

CHUNK = 200


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """Name a column that holds ciphertext, and the rest of its table's primary key after `organization_id`."""

    table: str
    column: str
    key: tuple[str, ...]


SEALED = (
    SealedColumn("integrations", "credentials", ("provider",)),
    SealedColumn("sms_gateways", "password", ("id",)),
    SealedColumn("idempotency", "answer", ("actor", "route", "key")),
    SealedColumn("sealed_keys", "sealed", ("purpose",)),
)

# Organisations cannot be listed under row-level security; these tables stand outside of it, and each names them.
_ORGANIZATIONS = """
SELECT organization_id FROM memberships UNION SELECT organization_id FROM api_keys UNION
SELECT organization_id FROM routes UNION SELECT organization_id FROM schedules ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """Count what was looked at, what lay under an older key, and what no key opens."""

    seen: int = 0
    older: int = 0
    unreadable: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.seen + other.seen, self.older + other.older, self.unreadable + other.unreadable)


Relock = Callable[[bytes], bytes | None]
"""Give a text under the newest key: the same where it lies under it already, None where no key opens it."""


@dataclass(frozen=True, slots=True)
class SealedRows:
    """Walk all that is sealed, organisation by organisation, as the application's role."""

    database: Database
    relock: Relock
    chunk: int = CHUNK

    async def organizations(self) -> list[UUID]:
        """List every organisation that has, or had, a member, a key, a number or something due."""
        async with self.database.connection() as connection:
            return [row["organization_id"] for row in await connection.fetch(_ORGANIZATIONS)]

    async def walk(self, column: SealedColumn, organization_id: UUID, *, write: bool) -> Tally:
        """Look at all rows of one organisation, and bring them under the newest key where `write` is set.

        Each chunk is a short transaction of its own. A row that was changed meanwhile is left as its writer wrote it.
        """
        whole, after = Tally(), None
        while True:
            part, after = await self._chunk(column, organization_id, after, write)
            whole += part
            if after is None:
                return whole

    async def _chunk(
        self, column: SealedColumn, organization_id: UUID, after: tuple[Any, ...] | None, write: bool
    ) -> tuple[Tally, tuple[Any, ...] | None]:
        keys, name = ", ".join(column.key), column.column
        place = "" if after is None else f" AND ({keys}) > ({', '.join(f'${n + 2}' for n in range(len(after)))})"
        same = " AND ".join(f"{key} = ${n + 4}" for n, key in enumerate(column.key))
        async with self.database.connection() as connection, connection.transaction():
            await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(organization_id))
            rows = await connection.fetch(
                f"SELECT {keys}, {name} AS sealed FROM {column.table} WHERE organization_id = $1"  # noqa: S608
                f" AND {name} IS NOT NULL{place} ORDER BY {keys} LIMIT {self.chunk}",
                organization_id,
                *(after or ()),
            )
            tally = Tally(seen=len(rows))
            for row in rows:
                relocked = self.relock(row["sealed"])
                if relocked is None:
                    tally = replace(tally, unreadable=tally.unreadable + 1)
                elif relocked != row["sealed"]:
                    tally = replace(tally, older=tally.older + 1)
                    if write:
                        await connection.execute(
                            f"UPDATE {column.table} SET {name} = $3"  # noqa: S608 - our own names
                            f" WHERE organization_id = $1 AND {name} = $2 AND {same}",
                            organization_id,
                            row["sealed"],
                            relocked,
                            *(row[key] for key in column.key),
                        )
        full = len(rows) == self.chunk
        return tally, tuple(rows[-1][key] for key in column.key) if full else None
