"""What the identity context stands on."""

from dishka import Provider, Scope, provide

from adapters.identity.argon2 import Argon2Passwords
from adapters.identity.jwt import JwtTokens
from adapters.persistence.foundation import PostgresFoundation
from adapters.persistence.identity import (
    PostgresAccounts,
    PostgresInstallation,
    PostgresMemberships,
    PostgresOrganizations,
    PostgresSenders,
    TextProvider,
)
from application.identity.accounts import Accounts, AccountStore, Installation, RegistrationPolicy
from application.identity.organizations import (
    Foundation,
    Founding,
    Memberships,
    Organizations,
    OrganizationStore,
    Senders,
)
from application.identity.passwords import Passwords
from application.identity.tokens import Tokens
from entrypoints.config import Config


class Identity(Provider):
    """Accounts, organisations, and what tells them apart."""

    scope = Scope.REQUEST

    organization_store = provide(PostgresOrganizations, provides=OrganizationStore)
    account_store = provide(PostgresAccounts, provides=AccountStore)
    memberships = provide(PostgresMemberships, provides=Memberships)
    installation = provide(PostgresInstallation, provides=Installation)
    senders = provide(PostgresSenders, provides=Senders)
    foundation = provide(PostgresFoundation, provides=Foundation)
    founding = provide(Founding)
    organizations = provide(Organizations)
    accounts = provide(Accounts)
    passwords = provide(Argon2Passwords, provides=Passwords, scope=Scope.APP)

    @provide(provides=Tokens, scope=Scope.APP)
    def tokens(self, config: Config) -> JwtTokens:
        """Make the signer of tokens."""
        return JwtTokens(config.derived_key("jwt"))

    @provide(scope=Scope.APP)
    def text_provider(self, config: Config) -> TextProvider:
        """Choose whose numbers organisations text from."""
        return TextProvider.SANDBOX if config.sandbox else TextProvider.TWILIO

    @provide(scope=Scope.APP)
    def registration(self, config: Config) -> RegistrationPolicy:
        """Tell whether strangers may register."""
        return RegistrationPolicy(config.registration_open)
