"""All routes, one line a context."""

from litestar.handlers import HTTPRouteHandler

from entrypoints.http import campaigns, health, identity, messaging, sandbox, webhooks

ROUTES: tuple[HTTPRouteHandler, ...] = (
    *health.ROUTES,
    *identity.ROUTES,
    *campaigns.ROUTES,
    *messaging.ROUTES,
    *webhooks.ROUTES,
)
SANDBOX_ROUTES: tuple[HTTPRouteHandler, ...] = sandbox.ROUTES
