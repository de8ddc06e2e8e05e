"""One connection of a pool, to which every setting is local to its transaction."""

from typing import Any

import asyncpg


class PooledConnection(asyncpg.Connection):  # type: ignore[misc]
    """Be a pooled connection that may be given other patience than its pool's, until it goes back."""

    _seconds: float | None = None
    _opening: str = ""

    def allow(self, seconds: float | None) -> None:
        """Wait for each answer this long instead of for as long as the pool says."""
        self._seconds = seconds

    def open_with(self, statements: str) -> None:
        """Send these before the first statement, or with it where it takes no arguments: a round trip less."""
        self._opening = statements

    async def _open(self) -> None:
        if self._opening:
            opening, self._opening = self._opening, ""
            await super().execute(opening, timeout=self._seconds)

    # asyncpg's signatures:
    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> Any:  # noqa: ASYNC109
        if args:
            await self._open()
        elif self._opening:
            query, self._opening = f"{self._opening}; {query}", ""
        return await super().execute(query, *args, timeout=timeout or self._seconds)

    async def fetch(self, query: str, *args: Any, timeout: float | None = None, record_class: Any = None) -> Any:  # noqa: ASYNC109
        await self._open()
        return await super().fetch(query, *args, timeout=timeout or self._seconds, record_class=record_class)

    async def fetchval(self, query: str, *args: Any, column: int = 0, timeout: float | None = None) -> Any:  # noqa: ASYNC109
        await self._open()
        return await super().fetchval(query, *args, column=column, timeout=timeout or self._seconds)

    async def fetchrow(self, query: str, *args: Any, timeout: float | None = None, record_class: Any = None) -> Any:  # noqa: ASYNC109
        await self._open()
        return await super().fetchrow(query, *args, timeout=timeout or self._seconds, record_class=record_class)

    async def reset(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Skip the pool's four-statement reset: every setting here is local to its transaction."""
        self._seconds, self._opening = None, ""
        if self.is_in_transaction():
            await self.execute("ROLLBACK", timeout=timeout)
