"""The faults, and the good turns, that only show between a lead's words and ours."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from domain.coaching.closed_questions import answer_to
from domain.coaching.finding import LONGEST_QUOTE, Category, Finding, Quote, ReviewedMessage, Severity, Thread
from domain.messaging.opt_out import fold, read

PATIENCE = timedelta(hours=1)
"""How soon a question that is asked again has gone unanswered."""
_NO = re.compile(
    r"\b(?:not interested|no longer interested|no,? thanks?|no,? thank you|not for me|don'?t want (?:it|this|any)|"
    r"already (?:bought|sorted|done|got one|had it done)|went with (?:some|an)|no me interesa|no,? gracias|"
    r"no lo quiero|nie jestem zainteresowan\w+|nie,? dziekuje)\b"
)


@dataclass(frozen=True, slots=True)
class _Topic:
    """Hold how a question of one kind is asked, and what every answer to it holds."""

    asked: re.Pattern[str]
    answered: re.Pattern[str]


def _topic(asked: str, answered: str) -> _Topic:
    return _Topic(re.compile(asked), re.compile(answered))


_CALLS = r"\b(?:call\w*|ring|phone|colleague|speak|talk|llam\w+|companer\w+|hablar)\b"
_TOPICS = (
    _topic(
        r"\bhow much\b|\bwhats?(?: is| are| would| will| does| do)? (?:the|your|it|this|that|you|they)? ?"
        r"(?:prices?|costs?|charge)\b|^\W*(?:and )?(?:(?:the|your|any) )?(?:prices?|costs?)(?: please)?\W*$|"
        r"\bcuanto (?:cuesta|vale|es)\b",
        r"\d|\b(?:depend\w*|price\w*|cost\w*|quote\w*|guess|estimate\w*|precio\w*|presupuesto)\b|" + _CALLS,
    ),
    _topic(
        r"\b(?:what time|when (?:can|could|will|would|are|is|do)|how soon|how long)\b|"
        r"^\W*(?:and )?when(?: please)?\W*$|\b(?:cuando|a que hora)\b",
        r"\d|\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|today|tomorrow|weeks?|lunes|martes|miercoles|jueves|"
        r"viernes|manana|semanas?)\b|" + _CALLS,
    ),
    _topic(
        r"\bwho(?:s| is) this\b|\bwho are you\b|\bwhose number\b|\bquien (?:es|eres)\b",
        r"\b(?:this is|its|we are|were|from|my name|i am|im|somos|soy|le escribimos)\b|{organization}",
    ),
    _topic(
        r"\bwhere (?:are|is|do) (?:you|your|it)\b|\bdonde (?:estan|estais|esta)\b",
        r"\b(?:in|at|near|based|cover|road|street|en|calle)\b",
    ),
)
_SHORT = 8
"""In so many words people ask without a question mark."""
_TWO_TIMES = re.compile(r"\d{1,2}(?:[:.]\d\d)?\s?(?:am|pm)?\b.*\b(?:or|o)\b.*\d{1,2}(?:[:.]\d\d)?.*\?", re.DOTALL)
_CONFIRMED = re.compile(r"\b(?:booking your call|booked|reservamos|confirmation will follow)\b", re.IGNORECASE)
_TAKEN = re.compile(
    r"\b(?:yes|yep|ok|okay|sure|good|great|fine|works|perfect|first|second|si|vale|bien|perfecto|primer[ao]|"
    r"segund[ao])\b|\d"
)


def unanswered(thread: Thread) -> Iterator[Finding]:
    """Find questions about price, time, place or who we are, and closed ones, that our next words do not touch on."""
    for place, message in enumerate(thread.messages):
        topic = _asked(message) if message.by == "lead" else None
        if topic is None:
            continue
        again = next((later for later in _rest_of_turn(thread, place) if _asked(later) == topic), None)
        if again is not None:
            if again.at - message.at >= PATIENCE:
                yield _asked_twice(message, again)
            continue
        ours = [one for one in thread.ours_after(place + len(_rest_of_turn(thread, place))) if one.by != "campaign"]
        wanted = topic.answered.pattern.replace("{organization}", re.escape(fold(thread.organization)))
        if ours and not re.search(wanted, "\n".join(fold(one.text) for one in ours)):
            yield _unanswered(message, ours[0])


def _asked(message: ReviewedMessage) -> _Topic | None:
    if "?" not in message.text and len(message.text.split()) > _SHORT:
        return None
    folded = fold(message.text)
    known = next((topic for topic in _TOPICS if topic.asked.search(folded)), None)
    answered = answer_to(folded) if known is None and not _ends_it(message.text) else None
    return known if answered is None else _Topic(answered, answered)


def _ends_it(text: str) -> bool:
    return read(text).kind == "stop" or _NO.search(fold(text)) is not None


def _rest_of_turn(thread: Thread, place: int) -> list[ReviewedMessage]:
    """Give what else the lead wrote after the message at this place, before we wrote."""
    rest: list[ReviewedMessage] = []
    for later in thread.messages[place + 1 :]:
        if later.by != "lead":
            break
        rest.append(later)
    return rest


def _asked_twice(first: ReviewedMessage, second: ReviewedMessage) -> Finding:
    return Finding(
        rule="unanswered",
        category=Category.STRATEGY,
        severity=Severity.WARNING,
        title="A question was asked twice before anybody answered",
        description="They waited for more than an hour and had to ask again.",
        suggestion="Answer questions while they are fresh, or say when an answer will come.",
        quotes=(_whole(first), _whole(second)),
    )


def _unanswered(question: ReviewedMessage, answer: ReviewedMessage) -> Finding:
    return Finding(
        rule="unanswered",
        category=Category.STRATEGY,
        severity=Severity.WARNING,
        title="A question was not answered",
        description="They asked something, and what we wrote next does not touch on it.",
        suggestion="Answer what they asked first, in one sentence; only then say what we want to say.",
        quotes=(_whole(question), _whole(answer)),
    )


def _whole(message: ReviewedMessage) -> Quote:
    return Quote(message.id, message.text.strip()[:LONGEST_QUOTE].strip())


def after_a_no(thread: Thread) -> Iterator[Finding]:
    """Find what was written after a STOP, and a second message after a clear no."""
    for place, message in enumerate(thread.messages):
        if message.by != "lead":
            continue
        ours = thread.ours_after(place)
        if read(message.text).kind == "stop":
            if ours:
                yield _after_stop(message, ours[0])
        elif len(ours) > 1 and _NO.search(fold(message.text)):
            yield _after_no(message, ours[1])


def _after_stop(stop: ReviewedMessage, written: ReviewedMessage) -> Finding:
    return Finding(
        rule="after_opt_out",
        category=Category.COMPLIANCE,
        severity=Severity.CRITICAL,
        title="A message went out after a wish to hear no more",
        description="They asked us to stop, and something was written to them all the same.",
        suggestion="Write nothing more; check that the number is suppressed.",
        quotes=(_whole(stop), _whole(written)),
    )


def _after_no(no: ReviewedMessage, written: ReviewedMessage) -> Finding:
    return Finding(
        rule="after_a_no",
        category=Category.TONE,
        severity=Severity.URGENT,
        title="A second message followed a clear no",
        description="They said no; one friendly word of thanks is enough.",
        suggestion="Thank them once and leave them alone, unless they write again.",
        quotes=(_whole(no), _whole(written)),
    )


def offered_times(thread: Thread) -> Iterator[Finding]:
    """Find what went well: two times were offered, and the next thing that the lead did was to take one."""
    for place, message in enumerate(thread.messages[:-2]):
        taken, told = thread.messages[place + 1], thread.messages[place + 2]
        if message.by not in ("ai", "person") or taken.by != "lead" or told.by == "lead":
            continue
        if _TWO_TIMES.search(message.text) and _TAKEN.search(fold(taken.text)) and _CONFIRMED.search(told.text):
            yield Finding(
                rule="offered_times",
                category=Category.STRATEGY,
                severity=Severity.INFO,
                title="Two times were offered, and one was taken",
                description="A choice between two times was answered at once, and a call was booked.",
                suggestion="Offer two times as soon as somebody wants a call.",
                quotes=(_whole(taken), _whole(message)),
            )
