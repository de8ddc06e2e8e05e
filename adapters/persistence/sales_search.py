"""Search among contacts, or what belongs to them: beginnings by index, best first; what lies within, by looking."""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.finder import DEEPEST_ROW, LARGEST_PAGE, Listing, Prepared, json_object
from adapters.persistence.schema.sales import contacts
from application.ports import Found, PageRequest
from application.sales.contacts import ReadPhones
from domain.kernel import Invalid

MOST_HITS = 1000
_LAST = "\U0010ffff"
_LIKE_A_NUMBER = re.compile(r"\+?[0-9()\-./ ]{3,30}")
_WHOLE_NUMBER = 10


@dataclass(frozen=True, slots=True)
class Looking:
    """Hold what is looked for: `text` in names and e-mail, `prefix` (E.164) and `digits` in phone numbers."""

    text: str
    prefix: str | None = None
    digits: str | None = None

    @property
    def whole(self) -> bool:
        """Tell whether a hit leaves nothing to look for within: a whole number, or an e-mail address."""
        return "@" in self.text or (self.digits is not None and len(self.digits) >= _WHOLE_NUMBER)

    def values(self) -> dict[str, Any]:
        """Give the parameters of the statements."""
        values = {"low": self.text, "high": self.text + _LAST}
        if self.digits is not None:
            values["digits"] = self.digits
        if self.prefix is not None:
            values |= {"low_phone": self.prefix, "high_phone": self.prefix + _LAST}
        return values


def _text(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=sa.Text())


def _begins(column: sa.ColumnElement[Any], kind: str = "") -> sa.ColumnElement[bool]:
    # A range, unlike `^@`, may use an index also under a generic plan.
    return sa.and_(column >= _text(f"low{kind}"), column < _text(f"high{kind}"))


def _arms(numbered: bool) -> list[tuple[sa.ColumnElement[bool], Any]]:
    arms: list[tuple[sa.ColumnElement[bool], Any]] = [
        (_begins(contacts.c.name_key), _rank(contacts.c.name_key, 1)),
        (_begins(contacts.c.given_key), _rank(contacts.c.given_key, 1)),
        (_begins(contacts.c.email), _rank(contacts.c.email, 2)),
    ]
    if numbered:
        arms.append((_begins(contacts.c.phone, "_phone"), _rank(contacts.c.phone, 2, "_phone")))
    return arms


def _rank(column: sa.ColumnElement[Any], rank: int, kind: str = "") -> Any:
    return sa.case((column == _text(f"low{kind}"), sa.literal_column("0")), else_=sa.literal_column(str(rank)))


def _within(digits: bool) -> list[tuple[sa.ColumnElement[bool], Any]]:
    found = [sa.func.strpos(c, _text("low")) > 0 for c in (contacts.c.name_key, contacts.c.given_key, contacts.c.email)]
    if digits:
        found.append(sa.func.strpos(contacts.c.phone, _text("digits")) > 0)
    return [(sa.or_(*found), sa.literal_column("9"))]


def _conditions(listing: Listing, names: tuple[str, ...]) -> list[sa.ColumnElement[bool]]:
    organization = listing.organization == sa.bindparam("organization_id", type_=sa.Uuid())
    narrowed = [listing.filters[n](sa.bindparam(n, type_=listing.types.get(n, sa.Text()))) for n in names]
    return [organization, *listing.always, *narrowed]


@lru_cache(maxsize=500)
def hits_statement(listing: Listing, names: tuple[str, ...], within: bool, number: bool) -> Prepared:
    """Give the statement for ids, best first: by beginnings, or by what lies within."""
    arms = [
        sa.select(listing.identifier.label("id"), rank.label("rank"), contacts.c.name_key.label("name"))
        .select_from(listing.source)
        .where(*_conditions(listing, names), condition)
        .order_by(contacts.c.name_key, listing.identifier)
        .limit(MOST_HITS)
        for condition, rank in (_within(number) if within else _arms(number))
    ]
    every = sa.union_all(*(sa.select(arm.subquery()) for arm in arms)).subquery()
    best = sa.func.min(every.c.rank)
    return Prepared.of(
        sa.select(every.c.id)
        .group_by(every.c.id)
        .order_by(best, sa.func.min(every.c.name), every.c.id)
        .limit(MOST_HITS)
    )


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
        looking = await self._looking(query)
        if not looking.text:
            return []
        names = tuple(sorted(values))
        bound = {**values, **looking.values(), "organization_id": self._uow.organization_id}
        begun = hits_statement(listing, names, False, looking.prefix is not None)
        found = [row[0] for row in await self._uow.connection.fetch(begun.sql, *begun.arguments(bound))]
        if not within or len(found) >= MOST_HITS or (found and looking.whole):
            return found
        inside = hits_statement(listing, names, True, looking.digits is not None)
        known = set(found)
        further = [row[0] for row in await self._uow.connection.fetch(inside.sql, *inside.arguments(bound))]
        return [*found, *(identifier for identifier in further if identifier not in known)][:MOST_HITS]

    async def items(self, listing: Listing, identifiers: list[UUID]) -> list[msgspec.Raw]:
        """Show these, in this order."""
        prepared = _items(listing)
        bound = {"organization_id": self._uow.organization_id, "ids": identifiers}
        rows = await self._uow.connection.fetch(prepared.sql, *prepared.arguments(bound))
        shown = {row[0]: msgspec.Raw(row[1].encode()) for row in rows}
        return [shown[identifier] for identifier in identifiers if identifier in shown]

    async def _in_order(self, listing: Listing, identifiers: list[UUID], sort: str, order: str) -> list[UUID]:
        prepared = _sorted(listing, sort, order)
        bound = {"organization_id": self._uow.organization_id, "ids": identifiers}
        return [row[0] for row in await self._uow.connection.fetch(prepared.sql, *prepared.arguments(bound))]

    async def _looking(self, query: str) -> Looking:
        text = " ".join(query.split()).lower()
        if not _LIKE_A_NUMBER.fullmatch(text) or not (digits := re.sub(r"[^0-9]", "", text)).strip("0"):
            return Looking(text)
        if text.startswith("+"):
            prefix = f"+{digits}"
        elif digits.startswith("00"):
            prefix = f"+{digits[2:]}"
        else:
            prefix = f"+{await self._phones.calling_code()}{digits.removeprefix('0')}"
        return Looking(text, prefix, digits.lstrip("0"))


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
