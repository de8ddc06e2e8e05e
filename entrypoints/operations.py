"""What an operator does at the command line: the first owner, and the work that failed for good."""

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

import asyncpg
from rich.console import Console
from rich.table import Table

from adapters.persistence.database import Database, Unavailable
from adapters.queue.broker import broker_at
from adapters.queue.dead_letters import DeadLetter, DeadLetters
from domain.kernel import Refusal, new_id
from entrypoints.config import Config

_LISTED = ("id", "parked_at", "subscription", "organization_id", "failures", "reason")


def _fail(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)  # noqa: T201 - meant for the terminal
    raise SystemExit(1)


def _say(line: str) -> None:
    print(line)  # noqa: T201 - meant for the terminal


async def create_owner(config: Config, email: str, name: str, organization: str) -> None:
    """Make an organisation and its owner; the password comes in RAPPORT_OWNER_PASSWORD."""
    # Imported late: the other commands do without the whole house.
    from adapters.persistence.database import Cause
    from application.identity.account_forms import SetUp
    from application.identity.accounts import Accounts
    from application.ports import Actor
    from domain.identity.account import split_name
    from entrypoints.container import container

    password = os.environ.get("RAPPORT_OWNER_PASSWORD")
    if not password:
        _fail("RAPPORT_OWNER_PASSWORD must be set.")
    first_name, last_name = split_name(name)
    asked = SetUp(
        email=email, password=password, first_name=first_name, last_name=last_name, organization_name=organization
    )
    house = container(config)
    try:
        async with house(context={Actor: Actor.system(new_id()), Cause: Cause()}) as scope:
            made = await (await scope.get(Accounts)).create_owner(asked)
    finally:
        await house.close()
    _say(f"{made.user.email} now owns {made.organization.name} and signs in at {config.public_url}.")


@asynccontextmanager
async def _dead_letters(config: Config) -> AsyncIterator[DeadLetters]:
    database = await Database.open(config.system_database_url, size=1)
    broker = broker_at(config.broker_url)
    try:
        yield DeadLetters(database, broker)
    finally:
        broker.close()
        await database.close()


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return "" if value is None else " ".join(str(value).split())


async def list_dead_letters(config: Config, limit: int) -> None:
    """List what is parked: a table on a terminal, else a line each with tabs between."""
    async with _dead_letters(config) as letters:
        found = await letters.latest(limit)
    if not sys.stdout.isatty():
        for letter in found:
            _say("\t".join(_plain(getattr(letter, name)) for name in _LISTED))
        return
    if not found:
        _say("Nothing is parked.")
        return
    table = Table(*(name.replace("_", " ") for name in _LISTED), title="Parked work, newest first")
    for letter in found:
        table.add_row(*(_plain(getattr(letter, name)) for name in _LISTED))
    Console().print(table)


async def show_dead_letter(config: Config, identifier: UUID) -> None:
    """Show one with all that is known of it."""
    async with _dead_letters(config) as letters:
        letter = await letters.get(identifier)
    if letter is None:
        _fail(f"{identifier} is not parked.")
    for part in fields(DeadLetter):
        _say(f"{part.name}\t{_plain(getattr(letter, part.name))}")


async def replay_dead_letters(config: Config, identifiers: list[UUID] | None) -> None:
    """Give these (None: all) back to the queue."""
    async with _dead_letters(config) as letters:
        count = await letters.replay(identifiers)
    _say(f"{count} given back to the queue.")
    if identifiers is not None and count < len(set(identifiers)):
        _fail(f"{len(set(identifiers)) - count} of these are not parked.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m entrypoints.operations")
    commands = parser.add_subparsers(dest="command", required=True)
    owner = commands.add_parser("create-owner")
    owner.add_argument("email")
    owner.add_argument("--name", required=True)
    owner.add_argument("--organization", required=True)
    commands.add_parser("rotate-keys")
    letters = commands.add_parser("dead-letters").add_subparsers(dest="what", required=True)
    letters.add_parser("list").add_argument("--limit", type=int, default=50)
    letters.add_parser("show").add_argument("id", type=UUID)
    replay = letters.add_parser("replay")
    replay.add_argument("id", type=UUID, nargs="*")
    replay.add_argument("--all", action="store_true", dest="everything")
    return parser


async def _run(asked: argparse.Namespace, config: Config) -> None:
    if asked.command == "create-owner":
        await create_owner(config, asked.email, asked.name, asked.organization)
    elif asked.command == "rotate-keys":
        from entrypoints.rotation import run

        if not await run(config):
            raise SystemExit(1)
    elif asked.what == "list":
        await list_dead_letters(config, asked.limit)
    elif asked.what == "show":
        await show_dead_letter(config, asked.id)
    elif bool(asked.id) == asked.everything:
        _fail("Name the ids to replay, or say --all.")
    else:
        await replay_dead_letters(config, None if asked.everything else asked.id)


def main() -> None:
    """Do what the arguments ask for; exit status 1 with a sentence when it cannot be done."""
    asked = _parser().parse_args()
    try:
        asyncio.run(_run(asked, Config.load()))
    except Refusal as refusal:
        _fail(refusal.message)
    except (Unavailable, OSError, asyncpg.PostgresError) as error:
        _fail(f"The database does not answer ({type(error).__name__}). Is it running: `rapport up`, `rapport migrate`?")


if __name__ == "__main__":
    main()
