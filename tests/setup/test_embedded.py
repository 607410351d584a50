"""The embedded servers: kills, leftovers, long and private paths (decisions/0006)."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from bot.embedded import EmbeddedPostgres, EmbeddedRedis, ServerError
from bot.processes import born
from tests.setup.conftest import processes_of

OWNER = """
import sys, time
from pathlib import Path
from bot.embedded import EmbeddedPostgres, EmbeddedRedis
folder = Path(sys.argv[1])
print(EmbeddedPostgres(folder / "pg", durable=False).start(), flush=True)
print(EmbeddedRedis(folder / "redis").start(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="tb-embedded-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder / "pg", durable=False)
    yield server
    server.stop()


def ask(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def test_it_is_the_database_that_we_promise(postgres: EmbeddedPostgres) -> None:
    url = postgres.start()
    assert ask(url, "SHOW server_encoding") == "UTF8"
    assert ask(url, "SHOW timezone") == "UTC"
    assert ask(url, "SELECT lower('ÀÉÎ')") == "àéî"
    assert ask(url, "SHOW listen_addresses") == ""


def test_a_stop_and_a_start_keep_what_was_committed(postgres: EmbeddedPostgres, folder: Path) -> None:
    url = postgres.start()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    postgres.stop()
    assert processes_of(folder) == []
    assert ask(postgres.start(), "SELECT n FROM kept") == 7


def test_a_killed_postmaster_starts_again_at_once(postgres: EmbeddedPostgres) -> None:
    url = postgres.start()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    for _ in range(3):
        assert postgres.child is not None
        assert postgres.child.process is not None
        os.kill(postgres.child.process.pid, signal.SIGKILL)
        assert ask(postgres.start(), "SELECT n FROM kept") == 7


def test_a_killed_owner_leaves_nothing_and_blocks_nothing(folder: Path, postgres: EmbeddedPostgres) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, folder], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        url, redis_url = owner.stdout.readline().strip(), owner.stdout.readline().strip()
        assert ask(url, "SELECT 1") == 1
        owner.kill()
    again = EmbeddedRedis(folder / "redis")
    try:
        assert ask(postgres.start(), "SELECT 1") == 1
        assert redis.Redis.from_url(again.start()).ping()
        assert redis_url.startswith("unix://")
    finally:
        again.stop()
    postgres.stop()
    assert processes_of(folder) == []


def test_a_lock_with_a_number_that_now_is_another_program_s_is_no_obstacle(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    postgres.stop()
    lock = postgres.folder / "cluster" / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{postgres.folder}/cluster\n1\n5432\n/tmp\n\n\nready\n")
    assert ask(postgres.start(), "SELECT 1") == 1


def test_a_half_made_cluster_is_made_anew(postgres: EmbeddedPostgres) -> None:
    half = postgres.folder / "cluster.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    assert ask(postgres.start(), "SELECT 1") == 1
    assert not half.exists()


def test_data_of_another_version_are_refused_and_kept(postgres: EmbeddedPostgres) -> None:
    cluster = postgres.folder / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("15\n")
    with pytest.raises(ServerError, match="belong to PostgreSQL 15"):
        postgres.start()
    assert (cluster / "PG_VERSION").read_text() == "15\n"


def test_a_path_too_long_for_a_socket_works(folder: Path) -> None:
    deep = folder / ("a very long name, with 'quotes' & spaces " * 4)
    server, cache = EmbeddedPostgres(deep / "pg", durable=False), EmbeddedRedis(deep / "redis")
    try:
        assert ask(server.start(), "SELECT 1") == 1
        assert redis.Redis.from_url(cache.start()).ping()
    finally:
        server.stop()
        cache.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
def test_as_root_a_private_folder_is_refused_and_stays_private() -> None:
    private = Path(tempfile.mkdtemp(prefix="tb-private-", dir="/var/tmp"))
    try:
        server = EmbeddedPostgres(private / "pg", durable=False)
        with pytest.raises(ServerError, match="a folder above it is private"):
            server.start()
        assert private.stat().st_mode & 0o777 == 0o700
    finally:
        shutil.rmtree(private)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_disk_that_fills_up_while_the_data_are_made_is_told_and_mended(folder: Path) -> None:
    disk = folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", disk], check=False).returncode != 0:
        pytest.skip("this machine lets nobody mount")
    server = EmbeddedPostgres(disk / "pg", durable=False)
    try:
        with pytest.raises(ServerError, match="No space left on device"):
            server.start()
        assert not (disk / "pg" / "cluster").exists()
        subprocess.run(["mount", "-o", "remount,size=200m", disk], check=True)
        assert ask(server.start(), "SELECT 1") == 1
    finally:
        server.stop()
        subprocess.run(["umount", disk], check=True)


def test_a_keeper_ends_its_command_with_its_parent(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    command = f"import os, pathlib, time; pathlib.Path({str(note)!r}).write_text(str(os.getpid())); time.sleep(60)"
    keeper = [sys.executable, "-m", "bot.keeper", str(int(signal.SIGTERM)), sys.executable, "-c", command]
    parent = subprocess.Popen([sys.executable, "-c", f"import subprocess; subprocess.run({keeper!r})"])
    deadline = time.monotonic() + 10
    while not note.exists() or not note.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    pid = int(note.read_text())
    assert born(pid)
    parent.kill()
    parent.wait()
    while born(pid):
        assert time.monotonic() < deadline + 10
        time.sleep(0.05)


def test_a_keeper_passes_the_exit_code_on() -> None:
    command = [sys.executable, "-m", "bot.keeper", "15", sys.executable, "-c", "raise SystemExit(3)"]
    assert subprocess.run(command, check=False).returncode == 3
