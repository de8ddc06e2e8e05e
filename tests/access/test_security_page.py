"""The page that says what is proved names tests that are there."""

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = (CHECKOUT / "docs" / "security.md").read_text()
NAMED = re.findall(r"^\| ([\d., ]+) \|.*\| `([\w/.]+)::(\w+)` \|$", PAGE, re.MULTILINE)


def is_there(file: str, name: str) -> bool:
    """Tell whether a file defines a test of this name."""
    return f"def {name}(" in (CHECKOUT / file).read_text()


@pytest.mark.parametrize(("identifiers", "file", "name"), NAMED, ids=[f"{row[0]} {row[2]}" for row in NAMED])
def test_each_line_of_the_page_names_a_test_that_is_there(identifiers: str, file: str, name: str) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+(, \d+\.\d+\.\d+)*", identifiers)
    assert is_there(file, name)


def test_a_test_that_is_not_there_is_seen() -> None:
    file = str(Path(__file__).relative_to(CHECKOUT))
    assert is_there(file, "test_every_line_was_read")
    assert not is_there(file, "test_that_nobody" + "_wrote")


def test_every_line_was_read() -> None:
    assert len(NAMED) == PAGE.count("`tests/") - 3
