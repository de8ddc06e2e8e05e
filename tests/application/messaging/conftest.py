"""A house whose writer and calendar say what a test tells them."""

from collections.abc import AsyncIterator

import pytest
from dishka import AsyncContainer, Provider, Scope, provide

from adapters.persistence.database import Database
from application.messaging.reply_writing import Booked, CallBooking, OfferedSlots, ReplyWriter
from application.messaging.texting import Texting
from entrypoints.config import Config
from entrypoints.container import container
from tests.application.conftest import RememberingTexting, Tenant
from tests.application.messaging.replying import Thread, ToldCalls, ToldSlots, ToldWriter


class _Told(Provider):
    @provide(scope=Scope.APP)
    def texting(self) -> Texting:
        return RememberingTexting()

    @provide(scope=Scope.APP)
    def writer(self) -> ReplyWriter:
        return ToldWriter()

    @provide(scope=Scope.APP)
    def slots(self) -> OfferedSlots:
        return ToldSlots()

    @provide(scope=Scope.APP)
    def calls(self) -> CallBooking:
        return ToldCalls()


@pytest.fixture(scope="session")
async def told_house(config: Config) -> AsyncIterator[AsyncContainer]:
    """Open the application with a writer and a calendar that are told what to say."""
    opened = container(config, _Told())
    yield opened
    await opened.close()


@pytest.fixture
async def thread(told_house: AsyncContainer, tenant: Tenant) -> Thread:
    """Make a thread with a lead of a dataset in a fresh organisation."""
    texting, writer = await told_house.get(Texting), await told_house.get(ReplyWriter)
    slots = await told_house.get(OfferedSlots)
    assert isinstance(texting, RememberingTexting)
    assert isinstance(writer, ToldWriter)
    calls = await told_house.get(CallBooking)
    assert isinstance(slots, ToldSlots)
    assert isinstance(calls, ToldCalls)
    calls.answer = Booked.YES
    calls.booked.clear()
    calls.meanwhile, calls.seconds = None, 0.0
    writer.ready.clear()
    writer.tasks.clear()
    writer.barrier, writer.most_at_once = None, 0
    writer.meanwhile, slots.slots, texting.on_send = None, (), None
    told = Tenant(tenant.organization_id, told_house, await told_house.get(Database), texting)
    # The hours of every test's own time of day.
    await told.execute("UPDATE organizations SET time_zone = 'Europe/London' WHERE organization_id = $1")
    lead_id = await told.lead("+447700900321", await told.dataset())
    return Thread(told, writer, slots, calls, "+447700900321", lead_id)


@pytest.fixture
async def waking_hours(thread: Thread) -> None:
    """Let no hour be quiet: tests of quiet hours are elsewhere."""
    await thread.live_at(13)
