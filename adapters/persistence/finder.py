"""The generic finder: a filter struct becomes conditions, a keyset cursor walks a total order, SQL writes the JSON."""

import base64
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import dialect as AsyncpgDialect  # noqa: N812 - a class by its maker's name
from sqlalchemy.sql import Select, operators

from adapters.persistence.database import PostgresUnitOfWork
from application.ports import Filter, Found, PageRequest
from domain.kernel import Invalid

EXACT_TOTAL = 1000
DEEPEST_ROW = 10_000
LARGEST_PAGE = 100
ESTIMATE_SECONDS = 10.0
_MOST_ESTIMATES = 5000
_DIALECT = AsyncpgDialect()  # type: ignore[no-untyped-call]

Condition = Callable[[sa.BindParameter[Any]], sa.ColumnElement[bool]]


@dataclass(frozen=True, eq=False)
class Listing:
    """Declare one list: what an item shows, what narrows it, and the orders it may have.

    `shown` maps the wire's names to expressions; `sorts` must be NOT NULL columns with an index on
    (organization_id, column, id); `always` holds in every query.
    """

    source: sa.FromClause
    organization: sa.ColumnElement[Any]
    identifier: sa.ColumnElement[Any]
    shown: Mapping[str, sa.ColumnElement[Any]]
    sorts: Mapping[str, sa.ColumnElement[Any]]
    default_sort: str
    default_order: str = "desc"
    filters: Mapping[str, Condition] = field(default_factory=dict)
    types: Mapping[str, sa.types.TypeEngine[Any]] = field(default_factory=dict)
    always: tuple[sa.ColumnElement[bool], ...] = ()


