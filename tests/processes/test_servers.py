"""The embedded servers as real processes: what they hold, and what kills, locks and leftovers do to them."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from redis import Redis

from domain.kernel import Conflict, Invalid
from entrypoints.config import CHECKOUT, Config
from entrypoints.servers import Servers, create_database, drop_database
from tests.processes.office import wait_for


def _configured(data_dir: Path) -> Config:
    return Config.load({"RAPPORT_DATA_DIR": str(data_dir)})


@pytest.fixture(scope="module")
def config() -> Iterator[Config]:
    # Not pytest's tmp_path: root's is closed to the user that PostgreSQL runs as.
    data_dir = Path(tempfile.mkdtemp(prefix="rapport-test-"))
    yield _configured(data_dir)
    shutil.rmtree(data_dir)


@pytest.fixture
def servers(config: Config) -> Iterator[Servers]:
    with Servers(config) as running:
        yield running


def _query(
    config: Config, statement: str, *, role: str = "rapport_app", database: str = "rapport"
) -> list[tuple[object, ...]]:
    async def run() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(host=f"{config.socket_dir}/postgres", user=role, database=database)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(run())


def _pid(config: Config, name: str) -> int:
    return int((config.data_dir / "run" / f"{name}.pid").read_text())


def test_the_roles_are_plain_and_the_owner_owns(config: Config, servers: Servers) -> None:
    roles = _query(
        config,
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles "
        "WHERE rolname ~ '^rapport_' ORDER BY 1",
    )
    assert roles == [(role, False, False, False, False) for role in ("rapport_app", "rapport_owner", "rapport_system")]
    assert _query(config, "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = 'rapport'") == [
        ("rapport_owner",)
    ]
    extensions = {name for (name,) in _query(config, "SELECT extname::text FROM pg_extension")}
    assert {"btree_gin", "pg_trgm"} <= extensions
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        _query(config, "CREATE TABLE mine (id int)")


def test_the_settings_keep_what_was_committed_and_know_letters(config: Config, servers: Servers) -> None:
    assert _query(config, "SELECT current_setting('fsync'), current_setting('jit'), current_setting('TimeZone')") == [
        ("on", "off", "UTC")
    ]
    assert _query(config, "SELECT lower('ŁÓDŹ'), show_trgm('łódź') <> '{}'") == [("łódź", True)]
    with Redis(unix_socket_path=str(config.socket_dir / "valkey.sock")) as client:
        assert client.config_get("append*")["appendonly"] == "yes"


def test_nothing_listens_on_tcp_and_the_sockets_are_ours_alone(config: Config, servers: Servers) -> None:
    for name in ("postgres", "valkey"):
        assert psutil.Process(_pid(config, name)).net_connections("tcp") == []
    assert stat.S_IMODE((config.socket_dir / "postgres").stat().st_mode) == 0o700
    assert stat.S_IMODE((config.socket_dir / "valkey.sock").stat().st_mode) == 0o700
    assert config.socket_dir.stat().st_uid == os.geteuid()


def test_a_database_of_ones_own_comes_and_goes(config: Config, servers: Servers) -> None:
    create_database(config, "other")
    assert _query(config, "SELECT extname::text FROM pg_extension WHERE extname = 'pg_trgm'", database="other")
    drop_database(config, "other")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        _query(config, "SELECT 1", database="other")
    with pytest.raises(Invalid):
        create_database(config, "other; DROP DATABASE rapport")


def test_a_second_supervisor_is_refused_and_told_of_the_first(config: Config, servers: Servers) -> None:
    with pytest.raises(Conflict, match=str(os.getpid())):
        Servers(config).start()
    assert servers.alive() == {"postgres": True, "valkey": True}
    assert _query(config, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_killed_server_is_noticed_restarted_and_has_lost_nothing(config: Config, servers: Servers, name: str) -> None:
    _query(config, "CREATE TABLE IF NOT EXISTS kept AS SELECT 7 AS n", role="rapport_owner")
    with Redis(unix_socket_path=str(config.socket_dir / "valkey.sock")) as client:
        client.set("kept", "7")
        client.execute_command("WAITAOF", 1, 0, 5000)
    before = _pid(config, name)
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: not servers.alive()[name], 10, f"the death of {name} is noticed")
    assert servers.restart_dead() == [name]
    assert _pid(config, name) != before
    assert _query(config, "SELECT n FROM kept", role="rapport_owner") == [(7,)]
    with Redis(unix_socket_path=str(config.socket_dir / "valkey.sock")) as client:
        assert client.get("kept") == b"7"


def _holder(config: Config) -> subprocess.Popen[str]:
    code = (
        "import sys, time; from entrypoints.config import Config; from entrypoints.servers import Servers\n"
        "Servers(Config.load()).start(); print('up', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code], cwd=CHECKOUT, text=True, stdout=subprocess.PIPE,
        env=os.environ | {"RAPPORT_DATA_DIR": str(config.data_dir)},
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "up\n"
    return holder


def test_servers_die_with_a_killed_supervisor_and_the_next_one_starts(config: Config) -> None:
    with _holder(config) as holder:
        pids = [_pid(config, name) for name in ("postgres", "valkey")]
        holder.kill()
        holder.wait()
        wait_for(lambda: not any(psutil.pid_exists(pid) for pid in pids), 10, "both servers are gone")
    with Servers(config):
        assert _query(config, "SELECT 1") == [(1,)]


def test_leftovers_that_do_not_die_by_themselves_are_ended_before_a_start(config: Config) -> None:
    with _holder(config) as holder:
        pids = [_pid(config, name) for name in ("postgres", "valkey")]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        holder.kill()
        holder.wait()
        with Servers(config):
            assert _query(config, "SELECT 1") == [(1,)]
            assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_warm_start_takes_two_seconds_at_most_and_a_stop_leaves_nothing(config: Config) -> None:
    with Servers(config):
        found = "CREATE TABLE IF NOT EXISTS alembic_version AS SELECT '0001' AS version_num"
        _query(config, found, role="rapport_owner")
    begun = time.monotonic()
    with Servers(config) as again:
        taken = time.monotonic() - begun
        assert again.revision == "0001"
        pids = [_pid(config, name) for name in ("postgres", "valkey")]
    assert taken <= 2
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert not config.socket_dir.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's PostgreSQL runs as another user")
def test_roots_postgresql_is_somebody_else_and_opens_no_folder(config: Config, servers: Servers) -> None:
    assert psutil.Process(_pid(config, "postgres")).uids().real != 0
    private = Path(tempfile.mkdtemp(prefix="rapport-test-"))
    try:
        with pytest.raises(Conflict, match="RAPPORT_DATA_DIR"):
            Servers(_configured(private / "inner")).start()
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
    finally:
        shutil.rmtree(private)
