"""Who texts back in the story of a day: the sandbox's people, at once, and some who are silent there."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from adapters.sms.sandbox_people import People

_ANY_TIME = datetime(2027, 3, 22, 12, tzinfo=UTC)
_TURNS = (1, 2, 3)
_WANTS_A_PERSON = ("Is this a real person?", "I'd rather talk to a real person, can somebody ring me?")
_THINKS_AGAIN = (("Maybe. What would it involve?", False), ("STOP", True))
_SHARE = 0.12
"""Of those who are silent in the sandbox so many want a person, and as many think again."""

Words = tuple[str, bool]
"""What somebody writes, and whether they mean that all texts must end."""


@dataclass(slots=True)
class DayPeople:
    """Decide for one seed what everybody writes, with no delays: a day has no time for those who answer later."""

    seed: str
    _received: Counter[str] = field(default_factory=Counter)

    def answers(self, number: str, body: str) -> tuple[Words, ...]:
        """Tell what somebody writes who gets one more text."""
        self._received[number] += 1
        nth, people = self._received[number], People(self.seed)
        if people.script(number) != "silent":
            first = next((turn for turn in _TURNS if people.replies(number, turn, _ANY_TIME)), 1)
            said = people.replies(number, first + nth - 1, _ANY_TIME, body)
            return tuple((reply.body, reply.means_stop) for reply in said)
        drawn = people.draw(number, "one day")
        if nth > 1 or drawn >= 2 * _SHARE:
            return ()
        if drawn >= _SHARE:
            return _THINKS_AGAIN
        return ((_WANTS_A_PERSON[int(drawn / _SHARE * len(_WANTS_A_PERSON))], False),)
