"""What our messages have in common where they succeed, counted; an association, which only an experiment proves."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.messaging.languages import language_of
from domain.messaging.reply_facts import WORD, name_words
from domain.statistics import fisher_exact, holm

SIGNIFICANT = 0.05
MOST_EXAMPLES = 20
SHORT, LONG = 100, 160
_TIMES = re.compile(r"\d{1,2}[:.]\d\d|\b\d{1,2}\s?(?:am|pm)\b", re.IGNORECASE)
_LINK = re.compile(r"https?://|\bwww\.|\b[\w-]+\.(?:com|net|org|co|es|uk)\b", re.IGNORECASE)


class Step(StrEnum):
    """Name which of our messages is looked at: the first campaign text, or our first answer after the lead wrote.

    An opening succeeds when the lead answers and does not opt out, an answer when a call is booked.
    """

    OPENING = "opening"
    ANSWER = "answer"


def is_counted(rule: str) -> bool:
    """Tell whether a finding's rule names something counted, in words that no lead had a part in."""
    return rule.startswith(tuple(f"pattern_{step}_" for step in Step))


class Action(StrEnum):
    """Name what is best done with a pattern."""

    ADOPT = "adopt"
    AVOID = "avoid"
    TEST_MORE = "test_more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Hold one of our messages, and whether it succeeded; `at` is on the organisation's clock."""

    step: Step
    message_id: UUID
    text: str
    at: datetime
    names: Sequence[str]
    organization: str
    succeeded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Hold how often messages with a feature succeeded, and the others; `p_value` is adjusted by Holm."""

    step: Step
    feature: str
    occurrences: int
    successes: int
    others: int
    other_successes: int
    p_value: float
    examples: tuple[UUID, ...]

    @property
    def key(self) -> str:
        """Name it."""
        return f"{self.step}_{self.feature}"

    @property
    def success_rate(self) -> float:
        """Give the share of those with the feature that succeeded."""
        return self.successes / self.occurrences

    @property
    def other_rate(self) -> float:
        """Give the share of the others."""
        return self.other_successes / self.others

    @property
    def action(self) -> Action:
        """Tell what is best done: nothing is adopted or avoided that may be chance."""
        if self.p_value >= SIGNIFICANT:
            return Action.TEST_MORE
        return Action.ADOPT if self.success_rate > self.other_rate else Action.AVOID


def features(sample: Sample) -> frozenset[str]:
    """Name what a message has of what is counted."""
    text = sample.text
    words = {word.lower() for word in WORD.findall(text)}
    hour = sample.at.hour
    found = {
        "names_the_lead": bool(name_words(sample.names) & words),
        "names_the_business": sample.organization.lower() in text.lower(),
        "asks_a_question": "?" in text,
        "offers_two_times": len(_TIMES.findall(text)) > 1,
        "holds_a_link": _LINK.search(text) is not None,
        "is_short": len(text) <= SHORT,
        "is_long": len(text) > LONG,
        "exclaims": "!" in text,
        "leaves_in_the_morning": hour < 12,
        "leaves_in_the_evening": hour >= 17,
        "leaves_at_the_weekend": sample.at.weekday() >= 5,
        f"is_in_{language_of(text) or 'another_language'}": True,
    }
    return frozenset(name for name, holds in found.items() if holds)


def patterns(samples: Iterable[Sample], least: int) -> list[Pattern]:
    """Count what is in at least so many messages, and missing in as many; the surest difference comes first."""
    counted: dict[tuple[Step, str], list[Sample]] = {}
    of_step: dict[Step, list[Sample]] = {step: [] for step in Step}
    for sample in samples:
        of_step[sample.step].append(sample)
        for feature in features(sample):
            counted.setdefault((sample.step, feature), []).append(sample)
    enough = {
        place: having
        for place, having in counted.items()
        if len(having) >= least and len(of_step[place[0]]) - len(having) >= least
    }
    raw = {f"{step}_{feature}": _p_value(having, of_step[step]) for (step, feature), having in enough.items()}
    adjusted = holm(raw)
    found = [_pattern(step, feature, having, of_step[step], adjusted) for (step, feature), having in enough.items()]
    return sorted(found, key=lambda one: (one.p_value, raw[one.key], one.key))


def _won(samples: Iterable[Sample]) -> int:
    return sum(sample.succeeded for sample in samples)


def _p_value(having: Sequence[Sample], every: Sequence[Sample]) -> float:
    won, total = _won(having), _won(every)
    return fisher_exact(won, len(having), total - won, len(every) - len(having))


def _pattern(
    step: Step, feature: str, having: Sequence[Sample], every: Sequence[Sample], adjusted: Mapping[str, float]
) -> Pattern:
    won, total = _won(having), _won(every)
    better = won * (len(every) - len(having)) >= (total - won) * len(having)
    telling = [sample.message_id for sample in having if sample.succeeded is better]
    return Pattern(
        step=step,
        feature=feature,
        occurrences=len(having),
        successes=won,
        others=len(every) - len(having),
        other_successes=total - won,
        p_value=adjusted[f"{step}_{feature}"],
        examples=tuple(sorted(telling)[-MOST_EXAMPLES:]),
    )
