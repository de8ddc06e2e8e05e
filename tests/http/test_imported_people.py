"""What becomes of each row of an import: whose lead it is, and what failed comes back to be mended."""

import csv
import io

import pytest

from adapters.persistence.database import Database
from domain.kernel import new_id
from tests.http.conftest import Client
from tests.http.lists import MAPPING, WorkOff, imported, new_dataset, rows_of, table

pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.background"]


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
