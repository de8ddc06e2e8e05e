"""Four promises, each counted from the provider's own books; what our API says serves only to tell texts apart."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from entrypoints.demo.books import Reply, Text

HOURS = (time(9), time(20))
TOUCHES = ("m1", "m2", "m3")
LEGEND = (
    "",
    "Proofs, counted from what the text provider wrote down itself: so many kept the promise, of so many",
    "  accepted exactly once: texts that it took once, none of ours missing and none unknown to us",
    "  after STOP: people who said STOP and got nothing more but the confirmation",
    "  outside hours: campaign texts, each between 09:00 and 20:00 on its recipient's clock",
    "  while a person held the turn: conversations that the campaign left alone meanwhile",
)
_ACCEPTED = frozenset({"queued", "sent", "delivered", "undelivered", "failed"})


@dataclass(frozen=True, slots=True)
class Proof:
    """Hold what was counted: how many of how many kept the promise, and the first that did not."""

    name: str
    kept: int
    of: int
    breach: str | None = None

    @property
    def holds(self) -> bool:
        """Tell whether every one of at least one kept it: a proof about nothing proves nothing."""
        return self.kept == self.of > 0

    def __str__(self) -> str:
        if self.holds:
            return f"proof {self.name}: {self.kept} of {self.of} ok"
        return f"proof {self.name}: {self.kept} of {self.of} FAILED ({self.breach or 'nothing to count'})"


@dataclass(frozen=True, slots=True)
class TakenOver:
    """Say that a person held a conversation from `since` until `until` (None: to the end)."""

    phone: str
    since: datetime
    until: datetime | None = None


def _counted(name: str, found: Iterable[tuple[str, bool]]) -> Proof:
    answers = list(found)
    breaches = [what for what, kept in answers if not kept]
    return Proof(name, len(answers) - len(breaches), len(answers), breaches[0] if breaches else None)


def accepted_exactly_once(texts: Sequence[Text], messages: Sequence[Mapping[str, Any]]) -> Proof:
    """Prove that every text was accepted once, under one key and for one touch, and that what we call sent is there."""
    by_key = Counter(text.key for text in texts)
    ours = {message["id"]: message for message in messages}
    touches = Counter(_touch(ours[text.key]) for text in texts if text.key in ours)
    # The provider fails some numbers only after it accepted, so those have a provider's id too.
    sent = {
        message["id"] for message in messages if message["status"] in _ACCEPTED and message["provider_id"] is not None
    }

    def once(key: str) -> bool:
        message = ours.get(key)
        return by_key[key] == 1 and message is not None and touches[_touch(message)] == 1

    return _counted("accepted exactly once", ((f"key {key}", once(key)) for key in sorted(by_key.keys() | sent)))


def _touch(message: Mapping[str, Any]) -> tuple[str, str, str]:
    category = message["message_category"]
    which = "" if category in TOUCHES else message["id"]
    return message["contact_id"], category, which


def nothing_after_stop(texts: Sequence[Text], replies: Sequence[Reply], categories: Mapping[str, str]) -> Proof:
    """Prove that nobody got a text, but the one confirmation, once our API had answered their STOP."""
    stopped: dict[str, datetime] = {}
    for reply in replies:
        if reply.means_stop:
            stopped.setdefault(reply.sender, reply.answered_at)
    after: defaultdict[str, list[str]] = defaultdict(list)
    for text in texts:
        if text.to in stopped and text.accepted_at >= stopped[text.to]:
            after[text.to].append(categories.get(text.key, "unknown"))
    allowed: tuple[list[str], ...] = ([], ["opt_out_confirmation"])
    return _counted("after STOP", ((f"{phone} got {after[phone]}", after[phone] in allowed) for phone in stopped))


def nothing_outside_hours(texts: Sequence[Text], categories: Mapping[str, str], zone: str) -> Proof:
    """Prove that every campaign text was accepted within the hours on the recipients' clocks."""

    def inside(text: Text) -> bool:
        at = text.accepted_at.astimezone(ZoneInfo(zone)).time()
        return HOURS[0] <= at < HOURS[1]

    campaign = [text for text in texts if categories.get(text.key) in TOUCHES]
    return _counted(
        "outside hours", ((f"{text.to} at {text.accepted_at:%d %b %H:%M}", inside(text)) for text in campaign)
    )


def nothing_while_held(texts: Sequence[Text], categories: Mapping[str, str], taken: Sequence[TakenOver]) -> Proof:
    """Prove that no campaign text went to anybody while a person held the conversation."""

    def free(hold: TakenOver) -> bool:
        return not any(
            text.to == hold.phone
            and categories.get(text.key) in TOUCHES
            and hold.since <= text.accepted_at
            and (hold.until is None or text.accepted_at < hold.until)
            for text in texts
        )

    return _counted("while a person held the turn", ((f"{hold.phone} from {hold.since}", free(hold)) for hold in taken))
