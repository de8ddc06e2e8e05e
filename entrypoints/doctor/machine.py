"""What this machine has: its settings, its disks, its files."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from application.provider import ProviderError
from domain.kernel import new_id
from entrypoints.config import Config
from entrypoints.wiring.platform import file_store

LEAST_FREE, LEAST_SHARE = 1_000_000_000, 0.05
MOST_KEYS = 3
_PROBE = b"rapport doctor was here\n"


async def settings(config: Config) -> list[str]:
    """Find settings that cannot both be meant, and keys that ought to be gone by now."""
    found = []
    if config.sandbox and config.provider_settings:
        found.append(
            f"RAPPORT_SANDBOX=1 stands beside {config.provider_settings[0]}: every text goes to the sandbox's provider,"
            " none to a real one. Unset one of them."
        )
    if len(config.secret_keys) > MOST_KEYS:
        found.append(
            f"RAPPORT_SECRET_KEYS holds {len(config.secret_keys)} keys: take out those that nothing is encrypted with"
            " any more (docs/operating.md)."
        )
    if len(set(config.secret_keys)) < len(config.secret_keys):
        found.append("RAPPORT_SECRET_KEYS holds the same key twice.")
    return found


async def disks(config: Config) -> list[str]:
    """Find disks that are nearly full: of the data folder, and of the files where they are a folder."""
    place = urlsplit(config.files_url)
    folders = {"RAPPORT_DATA_DIR": config.data_dir}
    if place.scheme == "file":
        folders["RAPPORT_FILES_URL"] = Path(unquote(place.path))
    found, seen = [], set()
    for name, folder in folders.items():
        # A folder that will be made on first use is judged by the one it will be made in.
        there = next(path for path in (folder, *folder.parents) if path.exists())
        usage = await asyncio.to_thread(shutil.disk_usage, there)
        if there.stat().st_dev not in seen and (usage.free < LEAST_FREE or usage.free < LEAST_SHARE * usage.total):
            seen.add(there.stat().st_dev)
            found.append(
                f"The disk of {name} ({folder}) has {usage.free / 1e9:.1f} GB left of {usage.total / 1e9:.0f} GB."
            )
    return found


async def files(config: Config) -> list[str]:
    """Find a file store in which nothing can be written, read and removed again."""

    async def probe() -> AsyncIterator[bytes]:
        yield _PROBE

    store, key = file_store(config), f"doctor/{new_id()}"
    try:
        await store.put(key, probe())
        back = b"".join([chunk async for chunk in store.read(key)])
        await store.remove(key)
    except ProviderError as error:
        return [f"RAPPORT_FILES_URL: {error.reason}"]
    except OSError as error:
        return [f"RAPPORT_FILES_URL: nothing can be kept there ({error.strerror})."]
    finally:
        with contextlib.suppress(ProviderError, OSError):
            await store.remove(key)
    return [] if back == _PROBE else ["RAPPORT_FILES_URL: what is read is not what was written."]
