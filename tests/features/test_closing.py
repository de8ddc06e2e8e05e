"""Steps of `features/platform/closing.feature`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dishka import AsyncContainer
from httpx import Response
from pytest_bdd import given, parsers, scenarios, then, when

from application.identity.organization_erasure import OrganizationErasure
from domain.identity.role import Role
from domain.kernel import Conflict
from entrypoints.config import Config
from tests.features.conftest import Run
from tests.http.conftest import PASSWORD, Client, Join, OpenClient
from tests.http.lists import MAPPING, WorkOff, imported, new_dataset, table
from tests.http.sales_world import World, enter
from tests.http.test_organization_erasure import NAME, erase, erasing, files_of, rows_of

pytestmark = pytest.mark.usefixtures("anyio_backend")
pytest_plugins = ["tests.http.background"]
scenarios("platform/closing.feature")
PEOPLE = table(*(f"P{n},Q{n},07700 90040{n},p{n}@example.com" for n in range(3)))


@dataclass
class Story:
    """Hold what a scenario's steps share."""

    olga: Client
    rita: Client
    dora: Client
    program: Client
    anybody: Client
    world: World
    config: Config
    work_off: WorkOff
    run: Run[Any]
    answer: Response | None = None
    refusal: Conflict | None = None

    def rows(self) -> dict[str, int]:
        """Count Bright Windows' rows, table by table, past the organisation's own borders."""
        counted: dict[str, int] = self.run(rows_of(self.config.owner_database_url, self.olga.organization_id))
        return counted

    def files(self) -> list[Path]:
        """List Bright Windows' files."""
        return files_of(self.config, self.olga.organization_id)

    def due(self) -> None:
        """Let the scheduler's call for erasure come."""

        async def called() -> None:
            async with erasing(self.world.house, self.olga.organization_id) as scope:
                await (await scope.get(OrganizationErasure)).when_due()

        self.run(called())

    def planned(self) -> int:
        """Count the touches that are still to come."""
        [row] = self.run(
            self.world.fetch("SELECT count(*) AS n FROM enrolments WHERE organization_id = $1 AND NOT held")
        )
        return int(row["n"])


@given("Olga owns Bright Windows, where Rita sells and a list of three people is being texted", target_fixture="story")
def _bright(
    owner: Client, stranger: Client, join: Join, open_client: OpenClient, house: AsyncContainer, config: Config,
    work_off: WorkOff, run: Run[Any],
) -> Story:  # fmt: skip
    async def opened() -> Story:
        dataset_id = await new_dataset(owner)
        await imported(owner, work_off, PEOPLE, MAPPING, dataset_id)
        started = await owner.post("/campaigns/start", json={"dataset_id": dataset_id})
        assert started.status_code in (200, 201), started.text
        rita, program, anybody = await join(owner, Role.REP), await open_client(), await open_client()
        made = await owner.post("/api-keys", json={"name": "Website", "permissions": ["leads:read"]})
        program.headers["Authorization"] = f"Bearer {made.json()['data']['key']}"
        assert (await program.get("/leads")).status_code == 200
        world = World(house, owner.organization_id)
        return Story(owner, rita, stranger, program, anybody, world, config, work_off, run)

    story: Story = run(opened())
    assert story.planned() == 3
    assert len(story.files()) == 1
    return story


@given("Dora owns Dark Doors with a lead of her own")
def _dark(story: Story) -> None:
    story.run(enter(story.dora))


@when("Olga closes Bright Windows")
def _close(story: Story) -> None:
    async def closed() -> None:
        answer = await story.olga.delete(f"/organizations/{story.olga.organization_id}")
        assert answer.status_code == 204, answer.text
        await story.work_off()

    story.run(closed())


@when(parsers.parse("{days:d} days pass"))
def _pass(story: Story, days: int) -> None:
    # The clock of the tests is everybody's: the closing is moved back instead.
    story.run(
        story.world.fetch(
            "UPDATE organizations SET deleted_at = deleted_at - make_interval(days => $2) WHERE id = $1", days
        )
    )
    story.due()


@when("somebody tries to erase Bright Windows")
def _try(story: Story) -> None:
    with pytest.raises(Conflict) as caught:
        story.run(erase(story.world.house, story.olga.organization_id, NAME))
    story.refusal = caught.value
    story.due()


@when("Rita tries to close Bright Windows")
def _rita_tries(story: Story) -> None:
    story.answer = story.run(story.rita.delete(f"/organizations/{story.olga.organization_id}"))


@then("no text to the three people is planned any more")
def _nothing_planned(story: Story) -> None:
    assert story.planned() == 0
    assert "enrolments" not in story.rows()


@then("neither Olga nor Rita gets in")
def _shut(story: Story) -> None:
    for person in (story.olga, story.rita):
        assert story.run(person.get("/leads")).status_code == 401
        body = {"email": person.email, "password": PASSWORD, "organization_id": str(story.olga.organization_id)}
        assert story.run(story.anybody.post("/auth", json=body)).status_code in (401, 403, 404)


@then("the website's key opens nothing")
def _no_key(story: Story) -> None:
    assert story.run(story.program.get("/leads")).status_code == 401


@then("the three leads are still kept")
def _kept(story: Story) -> None:
    assert story.rows()["leads"] == 3
    assert len(story.files()) == 1


@then("no row and no file of Bright Windows is left")
def _nothing_left(story: Story) -> None:
    assert story.rows() == {}
    assert story.files() == []


@then("Olga's account is gone, but Rita's stays, as she works elsewhere too")
def _accounts(story: Story) -> None:
    for person, status in ((story.olga, 401), (story.rita, 200)):
        body = {"email": person.email, "password": PASSWORD}
        assert story.run(story.anybody.post("/auth", json=body)).status_code == status


@then("Dora still has her lead")
def _others(story: Story) -> None:
    listed = story.run(story.dora.get("/leads")).json()
    assert [lead["contact"]["first_name"] for lead in listed["data"]] == ["Jane"]


@then("they are told that it is open")
def _open(story: Story) -> None:
    assert story.refusal is not None
    assert "is open" in story.refusal.message


@then("she is refused")
def _refused(story: Story) -> None:
    assert story.answer is not None
    assert (story.answer.status_code, story.answer.json()["error"]["code"]) == (403, "PERMISSION_DENIED")


@then("the three people are still to be texted")
def _still(story: Story) -> None:
    assert story.planned() == 3
