"""What an answer may rest on, and how its rules read a text."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

DEFAULT_THRESHOLD = 0.6
DEFAULT_SEGMENTS = 2
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def name_words(names: Iterable[str]) -> frozenset[str]:
    """Give the words of names in small letters, but single letters."""
    return frozenset(word for name in names for word in WORD.findall(name.lower()) if len(word) > 1)


@dataclass(frozen=True, slots=True)
class Slot:
    """Hold a time that the calendar offers in this turn; `spoken` is how it is said on the lead's own clocks."""

    id: str
    starts_at: datetime
    spoken: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyFacts:
    """Hold what an answer may rest on: `ours` is what we state and said, `theirs` what the lead wrote, latest last.

    `recorded` is what stands on the lead, which strangers may have entered: no price, link or number of ours.
    """

    ours: Sequence[str]
    theirs: Sequence[str]
    prompt: str
    recorded: Sequence[str] = ()
    slots: Sequence[Slot] = ()
    language: str | None = None
    threshold: float = DEFAULT_THRESHOLD
    most_segments: int = DEFAULT_SEGMENTS

    @property
    def stated(self) -> str:
        """Give all that is ours as one text."""
        return "\n".join(self.ours)

    @property
    def offered(self) -> str:
        """Give all that is ours with the times that the calendar offers."""
        return "\n".join((*self.ours, *(slot.spoken for slot in self.slots)))


def without_slots(text: str, slots: Sequence[Slot]) -> str:
    """Blank out the offered times where they are said word for word: their digits are no price and no phone number."""
    for slot in slots:
        text = re.sub(rf"(?<!\w){re.escape(slot.spoken)}(?!\w)", " _ ", text, flags=re.IGNORECASE)
    return text
