"""Lessons that say the same, or the contrary, told apart by their words alone."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

SAME = 0.55
RELATED = 0.3
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_FILLING = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "could", "for", "from", "had", "has", "have",
    "if", "in", "into", "is", "it", "its", "lead", "leads", "of", "on", "or", "our", "she", "he", "so", "than",
    "that", "the", "their", "them", "then", "there", "they", "this", "those", "to", "was", "we", "were", "what",
    "when", "where", "which", "who", "will", "with", "would", "you", "your", "person", "people", "they're", "someone",
    "always", "please", "should", "must", "text", "message", "reply", "answer",
})  # fmt: skip
_NOT = re.compile(
    r"\b(?:never|not|no|avoid|stop|without|(?:do|must|should|ca)n['’]?t|cannot|nunca|evita\w*|sin)\b",
    re.IGNORECASE,
)
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


@dataclass(frozen=True, slots=True)
class Clash:
    """Say which lesson another one clashes with, how, and why, in a sentence for a person."""

    kind: ClashKind
    lesson_id: UUID
    title: str
    why: str


def clashes(lesson: Teaching, others: Iterable[Teaching]) -> list[Clash]:
    """Find the lessons that say the same as one, or the contrary; contradictions first."""
    found = [clash for other in others if other.id != lesson.id and (clash := _clash(lesson, other)) is not None]
    return sorted(found, key=lambda clash: (clash.kind is ClashKind.DUPLICATE, clash.title))


def _clash(lesson: Teaching, other: Teaching) -> Clash | None:
    if _same(lesson.correct_response, other.incorrect_response) >= SAME:
        return _contradiction(other, "it says never to say what this one says")
    if _same(lesson.incorrect_response, other.correct_response) >= SAME:
        return _contradiction(other, "it says what this one says never to say")
    about = max(_same(_rule(lesson), _rule(other)), _same(lesson.title, other.title))
    if about >= SAME or (about >= RELATED and _same(lesson.trigger, other.trigger) >= SAME):
        if _forbids(lesson) != _forbids(other):
            return _contradiction(other, "one asks for what the other forbids, in nearly the same words")
        if about >= SAME:
            return Clash(ClashKind.DUPLICATE, other.id, other.title, "It says nearly the same in other words.")
    return None


def _contradiction(other: Teaching, why: str) -> Clash:
    return Clash(ClashKind.CONTRADICTION, other.id, other.title, why[0].upper() + why[1:] + ".")


def _rule(lesson: Teaching) -> str:
    return f"{lesson.title} {lesson.description}"


def _forbids(lesson: Teaching) -> bool:
    return _NOT.search(_rule(lesson)) is not None


def _same(one: str | None, other: str | None) -> float:
    """Tell how alike two texts are, from 0 to 1: the share of content words, by their stems, that both have."""
    ours, theirs = _stems(one), _stems(other)
    return len(ours & theirs) / len(ours | theirs) if ours and theirs else 0.0


def _stems(text: str | None) -> frozenset[str]:
    words = (word.lower().replace("’", "'") for word in _WORD.findall(text or ""))
    return frozenset(_stem(word) for word in words if word not in _TURNS and len(word) >= _SHORTEST)


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "ed", "es", "s", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            return word[: -len(ending)]
    return word
