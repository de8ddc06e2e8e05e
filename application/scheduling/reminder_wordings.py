"""What reminders of calls say, in English and in Spanish."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from application.mails import one_line
from domain.messaging.spoken import spoken

_TEXTS = {
    "en": "Reminder from {organization}: your call is on {when}. Reply here if you need another time.",
    "es": "Recordatorio de {organization}: su llamada es {when}. Responda aquí si necesita otra hora.",
}
_MAILS: Mapping[str, tuple[str, str, str]] = {
    "en": ("Your call with {organization}: {when}", "Hello,\n\nyour call with {organization} is on {when}.\n\n{place}",
           "We will ring you.\n"),
    "es": ("Su llamada con {organization}: {when}", "Hola:\n\nSu llamada con {organization} es {when}.\n\n{place}",
           "Le llamaremos.\n"),
}  # fmt: skip


def text_of(language: str, organization: str, at: datetime, zone: str) -> str:
    """Word a reminder by text."""
    return _TEXTS.get(language, _TEXTS["en"]).format(organization=organization, when=_said(at, zone, language))


def mail_of(language: str, organization: str, at: datetime, zone: str, url: str | None) -> tuple[str, str]:
    """Word a reminder by mail: subject and body."""
    subject, body, rings = _MAILS.get(language, _MAILS["en"])
    values = {"organization": organization, "when": _said(at, zone, language), "place": f"{url}\n" if url else rings}
    return subject.format_map(values | {"organization": one_line(organization)}), body.format_map(values)


def _said(at: datetime, zone: str, language: str) -> str:
    local = at.astimezone(ZoneInfo(zone))
    return f"{spoken(local, language)} ({local:%Z})"
