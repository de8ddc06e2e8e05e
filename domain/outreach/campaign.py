"""The plan that works a dataset: touches, variants, pace, and the states a campaign goes through."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from itertools import accumulate
from typing import ClassVar
from uuid import UUID

from domain.kernel import Conflict, Entity, Event, Invalid, Phone, derived_id
from domain.messaging.template import variables
from domain.messaging.window import DEFAULT_WINDOW, Window

EXHAUSTED_AFTER = timedelta(hours=96)
"""How long after M3 a lead without a reply is EXHAUSTED (`api.md`, part 4)."""

TEMPLATE_VARIABLES = frozenset(
    {"first_name", "last_name", "full_name", "company", "postcode", "product", "source", "inquiry_date", "organization"}
)
"""What a campaign's templates may name."""


class Touch(StrEnum):
    """Name a touch of a campaign, in order."""

    M1 = "M1"
    M2 = "M2"
    M3 = "M3"

    @property
    def following(self) -> "Touch | None":
        """Give the touch after this one, or None after the last."""
        return {Touch.M1: Touch.M2, Touch.M2: Touch.M3}.get(self)


class TextFrom(StrEnum):
    """Name where a variant's text comes from: its template, or the live prompt of the touch, written for each lead."""

    TEMPLATE = "template"
    PROMPT = "prompt"


@dataclass(frozen=True, slots=True)
class Variant:
    """Hold one wording of a touch and its share of the recipients, relative to the other weights.

    Where the text comes from the prompt, the template is what is sent when the AI writes none.
    """

    name: str
    weight: int
    template: str
    text_from: TextFrom = TextFrom.TEMPLATE

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise Invalid("Give every variant a name.", field="name")
        if self.weight < 0:
            raise Invalid("A weight is a whole number, 0 or more.", field="weight")
        if not self.template.strip():
            raise Invalid("A template needs a text.", field="template")
        unknown = [name for name in variables(self.template) if name not in TEMPLATE_VARIABLES]
        if unknown:
            known = ", ".join(sorted(TEMPLATE_VARIABLES))
            raise Invalid(f"There is no variable named {unknown[0]}; known are {known}.", field="template")


