"""The pool of connections and the unit of work on it."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import asyncpg
from sqlalchemy.engine import make_url

from adapters.persistence.connection import PooledConnection
from adapters.persistence.event_log import append
from adapters.persistence.idempotency import ANSWER, ANSWER_BESIDE, CLAIM, EARLIER, LEFT_FREE
from adapters.tracing.spans import NOTHING, Span, span
from application.ports import Actor
from domain.kernel import Conflict, Event

LOCK_TIMEOUT = "3s"
ACQUIRE_SECONDS = 0.9
"""Together with the longest statement and the patience for its answer under six seconds: no call takes longer."""
UNDO_SECONDS = 1.0
# What leaves a connection in the midst of an answer, the third being asyncpg's when its server dies while it reads; and
# what says that no changes are taken, which a session may go on to say when the database takes them again.
_SPENT = (TimeoutError, asyncio.CancelledError, asyncpg.InternalClientError, asyncpg.ReadOnlySQLTransactionError)


class Unavailable(Exception):
    """Say that the database cannot be had right now; the caller may try again."""


class AlreadyDone(Exception):
    """Say that another worker has consumed this delivery: there is nothing left to do."""


class Replay(Exception):
    """Carry the stored answer to a request that was made before with the same Idempotency-Key."""

    def __init__(self, status: int, answer: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.answer = answer


class IdempotencyMismatch(Exception):
    """Say that this Idempotency-Key was used with another body."""


def connect_arguments(url: str) -> dict[str, Any]:
    """Turn a SQLAlchemy URL into asyncpg's arguments; `?host=/folder` names a unix socket's folder."""
    parsed = make_url(url)
    host = parsed.query.get("host") or parsed.host
    arguments: dict[str, Any] = {
        "host": host,
        "port": parsed.port or 5432,
        "user": parsed.username,
        "password": parsed.password,
        "database": parsed.database,
    }
    mode = parsed.query.get("sslmode") or parsed.query.get("ssl")
    if mode == "verify-full":
        arguments["ssl"] = ssl.create_default_context()
    elif mode:
        arguments["ssl"] = mode
    return arguments


@dataclass(frozen=True, slots=True)
class Database:
    """Hold one role's pool."""

    pool: Any

    @classmethod
    async def open(cls, url: str, *, size: int = 10, statement_timeout_ms: int = 5000) -> "Database":
        """Open a pool; statements past the time limit are cancelled by PostgreSQL, then given up here."""
        pool = await asyncpg.create_pool(
            **connect_arguments(url),
            min_size=1,
            max_size=size,
            connection_class=PooledConnection,
            statement_cache_size=500,
            command_timeout=_patience(statement_timeout_ms),
            timeout=2,
            server_settings={
                "application_name": "rapport",
                "statement_timeout": str(statement_timeout_ms),
                "idle_in_transaction_session_timeout": "60000",
                "timezone": "UTC",
                "jit": "off",
            },
        )
        return cls(pool)

    async def close(self) -> None:
        """Close all connections, waiting at most five seconds for those in use."""
        try:
            await asyncio.wait_for(self.pool.close(), 5)
        except TimeoutError:
            self.pool.terminate()

    async def acquire(self) -> Any:
        """Take a connection, or raise `Unavailable` within a second."""
        try:
            async with asyncio.timeout(ACQUIRE_SECONDS):  # the pool's own time limit costs a task for each request
                return await self.pool.acquire()
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise Unavailable(type(error).__name__) from error

    async def release(self, connection: Any, error: BaseException | None = None) -> None:
        """Give a connection back, or close it where its answer may never come, or it takes no changes."""
        if isinstance(error, _SPENT):
            _terminate(connection)
        await self.pool.release(connection)

    @contextlib.asynccontextmanager
    async def connection(self, seconds: float | None = None) -> AsyncIterator[Any]:
        """Lend a connection outside any unit of work: for the tables outside tenancy.

        `seconds` is how long to wait for each answer, where that is not the pool's time limit.
        """
        connection = await self.acquire()
        connection.allow(seconds)
        try:
            yield connection
        except BaseException as error:
            await self.release(connection, error)
            raise
        await self.release(connection)


