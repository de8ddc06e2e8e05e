"""Routes of datasets, uploads and imports."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Request
from litestar.response import Stream

from application.outreach.datasets import (
    ChangeDataset,
    DatasetFilter,
    DatasetItem,
    Datasets,
    DatasetView,
    NewDataset,
)
from application.outreach.imports import Imports, ImportStarted, MapAndImport
from application.outreach.uploads import Uploads, UploadView
from application.platform.jobs import Jobs
from application.ports import Found, PageRequest
from entrypoints.config import Config
from entrypoints.http.multipart import FileForm
from entrypoints.http.operation import Answer, IfMatch, operation
from entrypoints.http.prefer import LONGEST_WAIT, applied, seconds_to_wait

_UPLOAD_SECONDS = 900.0
_DELETE_SECONDS = 110.0
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
    "DELETE", "/datasets/{dataset_id:uuid}", "deleteDataset", "Delete a dataset with its leads", seconds=_DELETE_SECONDS
)
async def delete_dataset(datasets: Datasets, dataset_id: UUID) -> None:
    """With their conversations and messages; who opted out stays opted out."""
    await datasets.delete(dataset_id)


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
    """Answers with a suggestion for each column; a repeated Idempotency-Key is not compared with the file's content."""
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
)
