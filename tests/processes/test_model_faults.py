"""A house of processes whose model, PyPI's `llmock`, fails in every way: what goes out is whole, and goes once."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.contracts.aimock_process import GOOD
from tests.contracts.llmock_process import Llmock, llmock
from tests.contracts.test_reply_writer_faults import CALL
from tests.processes.model_desk import Answered, opened_office
from tests.processes.office import wait_for
from tests.processes.test_model import ASKED, HALF_A_MINUTE_LATER
from tests.proofs import Note

HANGS = 60  # longer than the adapter waits
WHOLE = {"type": "reply", "tool_calls": [{"name": "propose_reply", "arguments": CALL}], "times": None}
# Faults of one kind come to one request each; those of other kinds would come to the same request, or instead of it.
WAVES: tuple[tuple[dict[str, Any], ...], ...] = (
    ({"type": "reply", "text": "Sure, I will send them a text!"},),  # the first, as what is said comes in order
    tuple({"type": "fail", "status": status} for status in (429, 500, 503, 529)),
    (
        {"type": "stream_fault", "kind": "disconnect", "after_chunks": 3},
        {"type": "stream_fault", "kind": "truncate", "after_chunks": 3},
        {"type": "stream_fault", "kind": "malformed", "after_chunks": 3},
        {"type": "stream_fault", "kind": "stall", "after_chunks": 3, "stall_seconds": HANGS},
    ),
    ({"type": "tool_fault", "kind": "malformed_arguments"}, {"type": "tool_fault", "kind": "unknown_tool"}),
    ({"type": "slow_first_token", "seconds": HANGS},),
    ({"type": "delay", "seconds": HANGS},),
)


@dataclass(frozen=True)
class FaultyDesk(Answered):
    """Hold the model too."""

    model: Llmock


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyDesk]:
    """Open the house."""
    folder = tmp_path_factory.mktemp("llmock")
    with llmock(folder) as model, opened_office(folder, "llmock", model.url) as there:
        yield FaultyDesk(there.office, there.twilio, model)


def _failing(desk: FaultyDesk, waves: tuple[tuple[dict[str, Any], ...], ...], each: int) -> str:
    """Let a lead write for each fault, and assert that their answers went out whole, once, or not at all."""
    desk.setting(ai_patience_seconds=600)
    faults = [fault for wave in waves for fault in wave]
    phones = desk.office.phones(each * len(faults))
    dataset_id = desk.enter(dict.fromkeys(phones, "doors"))
    desk.write_to(dataset_id)
    desk.office.all_accepted(dataset_id, len(phones), 60)
    waiting = iter(phones)
    desk.model.will(*waves[0] * each, WHOLE)
    for number, wave in enumerate(waves):
        if number:
            desk.model.will_too(*wave * each)
        for _ in wave * each:
            desk.says(next(waiting), ASKED)
        wait_for(lambda: desk.model.pending() == 1, 120, "every fault has come to somebody", 0.1)

    def ended() -> bool:
        desk.office.ask(HALF_A_MINUTE_LATER)
        threads = desk.threads(phones)
        return len(threads) == len(phones) and not any(thread.waits for thread in threads.values())

    wait_for(ended, 180, "everybody's answer has its end", 0.5)
    threads = desk.settled(phones, 60).values()
    ends = Counter((tuple(thread.said), thread.attention) for thread in threads)
    answered = ends.pop(((GOOD,), None), 0)
    assert ends.keys() <= {((), "failed_twice")}
    assert answered >= len(phones) // 2
    people = len(phones) - answered
    return (
        f"Anthropic's adapter in worker processes, `llmock` failing in {len(faults)} ways, x{each} (refused, cut off,"
        f" ended early, garbled, stalled amid the stream; hung before it; other or broken tool calls; prose):"
        f" {answered} of {len(phones)} answers went out whole once it was well, {people} went to people, failed twice;"
        " 0 parts of an answer out, 0 lost, 0 twice"
    )


def test_no_answer_goes_out_in_part_when_the_model_fails(desk: FaultyDesk) -> None:
    print(_failing(desk, (WAVES[0], *WAVES[2:4]), 1))


@pytest.mark.prove
def test_no_answer_goes_out_in_part_however_the_model_fails(desk: FaultyDesk, proved: Note) -> None:
    proved(10, _failing(desk, WAVES, 3))
