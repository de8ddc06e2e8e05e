"""The one decision whether a message may go out now, later, after a person lets it, or not at all, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import ClassVar

from domain.messaging.turn import NOBODYS_TURN, Holder, Turn
from domain.messaging.window import DEFAULT_WINDOW, Window, next_open


class Purpose(StrEnum):
    """Name why a message is sent; `reply` is the AI's answer, `manual` a person's message."""

    CAMPAIGN = "campaign"
    REPLY = "reply"
    MANUAL = "manual"
    OPT_OUT_CONFIRMATION = "opt_out_confirmation"
    HELP = "help"
    SYSTEM = "system"


class Channel(StrEnum):
    """Name the way a message takes."""

    SMS = "sms"
    EMAIL = "email"
    CALL = "call"


class Consent(StrEnum):
    """Name what the consent ledger says of a contact: `implied` by an enquiry, `given` in words, or `withdrawn`."""

    UNKNOWN = "unknown"
    IMPLIED = "implied"
    GIVEN = "given"
    WITHDRAWN = "withdrawn"


class Outcome(StrEnum):
    """Name what one rule said; a warning lets the message pass."""

    PASSED = "passed"
    WARNED = "warned"
    DELAYED = "delayed"
    HELD = "held"
    REFUSED = "refused"


_WEIGHT = {outcome: weight for weight, outcome in enumerate(Outcome)}


@dataclass(frozen=True, slots=True)
class Reason:
    """Say what one rule found, in a sentence for a person."""

    rule: str
    outcome: Outcome
    sentence: str


@dataclass(frozen=True, slots=True)
class _Decision:
    kind: ClassVar[str]
    reasons: tuple[Reason, ...]

    @property
    def decisive(self) -> Reason | None:
        """Give the first reason of the weightiest outcome, or None when every rule passed."""
        worst = max(self.reasons, key=lambda reason: _WEIGHT[reason.outcome], default=None)
        return None if worst is None or worst.outcome is Outcome.PASSED else worst


@dataclass(frozen=True, slots=True)
class Allow(_Decision):
    """Let the message go now."""

    kind: ClassVar[str] = "allow"


@dataclass(frozen=True, slots=True)
class Delay(_Decision):
    """Let the message go not before `until` (UTC), after a fresh decision then."""

    kind: ClassVar[str] = "delay"
    until: datetime


@dataclass(frozen=True, slots=True)
class Hold(_Decision):
    """Put the message back to planned and held, as a pause does."""

    kind: ClassVar[str] = "hold"


@dataclass(frozen=True, slots=True)
class Refuse(_Decision):
    """Cancel the message for good."""

    kind: ClassVar[str] = "refuse"


Verdict = Allow | Delay | Hold | Refuse


@dataclass(frozen=True, slots=True)
class Suppression:
    """Hold since when and how an address is suppressed, and whether the one confirmation has been sent."""

    since: datetime
    how: str
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRequest:
    """Say what is to be sent; `turn_number` is the fencing number under which a reply was written.

    `useful_until` is when it comes too late; None: never.
    """

    purpose: Purpose
    channel: Channel
    to: str
    touch: str | None = None
    turn_number: int | None = None
    useful_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Hold everything the rules need to know of the recipient at one moment.

    `contact_status` and `campaign_state` are the words of outreach; `zones` every plausible IANA zone of the recipient;
    `calling_code` the E.164 country code; `campaign_texts` the times of campaign texts to this address in any dataset;
    `addressee_left` tells of a notification that its colleague is not in the organisation, not at this number, or may
    not see the lead, now.
    """

    suppression: Suppression | None
    consent: Consent
    sms_eligible: bool
    zones: tuple[str, ...]
    line_type: str = "unknown"
    contact_archived: bool = False
    lead_archived: bool = False
    manual_mode: bool = False
    contact_status: str | None = None
    campaign_state: str | None = None
    window: Window = DEFAULT_WINDOW
    calling_code: int | None = None
    campaign_texts: tuple[datetime, ...] = ()
    turn: Turn = NOBODYS_TURN
    replied_since_last_touch: bool = False
    booked: bool = False
    addressee_left: bool = False


CAMPAIGN_CAPS = ((1, timedelta(hours=24)), (6, timedelta(days=30)))
"""Campaign texts per number, across datasets, and the span in which they are counted (`api.md`, part 4)."""

WORKED_STATUSES = frozenset({"READY", "CONTACTED"})
"""The contact statuses that campaigns work; any other ends the touches."""

_CAMPAIGN = frozenset({Purpose.CAMPAIGN})
_SYSTEM = frozenset({Purpose.SYSTEM})
_AUTOMATIC = frozenset({Purpose.CAMPAIGN, Purpose.REPLY})
_ANSWERS = frozenset({Purpose.OPT_OUT_CONFIRMATION, Purpose.HELP})

