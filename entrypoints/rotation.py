"""`rapport rotate-keys`: brings all that is stored encrypted under the first of RAPPORT_SECRET_KEYS."""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from adapters.identity.jwt import LIFE_SECONDS
from adapters.persistence.database import Database
from adapters.persistence.sealed import SEALED, SealedRows, Tally
from entrypoints.config import Config
from entrypoints.vault import relocking


@dataclass(frozen=True, slots=True)
class Rotated:
    """Tell what was done, by table, and what lay under an older key or no key of ours when all was done."""

    done: dict[str, Tally]
    left: Tally

    @property
    def is_complete(self) -> bool:
        """Tell whether nothing that is stored needs an older key any more."""
        return not (self.left.older or self.left.unreadable)


async def rotate(config: Config) -> Rotated:
    """Go over everything twice: to change it, and to see whether somebody still writes under an older key."""
    database = await Database.open(config.database_url, size=1)
    try:
        rows = SealedRows(database, relocking(config.secret_keys))
        done: dict[str, Tally] = {}
        left = Tally()
        for write in (True, False):
            for organization_id in await rows.organizations():
                for column in SEALED:
                    tally = await rows.walk(column, organization_id, write=write)
                    if write:
                        done[column.table] = done.get(column.table, Tally()) + tally
                    else:
                        left += tally
        return Rotated(done, left)
    finally:
        await database.close()


def told(config: Config, rotated: Rotated, now: datetime) -> list[str]:
    """Say in sentences what was done, and whether and when the older keys can go."""
    lines = [
        f"{table}: {tally.seen} stored, {tally.older} brought under the first key, {tally.unreadable} unreadable"
        for table, tally in rotated.done.items()
    ]
    left = rotated.left
    if left.unreadable:
        lines.append(
            f"{left.unreadable} cannot be read with any key of RAPPORT_SECRET_KEYS: put the key back that they lie"
            " under, and run this again. Drop no key."
        )
    if left.older:
        lines.append(
            f"{left.older} were written under an older key meanwhile: restart every process with the new key first,"
            " and run this again. Drop no key."
        )
    if rotated.is_complete and len(config.secret_keys) > 1:
        after = (now + timedelta(seconds=LIFE_SECONDS)).date() + timedelta(days=1)
        lines.append(
            "Everything stored lies under the first key. Provided that every process runs with it as the first, drop"
            f" the others from {after} on: until then people are signed in under them, and would have to sign in again."
        )
    elif rotated.is_complete:
        lines.append("Everything stored lies under the only key.")
    return lines


async def run(config: Config) -> bool:
    """Rotate and tell; False where something still needs an older key, or one that is missing."""
    rotated = await rotate(config)
    for line in told(config, rotated, datetime.now(UTC)):
        print(line, file=sys.stdout)  # noqa: T201 - meant for the terminal
    return rotated.is_complete
