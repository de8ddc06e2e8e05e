"""Imports over HTTP, worked off by the worker's own code."""

import asyncio
import csv
import io
from collections import Counter
from typing import Any

import pytest

from adapters.persistence.database import Database
from domain.identity.role import Role
from domain.kernel import new_id
from tests.http.conftest import Client, Join
from tests.http.lists import (
    MAPPING,
    OLD_ENQUIRIES,
    OTHERS,
    WorkOff,
    begin,
    imported,
    job,
    new_dataset,
    suggested,
    table,
    upload,
)

pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.background"]


async def rows_of(database: Database, client: Client, statement: str, *parameters: Any) -> list[Any]:
    """Look into the client's own rows."""
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(client.organization_id))
        return list(await connection.fetch(statement, client.organization_id, *parameters))


async def test_the_six_hundred_come_to_what_their_readme_says(
    owner: Client, work_off: WorkOff, database: Database
) -> None:
    done = await imported(owner, work_off, OLD_ENQUIRIES.read_bytes())

    assert done["status"] == "done"
    assert done["progress"] == {"done": 600, "total": 600}
    result = done["result"]
    assert result["imported"] == {"total_rows": 600, "successful": 525, "failed": 35, "duplicates": 40}
    assert result["ineligible"] == 25
    reasons = Counter(error["reason"] == "No number given." for error in result["errors"])
    assert reasons == {True: 15, False: 20}
    leads = await rows_of(
        database,
        owner,
        "SELECT l.phone, l.contact_status, c.sms_eligible, c.phone_type FROM leads l JOIN contacts c"
        " ON c.organization_id = $1 AND c.id = l.contact_id WHERE l.organization_id = $1",
    )
    assert len({row["phone"] for row in leads}) == len(leads) == 525
    assert Counter((row["contact_status"], row["sms_eligible"]) for row in leads) == {
        ("READY", True): 500,
        ("UNREACHABLE", False): 25,
    }
    outcomes = await rows_of(
        database, owner, "SELECT row, outcome, reason FROM import_rows WHERE organization_id = $1 ORDER BY row"
    )
    assert Counter(row["outcome"] for row in outcomes) == {"created": 525, "duplicate": 40, "failed": 35}
    assert all(row["reason"] for row in outcomes if row["outcome"] != "created")
    events = await rows_of(
        database,
        owner,
        "SELECT type FROM events WHERE organization_id = $1 AND type IN ('leads.imported', 'lead.created')",
    )
    assert [row["type"] for row in events] == ["leads.imported"], "one event a batch, none a row"


async def test_the_same_file_again_is_nothing_but_duplicates(owner: Client, work_off: WorkOff) -> None:
    dataset_id = await new_dataset(owner)
    await imported(owner, work_off, OLD_ENQUIRIES.read_bytes(), dataset_id=dataset_id)
    again = await imported(owner, work_off, OLD_ENQUIRIES.read_bytes(), dataset_id=dataset_id)

    assert again["result"]["imported"] == {"total_rows": 600, "successful": 0, "failed": 35, "duplicates": 565}
    shown = (await owner.get(f"/datasets/{dataset_id}")).json()["data"]
    assert (shown["total_leads"], shown["active_leads"]) == (525, 500)


async def test_another_dataset_gets_leads_of_its_own_for_the_same_contacts(
    owner: Client, work_off: WorkOff, database: Database
) -> None:
    for _ in range(2):
        await imported(owner, work_off, OLD_ENQUIRIES.read_bytes())

    [counts] = await rows_of(
        database,
        owner,
        "SELECT (SELECT count(*) FROM leads WHERE organization_id = $1) AS leads,"
        " (SELECT count(*) FROM contacts WHERE organization_id = $1) AS contacts",
    )
    assert counts["leads"] == 1050
    assert counts["contacts"] == 525


