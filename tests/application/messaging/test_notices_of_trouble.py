"""Who is told of providers that take nothing, and of leads who write to a person."""

from uuid import UUID

import pytest

from domain.identity.role import Role
from domain.kernel import new_id
from domain.messaging.conversation import PersonAwaited
from domain.messaging.message import MailFailed
from tests.application.messaging.test_notices import team
from tests.features.colleagues import Team
from tests.features.opened_office import office

__all__ = ["office", "team"]
pytestmark = pytest.mark.anyio


async def test_who_wrote_last_is_told_of_an_answer_to_them(team: Team) -> None:
    lead_id = await team.lead("Rita")
    thread = await _thread(team, lead_id)
    contact = await team.office.tenant.value(
        "SELECT contact_id FROM leads WHERE organization_id = $1 AND id = $2", lead_id
    )
    awaited = PersonAwaited(subject=thread, lead_id=lead_id, contact_id=contact)
    await team.happens(awaited)
    assert await team.kinds() == {"Olga": [], "Mary": [], "Rita": ["person_awaited"]}, "nobody has written in it"
    await _says(team, thread, "Mary")
    await team.happens(awaited)
    [told] = await team.told("Mary")
    assert (told["title"], told["link"], told["lead_id"]) == ("Ada has written", f"/conversations/{thread}", lead_id)
    await team.take_in("Ned", Role.REP)
    await _says(team, thread, "Ned")
    await team.happens(awaited)
    assert await team.told("Ned") == [], "it is not Ned's lead any more"
    assert [len(await team.told(name)) for name in ("Olga", "Mary", "Rita")] == [0, 1, 2]
    of_nobody = PersonAwaited(subject=await _thread(team, None), lead_id=None, contact_id=contact)
    await team.happens(of_nobody)
    assert [row["title"] for row in await team.told("Olga")] == ["Somebody has written"]
    assert len(await team.told("Mary")) == 2


async def _thread(team: Team, lead_id: UUID | None) -> UUID:
    """Open a thread that nobody wrote in, by mail where it is nobody's."""
    thread = new_id()
    async with team.office.tenant.sql() as connection:
        await connection.execute(
            "INSERT INTO conversations (organization_id, id, contact_id, lead_id, channel, address, started_at,"
            " last_message_at) SELECT $1, $2, id, $3, $4, 'ada', business_now(), business_now() FROM contacts"
            " WHERE organization_id = $1 LIMIT 1",
            team.organization_id,
            thread,
            lead_id,
            "sms" if lead_id else "email",
        )
    return thread


async def _says(team: Team, thread: UUID, name: str) -> None:
    async with team.office.tenant.sql() as connection:
        await connection.execute(
            "INSERT INTO messages (organization_id, id, conversation_id, contact_id, channel, direction, category,"
            " status, body, sender, recipient, author_id, created_at) SELECT $1, $2, id, contact_id, 'sms', 'outbound',"
            " 'human_manual', 'sent', 'Hello', '', 'ada', $4, business_now() FROM conversations"
            " WHERE organization_id = $1 AND id = $3",
            team.organization_id,
            new_id(),
            thread,
            team.people[name],
        )


async def test_mail_that_does_not_leave_is_not_told_by_mail(team: Team) -> None:
    await team.prefer("Olga", channels={"immediate": ["email"]})
    await team.happens(MailFailed(subject=team.organization_id, provider="resend", reason="The key is wrong."))
    [told] = await team.told("Olga")
    assert (told["kind"], told["in_app"]) == ("mail_failed", True)
    assert told["title"] == "Mails do not leave through resend"
    assert await team.mails("Olga") == []
    assert await team.told("Mary") == []
    await team.prefer("Olga", muted=["mail_failed"])
    await team.happens(MailFailed(subject=team.organization_id, provider="resend", reason="It is gone."))
    assert len(await team.told("Olga")) == 1
