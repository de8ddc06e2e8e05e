"""The adapters of campaigns and planning."""

from dishka import AnyOf, Provider, Scope, provide

from adapters.crossings.touches import GateForTouches
from adapters.persistence.campaigns import PostgresCampaigns
from application.outreach.campaigns import Campaigns, CampaignStore
from application.outreach.planning import Enrolments, Planning, TouchGate


class Campaigning(Provider):
    """Bind the ports of campaigns."""

    scope = Scope.REQUEST

    store = provide(PostgresCampaigns, provides=AnyOf[CampaignStore, Enrolments])
    gate = provide(GateForTouches, provides=TouchGate)
    campaigns = provide(Campaigns)
    planning = provide(Planning)