@pytest.mark.parametrize(
    ("name", "successful", "ineligible", "duplicates", "failed"),
    [
        ("uk-500.csv", 477, 477, 0, 23),
        ("leads-duplicates-1000.csv", 358, 119, 235, 407),
        ("customers-1000.csv", 590, 219, 0, 410),
    ],
)
async def test_foreign_lists_import_sensibly(
    owner: Client, work_off: WorkOff, name: str, successful: int, ineligible: int, duplicates: int, failed: int
) -> None:
    done = await imported(owner, work_off, (OTHERS / name).read_bytes())

    total = successful + duplicates + failed
    assert done["result"]["imported"] == {
        "total_rows": total,
        "successful": successful,
        "failed": failed,
        "duplicates": duplicates,
    }
    assert done["result"]["ineligible"] == ineligible
    assert len(done["result"]["errors"]) == min(failed, 100)


async def test_the_first_of_a_number_wins_and_each_row_says_what_became_of_it(
    owner: Client, work_off: WorkOff, database: Database
) -> None:
    content = table(
        "Ann,Ash,07700 900001,ann@example.com",
        "Bob,Birch,07700900001,",
        "",
        '"Cy\nof two lines",Cedar,12345,',
        "Dee,Dogwood,,dee@example.com",
        "Eve,Elm,07700 900002,not an address",
    )
    done = await imported(owner, work_off, content, MAPPING)

    assert done["result"]["errors"] == [
        {"row": 5, "reason": "Too short to be dialled."},
        {"row": 7, "reason": "No number given."},
    ]
    outcomes = await rows_of(
        database, owner, "SELECT row, outcome, reason FROM import_rows WHERE organization_id = $1 ORDER BY row"
    )
    assert [tuple(row) for row in outcomes] == [
        (2, "created", None),
        (3, "duplicate", "The same number as in row 2."),
        (5, "failed", "Too short to be dialled."),
        (7, "failed", "No number given."),
        (8, "created", "The e-mail address cannot be read."),
    ]


async def test_a_contact_is_found_by_mail_else_by_number_and_surname(
    owner: Client, work_off: WorkOff, database: Database
) -> None:
    await imported(
        owner,
        work_off,
        table("Ann,Ash,07700 900001,ann@example.com", "Bob,Birch,07700 900002,bob@example.com"),
        MAPPING,
    )
    content = table(
        "Anne,Married,07700 900003,ANN@example.com",
        "Robert,BIRCH,07700 900002,",
        "Other,Person,07700 900001,",
    )
    await imported(owner, work_off, content, MAPPING)
    both = table("Ann,Birch,07700 900002,ann@example.com")
    mixed = await imported(owner, work_off, both, MAPPING)

    contacts = await rows_of(
        database,
        owner,
        "SELECT c.first_name, count(*) AS leads FROM contacts c JOIN leads l ON l.organization_id = $1"
        " AND l.contact_id = c.id WHERE c.organization_id = $1 GROUP BY c.id, c.first_name ORDER BY c.first_name",
    )
    assert [tuple(row) for row in contacts] == [("Ann", 3), ("Bob", 2), ("Other", 1)]
    [reported] = await rows_of(
        database,
        owner,
        "SELECT reason FROM import_rows WHERE organization_id = $1 AND import_id = $2",
        mixed["result"]["import_id"],
    )
    assert reported["reason"] == "E-mail and phone belong to two contacts; the lead went to the one with the e-mail."


async def test_a_contact_without_a_number_gets_the_one_that_came(
    owner: Client, work_off: WorkOff, database: Database
) -> None:
    made = await owner.post("/contacts", json={"first_name": "Ann", "email": "ann@example.com"})
    assert made.status_code == 201, made.text
    await imported(owner, work_off, table("Ann,Ash,07700 900001,ann@example.com"), MAPPING)

    [contact] = await rows_of(
        database, owner, "SELECT phone, sms_eligible, zones, version FROM contacts WHERE organization_id = $1"
    )
    assert tuple(contact) == ("+447700900001", True, ["Europe/London"], 2)