def _terminate(connection: Any) -> None:
    """Close a connection at once; one whose server died has gone back to the pool by itself, and is no error."""
    with contextlib.suppress(asyncpg.InterfaceError):
        connection.terminate()


def _patience(statement_timeout_ms: int) -> float:
    """Tell how long to wait for an answer: a little longer than PostgreSQL takes to cancel the statement."""
    return statement_timeout_ms / 1000 + 0.05


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """Name one request: who sent it, to which route, under which key, and the hash of what it said.

    The hash is asked for when the first block opens: a body that is read as it arrives is known only then.
    """

    actor: str
    route: str
    key: str
    request_hash: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Cause:
    """Say why a unit of work runs: the event it follows, the delivery it consumes, or the keyed request it answers."""

    event_id: UUID | None = None
    delivery_id: UUID | None = None
    idempotency: IdempotencyKey | None = None
    statement_timeout_ms: int | None = None


class PostgresUnitOfWork:
    """Be the unit of work and the clock of one actor, one block at a time; see `application.ports.UnitOfWork`."""

    def __init__(
        self,
        database: Database,
        actor: Actor,
        cause: Cause,
        wake: Callable[[], None],
        seal: Callable[[bytes], bytes],
        unseal: Callable[[bytes], bytes],
    ) -> None:
        self._database = database
        self._actor = actor
        self._cause = cause
        self._wake = wake
        self._seal = seal
        self._unseal = unseal
        self._connection: Any = None
        self._held: Any = None
        self._append_held: Callable[..., Awaitable[None]] | None = None
        self._unanswered = False
        self._writing = False
        self.committed = False
        self._claimed = cause.idempotency is None
        self._consumed = cause.delivery_id is None
        self._now: datetime | None = None
        self._events: list[Event] = []
        self._wakes = False
        self._traced: Span = NOTHING

    @property
    def connection(self) -> Any:
        """Give stores the open transaction's connection."""
        if self._connection is None:
            raise RuntimeError("No unit of work is open.")
        return self._connection

    @property
    def organization_id(self) -> UUID:
        """Tell whose rows this unit of work sees."""
        return self._actor.organization_id

    def now(self) -> datetime:
        """Tell the business time at which the open block began."""
        if self._now is None:
            raise RuntimeError("Business time is known inside a writing unit of work only.")
        return self._now

    def publish(self, *events: Event) -> None:
        """Append events when the block is left."""
        if not self._writing:
            raise RuntimeError("Events are published inside a writing unit of work.")
        self._events.extend(events)

    def wake_after_commit(self) -> None:
        """Let relay and scheduler look at once when this block has committed."""
        self._wakes = True

    async def _begin(self, mode: str) -> None:
        if self._connection is not None:
            raise RuntimeError("A unit of work is open already.")
        if self._held is not None:
            await self._append_and_commit_held()
        connection = await self._database.acquire()
        self._traced = span("transaction", "client", db__system__name="postgresql")
        timeout = self._cause.statement_timeout_ms
        if timeout:
            connection.allow(_patience(timeout))
        connection.open_with(
            f"BEGIN{mode}; SELECT set_config('rapport.organization_id', '{self._actor.organization_id}', true)"
            + (f"; SET LOCAL statement_timeout = {int(timeout)}" if timeout else "")
        )
        self._connection = connection

    async def __aenter__(self) -> Self:
        # Not READ WRITE: a database that its operator has set to read-only is to stay so.
        await self._begin("")
        try:
            self._writing = True
            self._now = await self._business_now() if self._claimed else await self._claim()
            if not self._consumed:
                await self._consume()
        except BaseException as error:
            await self._undo(error)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            await self._undo(error)
            return
        wakes, self._wakes = bool(self._events) or self._wakes, False
        self._claimed = True
        if self._cause.idempotency is not None and self._held is None:
            self._append_held = self._appending() if self._events else None
            self._held = self._forget()
            return
        try:
            if self._events:
                await self._appending()()
        except BaseException as failure:
            await self._undo(failure)
            raise
        self.committed = True
        await self._leave("COMMIT")
        self._consumed = True
        if wakes:
            self._wake()

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Open a read-only block."""
        await self._begin(" READ ONLY")
        try:
            yield
        except BaseException as error:
            await self._undo(error)
            raise
        await self._leave("COMMIT")

    async def _undo(self, error: BaseException) -> None:
        """Roll back; when the connection is gone, PostgreSQL has, and what went wrong first must not be hidden."""
        connection = self._forget()
        await self._roll_back(connection, error)

    async def _roll_back(self, connection: Any, error: BaseException | None = None) -> None:
        if isinstance(error, _SPENT):
            _terminate(connection)
        with contextlib.suppress(
            asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError
        ):
            await self._finish(connection, "ROLLBACK", UNDO_SECONDS)

    async def _leave(self, how: str) -> None:
        await self._finish(self._forget(), how)

    def _forget(self) -> Any:
        connection, self._connection = self._connection, None
        self._writing, self._now = False, None
        self._events.clear()
        return connection

    async def _finish(self, connection: Any, how: str, seconds: float | None = None) -> None:
        self._traced.note(db__operation__name=how)
        try:
            await connection.execute(how, timeout=seconds)
        except BaseException as error:
            self._traced.fail()
            await self._database.release(connection, error)
            raise
        finally:
            self._traced.end()
        await self._database.release(connection)

    def _appending(self) -> Callable[..., Awaitable[None]]:
        """Make what appends this block's events, where it is left or where its answer is written."""
        assert self._now is not None
        scope = (self._actor.organization_id, self._actor.id, self._cause.event_id)
        return partial(append, self._connection, *scope, self._now, list(self._events))

    async def _consume(self) -> None:
        done = await self._connection.execute("DELETE FROM deliveries WHERE id = $1", self._cause.delivery_id)
        if done == "DELETE 0":
            raise AlreadyDone

    async def _business_now(self) -> datetime:
        now: datetime = await self._connection.fetchval("SELECT business_now()")
        return now

    async def _claim(self) -> datetime:
        """Take the key, or raise what came of it; gives the business time."""
        key = self._cause.idempotency
        assert key is not None
        await self._connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        scope = (self._actor.organization_id, key.actor, key.route, key.key)
        try:
            claimed, _, now = await self._connection.fetchrow(CLAIM, *scope, key.request_hash())
        except asyncpg.LockNotAvailableError:
            raise Conflict("The same request is still being worked on.") from None
        if claimed:
            assert isinstance(now, datetime)
            return now
        earlier = await self._connection.fetchrow(EARLIER, *scope)
        if earlier is None or earlier["status"] is None:
            raise Conflict("The same request is still being worked on.")
        if earlier["request_hash"] != key.request_hash():
            raise IdempotencyMismatch
        raise Replay(earlier["status"], self._unseal(earlier["answer"]))

    async def _append_and_commit_held(self) -> None:
        try:
            if self._append_held is not None:
                await self._append_held()
        except BaseException as error:
            await self.abandon(error)
            raise
        await self._commit_held()
        self._unanswered = True

    async def _commit_held(self) -> None:
        connection, self._held = self._held, None
        self.committed = True
        await self._finish(connection, "COMMIT")
        self._wake()

    async def finish(self, status: int | None, answer: bytes = b"") -> None:
        """Commit a keyed block that was left open, if any, and its answer; without one the key may be used again.

        Where a later block was undone, or read only, the key that an earlier one committed is answered by itself.
        """
        if self._held is None and self._unanswered:
            await self._begin("")
            self._held, self._append_held = self._forget(), None
        if self._held is None:
            return
        self._unanswered = False
        key = self._cause.idempotency
        assert key is not None
        said = (key.actor, key.route, key.key, status, self._seal(answer))
        try:
            if status is None:
                await self._held.execute(LEFT_FREE, self._actor.organization_id, *said[:3])
                if self._append_held is not None:
                    await self._append_held()
            elif self._append_held is not None:
                await self._append_held(ANSWER_BESIDE, *said)
            else:
                await self._held.execute(ANSWER, self._actor.organization_id, *said)
        except BaseException as error:
            await self.abandon(error)
            raise
        await self._commit_held()

    async def abandon(self, error: BaseException | None = None) -> None:
        """Undo a keyed block whose answer never came to be."""
        if self._held is not None:
            connection, self._held = self._held, None
            await self._roll_back(connection, error)
