"""Figures tell truly whether a goal is reached."""

import pytest

from benchmarks.figures import Figure, as_markdown, as_text, median_ratio
from benchmarks.load import content_length


@pytest.mark.parametrize(
    ("ratio", "at_least", "at_most", "reached"),
    [
        (0.75, 0.75, None, True),
        (0.749, 0.75, None, False),
        (1.2, None, 1.2, True),
        (1.21, None, 1.2, False),
        (0.5, 0.4, 0.45, False),
        (9.0, None, None, True),
    ],
)
def test_a_goal_is_reached_at_its_border(
    ratio: float, at_least: float | None, at_most: float | None, reached: bool
) -> None:
    assert Figure("m", "1", "1", ratio, at_least, at_most).reached is reached


def test_a_ratio_is_taken_round_by_round() -> None:
    # The machine was three times slower in the second round, for both: the ratio of the medians would be 1.5.
    assert median_ratio([90.0, 30.0, 90.0], [60.0, 60.0, 180.0]) == 0.5


def test_tables_show_the_verdict() -> None:
    figures = [Figure("list", "10/s", "20/s", 0.5, at_least=0.75), Figure("depth", "1 ms", "1 ms", 1.0, at_most=1.1)]
    text = as_text(figures).splitlines()
    assert [line.split()[-1] for line in text] == ["verdict", "missed", "reached"]
    assert "| list | 10/s | 20/s | 0.50 | ≥ 0.75 | missed |" in as_markdown(figures)


def test_only_a_good_answer_counts() -> None:
    assert content_length(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12") == 12
    with pytest.raises(ValueError, match="429"):
        content_length(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 12")
    with pytest.raises(ValueError, match="length"):
        content_length(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked")
