"""The organisation's own access to providers, and whether what it can do with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol

from msgspec import UNSET, UnsetType

from application.identity.integration_forms import read_credentials, read_settings, takes
from application.identity.organizations import OrganizationStore, Senders
from application.identity.provider_checks import ProviderChecks, Providers
from application.identity.secrets import Secrets
from application.ports import Actor, Clock, Command, UnitOfWork, View
from application.provider import NotConfigured, ProviderError
from domain.identity.integration import CAPABILITIES, Integration, Provider
from domain.identity.role import Permission
from domain.kernel import Conflict, Invalid, NotFound, Phone, Stale

_LONG_ENOUGH_TO_SHOW_ITS_END = 12


class SetIntegration(Command, frozen=True):
    """Replace what a provider is told; without `credentials` those that are kept stay. `takes` names the fields."""

    settings: dict[str, Any] = {}
    credentials: dict[str, Any] | UnsetType = UNSET
    is_active: bool = True
    example: ClassVar[dict[str, Any]] = {
        "settings": {"account_sid": "AC" + "0" * 32, "phone_number": "+442079460000"},
        "credentials": {"auth_token": "the-token-of-your-account"},
        "is_active": True,
    }


class TryIntegration(Command, frozen=True):
    """Try what is kept, or what is given here, which is not kept; `settings` need their `credentials`."""

    settings: dict[str, Any] | UnsetType = UNSET
    credentials: dict[str, Any] | UnsetType = UNSET
    example: ClassVar[dict[str, Any]] = {
        "settings": {"account_sid": "AC" + "0" * 32, "phone_number": "+442079460000"},
        "credentials": {"auth_token": "the-token-of-your-account"},
    }


class CredentialView(View, frozen=True):
    """Show that a credential is kept, and how it ends where that gives nothing away."""

    set: bool
    last_four: str | None
    example: ClassVar[dict[str, Any]] = {"set": True, "last_four": "ount"}


class IntegrationView(View, frozen=True):
    """Show how a provider stands. `configured` is that somebody told it what it needs, `connected` that this version
    can call it with that. `source` says whose configuration serves; 002's fields stand beside `settings` too."""

    provider: Provider
    configured: bool
    connected: bool
    source: Literal["organization", "installation"] | None
    is_active: bool
    settings: dict[str, Any]
    credentials: dict[str, CredentialView]
    takes: dict[str, list[str]]
    last_tested: datetime | None
    last_error: str | None
    last_used: datetime | None
    version: int | None
    phone_number: str | UnsetType | None = UNSET
    event_type_id: int | UnsetType | None = UNSET
    calendar_name: str | UnsetType | None = UNSET
    model: str | UnsetType | None = UNSET
    example: ClassVar[dict[str, Any]] = {
        "provider": "twilio", "configured": True, "connected": False, "source": "organization", "is_active": True,
        "settings": {"account_sid": "AC" + "0" * 32, "phone_number": "+442079460000"},
        "credentials": {"auth_token": CredentialView.example},
        "takes": {"settings": ["account_sid", "phone_number"], "credentials": ["auth_token"]},
        "last_tested": None, "last_error": None, "last_used": None, "version": 1, "phone_number": "+442079460000",
    }  # fmt: skip


class IntegrationsView(View, frozen=True):
    """Show every provider that the house knows, by name."""

    twilio: IntegrationView
    android_gateway: IntegrationView
    resend: IntegrationView
    stripe: IntegrationView
    anthropic: IntegrationView
    calcom: IntegrationView
    nylas: IntegrationView
    plusvibe: IntegrationView
    elevenlabs: IntegrationView
    example: ClassVar[dict[str, Any]] = {
        provider.value: IntegrationView.example | {"provider": provider.value} for provider in Provider
    }


class TestedView(View, frozen=True):
    """Show what a provider said when it was tried."""

    ok: bool
    error: str | None
    tested_at: datetime
    example: ClassVar[dict[str, Any]] = {"ok": True, "error": None, "tested_at": "2026-03-22T09:00:00.000000Z"}


