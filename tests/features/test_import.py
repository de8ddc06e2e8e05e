"""Steps of `features/outreach/import.feature`."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from adapters.persistence.database import Database
from domain.kernel import new_id
from tests.features.conftest import Run
from tests.http.conftest import Client
from tests.http.lists import DATA, WorkOff, imported, new_dataset, suggested, table, upload

pytestmark = pytest.mark.usefixtures("anyio_backend")
pytest_plugins = ["tests.http.background"]
scenarios("outreach/import.feature")


@dataclass
class Story:
    """Hold what a scenario's steps share."""

    owner: Client
    run: Run[Any]
    work_off: WorkOff
    dataset_id: str
    job: dict[str, Any]
    refusal: str = ""
    preview: dict[str, Any] = field(default_factory=dict)

    def take(self, content: bytes) -> None:
        """Import a file by the mapping that is suggested for it."""
        self.job = self.run(imported(self.owner, self.work_off, content, dataset_id=self.dataset_id))
        assert self.job["status"] == "done", self.job


def written(rows: list[list[str]]) -> bytes:
    """Write a step's table as a CSV."""
    header, *below = rows
    return table(*(",".join(cells) for cells in below), header=",".join(header))


@given("an organisation in Britain with a dataset", target_fixture="story")
def _organisation(owner: Client, run: Run[Any], work_off: WorkOff) -> Story:
    return Story(owner, run, work_off, run(new_dataset(owner)), {})


@given(parsers.parse('the file "{name}" was imported'))
@when(parsers.parse('the file "{name}" is imported'))
def _import_file(story: Story, name: str) -> None:
    story.take((DATA / name).read_bytes())


@given("this list was imported")
@when("this list is imported")
def _import_list(story: Story, datatable: list[list[str]]) -> None:
    story.take(written(datatable))


@given(parsers.parse('"{number}" has opted out'))
def _opted_out(story: Story, database: Database, number: str) -> None:
    async def suppress() -> None:
        async with database.connection() as connection, connection.transaction():
            organization_id = story.owner.organization_id
            await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(organization_id))
            await connection.execute(
                "INSERT INTO suppressions (organization_id, address, since, how, consent_id)"
                " VALUES ($1, $2, now(), 'STOP', $3)",
                organization_id,
                number,
                new_id(),
            )

    story.run(suppress())


@when(parsers.parse('the failed rows are downloaded, "{wrong}" is mended to "{right}", and they are imported'))
def _mend(story: Story, wrong: str, right: str) -> None:
    url = story.job["result"]["failed_rows_url"].removeprefix("/api/v1")
    content = story.run(story.owner.get(url)).content
    assert wrong.encode() in content
    story.take(content.replace(wrong.encode(), right.encode()))


@when(parsers.parse('this list is imported with the phone number from "{column}"'))
def _import_wrongly(story: Story, datatable: list[list[str]], column: str) -> None:
    found = story.run(upload(story.owner, written(datatable)))
    mapping = suggested(found) | {"phone_number": column}
    body = {"upload_id": found["id"], "dataset_id": story.dataset_id, "column_mapping": mapping}
    answer = story.run(story.owner.post("/datasets/map-and-import", json=body))
    assert answer.status_code == 400
    story.refusal = answer.json()["error"]["message"]


@given(parsers.parse('somebody wrote a note about "{name}"'))
def _note(story: Story, name: str) -> None:
    leads = story.run(story.owner.get(f"/leads?dataset_id={story.dataset_id}")).json()["data"]
    [lead] = [lead for lead in leads if lead["contact"]["first_name"] == name]
    answer = story.run(story.owner.post(f"/leads/{lead['id']}/notes", json={"body": "Rang."}))
    assert answer.status_code == 201


@when("the undo is previewed")
def _preview(story: Story) -> None:
    import_id = story.job["result"]["import_id"]
    story.preview = story.run(story.owner.get(f"/imports/{import_id}/undo")).json()["data"]


@when("the import is undone")
def _undo(story: Story) -> None:
    import_id = story.job["result"]["import_id"]
    answer = story.run(story.owner.post(f"/imports/{import_id}/undo"))
    assert answer.status_code == 202, answer.text

    async def worked_off() -> None:
        await story.work_off()

    story.run(worked_off())


@then(parsers.parse('{going:d} lead would go and {staying:d} would stay for its "{reason}"'))
def _previewed(story: Story, going: int, staying: int, reason: str) -> None:
    assert story.preview["leads_to_remove"] == going
    assert [(kept["reason"], kept["leads"]) for kept in story.preview["kept"]] == [(reason, staying)]


@then("nobody of the list is left among the contacts")
def _nobody(story: Story) -> None:
    assert story.run(story.owner.get("/contacts")).json()["data"] == []


@then(
    parsers.re(
        r"(?P<created>\d+) rows? (is|are) created, (?P<duplicates>\d+) are duplicates and (?P<failed>\d+) failed"
    )
)
def _counts(story: Story, created: str, duplicates: str, failed: str) -> None:
    total = int(created) + int(duplicates) + int(failed)
    assert story.job["result"]["imported"] == {
        "total_rows": total,
        "successful": int(created),
        "duplicates": int(duplicates),
        "failed": int(failed),
    }


@then(parsers.re(r"(?P<count>\d+) leads? (is|are) (?P<status>[A-Z_]+)"))
def _leads(story: Story, count: str, status: str) -> None:
    answer = story.run(story.owner.get(f"/leads?dataset_id={story.dataset_id}&status={status}"))
    assert answer.json()["pagination"]["total"] == int(count)


@then(parsers.parse('row {row:d} says "{reason}"'))
def _reason(story: Story, database: Database, row: int, reason: str) -> None:
    async def stored() -> Any:
        async with database.connection() as connection, connection.transaction():
            organization_id = story.owner.organization_id
            await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(organization_id))
            return await connection.fetchval(
                "SELECT reason FROM import_rows WHERE organization_id = $1 AND row = $2", organization_id, row
            )

    assert story.run(stored()) == reason


@then(parsers.parse('it is refused with "{message}"'))
def _refused(story: Story, message: str) -> None:
    assert story.refusal == message
