"""Outreach asks messaging's gate about a campaign's texts."""

from collections.abc import Sequence

from application.messaging.gate import Draft, Gate
from application.outreach.planning import Answer, CampaignPace, TouchText
from domain.kernel import derived_id
from domain.messaging.policy import Channel, Delay, Purpose, Verdict


class GateForTouches:
    """Be outreach's `TouchGate`."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def submit(self, texts: Sequence[TouchText], pace: CampaignPace) -> list[Answer]:
        """Decide on each, in order."""
        verdicts = await self._gate.submit([_draft(text) for text in texts], pace, leave_delayed=True)
        return [_answer(verdict) for verdict in verdicts]


def _draft(text: TouchText) -> Draft:
    return Draft(
        # The same again when a restored database plans it again, so that the provider can be asked for it.
        id=derived_id(text.lead_id, f"campaign:{text.touch.value}"),
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
