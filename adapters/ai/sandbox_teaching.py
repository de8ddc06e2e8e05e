"""How the writer by rules follows what it is taught: lessons whose triggers fit, and how answers begin or end."""

import re

from application.messaging.reply_writing import Lesson, WritingTask
from domain.messaging.reply import Intent

_WORD = re.compile(r"[^\W\d_]{4,}")
_SAYS_NOTHING = frozenset({
    "they", "them", "their", "that", "this", "with", "says", "tell", "tells", "asks", "asked", "about", "want", "wants",
    "when", "lead", "leads", "person", "people", "would", "could", "should", "have", "from", "your", "what", "more",
    "someone", "somebody", "writes", "message", "text", "does", "will", "like", "into", "than",
})  # fmt: skip
_LEFT_TO_RULES = frozenset({Intent.ENDS_CONTACT, Intent.WRONG_NUMBER, Intent.ACCEPTS_SLOT, Intent.COMPLAINT})
_STEM = 5
_OFFERS = re.compile(r"\boffer\b(?: \w+){0,3} \b(?:times?|slots?|calls?)\b", re.IGNORECASE)
_OPEN = re.compile(r"\b(?:begin|open|start)(?: \w+){0,3} with [“\"](?P<words>[^”\"]{1,120})[”\"]", re.IGNORECASE)
_CLOSE = re.compile(r"\b(?:end|close|finish)(?: \w+){0,3} with [“\"](?P<words>[^”\"]{1,120})[”\"]", re.IGNORECASE)


def lesson_for(task: WritingTask, latest: str, intent: Intent) -> Lesson | None:
    """Find the first lesson that says what to say to this: half of its trigger's words stand there, or name the intent.

    Where an answer had to be mended, lessons are left alone: what broke a rule may be theirs.
    """
    if intent in _LEFT_TO_RULES or task.mend:
        return None
    said, meant = _stems(latest), _stems(intent.value.replace("_", " "))
    for lesson in task.prompt.lessons:
        sought = _stems(lesson.trigger or "")
        if lesson.say and sought and (2 * len(sought & said) >= len(sought) or sought & meant):
            return lesson
    return None


def offering(task: WritingTask) -> Lesson | None:
    """Find the first lesson that says to offer times, to be followed where no rule offers any."""
    return None if task.mend else next((one for one in task.prompt.lessons if _OFFERS.search(one.text)), None)


def as_prompted(task: WritingTask, text: str) -> str:
    """Put before and after an answer what the prompt says that every answer begins or ends with, in quotes."""
    if task.mend:
        return text
    opening, closing = _OPEN.search(task.prompt.text), _CLOSE.search(task.prompt.text)
    parts = (opening and opening["words"].strip(), text, closing and closing["words"].strip())
    return " ".join(part for part in parts if part)


def _stems(text: str) -> set[str]:
    return {word[:_STEM] for word in _WORD.findall(text.lower()) if word not in _SAYS_NOTHING}
