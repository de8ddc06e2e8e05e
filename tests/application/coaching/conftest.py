"""A house whose reviewer says what a test tells it."""

from collections.abc import AsyncIterator

import pytest
from dishka import AsyncContainer, Provider, Scope, provide

from adapters.persistence.database import Database
from application.coaching.reviewed import AnalysisAllowance
from application.coaching.reviewing import ConversationReviewer
from application.messaging.texting import Texting
from entrypoints.config import Config
from entrypoints.container import container
from tests.application.coaching.reviewing import Office, ToldAllowance, ToldReviewer
from tests.application.conftest import RememberingTexting, Tenant


class _Told(Provider):
    @provide(scope=Scope.APP)
    def reviewer(self) -> ConversationReviewer:
        return ToldReviewer()

    @provide(scope=Scope.APP)
    def allowance(self) -> AnalysisAllowance:
        return ToldAllowance()

    @provide(scope=Scope.APP)
    def texting(self) -> Texting:
        return RememberingTexting()


@pytest.fixture(scope="session")
async def reviewing_house(config: Config) -> AsyncIterator[AsyncContainer]:
    """Open the application with a reviewer that is told what to say."""
    opened = container(config, _Told())
    yield opened
    await opened.close()


@pytest.fixture
async def office(reviewing_house: AsyncContainer, tenant: Tenant) -> Office:
    """Make a fresh organisation with a dataset, its reviewer and its allowance."""
    reviewer = await reviewing_house.get(ConversationReviewer)
    allowance = await reviewing_house.get(AnalysisAllowance)
    assert isinstance(reviewer, ToldReviewer)
    assert isinstance(allowance, ToldAllowance)
    reviewer.ready.clear()
    reviewer.tasks.clear()
    reviewer.meanwhile = None
    allowance.room, allowance.taken = 1000, 0
    texting = await reviewing_house.get(Texting)
    assert isinstance(texting, RememberingTexting)
    told = Tenant(tenant.organization_id, reviewing_house, await reviewing_house.get(Database), texting)
    return Office(told, reviewer, allowance, await told.dataset())
