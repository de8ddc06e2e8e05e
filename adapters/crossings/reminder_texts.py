"""Scheduling's reminders leave through messaging's gate."""

from uuid import UUID

from adapters.persistence.database import PostgresUnitOfWork
from application.messaging.gate import Draft, Gate
from application.messaging.outreach import Parties, Party
from application.ports import Clock
from application.provider import Capabilities, NotConfigured
from application.scheduling.reminder_ports import Reminder
from domain.kernel import derived_id
from domain.messaging.policy import Channel, Purpose, Refuse

CATEGORY = "booking_reminder"
# Rows are locked in the order of their ids, as everywhere: no deadlocks.
_DROP = """
WITH mine AS (
  SELECT id FROM sends WHERE organization_id = $1 AND lead_id = $4
    AND (natural_key ^@ $2 OR (purpose = 'system' AND natural_key ^@ 'reply:')) AND state IN ('planned', 'claimed')
  ORDER BY id FOR NO KEY UPDATE
), cancelled AS (
  UPDATE sends SET state = 'cancelled', settled_at = $3, batch = NULL, lease_until = NULL
  FROM mine WHERE sends.organization_id = $1 AND sends.id = mine.id RETURNING sends.id
)
UPDATE messages SET status = 'cancelled' WHERE organization_id = $1 AND id IN (SELECT id FROM cancelled)
"""


class GateForReminders:
    """Be scheduling's `ReminderTexts`."""

    def __init__(
        self, uow: PostgresUnitOfWork, clock: Clock, gate: Gate, parties: Parties, capabilities: Capabilities
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._gate = gate
        self._parties = parties
        self._capabilities = capabilities

    async def submit(self, reminder: Reminder) -> bool:
        """Put a reminder through the gate."""
        try:
            await self._capabilities.require("texting")
        except NotConfigured:
            return False
        party = Party(contact_id=reminder.contact_id, lead_id=reminder.lead_id, phone=reminder.phone, email=None)
        await self._parties.lock_texts(party)
        draft = Draft(
            id=derived_id(reminder.booking_id, reminder.key),
            natural_key=reminder.key,
            purpose=Purpose.SYSTEM,
            channel=Channel.SMS,
            category=CATEGORY,
            contact_id=reminder.contact_id,
            lead_id=reminder.lead_id,
            recipient=reminder.phone,
            body=reminder.body,
            useful_until=reminder.useful_until,
        )
        [verdict] = await self._gate.submit([draft])
        return not isinstance(verdict, Refuse)

    async def drop(self, booking_id: UUID, lead_id: UUID) -> None:
        """Cancel what tells of a call and has not been handed over: reminders, and the AI's word that it is booked."""
        await self._uow.connection.execute(
            _DROP, self._uow.organization_id, f"reminder:{booking_id}:", self._clock.now(), lead_id
        )
