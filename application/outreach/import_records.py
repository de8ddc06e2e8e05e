"""Import records: which imports there were, where each stands, and what became of every row."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import msgspec

from application.outreach.datasets import DatasetStore
from application.outreach.import_views import ImportRowFilter
from application.ports import Actor, Found, PageRequest, UnitOfWork
from domain.identity.role import Permission
from domain.kernel import NotFound


class ImportRecordStore(Protocol):
    """Know imports and their rows' outcomes; those into datasets that the actor is not limited to are not there."""

    async def of_dataset(self, dataset_id: UUID, page: PageRequest) -> Found:
        """List a dataset's imports (`ImportItem`), the newest first."""
        ...

    async def show(self, import_id: UUID) -> msgspec.Raw | None:
        """Show one (`ImportItem`)."""
        ...

    async def rows(self, import_id: UUID, narrowed: ImportRowFilter, page: PageRequest) -> Found:
        """List rows (`ImportRowItem`) in the order of the file."""
        ...


@dataclass(frozen=True)
class ImportRecords:
    """Look at imports."""

    actor: Actor
    uow: UnitOfWork
    records: ImportRecordStore
    datasets: DatasetStore

    async def of_dataset(self, dataset_id: UUID, page: PageRequest) -> Found:
        """List the imports into a dataset."""
        self.actor.require(Permission.DATASETS_READ)
        async with self.uow.reading():
            await self.datasets.get(dataset_id)
            return await self.records.of_dataset(dataset_id, page)

    async def show(self, import_id: UUID) -> msgspec.Raw:
        """Show one import."""
        self.actor.require(Permission.DATASETS_READ)
        async with self.uow.reading():
            return await self._shown(import_id)

    async def rows(self, import_id: UUID, narrowed: ImportRowFilter, page: PageRequest) -> Found:
        """List an import's rows with what became of them, and why."""
        self.actor.require(Permission.DATASETS_WRITE)
        async with self.uow.reading():
            await self._shown(import_id)
            return await self.records.rows(import_id, narrowed, page)

    async def _shown(self, import_id: UUID) -> msgspec.Raw:
        shown = await self.records.show(import_id)
        if shown is None:
            raise NotFound("There is no such import.")
        return shown
