"""Steps of `features/identity/places.feature` and `programs.feature`."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from httpx import Response
from pytest_bdd import given, parsers, scenarios, then, when

from domain.identity.role import Role
from tests.features.conftest import Run
from tests.http.conftest import Client, Join
from tests.http.sales_world import JANE

pytestmark = pytest.mark.usefixtures("anyio_backend")
scenarios("identity/places.feature", "identity/programs.feature")
LEADS = ["leads:read", "leads:write", "contacts:read", "contacts:write"]


@dataclass
class Story:
    """Hold what a scenario's steps share."""

    olga: Client
    website: Client
    join: Join
    run: Run[Any]
    rita: Client | None = None
    brand_id: str = ""
    locations: dict[str, str] = field(default_factory=dict)
    key_id: str = ""
    lead_id: str = ""
    answer: Response | None = None

    def ask(self, who: Client | None, method: str, path: str, body: Any = None) -> Any:
        """Call an operation; gives the data it answers, None for a refusal."""
        assert who is not None
        answer: Response = self.run(who.request(method, path, json=body))
        self.answer = answer
        return answer.json().get("data") if answer.content else None

    def refusal(self, status: int) -> str:
        """Check that the last answer was a refusal; gives its sentence."""
        assert self.answer is not None
        assert self.answer.status_code == status, self.answer.text
        said: str = self.answer.json()["error"]["message"]
        return said


@pytest.fixture
def story(owner: Client, client: Client, join: Join, run: Run[Any]) -> Story:
    """Begin."""
    return Story(owner, client, join, run)


@given("Olga owns Bright Windows")
def olga_owns(story: Story) -> None:
    assert story.ask(story.olga, "GET", "/users/me")["role"] == "owner"


@given(parsers.parse('Olga owns Bright Windows with the locations "{first}" and "{second}"'))
def olga_owns_locations(story: Story, first: str, second: str) -> None:
    story.brand_id = story.ask(story.olga, "POST", "/brands", {"name": "Bright Windows"})["id"]
    for name in (first, second):
        made = story.ask(story.olga, "POST", "/locations", {"brand_id": story.brand_id, "name": name})
        story.locations[name] = made["id"]


@given(parsers.parse('Rita works there as a "{role}"'))
def rita_works(story: Story, role: str) -> None:
    async def joined() -> Client:
        return await story.join(story.olga, Role(role))

    story.rita = story.run(joined())


@given(parsers.parse('Olga assigns Rita to "{name}"'))
@when(parsers.parse('Olga assigns Rita to "{name}"'))
def assign(story: Story, name: str) -> None:
    assert story.rita is not None
    body = {"location_ids": [story.locations[name]]}
    assert story.ask(story.olga, "PATCH", f"/users/{story.rita.user_id}", body)["location_ids"] == body["location_ids"]


@when(parsers.parse('Olga deletes the location "{name}"'))
def delete_location(story: Story, name: str) -> None:
    story.ask(story.olga, "DELETE", f"/locations/{story.locations[name]}")
    assert story.answer is not None
    assert story.answer.status_code == 204


@when("Olga tries to delete the brand")
def delete_brand(story: Story) -> None:
    story.ask(story.olga, "DELETE", f"/brands/{story.brand_id}")


@then(parsers.parse('Rita sees the locations "{names}"'))
def sees(story: Story, names: str) -> None:
    assert [location["name"] for location in story.ask(story.rita, "GET", "/locations")] == names.split(", ")


@then("Rita sees no locations")
def sees_none(story: Story) -> None:
    assert story.ask(story.rita, "GET", "/locations") == []


@then(parsers.parse('Rita\'s own locations are "{names}"'))
def own(story: Story, names: str) -> None:
    shown = story.ask(story.rita, "GET", "/organizations/context")
    assert [location["name"] for location in shown["locations"]] == names.split(", ")
    assert shown["brand_ids"] == [story.brand_id]


@then("Rita's own locations are none")
def own_none(story: Story) -> None:
    assert story.ask(story.rita, "GET", "/organizations/context")["locations"] == []


@then("she is told that it has locations")
def told_locations(story: Story) -> None:
    assert "has locations" in story.refusal(409)


@given("Olga makes a key for the website that may enter leads")
def make_key(story: Story) -> None:
    made = story.ask(story.olga, "POST", "/api-keys", {"name": "Website", "permissions": LEADS})
    story.key_id = made["api_key"]["id"]
    story.website.headers["Authorization"] = f"Bearer {made['key']}"


@when("Olga revokes the website's key")
def revoke(story: Story) -> None:
    story.ask(story.olga, "DELETE", f"/api-keys/{story.key_id}")


@when("the website enters Jane Smith's enquiry")
def enter_enquiry(story: Story) -> None:
    made = story.ask(story.website, "POST", "/leads", {"contact": JANE})
    story.lead_id = made["id"] if made else ""


@when("the website asks who works here")
def ask_users(story: Story) -> None:
    story.ask(story.website, "GET", "/users")


@when("the website makes another key")
def make_another(story: Story) -> None:
    story.ask(story.website, "POST", "/api-keys", {"name": "Mine", "permissions": LEADS})


@then("Olga finds Jane Smith among the leads")
def finds(story: Story) -> None:
    assert [lead["id"] for lead in story.ask(story.olga, "GET", "/leads")] == [story.lead_id]


@then("the enquiry says that the website entered it")
def entered_by(story: Story) -> None:
    assert story.ask(story.olga, "GET", f"/leads/{story.lead_id}")["created_by"] == story.key_id


@then("it is told that it may not")
def may_not(story: Story) -> None:
    assert "permission" in story.refusal(403)


@then("it is told that its key is no good")
def no_good(story: Story) -> None:
    assert "not, or no longer, good" in story.refusal(401)


@when(parsers.parse('Olga sets Twilio up with the token "{token}"'))
def set_up(story: Story, token: str) -> None:
    body = {"settings": {"account_sid": "AC" + "0" * 32}, "credentials": {"auth_token": token}}
    assert story.ask(story.olga, "PUT", "/settings/integrations/twilio", body) is not None


@then("the settings say that Twilio is configured")
def configured(story: Story) -> None:
    assert story.ask(story.olga, "GET", "/settings/integrations")["twilio"]["configured"] is True


@then(parsers.parse('nobody is shown "{token}"'))
def not_shown(story: Story, token: str) -> None:
    for path in ("/settings/integrations", "/settings/integrations/twilio", "/settings", "/settings/client"):
        story.ask(story.olga, "GET", path)
        assert story.answer is not None
        assert token not in story.answer.text


@when(parsers.parse('Olga gives herself a gateway at "{address}"'))
def give_gateway(story: Story, address: str) -> None:
    body = {
        "label": "Phone",
        "gateway_url": address,
        "username": "olga",
        "password": "p",
        "from_number": "07700 900123",
        "webhook_secret": "its-signing-key",
    }
    assert story.ask(story.olga, "POST", f"/users/{story.olga.user_id}/sms-gateway", body) is not None


@when("Olga tries the gateway")
def try_gateway(story: Story) -> None:
    story.ask(story.olga, "POST", f"/users/{story.olga.user_id}/sms-gateway/test")


@then("she is told that it is not on the public internet")
def not_public(story: Story) -> None:
    assert story.answer is not None
    said = story.answer.json()["data"]
    assert said["ok"] is False
    assert "public internet" in said["error"]
