"""The page that says what is proved names tests that are there."""

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = (CHECKOUT / "docs" / "security.md").read_text()
NAMED = re.findall(r"^\| ([\d., ]+) \|.*\| `([\w/.]+)::(\w+)` \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("identifiers", "file", "name"), NAMED, ids=[f"{row[0]} {row[2]}" for row in NAMED])
def test_each_line_of_the_page_names_a_test_that_is_there(identifiers: str, file: str, name: str) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+(, \d+\.\d+\.\d+)*", identifiers)
    assert f"def {name}(" in (CHECKOUT / file).read_text()


def test_every_line_was_read() -> None:
    assert len(NAMED) == PAGE.count("`tests/") - 3
