"""Keys that let programs in; made by people, never by programs."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Protocol
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from application.ports import Actor, Command, Filter, Found, PageRequest, Store, UnitOfWork, View, require_version
from domain.identity.api_key import ApiKey, grantable, hash_of_key, narrowing, new_key, start_of_key
from domain.identity.role import Permission
from domain.kernel import Invalid, new_id

Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
Permissions = Annotated[list[Permission], Meta(min_length=1, max_length=100)]
Limited = Annotated[list[UUID], Meta(max_length=1000)]
Time = Annotated[datetime, Meta(tz=True)]


class NewApiKey(Command, frozen=True):
    """Ask for a key; without `dataset_ids` or `location_ids` it sees as much as whoever makes it."""

    name: Name
    permissions: Permissions
    dataset_ids: Limited | None = None
    location_ids: Limited | None = None
    expires_at: Time | None = None
    example: ClassVar[dict[str, Any]] = {"name": "Website form", "permissions": ["leads:read", "leads:write"]}


class ChangeApiKey(Command, frozen=True):
    """Change what is named; null takes a limit away, as far as your own reach."""

    name: Name | UnsetType = UNSET
    permissions: Permissions | UnsetType = UNSET
    dataset_ids: Limited | UnsetType | None = UNSET
    location_ids: Limited | UnsetType | None = UNSET
    expires_at: Time | UnsetType | None = UNSET
    example: ClassVar[dict[str, Any]] = {"name": "Website form, new", "permissions": ["leads:write"]}


class ApiKeyFilter(Filter, frozen=True):
    """Narrow the list of keys; without `active` those that are good now are shown."""

    active: Literal["true", "false", "all"] = "true"


class ApiKeyView(View, frozen=True):
    """Show a key by its beginning; the whole of it was shown once."""

    id: UUID
    name: str
    prefix: str
    permissions: list[str]
    dataset_ids: list[UUID] | None
    location_ids: list[UUID] | None
    is_active: bool
    created_by: UUID | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    version: int
    example: ClassVar[dict[str, Any]] = {
        "id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8eb1", "name": "Website form", "prefix": "rpt_Xy81pa",
        "permissions": ["leads:read", "leads:write"], "dataset_ids": None, "location_ids": None, "is_active": True,
        "created_by": "01890a5d-ac96-774b-bcce-b302099a8058", "created_at": "2026-03-22T09:00:00.000000Z",
        "expires_at": None, "last_used_at": None, "revoked_at": None, "version": 1,
    }  # fmt: skip


class NewApiKeyView(View, frozen=True):
    """Show a new key, this once; a repeated request under the same Idempotency-Key gets `key` null."""

    key: str | None
    api_key: ApiKeyView
    example: ClassVar[dict[str, Any]] = {
        "key": "rpt_Xy81paWmRkKq2v0cJbn3u5tqfT7hL9zAeYdGsQoPiNs",
        "api_key": ApiKeyView.example,
    }


class ApiKeyStore(Store[ApiKey], Protocol):
    """Keep the keys of the organisation."""

    async def locked(self, identifier: UUID) -> ApiKey:
        """Load one and keep others from changing it, or refuse with `NotFound`."""
        ...

    async def find(self, narrowed: ApiKeyFilter, page: PageRequest) -> Found:
        """List keys, newest first."""
        ...

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one (`ApiKeyView`), or refuse with `NotFound`."""
        ...

    async def machine_time(self) -> datetime:
        """Tell the time by which keys end: the machine's, never the sandbox's."""
        ...

    async def revoke_all(self) -> None:
        """End every key of the organisation."""
        ...


class Places(Protocol):
    """Know which datasets and locations the organisation has."""

    async def lacking_datasets(self, identifiers: Collection[UUID]) -> list[UUID]:
        """Give those that the organisation has not."""
        ...

    async def lacking_locations(self, identifiers: Collection[UUID]) -> list[UUID]:
        """Give those that the organisation has not."""
        ...


