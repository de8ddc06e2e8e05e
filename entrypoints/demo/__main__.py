"""Import a list of old enquiries, work it for three weeks, and prove what was promised."""

import argparse
import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from rich.console import Console

from domain.kernel import Refusal
from entrypoints.config import CHECKOUT
from entrypoints.demo.books import Books
from entrypoints.demo.calendar import ZONE
from entrypoints.demo.client import Client
from entrypoints.demo.day_people import DayPeople
from entrypoints.demo.house import House, free_port
from entrypoints.demo.proofs import (
    LEGEND,
    Proof,
    accepted_exactly_once,
    nothing_after_stop,
    nothing_outside_hours,
    nothing_while_held,
)
from entrypoints.demo.report import report
from entrypoints.demo.screen import Screen
from entrypoints.demo.story import EMAIL, PASSWORD, Story
from entrypoints.demo.twilio_emulator import TwilioEmulator
from entrypoints.demo.twilio_story import LEGEND as TWILIO_LEGEND
from entrypoints.demo.twilio_story import TwilioStory

_LIST = CHECKOUT / "features" / "data" / "old-enquiries-uk-600.csv"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="rapport demo", description=__doc__)
    parser.add_argument(
        "--seed", default="rapport", help="decides what the simulated people do, and so what becomes of whom"
    )
    parser.add_argument("--keep", action="store_true", help="leave everything running and say where")
    parser.add_argument("--workers", type=int, default=2, choices=range(2, 17), metavar="2…16")
    parser.add_argument("--port", type=int, help="the API's port; default any that is free")
    parser.add_argument(
        "--provider",
        choices=("sandbox", "twilio-emulator"),
        default="sandbox",
        help="who carries the texts: the sandbox, through three weeks, or npm's emulator of Twilio, for a day",
    )
    parser.add_argument("--csv", type=Path, default=_LIST, help="the list to import")
    options = parser.parse_args()
    if options.keep and options.provider != "sandbox":
        parser.error("What --provider twilio-emulator starts cannot be kept: the emulator ends with the demo.")
    if not options.csv.is_file():
        parser.error(f"There is no file {options.csv}.")
    return options


def prove(story: Story) -> list[Proof]:
    """Count the four promises over all that happened."""
    texts, replies = story.books.texts(), story.books.replies()
    messages = list(story.client.every("/messages", direction="outbound"))
    categories = {message["id"]: message["message_category"] for message in messages}
    return [
        accepted_exactly_once(texts, messages),
        nothing_after_stop(texts, replies, categories),
        nothing_outside_hours(texts, categories, ZONE),
        nothing_while_held(texts, categories, story.desk.taken),
    ]


def _run(options: argparse.Namespace, screen: Screen) -> bool:
    began = time.monotonic()
    with House(options.seed, options.workers, options.port, keep=options.keep) as house:
        screen.tell(
            f"rapport up with {options.workers} workers is ready at {house.url} ({time.monotonic() - began:.1f} s)"
        )
        client = Client(house.url)
        story = Story(client, house, Books(house.folder / "sandbox"), screen.tell, screen.watch)
        with screen:
            story.play(options.csv)
        told = report(story.desk, list(client.every("/messages")), story.books.replies())
        for line in (*told, *story.coaching.report()):
            screen.line(line)
        proofs = prove(story)
        client.close()
        for line in (*LEGEND, *map(str, proofs)):
            screen.line(line)
        if options.keep:
            screen.line("")
            screen.line(f"docs  {house.url}/api/v1/docs")
            screen.line(f"login {EMAIL} / {PASSWORD}")
            screen.line(f"stop  kill {house.process_id}; rm -r {house.folder}")
    screen.line(f"took {time.monotonic() - began:.0f} s")
    return all(proof.holds for proof in proofs)


def _run_by_twilio(options: argparse.Namespace, screen: Screen) -> bool:
    began = time.monotonic()
    port = options.port or free_port()
    with TemporaryDirectory(prefix="rapport-emulate-") as folder:
        twilio = TwilioEmulator(Path(folder), f"http://127.0.0.1:{port}/api/v1/webhooks/twilio/sms")
        twilio.start()
        try:
            house = House(
                options.seed, options.workers, port, keep=False, settings={"RAPPORT_TWILIO_API_URL": twilio.url}
            )
            with house:
                screen.tell(f"rapport up and npm's emulate as Twilio are ready ({time.monotonic() - began:.1f} s)")
                client = Client(house.url)
                story = TwilioStory(client, house, twilio, DayPeople(options.seed), screen.tell)
                story.play(options.csv)
                proofs = story.prove()
                for line in (*story.report(), *TWILIO_LEGEND, *map(str, proofs)):
                    screen.line(line)
                client.close()
        finally:
            twilio.close()
    screen.line(f"took {time.monotonic() - began:.0f} s")
    return all(proof.holds for proof in proofs)


def _interrupted(number: int, _frame: object) -> None:
    raise KeyboardInterrupt(number)


def main() -> None:
    """Run the demo; the exit status is 0 when every proof holds."""
    options = _options()
    signal.signal(signal.SIGTERM, _interrupted)
    screen = Screen(Console())
    try:
        run = _run if options.provider == "sandbox" else _run_by_twilio
        sys.exit(0 if run(options, screen) else 1)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        sys.exit(1)
    except httpx.HTTPError as error:
        sys.stderr.write(f"The house does not answer any more ({type(error).__name__}).\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
