"""What insights say of how many leads they concern, once leads are gone."""

from dataclasses import dataclass
from typing import Protocol

from application.ports import UnitOfWork, effect
from domain.outreach.dataset import DatasetDeleted
from domain.platform.job import JobEnded

REMOVAL = "dataset_removal"


class EvidenceCounts(Protocol):
    """Know what shows each insight."""

    async def renew(self) -> None:
        """Count the leads anew, and forget what nobody decided and nothing shows any more."""
        ...


@dataclass(frozen=True)
class InsightCounts:
    """Keep the counts true."""

    uow: UnitOfWork
    counts: EvidenceCounts

    @effect
    async def dataset_gone(self, event: DatasetDeleted) -> None:  # noqa: ARG002 - whichever it was
        """A dataset went with its leads, unless these are many."""
        async with self.uow:
            await self.counts.renew()

    @effect
    async def job_ended(self, event: JobEnded) -> None:
        """The many leads of a dataset are gone."""
        if event.kind == REMOVAL:
            async with self.uow:
                await self.counts.renew()
