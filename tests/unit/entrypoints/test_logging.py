import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from entrypoints.logging import bind_contextvars, clear_contextvars, configure_logging, masked


@pytest.fixture(autouse=True)
def configured() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    clear_contextvars()
    structlog.reset_defaults()


def _line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    found = json.loads(lines[0])
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("texted +447700900123 twice", "7700900123"),
        ("texted +44 7700 900123", "900123"),
        ("from=%2B447700900123", "7700900123"),
        ("dial 00447700900123", "7700900123"),
        ("dial 07700 900123 now", "900123"),
        ("dial 447700900123 now", "7700900123"),
        ("US (+1 (202) 555-0143)", "555-0143"),
        ("mail ann.o'neil@example.co.uk bounced", "example.co.uk"),
        ("Authorization: Bearer abc.DEF-123_x", "DEF-123"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "eyJzdWIiOiIxIn0"),
        ("key rpt_0123456789abcdef", "0123456789abcdef"),
        ("key sk-ant-api03-abcdefgh", "abcdefgh"),
        ("sid AC0123456789abcdef0123456789abcdef", "0123456789abcdef"),
        ("postgresql://rapport_app:hunter22@db/rapport", "hunter22"),
    ],
)
def test_personal_and_secret_parts_of_a_text_are_blotted_out(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in masked(text)
    assert "[" in masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "0192f3a0-1234-7abc-8def-001234567890 done",
        "due at 2026-03-28T23:59:59.123456Z",
        "took 12.345 ms for 600 rows",
        "listening on 127.0.0.1:8000",
    ],
)
def test_ids_times_and_counts_stay_readable(text: str) -> None:
    assert masked(text) == text


def test_a_line_carries_its_ids_and_drops_contents(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", part="worker")
    bind_contextvars(request_id="0192f3a0-1234-7abc-8def-001234567890", organization_id="447700900123")
    structlog.get_logger("rapport").info(
        "text sent",
        to="+447700900123",
        body="Hi Ann, still looking?",
        access_token="a1",
        nested={"text": "secret words", "mail": ["ann@example.com"], "count": 2},
    )
    line = _line(capsys)
    assert line["event"] == "text sent"
    assert line["part"] == "worker"
    assert line["request_id"] == "0192f3a0-1234-7abc-8def-001234567890"
    assert line["organization_id"] == "447700900123"
    assert line["to"] == "[phone]"
    assert line["nested"] == {"mail": ["[email]"], "count": 2}
    assert not {"body", "access_token"} & line.keys()
    assert line["level"] == "info"
    assert str(line["timestamp"]).endswith("Z")


def test_the_standard_librarys_logging_goes_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    logging.getLogger("vendor").warning("gave up on %s", "+447700900123")
    line = _line(capsys)
    assert (line["event"], line["logger"]) == ("gave up on [phone]", "vendor")


def test_a_traceback_is_masked_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    try:
        raise ValueError("no such person: ann@example.com")
    except ValueError:
        structlog.get_logger("rapport").exception("failed")
    line = _line(capsys)
    assert "ValueError: no such person: [email]" in str(line["exception"])


def test_the_level_holds_for_both(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("warning")
    structlog.get_logger("rapport").info("quiet")
    logging.getLogger("vendor").info("quiet")
    assert capsys.readouterr().err == ""
