"""What the rules need to know of recipients, in one query for any number of them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.visibility import SHOWN
from application.messaging.gate import Recipient
from domain.messaging.policy import Channel, Consent, Facts, Suppression
from domain.messaging.turn import Holder, Turn
from domain.messaging.window import DEFAULT_WINDOW, Window

_FACTS = f"""
SELECT contact.sms_eligible, contact.zones, contact.phone_type,
       lead.archived, lead.manual_mode, lead.contact_status, lead.reply_received_at, lead.dataset_id,
       lead.is_dnc, lead.updated_at,
       campaign.status AS campaign_status, campaign.settings -> 'window' AS window,
       stop.since, stop.how, thread.turn_holder, thread.turn_number,
       (SELECT kind FROM consents WHERE organization_id = $1 AND address = asked.address AND kind <> 'confirmed'
        ORDER BY at DESC LIMIT 1) AS consent,
       EXISTS (SELECT 1 FROM consents WHERE organization_id = $1 AND address = asked.address AND kind = 'confirmed'
               AND at >= stop.since AND message_id IS DISTINCT FROM asked.send_id) AS confirmed,
       ARRAY(SELECT coalesce(handed_at, due_at) FROM sends
             WHERE organization_id = $1 AND recipient = asked.address AND purpose = 'campaign'
               AND coalesce(handed_at, due_at) > $8::timestamptz - interval '30 days' AND NOT held
               AND state IN ('planned', 'claimed', 'handed', 'accepted', 'unknown')
               AND id IS DISTINCT FROM asked.send_id) AS campaign_texts,
       (SELECT max(handed_at) FROM sends WHERE organization_id = $1 AND lead_id = asked.lead_id
          AND purpose = 'campaign' AND recipient = asked.address) AS last_touch,
       CASE WHEN asked.lead_id IS NULL THEN (
         SELECT NOT EXISTS (
           SELECT FROM notifications told JOIN memberships m ON m.organization_id = $1
             AND m.account_id = told.account_id AND m.is_active
           JOIN accounts a ON a.id = m.account_id AND a.phone = asked.address
           WHERE told.organization_id = $1 AND told.id = split_part(own.natural_key, ':', 2)::uuid
             AND (told.lead_id IS NULL OR EXISTS (
               SELECT FROM leads l WHERE l.organization_id = $1 AND l.id = told.lead_id AND {SHOWN})))
         FROM sends own WHERE own.organization_id = $1 AND own.id = asked.send_id
           AND own.natural_key ^@ 'notification:') END AS addressee_left
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[]) WITH ORDINALITY
     AS asked(contact_id, address, channel, lead_id, campaign_id, send_id, n)
LEFT JOIN contacts contact ON contact.organization_id = $1 AND contact.id = asked.contact_id
LEFT JOIN leads lead ON lead.organization_id = $1 AND lead.id = asked.lead_id
LEFT JOIN campaigns campaign ON campaign.organization_id = $1 AND campaign.id = asked.campaign_id
LEFT JOIN suppressions stop ON stop.organization_id = $1 AND stop.address = asked.address
LEFT JOIN conversations thread ON thread.organization_id = $1 AND thread.contact_id = asked.contact_id
                              AND thread.channel = asked.channel
ORDER BY asked.n
"""  # noqa: S608 - our own words


class PostgresRecipientFacts:
    """Answer `RecipientFacts` within the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def of(self, recipients: Sequence[Recipient]) -> list[Facts]:
        """Give the facts of each, in order."""
        rows = await self._uow.connection.fetch(
            _FACTS,
            self._uow.organization_id,
            [r.contact_id for r in recipients],
            [r.address for r in recipients],
            [r.channel.value for r in recipients],
            [r.lead_id for r in recipients],
            [r.campaign_id for r in recipients],
            [r.send_id for r in recipients],
            self._uow.now(),
        )
        return [_facts(recipient, row) for recipient, row in zip(recipients, rows, strict=True)]

    async def sender(self, channel: Channel) -> str | None:
        """Give the organisation's own number; other channels have none yet."""
        if channel is not Channel.SMS:
            return None
        number = await self._uow.connection.fetchval(
            "SELECT sender FROM organizations WHERE organization_id = $1", self._uow.organization_id
        )
        return None if number is None else str(number)


def _facts(recipient: Recipient, row: Any) -> Facts:
    last_touch, replied = row["last_touch"], row["reply_received_at"]
    stop = None
    if row["since"] is not None:
        stop = Suppression(row["since"], row["how"], row["confirmed"])
    elif row["is_dnc"]:
        stop = Suppression(row["updated_at"], "tagged do not contact", confirmed=True)
    return Facts(
        suppression=stop,
        consent=_consent(row),
        sms_eligible=bool(row["sms_eligible"]),
        zones=tuple(row["zones"] or ()),
        line_type=row["phone_type"] or "unknown",
        lead_archived=bool(row["archived"]),
        manual_mode=bool(row["manual_mode"]),
        contact_status=row["contact_status"],
        campaign_state=row["campaign_status"],
        window=DEFAULT_WINDOW if row["window"] is None else _window(row["window"]),
        calling_code=1 if recipient.address.startswith("+1") else None,
        campaign_texts=tuple(row["campaign_texts"]),
        turn=Turn() if row["turn_holder"] is None else Turn(Holder(row["turn_holder"]), row["turn_number"]),
        replied_since_last_touch=replied is not None and last_touch is not None and replied >= last_touch,
        booked=row["contact_status"] == "CALL_BOOKED",
        addressee_left=bool(row["addressee_left"]),
    )


@lru_cache(maxsize=256)
def _window(stored: str) -> Window:
    return msgspec.json.decode(stored, type=Window)


def _consent(row: Any) -> Consent:
    if row["since"] is not None or row["consent"] == "opt_out":
        return Consent.WITHDRAWN
    if row["consent"] == "opt_in":
        return Consent.GIVEN
    return Consent.UNKNOWN if row["dataset_id"] is None else Consent.IMPLIED
