"""What happens in the three weeks: a list imported and worked, a pause, people taking over, a worker killed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from domain.kernel import Conflict
from entrypoints.demo.books import Books
from entrypoints.demo.calendar import local, start_of_story, stop_at
from entrypoints.demo.client import Client
from entrypoints.demo.house import House
from entrypoints.demo.proofs import TakenOver

EMAIL, PASSWORD, ORGANIZATION = "olga@bright.example", "correct horse battery staple", "Bright Windows"
# M2 and M3 leave time for the people who answer after two to five days, and lie on both sides of the clock change.
SETTINGS = {"m1_delay_hours": 0, "m2_delay_hours": 120, "m3_delay_hours": 96}
LENGTH = timedelta(weeks=3)
# The start and what comes of it lie a few seconds past the clock's stops: they belong to the same stop.
_SAME_STOP = timedelta(seconds=15)
_LONGEST_PACED = timedelta(hours=4)
_IN_FLIGHT_SECONDS = 10.0
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Moment:
    """Show where the story stands, for whoever watches."""

    at: datetime
    campaign: dict[str, Any]
    texts: int
    replies: int
    opt_outs: int


@dataclass(slots=True)
class Story:
    """Play the story; `tell` gets a sentence whenever something happens, `watch` the counters at every stop."""

    client: Client
    house: House
    books: Books
    tell: Callable[[str], None]
    watch: Callable[[Moment], None]
    dataset_id: str = ""
    imported: dict[str, Any] = field(default_factory=dict)
    taken: list[TakenOver] = field(default_factory=list)
    refused_message: str | None = None
    _now: datetime = datetime(1, 1, 1, tzinfo=UTC)
    _handed_back: list[tuple[str, TakenOver]] = field(default_factory=list)

    def play(self, path: Path) -> None:
        """Import the list, start its campaign and live through three weeks."""
        self.client.set_up(EMAIL, PASSWORD, ORGANIZATION)
        self.dataset_id = self.client.call("POST", "/datasets", json={"name": "Old enquiries"})["id"]
        job = self.client.import_list(self.dataset_id, path)
        self.imported = job["result"]
        counts = self.imported["imported"]
        eligible = counts["successful"] - self.imported["ineligible"]
        self.tell(f"{counts['total_rows']} rows of {path.name} imported: {counts['successful']} leads, "
                  f"{counts['duplicates']} duplicates, {counts['failed']} failed")  # fmt: skip
        started = start_of_story(self.client.clock()[0])
        self.client.set_clock(started)
        rate = max(1, round(eligible / (_LONGEST_PACED.total_seconds() / 60)))
        body = {"dataset_id": self.dataset_id, "settings": {**SETTINGS, "rate_limit_messages_per_minute": rate}}
        self.client.call("POST", "/campaigns/start", json=body)
        self.tell(f"{local(started):%a %d %b %H:%M}  campaign started: {eligible} people, {rate} texts a minute")
        self._settle()
        self._first_day(eligible, rate)
        self._second_day(started)
        self._until(started + timedelta(days=7, hours=2, minutes=59))
        self._hand_back()
        self._until(started + LENGTH)

    def _settle(self) -> None:
        self.client.settle()
        now, due = self.client.clock()
        while due is not None and due <= now + _SAME_STOP:
            self.client.set_clock(now + _SAME_STOP)
            self.client.settle()
            now, due = self.client.clock()
        self._now, self._due = now, due
        self._show()

    _due: datetime | None = None

    def _show(self) -> None:
        campaign = self.client.call("GET", f"/campaigns/{self.dataset_id}")
        replies = self.books.replies()
        stops = len({reply.sender for reply in replies if reply.means_stop})
        self.watch(Moment(self._now, campaign, self.books.count(), len(replies), stops))

    def _step(self, end: datetime) -> bool:
        """Move the clock to the next stop at which something is due, or to the end; tell whether time is left."""
        to = end if self._due is None else min(stop_at(self._due), end)
        if to > self._now:
            self.client.set_clock(to)
        self._settle()
        return self._now < end

    def _until(self, end: datetime) -> None:
        while self._step(end):
            pass

    def _first_day(self, eligible: int, rate: int) -> None:
        """Pause before all is sent and resume an hour before the hours end, so that the rest waits for the morning."""
        noon = self._now.replace(hour=12, minute=59, second=0, microsecond=0)
        while self.books.count() < eligible / 4 and eligible - self.books.count() > 60 * rate and self._now < noon:
            self._step(noon)
        self.client.call("POST", "/campaigns/pause", json={"dataset_id": self.dataset_id})
        sent = self.books.count()
        self.tell(f"{local(self._now):%a %d %b %H:%M}  paused after {sent} texts; somebody forgets to go on")
        evening = local(self._now).replace(hour=18, minute=59, second=0, microsecond=0)
        self._until(evening)
        campaign_texts = self._touched()
        self.client.call("POST", "/campaigns/resume", json={"dataset_id": self.dataset_id})
        self.tell(f"{local(self._now):%a %d %b %H:%M}  resumed; {campaign_texts - sent} campaign texts left meanwhile")
        self._settle()
        self._until(evening.replace(hour=19))
        self._take_over("READY", 2)

    def _touched(self) -> int:
        found = self.client.call("GET", f"/campaigns/{self.dataset_id}")["texts"]
        return sum(row["count"] for row in found if row["state"] == "accepted")

    def _second_day(self, started: datetime) -> None:
        """Kill a worker in the morning's rush, or in the next one, and take some people over after lunch."""
        self._until_rush()
        self._kill_in_flight()
        self._until(started + timedelta(days=1, hours=3, minutes=59))
        self._write_to_some()
        self._take_over("CONTACTED", 3)
        self._write_to_one_who_said_stop()

    def _until_rush(self) -> None:
        """Go to the morning, where the night's rest is planned."""
        tomorrow = local(self._now + timedelta(days=1)).replace(hour=9, minute=59, second=0, microsecond=0)
        self._until(tomorrow)

    def _kill_in_flight(self) -> None:
        """Kill the worker that hands over, in the middle of it; what it left is settled by asking the provider."""
        if self._due is None:
            return
        before, used = self.books.count(), self.house.workers_by_work()
        self.client.set_clock(stop_at(self._due))
        deadline = time.monotonic() + _IN_FLIGHT_SECONDS
        while self.books.count() < before + _AT_ONCE and time.monotonic() < deadline:
            time.sleep(0.002)
        busy = {name: work - used.get(name, 0) for name, work in self.house.workers_by_work().items()}
        victim = max(busy, key=lambda name: busy[name])
        process_id = self.house.kill(victim)
        at_the_kill = self.books.count() - before
        self.tell(f"{local(stop_at(self._due)):%a %d %b %H:%M}  {victim} (process {process_id}) killed with SIGKILL "
                  f"in the rush, {at_the_kill} texts after its start")  # fmt: skip
        began = time.monotonic()
        self._settle()
        self.tell(f"{local(self._now):%a %d %b %H:%M}  settled {time.monotonic() - began:.0f} s after the kill, "
                  f"{self.books.count() - before} texts accepted")  # fmt: skip

    def _leads(self, status: str, count: int) -> list[dict[str, Any]]:
        asked = {"dataset_id": self.dataset_id, "status": status, "manual_mode": "false"}
        return sorted(self.client.every("/leads", **asked), key=lambda lead: lead["contact"]["phone_number"])[:count]

    def _take_over(self, status: str, count: int) -> None:
        leads = self._leads(status, count)
        for lead in leads:
            since = self.client.clock()[0]
            self.client.call("POST", f"/leads/{lead['id']}/manual-mode", json={"enabled": True})
            self._handed_back.append((lead["id"], TakenOver(lead["contact"]["phone_number"], since)))
        if leads:
            self.tell(f"{local(self._now):%a %d %b %H:%M}  a person takes over {len(leads)} leads that are {status}")

    def _hand_back(self) -> None:
        for lead_id, hold in self._handed_back:
            self.taken.append(TakenOver(hold.phone, hold.since, self.client.clock()[0]))
            self.client.call("POST", f"/leads/{lead_id}/manual-mode", json={"enabled": False})
        self.tell(f"{local(self._now):%a %d %b %H:%M}  {len(self._handed_back)} leads handed back to the campaign")

    def _write_to_some(self) -> None:
        leads = self._leads("REPLIED", 3)
        for lead in leads:
            since = self.client.clock()[0]
            name = lead["contact"]["first_name"] or "there"
            content = f"Hi {name}, Olga here, I read your message myself. When may I call you?"
            self.client.call("POST", "/messages/send", json={"lead_id": lead["id"], "content": content})
            self.taken.append(TakenOver(lead["contact"]["phone_number"], since))
        self.tell(f"{local(self._now):%a %d %b %H:%M}  a person answers {len(leads)} leads and keeps the turn")

    def _write_to_one_who_said_stop(self) -> None:
        for lead in self._leads("OPTED_OUT", 1):
            body = {"lead_id": lead["id"], "content": "Just one more thing…"}
            answer = self.client.answer("POST", "/messages/send", json=body)
            if answer.status_code != 409:
                raise Conflict(f"A text to somebody who said STOP was answered {answer.status_code}: {answer.text}")
            error = answer.json()["error"]
            named = {detail["field"]: detail["message"] for detail in error["details"]}
            self.refused_message = named["message_id"]
            self.tell(f"{local(self._now):%a %d %b %H:%M}  a person's text to somebody who said STOP is refused: "
                      f"{error['message']}")  # fmt: skip
