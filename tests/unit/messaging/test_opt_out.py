"""Promise 2: every STOP is understood, and nothing else is.

The corpus holds 451 wordings written before or with the rules, and sets that were read once before any tuning:
`hold-out` (80: keywords 14 of 14, sentences 33 of 36, false alarms 0 of 30), `second-hold-out` (99 revoking, 74 right;
60 others, one false alarm), `others` (40 replies that two text services published: 36 right), and two sets whose
writer never saw the rules: `third-hold-out` (English 81 of 120, Spanish 23 of 25, Polish 20 of 25; 6 false alarms in
120), after which the loose rules of `pleas` came, and `fourth-hold-out` (129 of 150; 3 false alarms in 150). 86 % is
the honest figure for plain English that nobody has seen, short of the 98 % promised; most misses were mended
afterwards, so these sets guard the rules and measure them no longer. Any reply at all ends a lead's touches.
"""

import csv
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.messaging.opt_out import read

with (Path(__file__).parent / "opt_out_corpus.tsv").open(encoding="utf-8") as lines:
    CORPUS = [
        {**row, "text": row["text"].replace("\\n", "\n")}
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    ]


def wrong(rows: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(row["text"], read(row["text"]).kind) for row in rows if read(row["text"]).kind != row["expected"]]


def test_the_corpus_is_large_enough() -> None:
    assert len(CORPUS) >= 300
    assert len([row for row in CORPUS if row["set"] == "hold-out"]) >= 60
    assert {row["language"] for row in CORPUS if row["form"] == "sentence"} == {"en", "es", "pl"}


def test_every_keyword_is_understood() -> None:
    keywords = [row for row in CORPUS if row["form"] == "keyword"]
    assert len(keywords) >= 100
    assert wrong(keywords) == []


def test_plain_sentences_are_understood_98_in_100() -> None:
    sentences = [row for row in CORPUS if row["form"] == "sentence"]
    misses = wrong(sentences)
    assert len(misses) <= 0.02 * len(sentences), misses


def test_false_alarms_are_at_most_2_in_100() -> None:
    others = [row for row in CORPUS if row["form"] == "none"]
    alarms = wrong(others)
    assert len(alarms) <= 0.02 * len(others), alarms


def test_the_language_is_told() -> None:
    stops = [row for row in CORPUS if row["form"] == "sentence" and read(row["text"]).kind == "stop"]
    assert [row["text"] for row in stops if read(row["text"]).language != row["language"]] == []


SPELLINGS = ("STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT")


@given(
    st.sampled_from(SPELLINGS),
    st.sampled_from(["", " ", ".", "-", " . ", "_", "\u200b"]),
    st.sampled_from(["", "!", "...", " 🛑", "\n", " please", " thanks", "?!"]),
    st.booleans(),
    st.integers(1, 4),
)
def test_keywords_in_any_spelling(word: str, between: str, after: str, small: bool, last: int) -> None:
    written = between.join(word) + word[-1] * (last - 1)
    reading = read((written.lower() if small else written) + after)
    assert (reading.kind, reading.certainty) == ("stop", "keyword")


@given(st.sampled_from(SPELLINGS))
def test_full_width_keywords(word: str) -> None:
    assert read("".join(chr(ord(letter) + 0xFEE0) for letter in word)).kind == "stop"


@pytest.mark.parametrize("text", ["", "   ", "\n", "👍", "...", "\u200b", "1"])
def test_nothing_said_is_nothing_read(text: str) -> None:
    assert read(text).kind == "none"


def test_stop_outweighs_start_and_help() -> None:
    assert read("START. No, please stop texting me").kind == "stop"
    assert read("HELP! Stop texting me").kind == "stop"


def test_wording_is_what_was_said() -> None:
    reading = read("Hello. Please take me off your list, thanks")
    assert reading.wording == "please take me off your list"
    assert reading.certainty == "sentence"


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
