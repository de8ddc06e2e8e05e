"""Who is told of what, by which ways, and once."""

from datetime import UTC, datetime, timedelta
from string import Formatter
from typing import Any

import pytest

from adapters.persistence.database import Cause
from application.mailing import Mailing
from application.messaging.notices import Notices
from application.messaging.notifications import Notifications
from application.ports import Actor
from domain.identity.membership import UserSuspended
from domain.identity.role import PERMISSIONS, Role
from domain.kernel import new_id
from domain.messaging.message import TextingFailed
from domain.messaging.notification import Kind
from domain.messaging.reply import AiFailed, HandedToPerson, LeadTurnedHot, Reason
from domain.outreach.campaign import CampaignCompleted
from domain.outreach.lead_import import ImportEnded
from domain.platform.job import JobEnded, JobStatus
from domain.scheduling.booking import BookingCancelled, BookingFailed, BookingMade, BookingMoved
from tests.application.conftest import RememberingMailing
from tests.features.colleagues import Team
from tests.features.office import Office
from tests.features.opened_office import office

pytestmark = pytest.mark.anyio
__all__ = ["office"]
AT = datetime(2027, 3, 23, 14, 0, tzinfo=UTC)


@pytest.fixture
async def team(office: Office) -> Team:
    """Take Olga, Mary and Rita in, on a Monday morning."""
    made = Team(office)
    await office.set_clock(datetime(2027, 3, 22, 10, 0, tzinfo=UTC))
    await made.take_in("Olga", Role.OWNER)
    await made.take_in("Mary", Role.MANAGER)
    await made.take_in("Rita", Role.REP)
    return made


async def test_whose_lead_it_is_is_told_once_on_screen_and_by_mail(team: Team) -> None:
    lead_id, thread = await team.lead("Rita"), new_id()
    await team.happens(LeadTurnedHot(subject=lead_id, conversation_id=thread))
    assert await team.kinds() == {"Olga": [], "Mary": [], "Rita": ["lead_hot"]}
    [told] = await team.told("Rita")
    assert (told["title"], told["priority"], told["in_app"]) == ("Ada wants to go on", "immediate", True)
    assert (told["lead_id"], told["link"]) == (lead_id, f"/conversations/{thread}")
    [mail] = await team.mails("Rita")
    assert mail.subject == "Ada wants to go on – Bright Windows"
    assert f"/conversations/{thread}" in mail.body


async def test_the_same_event_followed_twice_tells_once(team: Team) -> None:
    lead_id = await team.lead("Rita")
    await team.happens(LeadTurnedHot(subject=lead_id, conversation_id=new_id()))
    event_id = await team.office.tenant.value(
        "SELECT id FROM events WHERE organization_id = $1 AND type = 'lead.turned_hot'"
    )
    system = team.office.tenant.system()
    async with team.office.tenant.house({Actor: system, Cause: Cause(event_id=event_id)}) as scope:
        await (await scope.get(Notices)).hot(LeadTurnedHot(subject=lead_id, conversation_id=new_id()))
    await team.office.work_off()
    assert len(await team.told("Rita")) == 1
    assert len(await team.mails("Rita")) == 1


async def test_nobodys_lead_concerns_those_who_lead(team: Team) -> None:
    await team.happens(LeadTurnedHot(subject=await team.lead(), conversation_id=new_id()))
    assert await team.kinds() == {"Olga": ["lead_hot"], "Mary": ["lead_hot"], "Rita": []}


async def test_a_lead_whose_owner_left_concerns_those_who_lead(team: Team) -> None:
    lead_id = await team.lead("Rita")
    async with team.office.tenant.sql() as connection:
        await connection.execute("UPDATE memberships SET is_active = false WHERE account_id = $1", team.people["Rita"])
        await connection.execute("UPDATE memberships SET is_active = false WHERE account_id = $1", team.people["Mary"])
    await team.happens(LeadTurnedHot(subject=lead_id, conversation_id=new_id()))
    assert await team.kinds() == {"Olga": ["lead_hot"], "Mary": [], "Rita": []}


async def test_nobody_is_told_of_what_they_may_not_see(team: Team) -> None:
    seen, hidden = await team.office.tenant.dataset(), await team.office.tenant.dataset()
    await team.take_in("Nora", Role.ADMIN, [seen])
    await team.take_in("Ned", Role.REP, [seen])
    await team.happens(LeadTurnedHot(subject=await team.lead("Ned", hidden), conversation_id=new_id()))
    assert await team.kinds() == {"Olga": ["lead_hot"], "Mary": ["lead_hot"], "Rita": [], "Nora": [], "Ned": []}
    await team.happens(CampaignCompleted(subject=new_id(), dataset_id=seen, at=AT))
    assert (await team.kinds())["Nora"] == ["campaign_finished"]
    await team.happens(CampaignCompleted(subject=new_id(), dataset_id=hidden, at=AT))
    assert (await team.kinds())["Nora"] == ["campaign_finished"]
    await team.happens(TextingFailed(subject=team.organization_id, provider="twilio", reason="Refused."))
    assert (await team.kinds())["Nora"] == ["campaign_finished", "texting_failed"], "it lies in no dataset"


