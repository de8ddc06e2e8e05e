"""What the identity context stands on."""

from dishka import Provider, Scope, provide

from adapters.identity.argon2 import Argon2Passwords
from adapters.identity.invitation_links import HmacInvitationLinks
from adapters.identity.jwt import JwtTokens
from adapters.persistence.foundation import PostgresFoundation
from adapters.persistence.identity import (
    PostgresAccounts,
    PostgresInstallation,
    PostgresOrganizations,
    PostgresSenders,
    TextProvider,
)
from adapters.persistence.identity_invitations import PostgresInvitations
from adapters.persistence.identity_team import PostgresMemberships, PostgresNarrowingTargets, PostgresTeam
from adapters.persistence.organization_erasure import PostgresOrganizationRecords
from application.identity.accounts import Accounts, AccountStore, Installation, RegistrationPolicy
from application.identity.invitation_mail import InvitationMail
from application.identity.invitations import InvitationLinks, Invitations, InvitationStore
from application.identity.organization_erasure import OrganizationErasure, OrganizationRecords
from application.identity.organizations import (
    Foundation,
    Founding,
    Memberships,
    Organizations,
    OrganizationStore,
    Senders,
)
from application.identity.passwords import Passwords
from application.identity.team import NarrowingTargets, Team
from application.identity.tokens import Tokens
from application.identity.users import Users
from entrypoints.config import Config


class Identity(Provider):
    """Accounts, organisations, and what tells them apart."""

    scope = Scope.REQUEST

    organization_store = provide(PostgresOrganizations, provides=OrganizationStore)
    account_store = provide(PostgresAccounts, provides=AccountStore)
    memberships = provide(PostgresMemberships, provides=Memberships)
    team = provide(PostgresTeam, provides=Team)
    targets = provide(PostgresNarrowingTargets, provides=NarrowingTargets)
    invitation_store = provide(PostgresInvitations, provides=InvitationStore)
    users = provide(Users)
    invitations = provide(Invitations)
    invitation_mail = provide(InvitationMail)
    installation = provide(PostgresInstallation, provides=Installation)
    senders = provide(PostgresSenders, provides=Senders)
    foundation = provide(PostgresFoundation, provides=Foundation)
    founding = provide(Founding)
    organizations = provide(Organizations)
    organization_records = provide(PostgresOrganizationRecords, provides=OrganizationRecords)
    organization_erasure = provide(OrganizationErasure)
    accounts = provide(Accounts)
    passwords = provide(Argon2Passwords, provides=Passwords, scope=Scope.APP)

    @provide(provides=Tokens, scope=Scope.APP)
    def tokens(self, config: Config) -> JwtTokens:
        """Make the signer of tokens."""
        return JwtTokens(config.derived_keys("jwt"))

    @provide(provides=InvitationLinks, scope=Scope.APP)
    def invitation_links(self, config: Config) -> HmacInvitationLinks:
        """Make the maker of invitations' links."""
        return HmacInvitationLinks(config.derived_keys("invitations"), config.public_url)

    @provide(scope=Scope.APP)
    def text_provider(self, config: Config) -> TextProvider:
        """Choose whose numbers organisations text from."""
        return TextProvider.SANDBOX if config.sandbox else TextProvider.TWILIO

    @provide(scope=Scope.APP)
    def registration(self, config: Config) -> RegistrationPolicy:
        """Tell whether strangers may register."""
        return RegistrationPolicy(config.registration_open)
