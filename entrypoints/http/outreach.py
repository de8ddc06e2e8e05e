"""Routes of datasets, uploads and imports."""

from collections.abc import AsyncIterator
from typing import Any, ClassVar
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Request
from litestar.response import Stream

from application.outreach.datasets import (
    ChangeDataset,
    DatasetFilter,
    DatasetItem,
    DatasetRemoval,
    Datasets,
    DatasetView,
    NewDataset,
)
from application.outreach.import_records import ImportRecords
from application.outreach.import_undo import ImportUndo
from application.outreach.import_views import ImportItem, ImportRowFilter, ImportRowItem, UndoPreview, UndoStarted
from application.outreach.imports import Imports, ImportStarted, MapAndImport
from application.outreach.uploads import Uploads, UploadView
from application.platform.jobs import Jobs, JobView
from application.ports import Found, PageRequest, View
from entrypoints.config import Config
from entrypoints.http.multipart import FileForm
from entrypoints.http.operation import Answer, IfMatch, operation
from entrypoints.http.prefer import LONGEST_WAIT, applied, seconds_to_wait


class ImportAwaited(View, frozen=True):
    """Show an import's job that ended while its caller waited."""

    job_id: UUID
    import_id: UUID
    job: JobView
    example: ClassVar[dict[str, Any]] = ImportStarted.example | {"job": JobView.example}


_UPLOAD_SECONDS = 900.0
_PREVIEW_SECONDS = 130.0
_FORM = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["file"],
            "properties": {
                "file": {"type": "string", "format": "binary", "description": "A CSV file."},
                "dataset_id": {"type": "string", "format": "uuid"},
            },
        }
    }
}


@operation("GET", "/datasets", "listDatasets", "List datasets", shows=DatasetItem)
async def list_datasets(datasets: Datasets, narrowed: DatasetFilter, page: PageRequest) -> Found:
    """Sort by `created`, `name` or `leads_count`."""
    return await datasets.find(narrowed, page)


@operation("POST", "/datasets", "createDataset", "Make a dataset", shows=DatasetView)
async def create_dataset(datasets: Datasets, body: NewDataset) -> msgspec.Raw:
    """Without leads; they come by import."""
    return await datasets.create(body)


@operation("GET", "/datasets/{dataset_id:uuid}", "showDataset", "Show a dataset", shows=DatasetView)
async def show_dataset(datasets: Datasets, dataset_id: UUID) -> msgspec.Raw:
    """With its leads counted."""
    return await datasets.show(dataset_id)


@operation("PATCH", "/datasets/{dataset_id:uuid}", "changeDataset", "Change a dataset", shows=DatasetView)
async def change_dataset(datasets: Datasets, dataset_id: UUID, body: ChangeDataset, version: IfMatch) -> msgspec.Raw:
    """One's own, or any as an admin; `campaign_status` starts, pauses or resumes its campaign."""
    return await datasets.change(dataset_id, body, version)


@operation(
    "DELETE",
    "/datasets/{dataset_id:uuid}",
    "deleteDataset",
    "Delete a dataset with its leads",
    also={202: DatasetRemoval},
)
async def delete_dataset(datasets: Datasets, dataset_id: UUID) -> Answer | None:
    """With their conversations and messages; who opted out stays opted out.

    A dataset of more than 1,000 leads is hidden at once and removed in the background: 202 names the job.
    """
    removal = await datasets.delete(dataset_id)
    return None if removal is None else Answer(removal, 202)


@operation(
    "POST",
    "/datasets/upload",
    "uploadFile",
    "Upload a CSV file",
    limits=("api", "uploads"),
    raw=True,
    keyed=True,
    takes=_FORM,
    body_max=None,
    seconds=_UPLOAD_SECONDS,
)
async def upload_file(uploads: Uploads, request: Request[Any, Any, Any], config: Config) -> UploadView:
    """Answers with a suggestion for each column; under an Idempotency-Key file, name and dataset are compared."""
    return await uploads.receive(FileForm(request, config.upload_max))


