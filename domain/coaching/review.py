"""When a conversation is looked at again, and the events around it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from domain.kernel import Event

SETTLES = timedelta(minutes=2)
"""How long a conversation has to be still before it is reviewed."""
LONGEST_WAIT = timedelta(minutes=10)
"""How long one that is never still waits all the same."""
SWEPT_EVERY = timedelta(minutes=15)
"""How soon after something moved it is looked for what was missed."""
MOVED_WITHIN = timedelta(hours=24)
"""How far back the sweep looks for conversations that moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDue(Event):
    """Say that a conversation is to be reviewed now; the subject is the conversation."""

    type: ClassVar[str] = "conversation.review_due"


def put_off(failures: int, retry_after: float | None = None) -> timedelta:
    """Tell how long a review waits that failed so often: two minutes at first, then twice as long, an hour at most."""
    doubled = timedelta(minutes=2 ** min(failures, 6))
    return min(max(doubled, timedelta(seconds=retry_after or 0)), timedelta(hours=1))
