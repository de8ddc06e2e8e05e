"""Integrations, users' gateways and e-mail accounts in PostgreSQL."""

from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.finder import Finder, Listing
from adapters.persistence.schema.identity import email_accounts, sms_gateways
from adapters.persistence.store import PostgresStore, encode_json
from application.identity.email_accounts import EmailAccountFilter
from application.identity.provider_checks import Providers
from application.ports import Found, PageRequest
from application.provider import NotConfigured
from domain.identity.email_account import EmailAccount
from domain.identity.integration import CAPABILITIES, Integration, Provider
from domain.identity.sms_gateway import SmsGateway
from domain.kernel import Conflict, NotFound

_COLUMNS = (
    "organization_id, provider, settings, credentials, is_active, last_tested_at, last_error, last_used_at,"
    " created_at, version"
)
_PUT = f"""
INSERT INTO integrations ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)
ON CONFLICT (organization_id, provider) DO UPDATE SET settings = excluded.settings, credentials = excluded.credentials,
  is_active = excluded.is_active, last_tested_at = excluded.last_tested_at, last_error = excluded.last_error,
  last_used_at = excluded.last_used_at, version = integrations.version + 1
WHERE integrations.version = $10 AND integrations.created_at = excluded.created_at
RETURNING version
"""  # noqa: S608 - our own columns


class PostgresIntegrations:
    """Be the `IntegrationStore` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def all(self) -> list[Integration]:
        """Load all of them, but those of providers that this version does not know."""
        return await self._read("")

    async def locked(self, provider: Provider) -> Integration | None:
        """Load one, locked until the unit of work ends."""
        found = await self._read(" AND provider = $2 FOR NO KEY UPDATE", provider)
        return found[0] if found else None

    async def put(self, integration: Integration) -> None:
        """Insert it or replace what is kept."""
        version = await self._uow.connection.fetchval(
            _PUT,
            self._uow.organization_id,
            integration.provider,
            encode_json(integration.settings),
            integration.credentials,
            integration.is_active,
            integration.last_tested_at,
            integration.last_error,
            integration.last_used_at,
            integration.created_at,
            integration.version,
        )
        if version is None:
            raise Conflict("Somebody else is setting this provider up. Try again.")
        integration.version = version

    async def remove(self, provider: Provider) -> None:
        """Delete one."""
        await self._uow.connection.execute(
            "DELETE FROM integrations WHERE organization_id = $1 AND provider = $2", self._uow.organization_id, provider
        )

    async def _read(self, condition: str, *parameters: Any) -> list[Integration]:
        rows = await self._uow.connection.fetch(
            f"SELECT {_COLUMNS} FROM integrations WHERE organization_id = $1{condition}",  # noqa: S608
            self._uow.organization_id,
            *parameters,
        )
        known = set(Provider)
        return [
            Integration(
                **dict(row) | {"provider": Provider(row["provider"]), "settings": msgspec.json.decode(row["settings"])}
            )
            for row in rows
            if row["provider"] in known
        ]


class OrganizationCapabilities:
    """Be `Capabilities` for the organisation of the open unit of work: its own providers, and the installation's."""

    def __init__(
        self, uow: PostgresUnitOfWork, providers: Providers, sandboxed: frozenset[str], *, implied: bool = False
    ) -> None:
        self._uow = uow
        self._providers = providers
        self._sandboxed = sandboxed
        self._implied = implied

    async def require(self, capability: str) -> None:
        """Refuse where there is no provider, or none that this version can call.

        A sandbox that nobody asked for serves only those who have stored no provider.
        """
        if capability in self._sandboxed and not self._implied:
            return
        rows = await self._uow.connection.fetch(
            "SELECT provider FROM integrations WHERE organization_id = $1 AND is_active AND credentials IS NOT NULL",
            self._uow.organization_id,
        )
        if capability in self._sandboxed and not rows:
            return
        configured = self._providers.configured() | {row["provider"] for row in rows}
        fitting = sorted(configured & CAPABILITIES.get(capability, frozenset()))
        if not fitting:
            raise NotConfigured(f"No provider is configured for {capability}.")
        if not self._providers.served() & set(fitting):
            raise NotConfigured(f"This version cannot call {', '.join(fitting)} for {capability} yet.")


class PostgresColleagues:
    """Be `Colleagues` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def require(self, account_id: UUID) -> None:
        """Refuse somebody who does not belong here."""
        if not await self._uow.connection.fetchval(
            "SELECT true FROM memberships WHERE account_id = $1 AND organization_id = $2",
            account_id,
            self._uow.organization_id,
        ):
            raise NotFound("There is no such user.")


class PostgresSmsGateways(PostgresStore[SmsGateway]):
    """Be the `SmsGatewayStore` of the open unit of work."""

    entity = SmsGateway
    table = sms_gateways
    noun = "gateway"
    unique = {"uq_sms_gateways_account": "user_id"}

    async def of_user(self, account_id: UUID) -> SmsGateway | None:
        """Load a user's; saving compares the version, so that no lock is needed."""
        return await self.find_one("account_id = $2", account_id)


EMAIL_ACCOUNTS = Listing(
    source=email_accounts,
    organization=email_accounts.c.organization_id,
    identifier=email_accounts.c.id,
    shown={
        "id": email_accounts.c.id,
        "email_address": email_accounts.c.email_address,
        "display_name": email_accounts.c.display_name,
        "user_id": email_accounts.c.account_id,
        "created_at": email_accounts.c.created_at,
        "version": email_accounts.c.version,
    },
    sorts={"email_address": email_accounts.c.email_address},
    default_sort="email_address",
    default_order="asc",
    filters={"user_id": lambda p: email_accounts.c.account_id == p},
    types={"user_id": sa.Uuid()},
)


class PostgresEmailAccounts(PostgresStore[EmailAccount]):
    """Be the `EmailAccountStore` of the open unit of work."""

    entity = EmailAccount
    table = email_accounts
    noun = "e-mail account"
    unique = {"uq_email_accounts_address": "email_address", "uq_email_accounts_account": "email_account_id"}

    def __init__(self, uow: PostgresUnitOfWork, finder: Finder) -> None:
        super().__init__(uow)
        self._finder = finder

    async def locked(self, identifier: UUID) -> EmailAccount:
        """Load one, locked until the unit of work ends."""
        return await self.get_for_update(identifier)

    async def of_user(self, account_id: UUID) -> list[EmailAccount]:
        """Load those that a user has, locked."""
        rows = await self.uow.connection.fetch(
            f"{self._select} WHERE organization_id = $1 AND account_id = $2 FOR NO KEY UPDATE",
            self.uow.organization_id,
            account_id,
        )
        return [self.layout.read(row) for row in rows]

    async def find(self, narrowed: EmailAccountFilter, page: PageRequest) -> Found:
        """List accounts."""
        return await self._finder.find(EMAIL_ACCOUNTS, narrowed, page)

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one."""
        shown = await self._finder.one(EMAIL_ACCOUNTS, identifier)
        if shown is None:
            raise NotFound("There is no such e-mail account.")
        return shown
