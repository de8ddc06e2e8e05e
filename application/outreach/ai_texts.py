"""Texts of touches that the AI writes: asked for while planning, taken when they are there, done without in the end."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, Protocol
from uuid import UUID

from application import model_calls
from application.outreach.touch_gate import CampaignPace, TouchGate, TouchText
from application.ports import Clock, UnitOfWork, within
from application.provider import Capabilities, NotConfigured
from domain.outreach.campaign import Campaign

WRITING = "writing"
"""Why an enrolment is delayed whose text the AI is writing."""
LONGEST = timedelta(hours=6)
"""How long a touch waits for its text, whatever keeps that from being written: then its template goes."""


class WithoutAi(StrEnum):
    """Name why planning takes the template of a text that the AI was to write."""

    NO_MODEL = model_calls.NO_MODEL
    HELD = "held"
    TOO_LATE = "too_late"


@dataclass(frozen=True, slots=True)
class AiText:
    """Hold how far a lead's text is: `since` when it was asked for, and the words that were found for it."""

    status: Literal["due", "written", "fell_back"]
    since: datetime
    body: str


class AiTexts(Protocol):
    """Know the texts that the AI writes for a campaign's touches."""

    async def known(self, campaign: Campaign, texts: Sequence[TouchText]) -> dict[UUID, AiText]:
        """Give them by lead; one that was written with a version which is not live any more is none."""
        ...

    async def ask(self, campaign: Campaign, texts: Sequence[TouchText]) -> None:
        """Let these be written from now on."""
        ...

    async def fall_back(self, campaign: Campaign, texts: Sequence[TouchText], why: WithoutAi) -> None:
        """Note that the template is taken."""
        ...

    async def withdraw(self, campaign: Campaign) -> None:
        """Ask anew, by the settings as they are now, for what is not in the ledger yet; whoever waited is due now."""
        ...

    async def submitted(self, texts: Sequence[TouchText]) -> None:
        """Note of each what wrote its message, or left that to the template, now that it is in the ledger."""
        ...


@dataclass(frozen=True, slots=True)
class Sorted:
    """Hold which texts can be submitted, and which leads wait until when and why."""

    ready: list[TouchText]
    later: list[tuple[UUID, datetime, str]]


@dataclass(frozen=True)
class AiWording:
    """Give texts their words, where the AI is to find them; nobody waits for it without an end."""

    uow: UnitOfWork
    clock: Clock
    texts: AiTexts
    gate: TouchGate
    capabilities: Capabilities

    @within
    async def sort(self, campaign: Campaign, texts: Sequence[TouchText], pace: CampaignPace) -> Sorted:
        """Sort texts into those that can go, with the AI's words or the template's, and those that wait for theirs."""
        theirs = [text for text in texts if text.by_prompt]
        if not theirs:
            return Sorted(list(texts), [])
        known = await self.texts.known(campaign, theirs)
        later = await self._ask(campaign, [text for text in theirs if text.lead_id not in known], pace)
        now, late = self.clock.now(), []
        for text in theirs:
            found = known.get(text.lead_id)
            if found is None or found.status != "due":
                continue
            if found.since + LONGEST > now:
                later.append((text.lead_id, found.since + LONGEST, WRITING))
            else:
                late.append(text)
        await self.texts.fall_back(campaign, late, WithoutAi.TOO_LATE)
        waiting = {lead_id for lead_id, *_ in later}
        return Sorted([_worded(text, known) for text in texts if text.lead_id not in waiting], later)

    async def _ask(
        self, campaign: Campaign, texts: Sequence[TouchText], pace: CampaignPace
    ) -> list[tuple[UUID, datetime, str]]:
        """Ask for texts that could go now; gives who waits. What the gate lets nobody send is not worth writing."""
        if not texts:
            return []
        try:
            await self.capabilities.require("ai")
        except NotConfigured:
            await self.texts.fall_back(campaign, texts, WithoutAi.NO_MODEL)
            return []
        answers = list(zip(texts, await self.gate.foresee(texts, pace), strict=True))
        await self.texts.fall_back(campaign, [t for t, answer in answers if answer.kind == "hold"], WithoutAi.HELD)
        wanted = [text for text, answer in answers if answer.kind == "allow"]
        await self.texts.ask(campaign, wanted)
        until = self.clock.now() + LONGEST
        return [(text.lead_id, until, WRITING) for text in wanted] + [
            (text.lead_id, answer.until, answer.rule or "") for text, answer in answers if answer.until is not None
        ]


def _worded(text: TouchText, known: dict[UUID, AiText]) -> TouchText:
    found = known.get(text.lead_id) if text.by_prompt else None
    if found is None or found.status != "written":
        return text
    return replace(text, body=found.body)
