"""What the demo shows while it runs: live counters on a terminal, plain lines elsewhere."""

import sys
from collections import Counter
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from entrypoints.demo.calendar import local
from entrypoints.demo.story import Moment


class Screen:
    """Show sentences as they come, and counters: on a terminal in place, elsewhere once a day of business time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._day = ""

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=8)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def tell(self, sentence: str) -> None:
        """Show that something happened."""
        if self._console.is_terminal:
            self._console.print(sentence, highlight=False, soft_wrap=True)
        else:
            self.line(sentence)

    def line(self, text: str) -> None:
        """Write a line as it is: programs read these, so nothing is wrapped."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def watch(self, moment: Moment) -> None:
        """Show the counters."""
        at = local(moment.at)
        sent: Counter[str] = Counter()
        delayed = 0
        for row in moment.campaign["texts"]:
            if row["state"] == "accepted":
                sent[row["touch"]] += row["count"]
            delayed += row["count"] if row["delayed_by"] else 0
        counters = {
            "M1": sent["M1"],
            "M2": sent["M2"],
            "M3": sent["M3"],
            "replies": moment.replies,
            "opt-outs": moment.opt_outs,
            "delayed": delayed,
            "to come": moment.campaign["messages_queued"],
        }
        if self._live is not None:
            table = Table(title=f"{at:%A %d %B %H:%M %Z}, campaign {moment.campaign['status']}")
            for name in counters:
                table.add_column(name, justify="right")
            table.add_row(*(str(value) for value in counters.values()))
            self._live.update(table)
        elif f"{at:%j}" != self._day:
            self._day = f"{at:%j}"
            shown = "  ".join(f"{name} {value}" for name, value in counters.items())
            self.line(f"{at:%a %d %b %H:%M}  {shown}")