_Finding = tuple[Outcome, str]
_Rule = Callable[[SendRequest, Facts], _Finding]


def _suppression(request: SendRequest, facts: Facts) -> _Finding:
    stop = facts.suppression
    opted_out = facts.contact_status == "OPTED_OUT"
    if request.purpose is Purpose.OPT_OUT_CONFIRMATION:
        if stop is None:
            return Outcome.REFUSED, "There is no opt-out to confirm."
        if stop.confirmed:
            return Outcome.REFUSED, "The opt-out has been confirmed already; one confirmation is all that may be sent."
        return Outcome.PASSED, "The opt-out has not been confirmed yet."
    if stop is not None:
        return Outcome.REFUSED, f"Opted out on {stop.since:%d %B %Y at %H:%M} UTC ({stop.how})."
    if opted_out:
        return Outcome.REFUSED, "The lead has opted out."
    return Outcome.PASSED, "This address has not opted out."


def _consent(request: SendRequest, facts: Facts) -> _Finding:
    if facts.consent is Consent.WITHDRAWN and request.purpose not in _ANSWERS:
        return Outcome.REFUSED, "Consent was withdrawn."
    if facts.consent is Consent.UNKNOWN:
        if request.purpose in _CAMPAIGN:
            return Outcome.REFUSED, "There is no record of consent, and a campaign needs one."
        return Outcome.WARNED, "There is no record of consent."
    return Outcome.PASSED, f"Consent is {facts.consent.value}."


def _line(request: SendRequest, facts: Facts) -> _Finding:
    if request.channel is Channel.SMS and not facts.sms_eligible:
        return Outcome.REFUSED, f"This number cannot take texts (line type: {facts.line_type.replace('_', ' ')})."
    return Outcome.PASSED, f"The address can be reached by {request.channel.value}."


def _archived(request: SendRequest, facts: Facts) -> _Finding:
    if not (facts.contact_archived or facts.lead_archived):
        return Outcome.PASSED, "Neither contact nor lead is archived."
    what = "contact" if facts.contact_archived else "lead"
    if request.purpose in _AUTOMATIC:
        return Outcome.REFUSED, f"The {what} is archived."
    return Outcome.WARNED, f"The {what} is archived."


def _addressee(_request: SendRequest, facts: Facts) -> _Finding:
    if facts.addressee_left:
        return (
            Outcome.REFUSED,
            "Whom this was to be told has left, has another number, or may not see the lead any more.",
        )
    return Outcome.PASSED, "Whom this is for is still at this number, and may be told."


def _campaign(_request: SendRequest, facts: Facts) -> _Finding:
    if facts.campaign_state == "active":
        return Outcome.PASSED, "The campaign is active."
    if facts.campaign_state == "paused":
        return Outcome.HELD, "The campaign is paused."
    if facts.campaign_state is None:
        return Outcome.REFUSED, "There is no campaign."
    return Outcome.REFUSED, f"The campaign is not active ({facts.campaign_state})."


def _status(_request: SendRequest, facts: Facts) -> _Finding:
    if facts.contact_status in WORKED_STATUSES:
        return Outcome.PASSED, f"The lead is {facts.contact_status}."
    return Outcome.REFUSED, f"The lead is {facts.contact_status or 'without a status'}; campaigns work others."


def _replied(_request: SendRequest, facts: Facts) -> _Finding:
    if facts.replied_since_last_touch:
        return Outcome.REFUSED, "There is a reply since the last touch."
    return Outcome.PASSED, "No reply since the last touch."


def _booked(_request: SendRequest, facts: Facts) -> _Finding:
    if facts.booked:
        return Outcome.REFUSED, "A call is booked."
    return Outcome.PASSED, "No call is booked."


def _manual_mode(request: SendRequest, facts: Facts) -> _Finding:
    if not facts.manual_mode:
        return Outcome.PASSED, "Manual mode is off."
    if request.purpose is Purpose.CAMPAIGN:
        return Outcome.HELD, "A person works this lead (manual mode); the touch waits."
    return Outcome.REFUSED, "A person works this lead (manual mode), so the AI does not answer."


def _turn(request: SendRequest, facts: Facts) -> _Finding:
    if request.purpose is Purpose.CAMPAIGN:
        if facts.turn.holder is Holder.PERSON:
            return Outcome.HELD, "A person holds the conversation; the touch waits."
        return Outcome.PASSED, "No person holds the conversation."
    if facts.turn.holder is Holder.PERSON:
        return Outcome.REFUSED, "A person holds the conversation, so the AI does not answer."
    if request.turn_number is None or not facts.turn.admits(request.turn_number):
        return Outcome.REFUSED, "The conversation has moved on since this reply was written."
    return Outcome.PASSED, "The reply belongs to the present turn."


