"""The request limits of one installation (`api.md`, part 2)."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from domain.kernel import Invalid


@dataclass(frozen=True, slots=True)
class Limit:
    """Allow `count` requests in any window of `seconds`; a count of 0 switches the limit off."""

    count: int
    seconds: int

    @property
    def off(self) -> bool:
        """Tell whether nothing is limited."""
        return self.count == 0


@dataclass(frozen=True, slots=True)
class Limits:
    """Hold the request limits of `api.md` part 2, each set by `RAPPORT_LIMIT_<NAME>=count/seconds`, `0` for off."""

    sign_in: Limit = Limit(5, 900)
    api: Limit = Limit(100, 60)
    uploads: Limit = Limit(10, 60)
    anonymous: Limit = Limit(10, 10)
    texts: Limit = Limit(60, 3600)
    analyses: Limit = Limit(1000, 3600)
    bad_signatures: Limit = Limit(1000, 60)


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Bound the event streams of one process of the API: in all, and those of one caller and one organisation."""

    per_process: int = 1_000
    per_caller: int = 10
    per_organization: int = 250


def limits(text: Callable[[str, str], str]) -> Limits:
    """Read `RAPPORT_LIMIT_<NAME>` of each limit, or refuse (`Invalid`) what is none."""
    found: dict[str, Limit] = {}
    standard = Limits()
    for name in Limits.__dataclass_fields__:
        default: Limit = getattr(standard, name)
        variable = f"LIMIT_{name.upper()}"
        value = text(variable, f"{default.count}/{default.seconds}")
        if value == "0":
            found[name] = Limit(0, default.seconds)
        elif re.fullmatch(r"[1-9]\d{0,8}/[1-9]\d{0,6}", value, re.ASCII):
            count, seconds = value.split("/")
            found[name] = Limit(int(count), int(seconds))
        else:
            raise Invalid(f"RAPPORT_{variable} must be requests/seconds such as 100/60, or 0 for off.")
    return Limits(**found)


def stream_limits(text: Callable[[str, str], str]) -> StreamLimits:
    """Read `RAPPORT_STREAMS`, `…_PER_CALLER` and `…_PER_ORGANIZATION`, or refuse (`Invalid`) what is no number."""
    standard = StreamLimits()
    found = []
    for name, default in (
        ("STREAMS", standard.per_process),
        ("STREAMS_PER_CALLER", standard.per_caller),
        ("STREAMS_PER_ORGANIZATION", standard.per_organization),
    ):
        value = text(name, str(default))
        if not re.fullmatch(r"[1-9]\d{0,5}", value, re.ASCII):
            raise Invalid(f"RAPPORT_{name} must be how many streams may be open, such as {default}.")
        found.append(int(value))
    return StreamLimits(*found)
