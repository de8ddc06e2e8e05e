"""What is counted: how far each lead has come, and what every fact of the event log adds to which count."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

QUARTER = timedelta(minutes=15)
"""How fine counts are kept: every zone of today begins its days on a quarter of an hour of UTC."""


class What(StrEnum):
    """Name what a fact says."""

    TEXT = "text"
    REPLY = "reply"
    HOT = "hot"
    BOOKING = "booking"
    CANCELLATION = "cancellation"
    OPT_OUT = "opt_out"
    CONVERSION = "conversion"


class Kind(StrEnum):
    """Name a count: the upper ones stand where something happened, `contacted…` where its lead was first texted."""

    M1 = "m1"
    M2 = "m2"
    M3 = "m3"
    AI_REPLIES = "ai_replies"
    MANUAL = "manual"
    OTHER = "other"
    REPLIES = "replies"
    FIRST_REPLIES = "first_replies"
    HOT = "hot"
    BOOKINGS = "bookings"
    CANCELLATIONS = "cancellations"
    OPT_OUTS = "opt_outs"
    CONVERSIONS = "conversions"
    CONTACTED = "contacted"
    CONTACTED_REPLIED = "contacted_replied"
    CONTACTED_HOT = "contacted_hot"
    CONTACTED_BOOKED = "contacted_booked"
    CONTACTED_CONVERTED = "contacted_converted"
    CONTACTED_OPTED_OUT = "contacted_opted_out"
    TEXTS_UNTIL_BOOKED = "texts_until_booked"


TEXTS = (Kind.M1, Kind.M2, Kind.M3, Kind.AI_REPLIES, Kind.MANUAL, Kind.OTHER)
_OF_PURPOSE = {"reply": Kind.AI_REPLIES, "manual": Kind.MANUAL}
_OF_TOUCH = {"M1": Kind.M1, "M2": Kind.M2, "M3": Kind.M3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Say one thing that happened; without a lead it counts in no dataset, and for no share of leads."""

    what: What
    at: datetime
    lead_id: UUID | None
    purpose: str | None = None
    campaign_id: UUID | None = None
    touch: str | None = None
    variant: str | None = None


@dataclass(slots=True, kw_only=True)
class Progress:
    """Tell how far a lead has come; `touch` is the last one that left, `marks` what happened already, once for all,
    and when it happened last: a text is told of after its batch, when its answer may have been told of before.

    Ids and times alone: it stays when the person is erased, so that what happened stays counted.
    """

    lead_id: UUID
    dataset_id: UUID | None
    first_text_at: datetime | None = None
    texts: int = 0
    campaign_id: UUID | None = None
    touch: str | None = None
    variant: str | None = None
    marks: set[str] = field(default_factory=set)

    def first(self, mark: str) -> bool:
        """Tell whether this happens for the first time, and note it."""
        if mark in self.marks:
            return False
        self.marks.add(mark)
        return True

    def note(self, what: What, at: datetime) -> None:
        """Note when something happened last."""
        last = self.last(what)
        if last is None or last < at:
            self.marks.discard(f"last:{what}:{last.isoformat() if last else ''}")
            self.marks.add(f"last:{what}:{at.astimezone(UTC).isoformat()}")

    def last(self, what: What) -> datetime | None:
        """Tell when something happened last, of what the log told until now."""
        head = f"last:{what}:"
        return next((datetime.fromisoformat(m.removeprefix(head)) for m in self.marks if m.startswith(head)), None)


@dataclass(frozen=True, slots=True)
class _Step:
    """Say how a fact about a lead is counted: each time, the first time, and of those contacted and the last touch."""

    each: Kind | None
    first: Kind | None
    contacted: Kind | None


_STEPS: Mapping[What, _Step] = {
    What.REPLY: _Step(Kind.REPLIES, Kind.FIRST_REPLIES, Kind.CONTACTED_REPLIED),
    What.HOT: _Step(None, Kind.HOT, Kind.CONTACTED_HOT),
    What.BOOKING: _Step(Kind.BOOKINGS, None, Kind.CONTACTED_BOOKED),
    What.CANCELLATION: _Step(Kind.CANCELLATIONS, None, None),
    What.OPT_OUT: _Step(None, Kind.OPT_OUTS, Kind.CONTACTED_OPTED_OUT),
    What.CONVERSION: _Step(None, Kind.CONVERSIONS, Kind.CONTACTED_CONVERTED),
}
Place = tuple[UUID | None, datetime, str]
Arm = tuple[UUID, str, str, str]


@dataclass(slots=True)
class Tally:
    """Gather what is to be added: `counts` by dataset, quarter of an hour and kind; `results` by campaign, touch,
    variant and what came of the texts."""

    counts: Counter[Place] = field(default_factory=Counter)
    results: Counter[Arm] = field(default_factory=Counter)

    def take(self, facts: Iterable[Fact], known: Mapping[UUID, Progress]) -> None:
        """Count facts in the order of the log; one about a lead that nobody knows any more counts nowhere."""
        for fact in facts:
            lead = None if fact.lead_id is None else known.get(fact.lead_id)
            if lead is None and fact.lead_id is not None:
                continue
            if fact.what is What.TEXT:
                self._text(fact, lead)
            else:
                self._step(fact, lead)

    def _text(self, fact: Fact, lead: Progress | None) -> None:
        kind = _OF_TOUCH.get(fact.touch or "") or _OF_PURPOSE.get(fact.purpose or "", Kind.OTHER)
        self._add(lead, fact.at, kind)
        if lead is None:
            return
        lead.texts += 1
        if fact.touch is None or fact.campaign_id is None:
            return
        if lead.first_text_at is None:
            lead.first_text_at = fact.at
            self._add(lead, fact.at, Kind.CONTACTED)
        lead.campaign_id, lead.touch, lead.variant = fact.campaign_id, fact.touch, fact.variant or ""
        lead.marks = {mark for mark in lead.marks if not mark.startswith("touch:")}
        self._came(lead, "sent")
        for what, step in _STEPS.items():
            at = lead.last(what)
            if step.contacted is not None and at is not None and at >= fact.at:
                self._share(what, lead, step.contacted)

    def _step(self, fact: Fact, lead: Progress | None) -> None:
        step = _STEPS[fact.what]
        if step.each is not None:
            self._add(lead, fact.at, step.each)
        if lead is None:
            return
        if step.first is not None and lead.first(f"ever:{fact.what}"):
            self._add(lead, fact.at, step.first)
        if step.contacted is not None:
            lead.note(fact.what, fact.at)
            self._share(fact.what, lead, step.contacted)

    def _share(self, what: What, lead: Progress, kind: Kind) -> None:
        """Count something of the leads contacted, and of the last touch, once for each."""
        if lead.first_text_at is not None and lead.first(f"contacted:{what}"):
            self._add(lead, lead.first_text_at, kind)
            if what is What.BOOKING:
                self._add(lead, lead.first_text_at, Kind.TEXTS_UNTIL_BOOKED, lead.texts)
        if lead.touch is not None and lead.first(f"touch:{what}"):
            self._came(lead, what)

    def _add(self, lead: Progress | None, at: datetime, kind: Kind, number: int = 1) -> None:
        self.counts[lead.dataset_id if lead else None, quarter_of(at), kind.value] += number

    def _came(self, lead: Progress, what: str) -> None:
        assert lead.campaign_id is not None
        assert lead.touch is not None
        self.results[lead.campaign_id, lead.touch, lead.variant or "", str(what)] += 1


def quarter_of(at: datetime) -> datetime:
    """Give the beginning of the quarter of an hour that a time lies in."""
    at = at.astimezone(UTC)
    return at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)