_RULES: tuple[tuple[str, frozenset[Purpose], _Rule], ...] = (
    ("opt_out", frozenset(Purpose), _suppression),
    ("consent", frozenset(Purpose), _consent),
    ("line_type", frozenset(Purpose), _line),
    ("archived", frozenset(Purpose), _archived),
    ("addressee", _SYSTEM, _addressee),
    ("campaign_state", _CAMPAIGN, _campaign),
    ("contact_status", _CAMPAIGN, _status),
    ("reply", _CAMPAIGN, _replied),
    ("booking", _CAMPAIGN, _booked),
    ("manual_mode", _AUTOMATIC, _manual_mode),
    ("turn", _AUTOMATIC, _turn),
)


@lru_cache(maxsize=4096)
def _timeless(
    purpose: Purpose, channel: Channel, turn_number: int | None, facts: Facts
) -> tuple[tuple[Reason, ...], frozenset[Outcome]]:
    """Apply the rules that know no hour; most recipients of a campaign share their facts, and so what these say."""
    request = SendRequest(purpose=purpose, channel=channel, to="", turn_number=turn_number)
    reasons = tuple(Reason(name, *rule(request, facts)) for name, purposes, rule in _RULES if purpose in purposes)
    return reasons, frozenset(reason.outcome for reason in reasons)


def decide(request: SendRequest, facts: Facts, at: datetime) -> Verdict:
    """Decide whether a message may go out at `at` (zone-aware business time), with every rule applied, in order.

    A refusal outweighs a hold, a hold a delay; of several delays the latest holds, and the quiet hours are read then;
    what would come too late by then is refused.
    """
    timeless, outcomes = _timeless(request.purpose, request.channel, request.turn_number, facts)
    timely = []
    until = at
    if request.purpose is Purpose.CAMPAIGN:
        for limit, span in CAMPAIGN_CAPS:
            reason, free = _cap(facts.campaign_texts, limit, span, at)
            timely.append(reason)
            until = max(until, free)
    hours, opening = _quiet_hours(request, facts, until)
    timely.append(hours)
    if request.useful_until is not None:
        timely.append(_use(request.useful_until, opening))
    applied = (*timeless, *timely)
    outcomes = outcomes.union(reason.outcome for reason in timely)
    if Outcome.REFUSED in outcomes:
        return Refuse(applied)
    if Outcome.HELD in outcomes:
        return Hold(applied)
    if Outcome.DELAYED in outcomes:
        return Delay(applied, opening)
    return Allow(applied)


def _cap(texts: tuple[datetime, ...], limit: int, span: timedelta, at: datetime) -> tuple[Reason, datetime]:
    """Count the texts less than `span` ago and tell when there is room for one more."""
    recent = sorted(text for text in texts if text > at - span)
    hours = span // timedelta(hours=1)
    rule = f"cap_{hours}h" if hours <= 24 else f"cap_{span.days}d"
    words = f"{hours} hours" if hours <= 24 else f"{span.days} days"
    if len(recent) < limit:
        return Reason(rule, Outcome.PASSED, f"{len(recent)} of {limit} campaign texts in {words}."), at
    free = recent[-limit] + span
    sentence = f"{len(recent)} campaign texts in {words}, and {limit} is the most; free again {free:%d %B %H:%M} UTC."
    return Reason(rule, Outcome.DELAYED, sentence), free


def _use(useful_until: datetime, at: datetime) -> Reason:
    if at < useful_until:
        return Reason("use", Outcome.PASSED, f"It is of use until {useful_until:%d %B %H:%M} UTC.")
    return Reason(
        "use", Outcome.REFUSED, f"It would come too late: it was of use until {useful_until:%d %B %H:%M} UTC."
    )


def _quiet_hours(request: SendRequest, facts: Facts, at: datetime) -> tuple[Reason, datetime]:
    """Read the recipient's hours at the time to which the other rules have put the message off."""
    by_mail = request.channel is Channel.EMAIL and request.purpose is not Purpose.CAMPAIGN
    if request.purpose in _ANSWERS or by_mail:
        return Reason("quiet_hours", Outcome.PASSED, "The hours do not bind this kind of message."), at
    opening = next_open(facts.window, facts.zones, at, facts.calling_code) if facts.zones else None
    if opening is not None and opening == at:
        return Reason("quiet_hours", Outcome.PASSED, f"Within the hours in {', '.join(facts.zones)}."), at
    if request.purpose is Purpose.MANUAL:
        return Reason("quiet_hours", Outcome.WARNED, "It is outside the recipient's hours."), at
    if not facts.zones:
        return Reason("quiet_hours", Outcome.REFUSED, "The recipient's time zone is not known."), at
    if opening is None:
        sentence = f"The hours do not open within 14 days in {', '.join(facts.zones)} together."
        return Reason("quiet_hours", Outcome.REFUSED, sentence), at
    sentence = f"Outside the hours in {', '.join(facts.zones)}; they open {opening:%d %B %H:%M} UTC."
    return Reason("quiet_hours", Outcome.DELAYED, sentence), opening
