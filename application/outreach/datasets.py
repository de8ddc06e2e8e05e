"""Datasets: found, made, changed, deleted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Protocol
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from application.files import FileStore
from application.outreach.campaign_forms import OfDataset, StartCampaign
from application.outreach.campaigns import Campaigns
from application.outreach.import_ports import ImportJobs
from application.ports import Actor, Clock, Command, Filter, Found, PageRequest, Store, UnitOfWork, View
from domain.identity.role import Permission
from domain.kernel import Conflict, Forbidden, Invalid, NotFound, Stale, new_id
from domain.outreach.dataset import LONGEST_NAME, Dataset

MOST_LEADS_AT_ONCE = 1_000
MOST_ROWS_AT_ONCE = 10_000
"""What a request removes itself; more is a job's work."""

Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
Prose = Annotated[str, Meta(max_length=10_000)]
Origin = Annotated[str, Meta(max_length=200)]
Status = Literal["draft", "active", "paused", "completed"]


class DatasetFilter(Filter, frozen=True):
    """Narrow a list of datasets by where its campaign stands."""

    status: Status | None = None


class NewDataset(Command, frozen=True):
    """Make a dataset; its leads come by import or one by one."""

    name: Name
    description: Prose | None = None
    source: Origin | None = None
    campaign_start_date: datetime | None = None
    campaign_end_date: datetime | None = None
    example: ClassVar[dict[str, Any]] = {"name": "Website enquiries 2023", "source": "website"}


class ChangeDataset(Command, frozen=True):
    """Change what is given; `campaign_status` starts, pauses or resumes the campaign and stands alone."""

    name: Name | UnsetType = UNSET
    description: Prose | UnsetType | None = UNSET
    source: Origin | UnsetType | None = UNSET
    campaign_start_date: datetime | UnsetType | None = UNSET
    campaign_end_date: datetime | UnsetType | None = UNSET
    campaign_status: Status | UnsetType = UNSET
    example: ClassVar[dict[str, Any]] = {"name": "Website enquiries 2023 and 2024"}


class DatasetItem(View, frozen=True):
    """Show a dataset in a list; `active_leads` are those that outreach still works or that have answered."""

    id: UUID
    name: str
    description: str | None
    source: str | None
    total_leads: int
    active_leads: int
    hot_leads: int
    converted_leads: int
    campaign_status: Status
    campaign_start_date: datetime | None
    campaign_end_date: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int
    example: ClassVar[dict[str, Any]] = {
        "id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "name": "Website enquiries 2023",
        "description": None,
        "source": "website",
        "total_leads": 525,
        "active_leads": 500,
        "hot_leads": 12,
        "converted_leads": 3,
        "campaign_status": "active",
        "campaign_start_date": "2026-03-02T09:00:00Z",
        "campaign_end_date": None,
        "created_at": "2026-03-01T10:00:00Z",
        "updated_at": "2026-03-02T09:00:00Z",
        "version": 2,
    }


class DatasetView(DatasetItem, frozen=True):
    """Show one dataset, with the file that was last imported into it."""

    uploaded_file_url: str | None
    example: ClassVar[dict[str, Any]] = DatasetItem.example | {
        "uploaded_file_url": "/api/v1/uploads/01890a5d-ac96-774b-bcce-b302099a8058/file"
    }


class DatasetRemoval(View, frozen=True):
    """Name the job that removes what a long dataset held."""

    job_id: UUID
    example: ClassVar[dict[str, Any]] = {"job_id": "01890a5d-ac96-774b-bcce-b302099a8059"}


class DatasetStore(Store[Dataset], Protocol):
    """Keep datasets; those that the actor is not limited to are not there."""

    async def find(self, narrowed: DatasetFilter, page: PageRequest) -> Found:
        """List them with their leads counted."""
        ...

    async def show(self, identifier: UUID) -> msgspec.Raw | None:
        """Show one with its leads counted."""
        ...

    async def file_keys(self, identifier: UUID) -> list[str]:
        """Name the files uploaded for it or imported into it alone."""
        ...

    async def size(self, identifier: UUID) -> tuple[int, int]:
        """Count its leads, and the rows that were imported into it."""
        ...

    async def end_campaign(self, identifier: UUID, at: datetime) -> None:
        """Let its campaign text nobody any more; what is claimed already is refused at the hand-over."""
        ...