async def test_who_did_it_is_not_told(team: Team) -> None:
    lead_id = await team.lead("Rita")
    made = BookingMade(subject=lead_id, booking_id=new_id(), start_at=AT, end_at=AT, zone="UTC", source="person")
    await team.happens(made, by=team.people["Rita"])
    assert await team.told("Rita") == []
    await team.happens(made, by=team.people["Olga"])
    [told] = await team.told("Rita")
    assert told["title"] == "A call with Ada: Tuesday 23 March at 14:00"


async def test_every_event_that_concerns_somebody_is_told(team: Team) -> None:
    lead_id, booking, dataset_id = await team.lead("Rita"), new_id(), await team.office.tenant.dataset()
    of_call: dict[str, Any] = {"subject": lead_id, "booking_id": booking, "start_at": AT, "zone": "UTC"}
    contact = await team.office.tenant.value(
        "SELECT contact_id FROM leads WHERE organization_id = $1 AND id = $2", lead_id
    )
    await team.happens(
        HandedToPerson(subject=new_id(), lead_id=lead_id, contact_id=contact, reason=Reason.LOW_CONFIDENCE),
        BookingMade(**of_call, end_at=AT, source="reply"),
        BookingMoved(**of_call, old_start_at=AT - timedelta(days=1)),
        BookingCancelled(**of_call, reason=None),
        BookingFailed(**of_call, reason="The time is taken."),
    )
    assert [row["kind"] for row in await team.told("Rita")] == [
        "person_needed", "booking_made", "booking_moved", "booking_cancelled", "booking_failed",
    ]  # fmt: skip
    await team.happens(
        HandedToPerson(subject=new_id(), lead_id=None, contact_id=contact, reason=Reason.UNKNOWN_SENDER),
        TextingFailed(subject=team.organization_id, provider="twilio", reason="Twilio does not take the token."),
        CampaignCompleted(subject=new_id(), dataset_id=dataset_id, at=AT),
    )
    assert [row["kind"] for row in await team.told("Olga")] == ["person_needed", "texting_failed", "campaign_finished"]
    assert [row["kind"] for row in await team.told("Mary")] == ["person_needed", "campaign_finished"]
    await team.happens(AiFailed(subject=team.organization_id, provider="anthropic", reason="The key is wrong."))
    assert [row["kind"] for row in await team.told("Olga")][3:] == ["ai_failed"]
    assert [row["kind"] for row in await team.told("Mary")][2:] == []
    failed = (await team.told("Olga"))[1]
    assert failed["message"] == "Twilio does not take the token. They wait until this is mended."


async def test_whoever_asked_for_an_import_hears_of_its_end(team: Team) -> None:
    import_id, job_id, dataset_id = new_id(), new_id(), await team.office.tenant.dataset()
    async with team.office.tenant.sql() as connection:
        await connection.execute(
            "INSERT INTO uploads (organization_id, id, filename, file_key, size, shape, created_at)"
            " VALUES ($1, $2, 'list.csv', 'list', 1, '{}', now())",
            team.organization_id,
            import_id,
        )
        await connection.execute(
            "INSERT INTO jobs (organization_id, id, kind, status, subject, error, created_by, created_at)"
            " VALUES ($1, $2, 'import', 'failed', $3, 'The file is gone.', $4, now())",
            team.organization_id,
            job_id,
            import_id,
            team.people["Mary"],
        )
        await connection.execute(
            "INSERT INTO imports (organization_id, id, upload_id, dataset_id, mapping, job_id, created_at)"
            " VALUES ($1, $2, $2, $3, '{}', $4, now())",
            team.organization_id,
            import_id,
            dataset_id,
            job_id,
        )
    await team.happens(
        ImportEnded(subject=import_id, dataset_id=dataset_id, created=7, ineligible=0, duplicates=2, failed=1),
        JobEnded(subject=job_id, kind="import", status=JobStatus.FAILED),
        JobEnded(subject=job_id, kind="import", status=JobStatus.DONE),
        JobEnded(subject=job_id, kind="import_undo", status=JobStatus.FAILED),
    )
    ended, failed = await team.told("Mary")
    assert ended["message"] == "7 leads were created, 2 were known, 1 rows failed."
    assert (failed["kind"], failed["message"]) == ("import_failed", "The file is gone.")
    assert await team.told("Olga") == []