async def test_several_columns_are_tried_in_their_order(owner: Client, work_off: WorkOff, database: Database) -> None:
    content = table(
        "Ann,02079460001,07700 900001,x,ann@example.com",
        "Bob,02079460002,12345,bob@example.com,",
        header="First,Home,Mobile,Mail 1,Mail 2",
    )
    mapping = {"first_name": "First", "phone_number": ["Mobile", "Home"], "email": ["Mail 1", "Mail 2"]}
    done = await imported(owner, work_off, content, mapping)

    assert done["result"]["ineligible"] == 1
    contacts = await rows_of(
        database, owner, "SELECT phone, email FROM contacts WHERE organization_id = $1 ORDER BY first_name"
    )
    assert [tuple(row) for row in contacts] == [
        ("+447700900001", "ann@example.com"),
        ("+442079460002", "bob@example.com"),
    ]


async def test_who_opted_out_stays_opted_out(owner: Client, work_off: WorkOff, database: Database) -> None:
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(owner.organization_id))
        await connection.execute(
            "INSERT INTO suppressions (organization_id, address, since, how, consent_id)"
            " VALUES ($1, '+447700900001', now(), 'STOP', $2)",
            owner.organization_id,
            new_id(),
        )
    await imported(owner, work_off, table("Ann,Ash,07700 900001,", "Bob,Birch,07700 900002,"), MAPPING)

    leads = await rows_of(
        database, owner, "SELECT phone, contact_status FROM leads WHERE organization_id = $1 ORDER BY phone"
    )
    assert [tuple(row) for row in leads] == [("+447700900001", "OPTED_OUT"), ("+447700900002", "READY")]


async def test_failed_rows_download_and_import_after_mending(owner: Client, work_off: WorkOff) -> None:
    dataset_id = await new_dataset(owner)
    content = table("=Ann,Ash,+44 12345,ann@example.com", "Bob,Birch,07700 900002,", "Cy,Cedar,,-cy@example.com")
    done = await imported(owner, work_off, content, MAPPING, dataset_id)
    answer = await owner.get(done["result"]["failed_rows_url"].removeprefix("/api/v1"))

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    header, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert header == ["First", "Last", "Mobile", "Mail", "reason"]
    assert rows == [
        ["'=Ann", "Ash", "'+44 12345", "ann@example.com", "Not a valid number in GB."]
        if rows[0][-1].startswith("Not")
        else ["'=Ann", "Ash", "'+44 12345", "ann@example.com", "Too short to be dialled."],
        ["Cy", "Cedar", "", "'-cy@example.com", "No number given."],
    ]
    mended = answer.content.replace(b"'+44 12345", b"'+44 7700 900003")
    again = await imported(owner, work_off, mended, MAPPING, dataset_id)
    assert again["result"]["imported"] == {"total_rows": 2, "successful": 1, "failed": 1, "duplicates": 0}
    third = await owner.get(again["result"]["failed_rows_url"].removeprefix("/api/v1"))
    header, *rows = csv.reader(io.StringIO(third.content.decode("utf-8-sig")))
    assert header == ["First", "Last", "Mobile", "Mail", "reason"]
    assert rows == [["Cy", "Cedar", "", "'-cy@example.com", "No number given."]]
    names = [
        item["contact"]["first_name"] for item in (await owner.get(f"/leads?dataset_id={dataset_id}")).json()["data"]
    ]
    assert sorted(names) == ["=Ann", "Bob"]


async def test_failed_rows_come_whole_and_in_order_however_large_they_are(owner: Client, work_off: WorkOff) -> None:
    names = [f"N{n}" if n % 300 else f"N{n}" + "x" * 900_000 for n in range(1_500)]
    done = await imported(owner, work_off, table(*(f"{name},Ash,none," for name in names)), MAPPING)
    assert (done["result"]["imported"]["failed"], len(done["result"]["errors"])) == (1_500, 100)
    answer = await owner.get(done["result"]["failed_rows_url"].removeprefix("/api/v1"))
    _, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert [row[0] for row in rows] == names

    listed = await owner.get(f"/imports/{done['result']['import_id']}/rows", params={"limit": 3})
    shown = [row["cells"][0] for row in listed.json()["data"]]
    assert shown[1:] == ["N1", "N2"]
    assert shown[0] == names[0][:2500] + "…", "its beginning, since the row is longer than 10,000"


