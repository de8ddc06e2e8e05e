"""What a text costs, at the borders of the tables (3GPP TS 23.038)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.messaging.segments import count_segments


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "GSM-7", 0, 0),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 81, "GSM-7", 162, 2),
        ("€" * 153, "GSM-7", 306, 3),  # 76 to a segment: an escape pair is not cut
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3),
        ("ą" * 70, "UCS-2", 70, 1),
        ("ą" * 71, "UCS-2", 71, 2),
        ("ą" * 134, "UCS-2", 134, 2),
        ("ą" * 135, "UCS-2", 135, 3),
        ("👍" * 35, "UCS-2", 70, 1),
        ("👍" * 36, "UCS-2", 72, 2),
        ("👍" * 67, "UCS-2", 134, 3),  # 33 to a segment: a surrogate pair is not cut
        ("á", "UCS-2", 1, 1),  # à is in the table, á is not
        ("à{}", "GSM-7", 5, 1),
        ("’", "UCS-2", 1, 1),
    ],
)
def test_borders(text: str, encoding: str, units: int, segments: int) -> None:
    count = count_segments(text)
    assert (count.encoding, count.units, count.segments) == (encoding, units, segments)


def test_what_forces_ucs_2_is_named_once() -> None:
    assert count_segments("Żółć ż ż").outside_gsm == ("Ż", "ó", "ł", "ć", "ż")


@given(st.text(max_size=400))
def test_segments_hold_the_text(text: str) -> None:
    count = count_segments(text)
    part = 153 if count.encoding == "GSM-7" else 67
    assert count.units <= max(count.segments, 1) * (160 if count.encoding == "GSM-7" else 70)
    assert count.segments <= 1 or (count.segments - 1) * (part - 1) < count.units <= count.segments * part
