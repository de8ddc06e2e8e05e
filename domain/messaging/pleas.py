"""Whether a text pleads for an end of messages, in words that no list of keywords holds.

A linear model over the words of a text, their neighbours and their letters, each hashed into one of 32,768 places, so
that spellings nobody has seen lean as their like do. Its weights were learned from `tests/wordings`, whose writers
never saw these rules (`python -m tests.wordings.learn`); why not by rules: `docs/decisions/0017-opt-out-wordings.md`.
"""

import base64
import math
import re
import zlib
from array import array
from functools import cache
from importlib.resources import files

PLACES = 2**15
READ_AT_MOST = 600
THRESHOLD = 0.4
_WORD = re.compile(r"[a-z]+|\d+|[^\w\s]")
_LETTERS = (2, 3, 4, 5)


def places(folded: str) -> list[int]:
    """Give the places of what a folded text (`opt_out.fold`) holds: runs of words, pairs apart, and parts of words."""
    words = ["0" if word.isdigit() else word for word in _WORD.findall(folded[:READ_AT_MOST])]
    row = ["<", *words, ">"]
    found = {" ".join(row[i : i + n]) for n in (1, 2, 3) for i in range(len(row) - n + 1)}
    found.update(f"{row[i]}{'_' * gap}{row[i + gap]}" for gap in (2, 3) for i in range(len(row) - gap))
    for word in filter(str.isalpha, words):
        marked = f"^{word}$"
        found.update(f"~{marked[i : i + n]}" for n in _LETTERS for i in range(len(marked) - n + 1))
    return sorted({zlib.crc32(each.encode()) % PLACES for each in found})


def is_plea(folded: str) -> bool:
    """Tell whether a folded text leans further towards a plea than `THRESHOLD`, in the logarithm of odds."""
    bias, weights = _model()
    return leaning(places(folded), weights, bias) > THRESHOLD


def leaning(held: list[int], weights: "array[float] | list[float]", bias: float) -> float:
    """Weigh the places a text holds; long texts are scaled down, so that length alone leans nowhere."""
    return bias + sum(weights[place] for place in held) / math.sqrt(len(held) + 1)


def written(bias: float, weights: list[float]) -> str:
    """Write a model as text: bias and scale, then a signed byte for each place."""
    scale = max(map(abs, weights)) / 127
    packed = base64.b64encode(bytes(round(weight / scale) & 0xFF for weight in weights)).decode()
    return f"{bias:.4f} {scale:.6f}\n" + "".join(f"{packed[i : i + 120]}\n" for i in range(0, len(packed), 120))


@cache
def _model() -> "tuple[float, array[float]]":
    head, _, body = files(__package__).joinpath("plea_weights.txt").read_text().partition("\n")
    bias, scale = map(float, head.split())
    return bias, array("d", (byte * scale for byte in array("b", base64.b64decode(body))))
