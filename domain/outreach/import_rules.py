"""What becomes of a row: whose it is, whether it is a duplicate, and what its lead begins as (`api.md`, part 4)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple
from uuid import UUID

from domain.outreach.contact_status import ContactStatus

TWO_CONTACTS = "E-mail and phone belong to two contacts; the lead went to the one with the e-mail."
ALREADY_THERE = "This number is in the dataset already."


class ReadRow(NamedTuple):
    """Hold one row as it was understood; `remark` tells what of it was left aside.

    A tuple, not a dataclass: a file has a million of them.
    """

    line: int
    phone: str
    line_type: str
    sms_eligible: bool
    zones: tuple[str, ...]
    country: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    postcode: str | None = None
    inquiry_date: date | None = None
    product: str | None = None
    company: str | None = None
    source: str | None = None
    notes: str | None = None
    remark: str | None = None


class FailedRow(NamedTuple):
    """Hold a row that cannot be imported, with the reason and its cells as they came."""

    line: int
    reason: str
    cells: list[str]


class PlannedLead(NamedTuple):
    """Hold a lead to be made of a row, and for whom."""

    row: ReadRow
    lead_id: UUID
    contact_id: UUID
    is_new_contact: bool
    contact_status: ContactStatus
    name_key: str
    reason: str | None


@dataclass(slots=True)
class KnownPeople:
    """Hold what is stored of the people in a batch; `settle` adds to it what the batch itself makes.

    `phones` are those of the dataset's leads, `by_phone` is keyed by number and lower-cased surname, `suppressed` are
    the addresses that nobody may write to.
    """

    phones: set[str] = field(default_factory=set)
    by_email: dict[str, UUID] = field(default_factory=dict)
    by_phone: dict[tuple[str, str], UUID] = field(default_factory=dict)
    suppressed: set[str] = field(default_factory=set)


def settle(
    rows: Iterable[ReadRow], known: KnownPeople, new_id: Callable[[], UUID]
) -> tuple[list[PlannedLead], list[tuple[int, str]]]:
    """Give the leads to make and the duplicates (line, reason), in the rows' order: the first of a number wins."""
    planned: list[PlannedLead] = []
    duplicates: list[tuple[int, str]] = []
    phones, by_email, by_phone = known.phones, known.by_email, known.by_phone
    first_lines: dict[str, int] = {}
    for row in rows:
        phone, email = row.phone, row.email
        if phone in phones:
            first = first_lines.get(phone)
            duplicates.append((row.line, ALREADY_THERE if first is None else f"The same number as in row {first}."))
            continue
        phones.add(phone)
        first_lines[phone] = row.line
        last = (row.last_name or "").lower()
        first_name = (row.first_name or "").lower()
        place = (phone, last)
        by_number = by_phone.get(place)
        contact = by_email.get(email, by_number) if email is not None else by_number
        reason = row.remark
        if not row.sms_eligible:
            reason = _joined(f"This number takes no texts ({row.line_type.replace('_', ' ')}).", reason)
        if contact is not None and by_number is not None and contact != by_number:
            reason = _joined(TWO_CONTACTS, reason)
        is_new = contact is None
        if contact is None:
            contact = by_phone[place] = new_id()
            if email is not None:
                by_email[email] = contact
        planned.append(
            PlannedLead(
                row,
                new_id(),
                contact,
                is_new,
                _status(row, known.suppressed),
                f"{last} {first_name}".strip(),
                reason,
            )
        )
    return planned, duplicates


def _joined(first: str, then: str | None) -> str:
    return first if then is None else f"{first} {then}"


def _status(row: ReadRow, suppressed: set[str]) -> ContactStatus:
    if suppressed and (row.phone in suppressed or row.email in suppressed):
        return ContactStatus.OPTED_OUT
    return ContactStatus.READY if row.sms_eligible else ContactStatus.UNREACHABLE


def split_name(full: str) -> tuple[str | None, str | None]:
    """Split a full name into first and last: `Tomkiewicz, Aleshia` at the comma, else before the last word."""
    before, comma, after = full.partition(",")
    if comma and after.strip():
        return after.strip(), before.strip() or None
    first, _, last = full.strip().rpartition(" ")
    return (first.strip(), last) if first else (last or None, None)
