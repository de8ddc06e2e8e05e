"""Calls in the demo: people who want theirs cancelled or moved, a person who sees to it, and what came of all."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from domain.kernel import Conflict
from domain.messaging.reply import Reason
from entrypoints.demo.calendar import local
from entrypoints.demo.client import Client

WISHES = (
    "Something came up, cancel my call please",
    "Sorry, I need to cancel our call",
    "Could you move my call to another day?",
)
_CANCELLED = 2
_AHEAD = timedelta(hours=3)
_DAYS_SEARCHED = 14


@dataclass(slots=True)
class Calls:
    """Change some calls as people do; `tell` gets what is done, `settle` waits until the house is at rest.

    `write` lets somebody text us: from a number, to one of ours, these words.
    """

    client: Client
    tell: Callable[[str], None]
    settle: Callable[[], None]
    write: Callable[[str, str, str], None]
    changed: int = 0
    cancelled: list[str] = field(default_factory=list)
    _moved: dict[str, str] = field(default_factory=dict)

    def change_some(self, now: datetime) -> bool:
        """Let people write that they want their call off, or another one, and a person see to it; tells if all have."""
        calls = self._to_come(now)[: len(WISHES) - self.changed]
        wishes = WISHES[self.changed :]
        for call, words in zip(calls, wishes, strict=False):
            self._write(call, words)
        self.settle()
        for call in calls:
            left = self._thread(call)["attention"]
            if left != Reason.CALL_CHANGE:
                raise Conflict(f"Who wanted a call changed was not left to a person for it, but for {left}.")
            self._cancel(call) if self.changed < _CANCELLED else self._move(call)
            self.changed += 1
        if calls:
            self.tell(f"{len(calls)} who have a call want it off or moved: left to a person, who sees to it")
            self.settle()
        return self.changed == len(WISHES)

    def _to_come(self, now: datetime) -> list[dict[str, Any]]:
        """List the calls that the AI made and that may still be changed, by whom they are with."""
        asked = {"status": "scheduled", "from": (now + _AHEAD).isoformat()}
        calls = [call for call in self.client.every("/bookings", **asked) if call["id"] not in self._moved]
        return sorted(
            (call for call in calls if call["source"] == "ai"), key=lambda call: (call["lead"]["name"], call["id"])
        )

    def made_by_ai(self) -> set[str]:
        """Name the leads that have a call which the AI made."""
        calls = self.client.every("/bookings", status="scheduled")
        return {call["lead"]["id"] for call in calls if call["source"] == "ai"}

    def book(self, lead: Mapping[str, Any], now: datetime) -> None:
        """Let a person book a call with a lead that she talks to."""
        start = self._free(lead["id"], now)
        self.client.call("POST", "/bookings", json={"lead_id": lead["id"], "start_time": start.isoformat()})
        self._say(
            lead["id"], f"Olga here: shall we talk on {local(start):%A} at {local(start):%H:%M}? I have put it down."
        )
        self.tell("a person books a call with one that she answered")

    def _write(self, call: Mapping[str, Any], words: str) -> None:
        messages = self.client.call("GET", f"/conversations/{self._thread(call)['id']}")["messages"]
        ours = next(message for message in messages if message["direction"] == "outbound")
        self.write(ours["to"], ours["from"], words)

    def _thread(self, call: Mapping[str, Any]) -> dict[str, Any]:
        return next(iter(self.client.every("/conversations", lead_id=call["lead"]["id"])))

    def _cancel(self, call: Mapping[str, Any]) -> None:
        self.client.call("DELETE", f"/bookings/{call['id']}")
        self._say(call["lead"]["id"], "Olga here: your call is cancelled. Just reply if you would like another one.")
        self.cancelled.append(self._thread(call)["contact"]["phone_number"])

    def _move(self, call: Mapping[str, Any]) -> None:
        start = self._free(call["lead"]["id"], datetime.fromisoformat(call["start_time"]) + timedelta(days=1))
        self._moved[call["id"]] = call["start_time"]
        self.client.call("PATCH", f"/bookings/{call['id']}", json={"start_time": start.isoformat()})
        self._say(call["lead"]["id"], f"Olga here: your call is on {local(start):%A %d %B at %H:%M} now.")

    def _say(self, lead_id: str, content: str) -> None:
        self.client.call("POST", "/messages/send", json={"lead_id": lead_id, "content": content})

    def _free(self, lead_id: str, after: datetime) -> datetime:
        """Find the first free time that is at least some hours after an instant."""
        for days in range(_DAYS_SEARCHED):
            day = local(after + timedelta(days=days)).date().isoformat()
            body = {"date": day, "lead_id": lead_id}
            slots = self.client.call("POST", "/bookings/availability", json=body)["slots"]
            later = [at for slot in slots if (at := datetime.fromisoformat(slot["time"])) >= after + _AHEAD]
            if later:
                return later[0]
        raise Conflict("No time is free for a call.")

    def report(self, messages: Sequence[Mapping[str, Any]]) -> Iterable[str]:
        """Count calls, and what was left to a person and why."""
        made = [call for call in self.client.every("/bookings") if call["status"] in ("scheduled", "cancelled")]
        sources = Counter(call["source"] for call in made)
        states = Counter(call["status"] for call in made)
        told = list(self.client.every("/notifications"))
        moved = [call for call in made if call["start_time"] != self._moved.get(call["id"], call["start_time"])]
        reminders = [one for one in messages if one["message_category"] == "booking_reminder" and one["sent_at"]]
        yield ""
        yield "Calls"
        yield f"  {len(made):>5} made"
        yield f"        {sources['ai']:>5} by the AI"
        yield f"        {sources['person']:>5} by people"
        yield f"  {len(moved):>5} moved"
        yield f"  {states['cancelled']:>5} cancelled"
        yield f"  {states['scheduled']:>5} stand"
        yield f"  {len(reminders):>5} reminders sent"
        yield ""
        yield "Left to a person, by reason"
        reasons = Counter(one["data"]["reason"] for one in told if one["kind"] == "person_needed")
        for reason, count in sorted(reasons.items()):
            yield f"  {count:>5} {reason}: {Reason(reason).sentence}"
