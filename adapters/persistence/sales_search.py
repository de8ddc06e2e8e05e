"""Search among contacts, or what belongs to them: beginnings first, then what lies within, then what is misspelt.

Beginnings come by the indexes of the names, of e-mail and of the number. What lies within comes as candidates from
`ranked_contacts` (migration 0013): a thousand at first; where filters and visibility leave too few of those, twenty
thousand; where these are still too few, what may be seen is looked through row by row. So whoever sees little still
finds the best of it. Slips are looked for only where nothing else is found, and not for long.
"""

import base64
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.finder import DEEPEST_ROW, LARGEST_PAGE, Listing, Prepared, json_object
from adapters.persistence.schema.sales import contacts, leads
from adapters.persistence.search_terms import Sought, is_national, sought, trigrams_of
from application.ports import Found, PageRequest
from application.sales.contacts import ReadPhones
from domain.kernel import Invalid

MOST_HITS = 1000
_MOST_CANDIDATES = 20_000
_CANDIDATES_OF_A_SLIP = 200
_LEAST_ALIKE = 0.2
SLIPS_MILLISECONDS = 400
"""After how long no further slip is looked for; the one under way is looked for to its end."""
_ID = sa.column("id", sa.Uuid())


def _bound(name: str, kind: Any = sa.Text) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=kind())


def _texts(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=sa.ARRAY(sa.Text()))


def _begins(column: sa.ColumnElement[Any], kind: str = "") -> sa.ColumnElement[bool]:
    # A range, unlike `^@`, may use an index also under a generic plan.
    return sa.and_(column >= _bound(f"low{kind}"), column < _bound(f"high{kind}"))


def _rank(column: sa.ColumnElement[Any], rank: int, kind: str = "") -> Any:
    """Put what is whole before what begins so: of a name, whole words."""
    whole = column == _bound(f"low{kind}")
    if rank == 1:
        whole = sa.or_(whole, sa.func.starts_with(column, _bound("low") + sa.literal_column("' '")))
    return sa.case((whole, sa.literal_column("0")), else_=sa.literal_column(str(rank)))


def _name(listing: Listing) -> sa.ColumnElement[Any]:
    # A lead has a copy of its contact's: its own index gives beginnings in order, and no contact is looked at.
    return listing.sorts["name"]


def _contact(listing: Listing) -> sa.ColumnElement[Any]:
    """Tell which column says whose row it is."""
    return leads.c.contact_id if listing.identifier.table is leads else contacts.c.id


def _arms(listing: Listing, number: bool) -> list[tuple[sa.ColumnElement[bool], Any]]:
    arms: list[tuple[sa.ColumnElement[bool], Any]] = [
        (_begins(_name(listing)), _rank(_name(listing), 1)),
        (_begins(contacts.c.given_key), _rank(contacts.c.given_key, 1)),
        (_begins(contacts.c.email), _rank(contacts.c.email, 2)),
    ]
    if number:
        arms.append((_begins(contacts.c.phone, "_phone"), _rank(contacts.c.phone, 2, "_phone")))
    return arms


def _conditions(listing: Listing, names: tuple[str, ...]) -> list[sa.ColumnElement[bool]]:
    organization = listing.organization == _bound("organization_id", sa.Uuid)
    narrowed = [listing.filters[n](sa.bindparam(n, type_=listing.types.get(n, sa.Text()))) for n in names]
    return [organization, *listing.always, *narrowed]


def _in_order(hits: sa.Subquery) -> sa.ColumnElement[Any]:
    # One array: a thousand rows would cost the driver more than PostgreSQL.
    return sa.func.array_agg(aggregate_order_by(hits.c.id, hits.c.rank, hits.c.name, hits.c.id))


