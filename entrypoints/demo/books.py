"""The sandbox provider's own books: what it accepted and what people wrote, read from its files."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Text:
    """Hold one accepted text; `key` is the id of the message that it was."""

    key: str
    to: str
    body: str
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class Reply:
    """Hold one text that somebody wrote; our API has known of it since `answered_at`."""

    sender: str
    body: str
    answered_at: datetime
    means_stop: bool


@dataclass(frozen=True, slots=True)
class Books:
    """Read `<data folder>/sandbox/*.jsonl`, written and synced by the provider before it answers."""

    folder: Path

    def texts(self) -> list[Text]:
        """List the accepted texts in order."""
        return [
            Text(line["key"], line["to"], line["body"], datetime.fromisoformat(line["accepted_at"]))
            for line in self._lines("texts.jsonl")
        ]

    def replies(self) -> list[Reply]:
        """List what people wrote, in the order in which our API answered."""
        return [
            Reply(line["from"], line["body"], datetime.fromisoformat(line["answered_at"]), bool(line["means_stop"]))
            for line in self._lines("replies.jsonl")
        ]

    def count(self) -> int:
        """Count the accepted texts."""
        path = self.folder / "texts.jsonl"
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def size(self) -> int:
        """Tell how many bytes the list of accepted texts has by now."""
        path = self.folder / "texts.jsonl"
        return path.stat().st_size if path.exists() else 0

    def has(self, key: str, since: int) -> bool:
        """Tell whether a text was accepted after the list had so many bytes, without reading what came before."""
        with (self.folder / "texts.jsonl").open("rb") as file:
            file.seek(since)
            return f'"key":"{key}"'.encode() in file.read()

    def answered(self, phone: str, since: int) -> bool:
        """Tell whether somebody was sent anything but a touch after the list had so many bytes."""
        with (self.folder / "texts.jsonl").open("rb") as file:
            file.seek(since)
            lines = file.read().rpartition(b"\n")[0].splitlines()
        to = f'"to":"{phone}"'.encode()
        return any(to in line and not json.loads(line)["body"].startswith("Hi ") for line in lines)

    def _lines(self, name: str) -> Iterator[dict[str, Any]]:
        path = self.folder / name
        if path.exists():
            # The last line may be half written.
            for line in path.read_bytes().rpartition(b"\n")[0].splitlines():
                yield json.loads(line)
