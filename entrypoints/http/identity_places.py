"""Brands, locations, and where a person stands among them."""

from uuid import UUID

import msgspec

from application.identity.brands import BrandFilter, Brands, BrandView, ChangeBrand, NewBrand
from application.identity.locations import (
    ChangeLocation,
    ContextView,
    LocationFilter,
    Locations,
    LocationView,
    NewLocation,
)
from application.identity.seeding import SeededView, Seeding, SeedLocations
from application.ports import Found, PageRequest
from entrypoints.http.operation import IfMatch, operation


@operation("GET", "/brands", "listBrands", "List brands", shows=BrandView)
async def list_brands(brands: Brands, narrowed: BrandFilter, page: PageRequest) -> Found:
    """Lists brands by name; whoever is limited to certain locations sees the brands of those."""
    return await brands.find(narrowed, page)


@operation("POST", "/brands", "createBrand", "Make a brand", shows=BrandView)
async def create_brand(brands: Brands, body: NewBrand) -> msgspec.Raw:
    """Makes a brand; its name is unique in the organisation."""
    return await brands.create(body)


@operation("GET", "/brands/{brand_id:uuid}", "getBrand", "Show a brand", shows=BrandView)
async def get_brand(brands: Brands, brand_id: UUID) -> msgspec.Raw:
    """Shows a brand."""
    return await brands.get(brand_id)


@operation("PATCH", "/brands/{brand_id:uuid}", "changeBrand", "Change a brand", shows=BrandView)
async def change_brand(brands: Brands, brand_id: UUID, body: ChangeBrand, version: IfMatch) -> msgspec.Raw:
    """Changes what is named and leaves the rest."""
    return await brands.change(brand_id, body, version)


@operation("DELETE", "/brands/{brand_id:uuid}", "deleteBrand", "Delete a brand")
async def delete_brand(brands: Brands, brand_id: UUID) -> None:
    """Deletes a brand that has no locations."""
    await brands.delete(brand_id)


@operation("GET", "/locations", "listLocations", "List locations", shows=LocationView)
async def list_locations(locations: Locations, narrowed: LocationFilter, page: PageRequest) -> Found:
    """Lists locations by name, as far as the caller is assigned to them."""
    return await locations.find(narrowed, page)


@operation("POST", "/locations", "createLocation", "Make a location", shows=LocationView)
async def create_location(locations: Locations, body: NewLocation) -> msgspec.Raw:
    """Makes a location of a brand; its name is unique within the brand."""
    return await locations.create(body)


@operation("GET", "/locations/{location_id:uuid}", "getLocation", "Show a location", shows=LocationView)
async def get_location(locations: Locations, location_id: UUID) -> msgspec.Raw:
    """Shows a location with its brand."""
    return await locations.get(location_id)


@operation("PATCH", "/locations/{location_id:uuid}", "changeLocation", "Change a location", shows=LocationView)
async def change_location(
    locations: Locations, location_id: UUID, body: ChangeLocation, version: IfMatch
) -> msgspec.Raw:
    """Changes what is named and leaves the rest."""
    return await locations.change(location_id, body, version)


@operation("DELETE", "/locations/{location_id:uuid}", "deleteLocation", "Delete a location")
async def delete_location(locations: Locations, location_id: UUID) -> None:
    """Deletes a location and everybody's assignment to it; whoever had no other sees none then."""
    await locations.delete(location_id)


@operation("GET", "/organizations/context", "getOrganizationContext", "Show the own locations")
async def get_context(locations: Locations) -> ContextView:
    """Shows the locations that the person is assigned to, and their brands; empty for whoever is not limited."""
    return await locations.context()


@operation("POST", "/admin/seed-locations", "seedLocations", "Fill in sample locations", status=200)
async def seed_locations(seeding: Seeding, body: SeedLocations) -> SeededView:
    """Makes what is missing of a brand and its locations; asked again it makes nothing. For platform administrators."""
    return await seeding.seed(body)


ROUTES = (
    list_brands,
    create_brand,
    get_brand,
    change_brand,
    delete_brand,
    list_locations,
    create_location,
    get_location,
    change_location,
    delete_location,
    get_context,
    seed_locations,
)