@dataclass(frozen=True)
class Datasets:
    """Keep datasets."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    datasets: DatasetStore
    campaigns: Campaigns
    files: FileStore
    jobs: ImportJobs

    async def find(self, narrowed: DatasetFilter, page: PageRequest) -> Found:
        """List the datasets that the caller may see."""
        self.actor.require(Permission.DATASETS_READ)
        async with self.uow.reading():
            return await self.datasets.find(narrowed, page)

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one dataset."""
        self.actor.require(Permission.DATASETS_READ)
        async with self.uow.reading():
            return await self._shown(identifier)

    async def create(self, command: NewDataset) -> msgspec.Raw:
        """Make a dataset without leads."""
        self.actor.require(Permission.DATASETS_WRITE)
        if self.actor.dataset_ids is not None:
            raise Forbidden("You are limited to certain datasets, so you cannot make new ones.")
        async with self.uow:
            at = self.clock.now()
            dataset = Dataset(
                id=new_id(),
                organization_id=self.actor.organization_id,
                name=command.name,
                description=command.description,
                source=_tidy(command.source),
                campaign_start_date=command.campaign_start_date,
                campaign_end_date=command.campaign_end_date,
                created_by=self.actor.id,
                created_at=at,
                updated_at=at,
            )
            await self.datasets.add(dataset)
            self.uow.publish(dataset.created())
            return await self._shown(dataset.id)

    async def change(self, identifier: UUID, command: ChangeDataset, version: int | None) -> msgspec.Raw:
        """Change a dataset of one's own, or any as an admin."""
        self.actor.require(Permission.DATASETS_WRITE)
        given = {name: getattr(command, name) for name in command.__struct_fields__}
        values = {name: value for name, value in given.items() if value is not UNSET}
        status = values.pop("campaign_status", None)
        if status is not None and values:
            raise Invalid("Change the campaign's status on its own.", field="campaign_status")
        if "source" in values:
            values["source"] = _tidy(values["source"])
        async with self.uow:
            dataset = await self.datasets.get(identifier)
            self._require_own(dataset)
            if version is not None and version != dataset.version:
                names = ["campaign_status"] if status is not None else list(values)
                message = f"This dataset was changed meanwhile: it is at version {dataset.version}, not {version}."
                raise Stale(message, details=[(name, "This may have been changed meanwhile.") for name in names])
            event = dataset.change(values, self.clock.now())
            if event is not None:
                await self.datasets.save(dataset)
                self.uow.publish(event)
            before = dataset.campaign_status
        if status is not None and status != before:
            await self._steer(identifier, before, status)
        async with self.uow.reading():
            return await self._shown(identifier)

    async def delete(self, identifier: UUID) -> DatasetRemoval | None:
        """Delete a dataset with its leads, their conversations and messages; suppression and consent stay.

        A long one is hidden at once, texts nobody any more, and is removed in the background: then the job is named.
        """
        self.actor.require(Permission.DATASETS_DELETE)
        async with self.uow:
            dataset = await self.datasets.get(identifier)
            self.uow.publish(dataset.deleted())
            leads, rows = await self.datasets.size(identifier)
            if leads > MOST_LEADS_AT_ONCE or rows > MOST_ROWS_AT_ONCE:
                return await self._remove_later(dataset, leads)
            keys = await self.datasets.file_keys(identifier)
            await self.datasets.remove(dataset)
        for key in keys:
            await self.files.remove(key)
        return None

    async def _remove_later(self, dataset: Dataset, leads: int) -> DatasetRemoval:
        at, job_id = self.clock.now(), new_id()
        self.uow.publish(dataset.remove(job_id, at))
        await self.datasets.save(dataset)
        await self.datasets.end_campaign(dataset.id, at)
        await self.jobs.open(job_id, dataset.id, leads, kind="dataset_removal")
        return DatasetRemoval(job_id=job_id)

    async def _steer(self, identifier: UUID, before: str, to: str) -> None:
        if to == "active" and before == "draft":
            await self.campaigns.start(StartCampaign(dataset_id=identifier))
        elif to == "active" and before == "paused":
            await self.campaigns.resume(OfDataset(dataset_id=identifier))
        elif to == "paused":
            await self.campaigns.pause(OfDataset(dataset_id=identifier))
        else:
            raise Conflict(f"A campaign that is {before} cannot be set to {to}.")

    def _require_own(self, dataset: Dataset) -> None:
        if Permission.DATASETS_DELETE not in self.actor.permissions and dataset.created_by != self.actor.id:
            raise Forbidden("Only an admin or whoever made this dataset may change it.")

    async def _shown(self, identifier: UUID) -> msgspec.Raw:
        shown = await self.datasets.show(identifier)
        if shown is None:
            raise NotFound("There is no such dataset.")
        return shown


def _tidy(text: str | None) -> str | None:
    return " ".join(text.split()) or None if text else None
