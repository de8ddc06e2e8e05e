"""What the use cases of prompts need kept and known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.coaching.evaluation_ports import Compared
from application.ports import Found, PageRequest, Store
from domain.coaching.canary import Canary, Phase, Side
from domain.coaching.evaluation import Evaluation
from domain.coaching.lesson import Lesson
from domain.coaching.prompt import Prompt, PromptType, PromptVersion, Standing
from domain.statistics import Share


class PromptStore(Store[Prompt], Protocol):
    """Keep prompts and their versions."""

    async def of_type(self, prompt_type: PromptType) -> Prompt | None:
        """Give the organisation's prompt of a type, if it has one of its own."""
        ...

    async def locked(self, prompt_type: PromptType) -> Prompt | None:
        """Give it, and keep others from changing or making one of this type until the unit of work ends."""
        ...

    async def version(self, prompt_type: PromptType, number: int) -> PromptVersion:
        """Give a version, 0 being the built-in one, or refuse with `NotFound`."""
        ...

    async def standing(self, prompt_type: PromptType) -> Standing:
        """Give the live version, and since when people let it be told."""
        ...

    async def add_version(self, prompt: Prompt, version: PromptVersion) -> None:
        """Keep a version, for good."""
        ...

    async def versions(self, prompt_type: PromptType, page: PageRequest) -> Found:
        """List them, the latest first (`VersionListed`)."""
        ...

    async def performance(self, prompt: Prompt) -> Share:
        """Count the conversations that the live version answered in the last 90 days, and those that succeeded."""
        ...

    async def lesson_budget(self) -> int:
        """Tell how many tokens of lessons the organisation's prompts may hold."""
        ...


class CanaryStore(Store[Canary], Protocol):
    """Keep trials."""

    async def open_of(self, prompt_id: UUID) -> Canary | None:
        """Give the trial, or its hold-out, that decides who is answered with what; the prompt is locked before."""
        ...

    async def latest_of(self, prompt_id: UUID) -> Canary | None:
        """Give the latest trial of a prompt."""
        ...

    async def rolled_back(self, prompt_id: UUID) -> Sequence[Canary]:
        """Give the trials of a prompt that ended badly, the latest first."""
        ...

    async def tried(self) -> Sequence[Canary]:
        """Give the trials that are under way."""
        ...

    async def sides(self, canary: Canary, phase: Phase) -> tuple[Side, Side]:
        """Count what came of the new version and of the old one in a phase of a trial, of its last 90 days."""
        ...


class KnownEvaluations(Protocol):
    """Know how drafts were judged."""

    async def latest(self, prompt_type: PromptType, fingerprint: str) -> Evaluation | None:
        """Give the latest evaluation of exactly this, which may be under way."""
        ...

    async def judged(self, prompt_type: PromptType, fingerprint: str) -> Evaluation | None:
        """Give the one that says most of exactly this: of most conversations, the latest of several."""
        ...

    async def examples(self, evaluation: Evaluation, limit: int) -> Sequence[Compared]:
        """Give the answers that differ most, of leads that the actor may see."""
        ...


class ActiveLessons(Protocol):
    """Know the lessons that go live."""

    async def active(self, *, testing: bool = False) -> Sequence[Lesson]:
        """Give those of either scope, and those in testing if wanted: the most pressing first, then the older."""
        ...


@dataclass(frozen=True, slots=True)
class Looked:
    """Name the message that was looked at last."""

    created_at: datetime
    id: UUID


class Outcomes(Protocol):
    """Keep what followed the AI's messages."""

    async def measure(self, at: datetime, after: Looked, limit: int) -> Looked | None:
        """Look what followed the next messages, in the order of their writing; gives the last, None at the end."""
        ...
