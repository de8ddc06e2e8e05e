import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from entrypoints.cli import app
from entrypoints.config import CHECKOUT


@pytest.fixture
def becomes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Catch the exec at the system's border; everything before it is real."""
    seen: list[list[str]] = []

    def execv(_program: str, arguments: list[str]) -> None:
        seen.append(arguments[1:])
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", execv)
    for name in [name for name in os.environ if name.startswith("RAPPORT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RAPPORT_DATA_DIR", str(tmp_path))
    # So that what the command puts in there is taken back afterwards.
    for name in ("RAPPORT_PORT", "RAPPORT_WORKER_NUMBER", "RAPPORT_OWNER_PASSWORD"):
        monkeypatch.setenv(name, "")
    return seen


@pytest.mark.parametrize(
    ("typed", "program"),
    [
        ("up --workers 3 --quiet", "-m entrypoints.supervisor --workers 3 --quiet"),
        ("api", "-m entrypoints.http.app"),
        ("worker --number 2", "-m entrypoints.worker"),
        ("relay", "-m entrypoints.relay"),
        ("scheduler", "-m entrypoints.scheduler"),
        ("migrate", "-m entrypoints.migrate"),
        ("migrate -- -1", "-m entrypoints.migrate -1"),
        ("demo --seed 7 --keep", "-m entrypoints.demo --seed 7 --keep"),
        ("dead-letters list", "-m entrypoints.operations dead-letters list --limit 50"),
        ("dead-letters replay a b", "-m entrypoints.operations dead-letters replay a b"),
        ("dead-letters replay --all", "-m entrypoints.operations dead-letters replay --all"),
    ],
)
def test_a_command_becomes_its_program(becomes: list[list[str]], typed: str, program: str) -> None:
    assert CliRunner().invoke(app, typed.split()).exit_code == 0
    assert becomes == [program.split()]


def test_options_travel_by_the_environment(becomes: list[list[str]]) -> None:
    CliRunner().invoke(app, ["up", "--port", "9000"])
    CliRunner().invoke(app, ["worker", "--number", "2"])
    assert (os.environ["RAPPORT_PORT"], os.environ["RAPPORT_WORKER_NUMBER"]) == ("9000", "2")


def test_an_owners_password_is_never_on_a_command_line(becomes: list[list[str]]) -> None:
    typed = ["create-owner", "ann@example.com", "--name", "Ann", "--organization", "Acme"]
    assert CliRunner().invoke(app, typed, input="long enough\nlong enough\n").exit_code == 0
    assert "long enough" not in " ".join(becomes[0])
    assert os.environ["RAPPORT_OWNER_PASSWORD"] == "long enough"


def test_replaying_nothing_and_a_bad_setting_are_refused_in_a_sentence(
    becomes: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = CliRunner().invoke(app, ["dead-letters", "replay"])
    assert (refused.exit_code, "--all" in refused.output) == (1, True)
    monkeypatch.setenv("RAPPORT_PORT", "eighty")
    refused = CliRunner().invoke(app, ["config"])
    assert (refused.exit_code, "RAPPORT_PORT" in refused.output) == (1, True)
    assert becomes == []


def test_config_prints_plain_lines_to_a_program(becomes: list[list[str]], tmp_path: Path) -> None:
    lines = CliRunner().invoke(app, ["config"]).output.splitlines()
    assert f"RAPPORT_DATA_DIR\t{tmp_path}\tenvironment" in lines


def test_help_teaches_in_whole_sentences() -> None:
    command = [sys.executable, "-m", "entrypoints.cli", "--help"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    usage, _, rest = done.stdout.partition("\n")
    assert usage.startswith("Usage: rapport")
    assert "..." not in rest
    assert "rapport demo" in done.stdout
