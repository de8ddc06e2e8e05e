"""One page: which events are counted, and as what."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.analytics.tally import Fact, What
from domain.messaging.message import MessageReceived, MessagesSettled, OptedOut
from domain.messaging.reply import LeadTurnedHot
from domain.sales.lead import ContactStatusSet, LeadMoved
from domain.scheduling.booking import BookingCancelled, BookingMade


@dataclass(frozen=True, slots=True)
class Told:
    """Hold one event of the log as it was written down, without what is personal in it."""

    type: str
    subject: UUID
    at: datetime
    data: Mapping[str, Any]


def _settled(told: Told) -> Iterable[Fact]:
    for one in told.data["settled"]:
        if one["outcome"] == "accepted":
            yield Fact(
                what=What.TEXT,
                at=datetime.fromisoformat(one["at"]),
                lead_id=_id(one["lead_id"]),
                purpose=one.get("purpose"),
                campaign_id=_id(one["campaign_id"]),
                touch=one["touch"],
                variant=one.get("variant"),
            )


def _received(told: Told) -> Iterable[Fact]:
    if told.data["reading"] == "none":  # STOP, START and HELP are no answers
        yield Fact(what=What.REPLY, at=told.at, lead_id=_id(told.data["lead_id"]))


def _opted_out(told: Told) -> Iterable[Fact]:
    return (Fact(what=What.OPT_OUT, at=told.at, lead_id=_id(lead)) for lead in told.data["lead_ids"])


def _of_lead(what: What) -> Callable[[Told], Iterable[Fact]]:
    return lambda told: (Fact(what=what, at=told.at, lead_id=told.subject),)


def _moved(told: Told) -> Iterable[Fact]:
    if told.data["category"] == "won":
        yield Fact(what=What.CONVERSION, at=told.at, lead_id=told.subject)


def _status_set(told: Told) -> Iterable[Fact]:
    if told.data["new"] == "CONVERTED":
        yield Fact(what=What.CONVERSION, at=told.at, lead_id=told.subject)


COUNTED: Mapping[str, Callable[[Told], Iterable[Fact]]] = {
    MessagesSettled.type: _settled,
    MessageReceived.type: _received,
    LeadTurnedHot.type: _of_lead(What.HOT),
    BookingMade.type: _of_lead(What.BOOKING),
    BookingCancelled.type: _of_lead(What.CANCELLATION),
    OptedOut.type: _opted_out,
    LeadMoved.type: _moved,
    ContactStatusSet.type: _status_set,
}
"""A text is counted when a provider took it, a lead as converted when it is won or a person says so."""


def facts_of(told: Told) -> list[Fact]:
    """Read what an event says that is counted."""
    return list(COUNTED[told.type](told))


def _id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)
