"""How an answer may be worded: its length, letters, names and language, and what it does not speak of."""

import re
import unicodedata

from domain.messaging.languages import KNOWN, alphabet, alphabets, language_of, may_be_in
from domain.messaging.reply_facts import WORD, ReplyFacts
from domain.messaging.segments import count_segments

_ECHOED = 7
_LEAKED = 8
_TELLING = 6
_SENTENCE_START = re.compile(r"(?:^|[.!?:…\n¡¿(\"“«]\s*|[-–—]\s+)$")
_LATEST = 3
_OURS = frozenset({"LATIN", "MASCULINE", "FEMININE"})
_IN_OTHER_LETTERS = frozenset({"uk"})
# Where every noun has a capital, one tells no name.
_NOUNS_IN_CAPITALS = frozenset({"de"})
_PLAIN = frozenset("…ºª\u00a0\u202f")
_LEAKS = re.compile(
    r"system prompt|my (?:instructions|prompt|rules|guidelines|programming)|as an ai\b|language model|i am an ai|"
    r"i'm an ai|propose_reply|tool_use|\b(?:json|xml)\b|anthropic|claude|chatgpt|openai|<[^>]{1,40}>|[{}\[\]`|\\]|"
    r"mis instrucciones|como (?:una )?ia\b|modelo de lenguaje|confidence|reasoning|developer mode|jailbr\w+|"
    r"\bignor\w+ (?:all|previous|my|the)\b|other (?:leads|customers|clients)|otros clientes",
    re.IGNORECASE,
)
_ENDING = re.compile(
    r"\bopt(?:s|ed|ing)?[\s-]?outs?\b|\bunsubscrib\w*|\breconsider\w*|\bbefore you go\b|\btake you off\b|"
    r"\bwhy do(?:n't)? you want to stop\b|\bare you sure you want to\b|\b(?:cannot|can['’]t|won['’]t) stop\b|"
    r"\b(?:dar(?:se|te|le)?|date|dese) de baja\b|\bwypis\w+|\babmeld\w*|\babbestell\w*|\bdésabonn\w*|\bdésinscri\w*|"
    r"\bdisiscri\w*|\bcancelar a (?:inscrição|subscrição)|\bafmeld\w*|\buitschrijv\w*|\bвідпис\w*",
    re.IGNORECASE,
)
_FIXED_ENDING = re.compile(
    r"\b(?:reply|text|send) stop to (?:opt out|unsubscribe)|responda (?:stop|alto) para darse de baja", re.IGNORECASE
)
_CAPITALS_OF_OUR_OWN = frozenset(
    {"i", "i'd", "i'm", "i'll", "i've", "ok", "sms", "uk", "usa", "eu", "stop", "start", "help"}
)


def empty(text: str, _facts: ReplyFacts) -> str | None:
    """Find an answer without a word."""
    return None if WORD.search(text) else "The answer says nothing."


def length(text: str, facts: ReplyFacts) -> str | None:
    """Find one that takes too many segments."""
    segments = count_segments(text).segments
    if segments <= facts.most_segments:
        return None
    return f"The answer takes {segments} segments; at most {facts.most_segments} may be sent."


def characters(text: str, facts: ReplyFacts) -> str | None:
    """Find what nobody sees, and letters and digits that only look like those which the other rules read."""
    for c in text:
        if (unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Cn") and c not in "\n\u200d") or ord(c) >= 0xE0000:
            return "The answer holds characters that nobody sees."
        drawn = unicodedata.category(c) == "So" and re.search("LETTER|DIGIT", unicodedata.name(c, ""))
        if c not in _PLAIN and (drawn or unicodedata.normalize("NFKC", c) != c or (c.isnumeric() and not c.isascii())):
            return f"The answer holds a character that stands for others ({c})."
    theirs = _letters_of_theirs(facts)
    foreign = {alphabet(c) for c in text if c.isalpha()} - _OURS - theirs
    if foreign:
        return f"The answer is partly written in another alphabet ({min(foreign).lower()})."
    mixed = (word for word in WORD.findall(text) if len({alphabet(c) == "LATIN" for c in word if c.isalpha()}) > 1)
    return next((f"“{word}” mixes two alphabets." for word in mixed if theirs), None)


def names(text: str, facts: ReplyFacts) -> str | None:
    """Find words that are capitalised within a sentence, or shouted anywhere, and stand in nothing of our own.

    A name of the prompt's is ours, too: people sign with one.
    """
    spoken = "\n".join((facts.offered, *facts.recorded))
    known = {part for word in WORD.findall(spoken.lower()) for part in (word, *re.split(r"['’-]", word))}
    signed = {word for word in WORD.findall(facts.prompt) if word[0].isupper()}
    for found in WORD.finditer(text):
        word = found.group()
        shouted = len(word) > 3 and word.isupper()
        inside = (
            facts.language not in _NOUNS_IN_CAPITALS
            and word[0].isupper()
            and _SENTENCE_START.search(text[: found.start()]) is None
        )
        plain = word.lower().replace("’", "'")
        if word in signed and not shouted:
            continue
        if (inside or shouted) and not {plain, plain.removesuffix("'s")} & (known | _CAPITALS_OF_OUR_OWN):
            return f"“{word}” is a name that stands in no fact."
    return None


def leak(text: str, facts: ReplyFacts) -> str | None:
    """Find talk of the machine, and its instructions."""
    if _LEAKS.search(text):
        return "The answer speaks of the machine, not to the person."
    if _shared(text, facts.prompt, _LEAKED):
        return "The answer repeats its instructions."
    return None


def echo(text: str, facts: ReplyFacts) -> str | None:
    """Find a long run of the lead's own words."""
    if any(_shared(text, theirs, _ECHOED) for theirs in facts.theirs):
        return "The answer repeats the person's own words at length."
    return None


def opt_out(text: str, _facts: ReplyFacts) -> str | None:
    """Find an answer to a wish to hear no more, however kind: only a person gives one."""
    return "The answer speaks of an opt-out." if _ENDING.search(_FIXED_ENDING.sub("", text)) else None


def language(text: str, facts: ReplyFacts) -> str | None:
    """Find another language than the lead's, also one that cannot be told though the text is long enough.

    Where the lead's is none that we know, only an answer in letters that the lead does not use is surely in another.
    """
    written = language_of(text)
    if facts.language not in KNOWN:
        theirs = _letters_of_theirs(facts)
        if written is None or not theirs or alphabets(text) & theirs:
            return None
        return f"The answer is in another language ({written}) than the person's."
    known = {*WORD.findall(facts.offered.lower())}
    if may_be_in(text, facts.language) or (
        written is None and sum(word not in known for word in WORD.findall(text.lower())) < _TELLING
    ):
        return None
    return f"The answer is in another language ({written or 'unknown'}) than the person's ({facts.language})."


def _letters_of_theirs(facts: ReplyFacts) -> frozenset[str]:
    """Name the alphabets that the lead writes in, where the language of the answer may be in another than ours."""
    if facts.language in KNOWN - _IN_OTHER_LETTERS:
        return frozenset()
    return alphabets(" ".join(facts.theirs[-_LATEST:]))


def _shared(text: str, other: str, run: int) -> bool:
    """Tell whether a run of so many words stands in both."""
    ours, theirs = WORD.findall(text.lower()), WORD.findall(other.lower())
    runs = {tuple(theirs[i : i + run]) for i in range(len(theirs) - run + 1)}
    return any(tuple(ours[i : i + run]) in runs for i in range(len(ours) - run + 1))
