"""Imports: an upload's rows become leads of a dataset, in the background, batch by batch."""

import asyncio
import csv
import io
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar
from uuid import UUID

from msgspec import Meta

from application.files import inert
from application.outreach.campaign_forms import SettingsIn, changed
from application.outreach.campaigns import CampaignStore
from application.outreach.datasets import DatasetStore
from application.outreach.import_ports import Collided, Enrols, FailedCells, ImportJobs, ImportPlan, ImportStore
from application.outreach.phone_numbers import PhoneNumbers
from application.outreach.reading_ahead import Batch, ReadingAhead
from application.outreach.row_reader import RowReader
from application.outreach.tables import OpenTable, Tables
from application.outreach.uploads import UploadStore
from application.ports import Actor, Clock, Command, UnitOfWork, View, effect
from domain.identity.role import Permission
from domain.kernel import Conflict, Invalid, NotFound, new_id
from domain.outreach.campaign import Campaign, CampaignStatus
from domain.outreach.column_mapping import check_mapping
from domain.outreach.contact_status import ContactStatus
from domain.outreach.import_rules import settle
from domain.outreach.lead_import import ImportRequested, LeadImport

ERRORS_SHOWN = 100
_COLLISIONS = 5
_REASON = "reason"

Column = Annotated[str, Meta(min_length=1, max_length=200)]
ColumnOrColumns = Column | Annotated[list[Column], Meta(min_length=1, max_length=20)]


class ColumnMapping(Command, frozen=True):
    """Say which column of the file is what; phone and e-mail may name several, in order of preference."""

    phone_number: ColumnOrColumns
    first_name: Column | None = None
    last_name: Column | None = None
    full_name: Column | None = None
    email: ColumnOrColumns | None = None
    postcode: Column | None = None
    inquiry_date: Column | None = None
    notes: Column | None = None
    source: Column | None = None
    product: Column | None = None
    company: Column | None = None

    def by_target(self) -> Mapping[str, list[str]]:
        """Give the columns of each target that is mapped."""
        given = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: [v] if isinstance(v, str) else v for name, v in given.items() if v is not None}


class MapAndImport(Command, frozen=True):
    """Import an upload into a dataset; `campaign_settings` are those of the dataset's campaign."""

    upload_id: UUID
    dataset_id: UUID
    column_mapping: ColumnMapping
    campaign_settings: SettingsIn | None = None
    example: ClassVar[dict[str, Any]] = {
        "upload_id": "01890a5d-ac96-774b-bcce-b302099a8058",
        "dataset_id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "column_mapping": {
            "first_name": "Forename",
            "last_name": "Surname",
            "phone_number": ["Mobile No.", "Home Tel"],
        },
    }


class ImportStarted(View, frozen=True):
    """Name the job that does the work."""

    job_id: UUID
    import_id: UUID
    example: ClassVar[dict[str, Any]] = {
        "job_id": "01890a5d-ac96-774b-bcce-b302099a8059",
        "import_id": "01890a5d-ac96-774b-bcce-b302099a8060",
    }


