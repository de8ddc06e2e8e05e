"""What notifications say, in English and in Spanish."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from domain.coaching.canary import CanaryStatus
from domain.messaging.notification import Kind
from domain.messaging.reply import Reason
from domain.messaging.spoken import spoken

_WORDINGS: Mapping[str, Mapping[Kind, tuple[str, str]]] = {
    "en": {
        Kind.LEAD_HOT: ("{name} wants to go on", "{name} answered and wants to go on now."),
        Kind.PERSON_NEEDED: ("{name} waits for a person's answer", "{reason}"),
        Kind.PERSON_AWAITED: ("{name} has written", "A person holds the conversation, so that the AI does not answer."),
        Kind.BOOKING_MADE: ("A call with {name}: {when}", "A call with {name} is booked: {when} ({zone})."),
        Kind.BOOKING_MOVED: ("The call with {name} is now {when}", "The call was {before}; it is now {when} ({zone})."),
        Kind.BOOKING_CANCELLED: ("The call with {name} is off", "The call of {when} ({zone}) was cancelled. {reason}"),
        Kind.BOOKING_FAILED: ("No call with {name}", "The call of {when} ({zone}) could not be booked: {reason}"),
        Kind.TEXTING_FAILED: ("Texts do not leave through {provider}", "{reason} They wait until this is mended."),
        Kind.TRIAL_ENDED: ("The trial of the prompt {prompt} is over", "Version {number} {outcome}. {reason}"),
        Kind.INSIGHT_RAISED: (
            "{coach}: {title}",
            "{coach} found this with {name}; it is {severity}.",
        ),
        Kind.MAIL_FAILED: ("Mails do not leave through {provider}", "{reason} They wait until this is mended."),
        Kind.AI_FAILED: ("The AI cannot answer through {provider}", "{reason} People answer until this is mended."),
        Kind.CAMPAIGN_FINISHED: ("The campaign for {dataset} is done", "No touch of it is left to be sent."),
        Kind.IMPORT_FINISHED: (
            "The import into {dataset} is done",
            "{created} leads were created, {duplicates} were known, {failed} rows failed.",
        ),
        Kind.IMPORT_FAILED: ("The import into {dataset} failed", "{reason}"),
    },
    "es": {
        Kind.LEAD_HOT: ("{name} quiere seguir adelante", "{name} ha contestado y quiere seguir adelante ahora."),
        Kind.PERSON_NEEDED: ("{name} espera la respuesta de una persona", "{reason}"),
        Kind.PERSON_AWAITED: ("{name} ha escrito", "Una persona lleva la conversación: la IA no contesta."),
        Kind.BOOKING_MADE: ("Llamada con {name}: {when}", "Hay una llamada con {name}: {when} ({zone})."),
        Kind.BOOKING_MOVED: (
            "La llamada con {name} es ahora {when}",
            "La llamada era {before}; ahora es {when} ({zone}).",
        ),
        Kind.BOOKING_CANCELLED: ("Llamada con {name} cancelada", "Se canceló la llamada: {when} ({zone}). {reason}"),
        Kind.BOOKING_FAILED: ("No hay llamada con {name}", "No se pudo reservar ({when}, {zone}): {reason}"),
        Kind.TEXTING_FAILED: ("Los SMS no salen por {provider}", "{reason} Esperan hasta que se arregle."),
        Kind.TRIAL_ENDED: ("La prueba del prompt {prompt} ha terminado", "La versión {number} {outcome}. {reason}"),
        Kind.INSIGHT_RAISED: ("{coach}: {title}", "{coach} lo vio con {name}; es {severity}."),
        Kind.MAIL_FAILED: ("Los correos no salen por {provider}", "{reason} Esperan hasta que se arregle."),
        Kind.AI_FAILED: (
            "La IA no puede contestar por {provider}",
            "{reason} Contestan personas hasta que se arregle.",
        ),
        Kind.CAMPAIGN_FINISHED: ("La campaña de {dataset} ha terminado", "No queda ningún mensaje por enviar."),
        Kind.IMPORT_FINISHED: (
            "La importación en {dataset} ha terminado",
            "{created} contactos creados, {duplicates} ya conocidos, {failed} filas con errores.",
        ),
        Kind.IMPORT_FAILED: ("La importación en {dataset} ha fallado", "{reason}"),
    },
}
_REASONS_ES = {
    Reason.LOW_CONFIDENCE: "La IA no estaba bastante segura de su respuesta.",
    Reason.WRITER_ASKS: "La IA pide que conteste una persona.",
    Reason.DECLINED: "El modelo no ha querido contestar.",
    Reason.INJECTION: "El texto parece contener instrucciones para la IA.",
    Reason.FAILED_TWICE: "La IA no logró dos veces una respuesta que cumpla las reglas.",
    Reason.MODEL_AWAY: "Durante demasiado tiempo no se pudo contactar con el modelo.",
    Reason.ENDS_CONTACT: "Puede que no quiera saber más; confírmelo con una baja, o conteste.",
    Reason.BUDGET: "El presupuesto de hoy para respuestas de la IA está agotado.",
    Reason.UNKNOWN_SENDER: "El texto es de alguien que no es un contacto de ventas.",
    Reason.GIVEN_UP: "No se pudo escribir la respuesta; se ha abandonado.",
    Reason.REFUSED: "Las reglas no dejaron enviar la respuesta de la IA.",
    Reason.CALL_UNTOLD: "La IA reservó la llamada aceptada, pero no se lo ha dicho.",
    Reason.CALL_FAILED: "Se le habló de una llamada que no entró en el calendario.",
    Reason.CALL_CHANGE: "Quiere cancelar o cambiar la llamada reservada.",
}
_TRIALS = {
    "en": {CanaryStatus.PROMOTED: "is live for all now", CanaryStatus.ROLLED_BACK: "was taken back"},
    "es": {CanaryStatus.PROMOTED: "ya vale para todos", CanaryStatus.ROLLED_BACK: "se ha retirado"},
}
_SOMEBODY = {"en": "Somebody", "es": "Alguien"}
_LIST = {"en": "a list", "es": "una lista"}
_DIGESTS = {"en": "{count} notifications from {organization}", "es": "{count} notificaciones de {organization}"}
_LINKS = {
    "en": "All notifications: {url}/notifications\nWhat you are told, and how: {url}/settings/notifications",
    "es": "Todas las notificaciones: {url}/notifications\nQué recibe, y cómo: {url}/settings/notifications",
}


def language_of(locale: str) -> str:
    """Choose the language for an organisation's locale; English where there is no other."""
    language = locale[:2]
    return language if language in _WORDINGS else "en"


