"""What a person at a desk does in the demo: a list imported, leads taken over and answered, and one text too many."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domain.kernel import Conflict
from entrypoints.demo.calls import Calls
from entrypoints.demo.client import Client
from entrypoints.demo.proofs import TakenOver


@dataclass(slots=True)
class Desk:
    """Work as a sales person does; `tell` gets what is done, `settle` waits until the house is at rest.

    `write` lets somebody text us: from a number, to one of ours, these words.
    """

    client: Client
    tell: Callable[[str], None]
    settle: Callable[[], None]
    write: Callable[[str, str, str], None]
    dataset_id: str = ""
    imported: dict[str, Any] = field(default_factory=dict)
    refused_message: str | None = None
    calls: Calls = field(init=False)
    _kept: list[TakenOver] = field(default_factory=list)
    _held: list[tuple[str, TakenOver]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.calls = Calls(self.client, self.tell, self.settle, self.write)

    @property
    def eligible(self) -> int:
        """Tell how many of the list can be texted."""
        return int(self.imported["imported"]["successful"] - self.imported["ineligible"])

    @property
    def taken(self) -> list[TakenOver]:
        """List which conversations a person held, and when."""
        return [*self._kept, *(hold for _, hold in self._held)]

    def import_list(self, path: Path) -> str:
        """Import a list of old enquiries; gives what came of it in a sentence."""
        self.dataset_id = self.client.call("POST", "/datasets", json={"name": "Old enquiries"})["id"]
        self.imported = self.client.import_list(self.dataset_id, path)["result"]
        counts = self.imported["imported"]
        return (
            f"{counts['total_rows']} rows of {path.name} imported: {counts['successful']} leads,"
            f" {counts['duplicates']} duplicates, {counts['failed']} failed"
        )

    def leads(self, status: str, count: int) -> list[dict[str, Any]]:
        """List some that have a status and that no person holds, always the same."""
        asked = {"dataset_id": self.dataset_id, "status": status, "manual_mode": "false"}
        return sorted(self.client.every("/leads", **asked), key=lambda lead: str(lead["contact"]["phone_number"]))[
            :count
        ]

    def take_over(self, status: str, count: int) -> None:
        """Take the turn in some conversations."""
        leads = self.leads(status, count)
        for lead in leads:
            since = self.client.clock()[0]
            self.client.call("POST", f"/leads/{lead['id']}/manual-mode", json={"enabled": True})
            self._held.append((lead["id"], TakenOver(lead["contact"]["phone_number"], since)))
        if leads:
            self.tell(f"a person takes over {len(leads)} leads that are {status}")

    def hand_back(self) -> None:
        """Give the turn back in all of these."""
        for lead_id, hold in self._held:
            self._kept.append(TakenOver(hold.phone, hold.since, self.client.clock()[0]))
            self.client.call("POST", f"/leads/{lead_id}/manual-mode", json={"enabled": False})
        self.tell(f"{len(self._held)} leads are handed back to the campaign")
        self._held.clear()
        self.settle()

    def answer(self, leads: Sequence[Mapping[str, Any]]) -> None:
        """Answer some, keep the turn, and book a call with the last of them."""
        for lead in leads:
            since = self.client.clock()[0]
            name = lead["contact"]["first_name"] or "there"
            content = f"Hi {name}, Olga here, a person. Thank you for your message, I will see to it myself."
            self.client.call("POST", "/messages/send", json={"lead_id": lead["id"], "content": content})
            self._kept.append(TakenOver(lead["contact"]["phone_number"], since))
        self.tell(f"a person answers {len(leads)} leads and keeps the turn")
        for lead in leads[-1:]:
            self.calls.book(lead, self.client.clock()[0])

    def write_to_one_who_said_stop(self) -> None:
        """Try a text too many; raises `Conflict` unless it is refused."""
        for lead in self.leads("OPTED_OUT", 1):
            body = {"lead_id": lead["id"], "content": "Just one more thing…"}
            answer = self.client.answer("POST", "/messages/send", json=body)
            if answer.status_code != 409:
                raise Conflict(f"A text to somebody who said STOP was answered {answer.status_code}: {answer.text}")
            error = answer.json()["error"]
            self.refused_message = {detail["field"]: detail["message"] for detail in error["details"]}["message_id"]
            self.tell(f"a person's text to somebody who said STOP is refused: {error['message']}")
