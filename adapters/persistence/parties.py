"""The people behind messages: found, moved and held in messaging's own transaction (port `Parties`)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.erased_addresses import ErasedAddresses
from adapters.persistence.visibility import LeadVisibility
from application.messaging.outreach import Party
from application.outreach.phone_numbers import PhoneNumbers, ReadPhone
from domain.kernel import NotFound, Phone, new_id
from domain.outreach.contact_status import RATED, TRANSITIONS, Cause, ContactStatus

_PARTY = """
SELECT contact.id AS contact_id, lead.id AS lead_id, contact.phone, contact.email
FROM contacts contact LEFT JOIN leads lead ON lead.organization_id = $1 AND lead.contact_id = contact.id
WHERE contact.organization_id = $1 AND """
_LATEST = " ORDER BY lead.created_at DESC NULLS LAST LIMIT 1"
_LAST_TEXTED = """
SELECT contact_id, lead_id FROM sends
WHERE organization_id = $1 AND recipient = $2 AND handed_at IS NOT NULL ORDER BY handed_at DESC LIMIT 1
"""
_CANCEL = """
WITH mine AS (
  SELECT id FROM sends
  WHERE organization_id = $1 AND state IN ('planned', 'claimed') AND purpose <> 'opt_out_confirmation' AND {which}
  ORDER BY id FOR NO KEY UPDATE
), cancelled AS (
  UPDATE sends SET state = 'cancelled', settled_at = $3, batch = NULL, lease_until = NULL
  FROM mine WHERE sends.organization_id = $1 AND sends.id = mine.id
  RETURNING sends.id
)
UPDATE messages SET status = 'cancelled' WHERE organization_id = $1 AND id IN (SELECT id FROM cancelled)
"""
_CANCEL_TOUCHES = _CANCEL.format(which="lead_id = $2 AND purpose IN ('campaign', 'reply')")
_CANCEL_CAMPAIGN = _CANCEL.format(which="lead_id = $2 AND purpose = 'campaign'")
_CANCEL_ADDRESSES = _CANCEL.format(which="recipient = ANY ($2)")
_REPLIED = """
UPDATE leads SET latest_reply = $3, reply_received_at = $4, reply_order = $4, updated_at = $4,
       contact_status = CASE WHEN contact_status = ANY ($5) THEN 'REPLIED' ELSE contact_status END
WHERE organization_id = $1 AND id = $2
"""
_LEADS_AT = """
SELECT lead.id, lead.reply_received_at IS NOT NULL AS wrote FROM leads lead JOIN contacts contact
  ON contact.organization_id = $1 AND contact.id = lead.contact_id
WHERE lead.organization_id = $1 AND (lead.phone = ANY ($2) OR contact.phone = ANY ($2) OR contact.email = ANY ($2))
ORDER BY lead.id
"""
_LOCK = """
SELECT 1 FROM sends WHERE organization_id = $1 AND contact_id = $2 AND state IN ('planned', 'claimed')
ORDER BY id FOR NO KEY UPDATE
"""
_HAS_LEAD = "EXISTS (SELECT 1 FROM leads l WHERE l.organization_id = $1 AND l.contact_id = contact.id AND {which})"
_HOLD = """
UPDATE sends SET state = 'planned', held = true, batch = NULL, lease_until = NULL
WHERE organization_id = $1 AND contact_id = $2 AND state IN ('planned', 'claimed') AND purpose = 'campaign'
"""
# What the AI has not handed over yet never will be: a person has the turn. What it says of a call is a system text.
_CANCEL_ANSWERS = _CANCEL.format(
    which="contact_id = $2 AND (purpose = 'reply' OR (purpose = 'system' AND natural_key ^@ 'reply:'))"
)
# Nobody who wants to hear no more waits for an answer.
_LEAVE = """
WITH mine AS (
  SELECT id FROM conversations WHERE organization_id = $1 AND address = ANY ($2)
    AND (unanswered_id IS NOT NULL OR attention IS NOT NULL)
  ORDER BY contact_id, channel FOR NO KEY UPDATE
)
UPDATE conversations c SET answer_due_at = NULL, unanswered_id = NULL, answer_failures = 0, writer_away_since = NULL,
       attention = NULL, version = version + 1
FROM mine WHERE c.organization_id = $1 AND c.id = mine.id
"""
_RATE = """
UPDATE leads SET sentiment = $3, contact_status = CASE WHEN contact_status = ANY ($5) THEN coalesce($4, contact_status)
                                                       ELSE contact_status END
