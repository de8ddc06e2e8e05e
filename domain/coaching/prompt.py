"""A prompt: what the AI is told, edited apart from what is live, made live as a version that never changes."""

import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self
from uuid import UUID

from domain.coaching.lesson import Lesson
from domain.kernel import Conflict, Entity, Event, Invalid

BUILT_IN = 0
"""The number of what is live until somebody made something else so."""
_BYTES_A_TOKEN = 4


class PromptType(StrEnum):
    """Name what a prompt is for: the master stands before each of the others."""

    MASTER = "master"
    M1 = "m1"
    M2 = "m2"
    M3 = "m3"
    REPLY = "reply"

    @property
    def writes_answers(self) -> bool:
        """Tell whether answers to leads are written with it; the others write the texts that begin a conversation."""
        return self.touch is None

    @property
    def touch(self) -> int | None:
        """Number the text of a campaign that is written with it."""
        return {PromptType.M1: 1, PromptType.M2: 2, PromptType.M3: 3}.get(self)

    @property
    def beside(self) -> "PromptType":
        """Name what is told besides: the master, or with the master the one for replies."""
        return PromptType.REPLY if self is PromptType.MASTER else PromptType.MASTER


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptChanged(Event):
    """Say that a prompt's draft was edited."""

    type: ClassVar[str] = "prompt.changed"
    prompt_type: PromptType


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptMadeLive(Event):
    """Say that a version went live: for all conversations, or for a share of them."""

    type: ClassVar[str] = "prompt.made_live"
    prompt_type: PromptType
    number: int
    share: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRolledBack(Event):
    """Say that an earlier version is live again."""

    type: ClassVar[str] = "prompt.rolled_back"
    prompt_type: PromptType
    number: int
    replaced: int
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaughtLesson:
    """Hold a lesson as a version was made with it; what became of the lesson since changes nothing here."""

    id: UUID
    title: str
    text: str
    trigger: str | None = None
    say: str | None = None

    @property
    def tokens(self) -> int:
        """Estimate what it costs."""
        return tokens_of(self.text)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Say which lesson a version goes without, and why."""

    id: UUID
    title: str
    why: str


def tokens_of(text: str) -> int:
    """Estimate how many tokens a text takes: a quarter of its bytes, which errs to the high side of English."""
    return -(-len(text.encode()) // _BYTES_A_TOKEN)


def taught(lessons: Sequence[Lesson], budget: int) -> tuple[tuple[TaughtLesson, ...], tuple[LeftOut, ...]]:
    """Take lessons in their order as long as they fit a budget in tokens; a smaller may fit later."""
    taken: list[TaughtLesson] = []
    left: list[LeftOut] = []
    room = budget
    for lesson in lessons:
        one = TaughtLesson(
            id=lesson.id,
            title=lesson.title,
            text=lesson.instruction,
            trigger=lesson.trigger,
            say=lesson.correct_response,
        )
        if one.tokens <= room:
            taken.append(one)
            room -= one.tokens
        else:
            left.append(LeftOut(one.id, one.title, f"It takes {one.tokens} tokens; {room} of {budget} were left."))
    return tuple(taken), tuple(left)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptVersion:
    """Hold what is told under one number, for good."""

    number: int
    system_prompt: str
    user_prompt_template: str | None = None
    lessons: tuple[TaughtLesson, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    made_by: UUID | None = None
    made_at: datetime | None = None
    reason: str | None = None
    evaluation_id: UUID | None = None

    @property
    def base(self) -> str:
        """Give what people wrote, without lessons."""
        return "\n\n".join(
            part.strip() for part in (self.system_prompt, self.user_prompt_template or "") if part.strip()
        )

    @property
    def whole(self) -> str:
        """Give all of it as one text, to be compared."""
        return "\n\n".join((self.base, *(lesson.text for lesson in self.lessons)))

    def fingerprint(self, *beside: int) -> str:
        """Digest all that would be told, and the numbers that tell what it stands beside."""
        said = (str(beside), self.base, *(f"{lesson.id} {lesson.text}" for lesson in self.lessons))
        return hashlib.sha256("\x00".join(said).encode()).hexdigest()

    def compared_with(self, earlier: "PromptVersion") -> list[str]:
        """Give the difference as the lines of a unified diff."""
        names = f"version {earlier.number}", f"version {self.number}"
        return list(difflib.unified_diff(earlier.whole.splitlines(), self.whole.splitlines(), *names, lineterm=""))


@dataclass(slots=True, kw_only=True)
class Prompt(Entity):
    """Be one prompt: its draft, and the pointer to the version that is live (0 is the built-in one)."""

    prompt_type: PromptType
    system_prompt: str
    user_prompt_template: str | None = None
    drafted_by: UUID | None = None
    drafted_at: datetime | None = None
    live: int = BUILT_IN
    latest: int = BUILT_IN
    made_live_at: datetime | None = None

    @classmethod
    def of(cls, organization_id: UUID, prompt_type: PromptType, live: PromptVersion) -> Self:
        """Make an organisation's prompt whose draft says what is live."""
        return cls(
            organization_id=organization_id,
            prompt_type=prompt_type,
            system_prompt=live.system_prompt,
            user_prompt_template=live.user_prompt_template,
        )

    def __post_init__(self) -> None:
        self._check()

    def _check(self) -> None:
        if not self.system_prompt.strip():
            raise Invalid("A prompt says something.", field="system_prompt")

    def draft(self, system_prompt: str, template: str | None, by: UUID | None, at: datetime) -> PromptChanged:
        """Edit what is not live."""
        self.system_prompt, self.user_prompt_template = system_prompt, template
        self.drafted_by, self.drafted_at = by, at
        self._check()
        return PromptChanged(subject=self.id, prompt_type=self.prompt_type)

    def candidate(self, lessons: Sequence[Lesson], budget: int) -> PromptVersion:
        """Give what would be the next version: the draft with the lessons that fit."""
        taken, left = taught(lessons, budget)
        return PromptVersion(
            number=self.latest + 1,
            system_prompt=self.system_prompt,
            user_prompt_template=self.user_prompt_template,
            lessons=taken,
            left_out=left,
        )

    def number(self, candidate: PromptVersion) -> None:
        """Give the next number to a candidate, for good."""
        self.latest = candidate.number

    def make_live(self, number: int, at: datetime) -> PromptMadeLive:
        """Let a version be live for all conversations."""
        self.live, self.made_live_at = number, at
        return PromptMadeLive(subject=self.id, prompt_type=self.prompt_type, number=number, share=100)

    def roll_back(self, number: int, at: datetime, reason: str | None) -> PromptRolledBack:
        """Let an earlier version be live again, or refuse the one that is (`Conflict`)."""
        if number == self.live:
            raise Conflict(f"Version {number} is live already.")
        replaced, self.live, self.made_live_at = self.live, number, at
        return self.rolled_back(replaced, reason)

    def rolled_back(self, replaced: int, reason: str | None) -> PromptRolledBack:
        """Tell that what is live is so instead of another version."""
        return PromptRolledBack(
            subject=self.id, prompt_type=self.prompt_type, number=self.live, replaced=replaced, reason=reason
        )


