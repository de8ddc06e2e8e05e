"""Who a row belongs to, which row wins, and what its lead begins as."""

from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel import new_id
from domain.outreach.contact_status import ContactStatus
from domain.outreach.import_rules import (
    ALREADY_THERE,
    TWO_CONTACTS,
    KnownPeople,
    PlannedLead,
    ReadRow,
    settle,
    split_name,
)

ANN, BOB = "+447700900001", "+447700900002"


def row(line: int, phone: str = ANN, **more: object) -> ReadRow:
    """Make a row of a mobile number."""
    plain = ReadRow(line, phone, "mobile", True, ("Europe/London",), "GB")
    return plain._replace(**more)  # type: ignore[arg-type]


def planned(*rows: ReadRow, known: KnownPeople | None = None) -> list[PlannedLead]:
    """Give the leads that come of rows."""
    return settle(rows, known or KnownPeople(), new_id)[0]


def test_the_first_of_a_number_wins_and_the_others_name_its_row() -> None:
    leads, duplicates = settle([row(2), row(3), row(9, BOB), row(10)], KnownPeople(), new_id)

    assert [lead.row.line for lead in leads] == [2, 9]
    assert duplicates == [(3, "The same number as in row 2."), (10, "The same number as in row 2.")]


def test_a_number_of_the_dataset_is_a_duplicate() -> None:
    assert settle([row(2)], KnownPeople(phones={ANN}), new_id) == ([], [(2, ALREADY_THERE)])


def test_the_mail_decides_before_the_number() -> None:
    by_mail, by_number = new_id(), new_id()
    known = KnownPeople(by_email={"ann@example.com": by_mail}, by_phone={(ANN, "ash"): by_number})
    [lead] = planned(row(2, email="ann@example.com", last_name="Ash"), known=known)

    assert (lead.contact_id, lead.is_new_contact, lead.reason) == (by_mail, False, TWO_CONTACTS)


@pytest.mark.parametrize(("surname", "is_new"), [("ASH", False), ("Birch", True), (None, True)])
def test_a_number_needs_the_same_surname(surname: str | None, is_new: bool) -> None:
    known = KnownPeople(by_phone={(ANN, "ash"): new_id()})

    assert planned(row(2, last_name=surname), known=known)[0].is_new_contact is is_new


def test_two_numbers_of_one_mail_are_two_leads_of_one_contact() -> None:
    first, second = planned(row(2, email="ann@example.com"), row(3, BOB, email="ann@example.com"))

    assert first.contact_id == second.contact_id
    assert (first.is_new_contact, second.is_new_contact) == (True, False)


@pytest.mark.parametrize(
    ("eligible", "suppressed", "status"),
    [
        (True, set(), ContactStatus.READY),
        (False, set(), ContactStatus.UNREACHABLE),
        (True, {ANN}, ContactStatus.OPTED_OUT),
        (True, {"ann@example.com"}, ContactStatus.OPTED_OUT),
        (False, {ANN}, ContactStatus.OPTED_OUT),
        (True, {BOB}, ContactStatus.READY),
    ],
)
def test_a_lead_begins_as_its_number_allows(eligible: bool, suppressed: set[str], status: ContactStatus) -> None:
    known = KnownPeople(suppressed=suppressed)
    [lead] = planned(row(2, sms_eligible=eligible, email="ann@example.com"), known=known)

    assert lead.contact_status is status


@given(
    st.lists(
        st.tuples(
            st.sampled_from([f"+44770090000{n}" for n in range(6)]),
            st.sampled_from([None, "a@example.com", "b@example.com", "c@example.com"]),
            st.sampled_from([None, "Ash", "Birch"]),
        ),
        max_size=30,
    ),
    st.integers(1, 30),
)
def test_batches_of_any_size_make_the_same_leads_for_the_same_people(
    people: list[tuple[str, str | None, str | None]], size: int
) -> None:
    rows = [row(n, phone, email=email, last_name=name) for n, (phone, email, name) in enumerate(people, 2)]
    whole, duplicates = settle(rows, KnownPeople(), counter())
    assert sorted([*(lead.row.line for lead in whole), *(line for line, _ in duplicates)]) == [r.line for r in rows]

    stored, ids, apart = KnownPeople(), counter(), []
    for start in range(0, len(rows), size):
        batch, _ = settle(rows[start : start + size], stored, ids)
        apart += batch
    assert [(lead.row.line, lead.is_new_contact) for lead in apart] == [
        (lead.row.line, lead.is_new_contact) for lead in whole
    ]
    assert [lead.contact_id for lead in apart] == [lead.contact_id for lead in whole]


def counter() -> Callable[[], UUID]:
    """Count ids up, so that two runs make the same ones."""
    last = 0

    def following() -> UUID:
        nonlocal last
        last += 1
        return UUID(int=last)

    return following


@pytest.mark.parametrize(
    ("full", "parts"),
    [
        ("Aleshia Tomkiewicz", ("Aleshia", "Tomkiewicz")),
        ("Tomkiewicz, Aleshia", ("Aleshia", "Tomkiewicz")),
        ("Mary Jane Watson", ("Mary Jane", "Watson")),
        ("Cher", ("Cher", None)),
        ("Ash,", ("Ash,", None)),
        ("", (None, None)),
    ],
)
def test_a_full_name_is_split(full: str, parts: tuple[str | None, str | None]) -> None:
    assert split_name(full) == parts
