"""A drill: back up while texts go out, lose everything but the provider, restore, and text nobody twice."""

import os
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from entrypoints.config import Config
from entrypoints.demo.house import House
from entrypoints.wheels import postgres_binaries
from tests.processes.office import ANY_TIME, Office, wait_for
from tests.proofs import Note


def back_up(office: Office, to: Path) -> None:
    """Do what docs/backup.md says: the database's files as they stand, then the files' folder and the keys."""
    folder = office.house.folder
    owner = (folder / "postgres").stat()
    os.chown(to, owner.st_uid, owner.st_gid)
    sockets = Config.load(office.house.environment).socket_dir / "postgres"
    command = [
        str(postgres_binaries(folder / "postgres") / "pg_basebackup"), "--pgdata", str(to / "postgres"),
        "--username", "postgres", "--host", str(sockets), "--checkpoint", "fast",
    ]  # fmt: skip
    as_owner = {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}
    subprocess.run(command, check=True, cwd="/", timeout=300, **as_owner)  # type: ignore[call-overload]
    shutil.copytree(folder / "files", to / "files", dirs_exist_ok=True)


def lose(house: House) -> None:
    """Kill everything and remove what it had written, but for the keys and the provider, which is somebody else's."""
    house.crash()
    for name in ("postgres", "valkey", "files"):
        shutil.rmtree(house.folder / name)


def restore(house: House, backup: Path, made_at: datetime) -> str:
    """Put the backup in place and say so."""
    shutil.move(backup / "postgres", house.folder / "postgres")
    shutil.move(backup / "files", house.folder / "files")
    return house.run("entrypoints.cli", "restored", "--backed-up-at", made_at.isoformat())


def drill(folder: Path, count: int, per_minute: int) -> dict[str, int]:
    """Back up in the midst of a campaign, let it and another one go on, crash, restore, finish both."""
    shelf = Path(tempfile.mkdtemp(prefix="rapport-backup-"))  # pytest's own is closed to PostgreSQL's user
    with House("restore", 1, None, keep=False) as house:
        office = Office(house, folder)
        under_way, later = office.phones(count), office.phones(count // 4)
        first, second = office.imported(under_way), office.imported(later)
        office.begin(first, rate_limit_messages_per_minute=per_minute)
        wait_for(lambda: office.books.count() >= count // 4, 120, "texts go out")
        made_at = datetime.now(UTC)
        back_up(office, shelf)
        counted = {"taken before the backup": office.books.count()}
        office.begin(second)
        goal = office.books.count() + len(later) + count // 20
        wait_for(
            lambda: office.books.count() >= goal and set(later) <= {text.to for text in office.books.texts()},
            240,
            "texts go out after the backup",
        )
        lose(house)
        taken = {text.to for text in office.books.texts()}
        counted["taken by the crash"] = len(taken)
        assert not set(under_way) <= taken, "nothing was left to send: this drill proves nothing"

        said = restore(house, shelf, made_at)
        assert said.startswith("Noted. 1 campaigns are paused."), said
        house.start()
        planned = sum(office.states(first).values())
        assert planned == count
        assert len(office.books.texts()) == len(taken), "something went out before a person had looked"
        office.client.call("PATCH", f"/campaigns/{first}", json=ANY_TIME)
        office.client.call("POST", "/campaigns/resume", json={"dataset_id": first})
        office.begin(second)
        office.all_accepted(first, count, 300)
        office.all_accepted(second, len(later), 120)
        office.assert_each_got_one([*under_way, *later])
        office.close()
    shutil.rmtree(shelf, ignore_errors=True)
    return counted


def test_after_a_restore_nobody_is_texted_twice(tmp_path_factory: pytest.TempPathFactory) -> None:
    counted = drill(tmp_path_factory.mktemp("drill"), 40, 240)
    assert counted["taken before the backup"] < counted["taken by the crash"]


@pytest.mark.prove
def test_after_a_restore_nobody_of_two_thousand_is_texted_twice(
    tmp_path_factory: pytest.TempPathFactory, proved: Note
) -> None:
    count = 2000
    counted = drill(tmp_path_factory.mktemp("drill"), count, 3000)
    figures = ", ".join(f"{number} {name}" for name, number in counted.items())
    proved(15, f"backup in mid-campaign, everything lost, restored: {figures}; {count * 5 // 4} texts, 0 twice, 0 lost")
