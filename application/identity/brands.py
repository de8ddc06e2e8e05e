"""The organisation's brands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Protocol
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

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
from domain.identity.brand import Brand
from domain.identity.role import Permission
from domain.kernel import Conflict, Forbidden, new_id

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
Url = Annotated[str, Meta(pattern=r"^https?://[^\s]+$", max_length=2000)]
Search = Annotated[str, Meta(min_length=1, max_length=200)]


class NewBrand(Command, frozen=True):
    """Make a brand."""

    name: Name
    logo_url: Url | None = None
    example: ClassVar[dict[str, Any]] = {"name": "Bright Windows", "logo_url": "https://bright.example/logo.png"}


class ChangeBrand(Command, frozen=True):
    """Change what is named; null takes a value away."""

    name: Name | UnsetType = UNSET
    logo_url: Url | UnsetType | None = UNSET
    example: ClassVar[dict[str, Any]] = {"name": "Brighter Windows"}


class BrandFilter(Filter, frozen=True):
    """Narrow the list of brands; `search` is how the name begins, in any case."""

    search: Search | None = None
    example: ClassVar[dict[str, Any]] = {"search": "bri"}


class BrandView(View, frozen=True):
    """Show a brand."""

    id: UUID
    name: str
    logo_url: str | None
    created_at: datetime
    version: int
    example: ClassVar[dict[str, Any]] = {
        "id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ec1", "name": "Bright Windows",
        "logo_url": "https://bright.example/logo.png", "created_at": "2026-03-22T09:00:00.000000Z", "version": 1,
    }  # fmt: skip


class BrandStore(Store[Brand], Protocol):
    """Keep the brands that the actor may see: all, or those of the locations they are limited to."""

    async def locked(self, identifier: UUID) -> Brand:
        """Load one and keep others from changing it, or refuse with `NotFound`."""
        ...

    async def hold(self) -> None:
        """Wait for whoever else fills the list by this, until their unit of work ends."""
        ...

    async def named(self, name: str) -> Brand | None:
        """Find one by its name, as it is written."""
        ...

    async def find(self, narrowed: BrandFilter, page: PageRequest) -> Found:
        """List brands by name."""
        ...

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one (`BrandView`), or refuse with `NotFound`."""
        ...


def require_all_locations(actor: Actor) -> None:
    """Refuse somebody who is limited to certain locations (`Forbidden`): they could not see what they add."""
    if actor.location_ids is not None:
        raise Forbidden("You are limited to certain locations, so you cannot add to them.")


@dataclass(frozen=True)
class Brands:
    """Work the list of brands."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    brands: BrandStore

    async def find(self, narrowed: BrandFilter, page: PageRequest) -> Found:
        """List brands."""
        self.actor.require(Permission.LOCATIONS_READ)
        async with self.uow.reading():
            return await self.brands.find(narrowed, page)

    async def get(self, identifier: UUID) -> msgspec.Raw:
        """Show one."""
        self.actor.require(Permission.LOCATIONS_READ)
        async with self.uow.reading():
            return await self.brands.show(identifier)

    async def create(self, command: NewBrand) -> msgspec.Raw:
        """Make a brand, or refuse a second of the same name (`Duplicate`)."""
        self.actor.require(Permission.LOCATIONS_WRITE)
        require_all_locations(self.actor)
        async with self.uow:
            brand = Brand(
                id=new_id(),
                organization_id=self.actor.organization_id,
                name=command.name,
                logo_url=command.logo_url,
                created_at=self.clock.now(),
            )
            await self.brands.add(brand)
            self.uow.publish(brand.created())
            return await self.brands.show(brand.id)

    async def change(self, identifier: UUID, command: ChangeBrand, version: int | None) -> msgspec.Raw:
        """Change a brand."""
        self.actor.require(Permission.LOCATIONS_WRITE)
        given = {name: getattr(command, name) for name in command.__struct_fields__}
        values = {name: value for name, value in given.items() if value is not UNSET}
        async with self.uow:
            brand = await self.brands.locked(identifier)
            require_version(brand, version, values, "brand")
            changed = brand.change(values)
            if changed is not None:
                await self.brands.save(brand)
                self.uow.publish(changed)
            return await self.brands.show(identifier)

    async def delete(self, identifier: UUID) -> None:
        """Delete a brand that has no locations."""
        self.actor.require(Permission.LOCATIONS_WRITE)
        async with self.uow:
            brand = await self.brands.locked(identifier)
            try:
                await self.brands.remove(brand)
            except Conflict:
                raise Conflict("This brand has locations; delete or move them first.") from None
            self.uow.publish(brand.deleted())
