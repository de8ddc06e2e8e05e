"""Two cases measured in turn, so that both meet the same minutes of a machine that varies twofold by itself."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def in_turn(rounds: int, one: Callable[[int], T], other: Callable[[int], T]) -> tuple[list[T], list[T]]:
    """Run both so many rounds, who goes first changing; a round 0 warms caches and prepared statements, uncounted."""
    ones: list[T] = []
    others: list[T] = []
    for number in range(rounds + 1):
        turns = [(one, ones), (other, others)]
        for case, kept in turns if number % 2 else reversed(turns):
            kept.append(case(number))
    return ones[1:], others[1:]
