"""Routes of people's data: out, and gone."""

from uuid import UUID

from litestar.response import Stream

from application.platform.personal_data import Erase, PersonalData, PersonalDataStarted
from entrypoints.http.operation import operation


@operation(
    "POST",
    "/contacts/{contact_id:uuid}/export",
    "exportContact",
    "Write out all that is known of a contact",
    status=202,
)
async def export_contact(data: PersonalData, contact_id: UUID) -> PersonalDataStarted:
    """The job's result names where to fetch one JSON document with a list of rows for each table, for seven days."""
    return await data.export(contact_id)


@operation(
    "GET",
    "/exports/{job_id:uuid}",
    "downloadExport",
    "Download a written export",
    media_type="application/json",
)
async def download_export(data: PersonalData, job_id: UUID) -> Stream:
    """For those who may export, while it is kept."""
    named = f'attachment; filename="{job_id}.json"'
    content = await data.fetch(job_id)
    return Stream(content, media_type="application/json", headers={"Content-Disposition": named})


@operation(
    "POST", "/contacts/{contact_id:uuid}/erase", "eraseContact", "Erase all that is known of a contact", status=202
)
async def erase_contact(data: PersonalData, contact_id: UUID, body: Erase) -> PersonalDataStarted:
    """Rows, messages, files and stored answers go; what stays is a keyed hash of each address, so that nobody who was
    erased is written to again, however they come back. Nothing brings the rest back.
    """
    return await data.erase(contact_id, body)


ROUTES = (export_contact, download_export, erase_contact)
