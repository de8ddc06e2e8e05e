"""Steps of the feature about two texting providers: real adapters, breakers and ledger, and two providers in memory."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from dishka import AsyncContainer, Provider, Scope, provide
from pytest_bdd import given, parsers, scenarios, then, when

from adapters.egress.guarded import Egress
from adapters.persistence.database import Database
from adapters.persistence.texting_accounts import InstallationTexting
from adapters.sms.android_gateway import GatewayTexting
from adapters.sms.breakers import Breakers
from adapters.sms.routing import RoutedTexting
from adapters.sms.twilio import TwilioTexting
from application.identity.secrets import Secrets
from application.messaging.sending import Sending
from application.messaging.texting import Texting
from application.outreach.campaign_forms import ScheduleIn, SettingsIn, StartCampaign
from application.outreach.campaigns import Campaigns
from application.outreach.planning import Planning
from domain.kernel import new_id
from entrypoints.config import Config
from entrypoints.container import container
from tests.application.conftest import Tenant, tenant, workshop
from tests.features.conftest import Run

__all__ = ["tenant", "workshop"]
pytestmark = pytest.mark.usefixtures("anyio_backend")
scenarios("messaging/texting_providers.feature")
FAST = SettingsIn(schedule=ScheduleIn(start="00:00", end="24:00"), rate_limit_messages_per_minute=6000)
TWILIO = {"account_sid": "AC1", "phone_number": "+442079460001", "fallback": "android_gateway"}
PHONE = {"gateway_url": "https://phone.example.com", "username": "olga"}
_LATER = """
UPDATE sends SET due_at = CASE WHEN state = 'planned' THEN business_now() ELSE due_at END,
       handed_machine_at = handed_machine_at - interval '1 minute', lease_until = clock_timestamp()
WHERE organization_id = $1 AND state IN ('planned', 'unknown')
"""


@dataclass
class TwilioInMemory:
    """Take texts, or not: `trouble` is what the next calls meet."""

    trouble: str = ""
    books: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Be the transport's handler."""
        if self.trouble == "down":
            raise httpx.ConnectError("refused", request=request)
        if self.trouble == "token":
            return httpx.Response(401, json={"code": 20003, "message": "Authenticate", "status": 401})
        if request.method == "GET":
            found = [message for message in self.books if message["to"] == request.url.params["To"]]
            return httpx.Response(200, json={"messages": found[::-1], "next_page_uri": None, "page": 0})
        form = {name: value for name, [value] in parse_qs(request.content.decode()).items()}
        taken = {"sid": f"SM{new_id().hex}", "to": form["To"], "from": form["From"], "body": form["Body"]}
        now = format_datetime(datetime.now(UTC).replace(microsecond=0))
        self.books.append({**taken, "direction": "outbound-api", "date_created": now, "num_segments": "1"})
        if self.trouble == "line":
            raise httpx.ReadError("reset", request=request)
        return httpx.Response(201, json=self.books[-1])


@dataclass
class PhoneInMemory:
    """Be a gateway that takes whatever it is given."""

    texted: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Be the transport's handler."""
        self.texted += json.loads(request.content)["phoneNumbers"]
        return httpx.Response(202, json={})


class _Two(Provider):
    scope = Scope.APP

    def __init__(self, twilio: TwilioInMemory, phone: PhoneInMemory) -> None:
        super().__init__()
        self._twilio, self._phone = twilio, phone

    @provide
    def installation(self) -> InstallationTexting:
        return InstallationTexting()

    @provide
    def texting(self, breakers: Breakers) -> Texting:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self._twilio))
        egress = Egress(httpx.AsyncClient(transport=httpx.MockTransport(self._phone)))
        by_twilio = TwilioTexting(client, "https://api.twilio.com")
        return RoutedTexting({"twilio": by_twilio, "android_gateway": GatewayTexting(egress)}, breakers)


