"""`Prefer: wait=N` (RFC 7240): wait for a short job instead of asking for it again and again."""

import re
from datetime import datetime
from typing import Any

import msgspec
from litestar import Request

from entrypoints.http.operation import Answer

LONGEST_WAIT = 30
_WAIT = re.compile(r"(?:^|,)\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?:[;,]|$)", re.ASCII | re.IGNORECASE)


class _Ended(msgspec.Struct):
    finished_at: datetime | None


def seconds_to_wait(request: Request[Any, Any, Any]) -> int:
    """Read how long the caller would wait, 30 seconds at most; a preference that cannot be read is none."""
    found = _WAIT.search(request.headers.get("prefer", ""))
    return min(int(found[1]), LONGEST_WAIT) if found else 0


def applied(wait: int, named: dict[str, Any], job: msgspec.Raw) -> Answer:
    """Answer with the job beside what names it: 200 when it has ended, 202 when the wait was in vain."""
    ended = msgspec.json.decode(job, type=_Ended).finished_at is not None
    return Answer({**named, "job": job}, 200 if ended else 202, {"Preference-Applied": f"wait={wait}"})
