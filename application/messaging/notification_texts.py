"""Notifications by text to a person's own phone: through the gate, as every text."""

from dataclasses import dataclass

from application.messaging.gate import Draft, Gate
from application.messaging.outreach import Parties
from application.ports import Clock, within
from domain.kernel import Phone, derived_id
from domain.messaging.notification import Notification
from domain.messaging.policy import Channel, Purpose

CATEGORY = "notification"
LONGEST = 300


@dataclass(frozen=True)
class NotificationTexts:
    """Put notifications through the gate: quiet hours, STOP and the ledger hold for colleagues too."""

    clock: Clock
    parties: Parties
    gate: Gate

    @within
    async def submit(self, told: Notification, phone: Phone) -> None:
        """Write one down, once; the number stands among the contacts from then on, where its STOP is kept."""
        party = await self.parties.make(phone, self.clock.now())
        await self.parties.lock(party)
        await self.parties.lock_texts(party)
        draft = Draft(
            id=derived_id(told.id, CATEGORY),
            natural_key=f"{CATEGORY}:{told.id}",
            purpose=Purpose.SYSTEM,
            channel=Channel.SMS,
            category=CATEGORY,
            contact_id=party.contact_id,
            recipient=phone,
            body=told.title[:LONGEST],
        )
        await self.gate.submit([draft])