@dataclass(frozen=True, slots=True)
class Told:
    """Hold what a writer is told under two versions: the master's words and lessons before the other's."""

    label: str
    text: str
    lessons: tuple[TaughtLesson, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """Hold a version, and since when people let it be told: None, where that was not kept, is when it was made."""

    version: PromptVersion
    since: datetime | None = None

    @property
    def order(self) -> tuple[bool, bool, float, float]:
        """Order by when people chose it: the built-in one first, what is yet to be made last."""
        made_at = self.version.made_at
        if self.version.number == BUILT_IN or made_at is None:
            return self.version.number != BUILT_IN, made_at is None, 0.0, 0.0
        return True, False, (self.since or made_at).timestamp(), made_at.timestamp()


def told(master: Standing, prompt_type: PromptType, own: Standing) -> Told:
    """Put the master's words before a prompt's, and the lessons of whichever people chose later, by whatever way.

    Each is made with all lessons, so that what was edited or put away since the earlier one is not told on; and whoever
    rolls one back brings back what that version holds.
    """
    return Told(
        beside(master.version.number, prompt_type, own.version.number),
        f"{master.version.base}\n\n{own.version.base}",
        teaching(master, own).version.lessons,
    )


def teaching(master: Standing, own: Standing) -> Standing:
    """Tell which of two gives the lessons."""
    return max(master, own, key=lambda one: one.order)


def beside_live(candidate: PromptVersion, live: Standing, other: Standing) -> str:
    """Digest what would be told, what it would replace and stand beside, and which of these two gives the lessons."""
    return candidate.fingerprint(live.version.number, other.version.number, int(teaching(live, other) is live))


def label(prompt_type: PromptType, number: int) -> str:
    """Name a version as messages remember it."""
    return f"{prompt_type.value}-{number}"


def beside(master: int, prompt_type: PromptType, number: int) -> str:
    """Name the two versions that a message is written with."""
    return f"{label(PromptType.MASTER, master)}/{label(prompt_type, number)}"


@dataclass(frozen=True, slots=True)
class Changes:
    """Say what is different from the version before."""

    lessons_added: tuple[TaughtLesson, ...]
    lessons_removed: tuple[TaughtLesson, ...]
    lessons_changed: tuple[TaughtLesson, ...]
    base_prompt_changed: bool


def changes_between(earlier: PromptVersion, later: PromptVersion) -> Changes:
    """Compare two versions."""
    had, has = {lesson.id: lesson for lesson in earlier.lessons}, {lesson.id for lesson in later.lessons}
    return Changes(
        tuple(lesson for lesson in later.lessons if lesson.id not in had),
        tuple(lesson for lesson in earlier.lessons if lesson.id not in has),
        tuple(lesson for lesson in later.lessons if lesson.id in had and lesson != had[lesson.id]),
        earlier.base != later.base,
    )
