"""Routes of tables as files."""

from typing import Any
from uuid import UUID

from litestar import Request
from litestar.response import Stream

from adapters.identity.export_links import HmacExportLinks
from adapters.persistence.database import Cause
from application.platform.exports import Exports, ExportStarted, ExportView, RequestExport
from application.ports import Actor
from entrypoints.http.operation import operation

_TYPES = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
_ANY = "application/octet-stream"


@operation("POST", "/analytics/export", "exportTable", "Export a table as CSV or XLSX", status=202)
async def export_table(exports: Exports, body: RequestExport) -> ExportStarted:
    """Written in the background, with what the caller may see then; watch the job, then look at the export."""
    return await exports.request(body)


@operation("GET", "/analytics/exports/{job_id:uuid}", "showExport", "Show an export and its link")
async def show_export(exports: Exports, job_id: UUID) -> ExportView:
    """To whoever asked for it. The link needs no sign-in, for 24 hours, as long as they may see what is in the file."""
    return await exports.show(job_id)


@operation(
    "GET", "/exports/links/{link:str}", "downloadTable", "Download an exported table", access="public", media_type=_ANY
)
async def download_table(links: HmacExportLinks, request: Request[Any, Any, Any], link: str) -> Stream:
    """For whoever has the link."""
    organization_id, job_id = links.read(link)
    async with request.app.state.container({Actor: Actor.system(organization_id), Cause: Cause()}) as scope:
        filename, content = await (await scope.get(Exports)).fetch(job_id)
    headers = {"Content-Disposition": f'attachment; filename="{filename}"', "Cache-Control": "private, no-store"}
    return Stream(content, media_type=_TYPES.get(filename.rpartition(".")[2], _ANY), headers=headers)


ROUTES = (export_table, show_export, download_table)