@lru_cache(maxsize=500)
def beginnings_statement(listing: Listing, names: tuple[str, ...], number: bool) -> Prepared:
    """Give the statement for the ids of what begins so, best first."""
    arms = [
        sa.select(listing.identifier.label("id"), rank.label("rank"), _name(listing).label("name"))
        .select_from(listing.source)
        .where(*_conditions(listing, names), condition)
        .order_by(_name(listing), listing.identifier)
        .limit(MOST_HITS)
        for condition, rank in _arms(listing, number)
    ]
    every = sa.union_all(*(sa.select(arm.subquery()) for arm in arms)).subquery()
    best, name = sa.func.min(every.c.rank).label("rank"), sa.func.min(every.c.name).label("name")
    hits = sa.select(every.c.id, best, name).group_by(every.c.id).order_by(best, name, every.c.id).limit(MOST_HITS)
    return Prepared.of(sa.select(_in_order(hits.subquery())))


def _placed() -> sa.ColumnElement[Any]:
    """Put the beginning of a word before its middle, and words apart last."""
    phrase = _bound("phrase")
    return sa.case(
        (sa.func.strpos(contacts.c.search, sa.literal_column("' '") + phrase) > 0, sa.literal_column("3")),
        (sa.func.strpos(contacts.c.search, phrase) > 0, sa.literal_column("4")),
        else_=sa.literal_column("5"),
    )


@lru_cache(maxsize=500)
def candidates_statement(listing: Listing, names: tuple[str, ...]) -> Prepared:
    """Give the statement for how many candidates hold the patterns, and the ids of those that may be seen."""
    found = (
        sa.text(
            'SELECT id, rank, name COLLATE "C" AS name'
            " FROM ranked_contacts(:organization_id, :patterns, :phrase, :most)"
        )
        .bindparams(
            _bound("organization_id", sa.Uuid), _texts("patterns"), _bound("phrase"), _bound("most", sa.BigInteger)
        )
        .columns(_ID, sa.column("rank", sa.Integer()), sa.column("name", sa.Text()))
        .cte("found")
    )
    # Nothing of the contact is asked for: the planner leaves the join of a lead with it out. The offset keeps it from
    # another one, which would suit an organisation of the usual size and read a large one whole.
    theirs = (
        sa.select(listing.identifier.label("id"))
        .select_from(listing.source)
        .where(*_conditions(listing, names), _contact(listing) == found.c.id)
        .correlate(found)
        .offset(sa.literal_column("0"))
        .lateral()
    )
    hits = sa.select(theirs.c.id, found.c.rank, found.c.name).select_from(found.join(theirs, sa.true())).subquery()
    counted = sa.select(sa.func.count()).select_from(found).scalar_subquery()
    return Prepared.of(sa.select(counted, _in_order(hits)))


@lru_cache(maxsize=500)
def looking_through_statement(listing: Listing, names: tuple[str, ...]) -> Prepared:
    hits = (
        sa.select(listing.identifier.label("id"), _placed().label("rank"), contacts.c.name_key.label("name"))
        .select_from(listing.source)
        .where(*_conditions(listing, names), contacts.c.search.like(sa.func.all(_texts("patterns"))))
        .order_by(contacts.c.name_key, listing.identifier)
        .limit(sa.literal_column(str(2 * MOST_HITS)))
        .subquery()
    )
    return Prepared.of(sa.select(_in_order(hits)))


@lru_cache(maxsize=500)
def misspelt_statement(listing: Listing, names: tuple[str, ...]) -> Prepared:
    found = (
        sa.text("SELECT DISTINCT id FROM misspelt_contacts(:organization_id, :slips, :most, :milliseconds) AS id")
        .bindparams(
            _bound("organization_id", sa.Uuid),
            _texts("slips"),
            _bound("most", sa.BigInteger),
            _bound("milliseconds", sa.Integer),
        )
        .columns(_ID)
        .cte("found")
    )
    name = sa.func.split_part(contacts.c.search, sa.literal_column("E'\\n'"), sa.literal_column("1"))
    alike = sa.func.word_similarity(_bound("phrase"), name)
    hits = (
        sa.select(listing.identifier.label("id"), (-alike).label("rank"), contacts.c.name_key.label("name"))
        .select_from(listing.source)
        .where(
            *_conditions(listing, names),
            contacts.c.id.in_(sa.select(found.c.id)),
            alike >= _bound("least", sa.REAL),
        )
        .subquery()
    )
    return Prepared.of(sa.select(_in_order(hits)))


