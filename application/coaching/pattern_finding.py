"""The port through which counted patterns are put into words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from application.model_calls import Access, Usage
from application.provider import provider_port
from domain.coaching.pattern import Pattern
from domain.coaching.pattern_wording import description_of, lesson_of, suggestion_of, title_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternTask:
    """Hold counted facts, and nothing that anybody wrote."""

    patterns: Sequence[Pattern]
    access: Access = field(default_factory=Access)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Hold what people are told of one pattern: `title` fits every organisation, `lesson` what could be taught."""

    title: str
    description: str
    suggestion: str
    lesson: str


def worded(one: Pattern) -> Wording:
    """Put a pattern into the rules' own words."""
    return Wording(
        title=title_of(one), description=description_of(one), suggestion=suggestion_of(one), lesson=lesson_of(one)
    )


@dataclass(frozen=True, slots=True)
class Described:
    """Hold the wordings by the patterns' keys, and what they cost."""

    wordings: Mapping[str, Wording]
    usage: Usage


@provider_port
class PatternFinder(Protocol):
    """Put patterns into words."""

    async def describe(self, task: PatternTask) -> Described:
        """Describe each pattern, or raise `Rejected`, `Unavailable`, `Unknown` or `Unusable`."""
        ...
