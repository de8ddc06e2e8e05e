"""What an inbound text says about being texted: stop, start, help or nothing, in English, Spanish and Polish."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from domain.messaging.call_wishes import without_call_off
from domain.messaging.pleas import is_plea

_READ_AT_MOST = 2_000


@dataclass(frozen=True, slots=True)
class Reading:
    """Hold what a text says, and whether a keyword or a plea in other words said it."""

    kind: Literal["stop", "start", "help", "none"]
    certainty: Literal["keyword", "plea", "none"] = "none"


NOTHING = Reading("none")


def _spellings(words: str) -> re.Pattern[str]:
    """Match any of these words written without spaces, each letter repeated as often as people hold the key."""
    return re.compile("|".join("".join(f"{letter}+" for letter in word) for word in words.split()))


_KEYWORDS = (
    re.compile(r"(?:s+t+o+p+)+(?:a+l+l+)?|(?:e+n+d+)+|(?:q+u+i+t+)+|c+a+n+c+e+l+|r+e+v+o+k+e+"),
    re.compile(r"u+n+s+u+b+s+c+r+i+b+e+d?(?:me|us)?|i?(?:want(?:to)?|wishto|wouldliketo)?o+p+t+(?:me)?o+u+t+"),
    re.compile(r"(?:(?:reply|text|send|txt)stop|stop(?:to|2)(?:optout|end|quit|cancel|unsubscribe))"),
    _spellings(
        "stpo sotp tsop syop unsub unsuscribe unsubcribe unsubsribe unsubscibe unsubscrib dnc removeme remove block "
        "arret"
    ),
    _spellings("baja parar pare paren detener basta cancelar darmedebaja desuscribir desuscribirme"),
    _spellings("wypisz wypisac rezygnuje rezygnacja przestan przestancie anuluj koniec"),
)
_START = _spellings("start unstop")
_HELP = _spellings("help info ayuda pomoc")
# Alone in a clause of a longer text only these are plain; "end", "quit" and "cancel" mean too much else there.
_CLAUSE = re.compile(
    r"(?:s+t+o+p+)+(?:a+l+l+)?|(?:stop|quit|cease)(?:it|this|that|doingthis|messaging|texting)?(?:now|already)?|"
    r"unsubscribe|unsub|optout|optmeout|revoke|(?:remove|delete)(?:(?:me|us|thisnumber|mynumber|thisphone)|$)(?:now|"
    r"immediately|asap)?"
)

_COURTESY = re.compile(
    r"\b(?:pl+e+a+s+e+|pls+|plz+|plse|kindly|thank you|thanks?|thankyou|thx|ty|tnx|cheers|hi|hello|hey|ok|okay|just|"
    r"right now|immediately|asap|now|sir|madam|mate|i said|por favor|porfavor|porfa|gracias|hola|ya|prosze|dziekuje|"
    r"dzieki|dzien dobry)\b"
)
_REACTION = re.compile(
    r"\W*(?:liked|loved|disliked|laughed at|emphasi[sz]ed|questioned|reacted \S+ to|removed an? \w+ from)\s*[\"“«]"
)
_SHOUTED = re.compile(
    r"\s*(?:STOP|UNSUBSCRIBE)\s+(?!by\b|over\b|in\b|off\b|at\b|sign\b|the\b|being\b|before\b|and\b|"
    r"worrying\b)(?=.*[a-z])"
)
_CLAUSE_END = re.compile(r"[.!?;:,\n\r…–—()\"“”«»]+|\s-+\s")

_UNFOLDED = str.maketrans(
    {"ł": "l", "ø": "o", "’": None, "‘": None, "'": None, "`": None, "´": None, "¡": " ", "¿": " ", "_": " "}
)
_GO_ON = re.compile(r"\b(?:do ?nt|do not|never)(?: want to)? (?:stop|unsubscribe|take me off|remove me)\b")
_OUR_OWN_FOOTER = re.compile(r"\b(?:reply|text|send|txt) stop (?:to|2) (?:opt out|\w+)(?: of \w+)?")


def fold(text: str) -> str:
    """Give a text as it is read: small letters without marks, apostrophes or full-width forms."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_UNFOLDED)
    marks = unicodedata.normalize("NFD", plain)
    return "".join(c for c in marks if unicodedata.category(c) not in ("Mn", "Cf"))


def _is(clause: str, pattern: re.Pattern[str]) -> bool:
    return pattern.fullmatch("".join(c for c in _COURTESY.sub(" ", clause) if c.isalnum())) is not None


def read(text: str) -> Reading:
    """Read an inbound text: a keyword alone in any spelling, or a plea in other words; STOP outweighs all.

    Only the first 2,000 characters are read. A phone's reaction that quotes our own text (Liked “…”) says nothing.
    """
    folded = fold(text[:_READ_AT_MOST])
    if _REACTION.match(folded):
        return NOTHING
    pieces = (" ".join(re.findall(r"\w+", piece)) for piece in _CLAUSE_END.split(folded))
    clauses = [piece for piece in pieces if piece]
    whole = " ".join(clauses)
    if not whole:
        return Reading("stop", "keyword") if "🛑" in text else NOTHING
    if any(_is(whole, pattern) for pattern in _KEYWORDS) or _is(clauses[0], _CLAUSE) or _is(clauses[-1], _CLAUSE):
        return Reading("stop", "keyword")
    if _SHOUTED.match(text):
        return Reading("stop", "keyword")
    if _is(whole, _START):
        return Reading("start", "keyword")
    if _is(whole, _HELP):
        return Reading("help", "keyword")
    if not _GO_ON.search(folded) and is_plea(_but_for_a_call(_OUR_OWN_FOOTER.sub(" ", folded))):
        return Reading("stop", "plea")
    return NOTHING


def _but_for_a_call(folded: str) -> str:
    """Leave out that a call is to be taken off, with the courtesies about it: who wants that still wants our texts."""
    rest = without_call_off(folded)
    if rest is None:
        return folded
    said = _COURTESY.sub(" ", rest)
    return said if any(c.isalnum() for c in said) else ""