def worded(kind: Kind, locale: str, values: Mapping[str, str | int | None]) -> tuple[str, str]:
    """Give title and message; names keep to one line."""
    language = language_of(locale)
    title, message = _WORDINGS[language][kind]
    given = {name: " ".join(str(value).split()) for name, value in values.items() if value is not None}
    given = {"name": _SOMEBODY[language], "dataset": _LIST[language], "reason": ""} | {
        k: v for k, v in given.items() if v
    }
    return title.format_map(given)[:200], message.format_map(given)[:2000].strip()


def why(reason: Reason, locale: str) -> str:
    """Say why a person has to answer."""
    return _REASONS_ES[reason] if language_of(locale) == "es" else reason.sentence


def ended(status: CanaryStatus, locale: str) -> str:
    """Say how a prompt's trial ended."""
    return _TRIALS[language_of(locale)][status]


def when(at: datetime, zone: str, locale: str) -> str:
    """Say a time on the clocks of a zone."""
    return spoken(at.astimezone(ZoneInfo(zone)), language_of(locale))


def digest(locale: str, organization: str, count: int) -> str:
    """Give the subject of a day's digest."""
    return _DIGESTS[language_of(locale)].format(organization=organization, count=count)


def links(locale: str, url: str) -> str:
    """Say where everything is, and where to choose what is mailed."""
    return _LINKS[language_of(locale)].format(url=url)
