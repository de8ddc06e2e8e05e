"""Sample locations for an organisation that is being set up."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from application.identity.brands import BrandStore, BrandView, Name
from application.identity.locations import LocationStore, LocationView, Short
from application.ports import Actor, Clock, Command, UnitOfWork, View
from domain.identity.brand import Brand
from domain.identity.location import Location
from domain.identity.role import Permission
from domain.kernel import new_id


class SampleLocation(Command, frozen=True):
    """Name a location to be there."""

    name: Name
    city: Short | None = None
    country: str | None = None
    time_zone: str | None = None


_SAMPLES = (
    SampleLocation(name="London", city="London", country="GB", time_zone="Europe/London"),
    SampleLocation(name="Manchester", city="Manchester", country="GB", time_zone="Europe/London"),
    SampleLocation(name="Dublin", city="Dublin", country="IE", time_zone="Europe/Dublin"),
)


class SeedLocations(Command, frozen=True):
    """Ask for a brand with locations to be there; without a body a small sample set."""

    brand: Name = "Sample brand"
    locations: Annotated[tuple[SampleLocation, ...], Meta(min_length=1, max_length=100)] = _SAMPLES
    example: ClassVar[dict[str, Any]] = {"brand": "Bright Windows", "locations": [{"name": "Leeds", "city": "Leeds"}]}


class SeededView(View, frozen=True):
    """Show the brand, and which of its locations were made now and which had been there."""

    brand: BrandView
    created: list[LocationView]
    existing: list[LocationView]
    example: ClassVar[dict[str, Any]] = {
        "brand": BrandView.example,
        "created": [LocationView.example],
        "existing": [],
    }


@dataclass(frozen=True)
class Seeding:
    """What an administrator of the platform does for an organisation."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    brands: BrandStore
    locations: LocationStore

    async def seed(self, command: SeedLocations) -> SeededView:
        """See to it that a brand and its locations are there; what is there already stays as it is."""
        self.actor.require(Permission.PLATFORM)
        made: list[LocationView] = []
        found: list[LocationView] = []
        async with self.uow:
            organization_id, now = self.actor.organization_id, self.clock.now()
            brand = Brand(id=new_id(), organization_id=organization_id, name=command.brand, created_at=now)
            await self.brands.hold()
            known = await self.brands.named(brand.name)
            if known is None:
                await self.brands.add(brand)
                self.uow.publish(brand.created())
            brand = known or brand
            for sample in command.locations:
                location = Location(
                    id=new_id(), organization_id=organization_id, brand_id=brand.id, created_at=now,
                    **{name: getattr(sample, name) for name in sample.__struct_fields__},
                )  # fmt: skip
                present = await self.locations.named(brand.id, location.name)
                if present is None:
                    await self.locations.add(location)
                    self.uow.publish(location.created())
                shown = await self.locations.show((present or location).id)
                (made if present is None else found).append(msgspec.json.decode(shown, type=LocationView))
            shown_brand = msgspec.json.decode(await self.brands.show(brand.id), type=BrandView)
        return SeededView(brand=shown_brand, created=made, existing=found)
