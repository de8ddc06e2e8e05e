"""Set several fields of an entity at once, and tell what that changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.kernel import Entity


@dataclass(frozen=True, slots=True)
class Changes:
    """Hold the old and new values of the fields that differ now, by name."""

    old: Mapping[str, Any]
    new: Mapping[str, Any]

    def __bool__(self) -> bool:
        return bool(self.new)

    def of(self, names: frozenset[str]) -> "Changes":
        """Give only the changes of these fields."""
        return Changes(
            {n: v for n, v in self.old.items() if n in names}, {n: v for n, v in self.new.items() if n in names}
        )

    def without(self, names: frozenset[str]) -> "Changes":
        """Give all changes but those of these fields."""
        return self.of(frozenset(self.new) - names)


def apply(entity: Entity, values: Mapping[str, Any]) -> Changes:
    """Set the fields whose value differs; gives what they were and what they are."""
    differing = {name: value for name, value in values.items() if getattr(entity, name) != value}
    old = {name: getattr(entity, name) for name in differing}
    for name, value in differing.items():
        setattr(entity, name, value)
    return Changes(old, differing)
