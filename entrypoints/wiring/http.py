"""What the HTTP entrypoint stands on."""

from dishka import Provider, Scope, provide

from adapters.persistence.identity import Admissions
from entrypoints.http.auth import Doorkeeper
from entrypoints.http.intake import Intake
from entrypoints.http.limits import RateLimiter


class Http(Provider):
    """Who is let in, and how often, and where what providers bring waits."""

    scope = Scope.APP

    admissions = provide(Admissions)
    doorkeeper = provide(Doorkeeper)
    limiter = provide(RateLimiter)
    intake = provide(Intake)
