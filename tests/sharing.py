"""How tests are dealt out to a few processes: what takes long begins first, and who shares a house stays together."""

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

_LONG = "tests/processes/"
_SHARED = {
    "besieged": (_LONG, "abuse_input abuse_slow fuzz sqlmap"),
    "office": (
        _LONG,
        "dead_parts killed_counting killed_worker kills_drain losses_valkey pause_while_sending poison",
    ),
    "post": ("tests/http/", "invitations invitation_mails invitation_secrets"),
}
_HOUSES = {f"{folder}test_{name}.py": house for house, (folder, names) in _SHARED.items() for name in names.split()}


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]


class _ByHouse(LoadFileScheduling):  # type: ignore[misc]
    """Deal out files, and those of one house as if they were one."""

    def _split_scope(self, nodeid: str) -> str:
        return _HOUSES.get(_file(nodeid), _file(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """Deal out so where files are dealt out."""
    return _ByHouse(config, log) if config.option.dist == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with real processes; a house that several files share stands until all of them are through, and idles."""

    def place(item: pytest.Item) -> tuple[bool, bool]:
        long = item.nodeid.startswith(_LONG)
        return not long, long and _file(item.nodeid) in _HOUSES

    items.sort(key=place)
