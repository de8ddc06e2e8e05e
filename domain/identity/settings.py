"""An organisation's free settings: small values by name, some of which are for administrators only."""

import json
from collections.abc import Mapping
from typing import Any

from domain.kernel import Invalid

MOST = 200
LONGEST_NAME = 100
LARGEST = 10_000
LARGEST_TOGETHER = 100_000
DEEPEST = 10
_ADMINISTRATORS_BEGINNING = "qb_"
_ADMINISTRATORS_ENDS = ("_secret", "_token", "_password", "_key", "_credentials")


def is_secret(name: str) -> bool:
    """Tell whether a setting is for administrators only: 003's `qb_…`, and whatever is named as a secret."""
    lowered = name.lower()
    return lowered.startswith(_ADMINISTRATORS_BEGINNING) or lowered.endswith(_ADMINISTRATORS_ENDS)


def open_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give the settings that anybody in the organisation may see."""
    return {name: value for name, value in settings.items() if not is_secret(name)}


def check_settings(settings: Mapping[str, Any], field: str = "settings") -> None:
    """Refuse settings that are too many, too large (bytes of JSON) or too deep to keep with every organisation."""
    if len(settings) > MOST:
        raise Invalid(f"An organisation keeps at most {MOST} settings.", field=field)
    together = 0
    for name, value in settings.items():
        if not name.strip() or len(name) > LONGEST_NAME:
            raise Invalid(f"A setting's name has 1 to {LONGEST_NAME} characters.", field=field)
        if _depth(value) > DEEPEST:
            raise Invalid(f"A setting goes at most {DEEPEST} levels deep.", field=field)
        size = len(json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass"))
        if size > LARGEST:
            raise Invalid(f"A setting takes at most {LARGEST:,} bytes.", field=field)
        together += size
    if together > LARGEST_TOGETHER:
        raise Invalid(f"All settings together take at most {LARGEST_TOGETHER:,} bytes.", field=field)


def _depth(value: Any) -> int:
    """Count the levels of a value, without going down them by recursion."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return depth
