"""What a change to a lead or contact does to the texts planned for it, in the same transaction."""

from uuid import UUID

from adapters.persistence.database import PostgresUnitOfWork
from application.agenda import Agenda
from domain.outreach.contact_status import TRANSITIONS, Cause, ContactStatus, allowed, move
from domain.sales.contact import Contact

# Rows are locked in the order of their ids, as everywhere: no deadlocks.
_CANCEL = """
WITH mine AS (
  SELECT id FROM sends WHERE organization_id = $1 AND {whose} = $2 AND state IN ('planned', 'claimed')
    AND purpose <> 'opt_out_confirmation'{which} ORDER BY id FOR NO KEY UPDATE
), cancelled AS (
  UPDATE sends SET state = 'cancelled', settled_at = $3, batch = NULL, lease_until = NULL
  FROM mine WHERE sends.organization_id = $1 AND sends.id = mine.id
  RETURNING sends.id
)
UPDATE messages SET status = 'cancelled' WHERE organization_id = $1 AND id IN (SELECT id FROM cancelled)
"""
_CANCEL_OF_LEAD = _CANCEL.format(whose="lead_id", which="")
_CANCEL_TO_NUMBER = _CANCEL.format(whose="contact_id", which=" AND channel = 'sms'")
_ENROL = """
INSERT INTO enrolments (organization_id, campaign_id, lead_id, touch, due_at)
SELECT $1, c.id, $2, 'M1', $4 FROM campaigns c
WHERE c.organization_id = $1 AND c.dataset_id = $3 AND c.status IN ('active', 'paused')
"""
_HOLD = """
WITH mine AS (
  SELECT id FROM sends WHERE organization_id = $1 AND lead_id = $2 AND state IN ('planned', 'claimed')
    AND purpose IN ('campaign', 'reply') ORDER BY id FOR NO KEY UPDATE
)
UPDATE sends SET state = 'planned', held = true, batch = NULL, lease_until = NULL
FROM mine WHERE sends.organization_id = $1 AND sends.id = mine.id
"""
_RELEASE = """
WITH mine AS (
  SELECT id FROM sends WHERE organization_id = $1 AND lead_id = $2 AND state = 'planned' AND held
    AND purpose IN ('campaign', 'reply') ORDER BY id FOR NO KEY UPDATE
)
UPDATE sends SET held = false FROM mine WHERE sends.organization_id = $1 AND sends.id = mine.id
"""
# A call that the AI tells of is a system text: a person who takes the lead takes that too.
_CANCEL_PROMISES = _CANCEL.format(whose="lead_id", which=" AND purpose = 'system' AND natural_key ^@ 'reply:'")
# While the AI has a call booked, a person holds the turn in its name: whoever takes the lead meanwhile ends that.
_TURN = """
WITH mine AS (
  SELECT id FROM conversations WHERE organization_id = $1 AND lead_id = $2
    AND (turn_holder <> $3 OR ($4 AND unanswered_id IS NOT NULL))
  ORDER BY contact_id, channel FOR NO KEY UPDATE
)
UPDATE conversations c SET turn_holder = $3, turn_number = turn_number + 1, version = version + 1,
       answer_due_at = NULL, unanswered_id = NULL, answer_failures = 0, writer_away_since = NULL,
       attention = NULL
FROM mine WHERE c.organization_id = $1 AND c.id = mine.id
"""
_READDRESS = """
WITH mine AS (
  SELECT id FROM sends WHERE organization_id = $1 AND contact_id = $2 AND channel = 'sms'
    AND state IN ('planned', 'claimed') AND purpose <> 'opt_out_confirmation' ORDER BY id FOR NO KEY UPDATE
), turned AS (
  UPDATE sends SET recipient = $3, state = 'planned', batch = NULL, lease_until = NULL
  FROM mine WHERE sends.organization_id = $1 AND sends.id = mine.id
  RETURNING sends.id
)
UPDATE messages SET recipient = $3 WHERE organization_id = $1 AND id IN (SELECT id FROM turned)
"""
# What is written later, such as the AI's answer, goes where the thread does.
_THREAD = """
UPDATE conversations SET address = $3, version = version + 1
WHERE organization_id = $1 AND contact_id = $2 AND channel = 'sms' AND address <> $3
"""
_STATUS = """
UPDATE leads SET contact_status = $3 WHERE organization_id = $1 AND contact_id = $2 AND contact_status = ANY ($4)
"""


