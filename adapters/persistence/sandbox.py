"""The sandbox's clock, and the count of what is under way."""

from datetime import timedelta

from adapters.persistence.database import Database, PostgresUnitOfWork
from adapters.persistence.hand_over_lock import AdvisoryHandOverLock
from adapters.queue.wake import Wake
from application.analytics.rollups import COUNT
from application.coaching.reviewed import DAILY, REVIEW, SWEEP
from application.platform.sandbox import ClockView, MoveClock, SandboxProvider, WaitingView, ahead_of

BESIDE = (COUNT, REVIEW, SWEEP, DAILY)
"""Counting and reviewing follow what happened, whenever they get to it: time need not stand still for them."""
_READ = """
SELECT business_now() AS now,
       coalesce((SELECT extract(epoch FROM ahead) FROM sandbox_clock), 0)::float8 AS ahead,
       (SELECT min(next_due_at) FROM schedules WHERE name <> ALL ($1)) AS next_due_at
"""
_WORK = """
SELECT (SELECT count(*) FROM deliveries WHERE parked_at IS NULL) + (SELECT count(*) FROM outbox) AS deliveries,
       (SELECT count(*) FROM schedules WHERE next_due_at <= business_now() AND name <> ALL ($2)) AS due,
       count(*) FILTER (WHERE state = 'claimed') AS claimed, count(*) FILTER (WHERE state = 'handed') AS handed,
       count(*) FILTER (WHERE state = 'unknown') AS unknown
FROM sends WHERE organization_id = $1 AND state IN ('claimed', 'handed', 'unknown')
"""


class PostgresSandboxClock:
    """Keep one offset for the installation."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake

    async def read(self) -> ClockView:
        """Tell business time and when the next schedule is due."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_READ, BESIDE)
        return ClockView(now=row["now"], next_due_at=row["next_due_at"])

    async def move(self, asked: MoveClock, provider: SandboxProvider) -> None:
        """Move our clock and the provider's while nothing is between verdict and receipt."""
        async with AdvisoryHandOverLock(self._database).alone(), self._database.connection() as connection:
            row = await connection.fetchrow(_READ, BESIDE)
            ahead = ahead_of(row["now"], row["ahead"], asked)
            await provider.move_clock(ahead)
            await connection.execute(
                "INSERT INTO sandbox_clock (id, ahead) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET ahead = $1",
                timedelta(seconds=ahead),
            )
        self._wake()


class PostgresOpenWork:
    """Count what is under way."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def count(self) -> WaitingView:
        """Count deliveries and due schedules of the installation, ledger rows of the caller's organisation."""
        row = await self._uow.connection.fetchrow(_WORK, self._uow.organization_id, BESIDE)
        return WaitingView(**dict(row.items()))
