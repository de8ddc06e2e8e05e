"""All routes, one line a context."""

from litestar.handlers import HTTPRouteHandler

from entrypoints.http import (
    ai_replies,
    calcom_webhook,
    campaigns,
    cron,
    docs,
    events,
    health,
    identity,
    identity_integrations,
    identity_keys,
    identity_places,
    identity_users,
    messaging,
    notifications,
    outreach,
    personal_data,
    platform,
    sales,
    sandbox,
    scheduling,
    webhooks,
    webhooks_gateway,
    webhooks_twilio,
)

ROUTES: tuple[HTTPRouteHandler, ...] = (
    *health.ROUTES,
    *docs.ROUTES,
    *cron.ROUTES,
    *identity.ROUTES,
    *identity_keys.ROUTES,
    *identity_integrations.ROUTES,
    *identity_places.ROUTES,
    *identity_users.ROUTES,
    *sales.ROUTES,
    *outreach.ROUTES,
    *personal_data.ROUTES,
    *platform.ROUTES,
    *campaigns.ROUTES,
    *messaging.ROUTES,
    *notifications.ROUTES,
    *events.ROUTES,
    *ai_replies.ROUTES,
    *scheduling.ROUTES,
    *calcom_webhook.ROUTES,
    *webhooks_gateway.ROUTES,
    *webhooks_twilio.ROUTES,
)
SANDBOX_ROUTES: tuple[HTTPRouteHandler, ...] = (*sandbox.ROUTES, *webhooks.SANDBOX_ROUTES)