async def test_what_is_muted_is_not_told_and_what_is_not_wanted_by_mail_is_not_mailed(team: Team) -> None:
    await team.prefer("Rita", channels={"immediate": ["in_app"]}, muted=["booking_failed"])
    lead_id = await team.lead("Rita")
    await team.happens(
        LeadTurnedHot(subject=lead_id, conversation_id=new_id()),
        BookingFailed(subject=lead_id, booking_id=new_id(), start_at=AT, zone="UTC", reason="No."),
    )
    assert [row["kind"] for row in await team.told("Rita")] == ["lead_hot"]
    assert await team.mails("Rita") == []


async def test_mail_alone_stays_off_the_screen(team: Team) -> None:
    await team.prefer("Rita", channels={"immediate": ["email"]})
    await team.happens(LeadTurnedHot(subject=await team.lead("Rita"), conversation_id=new_id()))
    actor = Actor(team.organization_id, team.people["Rita"], PERMISSIONS[Role.REP])
    async with team.office.tenant.use(Notifications, actor) as notifications:
        assert (await notifications.read_all()).marked == 0
    assert len(await team.mails("Rita")) == 1


async def test_what_is_low_comes_once_a_day_at_the_persons_hour(team: Team) -> None:
    await team.prefer("Mary", digest_hour=7, time_zone="America/New_York")
    for name in ("a", "b"):
        dataset_id = await team.office.tenant.dataset()
        await team.happens(CampaignCompleted(subject=new_id(), dataset_id=dataset_id, at=AT))
        assert len(await team.told("Mary")) == (1 if name == "a" else 2)
    assert await team.mails("Mary") == []
    await team.office.live_until(datetime(2027, 3, 22, 10, 59, tzinfo=UTC))
    assert await team.mails("Mary") == []
    await team.office.live_until(datetime(2027, 3, 22, 11, 1, tzinfo=UTC))
    [digest] = await team.mails("Mary")
    assert digest.subject == "2 notifications from Bright Windows"
    assert digest.body.count("The campaign for Old enquiries is done") == 2
    assert await team.mails("Olga") == []
    await team.office.live_until(datetime(2027, 3, 25, 12, 0, tzinfo=UTC))
    assert len(await team.mails("Mary")) == 1
    assert len(await team.mails("Olga")) == 1


async def test_what_waits_for_a_digest_comes_as_it_is_wanted_by_then(team: Team) -> None:
    for name in ("Mary", "Olga"):
        await team.prefer(name, digest_hour=12)
    await team.happens(CampaignCompleted(subject=new_id(), dataset_id=await team.office.tenant.dataset(), at=AT))
    await team.prefer("Mary", digest_hour=17)
    await team.prefer("Olga", channels={"low": ["in_app"]})
    await team.office.live_until(datetime(2027, 3, 22, 16, 59, tzinfo=UTC))
    assert await team.mails("Mary") == []
    await team.office.live_until(datetime(2027, 3, 22, 17, 1, tzinfo=UTC))
    assert len(await team.mails("Mary")) == 1, "at the hour that was chosen since"
    await team.office.live_until(datetime(2027, 3, 23, 18, 0, tzinfo=UTC))
    assert len(await team.mails("Mary")) == 1
    assert await team.mails("Olga") == [], "taken off since"


