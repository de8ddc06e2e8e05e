"""Where outreach stands with a lead: the table, its refusals, and that `docs/states.md` tells the same."""

from pathlib import Path

import pytest

from domain.kernel import Conflict, new_id
from domain.outreach.campaign import Campaign, CampaignStatus
from domain.outreach.contact_status import TRANSITIONS, Cause, ContactStatus, allowed, move
from tests.unit.outreach.test_campaign import NOON

DOCUMENT = Path(__file__).parents[3] / "docs" / "states.md"


def rows_under(heading: str) -> list[list[str]]:
    section = DOCUMENT.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    table = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return table[2:]


def test_the_document_shows_the_contact_statuses_as_they_are() -> None:
    documented = {
        row[0]: (frozenset(row[2].split(", ")), frozenset(row[3].split(", "))) for row in rows_under("Contact status")
    }
    assert documented == {cause.value: moves for cause, moves in TRANSITIONS.items()}
    assert set(TRANSITIONS) == set(Cause)


def test_the_document_shows_the_campaign_as_it_is() -> None:
    found = set()
    for status in CampaignStatus:
        for verb in ("start", "pause", "resume", "complete"):
            campaign = Campaign(organization_id=new_id(), dataset_id=new_id(), seed=1, status=status)
            try:
                event = getattr(campaign, verb)(NOON)
            except Conflict:
                continue
            found.add((verb, status.value, campaign.status.value, event.type))
    documented = {
        (verb, start, to, event) for verb, starts, to, event in rows_under("Campaign") for start in starts.split(", ")
    }
    assert documented == found


def test_the_usual_way() -> None:
    status = ContactStatus.READY
    for to, cause in (
        (ContactStatus.CONTACTED, Cause.TEXT_ACCEPTED),
        (ContactStatus.REPLIED, Cause.REPLY),
        (ContactStatus.HOT, Cause.RATING),
        (ContactStatus.CALL_BOOKED, Cause.BOOKING),
        (ContactStatus.HOT, Cause.BOOKING_CANCELLED),
        (ContactStatus.CALL_BOOKED, Cause.BOOKING),
        (ContactStatus.CONVERTED, Cause.SALE),
    ):
        status = move(status, to, cause)
    assert status is ContactStatus.CONVERTED


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("to", sorted(set(ContactStatus) - {ContactStatus.OPTED_OUT}))
def test_only_start_leads_out_of_an_opt_out(cause: Cause, to: ContactStatus) -> None:
    if cause is Cause.START and to in {ContactStatus.READY, ContactStatus.REPLIED}:
        assert move(ContactStatus.OPTED_OUT, to, cause) is to
        return
    with pytest.raises(Conflict, match="START"):
        move(ContactStatus.OPTED_OUT, to, cause)


@pytest.mark.parametrize("status", ContactStatus)
def test_stop_is_heard_from_everywhere(status: ContactStatus) -> None:
    assert move(status, ContactStatus.OPTED_OUT, Cause.STOP) is ContactStatus.OPTED_OUT


def test_a_person_rates_and_converts_but_does_not_invent_history() -> None:
    for to in (ContactStatus.HOT, ContactStatus.WARM, ContactStatus.COLD, ContactStatus.CONVERTED):
        assert move(ContactStatus.READY, to, Cause.PERSON) is to
    for to in (ContactStatus.CONTACTED, ContactStatus.OPTED_OUT, ContactStatus.EXHAUSTED):
        with pytest.raises(Conflict, match="A person cannot set"):
            move(ContactStatus.READY, to, Cause.PERSON)


def test_a_late_receipt_does_not_undo_a_reply() -> None:
    assert not allowed(ContactStatus.REPLIED, ContactStatus.CONTACTED, Cause.TEXT_ACCEPTED)
    with pytest.raises(Conflict, match="does not become CONTACTED by a text accepted"):
        move(ContactStatus.REPLIED, ContactStatus.CONTACTED, Cause.TEXT_ACCEPTED)
