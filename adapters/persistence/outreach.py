"""Datasets and uploads."""

from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.finder import Finder, Listing
from adapters.persistence.schema.outreach import datasets, uploads
from adapters.persistence.schema.sales import leads
from adapters.persistence.store import PostgresStore
from application.outreach.datasets import DatasetFilter
from application.ports import Actor, Found, PageRequest
from domain.kernel import NotFound
from domain.outreach.contact_status import ContactStatus
from domain.outreach.dataset import Dataset
from domain.outreach.upload import Upload

_DELETE_SECONDS = 100
_ACTIVE = [
    ContactStatus.READY,
    ContactStatus.CONTACTED,
    ContactStatus.REPLIED,
    ContactStatus.HOT,
    ContactStatus.WARM,
    ContactStatus.COLD,
    ContactStatus.CALL_BOOKED,
]


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
    "active_leads": _counted(*_ACTIVE),
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
    )


DATASETS = _listing(_SHOWN)
DATASET = _listing(_SHOWN | {"uploaded_file_url": _FILE_URL})

_FILE_KEYS = """
SELECT file_key FROM uploads u WHERE organization_id = $1 AND (dataset_id = $2 OR dataset_id IS NULL
  AND EXISTS (SELECT FROM imports i WHERE i.organization_id = $1 AND i.dataset_id = $2 AND i.upload_id = u.id)
  AND NOT EXISTS (SELECT FROM imports i WHERE i.organization_id = $1 AND i.dataset_id <> $2 AND i.upload_id = u.id))
"""
_FORGET_UPLOADS = "DELETE FROM uploads WHERE organization_id = $1 AND file_key = ANY ($2)"


class PostgresDatasets(PostgresStore[Dataset]):
    """Be the `DatasetStore` of the open unit of work."""

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
        return await super().get(identifier)

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

    async def remove(self, entity: Dataset) -> None:
        """Delete one with all that hangs on it; many leads take their time."""
        connection, organization_id = self.uow.connection, self.uow.organization_id
        await connection.execute(f"SET LOCAL statement_timeout = {_DELETE_SECONDS * 1000}")
        keys = await self.file_keys(entity.id)
        await connection.execute(self._delete, organization_id, entity.id, timeout=_DELETE_SECONDS + 1)
        await connection.execute(_FORGET_UPLOADS, organization_id, keys)


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
