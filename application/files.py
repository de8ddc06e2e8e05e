"""The port that keeps files: uploads, exports, and later recordings; and what makes a cell of theirs harmless."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from application.provider import provider_port

FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
"""What makes a spreadsheet run a cell as a formula (OWASP, CSV injection)."""


def inert(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet would run as a formula; an import takes it away again."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


async def begun(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Read the first piece of a file, so that one that is gone is refused before anything is answered."""
    first = await anext(content, b"")

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for chunk in content:
            yield chunk

    return whole()


@provider_port
class FileStore(Protocol):
    """Keep files by key (`<organisation>/<id>`); what is put is there whole or not at all."""

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        """Write a file as its bytes arrive, and tell their number; a broken stream leaves nothing behind."""
        ...

    def read(self, key: str) -> AsyncIterator[bytes]:
        """Stream a file, or refuse with `NotFound`."""
        ...

    def local(self, key: str) -> AbstractAsyncContextManager[Path]:
        """Lend a file on this machine's disk, or refuse with `NotFound`."""
        ...

    async def remove(self, key: str) -> None:
        """Delete a file; one that is gone already is no error."""
        ...

    async def remove_all(self, folder: str) -> int:
        """Delete every file whose key begins with `<folder>/`, half-written ones too, and tell their number."""
        ...
