"""Lessons that say the same, or the contrary, told apart by their words alone."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self
from uuid import UUID

SAME = 0.55
SURE = 0.8
"""How alike words have to be where a model has compared lessons, too."""
RELATED = 0.3
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_FILLING = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "could", "for", "from", "had", "has", "have",
    "if", "in", "into", "is", "it", "its", "lead", "leads", "of", "on", "or", "our", "she", "he", "so", "than",
    "that", "the", "their", "them", "then", "there", "they", "this", "those", "to", "was", "we", "were", "what",
    "when", "where", "which", "who", "will", "with", "would", "you", "your", "person", "people", "they're", "someone",
    "always", "please", "should", "must", "text", "message", "reply", "answer",
})  # fmt: skip
# What forbids stands at the head of a rule; "no obligation" or "who is not sure" forbid nothing.
_NOT = re.compile(
    r"^(?:no|not|sin)\b|\b(?:never|avoid|(?:do|does|must|should|can) ?not|(?:do|must|should|ca)n['’]?t)\b"
    r"|\b(?:nunca|evita\w*)\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"^(?:when|if|where|once|after|before|as soon as|unless)\b[^,]*,\s*", re.IGNORECASE)
_CLAUSE = re.compile(r"[.;:,!?\n]")
_TURNS = _FILLING | {
    "never", "not", "no", "avoid", "stop", "without", "don't", "do", "dont", "mustn't", "shouldn't", "can", "can't",
    "cannot", "nunca", "evitar", "sin",
}  # fmt: skip
_SHORTEST = 3


class ClashKind(StrEnum):
    """Name how two lessons clash."""

    DUPLICATE = "duplicate"
    CONTRADICTION = "contradiction"


@dataclass(frozen=True, slots=True)
class Teaching:
    """Hold what a lesson teaches: its title, when it holds, what to do and what never."""

    id: UUID
    title: str
    description: str
    trigger: str | None = None
    correct_response: str | None = None
    incorrect_response: str | None = None

    @classmethod
    def of(
        cls,
        identifier: UUID,
        title: str,
        description: str,
        trigger: str | None = None,
        correct_response: str | None = None,
        incorrect_response: str | None = None,
    ) -> Self:
        """Fold spaces as a lesson does that is written down, so that what was checked is known again in it."""
        folded, stripped = " ".join(title.split()), description.strip()
        return cls(identifier, folded, stripped, trigger, correct_response, incorrect_response)


@dataclass(frozen=True, slots=True)
class Clash:
    """Say which lesson another one clashes with, how, and why, in a sentence for a person."""

    kind: ClashKind
    lesson_id: UUID
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class _Read:
    """Hold what one lesson comes to, so that it is read once however many it is compared with.

    It forbids where the head of its rule does, and allows where no part of it forbids anything.
    """

    title: frozenset[str]
    description: frozenset[str]
    trigger: frozenset[str]
    says: frozenset[str]
    never: frozenset[str]
    forbids: bool
    allows: bool

    @property
    def rule(self) -> frozenset[str]:
        return self.title | self.description


def clashes(lesson: Teaching, others: Iterable[Teaching], alike: float = SAME) -> list[Clash]:
    """Find the lessons that say the same as one, or the contrary; contradictions first."""
    ours = _read(lesson)
    found = [clash for other in others if other.id != lesson.id and (clash := _clash(ours, other, alike)) is not None]
    return sorted(found, key=lambda clash: (clash.kind is ClashKind.DUPLICATE, clash.title))


def _clash(ours: _Read, other: Teaching, alike: float) -> Clash | None:
    theirs = _read(other)
    if _same(ours.says, theirs.never) >= alike:
        return _contradiction(other, "it says never to say what this one says")
    if _same(ours.never, theirs.says) >= alike:
        return _contradiction(other, "it says what this one says never to say")
    if theirs.allows and _same(ours.never, theirs.description) >= alike:
        return _contradiction(other, "it asks for what this one forbids")
    if ours.allows and _same(ours.description, theirs.never) >= alike:
        return _contradiction(other, "it forbids what this one asks for")
    same = _same(ours.rule, theirs.rule)
    is_same = same >= alike or (
        _same(ours.title, theirs.title) >= alike and _shared(ours.description, theirs.description) >= RELATED
    )
    if is_same or (same >= RELATED and _same(ours.trigger, theirs.trigger) >= alike):
        if (ours.forbids and theirs.allows) or (ours.allows and theirs.forbids):
            return _contradiction(other, "one asks for what the other forbids, in nearly the same words")
        if is_same:
            return Clash(ClashKind.DUPLICATE, other.id, other.title, "It says nearly the same in other words.")
    return None


def _contradiction(other: Teaching, why: str) -> Clash:
    return Clash(ClashKind.CONTRADICTION, other.id, other.title, why[0].upper() + why[1:] + ".")


def _read(lesson: Teaching) -> _Read:
    forbidding = [_forbidding(text) for text in (lesson.title, lesson.description)]
    return _Read(
        _stems(lesson.title),
        _stems(lesson.description),
        _stems(lesson.trigger),
        _stems(lesson.correct_response),
        _stems(lesson.incorrect_response),
        any(clauses[0] for clauses in forbidding),
        not any(any(clauses) for clauses in forbidding),
    )


def _forbidding(text: str) -> list[bool]:
    """Tell of each clause of a text whether it forbids, the first being the one after a condition."""
    clauses = _CLAUSE.split(_CONDITION.sub("", text.strip()))
    return [_NOT.search(clause.strip()) is not None for clause in clauses]


def _same(ours: frozenset[str], theirs: frozenset[str]) -> float:
    """Tell how alike two texts are, from 0 to 1: the share of content words, by their stems, that both have."""
    return len(ours & theirs) / len(ours | theirs) if ours and theirs else 0.0


def _shared(ours: frozenset[str], theirs: frozenset[str]) -> float:
    """Tell how much of the shorter text stands in the other."""
    return len(ours & theirs) / min(len(ours), len(theirs)) if ours and theirs else 0.0


def _stems(text: str | None) -> frozenset[str]:
    words = (word.lower().replace("’", "'") for word in _WORD.findall(text or ""))
    return frozenset(_stem(word) for word in words if word not in _TURNS and len(word) >= _SHORTEST)


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "ed", "es", "s", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            return word[: -len(ending)]
    return word
