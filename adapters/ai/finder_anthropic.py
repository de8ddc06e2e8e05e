"""Patterns in the words of a Claude model, which is given counts and nothing that anybody wrote."""

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from adapters.ai.messages_api import MessagesApi, shaped, tool_params
from adapters.ai.quoting import quoted
from application.coaching.pattern_finding import Described, PatternTask, Wording
from domain.coaching.pattern import Pattern
from domain.coaching.pattern_wording import description_of, title_of

TOOL = "describe_patterns"
SECONDS = 45.0
MOST_TOKENS = 2000
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")

_PROMPT = """You put counted facts about a business's text messages into words for the people who write them. Each fact
compares messages with a feature to those without. They are associations: say so rather than claim causes. Per fact give
`title` (one short sentence without numbers), `description` (what may be behind it; use no number that is not in the
fact), `suggestion` (what to do next) and `lesson` (one instruction for whoever writes the next message)."""
_TEXT = {"type": "string", "maxLength": 400}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "patterns": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "fact": {"type": "integer"},
                    "title": _TEXT,
                    "description": _TEXT,
                    "suggestion": _TEXT,
                    "lesson": _TEXT,
                },
                "required": ["fact", "title", "description", "suggestion", "lesson"],
            },
        }
    },
    "required": ["patterns"],
}
_TOOLS: list[dict[str, Any]] = [
    {"name": TOOL, "description": "Describe the facts. This is all that you can do.", "input_schema": _SCHEMA}
]
Text = Annotated[str, Meta(min_length=1, max_length=400)]


class _Worded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fact: int
    title: Text
    description: Text
    suggestion: Text
    lesson: Text


class _Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    patterns: Annotated[list[_Worded], Meta(max_length=100)]


class AnthropicFinder:
    """Implement `PatternFinder` with the Messages API."""

    def __init__(self, api_key: str | None, model: str, base_url: str | None = None, seconds: float = SECONDS) -> None:
        self._api = MessagesApi(api_key, model, base_url, seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def describe(self, task: PatternTask) -> Described:
        """Ask the model for words; those that hold a number of its own are left out."""
        said, usage = await self._api.ask(task.access, TOOL, lambda model: finder_params(model, task))
        wordings: dict[str, Wording] = {}
        for one in shaped(said, _Answer, usage, "description").patterns:
            if 1 <= one.fact <= len(task.patterns) and _counts_only(one, task.patterns[one.fact - 1]):
                wordings[task.patterns[one.fact - 1].key] = Wording(
                    title=one.title, description=one.description, suggestion=one.suggestion, lesson=one.lesson
                )
        return Described(wordings, usage)


def finder_params(model: str, task: PatternTask) -> dict[str, Any]:
    """Make the parameters of the Messages API."""
    facts = [
        {"fact": n, "what": title_of(one), "counts": description_of(one), "recommended": one.action.value}
        for n, one in enumerate(task.patterns, 1)
    ]
    asked = f"Facts: {quoted(facts)}\nCall {TOOL} once."
    system = [{"type": "text", "text": _PROMPT, "cache_control": {"type": "ephemeral"}}]
    return tool_params(model, _TOOLS, system, asked, MOST_TOKENS)


def _counts_only(one: _Worded, fact: Pattern) -> bool:
    known = set(_NUMBER.findall(f"{title_of(fact)} {description_of(fact)}"))
    said = _NUMBER.findall(" ".join((one.title, one.description, one.suggestion, one.lesson)))
    return set(said) <= known and not _NUMBER.search(one.title)
