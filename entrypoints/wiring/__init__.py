"""Each context's adapters, named for the container."""

from dishka import Provider

from entrypoints.wiring.analytics import Counts
from entrypoints.wiring.campaigns import Campaigning
from entrypoints.wiring.coaching import Coaching
from entrypoints.wiring.http import Http
from entrypoints.wiring.identity import Identity
from entrypoints.wiring.identity_programs import Programs
from entrypoints.wiring.mailing import Mails
from entrypoints.wiring.messaging import Messaging
from entrypoints.wiring.notifications import Telling
from entrypoints.wiring.outreach import Outreach
from entrypoints.wiring.platform import Background
from entrypoints.wiring.realtime import Realtime
from entrypoints.wiring.replies import Answers
from entrypoints.wiring.sales import Sales
from entrypoints.wiring.sandbox import Levers
from entrypoints.wiring.scheduling import Scheduling
from entrypoints.wiring.teaching import Teaching
from entrypoints.wiring.texting import TextingProviders

PROVIDERS: tuple[Provider, ...] = (
    Http(),
    Mails(),
    Messaging(),
    Telling(),
    Answers(),
    Coaching(),
    TextingProviders(),
    Campaigning(),
    Teaching(),
    Levers(),
    Identity(),
    Programs(),
    Sales(),
    Outreach(),
    Scheduling(),
    Background(),
    Counts(),
    Realtime(),
)
