"""Log lines: JSON on stderr, one a line, with the ids that tie them together and nothing personal."""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.contextvars import bind_contextvars, bound_contextvars, clear_contextvars
from structlog.typing import EventDict, WrappedLogger

__all__ = ["bind_contextvars", "bound_contextvars", "clear_contextvars", "configure_logging", "masked"]

_DROPPED = frozenset({
    "body", "text", "password", "token", "secret", "authorization", "cookie", "api_key", "payload", "content",
})  # fmt: skip
_TAINTED = ("password", "secret", "token", "api_key", "private_key", "authorization")
# Ids and times look like telephone numbers to a pattern: they are known by name, or by shape, and kept.
_UNMASKED = frozenset({
    "request_id", "organization_id", "event_id", "cause_id", "timestamp", "level", "logger", "job_id", "user_id",
})  # fmt: skip
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_TIME = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
_SENSITIVE = re.compile(
    rf"(?P<kept>\b(?:{_UUID}|{_TIME})(?![\w-]))"
    r"|(?P<bearer>\b(?:bearer|basic)\s+[\w.~+/=-]+)"
    r"|(?P<jwt>\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?)"
    r"|(?P<key>\b(?:rpt|sk|pk|rk|whsec|re|key|AC|SK)_?[-_][\w-]{8,}|\b(?:AC|SK)[0-9a-f]{32}\b)"
    r"|(?P<login>(?<=://)[^\s/:@]*:[^\s/@]+(?=@))"
    r"|(?P<email>[^\s@<>\"'(),;:=/]+@[^\s@<>\"'(),;:=/]+\.[^\s@<>\"'(),;:=/.]{2,})"
    r"|(?P<phone>(?:\+|%2B|\b00)[1-9](?:[\s().-]{0,2}\d){6,14}(?!\d)|(?<![\w.:-])0\d(?:[\s().-]?\d){8,9}(?![\w:-])"
    r"|(?<![\w.:-])[1-9]\d{9,14}(?![\w:.-]))",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """Blot out telephone numbers, e-mail addresses, tokens and keys in a piece of text."""
    return _SENSITIVE.sub(lambda found: found[0] if found.lastgroup == "kept" else f"[{found.lastgroup}]", text)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {masked(str(key)): _clean(item) for key, item in value.items() if not _is_dropped(str(key))}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return masked(str(value))


def _is_dropped(key: str) -> bool:
    lowered = key.lower()
    return lowered in _DROPPED or lowered.endswith(_TAINTED)


def mask_personal(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop the fields that carry contents or secrets, mask the personal in the others (a structlog processor)."""
    return {
        key: value if key in _UNMASKED and not isinstance(value, Mapping | list | tuple) else _clean(value)
        for key, value in event.items()
        if not _is_dropped(key)
    }


def configure_logging(level: str = "info", *, part: str | None = None) -> None:
    """Send structlog and the standard library's logging through one chain to stderr; `part` names the process."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                mask_personal,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # These tell of every request, statement (addresses included) or tick at a level that the house logs.
    for name in ("httpx", "sqlalchemy.engine", "apscheduler"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    if part is not None:
        bind_contextvars(part=part)
