"""Promise 2: every STOP is understood, and nothing else is.

`tests/wordings/held_out.tsv` is 300 opt-outs and 300 other answers as a firm's inbox holds them, by a writer who never
saw the rules; nothing was learned from it. Two sets held out before it missed
the promise (decision 0017). Read for the first time it gave 295 of 300 and 3 false alarms (58 opt-outs
stand word for word in learned sets too; of the other 242 it gave 237). What was missed stays missed, so that the figure
stays honest. Each learned set, left out, was read with 95 to 99.6 % understood and 1.6 to 3.7 % false alarms: the
hardest of them (`second_hand`) is made of artful pleas and of answers full of tempting words.
"""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.messaging.opt_out import read
from domain.messaging.pleas import written
from tests.wordings.learn import CALLS, HELD_OUT, WEIGHTS, first_wordings, learn, learned, wordings

FIRST = first_wordings()
HELD = wordings(HELD_OUT)


def wrong(rows: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(row["text"], read(row["text"]).kind) for row in rows if read(row["text"]).kind != row["expected"]]


def test_every_keyword_is_understood() -> None:
    keywords = [row for row in FIRST if row["form"] == "keyword"]
    assert len(keywords) >= 100
    assert wrong(keywords) == []


def test_pleas_are_understood_98_in_100() -> None:
    pleas = [text for pleads, text in HELD if pleads]
    missed = [text for text in pleas if read(text).kind != "stop"]
    assert len(pleas) == 300
    assert len(missed) <= 0.02 * len(pleas), missed


def test_pleas_in_words_never_read_before_are_understood_97_in_100() -> None:
    known = {text.casefold() for _, text in learned()}
    unseen = [text for pleads, text in HELD if pleads and text.casefold() not in known]
    missed = [text for text in unseen if read(text).kind != "stop"]
    assert len(unseen) >= 200
    assert len(missed) <= 0.03 * len(unseen), missed


def test_false_alarms_are_at_most_2_in_100() -> None:
    others = [text for pleads, text in HELD if not pleads]
    alarms = [text for text in others if read(text).kind == "stop"]
    assert len(others) == 300
    assert len(alarms) <= 0.02 * len(others), alarms


def test_the_first_wordings_are_understood_98_in_100() -> None:
    misses = wrong([row for row in FIRST if row["form"] != "keyword"])
    assert len(misses) <= 0.02 * len(FIRST), misses


def test_a_call_that_is_to_be_taken_off_is_no_wish_to_be_left_alone() -> None:
    stated = [(text, "stop" if pleads else "none") for pleads, text in wordings(CALLS)]
    assert len(stated) >= 60
    assert [(text, read(text).kind) for text, _ in stated] == stated


@pytest.mark.prove
def test_the_weights_follow_from_the_wordings() -> None:
    assert written(*learn(learned())) == WEIGHTS.read_text()


SPELLINGS = ("STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT")


@given(
    st.sampled_from(SPELLINGS),
    st.sampled_from(["", " ", ".", "-", " . ", "_", "\u200b"]),
    st.sampled_from(["", "!", "...", " 🛑", "\n", " please", " thanks", "?!"]),
    st.booleans(),
    st.integers(1, 4),
)
def test_keywords_in_any_spelling(word: str, between: str, after: str, small: bool, last: int) -> None:
    written_so = between.join(word) + word[-1] * (last - 1)
    reading = read((written_so.lower() if small else written_so) + after)
    assert (reading.kind, reading.certainty) == ("stop", "keyword")


@given(st.sampled_from(SPELLINGS))
def test_full_width_keywords(word: str) -> None:
    assert read("".join(chr(ord(letter) + 0xFEE0) for letter in word)).kind == "stop"


@pytest.mark.parametrize("text", ["", "   ", "\n", "👍", "...", "\u200b", "1", "ok", "да", "好", "x" * 5_000, "asdfgh"])
def test_nothing_said_is_nothing_read(text: str) -> None:
    assert read(text).kind == "none"


def test_stop_outweighs_start_and_help() -> None:
    assert read("START. No, please stop texting me").kind == "stop"
    assert read("HELP! Stop texting me").kind == "stop"


def test_who_wants_more_texts_does_not_plead() -> None:
    assert read("Please don't stop sending these, I like the tips").kind == "none"


@given(st.text(max_size=400))
def test_any_text_is_read(text: str) -> None:
    assert read(text).kind in {"stop", "start", "help", "none"}


@pytest.mark.parametrize(
    "text", ["stop " * 5_000, "please " * 5_000, "no me " * 5_000, "a " * 50_000, "i want " * 9_000]
)
def test_endless_texts_cost_little(text: str) -> None:
    began = time.perf_counter()
    read(text)
    assert time.perf_counter() - began < 0.5
