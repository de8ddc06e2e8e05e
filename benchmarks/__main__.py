"""`python -m benchmarks`: measure, say what is reached, and on request write it down."""

import argparse
import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks import (
    s1_list,
    s2_scale,
    s3_search,
    s4_webhook,
    s5_writes,
    s6_import,
    s7_campaign,
    s8_sweeps,
    s9_delivery,
    s10_replies,
    s11_start,
    s12_tenants,
    s13_figures,
)
from benchmarks.figures import Figure, as_markdown, as_text, machine
from benchmarks.worlds import Worlds


def _imports(worlds: Worlds) -> Iterable[Figure]:
    """Import into a database of its own: what lies in the others is none of its cost."""
    return asyncio.run(s6_import.measure(worlds.installation.beside("imports"), worlds.leads, worlds.rounds))


Measure = Callable[[Worlds], Iterable[Figure]]
# What only reads comes before what writes into the same data set.
MEASURES: dict[str, Measure] = {
    "s1": s1_list.measure,
    "s2": s2_scale.measure,
    "s3": s3_search.measure,
    "s8": s8_sweeps.measure,
    "s4": s4_webhook.measure,
    "s5": s5_writes.measure,
    "s6": _imports,
    "s7": s7_campaign.measure,
    "s9": s9_delivery.measure,
    "s10": s10_replies.measure,
    "s11": s11_start.measure,
    "s12": s12_tenants.measure,
    "s13": s13_figures.measure,
}
DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"
_MARK = "<!-- figures -->\n"


def run(names: list[str], *, leads: int, rounds: int, requests: int) -> list[Figure]:
    """Run measures one after the other; each tells what it found as it goes."""
    found: list[Figure] = []
    with Worlds(leads=leads, rounds=rounds, requests=requests) as worlds:
        for name in names:
            for figure in MEASURES[name](worlds):
                found.append(figure)
                print("  ".join(figure.cells), flush=True)
    return found


def write(figures: list[Figure], setting: str) -> None:
    """Put the figures into the document, below its text."""
    text = DOCUMENT.read_text().partition(_MARK)[0]
    DOCUMENT.write_text(f"{text}{_MARK}\n{setting}\n\n{as_markdown(figures)}\n")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", help=f"some of {','.join(MEASURES)}, separated by commas")
    parser.add_argument("--leads", type=int, default=100_000, help="rows of the large data set (goals: 1000000)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=2000, help="requests of one run of a round")
    parser.add_argument("--write", action="store_true", help=f"write the table into docs/{DOCUMENT.name}")
    given = parser.parse_args()
    names = given.only.lower().split(",") if given.only else list(MEASURES)
    if unknown := set(names) - set(MEASURES):
        parser.error(f"there is no measure {', '.join(sorted(unknown))}")
    if given.leads < 2000 or given.rounds < 1:
        parser.error("at least 2,000 leads and one round")
    began = time.monotonic()
    figures = run(names, leads=given.leads, rounds=given.rounds, requests=given.requests)
    setting = (
        f"{given.leads:,} leads, medians of {given.rounds} interleaved rounds of {given.requests:,} requests over 16 "
        f"connections, measured in {time.monotonic() - began:.0f} s on {machine()}."
    )
    print(f"\n{as_text(figures)}\n\n{setting}")
    if given.write:
        write(figures, setting)


if __name__ == "__main__":
    main()