async def test_who_is_shut_out_gets_no_text_that_was_planned(team: Team) -> None:
    async with team.office.tenant.sql() as connection:
        await connection.execute("UPDATE accounts SET phone = '+447700900777' WHERE id = $1", team.people["Rita"])
    await team.prefer("Rita", channels={"immediate": ["sms"]})
    await team.office.set_clock(datetime(2027, 3, 22, 23, 0, tzinfo=UTC))
    await team.happens(LeadTurnedHot(subject=await team.lead("Rita"), conversation_id=new_id()))
    states = "SELECT array_agg(s.state || ' ' || m.status) FROM sends s JOIN messages m USING (organization_id, id)"
    assert await team.office.tenant.value(f"{states} WHERE s.organization_id = $1") == ["planned pending"]
    await team.happens(UserSuspended(subject=team.people["Rita"]))
    assert await team.office.tenant.value(f"{states} WHERE s.organization_id = $1") == ["cancelled cancelled"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE accounts SET phone = '+447700900778' WHERE id = $1",
        "UPDATE accounts SET phone = NULL WHERE id = $1",
        "UPDATE memberships SET is_active = false WHERE account_id = $1",
        "DELETE FROM memberships WHERE account_id = $1",
        "UPDATE memberships SET dataset_ids = '{}' WHERE account_id = $1",
        "UPDATE leads SET assigned_to = gen_random_uuid() WHERE assigned_to = $1",
    ],
)
async def test_a_text_that_waits_for_the_morning_goes_to_nobody_who_may_not_be_told_by_then(
    team: Team, change: str
) -> None:
    async with team.office.tenant.sql() as connection:
        await connection.execute("UPDATE accounts SET phone = '+447700900777' WHERE id = $1", team.people["Rita"])
    await team.prefer("Rita", channels={"immediate": ["sms"]})
    await team.office.set_clock(datetime(2027, 3, 22, 23, 0, tzinfo=UTC))
    await team.happens(LeadTurnedHot(subject=await team.lead("Rita"), conversation_id=new_id()))
    async with team.office.tenant.sql() as connection:
        await connection.execute(change, team.people["Rita"])
    await team.office.live_until(datetime(2027, 3, 23, 10, 0, tzinfo=UTC))
    taken = [text for text in team.office.tenant.texting.taken if text.organization_id == team.organization_id]
    assert taken == []
    why = "SELECT s.state || ': ' || s.reasons::text FROM sends s WHERE s.organization_id = $1"
    told = await team.office.tenant.value(why)
    assert told.startswith("refused: ")
    assert "or may not see the lead any more" in told


async def test_a_text_goes_to_the_persons_own_phone_within_the_hours_and_stops_at_stop(team: Team) -> None:
    async with team.office.tenant.sql() as connection:
        await connection.execute("UPDATE accounts SET phone = '+447700900777' WHERE id = $1", team.people["Rita"])
    await team.prefer("Rita", channels={"immediate": ["sms"]})
    lead_id = await team.lead("Rita")
    texting = team.office.tenant.texting

    def texts() -> list[tuple[str, str]]:
        mine = [text for text in texting.taken if text.organization_id == team.organization_id]
        return [(str(text.to), text.body) for text in mine]

    await team.happens(LeadTurnedHot(subject=lead_id, conversation_id=new_id()))
    assert texts() == [("+447700900777", "Ada wants to go on")]
    assert await team.mails("Rita") == []
    await team.office.set_clock(datetime(2027, 3, 22, 23, 0, tzinfo=UTC))
    await team.happens(LeadTurnedHot(subject=lead_id, conversation_id=new_id()))
    assert len(texts()) == 1
    await team.office.live_until(datetime(2027, 3, 23, 10, 0, tzinfo=UTC))
    assert len(texts()) == 2
    team.office.phones["Rita"] = "+447700900777"
    await team.office.arrive("Rita", "STOP")
    sent = len(texts())  # the one confirmation
    await team.happens(LeadTurnedHot(subject=lead_id, conversation_id=new_id()))
    assert len(texts()) == sent


async def test_without_a_phone_nothing_is_texted(team: Team) -> None:
    await team.prefer("Rita", channels={"immediate": ["sms", "in_app"]})
    await team.happens(LeadTurnedHot(subject=await team.lead("Rita"), conversation_id=new_id()))
    assert len(await team.told("Rita")) == 1
    assert [t for t in team.office.tenant.texting.taken if t.organization_id == team.organization_id] == []


async def test_who_left_gets_no_mail_that_was_planned(team: Team) -> None:
    mailing = await team.office.tenant.house.get(Mailing)
    assert isinstance(mailing, RememberingMailing)
    mailing.is_closed = True
    await team.happens(LeadTurnedHot(subject=await team.lead("Rita"), conversation_id=new_id()))
    async with team.office.tenant.sql() as connection:
        await connection.execute("UPDATE memberships SET is_active = false WHERE account_id = $1", team.people["Rita"])
    mailing.is_closed = False
    await team.office.live_until(datetime(2027, 3, 22, 12, 0, tzinfo=UTC))
    assert await team.mails("Rita") == []
    state = await team.office.tenant.value(
        "SELECT state FROM mails WHERE organization_id = $1 AND kind = 'notification'"
    )
    assert state == "cancelled"