@lru_cache(maxsize=100)
def _items(listing: Listing) -> Prepared:
    return Prepared.of(
        sa.select(listing.identifier.label("id"), sa.cast(json_object(listing.shown), sa.Text))
        .select_from(listing.source)
        .where(*_conditions(listing, ()), listing.identifier == sa.any_(sa.bindparam("ids", type_=sa.ARRAY(sa.Uuid()))))
    )


@lru_cache(maxsize=100)
def _sorted(listing: Listing, sort: str, order: str) -> Prepared:
    direction = sa.desc if order == "desc" else sa.asc
    return Prepared.of(
        sa.select(listing.identifier)
        .select_from(listing.source)
        .where(*_conditions(listing, ()), listing.identifier == sa.any_(sa.bindparam("ids", type_=sa.ARRAY(sa.Uuid()))))
        .order_by(direction(listing.sorts[sort]), direction(listing.identifier))
    )


class Search:
    """Answer searches inside an open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork, phones: ReadPhones) -> None:
        self._uow = uow
        self._phones = phones

    async def find(self, listing: Listing, query: str, values: Mapping[str, Any], page: PageRequest) -> Found:
        """Give one page of at most 1,000 hits, best first or in the order that is asked for."""
        limit = min(page.limit, LARGEST_PAGE)
        if limit < 1 or page.page < 1:
            raise Invalid("Pages and limits start at 1.", field="limit" if limit < 1 else "page")
        if page.page * limit > DEEPEST_ROW and page.cursor is None:
            raise Invalid(f"Past row {DEEPEST_ROW:,} walk the list with `cursor`.", field="page")
        if page.sort is not None and page.sort not in listing.sorts:
            raise Invalid(f"Sort by one of {', '.join(listing.sorts)}.", field="sort")
        fingerprint = _fingerprint(query, values, page)
        start = _read_cursor(page.cursor, fingerprint) if page.cursor else (page.page - 1) * limit
        found = await self.hits(listing, query, values)
        if page.sort is not None:
            found = await self._in_order(listing, found, page.sort, page.order or listing.default_order)
        more = start + limit < len(found)
        return Found(
            items=await self.items(listing, found[start : start + limit]),
            next_cursor=_write_cursor(fingerprint, start + limit) if more else None,
            page=None if page.cursor else page.page,
            limit=limit,
            total=None if page.cursor else len(found),
            total_is_estimate=False,
        )

    async def hits(self, listing: Listing, query: str, values: Mapping[str, Any], *, within: bool = True) -> list[UUID]:
        """Give the ids of at most 1,000 hits, best first; without `within` only by beginnings."""
        wanted = sought(query, await self._phones.calling_code() if is_national(query) else "")
        if not wanted.text:
            return []
        names = tuple(sorted(values))
        bound = {**values, "organization_id": self._uow.organization_id, "phrase": wanted.phrase}
        # One plan suits all that begins so; made anew for each search, it would take longer than the search.
        await self._uow.connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        begun = await self._ids(
            beginnings_statement(listing, names, wanted.prefix is not None), bound | wanted.beginnings()
        )
        if not within or len(begun) >= MOST_HITS or (begun and wanted.whole):
            return begun
        # Who is hidden makes no difference: else one could tell by a slip who has a word.
        found = await self._within(listing, names, wanted, bound, begun)
        return found or await self._misspelt(listing, names, wanted, bound)

    async def items(self, listing: Listing, identifiers: list[UUID]) -> list[msgspec.Raw]:
        """Show these, in this order."""
        prepared = _items(listing)
        bound = {"organization_id": self._uow.organization_id, "ids": identifiers}
        rows = await self._uow.connection.fetch(prepared.sql, *prepared.arguments(bound))
        shown = {row[0]: msgspec.Raw(row[1].encode()) for row in rows}
        return [shown[identifier] for identifier in identifiers if identifier in shown]

    async def _within(
        self, listing: Listing, names: tuple[str, ...], wanted: Sought, bound: dict[str, Any], begun: list[UUID]
    ) -> list[UUID]:
        """Add what holds every word to what begins so."""
        patterns = wanted.patterns
        if not patterns:
            return begun
        known = set(begun)
        prepared = candidates_statement(listing, names)
        for most in (MOST_HITS + len(begun), _MOST_CANDIDATES):
            arguments = prepared.arguments(bound | {"patterns": patterns, "most": most})
            candidates, inside = await self._uow.connection.fetchrow(prepared.sql, *arguments)
            found = _together(begun, known, inside)
            if candidates < most or len(found) >= MOST_HITS:
                return found
        # Whether to walk in order or to sort depends on how common the words are.
        await self._uow.connection.execute("SET LOCAL plan_cache_mode = auto")
        seen = await self._ids(looking_through_statement(listing, names), bound | {"patterns": patterns})
        await self._uow.connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        return _together(begun, known, seen)

    async def _misspelt(
        self, listing: Listing, names: tuple[str, ...], wanted: Sought, bound: dict[str, Any]
    ) -> list[UUID]:
        """Look for one wrong letter, and if that finds nobody, for two."""
        for choices, most, least in (
            (wanted.slips(), _CANDIDATES_OF_A_SLIP, 0.0),
            (wanted.double_slips(), MOST_HITS, _LEAST_ALIKE),
        ):
            # What keeps most of the words is found the fastest, and first, should the time not do for all.
            slips = ["\n".join(patterns) for patterns in sorted(choices, key=trigrams_of, reverse=True)]
            values = bound | {"slips": slips, "most": most, "least": least, "milliseconds": SLIPS_MILLISECONDS}
            if slips and (found := await self._ids(misspelt_statement(listing, names), values)):
                return found[:MOST_HITS]
        return []

    async def _ids(self, prepared: Prepared, values: dict[str, Any]) -> list[UUID]:
        found: list[UUID] | None = await self._uow.connection.fetchval(prepared.sql, *prepared.arguments(values))
        return found or []

    async def _in_order(self, listing: Listing, identifiers: list[UUID], sort: str, order: str) -> list[UUID]:
        prepared = _sorted(listing, sort, order)
        bound = {"organization_id": self._uow.organization_id, "ids": identifiers}
        return [row[0] for row in await self._uow.connection.fetch(prepared.sql, *prepared.arguments(bound))]


def _together(begun: list[UUID], known: set[UUID], further: list[UUID] | None) -> list[UUID]:
    return [*begun, *(identifier for identifier in further or () if identifier not in known)][:MOST_HITS]


def _fingerprint(query: str, values: Mapping[str, Any], page: PageRequest) -> str:
    said = msgspec.json.encode([query, sorted(values.items()), page.sort, page.order], enc_hook=str)
    return hashlib.blake2b(said, digest_size=8).hexdigest()


def _write_cursor(fingerprint: str, start: int) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((fingerprint, start))).rstrip(b"=").decode()


def _read_cursor(text: str, fingerprint: str) -> int:
    try:
        said, start = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=tuple[str, int])
    except (ValueError, msgspec.DecodeError):
        raise Invalid("This cursor is not one of ours.", field="cursor") from None
    if said != fingerprint or start < 0:
        raise Invalid("This cursor belongs to other filters or another order.", field="cursor")
    return start