async def test_a_row_with_too_many_cells_or_a_nul_fails_alone(owner: Client, work_off: WorkOff) -> None:
    content = table("Ann,Ash,07700 900001,,surplus", "B\0b,Birch,07700 900002,", "Cy,Cedar,07700 900003,")
    done = await imported(owner, work_off, content, MAPPING)

    assert done["result"]["imported"]["successful"] == 1
    assert [error["row"] for error in done["result"]["errors"]] == [2, 3]
    answer = await owner.get(done["result"]["failed_rows_url"].removeprefix("/api/v1"))
    assert answer.text.splitlines()[1].startswith('Ann,Ash,07700 900001,,surplus,"The row has 5 cells')


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"phone_number": "Nobody"}, "column_mapping.phone_number"),
        ({"phone_number": ["Mobile", "Nobody"]}, "column_mapping.phone_number"),
        ({"email": "Nobody"}, "column_mapping.email"),
        ({"first_name": None}, "column_mapping.first_name"),
        ({"phone_number": ["Mobile", "Mobile"]}, "column_mapping.phone_number"),
        ({"phone_number": None}, "column_mapping.phone_number"),
        ({"shoe_size": "Mail"}, "column_mapping.shoe_size"),
    ],
)
async def test_a_mapping_that_cannot_be_is_refused_by_its_column(
    owner: Client, change: dict[str, Any], field: str
) -> None:
    found = await upload(owner, table("Ann,Ash,07700 900001,"))
    mapping = {name: value for name, value in (MAPPING | change).items() if value is not None}
    body = {"upload_id": found["id"], "dataset_id": await new_dataset(owner), "column_mapping": mapping}
    answer = await owner.post("/datasets/map-and-import", json=body)

    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["details"][0]["field"].startswith(field.rsplit(".", 1)[0])


async def test_another_organisation_finds_nothing_of_it(owner: Client, stranger: Client, work_off: WorkOff) -> None:
    found = await upload(owner, table("Ann,Ash,12345,"))
    dataset_id = await new_dataset(owner)
    job_id = await begin(owner, dataset_id, found["id"], MAPPING)
    await work_off()
    done = await job(owner, job_id)
    theirs = await new_dataset(stranger)
    for body in (
        {"upload_id": found["id"], "dataset_id": theirs, "column_mapping": MAPPING},
        {"upload_id": (await upload(stranger, table("A,B,07700 900001,")))["id"], "dataset_id": dataset_id,
         "column_mapping": MAPPING},
    ):  # fmt: skip
        assert (await stranger.post("/datasets/map-and-import", json=body)).status_code == 404
    for path in (
        f"/jobs/{job_id}",
        f"/uploads/{found['id']}",
        f"/uploads/{found['id']}/file",
        done["result"]["failed_rows_url"].removeprefix("/api/v1"),
    ):
        answer = await stranger.get(path)
        assert answer.status_code == 404, path
        assert b"Ann" not in answer.content


async def test_who_may_not_import_is_refused(owner: Client, join: Join) -> None:
    found = await upload(owner, table("Ann,Ash,07700 900001,"))
    body = {"upload_id": found["id"], "dataset_id": await new_dataset(owner), "column_mapping": MAPPING}
    for role in (Role.REP, Role.READ_ONLY):
        member = await join(owner, role)
        assert (await member.post("/datasets/map-and-import", json=body)).status_code == 403
        assert (await member.get(f"/uploads/{found['id']}/file")).status_code == 403