def utc(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Show a time as ISO 8601 with `Z`, to the microsecond."""
    return sa.func.to_char(column, sa.literal_column('\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\''))


def json_object(shown: Mapping[str, sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
    """Build one JSON object out of named expressions; times become ISO 8601 with `Z`."""
    pairs: list[Any] = []
    for name, column in shown.items():
        pairs.append(sa.literal_column(f"'{name}'"))
        pairs.append(utc(column) if isinstance(column.type, sa.DateTime) else column)
    return sa.func.json_build_object(*pairs)


def compile_statement(statement: Any) -> tuple[str, list[str], dict[str, Any]]:
    """Compile for asyncpg: the text, its parameters' names by position, and the values already bound."""
    compiled = statement.compile(dialect=_DIALECT)
    return str(compiled), list(compiled.positiontup or ()), dict(compiled.params)


@dataclass(frozen=True)
class Prepared:
    """Hold a compiled statement."""

    sql: str
    names: tuple[str, ...]
    bound: Mapping[str, Any]

    @classmethod
    def of(cls, statement: Any) -> "Prepared":
        """Compile once."""
        sql, names, bound = compile_statement(statement)
        return cls(sql, tuple(names), bound)

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """Lay the values out by position."""
        return [values[n] if n in values else self.bound[n] for n in self.names]


def _conditions(listing: Listing, names: tuple[str, ...]) -> list[sa.ColumnElement[bool]]:
    organization = listing.organization == sa.bindparam("organization_id", type_=sa.Uuid())
    narrowed = [listing.filters[n](sa.bindparam(n, type_=listing.types.get(n, sa.Text()))) for n in names]
    return [organization, *listing.always, *narrowed]


@lru_cache(maxsize=2000)
def _page(
    listing: Listing, names: tuple[str, ...], sort: str, order: str, keyset: bool, rows: int | None = None
) -> Prepared:
    key = listing.sorts[sort]
    columns = [sa.cast(json_object(listing.shown), sa.Text).label("item"), key.label("sort_key")]
    if not keyset:
        columns.append(_capped_count(listing, names).scalar_subquery().label("matching"))
    columns.append(listing.identifier.label("sort_id"))
    statement: Select[Any] = sa.select(*columns).select_from(listing.source).where(*_conditions(listing, names))
    if keyset:
        after_id = sa.bindparam("after_id", type_=listing.identifier.type)
        after = sa.tuple_(sa.bindparam("after_key", type_=key.type), after_id)
        place = sa.tuple_(key, listing.identifier)
        statement = statement.where(place < after if order == "desc" else place > after)
    direction = sa.desc if order == "desc" else sa.asc
    statement = statement.order_by(direction(key), direction(listing.identifier))
    if rows is not None:
        return Prepared.of(statement.limit(sa.literal_column(str(rows))))
    return Prepared.of(
        statement.limit(sa.bindparam("rows", type_=sa.BigInteger())).offset(
            sa.bindparam("skipped", type_=sa.BigInteger())
        )
    )


@lru_cache(maxsize=500)
def _in_index_order(listing: Listing, names: tuple[str, ...]) -> bool:
    """Tell whether one plan fits all values: at most one filter, an equality, whose index gives the order too."""
    narrowed = [listing.filters[n](sa.bindparam(n, type_=listing.types.get(n, sa.Text()))) for n in names]
    return len(narrowed) <= 1 and all(
        isinstance(c, sa.BinaryExpression) and c.operator is operators.eq and isinstance(c.right, sa.BindParameter)
        for c in narrowed
    )


def _matching(listing: Listing, names: tuple[str, ...]) -> Select[Any]:
    return sa.select(sa.literal_column("1")).select_from(listing.source).where(*_conditions(listing, names))


def _capped_count(listing: Listing, names: tuple[str, ...]) -> Select[Any]:
    most: sa.ColumnElement[int] = sa.literal_column(str(EXACT_TOTAL + 1))
    return sa.select(sa.func.count()).select_from(_matching(listing, names).limit(most).subquery())


@lru_cache(maxsize=500)
def _count(listing: Listing, names: tuple[str, ...], capped: bool) -> Prepared:
    return Prepared.of(_capped_count(listing, names) if capped else _matching(listing, names))


@lru_cache(maxsize=100)
def _tallied(listing: Listing, names: tuple[str, ...], column: str) -> Prepared:
    by = listing.shown[column]
    return Prepared.of(
        sa.select(by.label("value"), sa.func.count().label("number"))
        .select_from(listing.source)
        .where(*_conditions(listing, names))
        .group_by(by)
    )


@lru_cache(maxsize=500)
def _single(listing: Listing, names: tuple[str, ...]) -> Prepared:
    return Prepared.of(
        sa.select(sa.cast(json_object(listing.shown), sa.Text))
        .select_from(listing.source)
        .where(*_conditions(listing, names), listing.identifier == sa.bindparam("identifier", type_=sa.Uuid()))
    )


@lru_cache(maxsize=50)
def showing(listing: Listing, table: str, write: str) -> str:
    """Make a statement that writes one row of the listing's table also show it as the list does.

    Whatever the item joins is shown as it was before: it has to be written by an earlier statement.
    """
    item = Prepared.of(sa.select(sa.cast(json_object(listing.shown), sa.Text)).select_from(listing.source))
    return f"WITH {table} AS ({write} RETURNING *) {item.sql}"


def _fingerprint(values: Mapping[str, Any], sort: str, order: str) -> str:
    encoded = msgspec.json.encode([sorted(values.items()), sort, order], enc_hook=str, order="deterministic")
    return hashlib.blake2b(encoded, digest_size=8).hexdigest()


class _Cursor(msgspec.Struct, array_like=True):
    fingerprint: str
    key: Any
    identifier: str


def _read_cursor(text: str, fingerprint: str, listing: Listing, sort: str) -> tuple[Any, Any]:
    try:
        cursor = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Cursor)
        key = msgspec.convert(cursor.key, listing.sorts[sort].type.python_type, strict=False)
        identifier = msgspec.convert(cursor.identifier, listing.identifier.type.python_type, strict=False)
        if any(isinstance(value, int) and abs(value) >= 1 << 63 for value in (key, identifier)):
            raise ValueError("past any row")
    except (ValueError, msgspec.DecodeError, msgspec.ValidationError):
        raise Invalid("This cursor is not one of ours.", field="cursor") from None
    if cursor.fingerprint != fingerprint:
        raise Invalid("This cursor belongs to other filters or another order.", field="cursor")
    return key, identifier


