"""An API key: what a program shows at the door instead of a person's sign-in."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from domain.identity.role import OF_PEOPLE_ONLY, OF_PROGRAMS_ONLY, Permission
from domain.kernel import Conflict, Entity, Event, Forbidden, Invalid

KEY_PREFIX = "rpt_"
_SHOWN = len(KEY_PREFIX) + 6


def new_key() -> str:
    """Make a key of 256 random bits, shown once and never stored."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def hash_of_key(key: str) -> bytes:
    """Hash a key for keeping; it is random enough that a plain SHA-256 cannot be guessed back."""
    return hashlib.sha256(key.encode()).digest()


def start_of_key(key: str) -> str:
    """Give as much of a key as lists may show, so that people can tell theirs apart."""
    return key[:_SHOWN]


def grantable(wanted: Iterable[Permission], held: frozenset[Permission]) -> frozenset[Permission]:
    """Give the permissions back, or refuse what no key may hold (`Invalid`) or its maker lacks (`Forbidden`)."""
    found = frozenset(wanted)
    if not found:
        raise Invalid("A key needs at least one permission.", field="permissions")
    if people_only := sorted(found & OF_PEOPLE_ONLY):
        raise Invalid(f"No API key may hold {', '.join(people_only)}.", field="permissions")
    if lacking := sorted(found - held - OF_PROGRAMS_ONLY):
        raise Forbidden(f"You cannot give what you do not have: {', '.join(lacking)}.")
    return found


def narrowing(wanted: Iterable[UUID] | None, own: frozenset[UUID] | None, field: str) -> frozenset[UUID] | None:
    """Narrow to what is wanted, never wider than its maker sees; None is no narrowing, as in `Actor`."""
    if wanted is None:
        return own
    found = frozenset(wanted)
    if own is not None and found - own:
        raise Invalid("A key cannot see more than whoever makes it.", field=field)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyCreated(Event):
    """Say that an API key was made."""

    type: ClassVar[str] = "api_key.created"
    name: str
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyChanged(Event):
    """Say which fields of an API key changed, by their names."""

    type: ClassVar[str] = "api_key.changed"
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyRevoked(Event):
    """Say that an API key is good no more."""

    type: ClassVar[str] = "api_key.revoked"
    name: str


@dataclass(slots=True, kw_only=True)
class ApiKey(Entity):
    """Hold what a key permits and sees; the key itself is known by its hash only."""

    name: str
    prefix: str
    key_hash: bytes
    permissions: frozenset[str]
    dataset_ids: frozenset[UUID] | None = None
    location_ids: frozenset[UUID] | None = None
    created_by: UUID
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def created(self) -> ApiKeyCreated:
        """Tell of the making."""
        return ApiKeyCreated(subject=self.id, name=self.name, permissions=tuple(sorted(self.permissions)))

    def expire(self, at: datetime | None, now: datetime) -> None:
        """Let the key end at a time to come; None is never."""
        if at is not None and at <= now:
            raise Invalid("A key must end in the future.", field="expires_at")
        self.expires_at = at

    def change(self, values: Mapping[str, Any], now: datetime) -> ApiKeyChanged | None:
        """Take new values by field name; None when nothing is different."""
        if self.revoked_at is not None:
            raise Conflict("This key is revoked, for good.")
        changed = tuple(sorted(name for name, value in values.items() if getattr(self, name) != value))
        for name in changed:
            if name == "expires_at":
                self.expire(values[name], now)
            else:
                setattr(self, name, values[name])
        return ApiKeyChanged(subject=self.id, changed=changed) if changed else None

    def revoke(self, now: datetime) -> ApiKeyRevoked | None:
        """End the key; None when that was done before."""
        if self.revoked_at is not None:
            return None
        self.revoked_at = now
        return ApiKeyRevoked(subject=self.id, name=self.name)
