"""The operator's commands, as processes, on the running installation."""

import os
import re
import subprocess
import sys
from uuid import UUID

import anyio
import pytest
from anyio import to_thread

from domain.kernel import new_id
from entrypoints.config import CHECKOUT
from tests.processes.workbench import OPEN, Bench

pytestmark = pytest.mark.anyio


async def _operate(environment: dict[str, str], *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}

    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "entrypoints.operations", *arguments]
        env = {**outside, **environment, **more}
        return subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, timeout=60, check=False)

    return await to_thread.run_sync(run)


async def _park(bench: Bench, count: int = 1) -> list[UUID]:
    for _ in range(count):
        await bench.ring()
    await bench.relay().run_once()
    parked = [UUID(str(row["id"])) for row in await bench.owed(OPEN)]
    async with bench.system.connection() as connection:
        await connection.execute(
            "UPDATE deliveries SET parked_at = clock_timestamp(), failures = 8, starts = 9,"
            " reason = E'ValueError: the door\\nis stuck' WHERE id = ANY ($1)",
            parked,
        )
    await bench.wires.flushall()
    return parked


async def test_what_is_parked_is_listed_shown_and_replayed(bench: Bench, environment: dict[str, str]) -> None:
    [first, second] = await _park(bench, 2)
    listed = await _operate(environment, "dead-letters", "list")
    assert listed.returncode == 0, listed.stderr
    rows = [line.split("\t") for line in listed.stdout.splitlines()]
    assert {row[0] for row in rows} == {str(first), str(second)}
    assert rows[0][2:] == ["door.open", str(bench.organization_id), "8", "ValueError: the door is stuck"]
    assert len((await _operate(environment, "dead-letters", "list", "--limit", "1")).stdout.splitlines()) == 1

    shown = await _operate(environment, "dead-letters", "show", str(first))
    assert dict(line.split("\t") for line in shown.stdout.splitlines())["starts"] == "9"

    replayed = await _operate(environment, "dead-letters", "replay", str(first))
    assert (replayed.returncode, replayed.stdout) == (0, "1 given back to the queue.\n")
    assert await bench.queued("default") == [first]
    await bench.deliverer().deliver(first)
    assert await bench.effects() == 1
    assert [row["id"] for row in await bench.owed(OPEN)] == [second]


async def test_all_is_replayed_at_once_and_a_second_time_does_nothing(
    bench: Bench, environment: dict[str, str]
) -> None:
    parked = await _park(bench, 3)
    assert (await _operate(environment, "dead-letters", "replay", "--all")).stdout == "3 given back to the queue.\n"
    assert sorted(await bench.queued("default")) == sorted(parked)
    assert (await _operate(environment, "dead-letters", "replay", "--all")).stdout == "0 given back to the queue.\n"
    for delivery in parked:
        await bench.deliverer().deliver(delivery)
    assert await bench.effects() == 3


async def test_what_is_not_parked_is_said_so(bench: Bench, environment: dict[str, str]) -> None:
    unknown = str(new_id())
    shown = await _operate(environment, "dead-letters", "show", unknown)
    assert (shown.returncode, shown.stdout, shown.stderr) == (1, "", f"{unknown} is not parked.\n")
    replayed = await _operate(environment, "dead-letters", "replay", unknown)
    assert replayed.returncode == 1
    assert "1 of these are not parked" in replayed.stderr
    assert (await _operate(environment, "dead-letters", "replay")).returncode == 1
    assert bench.script.seen == []


async def test_an_owner_is_made_once(bench: Bench, environment: dict[str, str]) -> None:
    email = f"owner-{new_id().hex}@example.com"
    asked = ("create-owner", email, "--name", "Ann Archer", "--organization", "Archer & Daughters")
    password = "a password that nobody guesses"
    made = await _operate(environment, *asked, RAPPORT_OWNER_PASSWORD=password)
    assert made.returncode == 0, made.stderr
    assert f"{email} now owns Archer & Daughters" in made.stdout
    assert password not in made.stdout + made.stderr
    async with bench.database.connection() as connection:
        role = await connection.fetchval(
            "SELECT m.role FROM accounts a JOIN memberships m ON m.account_id = a.id WHERE a.email = $1", email
        )
    assert role == "owner"
    again = await _operate(environment, *asked, RAPPORT_OWNER_PASSWORD=password)
    assert again.returncode == 1
    assert re.fullmatch(r"[A-Z][^\n]+\.\n", again.stderr), again.stderr
    without = await _operate(environment, *asked)
    assert (without.returncode, without.stderr) == (1, "RAPPORT_OWNER_PASSWORD must be set.\n")


async def test_a_database_that_is_away_is_said_in_a_sentence(environment: dict[str, str]) -> None:
    away = {**environment, "RAPPORT_DATABASE_URL": "postgresql://rapport_app@127.0.0.1:1/rapport"}
    away["RAPPORT_SYSTEM_DATABASE_URL"] = "postgresql://rapport_system@127.0.0.1:1/rapport"
    with anyio.fail_after(30):
        told = await _operate(away, "dead-letters", "list")
    assert told.returncode == 1
    assert told.stderr.startswith("The database does not answer (")
    assert "Traceback" not in told.stderr


async def test_a_platform_administrator_is_made_and_dismissed(bench: Bench, environment: dict[str, str]) -> None:
    email, password = f"petra-{new_id().hex}@example.com", "a password that nobody guesses"
    outside = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}

    async def rapport(*arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "entrypoints.cli", "create-platform-admin", "--email", email, *arguments]
        env = outside | environment
        return await to_thread.run_sync(
            lambda: subprocess.run(
                command, cwd=CHECKOUT, env=env, input=said, capture_output=True, text=True, timeout=60, check=False
            )
        )

    async def is_one() -> bool | None:
        async with bench.database.connection() as connection:
            found: bool | None = await connection.fetchval(
                "SELECT is_platform_admin FROM accounts WHERE email = $1", email
            )
        return found

    short = await rapport(said="short\n")
    assert (short.returncode, short.stderr) == (1, "A password has at least 8 characters.\n")
    assert await is_one() is None
    made = await rapport("--name", "Petra Platform", said=f"{password}\n")
    assert (made.returncode, made.stdout) == (0, f"{email} has an account now and administers the platform.\n"), made
    assert password not in made.stdout + made.stderr
    assert await is_one() is True
    again = await rapport()
    assert (again.returncode, again.stdout) == (0, f"{email} administers the platform and signs in as before.\n")
    gone = await rapport("--dismiss")
    assert gone.returncode == 0, gone.stderr
    assert await is_one() is False
    twice = await rapport("--dismiss")
    assert (twice.returncode, twice.stderr) == (1, "Nobody with this e-mail address administers the platform.\n")
