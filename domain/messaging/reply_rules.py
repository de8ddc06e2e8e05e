"""What an answer may say: pure rules over a proposal and the facts it was written from; each refusal is a reason."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.messaging.languages import language_of
from domain.messaging.reply import Intent, Proposal, Reason
from domain.messaging.segments import count_segments

DEFAULT_THRESHOLD = 0.6
DEFAULT_SEGMENTS = 2
_ECHOED = 7
_LEAKED = 8


@dataclass(frozen=True, slots=True)
class Slot:
    """Hold a time that the calendar offers in this turn; `spoken` is how it is said on the lead's own clocks."""

    id: str
    starts_at: datetime
    spoken: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyFacts:
    """Hold what an answer may rest on: `ours` is what we know and said, `theirs` what the lead wrote, latest last."""

    ours: Sequence[str]
    theirs: Sequence[str]
    prompt: str
    slots: Sequence[Slot] = ()
    language: str | None = None
    threshold: float = DEFAULT_THRESHOLD
    most_segments: int = DEFAULT_SEGMENTS


@dataclass(frozen=True, slots=True)
class Breach:
    """Say which rule an answer breaks, in a sentence that its writer can mend it by."""

    rule: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """Say what becomes of a proposal: sent (neither), given to a person, or written again because of breaches."""

    hand_over: Reason | None = None
    breaches: tuple[Breach, ...] = ()

    @property
    def may_go(self) -> bool:
        """Tell whether the answer may be submitted."""
        return self.hand_over is None and not self.breaches

    @property
    def may_be_shown(self) -> bool:
        """Tell whether a person may be offered it to approve: also where the writer is not sure enough to go alone."""
        return not self.breaches and self.hand_over in (None, Reason.LOW_CONFIDENCE)


def judge(proposal: Proposal, facts: ReplyFacts) -> Judgement:
    """Decide on a proposal; a wish to end contact is never answered, however good the answer reads."""
    if proposal.intent is Intent.ENDS_CONTACT:
        return Judgement(Reason.ENDS_CONTACT)
    if proposal.needs_person is not None:
        return Judgement(Reason.WRITER_ASKS)
    if proposal.confidence < facts.threshold:
        return Judgement(Reason.LOW_CONFIDENCE, breaches(proposal, facts))
    return Judgement(breaches=breaches(proposal, facts))


def breaches(proposal: Proposal, facts: ReplyFacts) -> tuple[Breach, ...]:
    """List the rules that an answer breaks, in order."""
    found = [Breach(name, sentence) for name, rule in _RULES if (sentence := rule(proposal.text, facts)) is not None]
    offered = {slot.id for slot in facts.slots}
    if proposal.slot is not None and proposal.slot not in offered:
        found.append(Breach("slot", "The slot is none of those that were offered."))
    if proposal.intent is Intent.ACCEPTS_SLOT and proposal.slot is None:
        found.append(Breach("slot", "A slot is accepted, but which one is not said."))
    return tuple(found)


