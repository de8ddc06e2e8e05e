"""Rules of leads, contacts, tags and notes, without anything around them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.kernel import Conflict, Forbidden, Invalid, Phone, new_id
from domain.sales.contact import Contact, PhoneLine, name_key, reached_at, tidy
from domain.sales.lead import Lead
from domain.sales.note import Note
from domain.sales.stage import Category, Stage
from domain.sales.tag import Tag

ORGANIZATION = new_id()
THEN, NOW = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 22, 9, tzinfo=UTC)


def a_lead(**fields: Any) -> Lead:
    values: dict[str, Any] = {"stage": "NEW_LEAD", "contact_status": "READY", "contact_id": new_id()} | fields
    return Lead(organization_id=ORGANIZATION, created_at=THEN, updated_at=THEN, **values)


def a_contact(**fields: Any) -> Contact:
    return Contact(organization_id=ORGANIZATION, created_at=THEN, updated_at=THEN, **fields)


def a_stage(key: str, category: Category) -> Stage:
    return Stage(
        organization_id=ORGANIZATION, pipeline_id=new_id(), key=key, name=key.title(), category=category, position=1
    )


def a_tag(**fields: Any) -> Tag:
    values: dict[str, Any] = {"organization_id": ORGANIZATION, "slug": "warm", "name": "Warm", "created_at": THEN}
    return Tag(**values | fields)


def test_a_move_tells_from_where_to_where() -> None:
    lead = a_lead()
    moved = lead.move_to(a_stage("QUALIFIED", "open"), NOW)
    assert moved is not None
    assert (moved.subject, moved.stage_from, moved.stage_to, moved.category) == (
        lead.id,
        "NEW_LEAD",
        "QUALIFIED",
        "open",
    )
    assert (lead.stage, lead.updated_at) == ("QUALIFIED", NOW)
    assert lead.move_to(a_stage("QUALIFIED", "open"), NOW) is None


@pytest.mark.parametrize(
    ("key", "category", "reason"), [("LOST", "lost", "Too dear"), ("WON", "won", None), ("NEW_LEAD", "open", None)]
)
def test_a_reason_of_loss_stays_with_the_loss(key: str, category: Category, reason: str | None) -> None:
    lead = a_lead(stage="PROPOSAL", lost_reason="Too dear")
    lead.move_to(a_stage(key, category), NOW)
    assert lead.lost_reason == reason


def test_a_change_keeps_old_and_new_and_what_is_personal_apart() -> None:
    lead = a_lead(source="fair", notes="old")
    changed = lead.change({"source": "web", "notes": "new", "product": None}, NOW)
    assert changed is not None
    assert (changed.old, changed.new) == ({"source": "fair"}, {"source": "web"})
    assert (changed.personal_old, changed.personal_new) == ({"notes": "old"}, {"notes": "new"})
    assert changed.personal == {"personal_old", "personal_new"}
    assert lead.change({"source": "web"}, NOW) is None


def test_manual_mode_and_assignment_happen_once() -> None:
    lead, person = a_lead(), new_id()
    taken = lead.set_manual_mode(True, NOW)
    assert taken is not None
    assert (taken.enabled, lead.manual_mode_activated_at) == (True, NOW)
    assert lead.set_manual_mode(True, NOW) is None
    lead.set_manual_mode(False, NOW)
    assert lead.manual_mode_activated_at is None
    assigned = lead.assign(person, NOW)
    assert assigned is not None
    assert (assigned.old, assigned.new) == (None, person)
    assert lead.assign(person, NOW) is None


def test_do_not_contact_comes_off_with_the_reason_of_loss() -> None:
    lead = a_lead(stage="LOST", lost_reason="Asked us to stop")
    lead.forbid_contact(NOW)
    assert lead.is_dnc
    lead.allow_contact(NOW)
    assert (lead.is_dnc, lead.lost_reason, lead.stage) == (False, None, "LOST")


@pytest.mark.parametrize(
    ("first", "last", "key"),
    [
        ("Jane", "Smith", "smith jane"),
        (None, "van der  Berg", "van der berg"),
        ("Élodie", None, "élodie"),
        (None, None, ""),
    ],
)
def test_people_are_sorted_by_last_then_first_name(first: str | None, last: str | None, key: str) -> None:
    assert name_key(first, last) == key
    assert a_contact(first_name=first, last_name=last).name_key == key


def test_names_are_tidied() -> None:
    assert [tidy(name) for name in ("  Jane  Ann ", " ", "", None)] == ["Jane Ann", None, None, None]


def test_a_contact_keeps_a_way_to_be_reached() -> None:
    contact = a_contact(email="jane@example.com")
    with pytest.raises(Invalid):
        contact.change({"email": None}, NOW)
    with pytest.raises(Invalid):
        a_contact(first_name="Jane").require_a_way_to_reach()
    nameless = a_contact(first_name="Imported")
    _, changed = nameless.change({"last_name": "Person"}, NOW)
    assert changed is not None
    assert changed.personal_new == {"last_name": "Person"}
    assert changed.new == {}
    assert nameless.name_key == "person imported"


def test_a_number_decides_whether_texts_may_go_there() -> None:
    mobile = PhoneLine(Phone("+447700900123"), "mobile", True, ("Europe/London",), "GB")
    landline = PhoneLine(Phone("+441134960001"), "fixed_line", False, ("Europe/London",), "GB")
    assert reached_at(mobile)["sms_eligible"] is True
    assert reached_at(mobile, may_text=False)["sms_eligible"] is False
    assert reached_at(landline, may_text=True)["sms_eligible"] is False
    assert reached_at(None) == {"phone": None, "phone_type": None, "sms_eligible": False, "zones": (), "country": None}


def test_system_tags_are_protected_and_old_ones_not_applied() -> None:
    system = a_tag(is_system=True)
    with pytest.raises(Forbidden):
        system.change({"name": "x"})
    with pytest.raises(Forbidden):
        system.delete()
    with pytest.raises(Conflict):
        a_tag(is_active=False).require_active()
    assert a_tag().delete().slug == "warm"
    assert a_tag().change({"name": "Warm"}) is None


@pytest.mark.parametrize("slug", ["", "Warm", "warm lead", "wärm", "warm\n", "a" * 101])
def test_a_slug_has_few_characters(slug: str) -> None:
    with pytest.raises(Invalid):
        a_tag(slug=slug).created()


def test_a_note_is_its_authors() -> None:
    author, other = new_id(), new_id()
    note = Note(
        organization_id=ORGANIZATION,
        lead_id=new_id(),
        author_id=author,
        body="Tuesday",
        created_at=THEN,
        updated_at=THEN,
    )
    for by in (other, None):
        with pytest.raises(Forbidden):
            note.edit(by, "x", NOW)
        with pytest.raises(Forbidden):
            note.delete(by)
    edited = note.edit(author, "Wednesday", NOW)
    assert (edited.old, edited.new, edited.subject) == ("Tuesday", "Wednesday", note.lead_id)
    assert (note.body, note.updated_at) == ("Wednesday", NOW)
    assert note.delete(author).note_id == note.id
