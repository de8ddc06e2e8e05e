"""Clock times in an answer: those that the calendar offers in this turn; and a slot that is taken is the one named."""

import re

from domain.messaging.reply import Intent, Proposal
from domain.messaging.reply_facts import ReplyFacts

_HOURS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|"
    "diez|once|doce"
)
_TIME = re.compile(
    r"(?<!\d)(?:[01]?\d|2[0-3])[:.h][0-5]\d(?!\d)(?:\s?(?:am|pm|a\.m\.|p\.m\.))?|"
    r"(?<!\d)(?:1[0-2]|0?[1-9])\s?(?:am|pm|a\.m\.|p\.m\.)|"
    r"\b(?:at|by|around|till|until|a las?|o)\s+(?:[01]?\d|2[0-4])(?![\d:.h]\d|\d|\s?[ap]\.?m)|"
    rf"\b(?:at|around|a las?)\s+(?:{_HOURS})\b(?! of\b)|"
    rf"\b(?:\d{{1,2}}|{_HOURS})\s?o['’]?\s?clock\b|"
    rf"\b(?:half|quarter|\w+ minutes?) (?:past|to) (?:\d{{1,2}}|{_HOURS})\b|"
    rf"\b(?:{_HOURS})\s?(?:am|pm|thirty|fifteen)\b|"
    rf"\b(?:a las?|las) (?:{_HOURS}|\d{{1,2}}) (?:y|menos) (?:media|cuarto)\b|"
    r"\b(?:at noon|midday|midnight|mediodía|medianoche)\b",
    re.IGNORECASE,
)


def times(text: str, facts: ReplyFacts) -> str | None:
    """Find a time of day that the calendar does not offer."""
    known = {_clock(found.group()) for found in _TIME.finditer(facts.offered)}
    for found in _TIME.finditer(text):
        if _clock(found.group()) not in known:
            return f"“{found.group()}” is no time that the calendar offers."
    return None


def slot_taken(proposal: Proposal, facts: ReplyFacts) -> str | None:
    """Find a slot that nobody offered, or that is another than the text tells the lead."""
    offered = {slot.id: slot for slot in facts.slots}
    if proposal.slot is not None and proposal.slot not in offered:
        return "The slot is none of those that were offered."
    if proposal.intent is not Intent.ACCEPTS_SLOT:
        return None
    if proposal.slot is None:
        return "A slot is accepted, but which one is not said."
    text = proposal.text.lower()
    named = {slot.spoken.lower() for slot in facts.slots if slot.spoken.lower() in text}
    if named != {offered[proposal.slot].spoken.lower()}:
        return f"The text has to name the slot that is taken, and no other: {offered[proposal.slot].spoken}."
    return None


def _clock(time: str) -> str:
    return re.sub(r"(?<=\d)[.h](?=\d)", ":", re.sub(r"\s|\.(?!\d)", "", time.lower()))
