"""What each provider must be told: `Settings` that people may see, `Credentials` that are locked away."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from application.ports import Command
from domain.identity.integration import Provider
from domain.identity.sms_gateway import check_gateway_url
from domain.kernel import Email, Invalid, Phone

Secret = Annotated[str, Meta(min_length=8, max_length=500, pattern=r"^[!-~]+$")]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Url = Annotated[str, Meta(min_length=8, max_length=500)]
Number = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{6,14}$")]


class _Key(Command, frozen=True):
    api_key: Secret


class _KeyAndHook(Command, frozen=True):
    api_key: Secret
    webhook_secret: Secret | None = None


class TwilioSettings(Command, frozen=True):
    """Name the account, what it texts from, and who texts instead while it is down."""

    account_sid: Annotated[str, Meta(pattern=r"^AC[0-9a-f]{32}$")]
    phone_number: Number | None = None
    messaging_service_sid: Annotated[str, Meta(pattern=r"^MG[0-9a-f]{32}$")] | None = None
    fallback: Literal["android_gateway"] | None = None


class TwilioCredentials(Command, frozen=True):
    """Hold the account's token, which also signs its webhooks, and the key that signs them in the newer scheme."""

    auth_token: Secret
    webhook_secret: Secret | None = None


class AndroidGatewaySettings(Command, frozen=True):
    """Name the gateway's address, its user, its number, and who texts instead while it is down."""

    gateway_url: Url
    username: Name
    phone_number: Number | None = None
    fallback: Literal["twilio"] | None = None


class AndroidGatewayCredentials(Command, frozen=True):
    """Hold the password, and what signs its webhooks."""

    password: Annotated[str, Meta(min_length=1, max_length=500)]
    webhook_secret: Secret | None = None


class ResendSettings(Command, frozen=True):
    """Name whom mail comes from."""

    from_address: Annotated[str, Meta(min_length=3, max_length=254)]
    from_name: Name | None = None


class StripeSettings(Command, frozen=True):
    """Name the key that pages may show."""

    publishable_key: Annotated[str, Meta(pattern=r"^pk_(test|live)_\w{8,200}$")] | None = None


class StripeCredentials(Command, frozen=True):
    """Hold the key that takes money, and what signs webhooks."""

    secret_key: Annotated[str, Meta(pattern=r"^[rs]k_(test|live)_\w{8,400}$")]
    webhook_secret: Annotated[str, Meta(pattern=r"^whsec_\S{8,400}$")] | None = None


class AnthropicSettings(Command, frozen=True):
    """Name the model that writes."""

    model: Name | None = None


class CalcomSettings(Command, frozen=True):
    """Name what is booked."""

    event_type_id: Annotated[int, Meta(ge=1, le=2_147_483_647)] | None = None
    calendar_name: Name | None = None


class NylasSettings(Command, frozen=True):
    """Name the mailbox."""

    grant_id: Name | None = None
    region: Annotated[str, Meta(pattern=r"^(us|eu)$")] = "eu"


class PlusvibeSettings(Command, frozen=True):
    """Name the workspace."""

    workspace_id: Name | None = None


class ElevenlabsSettings(Command, frozen=True):
    """Name the voice that speaks."""

    voice_id: Name | None = None
    model: Name | None = None


FORMS: Mapping[Provider, tuple[type[Command], type[Command]]] = {
    Provider.TWILIO: (TwilioSettings, TwilioCredentials),
    Provider.ANDROID_GATEWAY: (AndroidGatewaySettings, AndroidGatewayCredentials),
    Provider.RESEND: (ResendSettings, _KeyAndHook),
    Provider.STRIPE: (StripeSettings, StripeCredentials),
    Provider.ANTHROPIC: (AnthropicSettings, _Key),
    Provider.CALCOM: (CalcomSettings, _KeyAndHook),
    Provider.NYLAS: (NylasSettings, _KeyAndHook),
    Provider.PLUSVIBE: (PlusvibeSettings, _KeyAndHook),
    Provider.ELEVENLABS: (ElevenlabsSettings, _Key),
}


def read_settings(provider: Provider, given: Mapping[str, Any]) -> dict[str, Any]:
    """Check a provider's settings, or refuse them as `Invalid` by field; what was not given is left out."""
    found = _read(FORMS[provider][0], given, "settings")
    if "gateway_url" in found:
        found["gateway_url"] = check_gateway_url(found["gateway_url"], "settings.gateway_url")
    if "from_address" in found:
        found["from_address"] = str(_addressed(found["from_address"]))
    if "phone_number" in found:
        found["phone_number"] = str(Phone(found["phone_number"]))
    return found


def read_credentials(provider: Provider, given: Mapping[str, Any]) -> dict[str, str]:
    """Check a provider's credentials, or refuse them as `Invalid` by field, never repeating a value."""
    return _read(FORMS[provider][1], given, "credentials")


def takes(provider: Provider) -> dict[str, list[str]]:
    """Name what a provider is told, for whoever draws its form."""
    settings, credentials = FORMS[provider]
    return {"settings": list(settings.__struct_fields__), "credentials": list(credentials.__struct_fields__)}


def _addressed(address: str) -> Email:
    try:
        return Email(address)
    except Invalid as refusal:
        raise Invalid(refusal.message, field="settings.from_address") from None


def _read(form: type[Command], given: Mapping[str, Any], place: str) -> dict[str, Any]:
    try:
        found = msgspec.convert(dict(given), form)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$")
        field = place + path.rstrip("`")
        if "field `" in text:
            field = f"{place}.{text.split('`')[1]}"
            text = "This field is required" if "missing" in text else "There is no such field"
        raise Invalid(f"{field}: {text}.", details=[(field, f"{text}.")]) from None
    return {name: value for name in form.__struct_fields__ if (value := getattr(found, name)) is not None}
