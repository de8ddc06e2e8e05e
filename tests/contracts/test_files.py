"""What every implementation of the port `FileStore` must do, wherever the files lie."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest
from obstore.store import MemoryStore

from adapters.files.local import LocalFiles
from adapters.files.objects import ObjectFiles, s3_store
from application.files import FileStore
from application.provider import Unavailable
from domain.kernel import NotFound
from tests.contracts.s3_process import BUCKET, S3Process

pytestmark = pytest.mark.anyio
KEY = "019ab1c2-0000-7000-8000-000000000001/019ab1c2-0000-7000-8000-000000000002"
MEGABYTE = 1 << 20


async def pieces(count: int, size: int = 1 << 18, *, broken: bool = False) -> AsyncIterator[bytes]:
    """Send `count` pieces, each of another byte; a broken sender hangs up before the last."""
    for number in range(count):
        if broken and number == count - 1:
            raise ConnectionResetError("the sender hung up")
        yield bytes([number % 256]) * size


async def read_all(files: FileStore, key: str) -> bytes:
    """Read a file whole."""
    return b"".join([chunk async for chunk in files.read(key)])


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Process]:
    """Run an S3."""
    process = S3Process(tmp_path_factory.mktemp("s3"))
    process.start()
    yield process
    process.stop()


@pytest.fixture
def s3_files(s3: S3Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectFiles:
    """Keep files in the S3, under a prefix."""
    for name, value in s3.variables.items():
        monkeypatch.setenv(name, value)
    return ObjectFiles(s3_store(f"s3://{BUCKET}/one/two"), tmp_path / "lent")


@pytest.fixture(params=["local", "memory", "s3"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    """Keep files in each kind of place."""
    if request.param == "local":
        return LocalFiles(tmp_path / "files")
    if request.param == "memory":
        return ObjectFiles(MemoryStore(), tmp_path / "lent")
    found: FileStore = request.getfixturevalue("s3_files")
    return found


@pytest.mark.parametrize("count", [0, 1, 20, 21, 45], ids=["empty", "small", "one part", "a part and a bit", "parts"])
async def test_a_file_comes_back_as_it_went(files: FileStore, count: int) -> None:
    sent = b"".join([piece async for piece in pieces(count)])
    assert await files.put(KEY, pieces(count)) == len(sent)
    assert await read_all(files, KEY) == sent
    async with files.local(KEY) as path:
        assert path.stat().st_size == len(sent)
        assert path.read_bytes() == sent
        with path.open("rb") as first, path.open("rb") as second:
            assert first.read(5) == second.read(5)
    await files.remove(KEY)


async def test_a_second_file_under_a_key_takes_the_firsts_place(files: FileStore) -> None:
    await files.put(KEY, pieces(40))
    await files.put(KEY, pieces(1, 10))
    assert await read_all(files, KEY) == b"\0" * 10
    await files.remove(KEY)


@pytest.mark.parametrize("count", [2, 50], ids=["small", "parts"])
async def test_a_broken_stream_leaves_nothing_behind(files: FileStore, count: int) -> None:
    with pytest.raises(ConnectionResetError, match="hung up"):
        await files.put(KEY, pieces(count, broken=True))
    with pytest.raises(NotFound):
        await read_all(files, KEY)


async def test_all_of_a_folder_goes_and_nothing_beside_it(files: FileStore) -> None:
    folder, name = KEY.split("/")
    beside = f"{folder}0/{name}"
    for key in (KEY, f"{KEY}1", beside):
        await files.put(key, pieces(1, 10))
    assert await files.remove_all(folder) == 2
    for key in (KEY, f"{KEY}1"):
        with pytest.raises(NotFound):
            await read_all(files, key)
    assert await read_all(files, beside) == b"\0" * 10
    assert await files.remove_all(folder) == 0
    await files.remove(beside)


async def test_what_is_not_there_is_not_found_and_may_be_removed(files: FileStore) -> None:
    with pytest.raises(NotFound):
        await read_all(files, KEY)
    with pytest.raises(NotFound):
        async with files.local(KEY):
            pass
    await files.remove(KEY)
    await files.put(KEY, pieces(1))
    await files.remove(KEY)
    await files.remove(KEY)
    with pytest.raises(NotFound):
        await read_all(files, KEY)


@pytest.mark.parametrize("key", ["../../etc/passwd", "a//b", "", "a/./b", "a/b\0", "/etc/passwd", "a/ü", "a\\b"])
async def test_a_key_cannot_lead_elsewhere(files: FileStore, key: str) -> None:
    with pytest.raises(NotFound):
        await files.put(key, pieces(1))
    with pytest.raises(NotFound):
        await read_all(files, key)
    with pytest.raises(NotFound):
        await files.remove(key)


@pytest.mark.parametrize("files", ["local", "s3"], indirect=True)
async def test_no_file_is_held_in_memory_whole(files: FileStore) -> None:
    await files.put(KEY, pieces(80))
    process = psutil.Process()
    before = process.memory_info().rss
    highest = before

    async def watched() -> AsyncIterator[bytes]:
        nonlocal highest
        async for piece in pieces(600):
            highest = max(highest, process.memory_info().rss)
            yield piece

    size = await files.put(KEY, watched())
    async with files.local(KEY) as path:
        highest = max(highest, process.memory_info().rss)
        assert path.stat().st_size == size == 150 * MEGABYTE
    async for _ in files.read(KEY):
        highest = max(highest, process.memory_info().rss)
    await files.remove(KEY)
    assert highest - before < 60 * MEGABYTE


async def test_an_upload_that_broke_leaves_no_parts_in_the_bucket(s3: S3Process, s3_files: ObjectFiles) -> None:
    with pytest.raises(ConnectionResetError):
        await s3_files.put(KEY, pieces(50, broken=True))
    assert s3.left() == []


async def test_files_lie_under_the_prefix(s3: S3Process, s3_files: ObjectFiles) -> None:
    await s3_files.put(KEY, pieces(1))
    assert s3.left() == [f"one/two/{KEY}"]
    await s3_files.remove(KEY)


async def test_wrong_credentials_are_told_from_a_store_that_is_away(
    s3: S3Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (s3.variables | {"AWS_SECRET_ACCESS_KEY": "another"}).items():
        monkeypatch.setenv(name, value)
    files = ObjectFiles(s3_store(f"s3://{BUCKET}"), tmp_path)
    for attempt in (files.put(KEY, pieces(1)), read_all(files, KEY), files.remove(KEY)):
        with pytest.raises(Unavailable, match="credentials"):
            await attempt


async def test_a_store_that_is_silent_or_gone_is_given_up_in_time(
    s3: S3Process, s3_files: ObjectFiles, tmp_path: Path
) -> None:
    hasty = ObjectFiles(s3_store(f"s3://{BUCKET}/one/two", answer_seconds=1), tmp_path)
    await s3_files.put(KEY, pieces(1))
    s3.freeze()
    try:
        for attempt in (hasty.put(KEY, pieces(1)), read_all(hasty, KEY)):
            started = time.monotonic()
            with pytest.raises(Unavailable, match="cannot be reached"):
                await attempt
            assert time.monotonic() - started < 8
    finally:
        s3.thaw()
    assert await read_all(s3_files, KEY)
    s3.stop()
    try:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await s3_files.put(KEY, pieces(60))
    finally:
        s3.start()
    await s3_files.remove(KEY)
