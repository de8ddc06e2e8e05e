"""The texting providers that the environment configures for everybody, held to the same forms as an organisation's."""

from collections.abc import Callable, Mapping

from application.messaging.texting import TextingAccount, account_of
from domain.kernel import Invalid

TWILIO_API_URL = "https://api.twilio.com"


def texting_accounts(group: Callable[[str], Mapping[str, str]]) -> tuple[TextingAccount, ...]:
    """Read the accounts, or refuse (`Invalid`) by the variable's name what does not fit."""
    given = {provider: group(provider.upper()) for provider in ("twilio", "android_gateway")}
    return tuple(_account(provider, values) for provider, values in given.items() if values)


def _account(name: str, values: Mapping[str, str]) -> TextingAccount:
    # The forms are read for those only who use them: `rapport --help` is to answer at once.
    from application.identity.integration_forms import read_credentials, read_settings, takes
    from domain.identity.integration import Provider

    provider = Provider(name)
    given = {"gateway_url" if field == "url" else field: value for field, value in values.items()}
    secret = takes(provider)["credentials"]
    try:
        settings = read_settings(provider, {k: v for k, v in given.items() if k not in secret})
        credentials = read_credentials(provider, {k: v for k, v in given.items() if k in secret})
    except Invalid as refusal:
        raise Invalid(f"RAPPORT_{name.upper()}_…: {refusal.message}") from None
    return account_of(name, settings, credentials)
