"""A writer by rules: deterministic, in English and Spanish, good enough that conversations read well."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from adapters.ai.sandbox_openings import opening_text
from adapters.ai.sandbox_teaching import as_prompted, lesson_for, offering
from application.messaging.reply_writing import WritingTask, Written
from application.model_calls import Usage
from domain.messaging.call_wishes import asks_to_change_call
from domain.messaging.languages import language_of
from domain.messaging.opt_out import fold
from domain.messaging.reply import Intent, Proposal, Sentiment
from domain.messaging.reply_facts import DEFAULT_SEGMENTS, Slot
from domain.messaging.segments import count_segments

MODEL = "sandbox"


@dataclass(frozen=True, slots=True)
class _Reading:
    intent: Intent
    sentiment: Sentiment
    pattern: re.Pattern[str]


def _reading(intent: Intent, sentiment: Sentiment, pattern: str) -> _Reading:
    return _Reading(intent, sentiment, re.compile(pattern, re.IGNORECASE))


# The first that fits counts: what ends a conversation comes before what goes on with it.
_READINGS = (
    _reading(
        Intent.WRONG_NUMBER,
        Sentiment.NEGATIVE,
        r"wrong (?:number|person)|not (?:that|the) person|don'?t know (?:any|who)|n[uú]mero equivocado|no soy (?:esa|"
        r"la) persona|"
        r"se equivoca",
    ),
    _reading(
        Intent.ENDS_CONTACT,
        Sentiment.NEGATIVE,
        r"leave me alone|(?:don'?t|do not|never|no more) (?:text|message|contact|write|bother|hear)|"
        r"had enough of (?:these|your)|"
        r"i said stop|tell you to stop|lose my number|d[eé]jeme en paz|no me escriba|no quiero (?:m[aá]s|saber)",
    ),
    _reading(
        Intent.COMPLAINT,
        Sentiment.NEGATIVE,
        r"rubbish|useless|having a laugh|ridiculous|disgrace|scam|solicitor|complain|unbelievable|verg[uü]enza|"
        r"in[uú]til|estafa",
    ),
    _reading(
        Intent.NOT_INTERESTED,
        Sentiment.NEGATIVE,
        r"not interested|no thanks|no thank you|already (?:had|got|bought|sorted|done)|went with (?:some|an)|"
        r"elsewhere|no me interesa|ya (?:lo )?(?:compr|hic)|no,? gracias",
    ),
    _reading(
        Intent.PRICE,
        Sentiment.NEUTRAL,
        r"how much|price|cost|expensive|cheap|quote was|discount|fortune|to pay|thousand|under \w+|cu[aá]nto|precio|"
        r"caro|barato|"
        r"descuento|presupuesto",
    ),
    _reading(
        Intent.LATER,
        Sentiment.NEUTRAL,
        r"not sure|maybe|talk to my|moving|in the spring|think|next (?:year|month)|another time|busy|later|"
        r"no estoy segur|"
        r"quiz[aá]s|tal vez|m[aá]s adelante|pensar",
    ),
    _reading(
        Intent.WANTS_CALL,
        Sentiment.HOT,
        r"call me|ring me|give me a (?:call|ring)|can you call|speak (?:then|to)|stop by|come (?:round|over)|"
        r"works for me|"
        r"is good|when can you|book|appointment|measure|ll[aá]m[ea]|me llame|cita",
    ),
    _reading(
        Intent.QUESTION,
        Sentiment.POSITIVE,
        r"who is this|remind me|what would|what did|send (?:me )?(?:the )?details|still on|involve|more info|"
        r"what do you|"
        r"qui[eé]n (?:es|eres)|detalles|informaci[oó]n|qu[eé] ofrec",
    ),
    _reading(
        Intent.INTERESTED,
        Sentiment.HOT,
        r"\byes\b|\byep\b|\byeah\b|interested|sure|great timing|please do|\bs[ií]\b|interesa|claro|adelante|👍",
    ),
)
_OTHER = (Intent.OTHER, Sentiment.UNCLEAR)
_CONFIDENCE = {Intent.OTHER: 0.55, Intent.COMPLAINT: 0.5}

_EN = {
    Intent.WRONG_NUMBER: ("Sorry about that, and thank you for telling us. We'll take this number off our list.",),
    Intent.NOT_INTERESTED: (
        "Thank you for letting us know{name}. If things change, just reply here.",
        "No problem at all{name}, thanks for telling us. We're here if you ever need us.",
    ),
    Intent.PRICE: (
        "That depends on the details{name}, so I'd rather not guess. A colleague can go through it with you on the "
        "phone.",
        "I understand{name}. What it comes to depends on what you need; a colleague can look at it with you.",
    ),
    Intent.LATER: (
        "Of course{name}, there's no rush. Is there anything we could answer meanwhile?",
        "That makes sense{name}. Just reply here whenever you're ready.",
    ),
    Intent.WANTS_CALL: ("Lovely{name}, we'd be glad to talk it through.",),
    Intent.QUESTION: (
        "It's {organization}{name}. You asked us about {product}, and we can talk through what fits you.",
        "This is {organization}{name}: you once asked us about {product}. We'd be happy to pick that up.",
    ),
    Intent.INTERESTED: ("Great to hear{name}!", "Wonderful{name}, thank you for coming back to us."),
    Intent.OTHER: ("Thank you{name}. How can we best help you with {product}?",),
    Intent.COMPLAINT: ("I'm sorry about that{name}. A colleague will look into it.",),
}
_ES = {
    Intent.WRONG_NUMBER: ("Disculpe la molestia y gracias por avisarnos. Quitaremos este número de nuestra lista.",),
    Intent.NOT_INTERESTED: ("Gracias por decírnoslo{name}. Si algo cambia, responda a este mensaje.",),
    Intent.PRICE: (
        "Depende de los detalles{name}, y no quiero adivinar. Un compañero puede verlo con usted por teléfono.",
    ),
    Intent.LATER: ("Por supuesto{name}, no hay prisa. ¿Hay algo que podamos aclararle mientras tanto?",),
    Intent.WANTS_CALL: ("Muy bien{name}, con gusto lo hablamos por teléfono.",),
    Intent.QUESTION: ("Somos {organization}{name}. Usted nos preguntó por {product}, y con gusto lo retomamos.",),
    Intent.INTERESTED: ("¡Qué bien{name}! Gracias por responder.",),
    Intent.OTHER: ("Gracias{name}. ¿Cómo podemos ayudarle con {product}?",),
    Intent.COMPLAINT: ("Lo siento{name}. Un compañero lo revisará.",),
}
_WORDS = {"es": _ES}
_PRODUCT = {"es": "nuestros servicios"}
_WILL_RING = {"es": " Un compañero le llamará.", "en": " A colleague will ring you."}
_OFFER = {"es": " ¿Le vendría bien {first} o {second}?", "en": " Would {first} or {second} suit you?"}
_GONE = {
    "es": "Lo siento{name}, esa hora ya no está libre.",
    "en": "I'm sorry{name}, that time has just gone.",
}
_ASK_FOR_CALL = {
    "es": " ¿Le llama un compañero?",
    "en": " Shall a colleague ring you to go through it?",
}
_OFFER_ONE = {"es": " ¿Le vendría bien {first}?", "en": " Would {first} suit you?"}
_BOOKING = {
    "es": "Perfecto{name}, reservamos la llamada para {slot}. Le enviaremos la confirmación.",
    "en": "Perfect{name}, we're booking your call for {slot}. A confirmation will follow.",
}
_CALLS = frozenset({Intent.PRICE, Intent.WANTS_CALL, Intent.INTERESTED})
_MAY_CALL = frozenset({Intent.LATER, Intent.QUESTION, Intent.OTHER})
_AGREES = re.compile(
    r"\b(?:yes|yep|ok|okay|sure|good|great|fine|works|perfect|first|second|speak then|s[ií]|vale|bien|perfecto|"
    r"primer[ao]|"
    r"segund[ao])\b|👍",
    re.IGNORECASE,
)
_OTHER_TIME = re.compile(
    r"\d\s?(?:am|pm)\b|\d[:.]\d\d|\b(?:tomorrow|today|tonight|morning|afternoon|evening|next|another|instead|mañana|tarde|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b",
    re.IGNORECASE,
)
_ASKS_FOR_A_PERSON = re.compile(
    r"\b(?:real|actual|live) (?:person|human|being)\b|\bhuman\b|"
    r"(?:speak|talk|chat) (?:to|with) (?:a person|some(?:one|body))|hablar con (?:una persona|alguien)|persona real",
    re.IGNORECASE,
)
_ASKS_FOR_DETAILS = re.compile(
    r"details|more info|involve|what would|what (?:do|did) you|brochure|detalles|informaci[oó]n|qu[eé] ofrec",
    re.IGNORECASE,
)
_SPOKEN = re.compile(
    r"\w+day \d{1,2} \w+ at \d\d:\d\d|el \w+ \d{1,2} de \w+ a las \d\d:\d\d|\d{4}-\d\d-\d\d, \d\d:\d\d"
)
_SECOND = re.compile(r"\b(?:second|latter|segund[ao])\b", re.IGNORECASE)


class SandboxReplyWriter:
    """Implement `ReplyWriter` by rules."""

    async def write(self, task: WritingTask) -> Written:
        """Propose the same text for the same thread, always."""
        if task.opening is not None:
            return _written(
                task, as_prompted(task, opening_text(task)), Intent.OTHER, Sentiment.UNCLEAR, None, sure=0.9
            )
        latest = _latest(task)
        language = "es" if task.language == "es" else "en"
        taken = _taken(task, latest)
        if taken is not None:
            text = _BOOKING[language].format(name=_name(task), slot=taken.spoken)
            return _written(task, text, Intent.ACCEPTS_SLOT, Sentiment.HOT, taken.id)
        if _is_gone(task, latest):
            text = _GONE[language].format(name=_name(task)) + _next_step(task.slots, language)
            return _written(task, as_prompted(task, text), Intent.WANTS_CALL, Sentiment.HOT, None)
        for_person = _for_person(latest)
        if for_person is not None:
            return _written(task, "", Intent.OTHER, Sentiment.NEUTRAL, None, needs_person=for_person)
        intent, sentiment = next(((r.intent, r.sentiment) for r in _READINGS if r.pattern.search(latest)), _OTHER)
        lesson = lesson_for(task, latest, intent)
        text = _text(task, language, intent) if lesson is None or lesson.say is None else lesson.say
        lessons = () if lesson is None else (lesson.id,)
        offer = offering(task) if task.slots and intent in _MAY_CALL else None
        if offer is not None:
            text += _next_step(task.slots, language)
            lessons = (*lessons, offer.id)
        elif lesson is None and intent is Intent.QUESTION:
            text = _answered(task, text, latest, language)
        return _written(task, as_prompted(task, text), intent, sentiment, None, lessons=lessons)


def _latest(task: WritingTask) -> str:
    unread: list[str] = []
    for said in reversed(task.history):
        if said.by == "us":
            break
        unread.append(said.text)
    return "\n".join(reversed(unread))


def _name(task: WritingTask) -> str:
    """Call them by name in every other answer: people do not repeat it either."""
    ours = sum(said.by == "us" for said in task.history)
    return f", {task.first_name}" if task.first_name and ours % 2 == 1 else ""


def _text(task: WritingTask, language: str, intent: Intent) -> str:
    choices = _WORDS.get(language, _EN)[Intent.OTHER if intent is Intent.ENDS_CONTACT else intent]
    asked = sum(said.by == "us" for said in task.history)
    product = task.product or _PRODUCT.get(language, "our services")
    text = choices[asked % len(choices)].format(
        name=_name(task), organization=task.organization, product=product.rstrip(".")
    )
    return text + _next_step(task.slots, language) if intent in _CALLS else text


def _answered(task: WritingTask, text: str, latest: str, language: str) -> str:
    """Say what the facts tell whoever asks for details, as far as it fits, and what may come next."""
    step = _ASK_FOR_CALL[language]
    for fact in task.facts if _ASKS_FOR_DETAILS.search(latest) else ():
        longer = f"{text} {fact.strip().rstrip('.')}."
        if language_of(fact) in (language, None) and count_segments(longer + step).segments <= DEFAULT_SEGMENTS:
            text = longer
    return text + step


def _next_step(slots: Sequence[Slot], language: str) -> str:
    match slots:
        case []:
            return _WILL_RING[language]
        case [only]:
            return _OFFER_ONE[language].format(first=only.spoken)
    return _OFFER[language].format(first=slots[0].spoken, second=slots[1].spoken)


def _taken(task: WritingTask, latest: str) -> Slot | None:
    """Tell which slot somebody took: one that our last text offered and that is still free."""
    said = next((said.text for said in reversed(task.history) if said.by == "us"), "")
    offered = [slot for slot in task.slots if slot.spoken in said]
    named = [slot for slot in offered if slot.spoken.lower() in latest.lower()]
    if named:
        return named[0]
    if not offered or _OTHER_TIME.search(latest) or not _AGREES.search(latest):
        return None
    return offered[-1] if _SECOND.search(latest) else offered[0]


def _is_gone(task: WritingTask, latest: str) -> bool:
    """Tell whether somebody took a time that we named and that is not free any more."""
    ours = [_SPOKEN.findall(said.text) for said in task.history if said.by == "us"]
    free = {slot.spoken for slot in task.slots}
    named = {time for times in ours for time in times if time.lower() in latest.lower()}
    if named or not ours or not ours[-1]:
        return bool(named) and not named & free
    return not free & set(ours[-1]) and not _OTHER_TIME.search(latest) and _AGREES.search(latest) is not None


def _for_person(latest: str) -> str | None:
    """Say why a person is to answer this, if so."""
    if _ASKS_FOR_A_PERSON.search(latest):
        return "The lead asks for a person."
    return "The lead wants a call cancelled or moved." if asks_to_change_call(fold(latest)) else None


def _written(
    task: WritingTask,
    text: str,
    intent: Intent,
    sentiment: Sentiment,
    slot: str | None,
    needs_person: str | None = None,
    lessons: tuple[UUID, ...] = (),
    sure: float | None = None,
) -> Written:
    proposal = Proposal(
        text=text,
        confidence=_CONFIDENCE.get(intent, 0.9) if sure is None else sure,
        reasoning=f"Read as {intent.value}; written by {'a lesson' if lessons else 'rule'}.",
        sentiment=sentiment,
        intent=intent,
        slot=slot,
        needs_person=needs_person,
        lessons=lessons,
    )
    words = sum(len(said.text.split()) for said in task.history)
    return Written(proposal, Usage(model=MODEL, input_tokens=words, output_tokens=len(text.split())))
