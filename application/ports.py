"""What every context shares: who acts, the unit of work, the clock, stores, and how a list is asked for."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, ClassVar, Literal, Protocol, Self, TypeVar
from uuid import UUID

import msgspec

from domain.identity.role import Permission
from domain.kernel import Entity, Event, Forbidden, Stale

E = TypeVar("E", bound=Entity)
F = TypeVar("F", bound=Callable[..., Any])


def public(use_case: F) -> F:
    """Declare that anybody may call this use case, signed in or not."""
    use_case.__public__ = True  # type: ignore[attr-defined]
    return use_case


def effect(use_case: F) -> F:
    """Declare that only a subscription or a schedule calls this use case, as the organisation itself."""
    use_case.__effect__ = True  # type: ignore[attr-defined]
    return use_case


@dataclass(frozen=True, slots=True)
class Actor:
    """Say who acts, in which organisation, and what they may do and see.

    `user_id` is None for a program, which acts by the API key `key_id`, and for the organisation itself, working off
    events. `dataset_ids` and `location_ids` None mean no narrowing.
    """

    organization_id: UUID
    user_id: UUID | None = None
    permissions: frozenset[Permission] = frozenset()
    sees_all_leads: bool = False
    dataset_ids: frozenset[UUID] | None = None
    location_ids: frozenset[UUID] | None = None
    key_id: UUID | None = None

    @property
    def id(self) -> UUID | None:
        """Name who acts, person or program, for whatever remembers by whom it was made; None for the house itself."""
        return self.user_id or self.key_id

    def person(self) -> UUID:
        """Tell whose account acts, or refuse with `Forbidden` where a program does."""
        if self.user_id is None:
            raise Forbidden("This is for a person who signs in, not for an API key.")
        return self.user_id

    def require(self, permission: Permission) -> None:
        """Refuse with `Forbidden` unless the permission is held."""
        if permission not in self.permissions:
            raise Forbidden(f"This needs the permission {permission.value}.")

    @classmethod
    def system(cls, organization_id: UUID) -> "Actor":
        """Act as the organisation itself."""
        return cls(organization_id, None, frozenset(Permission), sees_all_leads=True)


class UnitOfWork(Protocol):
    """Open one short transaction as the actor's organisation; leaving the block commits, an exception undoes.

    Inside a delivered event the first committing block also consumes the delivery, so its effect happens once.
    """

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def reading(self) -> AbstractAsyncContextManager[None]:
        """Open a read-only transaction that consumes nothing."""
        ...

    def publish(self, *events: Event) -> None:
        """Append events, and what follows from them, to the open transaction."""
        ...


class Clock(Protocol):
    """Tell business time: windows, delays, due dates, message times. Ticks on from the sandbox's offset, if any."""

    def now(self) -> datetime:
        """Tell the business time at which the open unit of work began (UTC)."""
        ...


class Store(Protocol[E]):
    """Keep entities of one kind, of the actor's organisation only."""

    async def get(self, identifier: UUID) -> E:
        """Load one, or refuse with `NotFound`."""
        ...

    async def add(self, entity: E) -> None:
        """Insert one; a second with the same unique key is refused as `Duplicate`."""
        ...

    async def save(self, entity: E) -> None:
        """Update one; refuse with `Stale` when another change was saved since it was loaded."""
        ...

    async def remove(self, entity: E) -> None:
        """Delete one for good."""
        ...


class PageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Say which part of a list is wanted, and in which order."""

    page: int = 1
    limit: int = 50
    cursor: str | None = None
    sort: str | None = None
    order: Literal["asc", "desc"] | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Hold one page: items as encoded JSON objects, the next cursor, and a total unless a cursor was used.

    `summary` counts what the list holds by some of its values, where a list says so.
    """

    items: list[msgspec.Raw]
    next_cursor: str | None
    page: int | None
    limit: int
    total: int | None
    total_is_estimate: bool
    summary: Mapping[str, int] | None = None


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Be what a list is narrowed by; a field left None does not narrow."""


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Be what a person asks for: the body of a request; unknown fields are refused."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Be what a person is shown."""

    example: ClassVar[dict[str, Any]]


def within(use_case: F) -> F:
    """Declare that other use cases call this one inside their own unit of work, after their own permission."""
    use_case.__within__ = True  # type: ignore[attr-defined]
    return use_case


def require_version(entity: Entity, version: int | None, fields: Iterable[str], noun: str) -> None:
    """Refuse a change made from another version (`Stale`), naming the fields that it would have overwritten."""
    if version is None or version == entity.version:
        return
    message = f"This {noun} was changed meanwhile: it is at version {entity.version}, not {version}."
    raise Stale(message, details=[(name, "This may have been changed meanwhile.") for name in fields])
