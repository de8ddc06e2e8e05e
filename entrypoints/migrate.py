"""Bring the database's tables to the code's revision, as the owner."""

import sys

from alembic import command

from adapters.persistence.migrations.run import alembic_config
from entrypoints.config import Config


def main() -> None:
    """Migrate to the newest revision, or to the one named on the command line (`-1` steps back)."""
    configuration = alembic_config(Config.load().owner_database_url)
    target = sys.argv[1] if len(sys.argv) > 1 else "head"
    if target == "base" or target.startswith("-"):
        command.downgrade(configuration, target)
    else:
        command.upgrade(configuration, target)


if __name__ == "__main__":
    main()