class IntegrationStore(Protocol):
    """Keep the organisation's own access to providers."""

    async def all(self) -> list[Integration]:
        """Load all of them."""
        ...

    async def locked(self, provider: Provider) -> Integration | None:
        """Load one and keep others from changing it; None where there is none."""
        ...

    async def put(self, integration: Integration) -> None:
        """Insert it, or replace what is kept and raise its version."""
        ...

    async def remove(self, provider: Provider) -> None:
        """Delete one."""
        ...


@dataclass(frozen=True)
class Integrations:
    """What an administrator does with providers."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    integrations: IntegrationStore
    organizations: OrganizationStore
    senders: Senders
    secrets: Secrets
    providers: Providers
    checks: ProviderChecks

    async def all(self) -> IntegrationsView:
        """Show how every provider stands."""
        self.actor.require(Permission.INTEGRATIONS_READ)
        async with self.uow.reading():
            kept = {integration.provider: integration for integration in await self.integrations.all()}
        return IntegrationsView(**{provider.value: self._view(provider, kept.get(provider)) for provider in Provider})

    async def get(self, name: str) -> IntegrationView:
        """Show how one provider stands."""
        self.actor.require(Permission.INTEGRATIONS_READ)
        provider = _known(name)
        async with self.uow.reading():
            kept = [integration for integration in await self.integrations.all() if integration.provider is provider]
        return self._view(provider, kept[0] if kept else None)

    async def set_up(self, name: str, command: SetIntegration, version: int | None) -> IntegrationView:
        """Replace what a provider is told."""
        self.actor.require(Permission.INTEGRATIONS_WRITE)
        provider = _known(name)
        settings = read_settings(provider, command.settings)
        given = None if command.credentials is UNSET else read_credentials(provider, command.credentials)
        if "messaging_service_sid" in settings and "phone_number" not in settings:
            raise Invalid(
                "Name a number of this messaging service too: people answer to it, and see it where it is shown.",
                field="settings.phone_number",
            )
        async with self.uow:
            kept = await self.integrations.locked(provider)
            if version is not None and version != (kept.version if kept else 0):
                raise Stale("This integration was changed by somebody else meanwhile.", details=[
                    (field, "This may have been changed meanwhile.") for field in ("settings", "credentials")
                ])  # fmt: skip
            if given is None and (kept is None or kept.credentials is None):
                raise Invalid("The first time the credentials are needed.", field="credentials")
            integration = kept or Integration(
                organization_id=self.actor.organization_id, provider=provider, created_at=self.clock.now()
            )
            changed = integration.set_up(
                settings,
                None if given is None else self.secrets.seal(given),
                tuple(given or ()),
                is_active=command.is_active,
            )
            await self.integrations.put(integration)
            self.uow.publish(changed)
            await self._text_from(provider, settings.get("phone_number") if integration.is_active else None)
            return self._view(provider, integration)

    async def remove(self, name: str) -> None:
        """Forget what a provider was told; the installation's own configuration, if any, serves again."""
        self.actor.require(Permission.INTEGRATIONS_WRITE)
        provider = _known(name)
        async with self.uow:
            kept = await self.integrations.locked(provider)
            if kept is None:
                raise NotFound("This organisation has not set this provider up.")
            await self.integrations.remove(provider)
            self.uow.publish(kept.removed())
            await self._text_from(provider, None)

    async def _text_from(self, provider: Provider, number: str | None) -> None:
        """Route what comes to a provider's number to the organisation, which texts from Twilio's where it has both.

        Without any of its own it texts again from the number that its settings chose.
        """
        if provider not in CAPABILITIES["texting"]:
            return
        organization_id = self.actor.organization_id
        phone = None if number is None else Phone(number)
        await self.senders.route(provider.value, organization_id, phone, "settings.phone_number", "integration")
        ready = {
            one.provider: one.settings.get("phone_number") for one in await self.integrations.all() if one.is_ready
        }
        own = ready.get(Provider.TWILIO) or ready.get(Provider.ANDROID_GATEWAY)
        organization = await self.organizations.get_for_update(organization_id)
        sender = Phone(own) if own else await self.senders.chosen(organization_id)
        changed = organization.change({"sender": sender})
        if changed is not None:
            await self.organizations.save(organization)
            self.uow.publish(changed)

    async def test(self, name: str, command: TryIntegration) -> TestedView:
        """Try a provider with the organisation's own access, and keep what it said; or with what is given."""
        self.actor.require(Permission.INTEGRATIONS_WRITE)
        provider = _known(name)
        if provider not in self.providers.tested():
            raise NotConfigured(f"This version has no adapter for {provider.value}, so it cannot be tried.")
        if command.credentials is not UNSET:
            settings = read_settings(provider, {} if command.settings is UNSET else command.settings)
            given = read_credentials(provider, command.credentials)
            error = await failed_check(self.checks, provider, settings, given)
            async with self.uow:
                return TestedView(ok=error is None, error=error, tested_at=self.clock.now())
        if command.settings is not UNSET:  # what is kept goes nowhere but where it was kept for
            raise Invalid("Other settings are tried with credentials that are given too.", field="credentials")
        async with self.uow.reading():
            kept = next((one for one in await self.integrations.all() if one.provider is provider), None)
        if kept is None or kept.credentials is None:
            raise NotConfigured("This organisation has not set this provider up.")
        error = await failed_check(self.checks, provider, kept.settings, opened(self.secrets, kept.credentials))
        async with self.uow:
            now = self.clock.now()
            latest = await self.integrations.locked(provider)
            if latest is None or latest.version != kept.version:
                raise Conflict("This integration was changed while it was tried; try again.")
            latest.tested(now, error)
            await self.integrations.put(latest)
        return TestedView(ok=error is None, error=error, tested_at=now)

    def _view(self, provider: Provider, kept: Integration | None) -> IntegrationView:
        own = kept is not None and kept.is_ready
        by_installation = provider in self.providers.configured()
        settings = kept.settings if kept else {}
        convenient = {
            name: settings.get(name)
            for name in ("phone_number", "event_type_id", "calendar_name", "model")
            if name in takes(provider)["settings"]
        }
        return IntegrationView(
            provider=provider,
            configured=own or by_installation,
            connected=(own or by_installation) and provider in self.providers.served(),
            source="organization" if own else "installation" if by_installation else None,
            is_active=kept.is_active if kept else by_installation,
            settings=settings,
            credentials=self._shown(kept.credentials if kept else None),
            takes=takes(provider),
            last_tested=kept.last_tested_at if kept else None,
            last_error=kept.last_error if kept else None,
            last_used=kept.last_used_at if kept else None,
            version=kept.version if kept else None,
            **convenient,
        )

    def _shown(self, sealed: bytes | None) -> dict[str, CredentialView]:
        known = None if sealed is None else self.secrets.open(sealed)
        return {
            name: CredentialView(set=True, last_four=text[-4:] if len(text) >= _LONG_ENOUGH_TO_SHOW_ITS_END else None)
            for name, text in (known or {}).items()
        }


def opened(secrets: Secrets, sealed: bytes) -> dict[str, str]:
    """Open what is sealed, or refuse in a sentence where its key is gone (`Conflict`)."""
    found = secrets.open(sealed)
    if found is None:
        raise Conflict(
            "These credentials lie under a key that this installation does not have any more; set them anew."
        )
    return found


async def failed_check(
    checks: ProviderChecks, provider: Provider, settings: Mapping[str, Any], credentials: Mapping[str, str]
) -> str | None:
    """Try a provider; gives why it failed, or None where it did not."""
    try:
        await checks.check(provider, settings, credentials)
    except ProviderError as error:
        return error.reason
    return None


def _known(name: str) -> Provider:
    try:
        return Provider(name)
    except ValueError:
        raise NotFound("There is no such provider.") from None
