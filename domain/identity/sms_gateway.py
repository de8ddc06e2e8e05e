"""A user's own SMS gateway: a phone that texts for them, reached at an address that they give."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit
from uuid import UUID

from domain.kernel import Entity, Event, Invalid, Phone


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsGatewayAdded(Event):
    """Say that a user, the subject, was given a gateway."""

    type: ClassVar[str] = "sms_gateway.added"
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsGatewayChanged(Event):
    """Say which fields of a user's gateway changed, by their names."""

    type: ClassVar[str] = "sms_gateway.changed"
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsGatewayRemoved(Event):
    """Say that a user's gateway was taken away."""

    type: ClassVar[str] = "sms_gateway.removed"


def check_gateway_url(address: str, field: str = "gateway_url") -> str:
    """Give an address back, or refuse one that is not plain http or https, or carries a login.

    Where it leads is looked at when it is called (`adapters/egress`): names change what they stand for.
    """
    try:
        parts = urlsplit(address)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise Invalid("This must be an address such as https://gateway.example.com/3rdparty/v1.", field=field)
    return address.rstrip("/")


@dataclass(slots=True, kw_only=True)
class SmsGateway(Entity):
    """Hold how a gateway is reached; `password` is sealed."""

    account_id: UUID
    label: str
    gateway_url: str
    username: str
    password: bytes
    from_number: Phone
    is_active: bool = True
    created_at: datetime

    def __post_init__(self) -> None:
        self.gateway_url = check_gateway_url(self.gateway_url)

    def added(self) -> SmsGatewayAdded:
        """Tell of the making."""
        return SmsGatewayAdded(subject=self.account_id, label=self.label)

    def change(self, values: Mapping[str, Any]) -> SmsGatewayChanged | None:
        """Take new values by field name; None when nothing is different."""
        changed = tuple(sorted(name for name, value in values.items() if getattr(self, name) != value))
        for name in changed:
            setattr(self, name, values[name])
        self.gateway_url = check_gateway_url(self.gateway_url)
        return SmsGatewayChanged(subject=self.account_id, changed=changed) if changed else None

    def removed(self) -> SmsGatewayRemoved:
        """Tell of the end."""
        return SmsGatewayRemoved(subject=self.account_id)
