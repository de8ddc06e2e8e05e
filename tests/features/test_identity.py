"""Steps of `features/identity/team.feature`."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from httpx import Response
from pytest_bdd import given, parsers, scenarios, then, when

from adapters.persistence.database import Database
from domain.identity.invitation import hash_of_token
from tests.features.conftest import Run
from tests.http.conftest import PASSWORD, Client
from tests.http.sales_world import enter
from tests.http.team import accept, address, token_of

pytestmark = pytest.mark.usefixtures("anyio_backend")
scenarios("identity/team.feature")


@dataclass
class Story:
    """Hold what a scenario's steps share."""

    olga: Client
    rita: Client
    database: Database
    run: Run[Any]
    email: str = field(default_factory=address)
    user_id: str = ""
    link: str = ""
    answer: Response | None = None
    lead: dict[str, Any] = field(default_factory=dict)

    def ask(self, who: Client, method: str, path: str, body: Any = None) -> Response:
        """Call an operation, and remember what it answered."""
        answer: Response = self.run(who.request(method, path, json=body))
        self.answer = answer
        return answer

    def refusal(self, status: int) -> str:
        """Check that the last answer was a refusal; gives its sentence."""
        assert self.answer is not None
        assert self.answer.status_code == status, self.answer.text
        said: str = self.answer.json()["error"]["message"]
        return said

    def mail(self) -> tuple[str, str] | None:
        """Tell to whom the last invitation's mail goes, and how it stands."""

        async def read() -> Any:
            async with self.database.connection() as connection, connection.transaction():
                organization = str(self.olga.organization_id)
                await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", organization)
                return await connection.fetchrow(
                    "SELECT to_address, state FROM mails WHERE organization_id = $1 ORDER BY id DESC LIMIT 1",
                    UUID(organization),
                )

        row = self.run(read())
        return None if row is None else (row["to_address"], row["state"])


@pytest.fixture
def story(owner: Client, client: Client, database: Database, run: Run[Any]) -> Story:
    """Begin."""
    return Story(owner, client, database, run)


@given("Olga owns Bright Windows")
def olga_owns(story: Story) -> None:
    assert story.ask(story.olga, "GET", "/users/me").json()["data"]["role"] == "owner"


@when(parsers.re(r'Olga invites Rita as an? "(?P<role>\w+)"'))
def invites(story: Story, role: str) -> None:
    body = {"email": story.email, "first_name": "Rita", "role": role}
    answer = story.ask(story.olga, "POST", "/users", body)
    assert answer.status_code == 201, answer.text
    story.link, story.user_id = answer.json()["data"]["link"], answer.json()["data"]["user"]["id"]


@when("Rita accepts")
def rita_accepts(story: Story) -> None:
    story.answer = story.run(accept(story.rita, story.link))
    if story.answer.status_code == 200:
        story.rita.cookies.clear()
        story.rita.sign_in(story.answer.json()["data"])


@given("Rita has accepted Olga's invitation")
def has_accepted(story: Story) -> None:
    invites(story, "rep")
    rita_accepts(story)
    assert story.answer is not None
    assert story.answer.status_code == 200


@when("somebody else opens Rita's link")
def somebody_else(story: Story) -> None:
    story.answer = story.run(accept(story.olga, story.link, "a wholly other password"))


@when("a day passes before Rita opens the link")
def a_day_passes(story: Story) -> None:
    async def age() -> None:
        async with story.database.connection() as connection:
            await connection.execute(
                "UPDATE invitations SET created_at = created_at - interval '24 hours',"
                " expires_at = expires_at - interval '24 hours' WHERE token_hash = $1",
                hash_of_token(token_of(story.link)),
            )

    story.run(age())


@when("Olga sends the invitation anew")
def sends_anew(story: Story) -> None:
    answer = story.ask(story.olga, "POST", f"/users/{story.user_id}/invitation")
    story.link = answer.json()["data"]["link"]


