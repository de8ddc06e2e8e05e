"""One opportunity with one contact."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from domain.kernel import Entity, Event
from domain.sales.changes import apply
from domain.sales.contact import Contact
from domain.sales.stage import Category, Stage

PERSONAL = frozenset({"notes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadCreated(Event):
    """Say that a lead was entered by hand."""

    type: ClassVar[str] = "lead.created"
    contact_id: UUID
    dataset_id: UUID | None
    stage: str
    source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadMoved(Event):
    """Say from which stage to which a lead went."""

    type: ClassVar[str] = "lead.moved"
    stage_from: str
    stage_to: str
    category: Category


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadChanged(Event):
    """Say what of a lead was changed, field by field."""

    type: ClassVar[str] = "lead.changed"
    personal: ClassVar[frozenset[str]] = frozenset({"personal_old", "personal_new"})
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    personal_old: Mapping[str, Any]
    personal_new: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadArchived(Event):
    """Say that a lead was put away."""

    type: ClassVar[str] = "lead.archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadUnarchived(Event):
    """Say that a lead was taken out again."""

    type: ClassVar[str] = "lead.unarchived"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualModeSet(Event):
    """Say that a person took a lead over, or gave it back."""

    type: ClassVar[str] = "lead.manual_mode_set"
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadAssigned(Event):
    """Say whose lead this is now."""

    type: ClassVar[str] = "lead.assigned"
    old: UUID | None
    new: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactStatusSet(Event):
    """Say that a lead's outreach status was set."""

    type: ClassVar[str] = "lead.contact_status_set"
    old: str
    new: str


@dataclass(slots=True, kw_only=True)
class Lead(Entity):
    """Be one opportunity; `phone` and `name_key` are copies of its contact's, for lists and duplicates."""

    contact_id: UUID
    dataset_id: UUID | None = None
    stage: str
    contact_status: str
    sentiment: str | None = None
    phone: str | None = None
    name_key: str = ""
    source: str | None = None
    source_campaign: str | None = None
    inquiry_date: date | None = None
    product: str | None = None
    notes: str | None = None
    score: int = 0
    estimated_units: int | None = None
    estimated_revenue: Decimal | None = None
    estimated_currency: str | None = None
    lost_reason: str | None = None
    is_dnc: bool = False
    manual_mode: bool = False
    manual_mode_activated_at: datetime | None = None
    archived: bool = False
    archived_at: datetime | None = None
    call_booked: bool = False
    call_booked_time: datetime | None = None
    cal_booking_id: str | None = None
    assigned_to: UUID | None = None
    created_by: UUID | None = None
    created_at: datetime
    updated_at: datetime

    def created(self) -> LeadCreated:
        """Tell that this lead was entered."""
        return LeadCreated(
            subject=self.id,
            contact_id=self.contact_id,
            dataset_id=self.dataset_id,
            stage=self.stage,
            source=self.source,
        )

    def follow(self, contact: Contact) -> None:
        """Copy what lists need of the contact."""
        self.phone, self.name_key = contact.phone, contact.name_key

    def move_to(self, stage: Stage, at: datetime) -> LeadMoved | None:
        """Put the lead into a stage; one that is no longer lost loses the reason for it. None when it stands there."""
        if stage.key == self.stage:
            return None
        moved = LeadMoved(subject=self.id, stage_from=self.stage, stage_to=stage.key, category=stage.category)
        self.stage, self.updated_at = stage.key, at
        if stage.category != "lost":
            self.lost_reason = None
        return moved

    def change(self, values: Mapping[str, Any], at: datetime) -> LeadChanged | None:
        """Set plain fields: source, estimates, notes, sentiment, reason of loss."""
        changes = apply(self, values)
        if not changes:
            return None
        self.updated_at = at
        open_, private = changes.without(PERSONAL), changes.of(PERSONAL)
        return LeadChanged(
            subject=self.id,
            old=open_.old,
            new=open_.new,
            personal_old=private.old,
            personal_new=private.new,
        )

    def archive(self, at: datetime) -> LeadArchived:
        """Put the lead away."""
        self.archived, self.archived_at, self.updated_at = True, at, at
        return LeadArchived(subject=self.id)

    def unarchive(self, at: datetime) -> LeadUnarchived:
        """Take the lead out again; what was cancelled stays cancelled."""
        self.archived, self.archived_at, self.updated_at = False, None, at
        return LeadUnarchived(subject=self.id)

    def set_manual_mode(self, enabled: bool, at: datetime) -> ManualModeSet | None:
        """Let a person take over (or give back); None when that is so already."""
        if enabled == self.manual_mode:
            return None
        self.manual_mode, self.updated_at = enabled, at
        self.manual_mode_activated_at = at if enabled else None
        return ManualModeSet(subject=self.id, enabled=enabled)

    def assign(self, to: UUID | None, at: datetime) -> LeadAssigned | None:
        """Make this somebody's lead, or nobody's; None when it is so already."""
        if to == self.assigned_to:
            return None
        assigned = LeadAssigned(subject=self.id, old=self.assigned_to, new=to)
        self.assigned_to, self.updated_at = to, at
        return assigned

    def set_contact_status(self, to: str, at: datetime) -> ContactStatusSet | None:
        """Write an outreach status that the state machine has allowed; None when it is so already."""
        if to == self.contact_status:
            return None
        status_set = ContactStatusSet(subject=self.id, old=self.contact_status, new=to)
        self.contact_status, self.updated_at = to, at
        return status_set

    def set_call(self, booking_id: str, start_at: datetime, at: datetime) -> None:
        """Note the call that is booked, by the calendar's name for it."""
        self.call_booked, self.call_booked_time, self.cal_booking_id, self.updated_at = True, start_at, booking_id, at

    def clear_call(self, at: datetime) -> None:
        """Note that no call is booked any more."""
        self.call_booked, self.call_booked_time, self.cal_booking_id, self.updated_at = False, None, None, at

    def forbid_contact(self, at: datetime) -> None:
        """Mark the lead as not to be contacted."""
        self.is_dnc, self.updated_at = True, at

    def allow_contact(self, at: datetime) -> None:
        """Take that mark off; the stage stays, the reason of loss goes."""
        self.is_dnc, self.lost_reason, self.updated_at = False, None, at
