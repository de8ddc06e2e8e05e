"""Bring the database's tables to the code's revision, as the owner."""

import asyncio
import sys
import time

import asyncpg

from adapters.persistence.database import connect_arguments
from adapters.persistence.migrations.newest import newest_revision
from entrypoints.config import Config

_ATTEMPTS = 30
_PAUSE_SECONDS = 2.0
_LOCK_NOT_AVAILABLE = "55P03"


def main() -> None:
    """Migrate to the newest revision, or to the one named on the command line (`-1` steps back).

    A step waits two seconds for its locks, during which others queue behind it, then lets them pass and tries again.
    """
    target = sys.argv[1] if len(sys.argv) > 1 else "head"
    url = Config.load().owner_database_url
    if target == "head" and asyncio.run(_is_newest(url)):
        return
    # Alembic is a second of imports, which most starts can spare.
    from sqlalchemy.exc import DBAPIError

    for _ in range(_ATTEMPTS):
        try:
            _migrate(url, target)
            return
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
        sys.stderr.write(f"Somebody works with a table that must change; trying again in {_PAUSE_SECONDS:.0f} s.\n")
        time.sleep(_PAUSE_SECONDS)
    sys.exit("Not migrated: a long transaction holds a table that must change. Nothing was half done; run it again.")


async def _is_newest(url: str) -> bool:
    connection = await asyncpg.connect(**connect_arguments(url))
    try:
        found = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return False
    finally:
        await connection.close()
    return bool(found == newest_revision())


def _migrate(url: str, target: str) -> None:
    from alembic import command

    from adapters.persistence.migrations.run import alembic_config

    configuration = alembic_config(url)
    if target == "base" or target.startswith("-"):
        command.downgrade(configuration, target)
    else:
        command.upgrade(configuration, target)


if __name__ == "__main__":
    main()
