"""Datasets and uploads over HTTP."""

import io
import zipfile
from typing import Any

import pytest

from domain.identity.role import Role
from domain.kernel import new_id
from entrypoints.config import Config
from tests.http.conftest import Client, Join
from tests.http.lists import MAPPING, OLD_ENQUIRIES, WorkOff, imported, new_dataset, table, upload

pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.background"]


async def test_a_dataset_is_made_shown_and_listed(owner: Client) -> None:
    made = await owner.post("/datasets", json={"name": "  Old   enquiries ", "description": "2019", "source": "web"})

    assert made.status_code == 201, made.text
    data = made.json()["data"]
    assert (data["name"], data["description"], data["source"]) == ("Old enquiries", "2019", "web")
    assert (data["campaign_status"], data["total_leads"], data["uploaded_file_url"]) == ("draft", 0, None)
    assert made.headers["etag"] == '"1"'
    shown = await owner.get(f"/datasets/{data['id']}")
    assert shown.json()["data"] == data
    [item] = (await owner.get("/datasets")).json()["data"]
    assert item["id"] == data["id"]


async def test_leads_are_counted_by_what_became_of_them(owner: Client, work_off: WorkOff) -> None:
    dataset_id = await new_dataset(owner)
    content = table("A,A,07700 900001,", "B,B,07700 900002,", "C,C,07700 900003,", "D,D,020 7946 0001,")
    await imported(owner, work_off, content, MAPPING, dataset_id)
    leads = (await owner.get(f"/leads?dataset_id={dataset_id}&sort=name&order=asc")).json()["data"]
    for lead, status in zip(leads, ("HOT", "CONVERTED"), strict=False):
        changed = await owner.patch(f"/leads/{lead['id']}", json={"contact_status": status})
        assert changed.status_code == 200, changed.text

    shown = (await owner.get(f"/datasets/{dataset_id}")).json()["data"]
    counts = {name: shown[name] for name in ("total_leads", "active_leads", "hot_leads", "converted_leads")}
    assert counts == {"total_leads": 4, "active_leads": 2, "hot_leads": 1, "converted_leads": 1}
    assert shown["uploaded_file_url"].startswith("/api/v1/uploads/")


async def test_datasets_sort_by_name_by_age_and_by_size(owner: Client, work_off: WorkOff) -> None:
    for name, rows in (("b", 1), ("C", 3), ("a", 2)):
        content = table(*(f"X,Y,07700 90000{n}," for n in range(rows)))
        await imported(owner, work_off, content, MAPPING, await new_dataset(owner, name))

    async def names(query: str) -> list[str]:
        return [item["name"] for item in (await owner.get(f"/datasets?{query}")).json()["data"]]

    assert await names("sort=name&order=asc") == ["a", "b", "C"]
    assert await names("sort=created&order=desc") == ["a", "C", "b"]
    assert await names("sort=leads_count&order=desc") == ["C", "a", "b"]
    assert (await owner.get("/datasets?sort=shoe_size")).status_code == 400
    first = (await owner.get("/datasets?sort=leads_count&order=asc&limit=2")).json()
    cursor = first["pagination"]["next_cursor"]
    rest = await owner.get(f"/datasets?sort=leads_count&order=asc&limit=2&cursor={cursor}")
    assert [item["name"] for item in rest.json()["data"]] == ["C"]


async def test_a_list_is_narrowed_by_the_campaigns_status(owner: Client) -> None:
    await new_dataset(owner)

    assert len((await owner.get("/datasets?status=draft")).json()["data"]) == 1
    assert (await owner.get("/datasets?status=active")).json()["data"] == []
    assert (await owner.get("/datasets?status=asleep")).status_code == 400


async def test_a_change_needs_the_version_it_was_made_from(owner: Client) -> None:
    path = f"/datasets/{await new_dataset(owner)}"
    first = await owner.patch(path, json={"name": "New", "description": None}, headers={"If-Match": '"1"'})
    late = await owner.patch(path, json={"name": "Late"}, headers={"If-Match": '"1"'})

    assert (first.status_code, first.json()["data"]["name"], first.headers["etag"]) == (200, "New", '"2"')
    assert late.status_code == 409
    assert late.json()["error"]["code"] == "STALE_VERSION"
    assert late.json()["error"]["details"][0]["field"] == "name"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "x\0"}, "name"),
        ({"name": "x", "total_leads": 5}, "total_leads"),
        ({"name": "x", "campaign_status": "active"}, "campaign_status"),
        ({"name": "x", "campaign_start_date": "soon"}, "campaign_start_date"),
        (
            {"name": "x", "campaign_start_date": "2026-03-02T09:00:00Z", "campaign_end_date": "2026-03-01T09:00:00Z"},
            "campaign_end_date",
        ),
    ],
)
async def test_what_cannot_be_a_dataset_is_refused_by_its_field(
    owner: Client, body: dict[str, Any], field: str
) -> None:
    answer = await owner.post("/datasets", json=body)

    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["details"][0]["field"] == field


