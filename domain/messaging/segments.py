"""How many segments a text costs: GSM 7-bit where every character fits, else UCS-2 (3GPP TS 23.038, 23.040)."""

from dataclasses import dataclass
from typing import Literal

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")


@dataclass(frozen=True, slots=True)
class SegmentCount:
    """Hold what a text costs: `units` are septets in GSM-7 and 16-bit code units in UCS-2."""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    segments: int
    outside_gsm: tuple[str, ...]
    """The characters that force UCS-2, each once, in order."""


def count_segments(text: str) -> SegmentCount:
    """Count encoding, units and segments: 160 then 153 septets, or 70 then 67 code units.

    An escape pair or a surrogate pair is never cut in two, so a long text may leave the last unit of a segment unused.
    """
    outside = tuple(dict.fromkeys(c for c in text if c not in _BASIC and c not in _EXTENSION))
    if outside:
        sizes = [2 if ord(c) > 0xFFFF else 1 for c in text]
        single, part = 70, 67
    else:
        sizes = [2 if c in _EXTENSION else 1 for c in text]
        single, part = 160, 153
    units = sum(sizes)
    if units <= single:
        segments = 1 if units else 0
    else:
        segments, used = 1, 0
        for size in sizes:
            if used + size > part:
                segments, used = segments + 1, 0
            used += size
    return SegmentCount("UCS-2" if outside else "GSM-7", units, segments, outside)
