"""Who may be written to: opting out and in, by text or by a person, and what the rules say of somebody now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol
from uuid import UUID

import msgspec

from application.messaging.gate import Recipient, RecipientFacts
from application.messaging.outreach import Parties, Party
from application.ports import Actor, Clock, Command, UnitOfWork, View, effect, within
from domain.identity.role import Permission
from domain.kernel import Conflict, Invalid, Phone
from domain.messaging.message import OptedIn, OptedOut, RecipientRefused
from domain.messaging.policy import Channel, Delay, Purpose, SendRequest, decide


class ReasonView(View, frozen=True):
    """Show one rule that was applied."""

    rule: str
    outcome: str
    sentence: str


class CanContactView(View, frozen=True):
    """Show whether somebody may be written to now, with every rule applied."""

    allowed: bool
    verdict: str
    until: datetime | None
    reasons: list[ReasonView]
    example: ClassVar[dict[str, Any]] = {
        "allowed": True,
        "verdict": "allow",
        "until": None,
        "reasons": [{"rule": "opt_out", "outcome": "passed", "sentence": "This address has not opted out."}],
    }


class ConsentView(View, frozen=True):
    """Show one line of the consent ledger."""

    id: UUID
    channel: str
    kind: str
    how: str
    wording: str | None
    source: str | None
    message_id: UUID | None
    actor_id: UUID | None
    at: datetime
    example: ClassVar[dict[str, Any]] = {
        "id": "01890a5d-ad10-7c3e-8a53-4f0f6a2c1d77",
        "channel": "sms",
        "kind": "opt_out",
        "how": "text",
        "wording": "Please stop texting me",
        "source": "sandbox",
        "message_id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "actor_id": None,
        "at": "2027-03-22T10:15:04Z",
    }


class RecordConsent(Command, frozen=True):
    """Say that a person told us, otherwise than by text, that they want no messages, or want them again."""

    wording: str | msgspec.UnsetType = msgspec.UNSET
    source: str | msgspec.UnsetType = msgspec.UNSET
    example: ClassVar[dict[str, Any]] = {"wording": "Rang us: no more texts, please.", "source": "phone call"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentLine:
    """Hold one line for the consent ledger."""

    contact_id: UUID | None
    address: str
    channel: str
    kind: Literal["opt_out", "opt_in", "confirmed"]
    how: str
    wording: str | None
    source: str | None
    message_id: UUID | None
    actor_id: UUID | None


class ConsentLedger(Protocol):
    """Keep who said what, when, how and in which words, and the suppression that follows."""

    async def write(self, line: ConsentLine, at: datetime) -> UUID:
        """Append a line."""
        ...

    async def suppress(self, address: str, how: str, wording: str | None, consent_id: UUID, at: datetime) -> bool:
        """Let nothing more out to an address, as it was last asked for `at`; tells whether that is new."""
        ...

    async def lift(self, address: str, text_of: datetime | None) -> bool:
        """Lift a suppression; tells whether there was one.

        A START by text, `text_of` when, lifts an earlier STOP by text: neither a later one nor a person's word.
        """
        ...

    async def lines(self, contact_id: UUID) -> list[ConsentView]:
        """Give a contact's lines, newest first."""
        ...