async def test_the_campaigns_status_moves_the_campaign(owner: Client, work_off: WorkOff) -> None:
    dataset_id = await new_dataset(owner)
    await imported(owner, work_off, table("Ann,Ash,07700 900001,"), MAPPING, dataset_id)
    path = f"/datasets/{dataset_id}"
    for status in ("active", "paused", "active"):
        answer = await owner.patch(path, json={"campaign_status": status})
        assert (answer.status_code, answer.json()["data"]["campaign_status"]) == (200, status), answer.text
        assert (await owner.get(f"/campaigns/{dataset_id}")).json()["data"]["status"] == status
    assert (await owner.patch(path, json={"campaign_status": "draft"})).status_code == 409
    assert (await owner.patch(path, json={"campaign_status": "paused", "name": "x"})).status_code == 400


async def test_deleting_takes_leads_and_files_along_and_leaves_contacts(
    owner: Client, work_off: WorkOff, config: Config
) -> None:
    dataset_id = await new_dataset(owner)
    await imported(owner, work_off, OLD_ENQUIRIES.read_bytes(), dataset_id=dataset_id)
    folder = config.data_dir / "files" / str(owner.organization_id)
    assert len(list(folder.iterdir())) == 1

    assert (await owner.delete(f"/datasets/{dataset_id}")).status_code == 204
    assert (await owner.get(f"/datasets/{dataset_id}")).status_code == 404
    assert (await owner.get("/leads")).json()["data"] == []
    assert (await owner.get("/contacts")).json()["pagination"]["total"] == 525
    assert list(folder.iterdir()) == []


async def test_roles_decide_who_writes(owner: Client, join: Join) -> None:
    theirs = await new_dataset(owner)
    manager, rep = await join(owner, Role.MANAGER), await join(owner, Role.REP)
    own = await new_dataset(manager, "Mine")

    assert (await manager.patch(f"/datasets/{own}", json={"name": "Still mine"})).status_code == 200
    assert (await manager.patch(f"/datasets/{theirs}", json={"name": "No"})).status_code == 403
    assert (await manager.delete(f"/datasets/{own}")).status_code == 403
    assert (await rep.get(f"/datasets/{theirs}")).status_code == 200
    for answer in (
        await rep.post("/datasets", json={"name": "x"}),
        await rep.patch(f"/datasets/{theirs}", json={"name": "x"}),
        await rep.delete(f"/datasets/{theirs}"),
        await rep.post("/datasets/upload", files={"file": ("x.csv", b"a,b\n1,2\n")}),
    ):
        assert answer.status_code == 403, answer.request.url


async def test_who_is_limited_to_datasets_sees_no_other(owner: Client, join: Join) -> None:
    seen, hidden = await new_dataset(owner, "Seen"), await new_dataset(owner, "Hidden")
    member = await join(owner, Role.MANAGER, dataset_ids=[seen])

    assert [item["name"] for item in (await member.get("/datasets")).json()["data"]] == ["Seen"]
    assert (await member.get(f"/datasets/{hidden}")).status_code == 404
    assert (await member.patch(f"/datasets/{hidden}", json={"name": "x"})).status_code == 404
    assert (await member.post("/datasets", json={"name": "x"})).status_code == 403
    found = await upload(owner, table("Ann,Ash,07700 900001,"), dataset_id=hidden)
    assert (await member.get(f"/uploads/{found['id']}/file")).status_code == 404
    body = {"upload_id": found["id"], "dataset_id": seen, "column_mapping": MAPPING}
    assert (await member.post("/datasets/map-and-import", json=body)).status_code == 404


async def test_another_organisations_dataset_is_not_there(owner: Client, stranger: Client) -> None:
    path = f"/datasets/{await new_dataset(owner)}"
    answers = [
        await stranger.get(path),
        await stranger.patch(path, json={"name": "Mine now"}),
        await stranger.delete(path),
        await stranger.post(
            "/datasets/upload", files={"file": ("x.csv", table("A,B,07700 900001,"))}, data={"dataset_id": path[10:]}
        ),
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 404, 404]
    assert (await stranger.get("/datasets")).json()["data"] == []
    assert (await owner.get(path)).json()["data"]["name"] == "Old enquiries"


async def test_an_upload_comes_back_as_it_went(owner: Client) -> None:
    content = OLD_ENQUIRIES.read_bytes()
    dataset_id = await new_dataset(owner)
    found = await upload(owner, content, "../../etc/Ünïcode name.csv", dataset_id=dataset_id)
    answer = await owner.get(found["file_url"].removeprefix("/api/v1"))

    assert found["filename"] == "Ünïcode name.csv"
    assert found["dataset_id"] == dataset_id
    assert answer.content == content
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%C3%9C")
    assert (await owner.get(f"/uploads/{found['id']}")).json()["data"] == found


