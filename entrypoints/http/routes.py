"""All routes, one line a context."""

from litestar.handlers import HTTPRouteHandler

from entrypoints.http import health

ROUTES: tuple[HTTPRouteHandler, ...] = (*health.ROUTES,)
