"""What is particular to a text that begins a conversation: which of a campaign's it is, and how it ends."""

import re
from dataclasses import dataclass

_NAMED = re.compile(
    r"\b(?:STOP|ALTO|BAJA)\b|\b(?i:reply|text|send) (?i:stop)\b|\b(?i:responda) (?i:stop|alto)\b|\b(?i:odpisz stop)\b"
)
_WAYS_OUT = {
    "en": "Reply STOP to opt out.",
    "es": "Responda STOP para darse de baja.",
    "pl": "Odpisz STOP, aby zrezygnować.",
}


@dataclass(frozen=True, slots=True)
class Opening:
    """Say which text of how many it is; nobody has answered those before it."""

    number: int
    of: int

    @property
    def is_last(self) -> bool:
        """Tell whether none follows."""
        return self.number >= self.of


def with_way_out(text: str, language: str | None) -> str:
    """End a text with how to hear no more, in its language or in English, unless it says so already."""
    said = text.strip()
    if not said or _NAMED.search(said):
        return said
    joined = said if said[-1] in ".!?…" else f"{said}."
    return f"{joined} {_WAYS_OUT.get(language or 'en', _WAYS_OUT['en'])}"
