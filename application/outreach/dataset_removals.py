"""Removals: what a deleted dataset held goes in the background, batch by batch."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from application.files import FileStore
from application.outreach.import_ports import ImportJobs
from application.ports import UnitOfWork, effect
from domain.outreach.dataset import Dataset, DatasetRemovalRequested

BATCH = 2_000
"""Leads a transaction."""


class RemovalStore(Protocol):
    """Take a deleted dataset apart."""

    async def removed(self, identifier: UUID) -> Dataset | None:
        """Load a deleted dataset whose rows are still there; None when all of it is gone."""
        ...

    async def remove_some(self, identifier: UUID, limit: int) -> int | None:
        """Remove some of what hangs on it and tell how many leads; None when only the dataset itself is left."""
        ...

    async def file_keys(self, identifier: UUID) -> list[str]:
        """Name the files uploaded for it or imported into it alone."""
        ...

    async def remove(self, dataset: Dataset) -> None:
        """Remove the dataset itself."""
        ...


@dataclass(frozen=True)
class DatasetRemovals:
    """Remove what deleted datasets held; nothing brings them back, so cancelling the job stops nothing."""

    uow: UnitOfWork
    datasets: RemovalStore
    files: FileStore
    jobs: ImportJobs

    @effect
    async def run(self, requested: DatasetRemovalRequested) -> None:
        """Do the work from wherever it stands."""
        while await self._step(requested):
            pass
        async with self.uow.reading():
            keys = await self.datasets.file_keys(requested.subject)
        for key in keys:
            await self.files.remove(key)
        async with self.uow:
            dataset = await self.datasets.removed(requested.subject)
            if dataset is not None:
                await self.datasets.remove(dataset)
            if await self.jobs.wanted(requested.job_id) is not None:
                await self.jobs.finish(requested.job_id, {"dataset_id": str(requested.subject)})

    @effect
    async def give_up(self, requested: DatasetRemovalRequested, reason: str) -> None:
        """Tell on the job that the work failed again and again; the dataset stays hidden, some of its rows are left."""
        async with self.uow:
            await self.jobs.fail(requested.job_id, f"The removal failed too often and was given up: {reason}")

    async def _step(self, requested: DatasetRemovalRequested) -> bool:
        async with self.uow:
            leads = await self.datasets.remove_some(requested.subject, BATCH)
            if leads and await self.jobs.wanted(requested.job_id) is not None:
                await self.jobs.gain(requested.job_id, leads)
            return leads is not None