class PostgresOutreachOfLead:
    """Be the `OutreachOfLead` and the `ContactReach` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork, agenda: Agenda) -> None:
        self._uow = uow
        self._agenda = agenda

    async def enrol(self, lead_id: UUID, dataset_id: UUID) -> None:
        """Let a READY lead into the dataset's campaign, due at once, as imported ones are."""
        done = await self._uow.connection.execute(
            _ENROL, self._uow.organization_id, lead_id, dataset_id, self._uow.now()
        )
        if done != "INSERT 0 0":
            await self._agenda.no_later_than("outreach.plan", self._uow.now())

    async def stop(self, lead_id: UUID, why: str) -> None:  # noqa: ARG002 - the event in the log tells why
        """End the lead's touches and cancel all of its texts that are not handed over."""
        await self._uow.connection.execute(
            "DELETE FROM enrolments WHERE organization_id = $1 AND lead_id = $2", self._uow.organization_id, lead_id
        )
        await self._uow.connection.execute(_CANCEL_OF_LEAD, self._uow.organization_id, lead_id, self._uow.now())

    async def hold(self, lead_id: UUID, *, by_person: bool = True) -> None:
        """Put campaign texts and the machine's replies back to planned and hold them."""
        await self._hold_touches(lead_id, held=True)
        await self._uow.connection.execute(_HOLD, self._uow.organization_id, lead_id)
        if by_person:
            await self._uow.connection.execute(_CANCEL_PROMISES, self._uow.organization_id, lead_id, self._uow.now())
        await self._uow.connection.execute(_TURN, self._uow.organization_id, lead_id, "person", by_person)

    async def release(self, lead_id: UUID) -> None:
        """Let what was held go on."""
        await self._hold_touches(lead_id, held=False)
        await self._uow.connection.execute(_RELEASE, self._uow.organization_id, lead_id)
        await self._uow.connection.execute(_TURN, self._uow.organization_id, lead_id, "nobody", False)
        await self._agenda.no_later_than("outreach.plan", self._uow.now())
        await self._agenda.no_later_than("messaging.send", self._uow.now())

    async def _hold_touches(self, lead_id: UUID, *, held: bool) -> None:
        await self._uow.connection.execute(
            "UPDATE enrolments SET held = $3 WHERE organization_id = $1 AND lead_id = $2",
            self._uow.organization_id,
            lead_id,
            held,
        )

    async def readdress(self, contact: Contact, old_phone: str | None) -> None:
        """Send what is planned to the contact's new number, or cancel it where that takes no texts."""
        takes_texts = contact.phone is not None and contact.sms_eligible
        if not takes_texts:
            await self._uow.connection.execute(
                _CANCEL_TO_NUMBER, self._uow.organization_id, contact.id, self._uow.now()
            )
        elif contact.phone != old_phone:
            for statement in (_READDRESS, _THREAD):
                await self._uow.connection.execute(statement, self._uow.organization_id, contact.id, contact.phone)
        await self._restate(contact, takes_texts)

    async def _restate(self, contact: Contact, takes_texts: bool) -> None:
        cause = Cause.NUMBER_CHANGED if takes_texts else Cause.PERMANENT_FAILURE
        found, (to, *_) = TRANSITIONS[cause]
        await self._uow.connection.execute(
            _STATUS, self._uow.organization_id, contact.id, to.value, [status.value for status in found]
        )


class PostgresContactStatusRule:
    """Be the `ContactStatusRule` of the open unit of work: outreach's state machine, and who said STOP before."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def at_start(self, phone: str | None, email: str | None, sms_eligible: bool) -> str:
        """Give the status of a new lead."""
        addresses = [address for address in (phone, email) if address is not None]
        suppressed = await self._uow.connection.fetchval(
            "SELECT true FROM suppressions WHERE organization_id = $1 AND address = ANY ($2) LIMIT 1",
            self._uow.organization_id,
            addresses,
        )
        if suppressed:
            return ContactStatus.OPTED_OUT
        return ContactStatus.READY if sms_eligible else ContactStatus.UNREACHABLE

    def by_person(self, current: str, to: str) -> str:
        """Give the status that a person sets, or refuse with `Conflict`."""
        return move(ContactStatus(current), ContactStatus(to), Cause.PERSON).value

    def by_sale(self, current: str) -> str:
        """Give CONVERTED where a sale may lead there, else what it was."""
        return _led_to(current, ContactStatus.CONVERTED, Cause.SALE)

    def by_booking(self, current: str) -> str:
        """Give CALL_BOOKED where a booking may lead there, else what it was."""
        return _led_to(current, ContactStatus.CALL_BOOKED, Cause.BOOKING)

    def by_cancelled_booking(self, current: str) -> str:
        """Give HOT where a cancelled booking may lead there, else what it was."""
        return _led_to(current, ContactStatus.HOT, Cause.BOOKING_CANCELLED)


def _led_to(current: str, to: ContactStatus, cause: Cause) -> str:
    return to.value if allowed(ContactStatus(current), to, cause) else current
