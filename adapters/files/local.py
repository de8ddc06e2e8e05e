"""Files in a folder of this machine, or of a disk that all machines mount."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from adapters.files.keys import parts_of
from domain.kernel import NotFound, new_id

_CHUNK = 1 << 18


class LocalFiles:
    """Be the `FileStore` over one folder; a file appears under its name once it is whole and on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, key: str) -> Path:
        return self._folder.joinpath(*parts_of(key))

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        """Write to a temporary name, flush to the disk, then rename."""
        path = self._path(key)
        temporary = path.with_name(f".{path.name}.{new_id().hex}")
        await asyncio.to_thread(_make_private_folder, path.parent)
        size = 0
        try:
            stream = await asyncio.to_thread(_create, temporary)
            try:
                async for chunk in chunks:
                    await asyncio.to_thread(stream.write, chunk)
                    size += len(chunk)
                await asyncio.to_thread(_flush, stream)
            finally:
                await asyncio.to_thread(stream.close)
            await asyncio.to_thread(_publish, temporary, path)
        finally:
            await asyncio.to_thread(temporary.unlink, True)
        return size

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """Stream a file in pieces of 256 KB."""
        path = self._path(key)
        try:
            stream = await asyncio.to_thread(path.open, "rb")
        except FileNotFoundError:
            raise NotFound("There is no such file.") from None
        try:
            while chunk := await asyncio.to_thread(stream.read, _CHUNK):
                yield chunk
        finally:
            await asyncio.to_thread(stream.close)

    @asynccontextmanager
    async def local(self, key: str) -> AsyncIterator[Path]:
        """Lend the file itself: it is here already."""
        path = self._path(key)
        if not await asyncio.to_thread(path.is_file):
            raise NotFound("The uploaded file is no longer there.")
        yield path

    async def remove(self, key: str) -> None:
        """Delete a file, if it is there."""
        await asyncio.to_thread(self._path(key).unlink, True)

    async def remove_all(self, folder: str) -> int:
        """Delete a folder with all that lies in it."""
        return await asyncio.to_thread(_remove_folder, self._path(folder))


def _make_private_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _remove_folder(folder: Path) -> int:
    count = sum(path.is_file() for path in folder.rglob("*"))
    shutil.rmtree(folder, ignore_errors=not folder.exists())
    return count


def _create(path: Path) -> BinaryIO:
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _flush(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _publish(temporary: Path, path: Path) -> None:
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
