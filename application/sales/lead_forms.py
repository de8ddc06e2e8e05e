"""What people say when they work leads: bodies and filters."""

from datetime import date
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from application.ports import Command, Filter
from application.sales.contacts import ChangeContact, Line, NewContact, Prose, Query

ContactStatus = Literal[
    "READY",
    "CONTACTED",
    "REPLIED",
    "HOT",
    "WARM",
    "COLD",
    "CALL_BOOKED",
    "CONVERTED",
    "OPTED_OUT",
    "UNREACHABLE",
    "EXHAUSTED",
]
Sentiment = Literal["POSITIVE", "NEGATIVE", "NEUTRAL", "HOT", "UNCLEAR"]
StageKey = Annotated[str, Meta(min_length=1, max_length=100)]
Units = Annotated[int, Meta(ge=0, le=2_147_483_647)]
_OF_CONTACT = ("first_name", "last_name", "email", "postcode")


class MoneyForm(Command, frozen=True):
    """Say an amount as a decimal string, and its currency (ISO 4217)."""

    amount: Annotated[str, Meta(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,3})?$")]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]


class NewLead(Command, frozen=True):
    """Enter a lead for the contact with `contact_id`, or for a new `contact`."""

    contact_id: UUID | None = None
    contact: NewContact | None = None
    dataset_id: UUID | None = None
    stage: StageKey = "NEW_LEAD"
    source: Line | None = None
    source_campaign: Line | None = None
    inquiry_date: date | None = None
    product: Line | None = None
    notes: Prose | None = None
    estimated_units: Units | None = None
    estimated_revenue: MoneyForm | None = None
    assigned_to: UUID | None = None
    example: ClassVar[dict[str, Any]] = {
        "contact": {"first_name": "Jane", "last_name": "Smith", "phone_number": "07700 900123"},
        "source": "website",
        "product": "Sash windows",
        "estimated_revenue": {"amount": "4200.00", "currency": "GBP"},
    }


class ChangeLead(Command, frozen=True):
    """Change what is named, of the lead or of its contact; null takes a value away."""

    first_name: Line | UnsetType | None = UNSET
    last_name: Line | UnsetType | None = UNSET
    email: Annotated[str, Meta(max_length=254)] | UnsetType | None = UNSET
    postcode: Annotated[str, Meta(max_length=20)] | UnsetType | None = UNSET
    notes: Prose | UnsetType | None = UNSET
    contact_status: ContactStatus | UnsetType = UNSET
    lead_sentiment: Sentiment | UnsetType | None = UNSET
    manual_mode: bool | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    assigned_to: UUID | UnsetType | None = UNSET
    stage: StageKey | UnsetType = UNSET
    source: Line | UnsetType | None = UNSET
    source_campaign: Line | UnsetType | None = UNSET
    inquiry_date: date | UnsetType | None = UNSET
    product: Line | UnsetType | None = UNSET
    estimated_units: Units | UnsetType | None = UNSET
    estimated_revenue: MoneyForm | UnsetType | None = UNSET
    lost_reason: Prose | UnsetType | None = UNSET
    example: ClassVar[dict[str, Any]] = {"product": "Sash windows", "estimated_units": 6, "source": None}

    def of_contact(self) -> ChangeContact | None:
        """Give the part that concerns the contact, or None."""
        named = {name: value for name in _OF_CONTACT if not isinstance(value := getattr(self, name), UnsetType)}
        return ChangeContact(**named) if named else None


class MoveLead(Command, frozen=True):
    """Say where the lead goes."""

    stage: StageKey
    example: ClassVar[dict[str, Any]] = {"stage": "QUALIFIED"}


class SetManualMode(Command, frozen=True):
    """Say whether a person has the lead (true) or the machine may go on."""

    enabled: bool


class LeadFilter(Filter, frozen=True):
    """Narrow the list of leads; `status` is the contact status, `search` looks in names, e-mail and phone."""

    dataset_id: UUID | None = None
    status: ContactStatus | None = None
    stage: StageKey | None = None
    source: Line | None = None
    sentiment: Sentiment | None = None
    tag: Annotated[str, Meta(max_length=100)] | None = None
    assigned_to: UUID | None = None
    search: Query | None = None
    archived: bool | None = None
    manual_mode: bool | None = None
    call_booked: bool | None = None
