"""The organisation's locations, and where a person stands among them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Protocol
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from application.identity.brands import BrandStore, BrandView, Name, Search, require_all_locations
from application.identity.numbers import OwnNumbers
from application.ports import (
    Actor,
    Clock,
    Command,
    Filter,
    Found,
    PageRequest,
    Store,
    UnitOfWork,
    View,
    require_version,
)
from domain.identity.location import Location
from domain.identity.role import Permission
from domain.kernel import Email, Invalid, NotFound, new_id

Text = Annotated[str, Meta(min_length=1, max_length=500)]
Short = Annotated[str, Meta(min_length=1, max_length=100)]
Number = Annotated[str, Meta(min_length=1, max_length=40)]
Address = Annotated[str, Meta(min_length=3, max_length=254)]
_ID = "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ed1"


class NewLocation(Command, frozen=True):
    """Make a location of a brand."""

    brand_id: UUID
    name: Name
    address: Text | None = None
    city: Short | None = None
    postcode: Short | None = None
    country: str | None = None
    time_zone: str | None = None
    phone: Number | None = None
    email: Address | None = None
    is_active: bool = True
    example: ClassVar[dict[str, Any]] = {
        "brand_id": BrandView.example["id"], "name": "Leeds", "city": "Leeds", "postcode": "LS1 4DY", "country": "GB",
        "time_zone": "Europe/London", "phone": "0113 496 0123",
    }  # fmt: skip


class ChangeLocation(Command, frozen=True):
    """Change what is named; null takes a value away."""

    brand_id: UUID | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    address: Text | UnsetType | None = UNSET
    city: Short | UnsetType | None = UNSET
    postcode: Short | UnsetType | None = UNSET
    country: str | UnsetType | None = UNSET
    time_zone: str | UnsetType | None = UNSET
    phone: Number | UnsetType | None = UNSET
    email: Address | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET
    example: ClassVar[dict[str, Any]] = {"name": "Leeds Dock", "is_active": False}


class LocationFilter(Filter, frozen=True):
    """Narrow the list of locations; `search` is how the name begins, in any case."""

    brand_id: UUID | None = None
    is_active: bool | None = None
    search: Search | None = None
    example: ClassVar[dict[str, Any]] = {"is_active": True, "search": "lee"}


class BrandOfLocation(View, frozen=True):
    """Show the brand of a location."""

    id: UUID
    name: str
    logo_url: str | None
    example: ClassVar[dict[str, Any]] = {name: BrandView.example[name] for name in ("id", "name", "logo_url")}


class LocationView(View, frozen=True):
    """Show a location with its brand."""

    id: UUID
    brand_id: UUID
    brand: BrandOfLocation
    name: str
    address: str | None
    city: str | None
    postcode: str | None
    country: str | None
    time_zone: str | None
    phone: str | None
    email: str | None
    is_active: bool
    created_at: datetime
    version: int
    example: ClassVar[dict[str, Any]] = {
        "id": _ID, "brand_id": BrandView.example["id"], "brand": BrandOfLocation.example, "name": "Leeds",
        "address": None, "city": "Leeds", "postcode": "LS1 4DY", "country": "GB", "time_zone": "Europe/London",
        "phone": "+441134960123", "email": None, "is_active": True, "created_at": "2026-03-22T09:00:00.000000Z",
        "version": 1,
    }  # fmt: skip


class ContextView(View, frozen=True):
    """Show the locations a person is assigned to, and their brands; both empty for somebody who sees all of them."""

    user_id: UUID
    locations: list[LocationView]
    brand_ids: list[UUID]
    example: ClassVar[dict[str, Any]] = {
        "user_id": "01890a5d-ac96-774b-bcce-b302099a8058",
        "locations": [LocationView.example],
        "brand_ids": [BrandView.example["id"]],
    }


class LocationStore(Store[Location], Protocol):
    """Keep the locations that the actor may see."""

    async def locked(self, identifier: UUID) -> Location:
        """Load one and keep others from changing it, or refuse with `NotFound`."""
        ...

    async def named(self, brand_id: UUID, name: str) -> Location | None:
        """Find one of a brand by its name, as it is written."""
        ...

    async def find(self, narrowed: LocationFilter, page: PageRequest) -> Found:
        """List locations by name."""
        ...

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one (`LocationView`), or refuse with `NotFound`."""
        ...

    async def assigned(self) -> list[msgspec.Raw]:
        """Show those that the actor is assigned to, by name; none for somebody without assignments."""
        ...

    async def unassign(self, identifier: UUID) -> None:
        """Take a location from every person and key; whoever has none left sees none."""
        ...


@dataclass(frozen=True)
class Locations:
    """Work the list of locations."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    brands: BrandStore
    locations: LocationStore
    numbers: OwnNumbers

    async def find(self, narrowed: LocationFilter, page: PageRequest) -> Found:
        """List locations."""
        self.actor.require(Permission.LOCATIONS_READ)
        async with self.uow.reading():
            return await self.locations.find(narrowed, page)

    async def get(self, identifier: UUID) -> msgspec.Raw:
        """Show one."""
        self.actor.require(Permission.LOCATIONS_READ)
        async with self.uow.reading():
            return await self.locations.show(identifier)

    async def context(self) -> ContextView:
        """Show the person's own assignments."""
        self.actor.require(Permission.LOCATIONS_READ)
        person = self.actor.person()
        async with self.uow.reading():
            shown = [msgspec.json.decode(raw, type=LocationView) for raw in await self.locations.assigned()]
        brand_ids = list(dict.fromkeys(location.brand_id for location in shown))
        return ContextView(user_id=person, locations=shown, brand_ids=brand_ids)

    async def create(self, command: NewLocation) -> msgspec.Raw:
        """Make a location, or refuse a second of the same name in a brand (`Duplicate`)."""
        self.actor.require(Permission.LOCATIONS_WRITE)
        require_all_locations(self.actor)
        async with self.uow:
            values = await self._values({name: getattr(command, name) for name in command.__struct_fields__})
            location = Location(
                id=new_id(), organization_id=self.actor.organization_id, created_at=self.clock.now(), **values
            )
            await self.locations.add(location)
            self.uow.publish(location.created())
            return await self.locations.show(location.id)

    async def change(self, identifier: UUID, command: ChangeLocation, version: int | None) -> msgspec.Raw:
        """Change a location."""
        self.actor.require(Permission.LOCATIONS_WRITE)
        given = {name: getattr(command, name) for name in command.__struct_fields__}
        async with self.uow:
            location = await self.locations.locked(identifier)
            values = await self._values({name: value for name, value in given.items() if value is not UNSET})
            require_version(location, version, values, "location")
            changed = location.change(values)
            if changed is not None:
                await self.locations.save(location)
                self.uow.publish(changed)
            return await self.locations.show(identifier)

    async def delete(self, identifier: UUID) -> None:
        """Delete a location, also from the assignments of people and keys."""
        self.actor.require(Permission.LOCATIONS_WRITE)
        async with self.uow:
            location = await self.locations.locked(identifier)
            await self.locations.unassign(identifier)
            await self.locations.remove(location)
            self.uow.publish(location.deleted())

    async def _values(self, values: dict[str, Any]) -> dict[str, Any]:
        """Check what names something else: the brand, the number, the address."""
        if "brand_id" in values:
            try:
                await self.brands.get(values["brand_id"])
            except NotFound:
                raise Invalid("There is no such brand.", field="brand_id") from None
        if values.get("phone") is not None:
            values["phone"] = await self.numbers.read(values["phone"], "phone")
        if values.get("email") is not None:
            values["email"] = Email(values["email"])
        return values
