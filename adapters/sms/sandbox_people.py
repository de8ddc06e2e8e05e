"""Simulated people: who answers a text, what and when, as pure functions of seed, number and texts received."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Script = Literal["silent", "keen", "hesitant", "price_objection", "wrong_number", "rude", "stop", "late"]

SHARES: tuple[tuple[Script, int], ...] = (
    ("silent", 45),
    ("keen", 12),
    ("hesitant", 10),
    ("price_objection", 8),
    ("wrong_number", 4),
    ("rude", 3),
    ("stop", 12),
    ("late", 6),
)
"""Percent of all people who follow each script."""

# Ofcom's numbers for drama (UK), 555-0100…0199 (North America), ACMA's for fiction (Australia), ARCEP's (France).
_MOBILES = r"\+447700900\d{3}|\+1[2-9]\d\d55501\d\d|\+61491570\d{3}|\+3363998\d{4}"
_CITIES = (
    r"\+44(11[3-8]|121|131|141|151|161)4960\d{3}|\+442079460\d{3}|\+441914980\d{3}|\+442896496\d{3}|\+442920180\d{3}"
)
_OTHERS = r"\+441632960\d{3}|\+448081570\d{3}|\+449098790\d{3}|\+443069990\d{3}"
_FICTION = re.compile(f"{_MOBILES}|{_CITIES}|{_OTHERS}", re.ASCII)
_FICTION_LANDLINE = re.compile(f"{_CITIES}|{_OTHERS}", re.ASCII)

_OPENINGS: dict[Script, tuple[str, ...]] = {
    "keen": (
        "Yes please, I'd still like a quote",
        "Hi, yes still interested! When can you call?",
        "Oh great timing, we were just talking about this. Yes",
        "Sure, call me tomorrow",
        "yes 👍",
        "Could you stop by at 5 on Thursday to measure up?",
    ),
    "hesitant": (
        "Not sure yet, need to talk to my wife first",
        "Maybe. What would it involve?",
        "We might be moving, can you ask me again in the spring?",
        "who is this again?",
        "Possibly, remind me what you offered last time?",
    ),
    "price_objection": (
        "Your quote was too expensive last time",
        "How much is it going to cost? Can't spend a fortune",
        "Found it cheaper elsewhere tbh",
        "Depends on the price, is there any discount?",
    ),
    "wrong_number": (
        "Sorry, I think you have the wrong number",
        "Wrong number mate",
        "I'm not that person, I've only just got this phone",
    ),
    "rude": (
        "Are you having a laugh",
        "What a load of rubbish you lot are",
        "Third message this year. Useless bunch.",
    ),
    "stop": (
        "STOP",
        "Stop",
        "stop.",
        "STOP!!",
        "  stop  ",
        "S T O P",
        "STOPALL",
        "Unsubscribe",
        "UNSUBSCRIBE please",
        "END",
        "Quit",
        "cancel",
        "Opt out",
        "please stop texting me",
        "Take me off your list",
        "Please remove my number from your list",
        "Do not text me again",
        "Don't contact me again please",
        "no more messages thanks, stop texting",
        "BAJA",
        "Por favor, no me envíen más mensajes",
        "Deje de enviarme mensajes",
        "Proszę przestać do mnie pisać",
        "Proszę usunąć mój numer z listy",
    ),
    "late": (
        "Sorry, only just saw this. Is the offer still on?",
        "Been away, still interested",
        "Hi, sorry for the slow reply. Can you send details?",
    ),
}
_FOLLOW_UPS: dict[Script, tuple[str, ...]] = {
    "keen": ("Tomorrow afternoon works for me", "2pm is good. Thanks!"),
    "hesitant": ("Ok, I'll have a think", "Where are you, and what would it involve?"),
    "price_objection": ("Still more than I wanted to pay", "Ok, if it's under two thousand let's talk"),
}
_OFFER = re.compile(r"Would (?P<first>.+?)(?: or .+?)? suit you\?")
_BOOKED = re.compile(r"booking your call\b")
_OF_A_CALL = re.compile(r"\byour call\b")
_MOST_TAKEN = 6
TAKES_A_TIME: dict[Script, float] = {"keen": 1, "late": 1, "price_objection": 1, "hesitant": 0.5}
"""The share of those who follow a script and take a time that a text offers (`docs/sandbox.md`)."""
_RUDE_AFTER_STOP = ("I said stop. What is wrong with you", "Did I not just tell you to stop??", "unbelievable")


@dataclass(frozen=True, slots=True)
class Reply:
    """Hold what somebody writes back: `due` in business time, and whether they mean that all texts must end."""

    due: datetime
    body: str
    script: Script
    means_stop: bool


@dataclass(frozen=True, slots=True)
class Status:
    """Hold one step of a text's delivery; `permanent` tells that nothing will ever arrive at this number."""

    status: Literal["queued", "sent", "delivered", "undelivered", "failed"]
    error_code: str | None = None
    permanent: bool = False


