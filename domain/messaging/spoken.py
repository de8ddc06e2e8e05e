"""How a time is said in a text, on clocks that stand for themselves: `Tuesday 23 March at 14:00`."""

from datetime import datetime

_DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
}
_MONTHS = {
    "en": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ),
    "es": (
        "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre",
        "diciembre",
    ),
}  # fmt: skip
_FORMS = {"en": "{day} {n} {month} at {time}", "es": "el {day} {n} de {month} a las {time}"}
LANGUAGES = tuple(_FORMS)
_IN_DIGITS = "%Y-%m-%d, %H:%M"


def spoken(at: datetime, language: str) -> str:
    """Say a local time in English, or in Spanish."""
    known = language if language in _FORMS else "en"
    return _FORMS[known].format(
        day=_DAYS[known][at.weekday()], n=at.day, month=_MONTHS[known][at.month - 1], time=f"{at:%H:%M}"
    )


def offered(at: datetime, language: str | None) -> str:
    """Say a local time in English or in Spanish, and in digits to whoever writes in another language."""
    return spoken(at, language) if language in _FORMS else f"{at:{_IN_DIGITS}}"


def ways_to_offer(at: datetime) -> tuple[str, ...]:
    """List all that `offered` may have said of a local time."""
    return tuple(offered(at, language) for language in (*LANGUAGES, None))
