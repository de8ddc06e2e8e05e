"""API keys in PostgreSQL; they stand outside tenancy, so every statement names the organisation itself."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec
import sqlalchemy as sa

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.finder import Finder, Listing
from adapters.persistence.schema.identity import api_keys
from adapters.persistence.store import PostgresStore
from application.identity.api_keys import ApiKeyFilter
from application.ports import Filter, Found, PageRequest
from domain.identity.api_key import ApiKey
from domain.kernel import NotFound

_IS_ACTIVE = sa.and_(
    api_keys.c.revoked_at.is_(None),
    sa.or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > sa.func.clock_timestamp()),
)
_SHOWN = (
    "id", "name", "prefix", "permissions", "dataset_ids", "location_ids", "created_by", "created_at", "expires_at",
    "last_used_at", "revoked_at", "version",
)  # fmt: skip
API_KEYS = Listing(
    source=api_keys,
    organization=api_keys.c.organization_id,
    identifier=api_keys.c.id,
    shown={**{name: api_keys.c[name] for name in _SHOWN}, "is_active": _IS_ACTIVE},
    sorts={"created": api_keys.c.created_at},
    default_sort="created",
    filters={"is_active": lambda p: p == _IS_ACTIVE},
    types={"is_active": sa.Boolean()},
)


class PostgresApiKeys(PostgresStore[ApiKey]):
    """Be the `ApiKeyStore` of the open unit of work."""

    entity = ApiKey
    table = api_keys
    noun = "key"

    def __init__(self, uow: PostgresUnitOfWork, finder: Finder) -> None:
        super().__init__(uow)
        self._finder = finder

    async def locked(self, identifier: UUID) -> ApiKey:
        """Load one, locked until the unit of work ends."""
        return await self.get_for_update(identifier)

    async def find(self, narrowed: ApiKeyFilter, page: PageRequest) -> Found:
        """List keys."""
        values = {} if narrowed.active == "all" else {"is_active": narrowed.active == "true"}
        return await self._finder.find(API_KEYS, Filter(), page, values)

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one."""
        shown = await self._finder.one(API_KEYS, identifier)
        if shown is None:
            raise NotFound("There is no such key.")
        return shown

    async def machine_time(self) -> datetime:
        """Ask the database's own clock, by which the door compares too."""
        now: datetime = await self.uow.connection.fetchval("SELECT clock_timestamp()")
        return now

    async def revoke_all(self) -> None:
        """End every key of the organisation."""
        await self.uow.connection.execute(
            "UPDATE api_keys SET revoked_at = clock_timestamp(), version = version + 1"
            " WHERE organization_id = $1 AND revoked_at IS NULL",
            self.uow.organization_id,
        )


class PostgresPlaces:
    """Know which datasets and locations the organisation of the open unit of work has."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def lacking_datasets(self, identifiers: Collection[UUID]) -> list[UUID]:
        """Give those that the organisation has not."""
        return await self._lacking("datasets", identifiers)

    async def lacking_locations(self, identifiers: Collection[UUID]) -> list[UUID]:
        """Give those that the organisation has not."""
        return await self._lacking("locations", identifiers)

    async def _lacking(self, table: str, identifiers: Collection[UUID]) -> list[UUID]:
        rows = await self._uow.connection.fetch(
            f"SELECT id FROM {table} WHERE organization_id = $1 AND id = ANY ($2)",  # noqa: S608 - our own names
            self._uow.organization_id,
            list(identifiers),
        )
        return sorted(set(identifiers) - {row["id"] for row in rows})
