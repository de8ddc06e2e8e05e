"""Stand-ins of providers that others wrote, as the demo runs them; what cannot be had is skipped."""

import os
from pathlib import Path

import pytest

from domain.kernel import Conflict
from entrypoints.config import CHECKOUT
from entrypoints.demo import stand_ins
from entrypoints.demo.stand_ins import running, seed

__all__ = ["node", "packages", "running", "seed", "spec"]
SPECS = Path(os.environ.get("PROVIDER_SPECS") or CHECKOUT.parent / "shared" / "provider-specs")


def node() -> Path:
    """Name a Node, or skip where there is none."""
    try:
        return stand_ins.node()[0]
    except Conflict as refusal:
        pytest.skip(refusal.message)


def packages() -> Path:
    """Install the stand-ins, or skip where they cannot be had."""
    try:
        return stand_ins.packages()
    except Conflict as refusal:
        pytest.skip(refusal.message)


def spec(name: str) -> Path:
    """Name a provider's own description of its API, or skip where it is not at hand."""
    path = SPECS / name
    if not path.exists():
        pytest.skip(f"{name} is not in {SPECS} (PROVIDER_SPECS): its contract was not tried.")
    return path
