"""Outreach asks messaging's gate about a campaign's texts."""

from collections.abc import Sequence

from application.messaging.gate import Draft, Gate
from application.outreach.touch_gate import Answer, CampaignPace, TouchText
from domain.messaging.policy import Channel, Delay, Purpose, Verdict
from domain.outreach.campaign import message_id


class GateForTouches:
    """Be outreach's `TouchGate`."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def submit(self, texts: Sequence[TouchText], pace: CampaignPace) -> list[Answer]:
        """Decide on each, in order."""
        verdicts = await self._gate.submit([_draft(text) for text in texts], pace, leave_delayed=True)
        return [_answer(verdict) for verdict in verdicts]

    async def foresee(self, texts: Sequence[TouchText], pace: CampaignPace) -> list[Answer]:
        """Decide on each as if it were submitted now."""
        return [_answer(verdict) for verdict in await self._gate.foresee([_draft(text) for text in texts], pace)]


def _draft(text: TouchText) -> Draft:
    return Draft(
        id=message_id(text.lead_id, text.touch),
        natural_key=f"campaign:{text.campaign_id}:{text.touch.value}:{text.lead_id}",
        purpose=Purpose.CAMPAIGN,
        channel=Channel.SMS,
        category=text.touch.value.lower(),
        contact_id=text.contact_id,
        lead_id=text.lead_id,
        campaign_id=text.campaign_id,
        touch=text.touch.value,
        variant=text.variant,
        recipient=text.phone,
        body=text.body,
        delayed_by=text.delayed_by,
    )


def _answer(verdict: Verdict) -> Answer:
    if not isinstance(verdict, Delay):
        return Answer(verdict.kind)
    decisive = verdict.decisive
    return Answer(verdict.kind, verdict.until, decisive.rule if decisive else None)
