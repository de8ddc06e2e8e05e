"""`rapport erase-organization`: erases what a closed organisation left behind, at once and for good."""

import argparse
import asyncio
import sys
from uuid import UUID

import asyncpg

from adapters.persistence.database import Cause, Unavailable
from application.identity.organization_erasure import OrganizationErasure
from application.ports import Actor
from application.provider import ProviderError
from domain.kernel import Refusal
from entrypoints.config import Config
from entrypoints.container import container

STATEMENT_TIMEOUT_MS = 120_000


async def erase(config: Config, organization_id: UUID, name: str) -> dict[str, int]:
    """Erase it as the organisation itself; tells how many rows and files went, by table."""
    house = container(config)
    cause = Cause(statement_timeout_ms=STATEMENT_TIMEOUT_MS)
    try:
        async with house(context={Actor: Actor.system(organization_id), Cause: cause}) as scope:
            return await (await scope.get(OrganizationErasure)).erase(name)
    finally:
        await house.close()


def _name() -> str:
    """Ask a person, or read the first line of what is piped in."""
    if sys.stdin.isatty():
        return input("All of it goes, for good. The organisation's name: ")
    return sys.stdin.readline().rstrip("\r\n")


def main() -> None:
    """Do it; exit status 1 with a sentence when it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m entrypoints.organization_erasure")
    parser.add_argument("organization_id", type=UUID)
    parser.add_argument("--yes-erase", dest="name")
    asked = parser.parse_args()
    try:
        config = Config.load()
        gone = asyncio.run(erase(config, asked.organization_id, _name() if asked.name is None else asked.name))
    except Refusal as refusal:
        sys.exit(refusal.message)
    except ProviderError as error:
        sys.exit(f"{error.reason} Some of it is erased; begin again to go on.")
    except (Unavailable, OSError, asyncpg.PostgresError) as error:
        sys.exit(
            f"The database does not answer ({type(error).__name__}). Is it running: `rapport up`? Begin again to go on."
        )
    for place, count in sorted(gone.items()):
        print(f"{place}\t{count}")  # noqa: T201 - meant for the terminal
    print(f"Erased: {sum(gone.values())} rows and files.")  # noqa: T201 - meant for the terminal


if __name__ == "__main__":
    main()