@dataclass(frozen=True)
class Consents:
    """Opt people out and in, and explain."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    parties: Parties
    ledger: ConsentLedger
    facts: RecipientFacts

    async def can_contact(self, contact_id: UUID, channel: str, purpose: str = "campaign") -> CanContactView:
        """Say whether a contact may be written to now on a channel, with each rule that was applied."""
        self.actor.require(Permission.CONTACTS_READ)
        chosen = _channel(channel)
        if purpose not in {p.value for p in Purpose}:
            raise Invalid("There is no such purpose.", field="purpose")
        async with self.uow:
            return await self._explain(await self.parties.of_contact(contact_id), chosen, purpose)

    async def _explain(self, party: Party, channel: Channel, purpose: str) -> CanContactView:
        address = party.email if channel is Channel.EMAIL else party.phone
        if address is None:
            what = "e-mail address" if channel is Channel.EMAIL else "phone number"
            missing = ReasonView(rule="address", outcome="refused", sentence=f"This contact has no {what}.")
            return CanContactView(allowed=False, verdict="refuse", until=None, reasons=[missing])
        recipient = Recipient(
            contact_id=party.contact_id, address=address, channel=channel, lead_id=party.lead_id, campaign_id=None
        )
        [facts] = await self.facts.of([recipient])
        asked = Purpose.MANUAL if purpose == "campaign" and facts.campaign_state is None else Purpose(purpose)
        request = SendRequest(purpose=asked, channel=channel, to=address, turn_number=facts.turn.number)
        verdict = decide(request, facts, self.clock.now())
        return CanContactView(
            allowed=verdict.kind == "allow",
            verdict=verdict.kind,
            until=verdict.until if isinstance(verdict, Delay) else None,
            reasons=[ReasonView(rule=r.rule, outcome=r.outcome, sentence=r.sentence) for r in verdict.reasons],
        )

    async def opt_out(self, contact_id: UUID, told: RecordConsent) -> CanContactView:
        """Record that a contact told a person to stop."""
        self.actor.require(Permission.CONSENT_WRITE)
        async with self.uow:
            party = await self.parties.lock(await self.parties.of_contact(contact_id))
            await self.stop(party, "person", _text(told.wording), _text(told.source), None)
            return await self._explain(party, Channel.SMS, Purpose.CAMPAIGN.value)

    async def opt_in(self, contact_id: UUID, told: RecordConsent) -> CanContactView:
        """Record that a contact told a person that messages are welcome again; needs their words."""
        self.actor.require(Permission.CONSENT_WRITE)
        if not _text(told.wording):
            raise Invalid("Write down the words with which they agreed.", field="wording")
        async with self.uow:
            party = await self.parties.lock(await self.parties.of_contact(contact_id))
            if not await self.start(party, "person", _text(told.wording), _text(told.source), None):
                raise Conflict("This contact has not opted out.")
            return await self._explain(party, Channel.SMS, Purpose.CAMPAIGN.value)

    async def ledger_of(self, contact_id: UUID) -> list[ConsentView]:
        """List what a contact said about being contacted, newest first."""
        self.actor.require(Permission.CONTACTS_READ)
        async with self.uow.reading():
            await self.parties.of_contact(contact_id)
            return await self.ledger.lines(contact_id)

    @effect
    async def refused(self, event: RecipientRefused) -> None:
        """Obey a STOP of which only the provider knew until it refused a message."""
        async with self.uow:
            known = await self.parties.of_contact(event.contact_id)
            party = Party(
                contact_id=known.contact_id, lead_id=known.lead_id, phone=Phone(event.address), email=known.email
            )
            await self.parties.lock(party)
            await self.stop(party, "provider", None, event.code, event.subject)

    @within
    async def stop(
        self,
        party: Party,
        how: str,
        wording: str | None,
        source: str | None,
        message_id: UUID | None,
        *,
        text_of: datetime | None = None,
    ) -> bool:
        """Suppress every address of a party and end what is under way to them; tells whether that is new."""
        now = self.clock.now()
        addresses = _addresses(party)
        fresh = False
        for address in addresses:
            line = _line(self.actor, party, address, "opt_out", how, wording, source, message_id)
            consent_id = await self.ledger.write(line, now)
            fresh |= await self.ledger.suppress(address, how, wording, consent_id, text_of or now)
        leads = await self.parties.opted_out(addresses, now)
        for address in addresses:
            self.uow.publish(
                OptedOut(subject=party.contact_id, address=address, how=how, wording=wording, lead_ids=leads)
            )
        return fresh

    @within
    async def start(
        self,
        party: Party,
        how: str,
        wording: str | None,
        source: str | None,
        message_id: UUID | None,
        *,
        text_of: datetime | None = None,
    ) -> bool:
        """Lift the suppression of a party's addresses; a START by text lifts only what an earlier STOP by text did."""
        now = self.clock.now()
        lifted = []
        for address in _addresses(party):
            if await self.ledger.lift(address, text_of):
                await self.ledger.write(
                    _line(self.actor, party, address, "opt_in", how, wording, source, message_id), now
                )
                lifted.append(address)
        if lifted:
            leads = await self.parties.opted_in(lifted)
            for address in lifted:
                self.uow.publish(
                    OptedIn(subject=party.contact_id, address=address, how=how, wording=wording, lead_ids=leads)
                )
        return bool(lifted)

    @within
    async def confirm(self, party: Party, message_id: UUID) -> None:
        """Note that the one confirmation of an opt-out is on its way."""
        for address in _addresses(party):
            line = _line(self.actor, party, address, "confirmed", "text", None, None, message_id)
            await self.ledger.write(line, self.clock.now())


def _channel(text: str) -> Channel:
    try:
        return Channel(text)
    except ValueError:
        raise Invalid("A channel is sms, email or call.", field="channel") from None


def _text(value: str | msgspec.UnsetType) -> str | None:
    return None if value is msgspec.UNSET else value


def _addresses(party: Party) -> list[str]:
    return [address for address in (party.phone, party.email) if address is not None]


def _line(
    actor: Actor,
    party: Party,
    address: str,
    kind: Literal["opt_out", "opt_in", "confirmed"],
    how: str,
    wording: str | None,
    source: str | None,
    message_id: UUID | None,
) -> ConsentLine:
    return ConsentLine(
        contact_id=party.contact_id,
        address=address,
        channel="email" if "@" in address else "sms",
        kind=kind,
        how=how,
        wording=wording,
        source=source,
        message_id=message_id,
        actor_id=actor.id,
    )