@dataclass(frozen=True, slots=True)
class TouchPlan:
    """Hold when a touch is due, in hours after the previous one (M1: after the start), and its wordings."""

    touch: Touch
    delay_hours: int
    variants: tuple[Variant, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.delay_hours <= 24 * 365:
            raise Invalid("A delay is between 0 and 8,760 hours.", field="delay_hours")
        if sum(variant.weight for variant in self.variants) <= 0:
            raise Invalid(f"{self.touch.value} needs a variant with a weight above 0.", field="variants")
        if len({variant.name for variant in self.variants}) < len(self.variants):
            raise Invalid(f"{self.touch.value} has two variants with the same name.", field="variants")


_DEFAULT_TEXTS = {
    Touch.M1: (
        "Hi {{ first_name | there }}, it's {{ organization | our team }}. You asked us about "
        "{{ product | our services }} a while ago. Is that still of interest? Reply STOP to opt out."
    ),
    Touch.M2: (
        "Hi {{ first_name | there }}, {{ organization | our team }} again. Are you still thinking about "
        "{{ product | your enquiry }}? Happy to answer any question. Reply STOP to opt out."
    ),
    Touch.M3: (
        "Hi {{ first_name | there }}, our last message about {{ product | your enquiry }}: if the time is right, just "
        "reply and {{ organization | our team }} will help. Reply STOP to opt out."
    ),
}
_DEFAULT_DELAYS = {Touch.M1: 0, Touch.M2: 48, Touch.M3: 96}
DEFAULT_TOUCHES = tuple(
    TouchPlan(touch, _DEFAULT_DELAYS[touch], (Variant("A", 100, _DEFAULT_TEXTS[touch]),)) for touch in Touch
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSettings:
    """Hold a campaign's touches, hours and pace; what is not given is the organisation-wide default."""

    touches: tuple[TouchPlan, ...] = DEFAULT_TOUCHES
    window: Window = DEFAULT_WINDOW
    rate_per_minute: int = 1
    ai_response_delay_seconds: int = 60

    def __post_init__(self) -> None:
        if not self.touches or tuple(plan.touch for plan in self.touches) != tuple(Touch)[: len(self.touches)]:
            raise Invalid("The touches are M1, then M2, then M3, each once.", field="touches")
        if not 1 <= self.rate_per_minute <= 6000:
            raise Invalid("The rate is between 1 and 6,000 texts a minute.", field="rate_per_minute")
        if not 0 <= self.ai_response_delay_seconds <= 86_400:
            raise Invalid("The delay of replies is between 0 and 86,400 seconds.", field="ai_response_delay_seconds")

    def plan(self, touch: Touch) -> TouchPlan | None:
        """Give the plan of one touch, or None when the campaign ends before it."""
        return next((plan for plan in self.touches if plan.touch is touch), None)

    def follow_up(self, touch: Touch, sent_at: datetime) -> tuple[Touch, datetime] | None:
        """Tell which touch follows one sent at `sent_at` and when it is due, or None after the campaign's last."""
        following = touch.following
        plan = self.plan(following) if following else None
        return (plan.touch, sent_at + timedelta(hours=plan.delay_hours)) if plan else None


class CampaignStatus(StrEnum):
    """Name where a campaign stands."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStarted(Event):
    """Say that a campaign began to plan its first touches."""

    type: ClassVar[str] = "campaign.started"
    dataset_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPaused(Event):
    """Say that a campaign stopped; what was not handed over waits, held."""

    type: ClassVar[str] = "campaign.paused"
    dataset_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignResumed(Event):
    """Say that a paused campaign goes on."""

    type: ClassVar[str] = "campaign.resumed"
    dataset_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignCompleted(Event):
    """Say that a campaign has no touch left to send."""

    type: ClassVar[str] = "campaign.completed"
    dataset_id: UUID
    at: datetime


@dataclass(slots=True, kw_only=True)
class Campaign(Entity):
    """Be the plan that works one dataset; `seed` fixes who gets which variant, `next_slot` paces the sending."""

    dataset_id: UUID
    seed: int
    settings: CampaignSettings = field(default_factory=CampaignSettings)
    status: CampaignStatus = CampaignStatus.DRAFT
    started_at: datetime | None = None
    completed_at: datetime | None = None
    next_slot: datetime | None = None

    def start(self, at: datetime) -> CampaignStarted:
        """Begin a draft; a campaign that has begun is refused (`Conflict`)."""
        self._go({CampaignStatus.DRAFT}, CampaignStatus.ACTIVE, "started")
        self.started_at = at
        return CampaignStarted(subject=self.id, dataset_id=self.dataset_id, at=at)

    def pause(self, at: datetime) -> CampaignPaused:
        """Stop an active campaign until it is resumed (`Conflict` when it is not active)."""
        self._go({CampaignStatus.ACTIVE}, CampaignStatus.PAUSED, "paused")
        return CampaignPaused(subject=self.id, dataset_id=self.dataset_id, at=at)

    def resume(self, at: datetime) -> CampaignResumed:
        """Let a paused campaign go on, pacing afresh from now (`Conflict` when it is not paused)."""
        self._go({CampaignStatus.PAUSED}, CampaignStatus.ACTIVE, "resumed")
        self.next_slot = None
        return CampaignResumed(subject=self.id, dataset_id=self.dataset_id, at=at)

    def complete(self, at: datetime) -> CampaignCompleted:
        """End an active or paused campaign for good (`Conflict` otherwise)."""
        self._go({CampaignStatus.ACTIVE, CampaignStatus.PAUSED}, CampaignStatus.COMPLETED, "completed")
        self.completed_at = at
        return CampaignCompleted(subject=self.id, dataset_id=self.dataset_id, at=at)

    def take_slots(self, now: datetime, count: int) -> list[datetime]:
        """Reserve the next `count` sending times at the campaign's rate."""
        times, self.next_slot = slots(self.next_slot, now, count, self.settings.rate_per_minute)
        return times

    def _go(self, found: set[CampaignStatus], to: CampaignStatus, verb: str) -> None:
        if self.status not in found:
            needed = " or ".join(sorted(status.value for status in found))
            raise Conflict(f"This campaign is {self.status.value}; only one that is {needed} can be {verb}.")
        self.status = to


def slots(
    next_slot: datetime | None, now: datetime, count: int, rate_per_minute: int
) -> tuple[list[datetime], datetime]:
    """Space `count` sending times evenly at a rate, none before `now`, and tell the first one that is then free."""
    if count < 0 or rate_per_minute < 1:
        raise Invalid("Slots need a count of 0 or more and a rate of at least 1 a minute.", field="rate_per_minute")
    first = now if next_slot is None else max(next_slot, now)
    times = [first + timedelta(microseconds=60_000_000 * n // rate_per_minute) for n in range(count + 1)]
    return times[:count], times[count]


def estimated_completion(count: int, rate_per_minute: int, since: datetime) -> datetime:
    """Estimate when the last of `count` texts leaves at a rate, if the hours never close meanwhile."""
    return slots(None, since, max(count, 1), rate_per_minute)[0][-1]


def message_id(lead_id: UUID, touch: Touch) -> UUID:
    """Name the message of a lead's touch: the same again when a restored database plans it again."""
    return derived_id(lead_id, f"campaign:{touch.value}")


def choose_variant(seed: int, touch: Touch, phone: Phone, variants: tuple[Variant, ...]) -> Variant:
    """Choose a recipient's variant by SHA-256 of `seed:touch:E.164` over the cumulative weights (`api.md`, part 4)."""
    sums = list(accumulate(variant.weight for variant in variants))
    if not sums or sums[-1] <= 0:
        raise Invalid(f"{touch.value} needs a variant with a weight above 0.", field="variants")
    point = int.from_bytes(sha256(f"{seed}:{touch.value}:{phone}".encode()).digest()) % sums[-1]
    return next(variant for variant, top in zip(variants, sums, strict=True) if point < top)
