"""What every port that asks a language model shares: whose access, what a call cost, how an answer can be of no use."""

from dataclasses import dataclass, field
from enum import StrEnum

from application.provider import ProviderError

NO_MODEL = "no_model"
"""Why a text is not the AI's where the organisation has no model."""


@dataclass(frozen=True, slots=True)
class Access:
    """Hold an organisation's own access to the model, where it has one."""

    api_key: str | None = field(default=None, repr=False)
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Hold what one call cost: tokens, millionths of a dollar, time."""

    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_micros: int = 0
    latency_ms: int = 0


class Fault(StrEnum):
    """Name how an answer can be of no use."""

    DECLINED = "declined"
    CUT = "cut"
    GARBLED = "garbled"
    EMPTY = "empty"
    TOO_LONG = "too_long"


class Unusable(ProviderError):
    """Say that the model answered, and that nothing of it may be used; it has its cost all the same."""

    def __init__(self, fault: Fault, reason: str, usage: Usage) -> None:
        super().__init__(reason)
        self.fault = fault
        self.usage = usage
