"""An organisation's own access to a provider: settings that people may see, credentials that nobody is shown again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from domain.kernel import Event


class Provider(StrEnum):
    """Name a provider that the house knows of, whether or not this version can call it."""

    TWILIO = "twilio"
    ANDROID_GATEWAY = "android_gateway"
    RESEND = "resend"
    STRIPE = "stripe"
    ANTHROPIC = "anthropic"
    CALCOM = "calcom"
    NYLAS = "nylas"
    PLUSVIBE = "plusvibe"
    ELEVENLABS = "elevenlabs"


MAIL_SERVER = "smtp"
"""An installation's own mail server: no organisation sets one up, since its address would be called as it is."""
CAPABILITIES: Mapping[str, frozenset[str]] = {
    "texting": frozenset({Provider.TWILIO, Provider.ANDROID_GATEWAY}),
    "email": frozenset({Provider.RESEND, Provider.NYLAS, MAIL_SERVER}),
    "payments": frozenset({Provider.STRIPE}),
    "ai": frozenset({Provider.ANTHROPIC}),
    "booking": frozenset({Provider.CALCOM}),
    "calendar": frozenset({Provider.NYLAS}),
    "voice": frozenset({Provider.TWILIO, Provider.ELEVENLABS}),
}
"""What each capability can be had from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationChanged(Event):
    """Say what of a provider's access was set, by name; `subject` is the organisation."""

    type: ClassVar[str] = "integration.changed"
    provider: Provider
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationRemoved(Event):
    """Say that an organisation's own access to a provider was taken away."""

    type: ClassVar[str] = "integration.removed"
    provider: Provider


@dataclass(slots=True, kw_only=True)
class Integration:
    """Hold one organisation's access to one provider; `credentials` are sealed."""

    organization_id: UUID
    provider: Provider
    settings: dict[str, Any] = field(default_factory=dict)
    credentials: bytes | None = None
    is_active: bool = True
    last_tested_at: datetime | None = None
    last_error: str | None = None
    last_used_at: datetime | None = None
    created_at: datetime
    version: int = 1

    @property
    def is_ready(self) -> bool:
        """Tell whether the provider may be called with it."""
        return self.is_active and self.credentials is not None

    def set_up(
        self, settings: dict[str, Any], credentials: bytes | None, named: tuple[str, ...], *, is_active: bool
    ) -> IntegrationChanged:
        """Replace the settings, and the credentials where new ones are given; an earlier test says nothing then."""
        names = {name for name in {*settings, *self.settings} if settings.get(name) != self.settings.get(name)}
        if is_active != self.is_active:
            names.add("is_active")
        self.settings, self.is_active = settings, is_active
        if credentials is not None:
            self.credentials = credentials
            names |= set(named)
        self.last_tested_at = self.last_error = None
        return IntegrationChanged(subject=self.organization_id, provider=self.provider, changed=tuple(sorted(names)))

    def tested(self, at: datetime, error: str | None) -> None:
        """Note what the provider said when it was tried."""
        self.last_tested_at, self.last_error = at, error

    def removed(self) -> IntegrationRemoved:
        """Tell of the end."""
        return IntegrationRemoved(subject=self.organization_id, provider=self.provider)
