"""The request for one text: what is stable first and cached, what a stranger wrote as quoted data last."""

from typing import Any

from adapters.ai.messages_api import tool_params
from adapters.ai.quoting import between_marks, quoted
from application.messaging.reply_writing import WritingTask
from domain.messaging.campaign_text import Opening
from domain.messaging.reply import Intent, Sentiment

TOOL = "propose_reply"
_ORDINALS = {1: "the first text", 2: "the second text"}
MOST_TOKENS = 1024

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "reasoning": {"type": "string", "description": "Why this answer, in one or two sentences; people read it."},
        "sentiment": {"type": "string", "enum": [sentiment.value for sentiment in Sentiment]},
        "intent": {"type": "string", "enum": [intent.value for intent in Intent]},
        "text": {"type": "string", "description": "The text message; empty only where a person is asked for."},
        "confidence": {"type": "number", "description": "From 0 to 1."},
        "lessons_applied": {"type": "array", "items": {"type": "integer"}, "description": "Numbers of lessons used."},
        "slot": {"type": ["string", "null"], "description": "The id of the offered slot that the person took."},
        "needs_person": {"type": ["string", "null"], "description": "Why a person should answer instead, if so."},
    },
    "required": ["reasoning", "sentiment", "intent", "text", "confidence"],
}
_TOOLS: list[dict[str, Any]] = [
    {
        "name": TOOL,
        "description": "Propose what to write to the person next. This is all that you can do.",
        "input_schema": _SCHEMA,
    }
]


def message_params(model: str, task: WritingTask) -> dict[str, Any]:
    """Make the parameters of the Messages API; tools and prompt are the same for every lead, so they are cached."""
    system = [{"type": "text", "text": _stable(task), "cache_control": {"type": "ephemeral"}}]
    return tool_params(model, _TOOLS, system, _of_this_lead(task), MOST_TOKENS)


def _stable(task: WritingTask) -> str:
    parts = [task.prompt.text]
    if task.prompt.lessons:  # a line each: what somebody copied into one cannot open a section of its own
        parts.append("Lessons that people approved:")
        parts += [f"{number}. {' '.join(lesson.text.split())}" for number, lesson in enumerate(task.prompt.lessons, 1)]
    parts.append(f"You write for {task.organization}.")
    if task.facts:
        parts.append("Facts of the business:")
        parts += [f"- {fact}" for fact in task.facts]
    if task.opening is not None:
        parts += _beginning(task.opening)
    return "\n".join(parts)


def _beginning(opening: Opening) -> list[str]:
    """Say what is different where nobody has written: the same for every lead of a touch, so that it is cached too."""
    which = "the last text" if opening.is_last and opening.number > 1 else _ORDINALS[opening.number]
    answered = "" if opening.number == 1 else " The person has not answered what you wrote before; do not repeat it."
    return [
        f"You do not answer: you begin. This is {which} to a person who once asked the business about something."
        f"{answered} They have not written to you; there is nothing to answer, no slot to take and nobody to ask for.",
        "How to opt out is added to your text; do not speak of it. Say sentiment UNCLEAR and intent other.",
    ]


def _of_this_lead(task: WritingTask) -> str:
    """Give what changes with every lead: the time, the slots, and the thread between marks."""
    thread = [
        {"from": "person" if said.by == "lead" else "us", "at": f"{said.at:%Y-%m-%d %H:%M}", "text": said.text}
        for said in task.history
    ]
    slots = [{"id": slot.id, "say": slot.spoken} for slot in task.slots]
    parts = [
        f"Now: {task.now:%A %d %B %Y %H:%M} UTC. {_language(task)}",
        f"Offered slots: {quoted(slots)}",
        *between_marks({"person": dict(task.lead), "thread": thread}, "one person and what they wrote"),
    ]
    if task.mend:
        parts.append("Your last proposal broke rules; write it so that these no longer hold:")
        parts += [f"- {quoted(sentence)}" for sentence in task.mend]
    parts.append(f"Call {TOOL} once.")
    return "\n".join(parts)


def _language(task: WritingTask) -> str:
    if task.language is None:
        return "Write in the language of the person's latest message."
    return f"Language of the text: {task.language}."
