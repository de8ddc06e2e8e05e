"""The generic store: one table, one entity, four statements."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

import asyncpg
import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from adapters.persistence.database import PostgresUnitOfWork
from domain.kernel import Conflict, Duplicate, Email, Entity, Invalid, NotFound, Phone, Stale

E = TypeVar("E", bound=Entity)
_JSON = msgspec.json.Encoder(enc_hook=str)


def encode_json(value: Any) -> str:
    """Write a value as JSON text, as asyncpg takes JSONB."""
    return _JSON.encode(value).decode()


def _decode(kind: type, value: Any) -> Any:
    return kind(value) if kind in (Phone, Email) else value


class Layout(Generic[E]):
    """Map one entity to its table's columns of the same names, JSON ones encoded."""

    def __init__(self, entity: type[E], table: sa.Table) -> None:
        self.entity = entity
        known = {field.name for field in fields(entity)}
        if missing := known - set(table.columns.keys()):
            raise TypeError(f"{table.name} lacks columns for {sorted(missing)}")
        self.names = [str(c.name) for c in table.columns if c.name in known]  # plain, not quoted_name
        self._json = {str(c.name) for c in table.columns if c.name in known and isinstance(c.type, JSONB)}

    def row(self, entity: E) -> list[Any]:
        """Lay an entity's fields out in the order of `names`."""
        return [self._out(name, getattr(entity, name)) for name in self.names]

    def _out(self, name: str, value: Any) -> Any:
        if value is None:
            return None
        if name in self._json:
            return encode_json(value)
        if isinstance(value, frozenset):
            return sorted(value)
        return list(value) if isinstance(value, tuple) else value

    def read(self, row: Any) -> E:
        """Make an entity from a row that holds its columns by name."""
        values = {name: row[name] for name in self.names}
        for name in self._json:
            if values[name] is not None:
                values[name] = msgspec.json.decode(values[name])
        return msgspec.convert(values, type=self.entity, dec_hook=_decode)


class PostgresStore(Generic[E]):
    """Keep the entities of one table; every statement names the organisation itself, row-level security does again."""

    entity: type[E]
    table: sa.Table
    noun: str
    unique: dict[str, str] = {}
    absent: dict[str, tuple[str, str]] = {}
    """What to say, of which field, where a constraint finds no row that is named; else it is `NotFound`."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self.uow = uow

    def __init_subclass__(cls) -> None:
        if not is_dataclass(cls.entity):
            raise TypeError(f"{cls.__name__}.entity must be a dataclass")
        cls.layout = Layout(cls.entity, cls.table)
        names = cls.layout.names
        settable = [n for n in names if n not in ("organization_id", "id", "version")]
        cls._select = f"SELECT {', '.join(names)} FROM {cls.table.name}"  # noqa: S608 - names of our own tables
        cls._insert = (
            f"INSERT INTO {cls.table.name} ({', '.join(names)})"  # noqa: S608
            f" VALUES ({', '.join(f'${i}' for i in range(1, len(names) + 1))})"
        )
        position = {name: i for i, name in enumerate(names, 1)}
        cls._update = (
            f"UPDATE {cls.table.name} SET version = version + 1"  # noqa: S608
            + "".join(f", {n} = ${position[n]}" for n in settable)
            + f" WHERE organization_id = ${position['organization_id']} AND id = ${position['id']}"
            + f" AND version = ${position['version']}"
        )
        cls._delete = f"DELETE FROM {cls.table.name} WHERE organization_id = $1 AND id = $2"  # noqa: S608

    layout: Layout[E]
    _select: str
    _insert: str
    _update: str
    _delete: str

    async def get(self, identifier: UUID) -> E:
        """Load one, or refuse with `NotFound`."""
        return await self._one("id = $2", identifier)

    async def get_for_update(self, identifier: UUID) -> E:
        """Load one and lock its row until the unit of work ends."""
        return await self._one("id = $2", identifier, lock=" FOR NO KEY UPDATE")

    async def find_one(self, condition: str, *parameters: Any) -> E | None:
        """Load the first that meets a condition whose parameters start at `$2`."""
        row = await self.uow.connection.fetchrow(
            f"{self._select} WHERE organization_id = $1 AND {condition} LIMIT 1", self.uow.organization_id, *parameters
        )
        return None if row is None else self.layout.read(row)

    async def _one(self, condition: str, *parameters: Any, lock: str = "") -> E:
        row = await self.uow.connection.fetchrow(
            f"{self._select} WHERE organization_id = $1 AND {condition}{lock}", self.uow.organization_id, *parameters
        )
        if row is None:
            raise NotFound(f"There is no such {self.noun}.")
        return self.layout.read(row)

    async def add(self, entity: E) -> None:
        """Insert one; a second with the same unique key is refused as `Duplicate`."""
        await self._write(self._insert, entity)

    async def save(self, entity: E) -> None:
        """Update one and raise its version, or refuse with `Stale`."""
        if await self._write(self._update, entity) == "UPDATE 0":
            raise self._stale()
        entity.version += 1

    def _stale(self) -> Stale:
        return Stale(f"This {self.noun} was changed by somebody else meanwhile.")

    async def remove(self, entity: E) -> None:
        """Delete one for good; refuse with `Conflict` while something else still needs it."""
        try:
            await self.uow.connection.execute(self._delete, entity.organization_id, entity.id)
        except asyncpg.ForeignKeyViolationError:
            raise Conflict(f"This {self.noun} is still in use.") from None

    async def _write(self, statement: str, entity: E) -> str:
        with self._refusing():
            return str(await self.uow.connection.execute(statement, *self.layout.row(entity)))

    async def _write_and_ask(self, statement: str, entity: E) -> Any:
        """Write one and give the one value that the statement returns, or None where it wrote nothing."""
        with self._refusing():
            return await self.uow.connection.fetchval(statement, *self.layout.row(entity))

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except asyncpg.UniqueViolationError as error:
            field = self.unique.get(error.constraint_name or "")
            raise Duplicate(f"There is such a {self.noun} already.", field=field) from None
        except asyncpg.ForeignKeyViolationError as error:
            if error.constraint_name in self.absent:
                message, field = self.absent[error.constraint_name]
                raise Invalid(message, field=field) from None
            raise NotFound(f"This {self.noun} names something that is not there.") from error
