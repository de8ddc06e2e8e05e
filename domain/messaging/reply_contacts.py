"""Links, addresses and phone numbers in an answer: those that stand in our own facts as a whole, and no others."""

import re

from domain.messaging.reply_facts import ReplyFacts, without_slots

_DOT = "[.。．｡]"
_SPELLED_ENDS = (
    "com|net|org|io|co|uk|es|eu|info|biz|ly|me|xyz|app|dev|link|site|online|shop|pl|de|fr|ai|gg|to|tv|ru|cn|top|win"
)
_LINK = re.compile(
    r"(?:https?|ftp|mailto|tel|sms|javascript|data):\S+|\w+://\S*|[\w.+-]+@[\w-]+(?:\.\w+)*|"
    rf"[\w-]+(?:{_DOT}[\w-]+)*{_DOT}[^\W\d_]{{2,}}[\w-]*(?:[/:?#]\S*)?|"
    rf"\b[\w-]+(?:\s+{_DOT}\s*|\s?[\[(]?\b(?:dot|punto|kropka)\b[\])]?\s?)(?:{_SPELLED_ENDS})\b(?:/\S*)?|"
    r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?:[/:]\S*)?",
    re.IGNORECASE,
)
_NO_LINKS = frozenset({"p.ej", "a.m", "p.m", "e.g", "i.e"})
_PHONE = re.compile(r"\d(?:[\W_]*\d){6,}")
_SPELLED = re.compile(r"(?<!\d)\d(?:[\W_]+\d(?!\d)){4,}")
_DIGIT_WORD = r"zero|one|two|three|four|five|six|seven|eight|nine|oh|double|triple"
_DIGIT_WORD_ES = r"cero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|doble"
_IN_WORDS = re.compile(
    rf"\b(?:{_DIGIT_WORD})(?:[\W_]+(?:{_DIGIT_WORD})){{3,}}\b|"
    rf"\b(?:{_DIGIT_WORD_ES})(?:[\W_]+(?:{_DIGIT_WORD_ES})){{3,}}\b",
    re.IGNORECASE,
)


def links(text: str, facts: ReplyFacts) -> str | None:
    """Find whatever a phone would make a link of, and what a person would read as one."""
    found_in_ours = {_address(found.group()) for found in _LINK.finditer(facts.stated)}
    known = found_in_ours | {re.split(r"[/?#:]", address)[0] for address in found_in_ours}
    for found in _LINK.finditer(text):
        address = _address(found.group())
        if address not in known and address not in _NO_LINKS:
            return f"“{found.group()}” is no address of ours."
    return None


def phones(text: str, facts: ReplyFacts) -> str | None:
    """Find numbers to ring or text, in digits with whatever between them, or in words."""
    known = {_digits(found.group()) for found in _PHONE.finditer(facts.stated)}
    said = without_slots(text, facts.slots)
    for pattern in (_PHONE, _SPELLED):
        for found in pattern.finditer(said):
            if _digits(found.group()) not in known:
                return f"“{found.group().strip()}” is no number of ours."
    return "A number is spelled out in words." if _IN_WORDS.search(text) else None


def _address(link: str) -> str:
    return re.sub(r"^https?://(?:www\.)?|^www\.", "", link.lower()).rstrip(".,;:!?)/")


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)