FROM (SELECT contact_status AS before FROM leads WHERE organization_id = $1 AND id = $2) AS found
WHERE organization_id = $1 AND id = $2 RETURNING contact_status = 'HOT' AND found.before <> 'HOT'
"""
# A call that was held stays booked; who missed one may say so some hours late.
_HAS_CALL = """
SELECT EXISTS (SELECT FROM bookings WHERE organization_id = $1 AND lead_id = $2 AND status = 'scheduled'
                 AND start_at > $3::timestamptz - interval '1 day')
"""
_RELEASE = """
UPDATE sends SET held = false
WHERE organization_id = $1 AND contact_id = $2 AND state = 'planned' AND held AND purpose = 'campaign'
"""


class PostgresParties:
    """Answer `Parties` within the open unit of work."""

    def __init__(
        self, uow: PostgresUnitOfWork, visibility: LeadVisibility, phones: PhoneNumbers, erased: ErasedAddresses
    ) -> None:
        self._uow = uow
        self._erased = erased
        self._visibility = visibility
        self._phones = phones

    async def of_lead(self, lead_id: UUID) -> Party:
        """Give the lead's contact, or refuse with `NotFound`."""
        condition, parameters = self._visibility.sql("lead", first=3)
        row = await self._uow.connection.fetchrow(
            f"{_PARTY} lead.id = $2 AND {condition}", self._uow.organization_id, lead_id, *parameters
        )
        if row is None:
            raise NotFound("There is no such lead.")
        return _party(row)

    def _seen_contact(self) -> tuple[str, list[Any]]:
        """Narrow to contacts with a lead that the actor may see, or with none unless limited to datasets."""
        visible, parameters = self._visibility.sql("l", first=3)
        seen = _HAS_LEAD.format(which=visible)
        if "visible_datasets" in self._visibility.scope():
            return seen, parameters
        return f"({seen} OR NOT {_HAS_LEAD.format(which='true')})", parameters

    async def of_contact(self, contact_id: UUID) -> Party:
        """Give the contact with its latest lead, or refuse with `NotFound`."""
        condition, parameters = self._seen_contact()
        row = await self._uow.connection.fetchrow(
            f"{_PARTY} contact.id = $2 AND {condition} {_LATEST}", self._uow.organization_id, contact_id, *parameters
        )
        if row is None:
            raise NotFound("There is no such contact.")
        return _party(row)

    async def behind(self, number: Phone) -> Party | None:
        """Tell who writes from a number."""
        texted = await self._uow.connection.fetchrow(_LAST_TEXTED, self._uow.organization_id, number)
        if texted is not None:
            party = await self.of_contact(texted["contact_id"])
            return replace(party, lead_id=texted["lead_id"] or party.lead_id)
        condition, parameters = self._seen_contact()
        row = await self._uow.connection.fetchrow(
            f"{_PARTY} contact.phone = $2 AND {condition} {_LATEST}", self._uow.organization_id, number, *parameters
        )
        return None if row is None else _party(row)

    async def make(self, number: Phone, at: datetime) -> Party:
        """Make a contact of which nothing but the number is known; of two first texts at once the second finds it."""
        await self._uow.connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{self._uow.organization_id} {number}"
        )
        made = await self.behind(number)
        if made is not None:
            return made
        read = self._phones.read(number, "ZZ")
        known = read if isinstance(read, ReadPhone) else None
        contact_id = new_id()
        await self._uow.connection.execute(
            "INSERT INTO contacts (organization_id, id, phone, phone_type, sms_eligible, zones, country, source,"
            " created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 'inbound text', $8, $8)",
            self._uow.organization_id,
            contact_id,
            number,
            known.line_type if known else None,
            known.sms_eligible if known else False,
            list(known.zones) if known else [],
            known.country if known else None,
            at,
        )
        await self._erased.recall([number])
        return Party(contact_id=contact_id, lead_id=None, phone=number, email=None)

    async def replied(self, party: Party, text: str, at: datetime, *, answered: bool) -> None:
        """Note a reply on the lead and end its touches; an answer that waits is let go where no other will be."""
        if party.lead_id is None:
            return
        found, _ = TRANSITIONS[Cause.REPLY]
        await self._uow.connection.execute(
            _REPLIED, self._uow.organization_id, party.lead_id, text[:1000], at, [s.value for s in found]
        )
        await self._end_touches([party.lead_id])
        cancel = _CANCEL_TOUCHES if answered else _CANCEL_CAMPAIGN
        await self._uow.connection.execute(cancel, self._uow.organization_id, party.lead_id, self._uow.now())

    async def _end_touches(self, leads: Sequence[UUID]) -> None:
        await self._uow.connection.execute(
            "DELETE FROM enrolments WHERE organization_id = $1 AND lead_id = ANY ($2)", self._uow.organization_id, leads
        )

    async def opted_out(self, addresses: Sequence[str], at: datetime) -> tuple[UUID, ...]:
        """End every touch to these addresses and cancel all that is planned for them."""
        rows = await self._uow.connection.fetch(_LEADS_AT, self._uow.organization_id, list(addresses))
        leads = [row["id"] for row in rows]
        await self._move(leads, Cause.STOP, ContactStatus.OPTED_OUT)
        await self._end_touches(leads)
        await self._uow.connection.execute(_CANCEL_ADDRESSES, self._uow.organization_id, list(addresses), at)
        await self._uow.connection.execute(_LEAVE, self._uow.organization_id, list(addresses))
        return tuple(leads)

    async def opted_in(self, addresses: Sequence[str]) -> tuple[UUID, ...]:
        """Take leads of these addresses out of OPTED_OUT: to REPLIED where they ever wrote, else to READY."""
        rows = await self._uow.connection.fetch(_LEADS_AT, self._uow.organization_id, list(addresses))
        leads = [row["id"] for row in rows]
        await self._move([row["id"] for row in rows if row["wrote"]], Cause.START, ContactStatus.REPLIED)
        await self._move([row["id"] for row in rows if not row["wrote"]], Cause.START, ContactStatus.READY)
        return tuple(leads)

    async def _move(self, leads: Sequence[UUID], cause: Cause, to: ContactStatus) -> None:
        found, _ = TRANSITIONS[cause]
        await self._uow.connection.execute(
            "UPDATE leads SET contact_status = $3 WHERE organization_id = $1 AND id = ANY ($2)"
            " AND contact_status = ANY ($4)",
            self._uow.organization_id,
            leads,
            to.value,
            [status.value for status in found],
        )

    async def lock(self, party: Party) -> Party:
        """Lock the contact, and give the party by the addresses that they have from then on."""
        row = await self._uow.connection.fetchrow(
            "SELECT phone, email FROM contacts WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE",
            self._uow.organization_id,
            party.contact_id,
        )
        if row is None:
            raise NotFound("There is no such contact.")
        return replace(party, phone=row["phone"], email=row["email"])

    async def lock_lead(self, party: Party) -> None:
        """Lock the lead."""
        await self._uow.connection.execute(
            "SELECT 1 FROM leads WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE",
            self._uow.organization_id,
            party.lead_id,
        )

    async def has_call(self, party: Party) -> bool:
        """Tell whether the lead has a call before them, or had one within a day."""
        has_call: bool = await self._uow.connection.fetchval(
            _HAS_CALL, self._uow.organization_id, party.lead_id, self._uow.now()
        )
        return has_call

    async def rate(self, party: Party, sentiment: str) -> bool:
        """Note how the lead sounds and rate it by that."""
        found, _ = TRANSITIONS[Cause.RATING]
        to = RATED.get(sentiment)
        return bool(
            await self._uow.connection.fetchval(
                _RATE,
                self._uow.organization_id,
                party.lead_id,
                sentiment,
                None if to is None else to.value,
                [status.value for status in found],
            )
        )

    async def lock_texts(self, party: Party) -> None:
        """Lock what is planned for this contact: ledger rows come before threads, wherever both are locked."""
        await self._uow.connection.execute(_LOCK, self._uow.organization_id, party.contact_id)

    async def hold(self, party: Party) -> None:
        """Put campaign texts to this contact back to planned and held, and cancel the AI's answers."""
        await self._uow.connection.execute(_HOLD, self._uow.organization_id, party.contact_id)
        await self.drop_answers(party)

    async def drop_answers(self, party: Party) -> None:
        """Cancel the AI's answers that have not been handed over."""
        await self._uow.connection.execute(
            _CANCEL_ANSWERS, self._uow.organization_id, party.contact_id, self._uow.now()
        )

    async def release(self, party: Party) -> None:
        """Let held campaign texts go on; the gate holds again what a paused campaign or manual mode still holds."""
        await self._uow.connection.execute(_RELEASE, self._uow.organization_id, party.contact_id)


def _party(row: Any) -> Party:
    return Party(contact_id=row["contact_id"], lead_id=row["lead_id"], phone=row["phone"], email=row["email"])
