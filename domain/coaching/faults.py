"""The faults that rules find in a conversation: what a person would call one without having to ask.

Each check is a function of the thread. `FAULTS` is the whole list; whatever reviewer there is, these are always found.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from domain.coaching.fault_turns import after_a_no, offered_times, unanswered
from domain.coaching.finding import Category, Finding, Quote, ReviewedMessage, Severity, Thread
from domain.messaging.reply_contacts import links
from domain.messaging.reply_facts import WORD, ReplyFacts
from domain.messaging.reply_money import prices
from domain.messaging.segments import count_segments

MOST_SEGMENTS = 2
_NOTHING_OF_OURS = ReplyFacts(ours=(), theirs=(), prompt="")
_QUOTED = re.compile(r"“(.+)”", re.DOTALL)
_OPT_OUT = re.compile(
    r"\b(?:stop|opt[\s-]?out|unsubscribe|end texts|baja|cancelar|parar|wypisz|rezygnuj\w*)\b", re.IGNORECASE
)
_ABBREVIATIONS = frozenset({"STOP", "START", "HELP", "ASAP", "GMBH", "HTTP", "HTTPS", "ALTO", "BAJA", "PVCU", "UPVC"})
_SHOUTS = re.compile(r"[!?]{3,}|!{2,}")
_GREETING = re.compile(
    r"\b(?i:hi|hello|hey|dear|hola|buenos d[ií]as|buenas tardes|thanks|thank you|gracias|good (?:morning|afternoon))"
    r",? +(?P<name>[A-ZÀ-ÖØ-Ý][\w'’-]+)"
)
# What may follow a greeting with a capital and is nobody's name.
_NO_NAMES_OF_GREETINGS = """
    again all and buenas de everyone for folks friend from good great hello hope i i'd i'll i'm i've it it's just
    madam miss mr mrs ms muchas our por señor señora senor senora sir so team that the there this to we we'd we'll
    we're yes you your
