"""A canary: a version that is live for a share of conversations, and the rule that ends the trial.

The trial is looked at again and again, so a test made for one look would find differences by chance. Each rate is
judged by a confidence sequence, which holds at all times at once: the normal mixture of the sequential probability
ratio test (Robbins 1970; Johari, Pekelis and Walsh, "Always Valid Inference", 2022), on the difference of two
proportions.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import log, sqrt
from typing import ClassVar
from uuid import UUID

from domain.coaching.prompt import PromptType
from domain.kernel import Conflict, Entity, Event

ALPHA = 0.05
"""How likely it may be, over a whole trial, that one of the three rates is found different by chance."""
MIXING = 0.05
"""The differences that the test is sharpest for, as a standard deviation."""
LEAST = 20
"""Conversations of each side before anything is decided."""
LONGEST = timedelta(days=28)
_PARTS = 10_000
_RATES = ("replied", "booked", "opted_out")
_SHOWN = (*_RATES, "handed_over")


class CanaryStatus(StrEnum):
    """Name where a trial stands."""

    RUNNING = "running"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryDecided(Event):
    """Say how a trial ended, and why; the subject is the trial."""

    type: ClassVar[str] = "prompt.canary_decided"
    prompt_id: UUID
    prompt_type: PromptType
    number: int
    status: CanaryStatus
    reason: str


@dataclass(frozen=True, slots=True)
class Side:
    """Count the conversations of one side, and in how many of them the lead answered, booked, opted out.

    `handed_over` counts those that the version left to a person, or to a touch's template; they belong to it whatever
    came then.
    """

    conversations: int = 0
    replied: int = 0
    booked: int = 0
    opted_out: int = 0
    handed_over: int = 0


@dataclass(frozen=True, slots=True)
class Phase:
    """Hold the time in which conversations were dealt out in one way; None: it goes on."""

    began: datetime
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class Difference:
    """Hold how much higher a rate is on the new side, and the bounds of the test: a difference is shown off 0."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Decision:
    """Say how a trial ends, in a sentence for people."""

    status: CanaryStatus
    reason: str


def difference(new_hits: int, new_trials: int, old_hits: int, old_trials: int) -> Difference:
    """Bound the difference of two rates by what both sides together would vary if there were none.

    A small side's own variance would not do: with nobody or everybody of twenty it looks certain, and much harm on it
    looks vague. A half keeps rates of nothing and of all from looking certain.
    """
    if not new_trials or not old_trials:
        return Difference(0.0, -1.0, 1.0)
    both = (new_hits + old_hits + 0.5) / (new_trials + old_trials + 1)
    variance = both * (1 - both) * (1 / new_trials + 1 / old_trials)
    mixing = MIXING * MIXING
    alpha = ALPHA / len(_RATES)
    reach = sqrt(variance * (variance + mixing) / mixing * (2 * log(1 / alpha) + log((variance + mixing) / variance)))
    found = new_hits / new_trials - old_hits / old_trials
    return Difference(found, max(found - reach, -1.0), min(found + reach, 1.0))


def differences(new: Side, old: Side) -> Mapping[str, Difference]:
    """Bound the difference of each rate."""
    return {
        rate: difference(getattr(new, rate), new.conversations, getattr(old, rate), old.conversations)
        for rate in _SHOWN
    }


def decide(new: Side, old: Side, running: timedelta) -> Decision | None:
    """Tell whether a trial ends: harm rolls back at once, a gain promotes, and four weeks without either roll back."""
    if min(new.conversations, old.conversations) >= LEAST:
        found = differences(new, old)
        if found["opted_out"].low > 0:
            return Decision(
                CanaryStatus.ROLLED_BACK, _said("More leads opted out", new.opted_out, old.opted_out, new, old)
            )
        for rate, word in (("booked", "Fewer leads booked"), ("replied", "Fewer leads answered")):
            if found[rate].high < 0:
                return Decision(CanaryStatus.ROLLED_BACK, _said(word, getattr(new, rate), getattr(old, rate), new, old))
        for rate, word in (("booked", "More leads booked"), ("replied", "More leads answered")):
            if found[rate].low > 0:
                return Decision(CanaryStatus.PROMOTED, _said(word, getattr(new, rate), getattr(old, rate), new, old))
    if running >= LONGEST:
        return Decision(CanaryStatus.ROLLED_BACK, f"In {LONGEST.days} days no difference was shown.")
    return None


def _said(word: str, new_hits: int, old_hits: int, new: Side, old: Side) -> str:
    return f"{word}: {new_hits} of {new.conversations} conversations, against {old_hits} of {old.conversations}."


def part_of(lead_id: UUID, canary_id: UUID) -> int:
    """Give a lead its part of ten thousand in a trial: always the same there, another elsewhere."""
    digest = hashlib.sha256(lead_id.bytes + canary_id.bytes).digest()
    return int.from_bytes(digest[:8], "big") % _PARTS


@dataclass(slots=True, kw_only=True)
class Canary(Entity):
    """Be one trial of a version against the one before; `hold_out` is the share that keeps the old one afterwards.

    `baseline_since` is since when people let that one be told.
    """

    prompt_id: UUID
    prompt_type: PromptType
    number: int
    baseline: int
    share: int
    hold_out: int = 0
    status: CanaryStatus = CanaryStatus.RUNNING
    is_open: bool = True
    started_at: datetime
    started_by: UUID | None = None
    ended_at: datetime | None = None
    closed_at: datetime | None = None
    reason: str | None = None
    baseline_since: datetime | None = None

    @property
    def trial(self) -> Phase | None:
        """Give when the share decided who was answered with what; None where all were answered anew at once."""
        return Phase(self.started_at, self.ended_at) if self.ended_at != self.started_at else None

    @property
    def held_out(self) -> Phase | None:
        """Give when all but the hold-out were answered anew; the two are dealt out differently, and never one sum."""
        if self.status is not CanaryStatus.PROMOTED or not self.hold_out or self.ended_at is None:
            return None
        return Phase(self.ended_at, self.closed_at)

    def number_for(self, lead_id: UUID) -> int:
        """Choose the version for a lead: the hold-out stands at one end, the trial at the other."""
        part = part_of(lead_id, self.id)
        if part < self.hold_out * 100:
            return self.baseline
        if self.status is CanaryStatus.PROMOTED:
            return self.number
        return self.number if part >= _PARTS - self.share * 100 else self.baseline

    def since(self, number: int) -> datetime | None:
        """Tell since when people let one of its two versions be told; a promotion is no choice of theirs."""
        return self.started_at if number == self.number else self.baseline_since

    def end(self, decision: Decision, at: datetime) -> CanaryDecided:
        """End the trial, or refuse where it has ended (`Conflict`); a hold-out stays until something else is live."""
        if self.status is not CanaryStatus.RUNNING:
            raise Conflict("This trial has ended already.")
        self.status, self.reason, self.ended_at = decision.status, decision.reason, at
        self.is_open = decision.status is CanaryStatus.PROMOTED and self.hold_out > 0
        self.closed_at = None if self.is_open else at
        return CanaryDecided(
            subject=self.id,
            prompt_id=self.prompt_id,
            prompt_type=self.prompt_type,
            number=self.number,
            status=self.status,
            reason=decision.reason,
        )

    def close(self, at: datetime) -> None:
        """Let nobody keep the old version any more: something else is live. Sides are counted up to here."""
        self.is_open, self.closed_at = False, at
        if self.status is CanaryStatus.RUNNING:
            self.status, self.ended_at = CanaryStatus.STOPPED, at
            self.reason = "Somebody made another version live."
