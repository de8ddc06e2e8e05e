"""The one comparison of the version that a change was made from with the one that is stored."""

from collections.abc import Iterable

from domain.kernel import Entity, Stale


def require_version(entity: Entity, version: int | None, fields: Iterable[str], noun: str) -> None:
    """Refuse a change made from another version (`Stale`), naming the fields that it would have overwritten."""
    if version is None or version == entity.version:
        return
    message = f"This {noun} was changed meanwhile: it is at version {entity.version}, not {version}."
    raise Stale(message, details=[(name, "This may have been changed meanwhile.") for name in fields])
