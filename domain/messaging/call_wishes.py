"""Whether a text asks to have a call taken off or put to another time, in English, Spanish and Polish."""

import re

_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?|todays?|tomorrows?|next|lunes|martes|miercoles|jueves|viernes"
_WHICH = (
    rf"(?:(?:my|the|our|that|this|a|mi|la|el|nuestra|esta|una|moj[ae]?|ta|te|to|nasz[ae]?)\s+)?(?:(?:{_DAY}|phone|booked|"
    r"planned|upcoming|morning|afternoon|\d\w*)\s+){0,2}"
)
# Who wants no more calls, or no reminders of them, pleads for an end.
_CALL = (
    r"(?:call|callback|appointment|appt|booking|meeting|slot|visit|cita|llamada|reserva|reunion|visita|rozmow[eay]|"
    r"spotkani[ea]|wizyt[eay]|termin|rezerwacj[ei])\b(?! ?(?:reminder|text|message|alert|notification|sms|update|list|"
    r"cent|recordatorio))"
)
_OFF = r"(?:cancel(?:ling|ing|a|ar|e|en|o)?|call off|anul\w+|odwol\w+)"
_ELSEWHERE = (
    r"(?:mov(?:e|ing)|chang(?:e|ing)|swap|put (?:back|off)|push back|bring forward|cambi\w+|muev\w+|mover|aplaz\w+|"
    r"przel\w+|przes\w+|zmien\w+)"
)
# Who writes not to cancel it wants the call, and no end of anything.
_NOT = r"(?:do ?nt|do not|did ?nt|did not|never|no|nie)(?: want to)?"
_OFF_IT = re.compile(rf"\b(?:{_NOT} )?{_OFF} {_WHICH}{_CALL}")
_CHANGED = re.compile(
    rf"\b(?:{_OFF}|{_ELSEWHERE}) {_WHICH}{_CALL}|\b(?:reschedul|rearrang|postpon|reprogram|pospon)\w*|"
    r"\b(?:to|we|i|you|could|can|please|must) (?:cancel|call off)\b|"
    r"\b(?:cant|cannot|wont|unable to|not able to|no puedo)\b(?: be able to)? (?:make|do|take|attend) "
    rf"(?:it|{_WHICH}{_CALL})"
)


def without_call_off(folded: str) -> str | None:
    """Give a folded text (`opt_out.fold`) without its wish to have a call taken off, or None where it has none."""
    rest, found = _OFF_IT.subn(" ", _on_one_line(folded))
    return rest if found else None


def asks_to_change_call(folded: str) -> bool:
    """Tell whether a folded text of somebody who has a call wants that one cancelled or moved."""
    return _CHANGED.search(_on_one_line(folded)) is not None


def _on_one_line(folded: str) -> str:
    return " ".join(folded.split())
