"""Look at everything and say what is wrong: a line each; exit status 1 when something is."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence

from domain.kernel import Refusal
from entrypoints.config import Config
from entrypoints.doctor import database, machine, servers, work

Check = Callable[[Config], Awaitable[list[str]]]
_SECONDS = 30.0
CHECKS: Sequence[tuple[str, Check]] = (
    ("the settings", machine.settings),
    ("the disk", machine.disks),
    ("the files", machine.files),
    ("the application's role", database.application_role),
    ("the system's role", database.system_role),
    ("changes to the database", database.changes),
    ("the clocks", database.clocks),
    ("the migrations", database.migrations),
    ("row-level security", database.tenancy),
    ("the indexes", database.indexes),
    ("the event log's partitions", database.partitions),
    ("Redis", servers.redis_server),
    ("the broker", servers.broker),
    ("relays, schedulers and workers", servers.parts),
    ("the sandbox's provider", servers.sandbox_provider),
    ("the queues", work.queues),
    ("work that failed", work.parked),
    ("the send ledger", work.ledger),
    ("the texting accounts", work.silence),
    ("the installation's accounts", work.accounts),
)


async def examine(config: Config, checks: Sequence[tuple[str, Check]] = CHECKS) -> list[str]:
    """Make every check, one after the other; one that cannot be made is a finding itself."""
    found = []
    for what, check in checks:
        try:
            async with asyncio.timeout(_SECONDS):
                found += await check(config)
        except Exception as error:  # whatever it was: the other checks are made all the same
            reason = f"within {_SECONDS:.0f} s" if isinstance(error, TimeoutError) else f"({type(error).__name__})"
            found.append(f"It cannot be told how {what} stand: no answer {reason}.")
    return found


def main() -> None:
    """Print the findings, a line each."""
    try:
        config = Config.load()
    except Refusal as refusal:
        print(refusal.message)  # noqa: T201 - meant for the terminal
        raise SystemExit(1) from None
    found = asyncio.run(examine(config))
    for sentence in found:
        print(sentence)  # noqa: T201 - meant for the terminal
    if found:
        raise SystemExit(1)
    print(f"Nothing is wrong; {len(CHECKS)} things were looked at.")  # noqa: T201 - meant for the terminal
    sys.stdout.flush()


if __name__ == "__main__":
    main()
