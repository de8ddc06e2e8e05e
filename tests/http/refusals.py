"""Refusals, as every endpoint gives them."""

from typing import Any

import httpx


def error_of(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is a refusal of a code, in its envelope; gives what it says."""
    assert answer.status_code == status, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert error["code"] == code
    assert error["message"]
    assert error["request_id"] == answer.headers["x-request-id"]
    return error
