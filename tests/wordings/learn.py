"""Learn the weights of `domain.messaging.pleas` from the wordings here: `python -m tests.wordings.learn`."""

import csv
import math
import random
from pathlib import Path

from domain.messaging import pleas
from domain.messaging.opt_out import fold

HERE = Path(__file__).parent
HELD_OUT = HERE / "held_out.tsv"
CALLS = HERE / "calls.tsv"
WEIGHTS = Path(pleas.__file__).with_name("plea_weights.txt")
ROUNDS, RATE = 12, 0.3
Wording = tuple[bool, str]


def wordings(path: Path) -> list[Wording]:
    """Read lines of `stop` or `go`, a tab and a text, of which `stop` pleads."""
    lines = (line.partition("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return [(label == "stop", text) for label, _, text in lines]


def first_wordings() -> list[dict[str, str]]:
    """Read the corpus that the rules before this model were written from: text, what it means, how it says so."""
    with (HERE / "first.tsv").open(encoding="utf-8") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [{**row, "text": row["text"].replace("\\n", "\n")} for row in rows]


def learned() -> list[Wording]:
    """Give everything that is learned from."""
    first = [
        (row["expected"] == "stop", row["text"]) for row in first_wordings() if row["expected"] in ("stop", "none")
    ]
    return first + [wording for path in sorted(HERE.glob("learned_*.tsv")) for wording in wordings(path)]


def learn(examples: list[Wording]) -> tuple[float, list[float]]:
    """Fit by logistic regression with a rate for each weight (Duchi et al., "Adaptive Subgradient Methods", 2011)."""
    known = [(pleads, pleas.places(fold(text))) for pleads, text in examples]
    weights, steps = [0.0] * pleas.PLACES, [1e-8] * pleas.PLACES
    bias, bias_steps = 0.0, 1e-8
    shuffled = random.Random(7)
    for _ in range(ROUNDS):
        shuffled.shuffle(known)
        for pleads, held in known:
            odds = pleas.leaning(held, weights, bias)
            wrong = 1 / (1 + math.exp(-max(-30.0, min(30.0, odds)))) - pleads
            bias_steps += wrong**2
            bias -= RATE * wrong / math.sqrt(bias_steps)
            share = wrong / math.sqrt(len(held) + 1)
            for place in held:
                steps[place] += share**2
                weights[place] -= RATE * share / math.sqrt(steps[place])
    return bias, weights


if __name__ == "__main__":
    WEIGHTS.write_text(pleas.written(*learn(learned())))
