"""All routes, one line a context."""

from litestar.handlers import HTTPRouteHandler

from entrypoints.http import health, identity

ROUTES: tuple[HTTPRouteHandler, ...] = (*health.ROUTES, *identity.ROUTES)
