"""Faults the sandbox provider was told to show, and which text shows which."""

import hashlib
from dataclasses import dataclass
from typing import Literal, get_args

Fault = Literal[
    "rate_limited",
    "server_error",
    "timeout_before_accept",
    "timeout_after_accept",
    "duplicate_callbacks",
    "late_callbacks",
    "reordered_callbacks",
]
FAULTS: tuple[Fault, ...] = get_args(Fault)


@dataclass(slots=True)
class FaultRule:
    """Show `fault` on the next `next` texts, or on each with `probability`; exactly one of the two is given."""

    fault: Fault
    probability: float | None = None
    next: int | None = None


class Faults:
    """Remember the rules, one a fault, and draw for each text; a restart forgets them."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._rules: dict[Fault, FaultRule] = {}
        self._attempts: dict[str, int] = {}

    def order(self, rule: FaultRule) -> None:
        """Take a rule in place of any for the same fault."""
        self._rules[rule.fault] = rule

    def clear(self) -> None:
        """Forget every rule."""
        self._rules.clear()
        self._attempts.clear()

    def rules(self) -> list[FaultRule]:
        """List the rules that can still strike."""
        return list(self._rules.values())

    def draw(self, key: str) -> frozenset[Fault]:
        """Tell which faults this text shows; what stops it hides the faults that would come after.

        With probabilities the draw depends on seed, fault, key and attempt only, so that a run can be repeated.
        """
        if not self._rules:
            return frozenset()
        attempt = self._attempts[key] = self._attempts.get(key, 0) + 1
        drawn: set[Fault] = set()
        for fault in FAULTS:
            rule = self._rules.get(fault)
            if rule is None or not self._strikes(rule, key, attempt):
                continue
            drawn.add(fault)
            if fault in ("rate_limited", "server_error", "timeout_before_accept"):
                break
        return frozenset(drawn)

    def _strikes(self, rule: FaultRule, key: str, attempt: int) -> bool:
        if rule.next is not None:
            rule.next -= 1
            if rule.next == 0:
                del self._rules[rule.fault]
            return True
        digest = hashlib.sha256(f"{self._seed}\n{rule.fault}\n{key}\n{attempt}".encode()).digest()
        return int.from_bytes(digest[:6]) / 2**48 < (rule.probability or 0)
