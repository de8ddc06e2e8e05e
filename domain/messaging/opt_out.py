"""What an inbound text says about being texted: stop, start, help or nothing, in English, Spanish and Polish."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from domain.messaging.pleas import asks_to_end
from domain.messaging.revocations import SENTENCES, Language

_READ_AT_MOST = 2_000


@dataclass(frozen=True, slots=True)
class Reading:
    """Hold what a text says, the folded wording that said it, its language, and whether a keyword or a sentence did."""

    kind: Literal["stop", "start", "help", "none"]
    wording: str = ""
    language: Language = ""
    certainty: Literal["keyword", "sentence", "none"] = "none"


NOTHING = Reading("none")


def _spellings(words: str) -> re.Pattern[str]:
    """Match any of these words written without spaces, each letter repeated as often as people hold the key."""
    return re.compile("|".join("".join(f"{letter}+" for letter in word) for word in words.split()))


_KEYWORDS: tuple[tuple[Language, re.Pattern[str]], ...] = (
    ("en", re.compile(r"(?:s+t+o+p+)+(?:a+l+l+)?|(?:e+n+d+)+|(?:q+u+i+t+)+|c+a+n+c+e+l+|r+e+v+o+k+e+")),
    ("en", re.compile(r"u+n+s+u+b+s+c+r+i+b+e+d?(?:me|us)?|i?(?:want(?:to)?|wishto|wouldliketo)?o+p+t+(?:me)?o+u+t+")),
    ("en", re.compile(r"(?:(?:reply|text|send|txt)stop|stop(?:to|2)(?:optout|end|quit|cancel|unsubscribe))")),
    (
        "en",
        _spellings(
            "stpo sotp tsop syop unsub unsuscribe unsubcribe unsubsribe unsubscibe unsubscrib dnc removeme remove "
            "block arret"
        ),
    ),
    ("es", _spellings("baja parar pare paren detener basta cancelar darmedebaja desuscribir desuscribirme")),
    ("pl", _spellings("wypisz wypisac rezygnuje rezygnacja przestan przestancie anuluj koniec")),
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

_SENTENCE_END = re.compile(r"[.!?;\n\r…]+|\s-+\s")
_AND = re.compile(
    r" (?:and|but|so) (?=(?:please|stop|quit|cease|dont|do not|never|no more|remove|delete|take me|take us)\b)"
)
# "Don't call me, text me" chooses texts.
_RATHER_TEXTS = re.compile(
    r"\b(?:text|txt|message|whatsapp|sms)(?:s|ing)? (?:me|instead|only|(?:is|are|works|suits) )|\b(?:napisz|"
    r"wyslij) sms|"
    r"\b(?:manda\w*|escrib\w+) (?:un |me )?(?:whatsapp|sms|mensaje)|\bpisz(?:cie)? do mnie"
)
_CALLS_ONLY = re.compile(r"\b(?:call|ring|phone|dzwon\w*|e-?mail\w*|llam\w+)(?: me| us)?$")

_UNFOLDED = str.maketrans(
    {"ł": "l", "ø": "o", "’": None, "‘": None, "'": None, "`": None, "´": None, "¡": " ", "¿": " ", "_": " "}
)
_OUR_OWN_FOOTER = re.compile(r"\b(?:reply|text|send|txt) stop (?:to|2) (?:opt out|\w+)(?: of \w+)?")


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_UNFOLDED)
    marks = unicodedata.normalize("NFD", plain)
    return "".join(c for c in marks if unicodedata.category(c) not in ("Mn", "Cf"))


def _keyword(clause: str, pattern: re.Pattern[str]) -> str | None:
    joined = "".join(c for c in _COURTESY.sub(" ", clause) if c.isalnum())
    return joined if pattern.fullmatch(joined) else None


def read(text: str) -> Reading:
    """Read an inbound text: a keyword alone in any spelling, or a sentence that plainly revokes; STOP outweighs all.

    Only the first 2,000 characters are read. A phone's reaction that quotes our own text (Liked “…”) says nothing.
    """
    folded = _fold(text[:_READ_AT_MOST])
    if _REACTION.match(folded):
        return NOTHING
    pieces = (" ".join(re.findall(r"\w+", piece)) for piece in _CLAUSE_END.split(folded))
    clauses = [piece for piece in pieces if piece]
    whole = " ".join(clauses)
    if not whole:
        return Reading("stop", "🛑", "", "keyword") if "🛑" in text else NOTHING
    for language, pattern in _KEYWORDS:
        if found := _keyword(whole, pattern):
            return Reading("stop", found, language, "keyword")
    for clause in (clauses[0], clauses[-1]):
        if found := _keyword(clause, _CLAUSE):
            return Reading("stop", found, "en", "keyword")
    if shouted := _SHOUTED.match(text):
        return Reading("stop", shouted[0].strip().casefold(), "en", "keyword")
    return _sentence([*clauses, whole]) or _plea(folded, clauses) or _restart_or_help(whole)


def _sentence(clauses: list[str]) -> Reading | None:
    pieces = [piece for clause in clauses for piece in (clause, *_AND.split(clause)[1:])]
    for clause in (_OUR_OWN_FOOTER.sub(" ", clause) for clause in pieces):
        for language, sentence, unless in SENTENCES:
            match = sentence.search(clause)
            if match and not (unless and unless.search(clause)) and not _wants_texts(match[0], clauses[-1]):
                return Reading("stop", match[0].strip(), language, "sentence")
    return None


def _plea(folded: str, clauses: list[str]) -> Reading | None:
    whole = " ".join(clauses)
    sentences = (" ".join(re.findall(r"\w+", piece)) for piece in _SENTENCE_END.split(folded))
    for clause in (_OUR_OWN_FOOTER.sub(" ", clause) for clause in (*clauses, *sentences)):
        if asks_to_end(clause, whole):
            return Reading("stop", clause.strip(), "en", "sentence")
    return None


def _restart_or_help(whole: str) -> Reading:
    if found := _keyword(whole, _START):
        return Reading("start", found, "en", "keyword")
    if found := _keyword(whole, _HELP):
        return Reading("help", found, "en", "keyword")
    return NOTHING


def _wants_texts(wording: str, whole: str) -> bool:
    return bool(_CALLS_ONLY.search(wording) and _RATHER_TEXTS.search(whole))
