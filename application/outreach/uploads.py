"""Uploads: a file received, understood, and shown with a suggestion for every column."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol
from uuid import UUID

from application.files import FileStore
from application.outreach.datasets import DatasetStore
from application.outreach.tables import Tables
from application.ports import Actor, Clock, Store, UnitOfWork, View
from domain.identity.role import Permission
from domain.kernel import Invalid, new_id
from domain.outreach.column_mapping import IMPORTED
from domain.outreach.mapping import suggest
from domain.outreach.upload import TableShape, Upload, plain_filename, require_rows

_LONGEST_SAMPLE = 200


class SentFile(Protocol):
    """Be a file on its way in; name and dataset are known for certain once all of it has been read."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Read the file's bytes as they arrive."""
        ...

    @property
    def filename(self) -> str | None:
        """Tell the name it was sent under."""
        ...

    @property
    def dataset_id(self) -> UUID | None:
        """Tell the dataset it was sent for."""
        ...


class ColumnView(View, frozen=True):
    """Show one column with up to three of its values and what it probably holds."""

    name: str
    sample_values: list[str]
    suggested_mapping: str | None


class UploadView(View, frozen=True):
    """Show what a file holds."""

    id: UUID
    filename: str
    file_url: str
    rows_detected: int
    encoding: str
    delimiter: str
    dataset_id: UUID | None
    columns: list[ColumnView]
    example: ClassVar[dict[str, Any]] = {
        "id": "01890a5d-ac96-774b-bcce-b302099a8058",
        "filename": "old-enquiries.csv",
        "file_url": "/api/v1/uploads/01890a5d-ac96-774b-bcce-b302099a8058/file",
        "rows_detected": 600,
        "encoding": "utf-8-sig",
        "delimiter": ",",
        "dataset_id": None,
        "columns": [
            {"name": "Forename", "sample_values": ["Teresita", "Carrol"], "suggested_mapping": "first_name"},
            {"name": "Mobile No.", "sample_values": ["447700900222"], "suggested_mapping": "phone_number"},
        ],
    }


class UploadStore(Store[Upload], Protocol):
    """Keep uploads; those of datasets that the actor is not limited to are not there."""


@dataclass(frozen=True)
class Uploads:
    """Take files in."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    uploads: UploadStore
    datasets: DatasetStore
    files: FileStore
    tables: Tables

    async def receive(self, sent: SentFile) -> UploadView:
        """Store a file as it arrives, find out what it holds, and suggest what its columns are."""
        self.actor.require(Permission.DATASETS_WRITE)
        identifier = new_id()
        key = f"{self.actor.organization_id}/{identifier}"
        try:
            size = await self.files.put(key, sent.chunks())
            shape = await self.tables.describe(key)
            require_rows(shape)
            async with self.uow:
                if sent.dataset_id is not None:
                    await self.datasets.get(sent.dataset_id)
                upload = Upload(
                    id=identifier,
                    organization_id=self.actor.organization_id,
                    dataset_id=sent.dataset_id,
                    filename=plain_filename(sent.filename),
                    file_key=key,
                    size=size,
                    shape=_storable(shape),
                    created_by=self.actor.id,
                    created_at=self.clock.now(),
                )
                await self.uploads.add(upload)
                self.uow.publish(upload.received())
        except BaseException:
            await self.files.remove(key)
            raise
        return _view(upload)

    async def show(self, identifier: UUID) -> UploadView:
        """Show an upload again."""
        self.actor.require(Permission.DATASETS_WRITE)
        async with self.uow.reading():
            return _view(await self.uploads.get(identifier))

    async def content(self, identifier: UUID) -> tuple[str, AsyncIterator[bytes]]:
        """Give a file back as it came: its name, and its bytes as a stream."""
        self.actor.require(Permission.DATASETS_WRITE)
        async with self.uow.reading():
            upload = await self.uploads.get(identifier)
        return upload.filename, self.files.read(upload.file_key)


def _storable(shape: TableShape) -> TableShape:
    """Leave out of the samples what no database text may hold or nobody would read."""
    samples = [[value.replace("\0", "")[:_LONGEST_SAMPLE] for value in values] for values in shape.sample]
    if any(len(name) > _LONGEST_SAMPLE for name in shape.header):
        raise Invalid(
            f"A column's name has more than {_LONGEST_SAMPLE} characters; is the header missing?", field="file"
        )
    return TableShape(
        encoding=shape.encoding,
        delimiter=shape.delimiter,
        line_end=shape.line_end,
        header=shape.header,
        rows=shape.rows,
        sample=samples,
        quote=shape.quote,
        escape=shape.escape,
        has_nul=shape.has_nul,
        mixed=shape.mixed,
    )


def _view(upload: Upload) -> UploadView:
    shape = upload.shape
    suggested = [target if target in IMPORTED else None for target in suggest(shape.header, shape.sample)]
    return UploadView(
        id=upload.id,
        filename=upload.filename,
        file_url=f"/api/v1/uploads/{upload.id}/file",
        rows_detected=shape.rows,
        encoding=shape.encoding,
        delimiter=shape.delimiter,
        dataset_id=upload.dataset_id,
        columns=[
            ColumnView(name=name, sample_values=values, suggested_mapping=target)
            for name, values, target in zip(shape.header, shape.sample, suggested, strict=True)
        ],
    )
