"""The story by a Twilio that others wrote: no clock is moved, so it is one day of it, in a minute or two."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from domain.kernel import Conflict
from domain.messaging.reply import Reason
from entrypoints.demo.books import Reply, Text
from entrypoints.demo.client import Client
from entrypoints.demo.day_people import DayPeople
from entrypoints.demo.desk import Desk
from entrypoints.demo.proofs import Proof, accepted_exactly_once, nothing_after_stop, nothing_while_held
from entrypoints.demo.report import report
from entrypoints.demo.story import EMAIL, ORGANIZATION, PASSWORD, Workers, kill_the_busiest
from entrypoints.demo.twilio_emulator import ACCOUNT, NUMBER, TwilioEmulator

_SETTINGS = {
    "schedule": {"start": "00:00", "end": "00:00"},
    "rate_limit_messages_per_minute": 1200,
    "ai_response_delay_seconds": 1,
}
_SETTLE_SECONDS = 180.0
_UNDER_WAY = 8
_HELD, _ANSWERED = 2, 2
# Longer than the AI lets pass before it answers: what is due by then is waited for.
_SOON = timedelta(seconds=3)
_ENDS = frozenset({"accepted", "rejected", "refused", "cancelled", "parked"})
LEGEND = (
    "",
    "Proofs, counted from Twilio's books: so many kept the promise, of so many",
    "  accepted exactly once: texts that it took once, none of ours missing and none unknown to us",
    "  after STOP: people who said STOP and got nothing more, of the AI neither, but the confirmation",
    "  while a person held the turn: conversations that the campaign left alone meanwhile",
    "Hours and later touches need a clock that is moved, which no real provider is called by: `make demo` shows them.",
)


@dataclass(slots=True)
class TwilioStory:
    """Play it; `tell` gets a sentence whenever something happens."""

    client: Client
    house: Workers
    twilio: TwilioEmulator
    people: DayPeople
    tell: Callable[[str], None]
    expected: int = 0
    replies: list[Reply] = field(default_factory=list)
    _read: set[str] = field(default_factory=set)
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.desk = Desk(self.client, self.tell, self._settle, self._write)

    def play(self, path: Path) -> None:
        """Set Twilio up, import the list, text everybody, kill a worker meanwhile, and live with the answers."""
        self.client.set_up(EMAIL, PASSWORD, ORGANIZATION)
        self._connect()
        self.tell(self.desk.import_list(path))
        self.desk.take_over("READY", _HELD)
        self.expected = self.desk.eligible - len(self.desk.taken)
        body = {"dataset_id": self.desk.dataset_id, "settings": _SETTINGS}
        self.client.call("POST", "/campaigns/start", json=body)
        self.tell(f"the campaign starts, at any hour: {self.expected} people")
        self._kill_in_the_rush()
        self._settle()
        self.tell(
            f"{len(self.twilio.outbound())} texts are at Twilio; people wrote {len(self.replies)} by its signed calls,"
            f" {sum(one.means_stop for one in self.replies)} of them STOP, and the AI has answered"
        )
        self.desk.answer(self._who_want_a_person())
        self._settle()
        self.desk.calls.change_some(self.client.clock()[0])
        self.desk.write_to_one_who_said_stop()
        self._settle()

    def texts(self) -> list[Text]:
        """List what Twilio took of us, under the ids of our messages; under its own what none of ours bears."""
        ours = {message["provider_id"]: message["id"] for message in self.messages()}
        return [
            Text(
                ours.get(message["sid"], message["sid"]),
                message["to"],
                message["body"],
                parsedate_to_datetime(message["date_created"]),
            )
            for message in self.twilio.outbound()
        ]

    def messages(self) -> list[dict[str, Any]]:
        """List our outgoing messages, as the API has them."""
        return list(self.client.every("/messages", direction="outbound"))

    def prove(self) -> Sequence[Proof]:
        """Count the promises that one day can break."""
        texts, messages = self.texts(), self.messages()
        categories = {message["id"]: message["message_category"] for message in messages}
        return [
            accepted_exactly_once(texts, messages),
            nothing_after_stop(texts, self.replies, categories),
            nothing_while_held(texts, categories, self.desk.taken),
        ]

    def report(self) -> Iterable[str]:
        """Write what the story of three weeks ends with too, and what Twilio's own list has."""
        yield from report(self.desk, list(self.client.every("/messages")), self.replies)
        yield ""
        yield "In Twilio's own list"
        categories = {message["id"]: message["message_category"] for message in self.messages()}
        for category, count in sorted(Counter(categories.get(text.key, "unknown") for text in self.texts()).items()):
            yield f"  {count:>5} {category}"

    def _connect(self) -> None:
        body = {"settings": dict(ACCOUNT.settings), "credentials": dict(ACCOUNT.credentials)}
        self.client.call("PUT", "/settings/integrations/twilio", json=body)
        said = self.client.call("POST", "/settings/integrations/twilio/test")
        if not said["ok"]:
            raise Conflict(f"Twilio's emulator does not serve: {said['error']}")
        self.tell(f"Twilio is set up, and says that account and number ({NUMBER}) are right")

    def _kill_in_the_rush(self) -> None:
        used, deadline = self.house.work_of_workers(), time.monotonic() + _SETTLE_SECONDS
        while len(self.twilio.outbound()) < _UNDER_WAY:
            if time.monotonic() > deadline:
                raise Conflict("No texts go out.")
            time.sleep(0.02)
        self.tell(f"{kill_the_busiest(self.house, used)} is killed while it hands over")

    def _settle(self) -> None:
        """Let everybody answer what reaches them, until nobody says anything more and nothing is under way."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while self._people_answer() or not self._is_at_rest():
            if time.monotonic() > deadline:
                raise Conflict(f"It took too long until every text had its end: {dict(self._states())}")

    def _people_answer(self) -> bool:
        """Let whoever got a text since this was asked last have it, and write back; tell whether anybody did."""
        fresh = [text for text in reversed(self.twilio.outbound()) if text["sid"] not in self._read]
        for text in fresh:
            self._read.add(text["sid"])
            self.twilio.reports(text["sid"], "delivered")
            for words, means_stop in self.people.answers(text["to"], text["body"]):
                self._says(text["to"], words, means_stop=means_stop)
        return bool(fresh)

    def _write(self, sender: str, _to: str, words: str) -> None:
        self._says(sender, words, means_stop=False)

    def _says(self, sender: str, words: str, *, means_stop: bool) -> None:
        self.twilio.says(sender, words)
        self.replies.append(Reply(sender, words, datetime.now(UTC), means_stop))

    def _is_at_rest(self) -> bool:
        if sum(count for state, count in self._states().items() if state in _ENDS) < self.expected:
            time.sleep(0.3)
            return False
        self.client.settle()
        now, due = self.client.clock()
        if due is not None and due <= now + _SOON:
            time.sleep(max((due - now).total_seconds(), 0) + 0.1)
            return False
        return len(self.twilio.outbound()) == len(self._read)

    def _states(self) -> Counter[str]:
        states: Counter[str] = Counter()
        for row in self.client.call("GET", f"/campaigns/{self.desk.dataset_id}")["texts"]:
            if row["touch"] == "M1":
                states[row["state"]] += row["count"]
        return states

    def _who_want_a_person(self) -> list[dict[str, Any]]:
        asking = {
            thread["contact"]["phone_number"]
            for thread in self.client.every("/conversations")
            if thread["attention"] == Reason.WRITER_ASKS
        }
        leads = self.client.every("/leads", dataset_id=self.desk.dataset_id)
        found = [lead for lead in leads if lead["contact"]["phone_number"] in asking]
        return sorted(found, key=lambda lead: str(lead["contact"]["phone_number"]))[:_ANSWERED]
