"""A file that is only ever appended to, and that outlives kill -9 and, when durable, power cuts."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path


class Journal:
    """Append lines in the order given; concurrent appends share one write and, when `durable`, one fsync."""

    def __init__(self, path: Path, *, durable: bool) -> None:
        self.path = path
        self._durable = durable
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = self._whole_lines()
        os.ftruncate(self._file, self._size)
        if durable:
            _sync_folder(path.parent)

    def lines(self) -> Iterator[bytes]:
        """Read every line on disk, without its line end, oldest first."""
        with self.path.open("rb") as file:
            for line in file:
                yield line.removesuffix(b"\n")

    async def append(self, line: bytes) -> None:
        """Add one line and return once it is kept; raises OSError when it provably was not."""
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append((line + b"\n", kept))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_waiting())
        await kept

    async def settle(self) -> None:
        """Wait until everything given so far is kept or refused."""
        while self._writer is not None and not self._writer.done():
            await asyncio.wait([self._writer])

    async def close(self) -> None:
        """Keep what is waiting, then close the file."""
        await self.settle()
        os.close(self._file)

    async def _write_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await asyncio.to_thread(self._write, b"".join(line for line, _ in batch))
            except OSError as error:
                for _, kept in batch:
                    if not kept.done():
                        kept.set_exception(error)
            else:
                for _, kept in batch:
                    if not kept.done():
                        kept.set_result(None)

    def _write(self, lines: bytes) -> None:
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            if self._durable:
                os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(lines)

    def _whole_lines(self) -> int:
        # What a kill left of a last line was never acknowledged: it is cut off, or the next line would be unreadable.
        end = os.fstat(self._file).st_size
        while end:
            start = max(0, end - 65536)
            found = os.pread(self._file, end - start, start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
        return 0


def _sync_folder(folder: Path) -> None:
    # The file's name is safe only once the folder that holds it is (fsync(2)).
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