@dataclass(frozen=True)
class Imports:
    """Import uploads."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    imports: ImportStore
    uploads: UploadStore
    datasets: DatasetStore
    campaigns: CampaignStore
    jobs: ImportJobs
    enrols: Enrols
    tables: Tables
    phones: PhoneNumbers

    async def start(self, command: MapAndImport) -> ImportStarted:
        """Check the mapping and have the import done in the background."""
        self.actor.require(Permission.DATASETS_WRITE)
        if command.campaign_settings is not None:
            self.actor.require(Permission.CAMPAIGNS_RUN)
        async with self.uow:
            at = self.clock.now()
            upload = await self.uploads.get(command.upload_id)
            dataset = await self.datasets.get(command.dataset_id)
            if upload.dataset_id not in (None, dataset.id):
                raise Invalid("This file was uploaded for another dataset.", field="dataset_id")
            mapping = check_mapping(command.column_mapping.by_target(), upload.shape.header)
            job_id = new_id()
            running = LeadImport(
                id=new_id(),
                organization_id=self.actor.organization_id,
                upload_id=upload.id,
                dataset_id=dataset.id,
                mapping=mapping,
                job_id=job_id,
                created_at=at,
            )
            dataset.fill_from(upload.id, at)
            await self.datasets.save(dataset)
            if command.campaign_settings is not None:
                await self._set_up_campaign(dataset.id, command.campaign_settings)
            await self.imports.add(running)
            await self.jobs.open(job_id, running.id, upload.shape.rows)
            self.uow.publish(running.requested(job_id))
            return ImportStarted(job_id=job_id, import_id=running.id)

    async def _set_up_campaign(self, dataset_id: UUID, asked: SettingsIn) -> None:
        campaign = await self.campaigns.of_dataset(dataset_id)
        if campaign is None:
            campaign = Campaign(
                organization_id=self.actor.organization_id, dataset_id=dataset_id, seed=secrets.randbits(62)
            )
            await self.campaigns.add(campaign)
        if campaign.status is CampaignStatus.COMPLETED:
            raise Conflict("The campaign of this dataset is completed; its settings no longer matter.")
        campaign.settings = changed(campaign.settings, asked)
        await self.campaigns.save(campaign)

    @effect
    async def run(self, requested: ImportRequested) -> None:
        """Do the work from wherever it stands: a batch is stored whole, with its progress, or not at all."""
        async with self.uow.reading():
            plan = await self.imports.plan(requested.subject)
        try:
            if plan is None:
                raise NotFound("The dataset is no longer there.")
            async with self.tables.opened(plan.file_key, plan.shape) as table:
                await self._work(requested.job_id, plan, table)
        except (Invalid, NotFound) as refusal:
            async with self.uow:
                await self.jobs.fail(requested.job_id, refusal.message)

    @effect
    async def give_up(self, requested: ImportRequested, reason: str) -> None:
        """Tell on the job that the work failed again and again and is no longer tried."""
        async with self.uow:
            await self.jobs.fail(requested.job_id, f"The import failed too often and was given up: {reason}")

    async def _work(self, job_id: UUID, plan: ImportPlan, table: OpenTable) -> None:
        reader = RowReader.of(plan.mapping, plan.shape.header, self.phones, plan.country)
        async with ReadingAhead(table, reader) as ahead:
            place: int | None = plan.records_done
            while place is not None:
                batch = await ahead.batch(place)
                place = await self._take_persistently(job_id, plan, place, batch, ahead)

    async def _take_persistently(
        self, job_id: UUID, plan: ImportPlan, place: int, batch: Batch, ahead: ReadingAhead
    ) -> int | None:
        for attempt in range(_COLLISIONS):
            try:
                return await self._take(job_id, plan, place, batch, ahead)
            except Collided:
                if attempt == _COLLISIONS - 1:
                    raise
        return None

    async def _take(self, job_id: UUID, plan: ImportPlan, place: int, batch: Batch, ahead: ReadingAhead) -> int | None:
        """Store one batch; gives the place to go on from, which another worker may have moved, or None at the end."""
        async with self.uow:
            at = self.clock.now()
            running = await self.imports.claim(plan)
            if running is None:
                raise NotFound("The dataset was deleted meanwhile.")
            wanted = await self.jobs.wanted(job_id)
            if wanted is None:
                return None
            if running.records_done != place:
                return running.records_done
            if not wanted:
                await self.jobs.stop(job_id, await self._result(running))
                return None
            if batch.records == 0:
                await self.jobs.finish(job_id, await self._result(running))
                self.uow.publish(running.ended())
                return None
            known = await self.imports.known(plan, batch.rows)
            leads, duplicates = await asyncio.to_thread(settle, batch.rows, known, new_id)
            await self.imports.stage(plan, leads)
            ahead.read_on()
            await self.imports.write(plan, leads, duplicates, batch.failed, at)
            event = running.advance(
                batch.records,
                created=len(leads),
                ineligible=sum(not lead.row.sms_eligible for lead in leads),
                duplicates=len(duplicates),
                failed=len(batch.failed),
            )
            await self.imports.save(running)
            await self.jobs.advance(job_id, running.records_done)
            ready = [lead.lead_id for lead in leads if lead.contact_status is ContactStatus.READY]
            await self.enrols.after_import(plan.dataset_id, ready, at)
            self.uow.publish(event)
            return running.records_done

    async def _result(self, running: LeadImport) -> dict[str, Any]:
        errors = await self.imports.reasons(running.id, ERRORS_SHOWN)
        return {
            "import_id": str(running.id),
            "dataset_id": str(running.dataset_id),
            "imported": {
                "total_rows": running.records_done,
                "successful": running.created,
                "failed": running.failed,
                "duplicates": running.duplicates,
            },
            "ineligible": running.ineligible,
            "errors": [{"row": row, "reason": reason} for row, reason in errors],
            "failed_rows_url": f"/api/v1/imports/{running.id}/failed-rows.csv" if running.failed else None,
        }

    async def failed_rows(self, import_id: UUID) -> tuple[str, AsyncIterator[bytes]]:
        """Give the failed rows as a CSV that imports after mending: a file name, and its bytes as a stream."""
        self.actor.require(Permission.DATASETS_WRITE)
        async with self.uow.reading():
            plan = await self.imports.plan(import_id)
        if plan is None:
            raise NotFound("There is no such import.")
        stem = plan.filename.rsplit(".", 1)[0]
        return f"{stem}-failed-rows.csv", self._failed_csv(plan)

    async def _failed_csv(self, plan: ImportPlan) -> AsyncIterator[bytes]:
        header = plan.shape.header
        again = header[-1] == _REASON  # a mended file that failed once more: its reasons are replaced
        kept = header[:-1] if again else header
        yield b"\xef\xbb\xbf" + _csv([[*kept, _REASON]])
        after = 0
        while True:
            async with self.uow.reading():
                rows = await self.imports.failed(plan.import_id, after)
            if not rows:
                return
            after = rows[-1].row
            yield _csv([[*_cells(row, len(header), again), row.reason] for row in rows])


def _cells(row: FailedCells, width: int, again: bool) -> list[str]:
    return row.cells[:-1] if again and len(row.cells) == width else row.cells


def _csv(rows: list[list[str]]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows([inert(cell) for cell in cells] for cells in rows)
    return written.getvalue().encode()
