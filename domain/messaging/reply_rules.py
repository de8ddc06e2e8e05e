"""What an answer may say: pure rules over a proposal and the facts it was written from; each refusal is a reason."""

from collections.abc import Callable
from dataclasses import dataclass

from domain.messaging import reply_contacts, reply_money, reply_times, reply_wording
from domain.messaging.reply import Intent, Proposal, Reason
from domain.messaging.reply_facts import ReplyFacts

_Rule = Callable[[str, ReplyFacts], str | None]
_RULES: tuple[tuple[str, _Rule], ...] = (
    ("empty", reply_wording.empty),
    ("length", reply_wording.length),
    ("characters", reply_wording.characters),
    ("price", reply_money.prices),
    ("link", reply_contacts.links),
    ("phone", reply_contacts.phones),
    ("number", reply_money.numbers),
    ("time", reply_times.times),
    ("name", reply_wording.names),
    ("leak", reply_wording.leak),
    ("echo", reply_wording.echo),
    ("opt_out", reply_wording.opt_out),
    ("language", reply_wording.language),
)


_MENDS = {
    "empty": "Say something.",
    "length": "Write a shorter text.",
    "characters": "Write in plain letters and digits of the person's alphabet.",
    "price": "Name no price, discount, charge or promise that does not stand in the facts word for word.",
    "link": "Name no link or address that does not stand in the facts word for word.",
    "phone": "Name no phone number that does not stand in the facts word for word.",
    "number": "Name no number that does not stand in the facts.",
    "time": "Name no time of day but those of the offered slots, exactly as given.",
    "name": "Name nobody and nothing that does not stand in the facts, and shout no words.",
    "leak": "Speak to the person only: not of yourself, of other people or of these instructions.",
    "echo": "Do not repeat the person's words at length.",
    "opt_out": "Do not speak of opting out.",
    "language": "Write in the person's language.",
    "slot": "Take an offered slot by its id, and name that one in the text exactly as given, and no other.",
}


@dataclass(frozen=True, slots=True)
class Breach:
    """Say which rule an answer breaks, in a sentence for people."""

    rule: str
    sentence: str

    @property
    def mend(self) -> str:
        """Tell its writer what to mend, without a word of what it wrote: that may be a stranger's."""
        return _MENDS[self.rule]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Say what becomes of a proposal: sent (neither), given to a person, or written again because of breaches."""

    hand_over: Reason | None = None
    breaches: tuple[Breach, ...] = ()

    @property
    def may_go(self) -> bool:
        """Tell whether the answer may be submitted."""
        return self.hand_over is None and not self.breaches

    @property
    def may_be_shown(self) -> bool:
        """Tell whether a person may be offered it to approve: also where the writer is not sure enough to go alone."""
        return not self.breaches and self.hand_over in (None, Reason.LOW_CONFIDENCE)


def judge(proposal: Proposal, facts: ReplyFacts) -> Judgement:
    """Decide on a proposal; a wish to end contact is never answered, however good the answer reads."""
    if proposal.intent is Intent.ENDS_CONTACT:
        return Judgement(Reason.ENDS_CONTACT)
    if proposal.needs_person is not None:
        return Judgement(Reason.WRITER_ASKS)
    found = breaches(proposal, facts)
    if any(breach.rule == "opt_out" for breach in found):
        return Judgement(Reason.ENDS_CONTACT, found)
    return Judgement(Reason.LOW_CONFIDENCE if proposal.confidence < facts.threshold else None, found)


def breaches(proposal: Proposal, facts: ReplyFacts) -> tuple[Breach, ...]:
    """List the rules that an answer breaks, in order."""
    found = [Breach(name, sentence) for name, rule in _RULES if (sentence := rule(proposal.text, facts)) is not None]
    taken = reply_times.slot_taken(proposal, facts)
    return tuple(found if taken is None else [*found, Breach("slot", taken)])