@dataclass
class Office:
    """Hold what a scenario's steps share."""

    tenant: Tenant
    twilio: TwilioInMemory
    phone: PhoneInMemory
    people: list[str] = field(default_factory=list)

    async def store(self, provider: str, settings: dict[str, str]) -> None:
        """Store access to a provider."""
        secrets = await self.tenant.house.get(Secrets)
        await self.tenant.execute(
            "INSERT INTO integrations (organization_id, provider, settings, credentials, is_active, created_at,"
            " version) VALUES ($1, $2, $3, $4, true, now(), 1)",
            provider,
            json.dumps(settings),
            secrets.seal({"auth_token": "token", "password": "word"}),
        )

    async def campaign(self, count: int) -> None:
        """Text so many people who were not texted before, for as long as it takes."""
        dataset = await self.tenant.dataset()
        self.people = [f"+4474{new_id().int % 10**8:08d}" for _ in range(count)]
        for person in self.people:
            await self.tenant.lead(person, dataset)
        async with self.tenant.use(Campaigns) as campaigns:
            await campaigns.start(StartCampaign(dataset_id=dataset, settings=FAST))
        async with self.tenant.use(Planning, self.tenant.system()) as planning:
            await planning.plan()
        for _ in range(20):
            async with self.tenant.sql() as connection:
                done = await connection.execute(_LATER, self.tenant.organization_id)
            if done == "UPDATE 0":
                return
            async with self.tenant.use(Sending, self.tenant.system()) as sending:
                await sending.settle()
            async with self.tenant.use(Sending, self.tenant.system()) as sending:
                await sending.send_due()

    def texted(self, by: str) -> Counter[str]:
        """Count whom a provider has texted how often."""
        return Counter(self.phone.texted if by == "Olga's phone" else [message["to"] for message in self.twilio.books])


@pytest.fixture
async def office(config: Config, tenant: Tenant) -> AsyncIterator[Office]:
    """Open an office in a house of its own."""
    twilio, phone = TwilioInMemory(), PhoneInMemory()
    house: AsyncContainer = container(config, _Two(twilio, phone))
    yield Office(replace(tenant, house=house, database=await house.get(Database)), twilio, phone)
    await house.close()


@given("texts leave through Twilio, and through Olga's phone while Twilio is down")
def two_providers(office: Office, run: Run[Any]) -> None:
    run(office.store("twilio", TWILIO))
    run(office.store("android_gateway", PHONE))


@given("Twilio cannot be reached")
def unreachable(office: Office) -> None:
    office.twilio.trouble = "down"


@given("Twilio takes texts and the line breaks before it has said so")
def line_breaks(office: Office) -> None:
    office.twilio.trouble = "line"


@given("Twilio does not take the token")
def wrong_token(office: Office) -> None:
    office.twilio.trouble = "token"


@when("Twilio is back")
def back(office: Office, run: Run[Any]) -> None:
    office.twilio.trouble = ""
    run(asyncio.sleep(1.2))  # the breaker's first rest


@given(parsers.parse("a campaign texts {count:d} people"))
@when(parsers.parse("a campaign texts {count:d} people"))
@when(parsers.parse("a campaign texts {count:d} more people"))
def campaign(office: Office, run: Run[Any], count: int) -> None:
    run(office.campaign(count))


@then(parsers.parse("{provider} has texted each of them once"))
def each_once(office: Office, provider: str) -> None:
    assert office.texted(provider) == Counter(office.people)


@then(parsers.parse("{provider} has texted the new ones once"))
def new_ones_once(office: Office, provider: str) -> None:
    assert office.texted(provider) == Counter(office.people)
    assert not set(office.texted("Olga's phone")) & set(office.people)


@then(parsers.parse("{provider} has texted nobody"))
def nobody(office: Office, provider: str) -> None:
    assert not office.texted(provider)


@then("Olga reads at the integration that the token is not right")
def told(office: Office, run: Run[Any]) -> None:
    error = "SELECT last_error FROM integrations WHERE organization_id = $1 AND provider = 'twilio'"
    assert "20003" in run(office.tenant.value(error))
