"""The adapters of campaigns and planning."""

from dishka import AnyOf, Provider, Scope, provide

from adapters.crossings.touches import GateForTouches
from adapters.persistence.campaigns import PostgresCampaigns
from adapters.persistence.touch_texts import PostgresAiTexts
from application.outreach.ai_texts import AiTexts, AiWording
from application.outreach.campaigns import Campaigns, CampaignStore
from application.outreach.planning import Enrolments, Planning
from application.outreach.touch_gate import TouchGate


class Campaigning(Provider):
    """Bind the ports of campaigns."""

    scope = Scope.REQUEST

    store = provide(PostgresCampaigns, provides=AnyOf[CampaignStore, Enrolments])
    gate = provide(GateForTouches, provides=TouchGate)
    ai_texts = provide(PostgresAiTexts, provides=AiTexts)
    wording = provide(AiWording)
    campaigns = provide(Campaigns)
    planning = provide(Planning)
