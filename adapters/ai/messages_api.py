"""Anthropic's Messages API as this house asks it: one tool gives the answer its shape, what is not whole is no use."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx2
import msgspec
from anthropic import (
    AnthropicError,
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncAnthropic,
)
from anthropic.types import Message

from adapters.ai.breakers import Breakers
from adapters.egress.waits import retry_after
from application.model_calls import Access, Fault, Unusable, Usage
from application.provider import Rejected, Unavailable, Unknown
from application.provider import Unusable as NoAccess

CONNECT_SECONDS = 4.0
_WHOLE = frozenset({"end_turn", "tool_use"})
NO_ACCESS_SECONDS = 60.0
_NO_ACCESS = frozenset({401, 402, 403})
_NO_ACCESS_KINDS = frozenset({"authentication_error", "billing_error", "permission_error"})
_LATER = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})

# Dollars for a million tokens: input, cached input, output. The first that a name begins with; else the dearest.
PRICES: Mapping[str, tuple[float, float, float]] = {
    "claude-haiku": (1.0, 0.1, 5.0),
    "claude-sonnet": (3.0, 0.3, 15.0),
    "claude-opus-4-0": (15.0, 1.5, 75.0),
    "claude-opus-4-1": (15.0, 1.5, 75.0),
    "claude-opus-4-2025": (15.0, 1.5, 75.0),
    "claude-opus": (5.0, 0.5, 25.0),
}
_DEAREST = (15.0, 1.5, 75.0)
_Shape = TypeVar("_Shape")


class MessagesApi:
    """Ask a model, streamed, so that a cut is seen for what it is; who uses it leaves it alone while it is down."""

    def __init__(self, api_key: str | None, model: str, base_url: str | None, seconds: float) -> None:
        self._api_key = api_key
        self._model = model
        self._seconds = seconds
        self._breakers = Breakers()
        # What is tried again, and when, is decided where it is written down.
        self._client = AsyncAnthropic(
            api_key=api_key or "none",
            base_url=base_url,
            max_retries=0,
            timeout=httpx2.Timeout(seconds, connect=CONNECT_SECONDS),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def ask(self, access: Access, tool: str, params: Callable[[str], Mapping[str, Any]]) -> tuple[object, Usage]:
        """Give what the model put into the tool, and what it cost; `params` makes the request for a model."""
        api_key = access.api_key or self._api_key
        if api_key is None:
            raise Rejected("no_key", "No key for the model is set.", permanent=False)
        model = access.model or self._model
        began = time.monotonic()
        with self._breakers.call(access.api_key):
            message = await self._message(api_key, model, params(model))
        usage = _usage(model, message, began)
        return _put_into(tool, message, usage), usage

    async def _message(self, api_key: str, model: str, params: Mapping[str, Any]) -> Message:
        client = self._client.with_options(api_key=api_key)
        try:
            # The SDK's limit is between two bytes; a stream that drips must end too.
            async with asyncio.timeout(self._seconds), client.messages.stream(**params) as stream:
                return await stream.get_final_message()
        except TimeoutError:
            raise Unknown(f"The model took longer than {self._seconds:.0f} s.") from None
        except APITimeoutError:
            raise Unknown("The model did not answer in time.") from None
        except APIConnectionError as error:
            raise Unavailable(
                None, f"The model cannot be reached ({type(error.__cause__ or error).__name__})."
            ) from None
        except APIStatusError as error:
            raise _refused(error) from None
        except (httpx2.HTTPError, httpx2.StreamError, json.JSONDecodeError, ValueError, AssertionError) as error:
            # These leak from the SDK where a stream is cut or holds what is no event.
            kind = Fault.CUT if isinstance(error, httpx2.HTTPError | httpx2.StreamError) else Fault.GARBLED
            raise Unusable(kind, f"The answer broke off ({type(error).__name__}).", Usage(model=model)) from None
        except (AnthropicError, KeyError, TypeError, AttributeError, IndexError) as error:
            reason = f"The answer cannot be read ({type(error).__name__})."
            raise Unusable(Fault.GARBLED, reason, Usage(model=model)) from None


def tool_params(
    model: str, tools: list[dict[str, Any]], system: list[dict[str, Any]], text: str, most_tokens: int
) -> dict[str, Any]:
    """Make the request for one call of the only tool that there is, about a text."""
    return {
        "model": model,
        "max_tokens": most_tokens,
        "tools": tools,
        "tool_choice": {"type": "tool", "name": tools[0]["name"], "disable_parallel_tool_use": True},
        "system": system,
        "messages": [{"role": "user", "content": [{"type": "text", "text": text}]}],
    }


def shaped(said: object, kind: type[_Shape], usage: Usage, what: str) -> _Shape:
    """Read what the model put into the tool, or refuse (`Unusable`) what does not fit; `what` names it."""
    try:
        return msgspec.convert(said, type=kind)
    except msgspec.ValidationError as error:
        fault = Fault.TOO_LONG if "length <=" in str(error) else Fault.GARBLED
        raise Unusable(fault, f"The model's {what} does not fit the shape it was asked for.", usage) from None


def _refused(error: APIStatusError) -> Rejected | Unavailable:
    # An error inside a stream comes with the stream's own 200.
    kind, said = _kind(error)
    status = error.status_code
    # Credit that is used up comes as an invalid request as well.
    if status in _NO_ACCESS or kind in _NO_ACCESS_KINDS or "credit balance" in said:
        return NoAccess(NO_ACCESS_SECONDS, f"The model refuses the access ({kind or status}): {said[:300]}")
    if status in _LATER or kind in ("overloaded_error", "api_error", "rate_limit_error", "timeout_error"):
        return Unavailable(retry_after(error.response.headers), f"The model is busy ({kind or status}).")
    return Rejected(str(kind or status), f"The model refused the request ({kind or status}).", permanent=False)


def _kind(error: APIStatusError) -> tuple[str | None, str]:
    body = error.body
    inner = body.get("error") if isinstance(body, dict) else None
    kind, said = (inner.get("type"), inner.get("message")) if isinstance(inner, dict) else (None, None)
    return kind if isinstance(kind, str) else None, said if isinstance(said, str) else "it does not say why."


def price_of(model: str) -> tuple[float, float, float]:
    """Give what a million tokens of a model cost in dollars: input, cached input, output."""
    return next((price for name, price in PRICES.items() if model.startswith(name)), _DEAREST)


def _usage(model: str, message: Message, began: float) -> Usage:
    told = message.usage
    cached, made = told.cache_read_input_tokens or 0, told.cache_creation_input_tokens or 0
    dear, cheap, out = price_of(model)
    # Writing to the cache costs a quarter more than plain input.
    cost = told.input_tokens * dear + made * dear * 1.25 + cached * cheap + told.output_tokens * out
    return Usage(
        model=model,
        input_tokens=told.input_tokens + made + cached,
        output_tokens=told.output_tokens,
        cached_tokens=cached,
        cost_micros=round(cost),
        latency_ms=round((time.monotonic() - began) * 1000),
    )


def _put_into(tool: str, message: Message, usage: Usage) -> object:
    if message.stop_reason == "refusal":
        raise Unusable(Fault.DECLINED, "The model declined to answer.", usage)
    if message.stop_reason not in _WHOLE:
        raise Unusable(Fault.CUT, f"The answer is not whole ({message.stop_reason}).", usage)
    calls = [block for block in message.content if block.type == "tool_use"]
    if not calls:
        said = "".join(block.text for block in message.content if block.type == "text").strip()
        fault = Fault.GARBLED if said else Fault.EMPTY
        raise Unusable(fault, "The model gave no answer in the shape it was asked for.", usage)
    if len(calls) > 1 or calls[0].name != tool:
        raise Unusable(Fault.GARBLED, "The model asked for something that there is not.", usage)
    return calls[0].input
