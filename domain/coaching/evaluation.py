"""An evaluation: the same past conversations answered under two versions, and judged on the same points."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import comb
from typing import ClassVar
from uuid import UUID

from domain.coaching.prompt import PromptType, Told
from domain.kernel import Entity, Event

MARGIN = 5
"""By how many points of a hundred an answer has to be better to count as better."""
ALPHA = 0.05


class Outcome(StrEnum):
    """Name how one answer, or one version, stands beside another."""

    BETTER = "better"
    SAME = "same"
    WORSE = "worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRequested(Event):
    """Say that a draft is to be evaluated; the subject is the evaluation."""

    type: ClassVar[str] = "prompt.evaluation_requested"
    job_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationEnded(Event):
    """Say what an evaluation found; the subject is the evaluation."""

    type: ClassVar[str] = "prompt.evaluated"
    prompt_type: PromptType
    outcome: Outcome


def compared(old: int, new: int) -> Outcome:
    """Compare two scores; what lies within the margin is the same."""
    if new > old + MARGIN:
        return Outcome.BETTER
    return Outcome.WORSE if new < old - MARGIN else Outcome.SAME


def chance(hits: int, trials: int) -> float:
    """Tell how likely at least so many of so many are, where each way is as likely (the one-sided sign test)."""
    return sum(comb(trials, n) for n in range(hits, trials + 1)) / (1 << trials)


@dataclass(frozen=True, slots=True)
class Tally:
    """Count how the answers compare; ties say nothing of which is better."""

    better: int = 0
    same: int = 0
    worse: int = 0

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> "Tally":
        """Count them."""
        found = list(outcomes)
        return cls(found.count(Outcome.BETTER), found.count(Outcome.SAME), found.count(Outcome.WORSE))

    @property
    def p_value(self) -> float:
        """Tell how likely a difference at least as clear is by chance."""
        trials = self.better + self.worse
        return min(2 * chance(max(self.better, self.worse), trials), 1.0) if trials else 1.0

    @property
    def outcome(self) -> Outcome:
        """Judge the version: worse or better only where chance hardly makes it so (one-sided, 5 %)."""
        trials = self.better + self.worse
        if trials and chance(self.worse, trials) < ALPHA:
            return Outcome.WORSE
        return Outcome.BETTER if trials and chance(self.better, trials) < ALPHA else Outcome.SAME


@dataclass(slots=True, kw_only=True)
class Evaluation(Entity):
    """Be one evaluation; `fingerprint` is of all that would be made live, so that it says nothing of another draft.

    `left_out` names the cases that could not be judged, and why.
    """

    prompt_type: PromptType
    baseline: int
    fingerprint: str
    old: Told
    new: Told
    job_id: UUID
    case_ids: tuple[UUID, ...]
    left_out: dict[UUID, str] = field(default_factory=dict)
    better: int = 0
    same: int = 0
    worse: int = 0
    outcome: Outcome | None = None
    created_by: UUID | None = None
    created_at: datetime
    ended_at: datetime | None = None

    def leave_out(self, case_id: UUID, why: str) -> None:
        """Go on without a case."""
        self.left_out = self.left_out | {case_id: why}

    def end(self, tally: Tally, at: datetime) -> EvaluationEnded:
        """Note what was found."""
        self.better, self.same, self.worse = tally.better, tally.same, tally.worse
        self.outcome, self.ended_at = tally.outcome, at
        return EvaluationEnded(subject=self.id, prompt_type=self.prompt_type, outcome=tally.outcome)