"""
_NO_NAMES = frozenset(_NO_NAMES_OF_GREETINGS.split())


def shouting(thread: Thread) -> Iterator[Finding]:
    """Find two words or more in capitals side by side, and rows of exclamation marks."""
    for message in _ours(thread):
        loud = _loud(message.text, {word.upper() for word in WORD.findall(thread.organization)})
        if loud is not None:
            yield Finding(
                rule="shouting",
                category=Category.TONE,
                severity=Severity.WARNING,
                title="A message shouts",
                description="Capitals and rows of exclamation marks read as shouting, and carriers count them as spam.",
                suggestion="Write it in small letters with one mark at the end.",
                suggested_text=_calm(message.text),
                quotes=(Quote(message.id, loud),),
            )


def _loud(text: str, ours: set[str]) -> str | None:
    first: re.Match[str] | None = None
    last: re.Match[str] | None = None
    for found in WORD.finditer(text):
        word = found.group()
        if len(word) > 3 and word.isupper() and word not in _ABBREVIATIONS and word not in ours:
            first, last = first or found, found
        elif last is not None and last is not first:
            break
        else:
            first = last = None
    if first is not None and last is not None and first is not last:
        return text[first.start() : last.end()]
    marks = _SHOUTS.search(text)
    return None if marks is None else text[max(marks.start() - 20, 0) : marks.end()].lstrip()


def _calm(text: str) -> str:
    lowered = WORD.sub(
        lambda m: m.group().lower() if len(m.group()) > 3 and m.group().isupper() and m.group() not in _ABBREVIATIONS
        else m.group(),
        text,
    )  # fmt: skip
    calm = _SHOUTS.sub(lambda m: "?" if "?" in m.group() else ".", lowered)
    return calm[:1].upper() + calm[1:]


def link_first(thread: Thread) -> Iterator[Finding]:
    """Find a link in the first message that somebody gets."""
    first = next(_ours(thread), None)
    if first is None or not thread.begins or thread.messages[0].by == "lead":
        return
    told = links(first.text, _NOTHING_OF_OURS)
    if told is not None:
        yield Finding(
            rule="link_first",
            category=Category.COMPLIANCE,
            severity=Severity.WARNING,
            title="The first message holds a link",
            description="A link from a number that nobody knows looks like fraud, and carriers hold such texts back.",
            suggestion="Ask a question first; send the link when they have answered.",
            quotes=(Quote(first.id, _words(told)),),
        )


def no_opt_out(thread: Thread) -> Iterator[Finding]:
    """Find a first campaign text that does not say how to hear no more, nor does what we wrote before it."""
    first = next((message for message in thread.messages if message.by == "campaign"), None)
    said = [message.text for message in _ours(thread) if first is not None and message.at <= first.at]
    if first is not None and thread.begins and not any(_OPT_OUT.search(text) for text in said):
        yield Finding(
            rule="no_opt_out",
            category=Category.COMPLIANCE,
            severity=Severity.CRITICAL,
            title="The first campaign text does not say how to opt out",
            description="Whoever is written to for the first time must be told how to hear no more.",
            suggestion="End the campaign's first text with “Reply STOP to opt out.”",
            suggested_text=f"{first.text.rstrip()} Reply STOP to opt out.",
            quotes=(Quote(first.id, first.text[-120:].strip()),),
        )


def too_long(thread: Thread) -> Iterator[Finding]:
    """Find messages that take more than two segments."""
    for message in _ours(thread):
        counted = count_segments(message.text)
        if counted.segments > MOST_SEGMENTS:
            kind = "A campaign text" if message.by == "campaign" else "An answer"
            forced = f" “{counted.outside_gsm[0]}” alone makes it cost twice." if counted.outside_gsm else ""
            yield Finding(
                rule="too_long",
                category=Category.STRATEGY,
                severity=Severity.SUGGESTION,
                title=f"{kind} takes more than {MOST_SEGMENTS} segments",
                description=f"It is sent and paid as {counted.segments} texts.{forced}",
                suggestion="Say one thing, and leave the rest for when they answer.",
                quotes=(Quote(message.id, message.text[:120].strip()),),
            )


def price_promise(thread: Thread) -> Iterator[Finding]:
    """Find prices, discounts and promises that stand in no fact of ours."""
    said = [thread.organization, *thread.facts]
    for message in thread.messages:
        if message.by in ("ai", "person"):
            told = prices(message.text, ReplyFacts(ours=tuple(said), theirs=(), prompt=""))
            if told is not None:
                yield _price(message, _words(told))
        if message.by in ("campaign", "person"):
            said.append(message.text)


def _price(message: ReviewedMessage, words: str) -> Finding:
    by_ai = message.by == "ai"
    return Finding(
        rule="price_promise",
        category=Category.ACCURACY,
        severity=Severity.CRITICAL if by_ai else Severity.SUGGESTION,
        title="The AI names a price or makes a promise" if by_ai else "A person names a price that is in no fact",
        description="Whoever reads this may hold us to it."
        if by_ai
        else "The AI does not know it, so it will answer the next one otherwise.",
        suggestion="Say what the price depends on, and offer a call."
        if by_ai
        else "Put it into the facts of the business, if it holds for everybody.",
        suggested_text="That depends on the details. A colleague can go through it with you on the phone."
        if by_ai
        else None,
        quotes=(Quote(message.id, words),),
    )


def wrong_name(thread: Thread) -> Iterator[Finding]:
    """Find a greeting by a name that is not the lead's."""
    known = {part for name in (*thread.names, thread.organization) for part in _parts(name)}
    if not any(_parts(name) for name in thread.names):
        return
    for message in _ours(thread):
        for found in _GREETING.finditer(message.text):
            name = found["name"].removesuffix("'s").removesuffix("’s")
            if name.lower() not in _NO_NAMES and not set(_parts(name)) & known:
                yield Finding(
                    rule="wrong_name",
                    category=Category.ACCURACY,
                    severity=Severity.URGENT,
                    title="Somebody is called by another's name",
                    description="The name in the greeting is none that we know them by.",
                    suggestion="Correct the name, on the lead or in the text, and apologise.",
                    quotes=(Quote(message.id, found.group()),),
                )
                break


def _parts(name: str) -> list[str]:
    return [part for word in WORD.findall(name.lower()) for part in (word, *re.split(r"['’-]", word)) if part]


FAULTS: Sequence[Callable[[Thread], Iterator[Finding]]] = (
    after_a_no,
    price_promise,
    no_opt_out,
    wrong_name,
    unanswered,
    shouting,
    link_first,
    too_long,
    offered_times,
)
RULES = frozenset(
    {
        "after_opt_out", "after_a_no", "price_promise", "no_opt_out", "wrong_name", "unanswered", "shouting",
        "link_first", "too_long", "offered_times",
    }
)  # fmt: skip
"""The rules that are checked here, so that no other reviewer has to, or may, decide about them."""


def faults(thread: Thread) -> list[Finding]:
    """Find all of them, in the order of the list."""
    return [finding for check in FAULTS for finding in check(thread)]


def _ours(thread: Thread) -> Iterator[ReviewedMessage]:
    return (message for message in thread.messages if message.by != "lead")


def _words(sentence: str) -> str:
    """Take the quoted words out of a rule's sentence."""
    found = _QUOTED.search(sentence)
    assert found is not None, sentence
    return found[1].rstrip(".,;:")