@operation("GET", "/uploads/{upload_id:uuid}", "showUpload", "Show what an upload holds")
async def show_upload(uploads: Uploads, upload_id: UUID) -> UploadView:
    """As the upload itself was answered."""
    return await uploads.show(upload_id)


@operation("GET", "/uploads/{upload_id:uuid}/file", "downloadUpload", "Download an upload", media_type="text/csv")
async def download_upload(uploads: Uploads, upload_id: UUID) -> Stream:
    """The file as it came."""
    return _download(*await uploads.content(upload_id))


@operation(
    "POST",
    "/datasets/map-and-import",
    "importUpload",
    "Import an upload into a dataset",
    status=202,
    also={200: ImportAwaited},
    seconds=LONGEST_WAIT + 10,
)
async def import_upload(
    imports: Imports, jobs: Jobs, request: Request[Any, Any, Any], body: MapAndImport
) -> ImportStarted | Answer:
    """With `Prefer: wait=N` and no Idempotency-Key, waits up to 30 s; done by then: 200 with the job beside its id."""
    wait = 0 if "idempotency-key" in request.headers else seconds_to_wait(request)
    started = await imports.start(body)
    if not wait:
        return started
    shown = await jobs.show(started.job_id, wait)
    return applied(wait, {"job_id": started.job_id, "import_id": started.import_id}, shown)


@operation(
    "GET",
    "/imports/{import_id:uuid}/failed-rows.csv",
    "downloadFailedRows",
    "Download an import's failed rows",
    media_type="text/csv",
)
async def download_failed_rows(imports: Imports, import_id: UUID) -> Stream:
    """With the reason in the last column; imports after mending."""
    return _download(*await imports.failed_rows(import_id))


@operation(
    "GET", "/datasets/{dataset_id:uuid}/imports", "listImports", "List the imports into a dataset", shows=ImportItem
)
async def list_imports(records: ImportRecords, dataset_id: UUID, page: PageRequest) -> Found:
    """The newest first."""
    return await records.of_dataset(dataset_id, page)


@operation("GET", "/imports/{import_id:uuid}", "showImport", "Show an import", shows=ImportItem)
async def show_import(records: ImportRecords, import_id: UUID) -> msgspec.Raw:
    """Where it stands, and what its rows came to."""
    return await records.show(import_id)


@operation(
    "GET", "/imports/{import_id:uuid}/rows", "listImportRows", "List an import's rows by outcome", shows=ImportRowItem
)
async def list_import_rows(
    records: ImportRecords, import_id: UUID, narrowed: ImportRowFilter, page: PageRequest
) -> Found:
    """In the order of the file, each with what became of it and why."""
    return await records.rows(import_id, narrowed, page)


@operation(
    "GET",
    "/imports/{import_id:uuid}/undo",
    "previewUndo",
    "Preview the undo of an import",
    seconds=_PREVIEW_SECONDS,
)
async def preview_undo(undo: ImportUndo, import_id: UUID) -> UndoPreview:
    """What would be removed, what would stay and why, as it stands now; nothing is changed."""
    return await undo.preview(import_id)


@operation("POST", "/imports/{import_id:uuid}/undo", "undoImport", "Undo an import", status=202)
async def undo_import(undo: ImportUndo, import_id: UUID) -> UndoStarted:
    """Removes the leads it created that nobody has worked with, and contacts that came with them and nothing needs.

    Planned texts to them are cancelled; suppression and ledger stay. 409 while the import runs, and a second time.
    """
    return await undo.start(import_id)


def _download(filename: str, content: AsyncIterator[bytes]) -> Stream:
    named = f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
    return Stream(content, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": named})


ROUTES = (
    list_datasets,
    create_dataset,
    show_dataset,
    change_dataset,
    delete_dataset,
    upload_file,
    show_upload,
    download_upload,
    import_upload,
    download_failed_rows,
    list_imports,
    show_import,
    list_import_rows,
    preview_undo,
    undo_import,
)