_Rule = Callable[[str, ReplyFacts], str | None]
_AMOUNT = re.compile(
    r"[$£€¥₹]\s?\d[\d.,]*\s?[km]?\b|\b\d[\d.,]*\s?(?:[$£€¥₹%]|k\b|percent|per cent|pounds?|quid|euros?|dollars?|"
    r"cents|p\b|"
    r"gbp|eur|usd|pln|zł|libras?|dólares?|dolares?|por ciento|złotych)",
    re.IGNORECASE,
)
_MONEY_WORD = re.compile(
    r"[$£€¥₹]|\b(?:pounds?|quid|euros?|dollars?|gbp|eur|usd|libras? esterlinas|dólares|dolares|percent|per cent|"
    r"discount\w*|"
    r"refund\w*|guarante\w*|free of charge|for free|gratis|descuento\w*|reembols\w*|garantiz\w*|gratuit\w*|cheapest|"
    r"promis\w*|owes?|legally binding|promet\w*|half price|mitad de precio|rabat\w*)(?!\w)",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"(?:https?|ftp|mailto|tel|sms|javascript|data):\S+|\bwww\.\S+|[\w.+-]+@[\w-]+(?:\.\w+)*|"
    r"\b[a-z0-9][a-z0-9-]*(?:\.|\s?\[?\(?dot\)?\]?\s?)(?:com|net|org|io|co|uk|es|eu|info|biz|ly|me|xyz|app|dev|link|"
    r"site|"
    r"online|shop|pl|de|fr|ai|gg|to|tv|ru|cn)\b(?:/\S*)?|\b\d{1,3}(?:\.\d{1,3}){3}\b|\w+://",
    re.IGNORECASE,
)
_PHONE = re.compile(r"\+?\(?\d(?:[\s().-]*\d){6,}")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_TIME = re.compile(r"\b(?:[01]?\d|2[0-3])[:.h][0-5]\d\b|\b(?:1[0-2]|0?[1-9])\s?(?:am|pm|a\.m\.|p\.m\.)", re.IGNORECASE)
_NUMBER_WORDS = re.compile(
    r"\b(?:zero|one|two|three|four|five|six|seven|eight|nine|oh)(?:[\s-]+(?:zero|one|two|three|four|five|six|seven|"
    r"eight|"
    r"nine|oh|double|triple)){5,}\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SENTENCE_START = re.compile(r"(?:^|[.!?:…\n¡¿(\"“«]\s*|[-–—]\s+)$")
_LEAKS = re.compile(
    r"system prompt|my (?:instructions|prompt|rules|guidelines|programming)|as an ai\b|language model|i am an ai|"
    r"i'm an ai|"
    r"propose_reply|tool_use|\b(?:json|xml)\b|anthropic|claude|chatgpt|openai|<[^>]{1,40}>|[{}\[\]`|\\]|"
    r"mis instrucciones|como (?:una )?ia\b|modelo de lenguaje|confidence|reasoning|developer mode|jailbr\w+|"
    r"\bignor\w+ (?:all|previous|my|the)\b|other (?:leads|customers|clients)|otros clientes",
    re.IGNORECASE,
)
_ARGUES = re.compile(
    r"\b(?:before you (?:go|unsubscribe|opt out)|why do(?:n't)? you want to (?:stop|opt out|unsubscribe)|"
    r"are you sure you want to (?:stop|opt out|unsubscribe)|(?:cannot|can't|won't) (?:opt out|unsubscribe|stop)|"
    r"antes de darse de baja|por qué quiere(?:s)? darse de baja|no puede(?:s)? darse de baja)\b",
    re.IGNORECASE,
)
_CAPITALS_OF_OUR_OWN = frozenset(
    {"i", "i'd", "i'm", "i'll", "i've", "ok", "sms", "uk", "usa", "eu", "stop", "start", "help"}
)


def _empty(text: str, _facts: ReplyFacts) -> str | None:
    return None if _WORD.search(text) else "The answer says nothing."


def _length(text: str, facts: ReplyFacts) -> str | None:
    segments = count_segments(text).segments
    if segments <= facts.most_segments:
        return None
    return f"The answer takes {segments} segments; at most {facts.most_segments} may be sent."


def _characters(text: str, _facts: ReplyFacts) -> str | None:
    for c in text:
        if (unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Cn") and c not in "\n\u200d") or ord(c) >= 0xE0000:
            return "The answer holds characters that nobody sees."
    foreign = {unicodedata.name(c, "?").split()[0] for c in text if c.isalpha()} - {"LATIN", "MASCULINE", "FEMININE"}
    return f"The answer is partly written in another alphabet ({min(foreign).lower()})." if foreign else None


def _prices(text: str, facts: ReplyFacts) -> str | None:
    known = _squeezed(" ".join(facts.ours))
    for found in (*_AMOUNT.finditer(text), *_MONEY_WORD.finditer(text)):
        if _squeezed(found.group()) not in known:
            return f"“{found.group().strip()}” is no price, discount or promise of ours."
    return None


def _links(text: str, facts: ReplyFacts) -> str | None:
    known = " ".join(facts.ours).lower()
    for found in _LINK.finditer(text):
        if found.group().rstrip(".,;!?").lower() not in known:
            return f"“{found.group()}” is no address of ours."
    return None


def _phones(text: str, facts: ReplyFacts) -> str | None:
    known = _digits(" ".join(facts.ours))
    for found in _PHONE.finditer(text):
        if _digits(found.group()) not in known:
            return f"“{found.group().strip()}” is no number of ours."
    return "A number is spelled out in words." if _NUMBER_WORDS.search(text) else None


def _numbers(text: str, facts: ReplyFacts) -> str | None:
    said = " ".join((*facts.ours, *facts.theirs, *(slot.spoken for slot in facts.slots)))
    known = set(_NUMBER.findall(said)) | {part for n in _NUMBER.findall(said) for part in re.split(r"\D", n)}
    unknown = [n for n in _NUMBER.findall(text) if n not in known]
    return f"The number {unknown[0]} stands in no fact." if unknown else None


def _times(text: str, facts: ReplyFacts) -> str | None:
    known = _squeezed(" ".join((*facts.ours, *(slot.spoken for slot in facts.slots))))
    for found in _TIME.finditer(text):
        if _squeezed(found.group()) not in known:
            return f"{found.group()} is no time that the calendar offers."
    return None


def _names(text: str, facts: ReplyFacts) -> str | None:
    """Find words that are capitalised within a sentence, or shouted anywhere, and stand in nothing of our own."""
    spoken = (*facts.ours, *(slot.spoken for slot in facts.slots))
    known = {part for word in _WORD.findall(" ".join(spoken).lower()) for part in (word, *re.split(r"['’-]", word))}
    for found in _WORD.finditer(text):
        word = found.group()
        shouted = len(word) > 3 and word.isupper()
        inside = word[0].isupper() and _SENTENCE_START.search(text[: found.start()]) is None
        plain = word.lower().replace("’", "'")
        if (inside or shouted) and not {plain, plain.removesuffix("'s")} & (known | _CAPITALS_OF_OUR_OWN):
            return f"“{word}” is a name that stands in no fact."
    return None


def _leak(text: str, facts: ReplyFacts) -> str | None:
    if _LEAKS.search(text):
        return "The answer speaks of the machine, not to the person."
    if _shared(text, facts.prompt, _LEAKED):
        return "The answer repeats its instructions."
    return None


def _echo(text: str, facts: ReplyFacts) -> str | None:
    if any(_shared(text, theirs, _ECHOED) for theirs in facts.theirs):
        return "The answer repeats the person's own words at length."
    return None


def _argues(text: str, _facts: ReplyFacts) -> str | None:
    return "The answer argues with a wish to hear no more." if _ARGUES.search(text) else None


def _language(text: str, facts: ReplyFacts) -> str | None:
    written = language_of(text)
    if facts.language is None or written is None or written == facts.language:
        return None
    return f"The answer is in another language ({written}) than the person's ({facts.language})."


_RULES: tuple[tuple[str, _Rule], ...] = (
    ("empty", _empty),
    ("length", _length),
    ("characters", _characters),
    ("price", _prices),
    ("link", _links),
    ("phone", _phones),
    ("number", _numbers),
    ("time", _times),
    ("name", _names),
    ("leak", _leak),
    ("echo", _echo),
    ("opt_out", _argues),
    ("language", _language),
)


def _squeezed(text: str) -> str:
    return re.sub(r"[\s,]", "", text.lower())


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _shared(text: str, other: str, length: int) -> bool:
    """Tell whether a run of so many words stands in both."""
    ours, theirs = _WORD.findall(text.lower()), _WORD.findall(other.lower())
    runs = {tuple(theirs[i : i + length]) for i in range(len(theirs) - length + 1)}
    return any(tuple(ours[i : i + length]) in runs for i in range(len(ours) - length + 1))
