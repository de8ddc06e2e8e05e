"""What API keys, brands, locations and integrations stand on."""

import ipaddress
from collections.abc import AsyncIterator

import httpx
from dishka import Provider, Scope, provide

from adapters.booking.calcom_check import CalcomCheck
from adapters.egress.guarded import Egress, GuardedTransport
from adapters.identity.provider_checks import ChosenChecks
from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.identity_keys import PostgresApiKeys, PostgresPlaces
from adapters.persistence.integrations import (
    OrganizationCapabilities,
    PostgresColleagues,
    PostgresEmailAccounts,
    PostgresIntegrations,
    PostgresSmsGateways,
)
from adapters.persistence.places import PostgresBrands, PostgresLocations, PostgresOwnNumbers
from adapters.sms.android_gateway import AndroidGatewayCheck
from adapters.sms.twilio_check import TwilioCheck
from application.identity.api_keys import ApiKeys, ApiKeyStore, Places
from application.identity.brands import Brands, BrandStore
from application.identity.email_accounts import EmailAccounts, EmailAccountStore
from application.identity.integrations import Integrations, IntegrationStore
from application.identity.locations import Locations, LocationStore
from application.identity.numbers import OwnNumbers
from application.identity.provider_checks import ProviderChecks, Providers
from application.identity.secrets import Secrets
from application.identity.seeding import Seeding
from application.identity.settings import Settings
from application.identity.sms_gateways import Colleagues, SmsGateways, SmsGatewayStore
from application.provider import Capabilities
from domain.identity.integration import Provider as DomainProvider
from entrypoints.capabilities import InstallationProviders, sandboxed
from entrypoints.config import Config
from entrypoints.vault import VaultSecrets


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

    integration_store = provide(PostgresIntegrations, provides=IntegrationStore)
    colleagues = provide(PostgresColleagues, provides=Colleagues)
    gateway_store = provide(PostgresSmsGateways, provides=SmsGatewayStore)
    email_account_store = provide(PostgresEmailAccounts, provides=EmailAccountStore)
    providers = provide(InstallationProviders, provides=Providers, scope=Scope.APP)
    secrets = provide(VaultSecrets, provides=Secrets, scope=Scope.APP)
    integrations = provide(Integrations)
    settings = provide(Settings)
    gateways = provide(SmsGateways)
    email_accounts = provide(EmailAccounts)

    @provide
    def capabilities(self, config: Config, uow: PostgresUnitOfWork, providers: Providers) -> Capabilities:
        """Know what the organisation can do with its own providers and the installation's."""
        return OrganizationCapabilities(uow, providers, sandboxed(config), implied=config.sandbox_implied)

    @provide(scope=Scope.APP)
    async def checks(self, config: Config, egress: Egress) -> AsyncIterator[ProviderChecks]:
        """Try providers at their own addresses, and gateways where users say that they are."""
        async with httpx.AsyncClient(trust_env=False) as client:
            yield ChosenChecks({
                DomainProvider.ANDROID_GATEWAY: AndroidGatewayCheck(egress),
                DomainProvider.TWILIO: TwilioCheck(client, config.twilio_api_url),
                DomainProvider.CALCOM: CalcomCheck(client, config.calcom.api_url),
            })  # fmt: skip

    @provide(scope=Scope.APP)
    async def egress(self, config: Config) -> AsyncIterator[Egress]:
        """Make the way out to addresses that users give."""
        allowed = [ipaddress.ip_network(network) for network in config.egress_allow]
        egress = Egress.through(GuardedTransport(allowed=allowed))
        yield egress
        await egress.client.aclose()
