"""The lock that hand-overs share and the sandbox's clock takes alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.persistence.database import Database

_KEY = 0x5261_7071


class AdvisoryHandOverLock:
    """Hold a PostgreSQL advisory lock on a connection of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Hold it together with others."""
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock_shared($1)", _KEY)
            yield

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Hold it alone, once nobody shares it."""
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _KEY)
            yield


class NoHandOverLock:
    """Need no lock: outside the sandbox nobody moves the clock."""

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Hold nothing."""
        yield