class Finder:
    """Answer lists inside an open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def find(
        self, listing: Listing, narrowed: Filter, page: PageRequest, scope: Mapping[str, Any] | None = None
    ) -> Found:
        """Give one page; `scope` narrows by what the actor may see, over and above the filter."""
        values = {n: v for n in narrowed.__struct_fields__ if (v := getattr(narrowed, n)) is not None}
        values.update(scope or {})
        names = tuple(sorted(values))
        sort, order = page.sort or listing.default_sort, page.order or listing.default_order
        if sort not in listing.sorts:
            raise Invalid(f"Sort by one of {', '.join(listing.sorts)}.", field="sort")
        limit = min(page.limit, LARGEST_PAGE)
        if limit < 1 or page.page < 1:
            raise Invalid("Pages and limits start at 1.", field="limit" if limit < 1 else "page")
        if page.page * limit > DEEPEST_ROW and page.cursor is None:
            raise Invalid(f"Past row {DEEPEST_ROW:,} walk the list with `cursor`.", field="page")
        fingerprint = _fingerprint(values, sort, order)
        bound: dict[str, Any] = {**values, "organization_id": self._uow.organization_id, "rows": limit + 1}
        bound["skipped"] = 0 if page.cursor else (page.page - 1) * limit
        if page.cursor:
            bound["after_key"], bound["after_id"] = _read_cursor(page.cursor, fingerprint, listing, sort)
        which = (listing, self._uow.organization_id, fingerprint)
        long = _estimates.get(which, (0, 0.0))[1] > time.monotonic()
        fixed = limit + 1 if long and not bound["skipped"] and _in_index_order(listing, names) else None
        if fixed is not None:
            # Made anew for each request, the plan would take PostgreSQL as long as the rows. This text, the number of
            # rows in it, is used for long lists only: a plan kept from a table's first days would not suit them.
            await self._uow.connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        prepared = _page(listing, names, sort, order, page.cursor is not None, fixed)
        rows = await self._uow.connection.fetch(prepared.sql, *prepared.arguments(bound))
        matching = rows[0]["matching"] if rows and not page.cursor else 0
        more, rows = len(rows) > limit, rows[:limit]
        total, estimated = (None, False)
        if not page.cursor:
            if not rows and page.page > 1:
                capped = _count(listing, names, True)
                matching = await self._uow.connection.fetchval(capped.sql, *capped.arguments(bound))
            total, estimated = matching, matching > EXACT_TOTAL
            if estimated:
                total = await self._estimate(which, names, bound)
        return Found(
            items=[msgspec.Raw(row[0].encode()) for row in rows],
            next_cursor=_write_cursor(fingerprint, rows[-1]) if more else None,
            page=None if page.cursor else page.page,
            limit=limit,
            total=total,
            total_is_estimate=estimated,
        )

    async def one(
        self, listing: Listing, identifier: Any, scope: Mapping[str, Any] | None = None
    ) -> msgspec.Raw | None:
        """Give one item as the list shows it, or None where it is not there to see."""
        values = dict(scope or {})
        prepared = _single(listing, tuple(sorted(values)))
        values |= {"organization_id": self._uow.organization_id, "identifier": identifier}
        item = await self._uow.connection.fetchval(prepared.sql, *prepared.arguments(values))
        return None if item is None else msgspec.Raw(item.encode())

    async def tally(
        self, listing: Listing, narrowed: Filter, column: str, scope: Mapping[str, Any] | None = None
    ) -> Mapping[str, int]:
        """Count what a list holds by the values of one of its columns; for short lists."""
        values = {n: v for n in narrowed.__struct_fields__ if (v := getattr(narrowed, n)) is not None}
        values.update(scope or {})
        prepared = _tallied(listing, tuple(sorted(values)), column)
        bound = {**values, "organization_id": self._uow.organization_id}
        rows = await self._uow.connection.fetch(prepared.sql, *prepared.arguments(bound))
        return {row["value"]: row["number"] for row in rows}

    async def _estimate(
        self, which: tuple[Listing, UUID, str], names: tuple[str, ...], bound: Mapping[str, Any]
    ) -> int:
        """Ask the planner, whose own statistics are a minute old and more, once in ten seconds."""
        estimate, until = _estimates.get(which, (0, 0.0))
        if until < time.monotonic():
            every = _count(which[0], names, False)
            plan = await self._uow.connection.fetchval(f"EXPLAIN (FORMAT JSON) {every.sql}", *every.arguments(bound))
            estimate = max(int(msgspec.json.decode(plan)[0]["Plan"]["Plan Rows"]), EXACT_TOTAL + 1)
            if len(_estimates) >= _MOST_ESTIMATES:
                _estimates.clear()
            _estimates[which] = estimate, time.monotonic() + ESTIMATE_SECONDS
        return estimate


_estimates: dict[tuple[Listing, UUID, str], tuple[int, float]] = {}


def _write_cursor(fingerprint: str, row: Any) -> str:
    cursor = _Cursor(fingerprint, row["sort_key"], str(row["sort_id"]))
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor, enc_hook=str)).rstrip(b"=").decode()