@when("Olga takes the invitation back")
@when("Olga suspends Rita")
def lets_go(story: Story) -> None:
    assert story.ask(story.olga, "DELETE", f"/users/{story.user_id}").status_code == 204


@given("Jane Smith's enquiry is Rita's")
def janes_enquiry(story: Story) -> None:
    story.lead = story.run(enter(story.olga))
    given_to = story.ask(story.olga, "PATCH", f"/leads/{story.lead['id']}", {"assigned_to": story.user_id})
    assert given_to.status_code == 200


@when(parsers.re(r'Olga makes Rita an? "(?P<role>\w+)"'))
def olga_makes_rita(story: Story, role: str) -> None:
    assert story.ask(story.olga, "PATCH", f"/users/{story.user_id}", {"role": role}).status_code == 200


@when(parsers.re(r'Rita makes Olga an? "(?P<role>\w+)"'))
def rita_makes_olga(story: Story, role: str) -> None:
    assert story.ask(story.rita, "PATCH", f"/users/{story.olga.user_id}", {"role": role}).status_code == 200


@when(parsers.re(r'Olga tries to make herself an? "(?P<role>\w+)"'))
def olga_herself(story: Story, role: str) -> None:
    story.ask(story.olga, "PATCH", f"/users/{story.olga.user_id}", {"role": role})


@when("Rita tries to leave")
def rita_leaves(story: Story) -> None:
    story.ask(story.rita, "DELETE", f"/users/{story.user_id}")


@when(parsers.re(r'Rita tries to invite Ben as an? "(?P<role>\w+)"'))
def rita_invites(story: Story, role: str) -> None:
    story.ask(story.rita, "POST", "/users", {"email": address(), "first_name": "Ben", "role": role})


@then(parsers.parse('Rita is "{status}"'))
def rita_is(story: Story, status: str) -> None:
    assert story.ask(story.olga, "GET", f"/users/{story.user_id}").json()["data"]["status"] == status


@then("Rita gets a mail with a link")
def gets_mail(story: Story) -> None:
    assert story.mail() == (story.email, "planned")


@then("Rita gets no mail")
def gets_no_mail(story: Story) -> None:
    assert story.mail() == (story.email, "cancelled")


@then("Rita can sign in")
def can_sign_in(story: Story) -> None:
    assert story.ask(story.rita, "POST", "/auth", {"email": story.email, "password": PASSWORD}).status_code == 200


@then("Rita cannot sign in")
def cannot_sign_in(story: Story) -> None:
    story.ask(story.rita, "POST", "/auth", {"email": story.email, "password": PASSWORD})
    assert story.refusal(403) == "You belong to no organisation any more."


@then("Rita is out at once")
def is_out(story: Story) -> None:
    story.ask(story.rita, "GET", "/users/me")
    assert story.refusal(401) == "Your sign-in has ended. Sign in again."


@then("they are told that it is no good")
def no_good(story: Story) -> None:
    assert story.refusal(404) == "This invitation is not good, or no longer. Ask for a new one."


@then("Jane Smith's enquiry is still there, and can be given to somebody else")
def still_there(story: Story) -> None:
    path = f"/leads/{story.lead['id']}"
    assert story.ask(story.olga, "GET", path).json()["data"]["assigned_to"] == story.user_id
    moved = story.ask(story.olga, "PATCH", path, {"assigned_to": str(story.olga.user_id)})
    assert moved.json()["data"]["assigned_to"] == str(story.olga.user_id)


@then("Rita is the only owner")
def only_owner(story: Story) -> None:
    owners = story.ask(story.rita, "GET", "/users?role=owner").json()["data"]
    assert [person["id"] for person in owners] == [story.user_id]


@then("she is told to ask somebody else")
def ask_somebody_else(story: Story) -> None:
    assert story.refusal(403).endswith("Ask somebody else who may.")


@then("she is told that this is beyond her own role")
def beyond(story: Story) -> None:
    assert story.refusal(403) == "You cannot give a role or permissions beyond your own."
