"""The steps of the database are one line: each has a number of its own, its file's, and follows the number before."""

import re
import shutil
from pathlib import Path

import pytest

from tests.architecture.sources import CHECKOUT

VERSIONS = CHECKOUT / "adapters" / "persistence" / "migrations" / "versions"
_SAID = re.compile(r"^(?:revision|down_revision)\b.* = (.+)$", re.MULTILINE)


def _leaves_the_line(versions: Path) -> str | None:
    """Name the first step that is not the next of the line."""
    before = "None"
    steps = sorted(path for path in versions.glob("*.py") if path.stem != "__init__")
    for number, path in enumerate(steps, 1):
        next_one = f'"{number:04}"'
        if not path.name.startswith(f"{number:04}_") or _SAID.findall(path.read_text()) != [next_one, before]:
            return path.name
        before = next_one
    return None


def test_each_step_follows_the_one_before_it() -> None:
    assert _leaves_the_line(VERSIONS) is None


@pytest.mark.parametrize(
    ("name", "revision", "follows"),
    [
        ("{last}_zz_with_a_taken_number", "{last}", "{before}"),
        ("{next}_beside_the_last", "{next}", "{before}"),
        ("{next}_that_says_a_taken_number", "{last}", "{last}"),
        ("{after}_past_a_number", "{after}", "{last}"),
        ("z_without_a_number", "{next}", "{last}"),
    ],
)
def test_a_step_beside_the_line_is_seen(tmp_path: Path, name: str, revision: str, follows: str) -> None:
    shutil.copytree(VERSIONS, tmp_path, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    last = len(list(tmp_path.glob("0*.py")))
    numbers = {word: f"{last + ahead:04}" for word, ahead in {"before": -1, "last": 0, "next": 1, "after": 2}.items()}
    planted = tmp_path / f"{name.format(**numbers)}.py"
    planted.write_text(f'revision = "{revision}"\ndown_revision: str | None = "{follows}"\n'.format(**numbers))
    assert _leaves_the_line(tmp_path) == planted.name
