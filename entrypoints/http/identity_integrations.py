"""Providers and what they are told, users' gateways and e-mail accounts, and settings by name."""

from typing import Any
from uuid import UUID

import msgspec

from application.identity.email_accounts import (
    AssignedView,
    AssignEmailAccount,
    EmailAccountFilter,
    EmailAccounts,
    EmailAccountView,
    NewEmailAccount,
)
from application.identity.integrations import (
    Integrations,
    IntegrationsView,
    IntegrationView,
    SetIntegration,
    TestedView,
    TryIntegration,
)
from application.identity.settings import AllSettings, SetSetting, Settings
from application.identity.sms_gateways import (
    ChangeSmsGateway,
    DeletedView,
    NewSmsGateway,
    SmsGateways,
    SmsGatewayView,
)
from application.ports import Found, PageRequest
from entrypoints.http.operation import Answer, IfMatch, operation

_INTEGRATION = "/settings/integrations/{provider:str}"
_GATEWAY = "/users/{user_id:uuid}/sms-gateway"


@operation("GET", "/settings/integrations", "listIntegrations", "Show how every provider stands")
async def list_integrations(integrations: Integrations) -> IntegrationsView:
    """Shows what is configured, by whom, and whether this version can call it; never a credential."""
    return await integrations.all()


@operation("GET", _INTEGRATION, "getIntegration", "Show how a provider stands")
async def get_integration(integrations: Integrations, provider: str) -> IntegrationView:
    """Shows one provider; `takes` names what it must be told."""
    return await integrations.get(provider)


@operation("PUT", _INTEGRATION, "setIntegration", "Set a provider up")
async def set_integration(
    integrations: Integrations, provider: str, body: SetIntegration, version: IfMatch
) -> IntegrationView:
    """Replaces the settings, and the credentials where they are given; they are stored encrypted and shown no more."""
    return await integrations.set_up(provider, body, version)


@operation("DELETE", _INTEGRATION, "removeIntegration", "Forget a provider")
async def remove_integration(integrations: Integrations, provider: str) -> None:
    """Forgets the organisation's own access; the installation's, if any, serves again."""
    await integrations.remove(provider)


@operation("POST", f"{_INTEGRATION}/test", "testIntegration", "Try a provider", status=200, seconds=30.0)
async def test_integration(integrations: Integrations, provider: str, body: TryIntegration) -> TestedView:
    """Asks the provider something that changes nothing, with what is kept, or with what the body gives. 501 where this
    version cannot call it."""
    return await integrations.test(provider, body)


@operation("GET", _GATEWAY, "getSmsGateway", "Show a user's SMS gateway")
async def get_gateway(gateways: SmsGateways, user_id: UUID) -> SmsGatewayView:
    """Shows how the gateway is reached, never its password."""
    return await gateways.get(user_id)


@operation("POST", _GATEWAY, "addSmsGateway", "Give a user an SMS gateway")
async def add_gateway(gateways: SmsGateways, user_id: UUID, body: NewSmsGateway) -> SmsGatewayView:
    """Stores password and signing key encrypted, and the number in E.164; a user has one gateway. People's answers come
    in by the webhook `sms-gateway`, signed."""
    return await gateways.add(user_id, body)


@operation("PATCH", _GATEWAY, "changeSmsGateway", "Change a user's SMS gateway")
async def change_gateway(
    gateways: SmsGateways, user_id: UUID, body: ChangeSmsGateway, version: IfMatch
) -> SmsGatewayView:
    """Changes what is named and leaves the rest."""
    return await gateways.change(user_id, body, version)


@operation("DELETE", _GATEWAY, "removeSmsGateway", "Take a user's SMS gateway away", status=200)
async def remove_gateway(gateways: SmsGateways, user_id: UUID) -> DeletedView:
    """Deletes all gateways of the user and tells how many there were."""
    return await gateways.remove(user_id)


@operation("POST", f"{_GATEWAY}/test", "testSmsGateway", "Try a user's SMS gateway", status=200, seconds=30.0)
async def test_gateway(gateways: SmsGateways, user_id: UUID) -> TestedView:
    """Asks whether the gateway answers and takes the login. Only servers on the public internet are called."""
    return await gateways.test(user_id)


@operation("PATCH", "/users/{user_id:uuid}/email-account", "assignEmailAccount", "Give a user an e-mail account")
async def assign_email_account(accounts: EmailAccounts, user_id: UUID, body: AssignEmailAccount) -> AssignedView:
    """Gives the user this account instead of any other they have, at once; null leaves them without."""
    return await accounts.assign(user_id, body)


@operation("GET", "/email-accounts", "listEmailAccounts", "List e-mail accounts", shows=EmailAccountView)
async def list_email_accounts(accounts: EmailAccounts, narrowed: EmailAccountFilter, page: PageRequest) -> Found:
    """Lists accounts by address, with whoever has them."""
    return await accounts.find(narrowed, page)


@operation("POST", "/email-accounts", "addEmailAccount", "Add an e-mail account", shows=EmailAccountView)
async def add_email_account(accounts: EmailAccounts, body: NewEmailAccount) -> msgspec.Raw:
    """Adds an account that nobody has yet."""
    return await accounts.add(body)


@operation("DELETE", "/email-accounts/{email_account_id:uuid}", "removeEmailAccount", "Delete an e-mail account")
async def remove_email_account(accounts: EmailAccounts, email_account_id: UUID) -> None:
    """Deletes an account; whoever had it has none then."""
    await accounts.remove(email_account_id)


@operation("GET", "/settings", "getSettings", "Show all settings", shows=dict[str, Any])
async def get_settings(settings: Settings) -> Answer:
    """Shows every setting by its name; those named as secrets are for administrators."""
    return _settings(await settings.all())


@operation("PATCH", "/settings", "changeSetting", "Set one setting", shows=dict[str, Any])
async def change_setting(settings: Settings, body: SetSetting, version: IfMatch) -> Answer:
    """Sets one free setting; null takes it away. What has a form of its own is changed at /settings/client."""
    return _settings(await settings.put(body, version))


def _settings(found: AllSettings) -> Answer:
    return Answer(found.values, headers={"ETag": f'"{found.version}"'})


ROUTES = (
    list_integrations,
    get_integration,
    set_integration,
    remove_integration,
    test_integration,
    get_gateway,
    add_gateway,
    change_gateway,
    remove_gateway,
    test_gateway,
    assign_email_account,
    list_email_accounts,
    add_email_account,
    remove_email_account,
    get_settings,
    change_setting,
)