async def test_mail_is_written_for_who_may_see_it_now_and_to_where_they_read_now(team: Team) -> None:
    mailing = await team.office.tenant.house.get(Mailing)
    assert isinstance(mailing, RememberingMailing)
    dataset_id = await team.office.tenant.dataset()
    given_away, kept = await team.lead("Rita"), await team.lead("Rita", phone="+447700900889")
    hidden = await team.lead("Mary", dataset_id, "+447700900890")
    mailing.is_closed = True
    for lead_id in (given_away, kept, hidden):
        await team.happens(LeadTurnedHot(subject=lead_id, conversation_id=new_id()))
    async with team.office.tenant.sql() as connection:
        await connection.execute("UPDATE leads SET assigned_to = $2 WHERE id = $1", given_away, team.people["Mary"])
        await connection.execute("UPDATE memberships SET dataset_ids = '{}' WHERE account_id = $1", team.people["Mary"])
        await connection.execute(
            "UPDATE accounts SET email = 'rita.new@bright.example' WHERE id = $1", team.people["Rita"]
        )
    mailing.is_closed = False
    await team.office.live_until(datetime(2027, 3, 22, 12, 0, tzinfo=UTC))
    mine = [mail for mail in mailing.taken if mail.organization_id == team.organization_id]
    assert [mail.to for mail in mine] == ["rita.new@bright.example"]
    async with team.office.tenant.sql() as connection:
        states = await connection.fetch(
            "SELECT n.lead_id, m.state FROM mails m JOIN notifications n ON n.id = m.subject"
            " WHERE m.organization_id = $1", team.organization_id,
        )  # fmt: skip
    assert {row["lead_id"]: row["state"] for row in states} == {
        given_away: "cancelled", kept: "accepted", hidden: "cancelled",
    }  # fmt: skip


async def test_a_digest_leaves_out_what_may_not_be_seen_any_more(team: Team) -> None:
    seen, hidden = await team.office.tenant.dataset(), await team.office.tenant.dataset()
    for dataset_id in (seen, hidden):
        await team.happens(CampaignCompleted(subject=new_id(), dataset_id=dataset_id, at=AT))
    async with team.office.tenant.sql() as connection:
        await connection.execute(
            "UPDATE memberships SET dataset_ids = $2 WHERE account_id = $1", team.people["Mary"], [seen]
        )
    await team.office.live_until(datetime(2027, 3, 23, 12, 0, tzinfo=UTC))
    [digest] = await team.mails("Mary")
    assert digest.body.count("The campaign for") == 1
    [whole] = await team.mails("Olga")
    assert whole.body.count("The campaign for") == 2


async def test_a_post_office_that_was_closed_gets_each_mail_once(team: Team) -> None:
    mailing = await team.office.tenant.house.get(Mailing)
    assert isinstance(mailing, RememberingMailing)
    mailing.is_closed = True
    lead_id = await team.lead("Rita")
    for _ in range(3):
        await team.happens(LeadTurnedHot(subject=lead_id, conversation_id=new_id()))
    mailing.is_closed = False
    await team.office.live_until(datetime(2027, 3, 22, 12, 0, tzinfo=UTC))
    assert len(await team.mails("Rita")) == 3


async def test_people_are_told_in_the_organisations_language(team: Team) -> None:
    async with team.office.tenant.sql() as connection:
        await connection.execute("UPDATE organizations SET locale = 'es-ES' WHERE id = $1", team.organization_id)
    lead_id = await team.lead("Rita")
    contact = await team.office.tenant.value(
        "SELECT contact_id FROM leads WHERE organization_id = $1 AND id = $2", lead_id
    )
    await team.happens(
        LeadTurnedHot(subject=lead_id, conversation_id=new_id()),
        HandedToPerson(subject=new_id(), lead_id=lead_id, contact_id=contact, reason=Reason.BUDGET),
        BookingMade(subject=lead_id, booking_id=new_id(), start_at=AT, end_at=AT, zone="UTC", source="reply"),
    )
    hot, waits, booked = await team.told("Rita")
    assert hot["title"] == "Ada quiere seguir adelante"
    assert waits["message"] == "El presupuesto de hoy para respuestas de la IA está agotado."
    assert booked["title"] == "Llamada con Ada: el martes 23 de marzo a las 14:00"
    mails = await team.mails("Rita")
    assert all("Todas las notificaciones" in mail.body for mail in mails)


def test_every_kind_and_reason_has_words_in_both_languages() -> None:
    from application.messaging.notification_wordings import _WORDINGS, why, worded

    for kind in set(Kind) - {Kind.MESSAGE}:
        named = [name for part in _WORDINGS["en"][kind] for _, name, _, _ in Formatter().parse(part) if name]
        values = dict.fromkeys(named, "x")
        assert worded(kind, "en-GB", values) != worded(kind, "es", values)
    assert all(why(reason, "es") != why(reason, "en") for reason in Reason)
    assert worded(Kind.LEAD_HOT, "pl", {"name": "Ada\r\nBcc: all"})[0] == "Ada Bcc: all wants to go on"
