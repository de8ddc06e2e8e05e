"""What the HTTP entrypoint stands on."""

from dishka import Provider, Scope, provide

from adapters.identity.jwt import JwtTokens
from adapters.persistence.identity import Admissions
from application.identity.tokens import Tokens
from entrypoints.config import Config
from entrypoints.http.auth import Doorkeeper
from entrypoints.http.limits import RateLimiter


class Http(Provider):
    """Who is let in, and how often."""

    scope = Scope.APP

    admissions = provide(Admissions)
    doorkeeper = provide(Doorkeeper)
    limiter = provide(RateLimiter)

    @provide(provides=Tokens)
    def tokens(self, config: Config) -> JwtTokens:
        """Make the signer of tokens."""
        return JwtTokens(config.derived_key("jwt"))
