"""The story by a Twilio that others wrote: no clock is moved, so it is one day of it, in a few minutes."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from domain.kernel import Conflict
from entrypoints.demo.books import Reply, Text
from entrypoints.demo.client import Client
from entrypoints.demo.proofs import Proof, TakenOver, accepted_exactly_once, nothing_after_stop, nothing_while_held
from entrypoints.demo.story import EMAIL, ORGANIZATION, PASSWORD, Workers
from entrypoints.demo.twilio_emulator import ACCOUNT, NUMBER, TwilioEmulator

_SETTINGS = {"schedule": {"start": "00:00", "end": "00:00"}, "rate_limit_messages_per_minute": 1200}
_SETTLE_SECONDS = 180.0
_UNDER_WAY = 8
_HELD, _ASKED = 2, 3
_ONE_IN = 10  # says STOP, and another one asks
_ENDS = frozenset({"accepted", "rejected", "refused", "cancelled", "parked"})
LEGEND = (
    "",
    "Proofs, counted from Twilio's books: so many kept the promise, of so many",
    "  accepted exactly once: texts that it took once, none of ours missing and none unknown to us",
    "  after STOP: people who said STOP and got nothing more but the confirmation",
    "  while a person held the turn: conversations that the campaign left alone meanwhile",
    "Hours and later touches need a clock that is moved, which no real provider is called by: `make demo` shows them.",
)


@dataclass(slots=True)
class TwilioStory:
    """Play it; `tell` gets a sentence whenever something happens."""

    client: Client
    house: Workers
    twilio: TwilioEmulator
    tell: Callable[[str], None]
    dataset_id: str = ""
    expected: int = 0
    replies: list[Reply] = field(default_factory=list)
    taken: list[TakenOver] = field(default_factory=list)

    def play(self, path: Path) -> None:
        """Set Twilio up, import the list, text everybody, kill a worker meanwhile, and live with the answers."""
        self.client.set_up(EMAIL, PASSWORD, ORGANIZATION)
        self._connect()
        self.dataset_id = self.client.call("POST", "/datasets", json={"name": "Old enquiries"})["id"]
        result = self.client.import_list(self.dataset_id, path)["result"]
        counts = result["imported"]
        self.tell(
            f"{counts['total_rows']} rows of {path.name} imported: {counts['successful']} leads,"
            f" {result['ineligible']} of them cannot be texted"
        )
        self._take_over()
        self.expected = counts["successful"] - result["ineligible"] - len(self.taken)
        body = {"dataset_id": self.dataset_id, "settings": _SETTINGS}
        self.client.call("POST", "/campaigns/start", json=body)
        self.tell("the campaign starts, at any hour")
        self._kill_in_the_rush()
        self._until(self._is_settled, "every text has its end")
        self.tell(f"{len(self.texts())} texts are at Twilio; it reports them as delivered")
        for message in self.twilio.outbound():
            self.twilio.reports(message["sid"], "delivered")
        self._people_answer()
        self._answer_some()
        self._write_to_one_who_said_stop()

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
            nothing_while_held(texts, categories, self.taken),
        ]

    def report(self) -> Iterable[str]:
        """Write the counts, line by line."""
        yield ""
        yield "Texts"
        sent = Counter(message["message_category"] for message in self.messages() if message["sent_at"] is not None)
        for category, count in sorted(sent.items()):
            yield f"  {count:>5} {category}"
        for status, count in sorted(Counter(message["status"] for message in self.messages()).items()):
            yield f"  {count:>5} {status}"
        yield f"  {len(self.replies):>5} replies, of which {sum(one.means_stop for one in self.replies)} mean STOP"

    def _connect(self) -> None:
        body = {"settings": dict(ACCOUNT.settings), "credentials": dict(ACCOUNT.credentials)}
        self.client.call("PUT", "/settings/integrations/twilio", json=body)
        said = self.client.call("POST", "/settings/integrations/twilio/test")
        if not said["ok"]:
            raise Conflict(f"Twilio's emulator does not serve: {said['error']}")
        self.tell(f"Twilio is set up, and says that account and number ({NUMBER}) are right")

    def _leads(self, **narrowed: str) -> list[dict[str, Any]]:
        found = self.client.every("/leads", dataset_id=self.dataset_id, **narrowed)
        return sorted(found, key=lambda lead: str(lead["contact"]["phone_number"]))

    def _take_over(self) -> None:
        for lead in self._leads(status="READY")[:_HELD]:
            self.taken.append(TakenOver(lead["contact"]["phone_number"], datetime.now(UTC)))
            self.client.call("POST", f"/leads/{lead['id']}/manual-mode", json={"enabled": True})
        self.tell(f"a person takes over {len(self.taken)} leads before the campaign has written to them")

    def _kill_in_the_rush(self) -> None:
        before, used = len(self.twilio.outbound()), self.house.work_of_workers()
        self._until(lambda: len(self.twilio.outbound()) >= before + _UNDER_WAY, "texts go out", every=0.02)
        work = {name: seconds - used.get(name, 0) for name, seconds in self.house.work_of_workers().items()}
        victim = max(work, key=lambda name: work[name])
        self.tell(f"{victim} (process {self.house.kill(victim)}) is killed while it hands over")

    def _states(self) -> Counter[str]:
        states: Counter[str] = Counter()
        for row in self.client.call("GET", f"/campaigns/{self.dataset_id}")["texts"]:
            if row["touch"] == "M1":
                states[row["state"]] += row["count"]
        return states

    def _is_settled(self) -> bool:
        return sum(count for state, count in self._states().items() if state in _ENDS) >= self.expected

    def _people_answer(self) -> None:
        people = self._leads(status="CONTACTED")
        stopping, asking = people[::_ONE_IN], people[_ONE_IN // 2 :: _ONE_IN]
        for lead, body in [(one, "STOP") for one in stopping] + [(one, "How much is it?") for one in asking]:
            phone = lead["contact"]["phone_number"]
            self.twilio.says(phone, body)
            self.replies.append(Reply(phone, body, datetime.now(UTC), body == "STOP"))
        self.tell(f"{len(stopping)} people say STOP and {len(asking)} ask something, by Twilio's signed calls")
        self._until(
            lambda: (
                len(self._leads(status="OPTED_OUT")) == len(stopping)
                and len(self._leads(status="REPLIED")) == len(asking)
            ),
            "every answer is read",
        )

    def _answer_some(self) -> None:
        leads = self._leads(status="REPLIED")[:_ASKED]
        for lead in leads:
            body = {"lead_id": lead["id"], "content": "Olga here, a person. I will see to it myself."}
            self.client.call("POST", "/messages/send", json=body)
        self.tell(f"a person answers {len(leads)} of them")
        expected = {message["id"] for message in self.messages() if message["message_category"] == "human_manual"}
        self._until(lambda: expected <= {text.key for text in self.texts()}, "a person's texts are at Twilio")

    def _write_to_one_who_said_stop(self) -> None:
        for lead in self._leads(status="OPTED_OUT")[:1]:
            body = {"lead_id": lead["id"], "content": "Just one more thing…"}
            answer = self.client.answer("POST", "/messages/send", json=body)
            if answer.status_code != 409:
                raise Conflict(f"A text to somebody who said STOP was answered {answer.status_code}: {answer.text}")
            self.tell(f"a person's text to somebody who said STOP is refused: {answer.json()['error']['message']}")

    def _until(self, holds: Callable[[], bool], what: str, every: float = 0.5) -> None:
        deadline = time.monotonic() + _SETTLE_SECONDS
        while not holds():
            if time.monotonic() > deadline:
                raise Conflict(f"It took too long until {what}: {dict(self._states())}")
            time.sleep(every)
