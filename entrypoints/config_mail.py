"""The mail provider that the environment configures for everybody, held to the same forms as an organisation's."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from application.mailing import MailAccount
from domain.kernel import Email, Invalid

RESEND_API_URL = "https://api.resend.com"
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_KNOWN = frozenset({"host", "port", "username", "password", "security", "from_address", "from_name"})


def mail_account(group: Callable[[str], Mapping[str, str]]) -> MailAccount | None:
    """Read the account, Resend's before a mail server's, or refuse (`Invalid`) by the variable's name what is wrong."""
    resend, smtp = group("RESEND"), group("SMTP")
    return _resend(resend) if resend else _smtp(smtp) if smtp else None


def _resend(given: Mapping[str, str]) -> MailAccount:
    # The forms are read for those only who use them: `rapport --help` is to answer at once.
    from adapters.persistence.mail_accounts import resend_account
    from application.identity.integration_forms import read_credentials, read_settings, takes
    from domain.identity.integration import Provider

    secret = takes(Provider.RESEND)["credentials"]
    try:
        settings = read_settings(Provider.RESEND, {k: v for k, v in given.items() if k not in secret})
        credentials = read_credentials(Provider.RESEND, {k: v for k, v in given.items() if k in secret})
    except Invalid as refusal:
        raise Invalid(f"RAPPORT_RESEND_…: {refusal.message}") from None
    return resend_account(settings, credentials)


def _smtp(given: Mapping[str, str]) -> MailAccount:
    if unknown := sorted(set(given) - _KNOWN):
        raise Invalid(f"RAPPORT_SMTP_{unknown[0].upper()}: There is no such variable.")
    for name in ("host", "from_address"):
        if name not in given:
            raise Invalid(f"RAPPORT_SMTP_{name.upper()} must be set too when RAPPORT_SMTP_… is.")
    security = given.get("security", "starttls")
    if security not in _PORTS:
        raise Invalid("RAPPORT_SMTP_SECURITY must be starttls, tls or none.")
    port = given.get("port", str(_PORTS[security]))
    if not (port.isascii() and port.isdecimal() and 1 <= int(port) <= 65535):
        raise Invalid("RAPPORT_SMTP_PORT must be a port from 1 to 65535.")
    if ("username" in given) != ("password" in given):
        raise Invalid("RAPPORT_SMTP_USERNAME and RAPPORT_SMTP_PASSWORD: set both or neither.")
    try:
        address = Email(given["from_address"])
    except Invalid as refusal:
        raise Invalid(f"RAPPORT_SMTP_FROM_ADDRESS: {refusal.message}") from None
    settings = {
        "host": given["host"],
        "port": int(port),
        "security": security,
        "from_address": str(address),
        **{name: given[name] for name in ("username", "from_name") if name in given},
    }
    return MailAccount(
        "smtp",
        f"{settings['host']}:{port}",
        settings,
        {"password": given["password"]} if "password" in given else {},
        limit=timedelta(seconds=65),
    )
