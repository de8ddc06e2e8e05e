"""What happens in the three weeks: a list imported and worked, a pause, people taking over, a worker killed."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from entrypoints.demo.books import Books
from entrypoints.demo.calendar import local, start_of_story, stop_at
from entrypoints.demo.client import Client
from entrypoints.demo.coaching import Coaching
from entrypoints.demo.desk import Desk

EMAIL, PASSWORD, ORGANIZATION = "olga@bright.example", "correct horse battery staple", "Bright Windows"
# M2 and M3 leave time for the people who answer after two to five days, and lie on both sides of the clock change.
# An answer belongs to the stop at which the text arrives that it answers.
SETTINGS = {"m1_delay_hours": 0, "m2_delay_hours": 120, "m3_delay_hours": 96, "ai_response_delay_seconds": 10}
LENGTH = timedelta(weeks=3)
# The start and what comes of it lie a few seconds past the clock's stops: they belong to the same stop.
_SAME_STOP = timedelta(seconds=15)
_A_MINUTE = 1
_RUSH = 16
_UNDER_WAY = 8
_DAYS_WAITED = 8
_RUSH_SECONDS = 10.0


class Workers(Protocol):
    """Be a house whose workers can be told apart and killed, however its parts are run."""

    def work_of_workers(self) -> dict[str, float]:
        """Tell how much processor time, in seconds, each worker has used, by its name."""
        ...

    def kill(self, name: str) -> int:
        """Kill a part with SIGKILL; tell the process id that it had."""
        ...


def kill_the_busiest(house: Workers, used: Mapping[str, float]) -> str:
    """Kill the worker that did most since it was told what each had used; gives its name and process."""
    work = {name: seconds - used.get(name, 0) for name, seconds in house.work_of_workers().items()}
    victim = max(work, key=lambda name: work[name])
    return f"{victim} (process {house.kill(victim)})"


@dataclass(frozen=True, slots=True)
class Moment:
    """Show where the story stands, for whoever watches."""

    at: datetime
    campaign: dict[str, Any]
    replies: int
    opt_outs: int


@dataclass(slots=True)
class Story:
    """Play the story; `tell` gets a sentence whenever something happens, `watch` the counters at every stop."""

    client: Client
    house: Workers
    books: Books
    tell: Callable[[str], None]
    watch: Callable[[Moment], None]
    campaign: dict[str, Any] = field(default_factory=dict)
    _now: datetime = datetime(1, 1, 1, tzinfo=UTC)
    _due: datetime | None = None
    _kill_from: datetime | None = None
    coaching: Coaching = field(init=False)
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.coaching = Coaching(self.client, self._note)
        self.desk = Desk(self.client, self._note, self._settle, self._write)

    def play(self, path: Path) -> None:
        """Import the list, start its campaign and live through three weeks."""
        self.client.set_up(EMAIL, PASSWORD, ORGANIZATION)
        self.tell(self.desk.import_list(path))
        start = start_of_story(self.client.clock()[0])
        self._begin(start, self.desk.eligible)
        self._pause_until_night(start)
        self._kill_from = local(start + timedelta(days=1)).replace(hour=10, minute=0)
        self._until(start + timedelta(days=1, hours=3, minutes=59))
        self.desk.answer(self.desk.leads("REPLIED", 3))
        self.desk.take_over("CONTACTED", 3)
        self.desk.write_to_one_who_said_stop()
        self._settle()
        self._until(start + timedelta(days=4, hours=6, minutes=59))
        self.coaching.teach()
        self._until(start + timedelta(days=7, hours=2, minutes=59))
        self.desk.hand_back()
        self._change_calls(start + timedelta(days=7, hours=2, minutes=59))
        self._until(start + LENGTH)

    def _begin(self, start: datetime, eligible: int) -> None:
        self.client.set_clock(start)
        settings = {**SETTINGS, "rate_limit_messages_per_minute": _A_MINUTE}
        self.client.call("POST", "/campaigns/start", json={"dataset_id": self.desk.dataset_id, "settings": settings})
        self._now = start
        self._note(f"the campaign starts: {eligible} people, {_A_MINUTE} text a minute")
        self._settle()
        while self._accepted() < eligible / 4 and eligible - self._accepted() > 60 * _A_MINUTE:
            self._step(start + timedelta(hours=9))

    def _pause_until_night(self, start: datetime) -> None:
        """Pause before all is sent, and resume when it is night, so that the rest must wait for the morning."""
        self.client.call("POST", "/campaigns/pause", json={"dataset_id": self.desk.dataset_id})
        before = self._accepted()
        self._note(f"paused after {before} texts")
        self.desk.take_over("READY", 2)
        self._until(start + timedelta(hours=11, minutes=59))
        self.client.call("POST", "/campaigns/resume", json={"dataset_id": self.desk.dataset_id})
        self._settle()
        self._note(f"resumed at night; {self._accepted() - before} campaign texts left meanwhile")

    def _note(self, sentence: str) -> None:
        self.tell(f"{local(self._now):%a %d %b %H:%M}  {sentence}")

    def _accepted(self) -> int:
        return sum(row["count"] for row in self.campaign["texts"] if row["state"] == "accepted")

    def _until(self, end: datetime) -> None:
        while self._step(end):
            pass

    def _step(self, end: datetime) -> bool:
        """Move the clock to the next stop at which something is due, or to the end; tell whether time is left."""
        to = end if self._due is None else min(stop_at(self._due), end)
        if self._kill_from is not None and to >= self._kill_from and self._is_rush():
            self._kill_in_the_rush(to)
        elif to > self._now:
            self.client.set_clock(to)
        self._settle()
        return self._now < end

    def _settle(self) -> None:
        self.client.settle()
        self._now, self._due = self.client.clock()
        while self._due is not None and self._due <= self._now + _SAME_STOP:
            self.client.set_clock(self._now + _SAME_STOP)
            self.client.settle()
            self._now, self._due = self.client.clock()
        self.campaign = self.client.call("GET", f"/campaigns/{self.desk.dataset_id}")
        replies = self.books.replies()
        opt_outs = len({reply.sender for reply in replies if reply.means_stop})
        self.watch(Moment(self._now, self.campaign, len(replies), opt_outs))

    def _is_rush(self) -> bool:
        planned = [row["count"] for row in self.campaign["texts"] if row["state"] == "planned"]
        return bool(sum(planned) >= _RUSH)

    def _kill_in_the_rush(self, to: datetime) -> None:
        """Move the clock, and kill the worker that hands over in the middle of it."""
        before, used = self.books.count(), self.house.work_of_workers()
        self.client.set_clock(to)
        deadline = time.monotonic() + _RUSH_SECONDS
        while self.books.count() < before + _UNDER_WAY:
            if time.monotonic() > deadline:
                return
            time.sleep(0.002)
        killed = kill_the_busiest(self.house, used)
        self._kill_from = None
        self._now = to
        self._note(f"{killed} is killed while it hands over")
        killed_at = time.monotonic()
        self.client.settle()
        self._note(f"settled {time.monotonic() - killed_at:.0f} s later: what it left was asked about, then sent")

    def _change_calls(self, at: datetime) -> None:
        """Let people want their calls off or moved, as soon as enough have one to come."""
        for days in range(_DAYS_WAITED):
            self._until(at + timedelta(days=days))
            if self.desk.calls.change_some(self._now):
                return

    def _write(self, sender: str, to: str, words: str) -> None:
        self.client.call("POST", "/sandbox/texts/inbound", json={"from": sender, "to": to, "body": words})
