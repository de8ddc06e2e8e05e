"""How a model can answer with nothing of use, or not at all, whatever it is asked; each by its mark."""

from typing import Any

from application.model_calls import Fault, Unusable
from application.provider import Rejected, Unavailable, Unknown
from application.provider import Unusable as NoAccess
from tests.contracts.aimock_process import fixture

CREDIT = "Your credit balance is too low to access the Anthropic API"
OF_NO_USE = [
    ("m-refusal", Fault.DECLINED),
    ("m-cut", Fault.CUT),
    ("m-prose", Fault.GARBLED),
    ("m-empty", Fault.EMPTY),
    ("m-other-tool", Fault.GARBLED),
    ("m-two", Fault.GARBLED),
    ("m-garbled", Fault.GARBLED),
]
TROUBLES: list[tuple[str, Any]] = [
    ("m-529", Unavailable),
    ("m-429", Unavailable),
    ("m-500", Unavailable),
    ("m-400", Rejected),
    ("m-401", NoAccess),
    ("m-credit", NoAccess),
    ("m-slow", Unknown),
    ("m-truncated", (Unusable, Unavailable)),
    ("m-gone", (Unusable, Unavailable)),
    ("m-malformed", (Unusable, Unavailable)),
    ("m-destroyed", (Unusable, Unavailable)),
]


def faults(good: dict[str, Any]) -> list[dict[str, Any]]:
    """Answer each mark so; `good` is an answer by the tool."""
    [call] = good["toolCalls"]
    return [
        fixture("m-refusal", {"content": "I cannot.", "finishReason": "refusal"}),
        fixture("m-cut", {**good, "finishReason": "length"}),
        fixture("m-prose", {"content": "Sure, I will see to it myself!"}),
        fixture("m-empty", {"content": ""}),
        fixture("m-other-tool", {"toolCalls": [{"name": "approve_lesson", "arguments": "{}"}]}),
        fixture("m-two", {"toolCalls": [call, call]}),
        fixture("m-garbled", {"toolCalls": [{**call, "arguments": call["arguments"][:8]}]}),
        fixture("m-529", {"error": {"message": "Overloaded", "type": "overloaded_error"}, "status": 529}),
        fixture("m-429", {"error": {"message": "Slow down", "type": "rate_limit_error"}, "status": 429}),
        fixture("m-500", {"error": {"message": "Oops", "type": "api_error"}, "status": 500}),
        fixture("m-400", {"error": {"message": "Bad", "type": "invalid_request_error"}, "status": 400}),
        fixture("m-401", {"error": {"message": "Key", "type": "authentication_error"}, "status": 401}),
        fixture("m-credit", {"error": {"message": f"{CREDIT}.", "type": "invalid_request_error"}, "status": 400}),
        fixture("m-truncated", good, truncateAfterChunks=3),
        fixture("m-gone", good, latency=100, disconnectAfterMs=150),
        fixture("m-slow", good, latency=1500),
        fixture("m-malformed", good, chaos={"malformedRate": 1.0}),
        fixture("m-destroyed", good, chaos={"disconnectRate": 1.0}),
    ]
