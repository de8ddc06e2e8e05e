"""`rapport rebuild-analytics`: counts everything that happened anew, while the house runs."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from adapters.persistence.database import Cause, Database, Unavailable
from application.analytics.rollups import Counting
from application.ports import Actor
from domain.kernel import Refusal
from entrypoints.config import Config
from entrypoints.container import container

STATEMENT_TIMEOUT_MS = 120_000
_ORGANIZATIONS = "SELECT DISTINCT organization_id FROM memberships ORDER BY 1"


async def rebuild(config: Config, only: UUID | None) -> list[tuple[UUID, int]]:
    """Rebuild one organisation after the other, or one alone; tells how many events each had."""
    house = container(config)
    cause = Cause(statement_timeout_ms=STATEMENT_TIMEOUT_MS)
    done = []
    try:
        for organization_id in [only] if only else await _organizations(await house.get(Database)):
            async with house(context={Actor: Actor.system(organization_id), Cause: cause}) as scope:
                done.append((organization_id, await (await scope.get(Counting)).rebuild()))
    finally:
        await house.close()
    return done


async def _organizations(database: Database) -> Sequence[UUID]:
    async with database.connection() as connection:
        return [row["organization_id"] for row in await connection.fetch(_ORGANIZATIONS)]


def main() -> None:
    """Do it; exit status 1 with a sentence when it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m entrypoints.recount")
    parser.add_argument("--organization", type=UUID)
    try:
        done = asyncio.run(rebuild(Config.load(), parser.parse_args().organization))
    except Refusal as refusal:
        sys.exit(refusal.message)
    except asyncpg.ForeignKeyViolationError:
        sys.exit("There is no such organisation.")
    except (Unavailable, OSError, asyncpg.PostgresError) as error:
        sys.exit(
            f"The database does not answer ({type(error).__name__}). Is it running: `rapport up`? Begin again to go on."
        )
    for organization_id, events in done:
        print(f"{organization_id}\t{events}")  # noqa: T201 - meant for the terminal
    print(f"Counted anew: {sum(events for _, events in done)} events.")  # noqa: T201 - meant for the terminal


if __name__ == "__main__":
    main()
