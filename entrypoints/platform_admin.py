"""Make, or dismiss, an administrator of the platform: somebody who enters every organisation."""

import argparse
import asyncio
import getpass
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from adapters.persistence.database import Cause, Unavailable
from application.identity.accounts import Accounts
from application.ports import Actor
from domain.kernel import Invalid, Refusal, new_id
from entrypoints.config import Config
from entrypoints.container import container


@asynccontextmanager
async def _accounts(config: Config) -> AsyncIterator[Accounts]:
    house = container(config)
    try:
        async with house(context={Actor: Actor.system(new_id()), Cause: Cause()}) as scope:
            yield await scope.get(Accounts)
    finally:
        await house.close()


def _password() -> str:
    """Ask a person, or read the first line of what is piped in; never an argument, which every user could read."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    given = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != given:
        raise Invalid("These two are not the same.")
    return given


async def appoint(config: Config, email: str, name: str | None) -> str:
    """Make somebody an administrator; a password is asked for only where the account has none."""
    async with _accounts(config) as accounts:
        try:
            await accounts.appoint_platform_admin(email, None, name)
        except Invalid as refusal:
            if [field for field, _ in refusal.details] != ["password"]:
                raise
            await accounts.appoint_platform_admin(email, await asyncio.to_thread(_password), name)
            return f"{email} has an account now and administers the platform."
    return f"{email} administers the platform and signs in as before."


async def dismiss(config: Config, email: str) -> str:
    """Take the platform's administration away; memberships stay."""
    async with _accounts(config) as accounts:
        await accounts.dismiss_platform_admin(email)
    return f"{email} does not administer the platform any more, and is signed out everywhere."


def main() -> None:
    """Do it; exit status 1 with a sentence when it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m entrypoints.platform_admin")
    parser.add_argument("--email", required=True)
    parser.add_argument("--name")
    parser.add_argument("--dismiss", action="store_true")
    asked = parser.parse_args()
    try:
        config = Config.load()
        work = dismiss(config, asked.email) if asked.dismiss else appoint(config, asked.email, asked.name)
        print(asyncio.run(work))  # noqa: T201 - meant for the terminal
    except Refusal as refusal:
        sys.exit(refusal.message)
    except (Unavailable, OSError, asyncpg.PostgresError) as error:
        sys.exit(
            f"The database does not answer ({type(error).__name__}). Is it running: `rapport up`, `rapport migrate`?"
        )


if __name__ == "__main__":
    main()
