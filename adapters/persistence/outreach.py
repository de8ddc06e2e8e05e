"""Datasets and uploads."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.finder import Finder, Listing
from adapters.persistence.schema.outreach import datasets, uploads
from adapters.persistence.schema.sales import leads
from adapters.persistence.stale_plans import forget_plans
from adapters.persistence.store import PostgresStore
from application.outreach.datasets import DatasetFilter
from application.ports import Actor, Found, PageRequest
from domain.kernel import NotFound
from domain.outreach.contact_status import ACTIVE, ContactStatus
from domain.outreach.dataset import Dataset
from domain.outreach.upload import Upload

_REMOVAL_SECONDS = 100
"""How long one statement of a removal in the background may take."""


def _counted(*statuses: ContactStatus) -> sa.ColumnElement[int]:
    """Count a dataset's leads, of these statuses only where any are named, from one index."""
    count = sa.select(sa.func.count()).where(
        leads.c.organization_id == datasets.c.organization_id, leads.c.dataset_id == datasets.c.id
    )
    if statuses:
        count = count.where(leads.c.contact_status.in_([sa.literal_column(f"'{status.value}'") for status in statuses]))
    return count.correlate(datasets).scalar_subquery()


_SHOWN: dict[str, sa.ColumnElement[Any]] = {
    "id": datasets.c.id,
    "name": datasets.c.name,
    "description": datasets.c.description,
    "source": datasets.c.source,
    "total_leads": _counted(),
    "active_leads": _counted(*ACTIVE),
    "hot_leads": _counted(ContactStatus.HOT),
    "converted_leads": _counted(ContactStatus.CONVERTED),
    "campaign_status": datasets.c.campaign_status,
    "campaign_start_date": datasets.c.campaign_start_date,
    "campaign_end_date": datasets.c.campaign_end_date,
    "created_at": datasets.c.created_at,
    "updated_at": datasets.c.updated_at,
    "version": datasets.c.version,
}
_FILE_URL = sa.case(
    (
        datasets.c.upload_id.is_not(None),
        sa.literal_column("'/api/v1/uploads/'") + sa.cast(datasets.c.upload_id, sa.Text) + sa.literal_column("'/file'"),
    ),
    else_=None,
)


def _listing(shown: dict[str, sa.ColumnElement[Any]]) -> Listing:
    return Listing(
        source=datasets,
        organization=datasets.c.organization_id,
        identifier=datasets.c.id,
        shown=shown,
        sorts={"created": datasets.c.created_at, "name": datasets.c.name_key, "leads_count": _counted()},
        default_sort="created",
        filters={
            "status": lambda value: datasets.c.campaign_status == value,
            "visible_datasets": lambda value: datasets.c.id == sa.any_(value),
        },
        types={"visible_datasets": sa.ARRAY(sa.Uuid())},
        always=(datasets.c.deleted_at.is_(None),),
    )


DATASETS = _listing(_SHOWN)
DATASET = _listing(_SHOWN | {"uploaded_file_url": _FILE_URL})

_FILE_KEYS = """
SELECT file_key FROM uploads u WHERE organization_id = $1 AND (dataset_id = $2 OR dataset_id IS NULL
  AND EXISTS (SELECT FROM imports i WHERE i.organization_id = $1 AND i.dataset_id = $2 AND i.upload_id = u.id)
  AND NOT EXISTS (SELECT FROM imports i WHERE i.organization_id = $1 AND i.dataset_id <> $2 AND i.upload_id = u.id))
"""
_FORGET_UPLOADS = "DELETE FROM uploads WHERE organization_id = $1 AND file_key = ANY ($2)"
_SIZE = """
SELECT (SELECT count(*) FROM leads WHERE organization_id = $1 AND dataset_id = $2) AS leads,
       (SELECT coalesce(sum(records_done), 0)::bigint FROM imports
        WHERE organization_id = $1 AND dataset_id = $2) AS rows
"""
_END_CAMPAIGN = """
UPDATE campaigns SET status = 'completed', completed_at = $3, version = version + 1
WHERE organization_id = $1 AND dataset_id = $2 AND status <> 'completed'
"""
_SOME_LEADS = """
WITH picked AS MATERIALIZED (
  SELECT id FROM leads WHERE organization_id = $1 AND dataset_id = $2 ORDER BY created_at, id LIMIT $3
)
SELECT id FROM leads WHERE organization_id = $1 AND id IN (SELECT id FROM picked) ORDER BY id FOR UPDATE
"""
_REMOVE_LEADS = (
    "SELECT FROM sends WHERE organization_id = $1 AND lead_id = ANY ($2) ORDER BY id FOR UPDATE",
    "DELETE FROM leads WHERE organization_id = $1 AND id = ANY ($2)",
)
# What else may be long: the rows of its imports, what was counted of its leads, and the ledger of
# those that an undo removed.
_SOME_OTHERS = (
    """
    DELETE FROM import_rows r USING (
      SELECT organization_id, import_id, row FROM import_rows WHERE organization_id = $1
        AND import_id IN (SELECT id FROM imports WHERE organization_id = $1 AND dataset_id = $2) LIMIT $3 * 10
    ) picked
    WHERE r.organization_id = $1 AND r.import_id = picked.import_id AND r.row = picked.row
    """,
    """
    DELETE FROM lead_progress WHERE organization_id = $1 AND lead_id IN (
      SELECT lead_id FROM lead_progress WHERE organization_id = $1 AND dataset_id = $2 LIMIT $3
    )
    """,
    """
    DELETE FROM sends WHERE organization_id = $1 AND id IN (
      SELECT id FROM sends WHERE organization_id = $1
        AND campaign_id IN (SELECT id FROM campaigns WHERE organization_id = $1 AND dataset_id = $2) LIMIT $3
    )
    """,
)


