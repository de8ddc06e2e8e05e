"""What API keys, brands, locations and integrations stand on."""

from dishka import Provider, Scope, provide

from adapters.persistence.identity_keys import PostgresApiKeys, PostgresPlaces
from application.identity.api_keys import ApiKeys, ApiKeyStore, Places


class Programs(Provider):
    """Bind the ports of what an organisation sets up for its programs and places."""

    scope = Scope.REQUEST

    key_store = provide(PostgresApiKeys, provides=ApiKeyStore)
    places = provide(PostgresPlaces, provides=Places)
    keys = provide(ApiKeys)
