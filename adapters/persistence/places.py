"""Brands and locations in PostgreSQL, and phone numbers as the organisation's country writes them."""

from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.finder import Finder, Listing, json_object
from adapters.persistence.schema.identity import brands, locations
from adapters.persistence.store import PostgresStore
from application.identity.brands import BrandFilter
from application.identity.locations import LocationFilter
from application.outreach.phone_numbers import PhoneNumbers, Unreadable
from application.ports import Actor, Filter, Found, PageRequest
from domain.identity.brand import Brand
from domain.identity.location import Location
from domain.kernel import Invalid, NotFound, Phone


def _begins(column: sa.ColumnElement[Any], beginning: sa.BindParameter[Any]) -> sa.ColumnElement[bool]:
    """Compare beginnings in any case, by the database's own language rather than by bytes."""
    return sa.func.starts_with(sa.func.lower(sa.collate(column, "default")), sa.func.lower(beginning))


BRANDS = Listing(
    source=brands,
    organization=brands.c.organization_id,
    identifier=brands.c.id,
    shown={name: brands.c[name] for name in ("id", "name", "logo_url", "created_at", "version")},
    sorts={"name": brands.c.name, "created": brands.c.created_at},
    default_sort="name",
    default_order="asc",
    filters={
        "search": lambda p: _begins(brands.c.name, p),
        "visible_locations": lambda p: sa.exists().where(
            locations.c.organization_id == brands.c.organization_id,
            locations.c.brand_id == brands.c.id,
            locations.c.id == sa.any_(p),
        ),
    },
    types={"visible_locations": sa.ARRAY(sa.Uuid())},
)
_SHOWN = (
    "id", "brand_id", "name", "address", "city", "postcode", "country", "time_zone", "phone", "email", "is_active",
    "created_at", "version",
)  # fmt: skip
LOCATIONS = Listing(
    source=locations.join(
        brands, sa.and_(brands.c.organization_id == locations.c.organization_id, brands.c.id == locations.c.brand_id)
    ),
    organization=locations.c.organization_id,
    identifier=locations.c.id,
    shown={
        **{name: locations.c[name] for name in _SHOWN},
        "brand": json_object({"id": brands.c.id, "name": brands.c.name, "logo_url": brands.c.logo_url}),
    },
    sorts={"name": locations.c.name, "created": locations.c.created_at},
    default_sort="name",
    default_order="asc",
    filters={
        "brand_id": lambda p: locations.c.brand_id == p,
        "is_active": lambda p: locations.c.is_active == p,
        "search": lambda p: _begins(locations.c.name, p),
        "visible_locations": lambda p: locations.c.id == sa.any_(p),
    },
    types={"brand_id": sa.Uuid(), "is_active": sa.Boolean(), "visible_locations": sa.ARRAY(sa.Uuid())},
)
_MOST = 100


def location_scope(actor: Actor) -> dict[str, Any]:
    """Narrow to the locations that somebody is limited to, or to their brands."""
    return {} if actor.location_ids is None else {"visible_locations": sorted(actor.location_ids)}


class PostgresBrands(PostgresStore[Brand]):
    """Be the `BrandStore` of the open unit of work."""

    entity = Brand
    table = brands
    noun = "brand"
    unique = {"uq_brands_name": "name"}

    def __init__(self, uow: PostgresUnitOfWork, actor: Actor, finder: Finder) -> None:
        super().__init__(uow)
        self._scope = location_scope(actor)
        self._finder = finder

    async def get(self, identifier: UUID) -> Brand:
        """Load one that the actor may see."""
        await self.show(identifier)
        return await super().get(identifier)

    async def locked(self, identifier: UUID) -> Brand:
        """Load one that the actor may see, locked until the unit of work ends."""
        await self.show(identifier)
        return await self.get_for_update(identifier)

    async def hold(self) -> None:
        """Wait for others who fill the list by this."""
        await self.uow.connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('brands/' || $1, 0))", str(self.uow.organization_id)
        )

    async def named(self, name: str) -> Brand | None:
        """Find one by its name."""
        return await self.find_one("name = $2", name)

    async def find(self, narrowed: BrandFilter, page: PageRequest) -> Found:
        """List brands."""
        return await self._finder.find(BRANDS, narrowed, page, self._scope)

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one."""
        shown = await self._finder.one(BRANDS, identifier, self._scope)
        if shown is None:
            raise NotFound("There is no such brand.")
        return shown


class PostgresLocations(PostgresStore[Location]):
    """Be the `LocationStore` of the open unit of work."""

    entity = Location
    table = locations
    noun = "location"
    unique = {"uq_locations_name": "name"}

    def __init__(self, uow: PostgresUnitOfWork, actor: Actor, finder: Finder) -> None:
        super().__init__(uow)
        self._scope = location_scope(actor)
        self._finder = finder

    async def locked(self, identifier: UUID) -> Location:
        """Load one that the actor may see, locked until the unit of work ends."""
        await self.show(identifier)
        return await self.get_for_update(identifier)

    async def named(self, brand_id: UUID, name: str) -> Location | None:
        """Find one of a brand by its name."""
        return await self.find_one("brand_id = $2 AND name = $3", brand_id, name)

    async def find(self, narrowed: LocationFilter, page: PageRequest) -> Found:
        """List locations."""
        return await self._finder.find(LOCATIONS, narrowed, page, self._scope)

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one."""
        shown = await self._finder.one(LOCATIONS, identifier, self._scope)
        if shown is None:
            raise NotFound("There is no such location.")
        return shown

    async def assigned(self) -> list[msgspec.Raw]:
        """Show those that the actor is assigned to."""
        found: list[msgspec.Raw] = []
        cursor: str | None = None
        while self._scope:
            page = PageRequest(limit=_MOST, cursor=cursor)
            part = await self._finder.find(LOCATIONS, Filter(), page, self._scope)
            found += part.items
            cursor = part.next_cursor
            if cursor is None:
                break
        return found

    async def unassign(self, identifier: UUID) -> None:
        """Take a location from every person and key; a list that it leaves empty stays empty, and shows none."""
        for table in ("memberships", "api_keys"):
            await self.uow.connection.execute(
                f"UPDATE {table} SET location_ids = array_remove(location_ids, $2), version = version + 1"  # noqa: S608
                " WHERE organization_id = $1 AND $2 = ANY (location_ids)",
                self.uow.organization_id,
                identifier,
            )


class PostgresOwnNumbers:
    """Be the `OwnNumbers` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork, phones: PhoneNumbers) -> None:
        self._uow = uow
        self._phones = phones

    async def read(self, text: str, field: str) -> Phone:
        """Read a number, the organisation's country being its own unless it says another."""
        country = await self._uow.connection.fetchval(
            "SELECT country FROM organizations WHERE organization_id = $1", self._uow.organization_id
        )
        read = self._phones.read(text, country)
        if isinstance(read, Unreadable):
            raise Invalid(read.reason, field=field)
        return read.phone
