"""What API keys, brands, locations and integrations stand on."""

from dishka import Provider, Scope, provide

from adapters.persistence.identity_keys import PostgresApiKeys, PostgresPlaces
from adapters.persistence.places import PostgresBrands, PostgresLocations, PostgresOwnNumbers
from application.identity.api_keys import ApiKeys, ApiKeyStore, Places
from application.identity.brands import Brands, BrandStore
from application.identity.locations import Locations, LocationStore
from application.identity.numbers import OwnNumbers
from application.identity.seeding import Seeding


class Programs(Provider):
    """Bind the ports of what an organisation sets up for its programs and places."""

    scope = Scope.REQUEST

    key_store = provide(PostgresApiKeys, provides=ApiKeyStore)
    places = provide(PostgresPlaces, provides=Places)
    keys = provide(ApiKeys)

    brand_store = provide(PostgresBrands, provides=BrandStore)
    location_store = provide(PostgresLocations, provides=LocationStore)
    numbers = provide(PostgresOwnNumbers, provides=OwnNumbers)
    brands = provide(Brands)
    locations = provide(Locations)
    seeding = provide(Seeding)
