"""Lists to upload, and the steps every import takes."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from adapters.persistence.database import Database
from tests.http.conftest import Client

WorkOff = Callable[[], Awaitable[None]]
DATA = Path(__file__).resolve().parents[2] / "features" / "data"
OTHERS = Path(__file__).resolve().parents[1] / "data"
OLD_ENQUIRIES = DATA / "old-enquiries-uk-600.csv"
MAPPING: dict[str, Any] = {"first_name": "First", "last_name": "Last", "phone_number": "Mobile", "email": "Mail"}


def table(*rows: str, header: str = "First,Last,Mobile,Mail") -> bytes:
    """Write a small CSV."""
    return "\r\n".join([header, *rows, ""]).encode()


async def new_dataset(client: Client, name: str = "Old enquiries") -> str:
    """Make a dataset and give its id."""
    answer = await client.post("/datasets", json={"name": name})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def upload(client: Client, content: bytes, filename: str = "list.csv", **fields: str) -> dict[str, Any]:
    """Upload a file and give what was found in it."""
    answer = await client.post("/datasets/upload", files={"file": (filename, content, "text/csv")}, data=fields)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


def suggested(found: dict[str, Any]) -> dict[str, Any]:
    """Make the mapping that the suggestions of an upload amount to."""
    mapping: dict[str, Any] = {}
    importable = ("first_name", "last_name", "full_name", "postcode", "inquiry_date", "notes", "source", "product")
    for column in found["columns"]:
        target = column["suggested_mapping"]
        if target in ("phone_number", "email"):
            mapping.setdefault(target, []).append(column["name"])
        elif target in (*importable, "company"):
            mapping[target] = column["name"]
    return mapping


async def begin(client: Client, dataset_id: str, upload_id: str, mapping: dict[str, Any], **more: Any) -> str:
    """Start an import and give its job's id."""
    body = {"upload_id": upload_id, "dataset_id": dataset_id, "column_mapping": mapping, **more}
    answer = await client.post("/datasets/map-and-import", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["data"]["job_id"])


async def job(client: Client, job_id: str) -> dict[str, Any]:
    """Look at a job."""
    answer = await client.get(f"/jobs/{job_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def imported(
    client: Client, work_off: WorkOff, content: bytes, mapping: dict[str, Any] | None = None, dataset_id: str = ""
) -> dict[str, Any]:
    """Upload, import, work off; gives the job as it ended."""
    found = await upload(client, content)
    into = dataset_id or await new_dataset(client)
    started = await begin(client, into, found["id"], suggested(found) if mapping is None else mapping)
    await work_off()
    return await job(client, started)


async def rows_of(database: Database, client: Client, statement: str, *parameters: Any) -> list[Any]:
    """Look into the client's own rows."""
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(client.organization_id))
        return list(await connection.fetch(statement, client.organization_id, *parameters))
