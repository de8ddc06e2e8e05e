"""Threads written down as a person would: who said what, a minute after the other unless told otherwise."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.coaching.finding import Author, Finding, Quote, ReviewedMessage, Thread
from domain.kernel import new_id

START = datetime(2027, 3, 22, 9, tzinfo=UTC)
OPENING = "Hi Ada, it's Bright Windows. Is the bay window still of interest? Reply STOP to opt out."
Said = tuple[Author, str] | tuple[Author, str, int]


def thread(*said: Said, **more: Any) -> Thread:
    """Make a thread with Ada; a third value is the minute at which something was said."""
    messages = [
        ReviewedMessage(
            id=new_id(),
            by=one[0],
            text=one[1],
            at=START + timedelta(minutes=one[2] if len(one) == 3 else number),
        )
        for number, one in enumerate(said)
    ]
    values: dict[str, Any] = {"organization": "Bright Windows", "names": ("Ada", "Nowak")}
    return Thread(messages=messages, **values | more)


def quoted(finding: Finding, made: Thread) -> Sequence[tuple[int, str]]:
    """Give a finding's quotes as places in the thread and words."""
    places = {message.id: place for place, message in enumerate(made.messages)}
    return [(places[quote.message_id], quote.words) for quote in finding.quotes]


def whole(message: ReviewedMessage) -> Quote:
    """Quote all of a message."""
    return Quote(message.id, message.text)
