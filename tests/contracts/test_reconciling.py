"""What people wrote to Twilio while we could not be called comes in all the same, once."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Cause, Database
from application.messaging.reconciling import RECONCILE, Reconciling
from application.ports import Actor
from domain.kernel import new_id
from entrypoints.config import Config
from entrypoints.container import container
from tests.contracts.twilio_process import NUMBER, SID, TOKEN, TwilioProcess

pytestmark = pytest.mark.anyio
NOBODY_LISTENS = "http://127.0.0.1:9/api/v1/webhooks/twilio/sms"


@pytest.fixture(scope="module")
def twilio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwilioProcess]:
    """Run `emulate`, whose calls of our webhook find nobody."""
    provider = TwilioProcess(tmp_path_factory.mktemp("twilio"), NOBODY_LISTENS)
    provider.start()
    yield provider
    provider.close()


@pytest.fixture
async def house_with_twilio(
    config: Config, environment: dict[str, str], twilio: TwilioProcess
) -> AsyncIterator[AsyncContainer]:
    """Open an installation that texts through it."""
    settings = {
        **environment,
        "RAPPORT_SANDBOX": "0",
        "RAPPORT_SECRET_KEYS": ",".join(base64.b64encode(key).decode() for key in config.secret_keys),
        "RAPPORT_TWILIO_ACCOUNT_SID": SID,
        "RAPPORT_TWILIO_AUTH_TOKEN": TOKEN,
        "RAPPORT_TWILIO_API_URL": twilio.url,
    }
    opened = container(Config.load(settings))
    yield opened
    await opened.close()


async def found(database: Database, number: str | None) -> UUID:
    """Make an organisation that texts from a number."""
    organization = new_id()
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(organization))
        await connection.execute(
            "INSERT INTO organizations (organization_id, id, name, sender, created_at) VALUES ($1, $1, 'B', $2, now())",
            organization,
            number,
        )
        if number is not None:
            await connection.execute("INSERT INTO routes VALUES ('twilio', $2, $1)", organization, number)
    return organization


async def test_what_was_missed_is_filled_in_once_and_for_whom_it_was(
    house_with_twilio: AsyncContainer, twilio: TwilioProcess
) -> None:
    database = await house_with_twilio.get(Database)
    others = [await found(database, None), await found(database, "+447400999888")]
    organization = await found(database, NUMBER)
    words = [f"Yes please, {new_id()}", f"STOP {new_id()}"]
    for body in words:
        twilio.says("+447400123456", body)
    for one in (*others, organization, organization):
        async with house_with_twilio({Actor: Actor.system(one), Cause: Cause()}) as scope:
            await (await scope.get(Reconciling)).run()
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(organization))
        events = await connection.fetch("SELECT personal FROM events WHERE type = 'text.arrived' ORDER BY id")
        due = await connection.fetchval(
            "SELECT next_due_at > now() FROM schedules WHERE name = $1 AND organization_id = $2",
            RECONCILE,
            organization,
        )
    arrived = [json.loads(event["personal"]) for event in events]
    assert [(one["sender"], one["recipient"], one["body"]) for one in arrived] == [
        ("+447400123456", NUMBER, body) for body in words
    ]
    assert due