@pytest.mark.parametrize(
    ("encoding", "delimiter", "found"),
    [("utf-16", ";", "utf-16"), ("cp1252", "\t", "cp1252"), ("utf-8", "|", "utf-8")],
)
async def test_other_ways_to_write_a_table_are_found_out(
    owner: Client, work_off: WorkOff, encoding: str, delimiter: str, found: str
) -> None:
    text = "First,Last,Mobile,Mail\rZoë,Müller,07700 900001,\rJosé,Ibáñez,07700 900002,\r".replace(",", delimiter)
    seen = await upload(owner, text.encode(encoding))
    done = await imported(owner, work_off, text.encode(encoding), MAPPING)

    assert (seen["encoding"], seen["delimiter"], seen["rows_detected"]) == (found, delimiter, 2)
    assert done["result"]["imported"]["successful"] == 2
    names = [item["contact"]["last_name"] for item in (await owner.get("/leads?sort=name&order=asc")).json()["data"]]
    assert names == ["Ibáñez", "Müller"]


def _zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("list.csv", "a,b\n1,2\n")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"First,Last,Mobile\r\n", "no rows"),
        (b"\r\n\r\n", "no header"),
        (_zipped(), "Excel workbook or a ZIP archive"),
        (bytes(range(256)) * 40, "not a text file"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 64, "picture"),
        (",".join(f"c{n}" for n in range(2000)).encode() + b"\n1\n", "2,000 columns"),
        (b'First,Mobile\nAnn,"' + b"x" * 2_000_000 + b"\n", "1 MB"),
        (b"First,Mobile\n" + b"x" * 9_000_000, "8 MB"),
        (b"x" * 300 + b",Mobile\n1,2\n", "200 characters"),
    ],
    ids=["empty", "header-only", "blank", "zip", "binary", "png", "wide", "open-quote", "endless", "long-header"],
)
async def test_what_is_no_table_is_refused_in_a_sentence(
    owner: Client, config: Config, content: bytes, says: str
) -> None:
    answer = await owner.post("/datasets/upload", files={"file": ("list.csv", content, "text/csv")})

    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert says in error["message"]
    assert error["details"][0]["field"] == "file"
    folder = config.data_dir / "files" / str(owner.organization_id)
    assert not folder.exists() or list(folder.iterdir()) == [], "nothing is left behind"


async def test_unbalanced_quotes_leave_rows_that_fail(owner: Client, work_off: WorkOff) -> None:
    content = b'First,Last,Mobile,Mail\nAnn,"Ash,07700 900001,\nBob,Birch,07700 900002,\n'
    done = await imported(owner, work_off, content, MAPPING)

    assert done["result"]["imported"] == {"total_rows": 1, "successful": 0, "failed": 1, "duplicates": 0}


async def test_a_repeated_upload_is_the_same_one_and_another_file_under_its_key_is_refused(
    owner: Client, config: Config
) -> None:
    headers = {"Idempotency-Key": "once"}

    async def sent(content: bytes, name: str = "x.csv", **fields: str) -> Any:
        return await owner.post(
            "/datasets/upload", files={"file": (name, content, "text/csv")}, data=fields, headers=headers
        )

    first = await sent(table("A,B,07700 900001,"))
    again = await sent(table("A,B,07700 900001,"))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    for other in (
        await sent(table("A,B,07700 900002,")),
        await sent(table("A,B,07700 900001,"), name="y.csv"),
        await sent(table("A,B,07700 900001,"), dataset_id=await new_dataset(owner)),
    ):
        assert (other.status_code, other.json()["error"]["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    folder = config.data_dir / "files" / str(owner.organization_id)
    assert len(list(folder.iterdir())) == 1, "what was sent in vain is not kept"


async def test_a_form_must_hold_one_file(owner: Client) -> None:
    file = ("x.csv", table("A,B,07700 900001,"), "text/csv")
    as_json = await owner.post("/datasets/upload", json={"file": "x"})
    assert (as_json.status_code, as_json.json()["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    for files, data in (
        ([("other", file)], {}),
        ([("file", file), ("file", file)], {}),
        ([("file", file)], {"dataset_id": "x"}),
        ([("file", file)], {"shoe_size": "42"}),
    ):
        answer = await owner.post("/datasets/upload", files=files, data=data)
        assert answer.status_code == 400, answer.text
    cut = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\nFirst,Mobile\r\nA,0'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert (await owner.post("/datasets/upload", content=cut, headers=headers)).status_code == 400
    missing = await owner.post("/datasets/upload", files={"file": file}, data={"dataset_id": str(new_id())})
    assert missing.status_code == 404


async def test_a_file_past_the_limit_is_cut_off_mid_stream(owner: Client, config: Config) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\nFirst,Mobile\r\n'
        while True:
            sent += 1_000_000
            yield b"Ann,07700 900001\n" * 58_824

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await owner.post("/datasets/upload", content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    announced = {**headers, "Content-Length": str(config.upload_max + 1_000_000)}
    early = await owner.post("/datasets/upload", content=b"--b--", headers=announced)
    assert early.status_code == 413
    assert sent < config.upload_max * 2
    folder = config.data_dir / "files" / str(owner.organization_id)
    assert not folder.exists() or list(folder.iterdir()) == []