@dataclass(frozen=True)
class ApiKeys:
    """What a person does with keys."""

    actor: Actor
    uow: UnitOfWork
    keys: ApiKeyStore
    places: Places

    async def find(self, narrowed: ApiKeyFilter, page: PageRequest) -> Found:
        """List keys."""
        self.actor.require(Permission.KEYS_READ)
        async with self.uow.reading():
            return await self.keys.find(narrowed, page)

    async def get(self, identifier: UUID) -> msgspec.Raw:
        """Show one."""
        self.actor.require(Permission.KEYS_READ)
        async with self.uow.reading():
            return await self.keys.show(identifier)

    async def create(self, command: NewApiKey) -> NewApiKeyView:
        """Make a key that can do and see no more than the person who makes it."""
        self.actor.require(Permission.KEYS_WRITE)
        maker, secret = self.actor.person(), new_key()
        permissions = grantable(command.permissions, self.actor.permissions)
        dataset_ids = narrowing(command.dataset_ids, self.actor.dataset_ids, "dataset_ids")
        location_ids = narrowing(command.location_ids, self.actor.location_ids, "location_ids")
        async with self.uow:
            await self._require_ours(dataset_ids, location_ids)
            now = await self.keys.machine_time()
            key = ApiKey(
                id=new_id(),
                organization_id=self.actor.organization_id,
                name=command.name.strip(),
                prefix=start_of_key(secret),
                key_hash=hash_of_key(secret),
                permissions=frozenset(permissions),
                dataset_ids=dataset_ids,
                location_ids=location_ids,
                created_by=maker,
                created_at=now,
            )
            key.expire(command.expires_at, now)
            await self.keys.add(key)
            self.uow.publish(key.created())
            shown = msgspec.json.decode(await self.keys.show(key.id), type=ApiKeyView)
            return NewApiKeyView(key=secret, api_key=shown)

    async def change(self, identifier: UUID, command: ChangeApiKey, version: int | None) -> msgspec.Raw:
        """Change a key, within what the person who changes it can do and see."""
        self.actor.require(Permission.KEYS_WRITE)
        values: dict[str, Any] = {}
        if command.name is not UNSET:
            values["name"] = command.name.strip()
        if command.permissions is not UNSET:
            values["permissions"] = grantable(command.permissions, self.actor.permissions)
        if command.dataset_ids is not UNSET:
            values["dataset_ids"] = narrowing(command.dataset_ids, self.actor.dataset_ids, "dataset_ids")
        if command.location_ids is not UNSET:
            values["location_ids"] = narrowing(command.location_ids, self.actor.location_ids, "location_ids")
        if command.expires_at is not UNSET:
            values["expires_at"] = command.expires_at
        async with self.uow:
            key = await self.keys.locked(identifier)
            require_version(key, version, values, "key")
            await self._require_ours(values.get("dataset_ids"), values.get("location_ids"))
            changed = key.change(values, await self.keys.machine_time())
            if changed is not None:
                await self.keys.save(key)
                self.uow.publish(changed)
            return await self.keys.show(identifier)

    async def revoke(self, identifier: UUID) -> None:
        """End a key: its next request is refused. It stays in the list, so that what it did can be told."""
        self.actor.require(Permission.KEYS_WRITE)
        async with self.uow:
            key = await self.keys.locked(identifier)
            revoked = key.revoke(await self.keys.machine_time())
            if revoked is not None:
                await self.keys.save(key)
                self.uow.publish(revoked)

    async def _require_ours(self, dataset_ids: frozenset[UUID] | None, location_ids: frozenset[UUID] | None) -> None:
        if dataset_ids and await self.places.lacking_datasets(dataset_ids):
            raise Invalid("There is no such dataset.", field="dataset_ids")
        if location_ids and await self.places.lacking_locations(location_ids):
            raise Invalid("There is no such location.", field="location_ids")
