"""Steps of `features/platform/personal_data.feature`."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from httpx import Response
from pytest_bdd import given, parsers, scenarios, then, when

from tests.features.conftest import Run
from tests.http.conftest import Client
from tests.http.lists import MAPPING, WorkOff, begin, job, new_dataset, table, upload

pytestmark = pytest.mark.usefixtures("anyio_backend")
pytest_plugins = ["tests.http.background"]
scenarios("platform/personal_data.feature")


@dataclass
class Story:
    """Hold what a scenario's steps share."""

    owner: Client
    run: Run[Any]
    work_off: WorkOff
    upload_id: str = ""
    lead: dict[str, Any] = field(default_factory=dict)
    answer: Response | None = None

    @property
    def contact(self) -> str:
        """Name Jane's address."""
        return f"/contacts/{self.lead['contact']['id']}"

    def bring(self, content: bytes) -> dict[str, Any]:
        """Import a list into a dataset of its own; gives its only lead."""

        async def imported() -> dict[str, Any]:
            found = await upload(self.owner, content)
            self.upload_id = found["id"]
            dataset_id = await new_dataset(self.owner)
            await begin(self.owner, dataset_id, found["id"], MAPPING)
            await self.work_off()
            [lead] = (await self.owner.get(f"/leads?dataset_id={dataset_id}")).json()["data"]
            made: dict[str, Any] = lead
            return made

        lead: dict[str, Any] = self.run(imported())
        return lead

    def erase(self, confirm: str) -> None:
        """Ask for Jane's erasure, and let it be worked off."""
        answer: Response = self.run(self.owner.post(f"{self.contact}/erase", json={"confirm": confirm}))
        self.answer = answer

        async def worked_off() -> None:
            await self.work_off()

        self.run(worked_off())


@given("Jane Smith was imported from an old list, and a colleague wrote a note about her", target_fixture="story")
def _jane(owner: Client, run: Run[Any], work_off: WorkOff) -> Story:
    story = Story(owner, run, work_off)
    story.lead = story.bring(table("Jane,Smith,07700 900123,jane@example.com"))
    noted = run(owner.post(f"/leads/{story.lead['id']}/notes", json={"body": "Prefers mornings"}))
    assert noted.status_code == 201, noted.text
    return story


@given("Jane was erased")
def _erased(story: Story) -> None:
    story.erase("jane@example.com")
    _nobody(story)


@when("an administrator has Jane's data written out")
def _write_out(story: Story) -> None:
    async def written() -> Response:
        started = (await story.owner.post(f"{story.contact}/export")).json()["data"]["job_id"]
        await story.work_off()
        ended = await job(story.owner, started)
        return await story.owner.get(ended["result"]["url"].removeprefix("/api/v1"))

    story.answer = story.run(written())


@when(parsers.parse('an administrator has Jane erased, naming her by "{name}"'))
def _erase(story: Story, name: str) -> None:
    story.erase(name)


@when("another list with Jane's number is imported")
def _again(story: Story) -> None:
    story.lead = story.bring(table("J.,S.,+44 7700 900123,"))


@then("the file tells her name, her number, the note and the row she came in by")
def _told(story: Story) -> None:
    assert story.answer is not None
    told = story.answer.json()
    assert told["about"]["name"] == "Jane Smith"
    assert told["contacts"][0]["phone"] == "+447700900123"
    assert [note["body"] for note in told["notes"]] == ["Prefers mornings"]
    assert [row["row"] for row in told["import_rows"]] == [2]


@then("the erasure is refused, as it must name her number in full, her address or her name")
def _refused(story: Story) -> None:
    assert story.answer is not None
    assert story.answer.status_code == 400
    assert story.answer.json()["error"]["details"][0]["field"] == "confirm"


@then("nobody finds Jane any more")
def _nobody(story: Story) -> None:
    assert story.run(story.owner.get(story.contact)).status_code == 404
    assert story.run(story.owner.get("/leads")).json()["data"] == []
    assert story.run(story.owner.get("/contacts?search=jane")).json()["data"] == []


@then("the uploaded list is no longer kept")
def _no_list(story: Story) -> None:
    shown = story.run(story.owner.get(f"/uploads/{story.upload_id}"))
    assert shown.status_code == 200, shown.text
    assert "jane" not in shown.text.lower()


@then("that lead has opted out")
def _opted_out(story: Story) -> None:
    assert story.lead["contact_status"] == "OPTED_OUT"
