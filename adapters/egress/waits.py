"""How long a server asks to be left alone, whoever it is."""

import math
from collections.abc import Mapping
from typing import Final

LONGEST_SECONDS: Final = 3600.0  # whatever a server says


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read `Retry-After` in seconds, at most an hour; None where it names none, or a date."""
    try:
        named = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(max(named, 0.0), LONGEST_SECONDS) if math.isfinite(named) else None
