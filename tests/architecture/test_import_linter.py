"""import-linter's contracts hold, cover every context, and each is seen to break on a planted violation."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.sources import CHECKOUT, LAYERS

PLANTED = {
    "Each layer knows only those below it": ("application/ports_planted.py", "import entrypoints.config"),
    "The domain imports the standard library only": ("domain/sales/planted.py", "import msgspec"),
    "The application imports no vendor but msgspec": ("application/sales/planted.py", "import sqlalchemy"),
    "A context's domain stands alone": ("domain/sales/planted.py", "import domain.messaging.conversation"),
    "A context's use cases stand alone": ("application/sales/planted.py", "import application.messaging.gate"),
}


def _contracts() -> list[dict[str, object]]:
    with (CHECKOUT / "pyproject.toml").open("rb") as file:
        return list(tomllib.load(file)["tool"]["importlinter"]["contracts"])


def _lint(root: Path) -> str:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stdout


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy the four layers' sources and the contracts."""
    for layer in LAYERS:
        shutil.copytree(CHECKOUT / layer, tmp_path / layer, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_is_kept() -> None:
    told = _lint(CHECKOUT)
    assert "KEPT" in told
    assert "BROKEN" not in told, told


def test_every_contract_breaks_on_what_it_forbids(copy: Path) -> None:
    assert {contract["name"] for contract in _contracts()} == set(PLANTED)
    for path, text in PLANTED.values():
        with (copy / path).open("a") as file:
            file.write(text + "\n")
    told = _lint(copy)
    broken = {name for line in told.splitlines() for name, mark, _ in [line.partition(" BROKEN")] if mark}
    assert broken == set(PLANTED)
    for path, text in PLANTED.values():
        importer = path.removesuffix(".py").replace("/", ".")
        assert f"{importer} -> {text.removeprefix('import ')}" in told


def _unnamed(root: Path) -> set[str]:
    """Name the contexts of a tree that the contracts forget, or name though they are not there."""
    wrong: set[str] = set()
    for layer in ("domain", "application"):
        contexts = {f"{layer}.{folder.parent.name}" for folder in (root / layer).glob("*/__init__.py")}
        [named] = [c["modules"] for c in _contracts() if c["id"] == f"{layer}-contexts"]
        assert isinstance(named, list)
        wrong |= set(named) ^ contexts
    return wrong


def test_every_context_stands_in_the_contracts(copy: Path) -> None:
    assert _unnamed(CHECKOUT) == set()
    (copy / "domain" / "planted").mkdir()
    (copy / "domain" / "planted" / "__init__.py").touch()
    shutil.rmtree(copy / "application" / "sales")
    assert _unnamed(copy) == {"domain.planted", "application.sales"}


def test_what_is_forbidden_to_the_domain_is_forbidden_to_the_application() -> None:
    forbidden = {str(c["id"]): c["forbidden_modules"] for c in _contracts() if c["type"] == "forbidden"}
    domain, application = forbidden["domain-vendors"], forbidden["application-vendors"]
    assert isinstance(domain, list)
    assert isinstance(application, list)
    assert set(domain) - {"msgspec"} == set(application)
