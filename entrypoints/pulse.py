"""The pulse of a supervised process: a file that its event loop touches, so that who stands still is seen to."""

import asyncio
import contextlib
import os
from pathlib import Path

VARIABLE = "RAPPORT_PULSE_FILE"
_SECONDS = 0.5


def _touch(named: str) -> None:
    Path(named).touch(mode=0o600)


async def pulse() -> None:
    """Touch the file that the supervisor named, twice a second until cancelled; without a supervisor do nothing."""
    named = os.environ.get(VARIABLE)
    while named:
        with contextlib.suppress(OSError):
            _touch(named)
        await asyncio.sleep(_SECONDS)