def is_fiction(number: str) -> bool:
    """Tell whether an E.164 number is one that a regulator keeps for fiction, so that nobody real has it."""
    return _FICTION.fullmatch(number) is not None


def is_landline(number: str) -> bool:
    """Tell whether an E.164 number of the fiction ranges cannot take texts."""
    return _FICTION_LANDLINE.fullmatch(number) is not None


@dataclass(frozen=True, slots=True)
class People:
    """Decide for one seed what everybody does; the same questions always get the same answers."""

    seed: str

    def script(self, number: str) -> Script:
        """Name the script this number follows, by SHA-256 of (seed, number) over the cumulative `SHARES`."""
        drawn = self.draw(number) * 100
        for script, share in SHARES:
            drawn -= share
            if drawn < 0:
                return script
        return "silent"

    def statuses(self, number: str) -> Sequence[Status]:
        """List the delivery states of any text to this number, in order."""
        queued, sent = Status("queued"), Status("sent")
        if is_fiction(number) and self.script(number) == "silent":
            drawn = self.draw(number, "reachable")
            if drawn < 0.03:
                return (queued, Status("failed", "30006", permanent=True))
            if drawn < 0.06:
                return (queued, sent, Status("undelivered", "30003"))
        return (queued, sent, Status("delivered"))

    def replies(self, number: str, nth: int, accepted_at: datetime, body: str = "") -> Sequence[Reply]:
        """List what follows the `nth` text (first = 1) that one organisation sent to this number, in due order.

        Whoever is open to a call takes the first time that a text offers, and loses patience after some of these.
        """
        if not is_fiction(number):
            return ()
        script = self.script(number)
        if script == "silent":
            return ()
        first = self._first_answered(number, script)
        delay = self._delay(number, script, nth)
        if nth == first:
            due = accepted_at + delay
            return (Reply(due, self._pick(number, _OPENINGS[script], nth), script, means_stop=script == "stop"),)
        if script == "stop":
            if nth == first + 1 and self.draw(number, "rude after stop") < 0.1:
                body = self._pick(number, _RUDE_AFTER_STOP, nth)
                return (Reply(accepted_at + timedelta(minutes=4), body, script, means_stop=False),)
            return ()
        offer = _OFFER.search(body)
        takes = self.draw(number, "takes a time") < TAKES_A_TIME.get(script, 0)
        if first < nth <= first + _MOST_TAKEN and offer is not None and takes:
            return (Reply(accepted_at + delay, f"{offer['first']} works for me", script, means_stop=False),)
        if _OF_A_CALL.search(body):
            pleased = script == "keen" and _BOOKED.search(body) is not None
            return (Reply(accepted_at + delay, "Great, speak then", script, means_stop=False),) if pleased else ()
        turn = nth - first - 1
        lines = _FOLLOW_UPS.get(script, ())
        if 0 <= turn < len(lines):
            return (Reply(accepted_at + delay, lines[turn], script, means_stop=False),)
        return ()

    def draw(self, number: str, purpose: str = "") -> float:
        """Give this number's fixed share of 1 for a purpose, evenly spread from 0 up to but not including 1."""
        digest = hashlib.sha256("\n".join((self.seed, number, purpose) if purpose else (self.seed, number)).encode())
        return int.from_bytes(digest.digest()[:6]) / 2**48

    def _first_answered(self, number: str, script: Script) -> int:
        if script == "late":
            return 1
        drawn = self.draw(number, "first answered")
        return 1 if drawn < 0.55 else 2 if drawn < 0.85 else 3

    def _delay(self, number: str, script: Script, nth: int) -> timedelta:
        drawn = self.draw(number, f"delay {nth}")
        if script == "late":
            # Kept three hours clear of whole days: a reply that raced the next touch would make counts differ by run.
            days = 2 + int(self.draw(number, f"days {nth}") * 3)
            return timedelta(days=days, hours=3, seconds=round(drawn * 18 * 3600))
        # From 15 seconds to some 10 hours, half of them within 13 minutes: people text back soon, or at night.
        return timedelta(seconds=round(15 * 2400**drawn))

    def _pick(self, number: str, lines: Sequence[str], nth: int) -> str:
        return lines[int(self.draw(number, f"line {nth}") * len(lines))]
