"""Stand-ins of providers that others wrote, as the demo runs them; what cannot be had is skipped."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from domain.kernel import Conflict
from entrypoints.config import CHECKOUT
from entrypoints.demo import stand_ins
from entrypoints.demo.stand_ins import running, seed

__all__ = ["had", "node", "packages", "running", "seed", "spec"]
T = TypeVar("T")
SPECS = Path(os.environ.get("PROVIDER_SPECS") or CHECKOUT.parent / "shared" / "provider-specs")


def had(get: Callable[[], T]) -> T:
    """Give what can be had, or skip where it cannot."""
    try:
        return get()
    except Conflict as refusal:
        pytest.skip(refusal.message)


def node() -> Path:
    """Name a Node, or skip where there is none."""
    return had(stand_ins.node)[0]


def packages() -> Path:
    """Install the stand-ins, or skip where they cannot be had."""
    return had(stand_ins.packages)


def spec(name: str) -> Path:
    """Name a provider's own description of its API, or skip where it is not at hand."""
    path = SPECS / name
    if not path.exists():
        pytest.skip(f"{name} is not in {SPECS} (PROVIDER_SPECS): its contract was not tried.")
    return path
