"""After a restore, before anything else runs: `rapport restored --backed-up-at TIME`."""

import argparse
import asyncio
import sys
from datetime import datetime

import asyncpg
from alembic import command

from adapters.persistence.database import Cause, Database, Unavailable, connect_arguments
from adapters.persistence.migrations.run import alembic_config
from application.outreach.campaigns import Campaigns
from application.ports import Actor, UnitOfWork
from domain.kernel import Invalid, Refusal
from entrypoints.config import Config
from entrypoints.container import container
from entrypoints.servers import Servers

_NOTE = """
INSERT INTO installation (id, backed_up_at, restored_at) VALUES (1, $1, business_now())
ON CONFLICT (id) DO UPDATE SET restored_at = business_now(),
  backed_up_at = least(installation.backed_up_at, excluded.backed_up_at)
"""
# Positions that were given out after the backup are not to be given to other events.
_MOVE_ON = "SELECT setval('feed_position', nextval('feed_position') + 1000000000)"


async def move_positions_on(config: Config) -> None:
    """Let events get positions that no stream has told of before the restore."""
    connection = await asyncpg.connect(**connect_arguments(config.owner_database_url), timeout=5)
    try:
        await connection.execute(_MOVE_ON)
    finally:
        await connection.close()


async def note_restore(config: Config, backed_up_at: datetime) -> int:
    """Have every text asked about that may have been sent since the backup, and pause all campaigns; gives how many."""
    house = container(config)
    try:
        database = await house.get(Database)
        async with database.connection() as connection:
            await connection.execute(_NOTE, backed_up_at)
            rows = await connection.fetch("SELECT DISTINCT organization_id FROM memberships ORDER BY 1")
        paused = 0
        for row in rows:
            async with house({Actor: Actor.system(row["organization_id"]), Cause: Cause()}) as scope:
                uow, campaigns = await scope.get(UnitOfWork), await scope.get(Campaigns)
                async with uow:
                    paused += await campaigns.hold_all()
        return paused
    finally:
        await house.close()


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid("Say when the backup began, such as 2027-03-22T02:00:00Z.") from None
    if moment.tzinfo is None:
        raise Invalid("Say the zone of the time too, such as 2027-03-22T02:00:00Z.")
    return moment


def main() -> None:
    """Migrate what was restored, note it, and say what a person has to do now."""
    parser = argparse.ArgumentParser(prog="python -m entrypoints.recovery")
    parser.add_argument("--backed-up-at", required=True)
    asked = parser.parse_args()
    try:
        moment, config = _moment(asked.backed_up_at), Config.load()
        with Servers(config):
            command.upgrade(alembic_config(config.owner_database_url), "head")
            asyncio.run(move_positions_on(config))
            paused = asyncio.run(note_restore(config, moment))
    except Refusal as refusal:
        sys.exit(refusal.message)
    except (Unavailable, OSError, asyncpg.PostgresError) as error:
        sys.exit(f"The database does not answer ({type(error).__name__}).")
    sys.stdout.write(
        f"Noted. {paused} campaigns are paused. Enter the STOPs that came since {moment.isoformat()}, as your provider"
        " lists them, then resume each campaign; texts that the provider took since then are not sent again.\n"
    )


if __name__ == "__main__":
    main()
