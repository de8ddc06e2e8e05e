"""What a file's key may look like, wherever files are kept."""

from domain.kernel import NotFound


def parts_of(key: str) -> list[str]:
    """Split `<organisation>/<id>`; anything that could lead out of the store's folder is refused as `NotFound`."""
    parts = key.split("/")
    if any(not (part.isascii() and part.replace("-", "").isalnum()) for part in parts):
        raise NotFound("There is no such file.")
    return parts
