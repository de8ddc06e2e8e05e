"""Files in an object store that speaks S3, streamed up and down; all machines see the same ones."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import ObjectStore, S3Store

from adapters.files.keys import parts_of
from application.provider import Unavailable
from domain.kernel import NotFound

_CHUNK = 1 << 18
_PART = 5 << 20  # S3 takes no smaller part but the last
_PARTS_AT_ONCE = 2
_GONE = "There is no such file."


def s3_store(url: str, *, answer_seconds: float = 15) -> S3Store:
    """Reach the bucket and prefix of `s3://bucket/prefix`.

    Endpoint, region and credentials are found as AWS's own tools find them: `AWS_ENDPOINT_URL`, `AWS_REGION`,
    `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, or the machine's role. `answer_seconds` limits each wait for bytes.
    """
    place = urlsplit(url)
    return S3Store(
        place.netloc,
        prefix=unquote(place.path).strip("/") or None,
        # Deleting many at once is not known to every store that speaks S3, and we delete one at a time.
        config={"disable_bulk_delete": True},
        client_options={
            "allow_http": True,  # where the endpoint's address says http://
            "connect_timeout": timedelta(seconds=2),
            "read_timeout": timedelta(seconds=answer_seconds),
            "timeout": timedelta(hours=1),
        },
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=10)},
    )


class ObjectFiles:
    """Be the `FileStore` over an object store; what is put appears whole, since a broken upload is never completed."""

    def __init__(self, store: ObjectStore, lent: Path) -> None:
        self._store = store
        self._lent = lent

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        """Send parts of 5 MB as they fill, two at a time; a file that fits into one part is sent in one request."""
        path = _path(key)
        size = 0

        async def counted() -> AsyncIterator[bytes]:
            nonlocal size
            async for chunk in chunks:
                size += len(chunk)
                yield chunk

        parts = _in_parts(counted())
        first = await anext(parts)
        try:
            if len(first) < _PART:
                await obstore.put_async(self._store, path, first)
            else:
                await obstore.put_async(
                    self._store, path, _chained(first, parts), chunk_size=_PART, max_concurrency=_PARTS_AT_ONCE
                )
        except (BaseError, FileNotFoundError) as error:  # the latter: the store has forgotten the parts meanwhile
            raise _unavailable(error) from error
        return size

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """Stream a file in pieces of 256 KB or a little more."""
        path = _path(key)
        try:
            found = await obstore.get_async(self._store, path)
            async for chunk in found.stream(min_chunk_size=_CHUNK):
                yield bytes(chunk)
        except FileNotFoundError:
            raise NotFound(_GONE) from None
        except BaseError as error:
            raise _unavailable(error) from error

    @asynccontextmanager
    async def local(self, key: str) -> AsyncIterator[Path]:
        """Lend a copy on this machine's disk; it has no name, so that a killed process leaves nothing behind."""
        await asyncio.to_thread(self._lent.mkdir, 0o700, True, True)
        with tempfile.TemporaryFile(dir=self._lent) as copy:
            try:
                async for chunk in self.read(key):
                    await asyncio.to_thread(copy.write, chunk)
            except NotFound:
                raise NotFound("The uploaded file is no longer there.") from None
            await asyncio.to_thread(copy.flush)
            yield Path(f"/proc/self/fd/{copy.fileno()}")

    async def remove(self, key: str) -> None:
        """Delete a file, if it is there."""
        try:
            await obstore.delete_async(self._store, _path(key))
        except FileNotFoundError:
            return
        except BaseError as error:
            raise _unavailable(error) from error

    async def remove_all(self, folder: str) -> int:
        """Delete what the store lists under the folder, one by one; an upload never completed is the store's to end."""
        count = 0
        try:
            async for page in obstore.list(self._store, f"{_path(folder)}/"):
                for found in page:
                    await self.remove(found["path"])
                    count += 1
        except FileNotFoundError:
            return count
        except BaseError as error:
            raise _unavailable(error) from error
        return count


async def _in_parts(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Join chunks to parts; at least one part comes, which may be empty."""
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        if len(held) >= _PART:
            yield bytes(held)
            held.clear()
    yield bytes(held)


async def _chained(first: bytes, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in parts:
        if part:
            yield part


def _path(key: str) -> str:
    return "/".join(parts_of(key))


def _unavailable(error: Exception) -> Unavailable:
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return Unavailable(reason="The file store refuses this installation's credentials.")
    return Unavailable(reason="The file store cannot be reached.")
