"""What an evaluation needs: past conversations, answers under a candidate, and where all of it is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from application.model_calls import Access, Usage
from application.ports import Found, PageRequest, Store
from application.provider import provider_port
from domain.coaching.evaluation import Evaluation, Outcome
from domain.coaching.finding import Author
from domain.coaching.prompt import LeftOut, Told
from domain.kernel import Entity


@dataclass(frozen=True, slots=True)
class PastMessage:
    """Hold one message of a past conversation."""

    id: UUID
    by: Author
    text: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PastThread:
    """Hold a conversation up to the lead's latest message, with what a writer may know of it; frozen when chosen.

    For a text that begins, all that was said so far, maybe nothing, and `now`: there is no message that it answers.
    """

    organization: str
    locale: str
    messages: tuple[PastMessage, ...]
    lead: tuple[tuple[str, str], ...] = ()
    first_name: str | None = None
    product: str | None = None
    facts: tuple[str, ...] = ()
    threshold: float
    most_segments: int
    now: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Case(Entity):
    """Be one past conversation in the set that versions are compared on; `chosen` by a person, or sampled."""

    conversation_id: UUID
    lead_id: UUID | None
    chosen: bool
    thread: PastThread
    created_by: UUID | None = None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateAnswer:
    """Hold what would have been answered; `breaches` are the rules that keep it from being sent."""

    text: str
    confidence: float
    breaches: tuple[str, ...] = ()
    needs_person: bool = False
    lesson_ids: tuple[UUID, ...] = ()
    usage: Usage


@dataclass(frozen=True, slots=True)
class Judged:
    """Hold an answer's score of a hundred, and what was found in it."""

    text: str
    score: int
    findings: tuple[str, ...] = ()
    cost_micros: int = 0


@dataclass(frozen=True, slots=True)
class Compared:
    """Hold both answers to one case."""

    case_id: UUID
    old: Judged
    new: Judged
    outcome: Outcome


@provider_port
class CandidateAnswers(Protocol):
    """Write what the AI would answer; none of it is ever sent."""

    async def answer(self, thread: PastThread, said: Told, access: Access, touch: int | None = None) -> CandidateAnswer:
        """Answer a thread under two versions, or write that touch; raises what a provider's call raises."""
        ...


class PastThreads(Protocol):
    """Know conversations, as far as the actor may see them."""

    async def of(self, conversation_id: UUID) -> tuple[UUID | None, PastThread]:
        """Give a thread and its lead, or refuse: not there to see (`NotFound`), nothing to answer (`Conflict`)."""
        ...

    async def of_lead(self, lead_id: UUID) -> PastThread:
        """Give the thread with a lead, or refuse likewise."""
        ...

    async def before_touch(self, lead_id: UUID) -> PastThread:
        """Give what a campaign's text to a lead would be written from, or refuse where not all may be seen."""
        ...

    async def sample(self, limit: int) -> Sequence[UUID]:
        """Name conversations in which a lead wrote and which are no case yet, always the same ones first."""
        ...


class CaseStore(Store[Case], Protocol):
    """Keep the set."""

    async def ids(self, limit: int) -> Sequence[UUID]:
        """Name the cases to take: those that people chose first, then the older."""
        ...

    async def of_conversation(self, conversation_id: UUID) -> Case | None:
        """Find the case that a conversation is."""
        ...

    async def find(self, page: PageRequest) -> Found:
        """List those whose leads the actor may see."""
        ...

    async def visible(self, identifier: UUID) -> Case:
        """Load one whose lead the actor may see, or refuse with `NotFound`."""
        ...


class EvaluationStore(Store[Evaluation], Protocol):
    """Keep evaluations and their answers."""

    async def next_case(self, evaluation: Evaluation) -> Case | None:
        """Give a case of it that was not answered yet and still stands."""
        ...

    async def record(self, evaluation: Evaluation, compared: Compared) -> int:
        """Keep two answers; gives how many cases are done. A second record of a case changes nothing."""
        ...

    async def outcomes(self, evaluation: Evaluation) -> Sequence[Outcome]:
        """Give how the answers compare."""
        ...

    async def examples(self, evaluation: Evaluation, limit: int) -> Sequence[Compared]:
        """Give the answers that differ most, of leads that the actor may see."""
        ...


class EvaluationJobs(Protocol):
    """Keep the job that people watch an evaluation by."""

    async def open(self, job_id: UUID, subject: UUID, total: int, kind: str) -> None:
        """Make a queued job."""
        ...

    async def wanted(self, job_id: UUID) -> bool | None:
        """Lock the job and tell whether to go on; None when it has ended."""
        ...

    async def advance(self, job_id: UUID, done: int) -> None:
        """Note how many cases are done."""
        ...

    async def finish(self, job_id: UUID, result: dict[str, Any]) -> None:
        """End well."""
        ...

    async def stop(self, job_id: UUID, result: dict[str, Any]) -> None:
        """End because somebody cancelled it."""
        ...

    async def fail(self, job_id: UUID, reason: str) -> None:
        """End because it cannot go on; a job that has ended stays as it is."""
        ...


@dataclass(frozen=True, slots=True)
class Candidates:
    """Hold what is live and what would be, as writers are told it."""

    baseline: int
    fingerprint: str
    old: Told
    new: Told
    left_out: tuple[LeftOut, ...]
