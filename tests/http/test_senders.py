"""Which number an organisation texts from, and what comes to it, while it has several of them and when they go."""

from collections.abc import AsyncIterator

import pytest
from dishka import AsyncContainer

from entrypoints.config import Config
from tests.http.conftest import Client
from tests.http.sales_world import World, world
from tests.http.test_webhooks_twilio import OWN_SID, OWN_TOKEN, set_up, stored, use_number
from tests.http.twilio_house import SMS, TwilioHouse, form, twilio_house

__all__ = ["world"]
pytestmark = pytest.mark.anyio
INTEGRATION = "/settings/integrations/twilio"


@pytest.fixture(scope="module")
async def outside(config: Config, house: AsyncContainer) -> AsyncIterator[TwilioHouse]:
    """Open an installation with a Twilio account for everybody."""
    async with twilio_house(config) as opened:
        yield opened


@pytest.fixture
async def there(outside: TwilioHouse, owner: Client) -> Client:
    """Be an owner there."""
    return outside.of(owner)


async def sender(there: Client) -> str | None:
    shown: str | None = (await there.get("/settings/client")).json()["data"]["twilio_phone_number"]
    return shown


async def arrives(outside: TwilioHouse, world: World, number: str) -> bool:
    said = form(number)
    assert (await outside.call(SMS, said)).status_code == 200
    return bool(await stored(world, said["MessageSid"]))


async def test_what_comes_to_either_number_comes_in_and_the_own_one_goes_by_itself(
    outside: TwilioHouse, there: Client, world: World
) -> None:
    chosen = await use_number(there)
    own = await set_up(there)
    assert await sender(there) == own
    assert [await arrives(outside, world, number) for number in (chosen, own)] == [True, True]
    other = await use_number(there)
    assert [await arrives(outside, world, number) for number in (chosen, own, other)] == [False, True, True]
    assert (await there.delete(INTEGRATION)).status_code == 204
    assert await sender(there) == other
    assert [await arrives(outside, world, number) for number in (own, other)] == [False, True]


async def test_a_number_that_both_name_is_there_until_neither_does(
    outside: TwilioHouse, there: Client, world: World
) -> None:
    number = await use_number(there)
    body = {"settings": {"account_sid": OWN_SID, "phone_number": number}, "credentials": {"auth_token": OWN_TOKEN}}
    assert (await there.put(INTEGRATION, json=body)).status_code == 200
    assert (await there.delete(INTEGRATION)).status_code == 204
    assert (await sender(there), await arrives(outside, world, number)) == (number, True)
    assert (await there.patch("/settings/client", json={"twilio_phone_number": None})).status_code == 200
    assert not await arrives(outside, world, number)


async def test_nothing_comes_to_an_organisation_that_was_closed(
    outside: TwilioHouse, there: Client, world: World
) -> None:
    numbers = [await use_number(there), await set_up(there)]
    assert (await there.delete(f"/organizations/{world.organization_id}")).status_code == 204
    assert [await arrives(outside, world, number) for number in numbers] == [False, False]