class PostgresDatasets(PostgresStore[Dataset]):
    """Be the `DatasetStore` and the `RemovalStore` of the open unit of work."""

    entity = Dataset
    table = datasets
    noun = "dataset"

    def __init__(self, uow: PostgresUnitOfWork, actor: Actor, finder: Finder) -> None:
        super().__init__(uow)
        self._actor = actor
        self._finder = finder

    def _scope(self) -> dict[str, Any]:
        return {} if self._actor.dataset_ids is None else {"visible_datasets": sorted(self._actor.dataset_ids)}

    async def get(self, identifier: UUID) -> Dataset:
        """Load one that the actor may see."""
        if self._actor.dataset_ids is not None and identifier not in self._actor.dataset_ids:
            raise NotFound("There is no such dataset.")
        return await self._one("id = $2 AND deleted_at IS NULL", identifier)

    async def find(self, narrowed: DatasetFilter, page: PageRequest) -> Found:
        """List them with their leads counted."""
        return await self._finder.find(DATASETS, narrowed, page, self._scope())

    async def show(self, identifier: UUID) -> msgspec.Raw | None:
        """Show one with its leads counted."""
        return await self._finder.one(DATASET, identifier, self._scope())

    async def file_keys(self, identifier: UUID) -> list[str]:
        """Name the files uploaded for it or imported into it alone."""
        rows = await self.uow.connection.fetch(_FILE_KEYS, self.uow.organization_id, identifier)
        return [row["file_key"] for row in rows]

    async def size(self, identifier: UUID) -> tuple[int, int]:
        """Count its leads, and the rows that were imported into it."""
        row = await self.uow.connection.fetchrow(_SIZE, self.uow.organization_id, identifier)
        return row["leads"], row["rows"]

    async def end_campaign(self, identifier: UUID, at: datetime) -> None:
        """Let its campaign text nobody any more."""
        await self.uow.connection.execute(_END_CAMPAIGN, self.uow.organization_id, identifier, at)

    async def remove(self, entity: Dataset) -> None:
        """Delete one with all that hangs on it."""
        connection, organization_id = self.uow.connection, self.uow.organization_id
        keys = await self.file_keys(entity.id)
        await forget_plans(connection)
        await connection.execute(self._delete, organization_id, entity.id)
        await connection.execute(_FORGET_UPLOADS, organization_id, keys)

    async def remove_some(self, identifier: UUID, limit: int) -> int | None:
        """Delete some of what hangs on it, leads first; None when only the dataset itself is left."""
        await forget_plans(self.uow.connection)
        leads = await self._ids(_SOME_LEADS, identifier, limit)
        if leads:
            for statement in _REMOVE_LEADS:
                await self._execute(statement, leads)
            return len(leads)
        for some in _SOME_OTHERS:
            if not (await self._execute(some, identifier, limit)).endswith(" 0"):
                return 0
        return None

    async def removed(self, identifier: UUID) -> Dataset | None:
        """Load one that is hidden and waits for its removal."""
        return await self.find_one("id = $2 AND deleted_at IS NOT NULL", identifier)

    async def _ids(self, statement: str, *parameters: Any) -> list[UUID]:
        rows = await self.uow.connection.fetch(
            statement, self.uow.organization_id, *parameters, timeout=_REMOVAL_SECONDS
        )
        return [row["id"] for row in rows]

    async def _execute(self, statement: str, *parameters: Any) -> str:
        return str(
            await self.uow.connection.execute(
                statement, self.uow.organization_id, *parameters, timeout=_REMOVAL_SECONDS
            )
        )


class PostgresUploads(PostgresStore[Upload]):
    """Be the `UploadStore` of the open unit of work."""

    entity = Upload
    table = uploads
    noun = "upload"

    def __init__(self, uow: PostgresUnitOfWork, actor: Actor) -> None:
        super().__init__(uow)
        self._actor = actor

    async def get(self, identifier: UUID) -> Upload:
        """Load one that the actor may see: of their datasets, or their own."""
        upload = await super().get(identifier)
        limited = self._actor.dataset_ids is not None and upload.dataset_id not in self._actor.dataset_ids
        if limited and upload.created_by != self._actor.id:
            raise NotFound("There is no such upload.")
        return upload