async def test_a_running_campaign_takes_new_leads_in(owner: Client, work_off: WorkOff, database: Database) -> None:
    dataset_id = await new_dataset(owner)
    await imported(owner, work_off, table("Ann,Ash,07700 900001,"), MAPPING, dataset_id)
    assert (await owner.post("/campaigns/start", json={"dataset_id": dataset_id})).status_code == 200
    await imported(owner, work_off, table("Bob,Birch,07700 900002,", "Cy,Cedar,020 7946 0001,"), MAPPING, dataset_id)

    enrolled = await rows_of(
        database,
        owner,
        "SELECT l.phone, e.touch FROM enrolments e JOIN leads l ON l.organization_id = $1 AND l.id = e.lead_id"
        " WHERE e.organization_id = $1 ORDER BY l.phone",
    )
    assert [tuple(row) for row in enrolled] == [("+447700900001", "M1"), ("+447700900002", "M1")]


async def test_campaign_settings_come_along(owner: Client) -> None:
    dataset_id = await new_dataset(owner)
    found = await upload(owner, table("Ann,Ash,07700 900001,"))
    await begin(owner, dataset_id, found["id"], MAPPING, campaign_settings={"m2_delay_hours": 24})

    campaign = (await owner.get(f"/campaigns/{dataset_id}")).json()["data"]
    assert [touch["delay_hours"] for touch in campaign["touches"]] == [0, 24, 96]


async def test_a_repeated_request_starts_one_import(owner: Client, work_off: WorkOff) -> None:
    found = await upload(owner, table("Ann,Ash,07700 900001,"))
    body = {"upload_id": found["id"], "dataset_id": await new_dataset(owner), "column_mapping": MAPPING}
    headers = {"Idempotency-Key": "once", "Prefer": "wait=1"}
    first = await owner.post("/datasets/map-and-import", json=body, headers=headers)
    second = await owner.post("/datasets/map-and-import", json=body, headers=headers)

    assert first.status_code == second.status_code == 202
    assert first.json() == second.json()
    await work_off()
    assert len((await owner.get("/jobs")).json()["data"]) == 1


async def test_prefer_wait_answers_with_the_ended_job(owner: Client, work_off: WorkOff) -> None:
    found = await upload(owner, table("Ann,Ash,07700 900001,"))
    body = {"upload_id": found["id"], "dataset_id": await new_dataset(owner), "column_mapping": MAPPING}

    async def work_soon() -> None:
        await asyncio.sleep(0.3)
        await work_off()

    working = asyncio.create_task(work_soon())
    answer = await owner.post("/datasets/map-and-import", json=body, headers={"Prefer": "wait=20"})
    await working
    assert answer.status_code == 200, answer.text
    assert answer.headers["preference-applied"] == "wait=20"
    assert answer.json()["data"]["job"]["result"]["imported"]["successful"] == 1


async def test_an_import_into_a_deleted_dataset_fails_in_a_sentence(owner: Client, work_off: WorkOff) -> None:
    dataset_id = await new_dataset(owner)
    found = await upload(owner, table("Ann,Ash,07700 900001,"))
    job_id = await begin(owner, dataset_id, found["id"], MAPPING)
    assert (await owner.delete(f"/datasets/{dataset_id}")).status_code == 204
    await work_off()

    done = await job(owner, job_id)
    assert (done["status"], done["error"]) == ("failed", "The dataset is no longer there.")


async def test_suggestions_of_the_six_hundred_are_right(owner: Client) -> None:
    found = await upload(owner, OLD_ENQUIRIES.read_bytes(), "old.csv")

    assert (found["rows_detected"], found["encoding"], found["delimiter"]) == (600, "utf-8-sig", ",")
    assert suggested(found) == {
        "first_name": "Forename",
        "last_name": "Surname",
        "phone_number": ["Mobile No."],
        "email": ["E-mail"],
        "postcode": "Post Code",
        "inquiry_date": "Enquiry Date",
        "product": "Product",
        "notes": "Comments",
    }
    assert len(found["columns"][0]["sample_values"]) == 3
