"""Where `threadbook up` keeps its data on this machine, and the lock that lets one `up` run at a time."""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pydantic_settings import DotEnvSettingsSource

from bot.processes import ServerError, end_leftover
from bot.settings import Settings
from bot.vault import make_key

#: E-mail address, role, password.
SampleUser = tuple[str, str, str]
#: What a first run writes: the database's cluster, a model, logs.
NEEDED_BYTES = 300_000_000


class AlreadyRunning(Exception):
    """Another `up` holds the data; the message says which and where."""


@dataclass(frozen=True)
class Home:
    """The folder of this installation's data: `.threadbook` here, or THREADBOOK_HOME."""

    folder: Path

    @classmethod
    def here(cls) -> "Home":
        """Return the home that this folder and this environment mean; makes nothing."""
        return cls(Path(os.environ.get("THREADBOOK_HOME") or ".threadbook").resolve())

    @property
    def logs(self) -> Path:
        """Where web, worker and training write what they print."""
        return self.folder / "logs"

    @property
    def models(self) -> Path:
        """Where trained models are kept, unless MODEL_DIR says otherwise."""
        return self.folder / "models"

    @property
    def postgres(self) -> Path:
        """Where the embedded PostgreSQL lives: as root outside every home, since it then runs as another user."""
        if named := os.environ.get("THREADBOOK_POSTGRES_DIR"):
            return Path(named).resolve()
        if os.geteuid() != 0:
            return self.folder / "postgres"
        # Named after the home itself, not its path: a moved project keeps its data, a removed home takes them along.
        name = self.folder / "name"
        if not name.exists():
            _write_private(name, secrets.token_hex(6))
        return Path("/var/lib/threadbook") / name.read_text()

    def prepare(self) -> None:
        """Make the folders; refuses, with a sentence, where they cannot be written or the disk is full."""
        _make_writable(self.folder, 0o700)
        _make_writable(self.postgres, 0o755)
        self.logs.mkdir(exist_ok=True)

    def secret_key(self) -> str:
        """Return this installation's secret key; made once, readable by its owner alone."""
        return _kept_or_made(self.folder / "secret_key", lambda: secrets.token_urlsafe(48))

    def vault_keys(self) -> str:
        """Return the key that seals businesses' own credentials; made once, readable by its owner alone."""
        return _kept_or_made(self.folder / "vault_key", make_key)

    def own_secrets(self) -> dict[str, str]:
        """Return the secrets of this installation by their settings' names: never written down elsewhere."""
        return {"SECRET_KEY": self.secret_key(), "VAULT_KEYS": self.vault_keys()}

    def remember_users(self, made: Sequence[SampleUser]) -> list[SampleUser]:
        """Keep the sample users just made, and return all: their passwords are shown at every start."""
        path = self.folder / "sample_users.json"
        try:
            kept = {
                str(email): (str(email), str(role), str(word)) for email, role, word in json.loads(path.read_text())
            }
        except (OSError, ValueError):
            kept = {}
        if made:
            kept |= {user[0]: user for user in made}
            _write_private(path, json.dumps(list(kept.values())))
        return list(kept.values())

    @contextmanager
    def claimed(self) -> Iterator["Claim"]:
        """Hold the lock of this home for as long as `up` runs; raises AlreadyRunning where another does."""
        with (self.folder / "up.lock").open("a+") as lock:
            if not _lock_soon(lock):
                told = _read(self.folder / "up.json")
                raise AlreadyRunning(
                    f"Threadbook already runs here (process {told.get('pid', '?')}), at {told.get('address', '?')}. "
                    "Open that address, or stop it with Ctrl-C in its window (or: kill "
                    f"{told.get('pid', 'PID')})."
                )
            claim = Claim(self)
            try:
                yield claim
            finally:
                (self.folder / "up.json").unlink(missing_ok=True)

    def end_leftovers(self) -> list[str]:
        """End what a killed `up` left running, and return the names; only while the lock is held."""
        names = ("web", "worker", "training")
        return [name for name in names if end_leftover(self.folder / f"{name}.json", signal.SIGTERM)]

    def running(self) -> bool:
        """Say whether an `up` holds this home just now."""
        try:
            with (self.folder / "up.lock").open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False


@dataclass(frozen=True)
class Claim:
    """The right to use a home; what it tells is what a second `up` and other commands read."""

    home: Home

    def tell(self, address: str, environment: Mapping[str, str]) -> None:
        """Write down who runs and where; of the environment only what is no secret."""
        told = {"pid": os.getpid(), "address": address, "environment": dict(environment)}
        _write_private(self.home.folder / "up.json", json.dumps(told))


def named_settings() -> set[str]:
    """Return the names, in capitals, that the environment or `.env` gives a value."""
    found = {**DotEnvSettingsSource(Settings, env_file=".env").env_vars, **os.environ}
    return {name.upper() for name, value in found.items() if value}


def environment_of_running_up() -> dict[str, str]:
    """Return what a command beside a running `threadbook up` needs to reach the same servers; else nothing."""
    home = Home.here()
    if not home.running():
        return {}
    environment: dict[str, str] = dict(_read(home.folder / "up.json").get("environment", {}))
    named = named_settings()
    environment |= home.own_secrets()
    return {name: value for name, value in environment.items() if name not in named}


def settings_here() -> Settings:
    """Return the settings of a command in this folder: what is given, and what an `up` beside it made."""
    return Settings(**{name.lower(): value for name, value in environment_of_running_up().items()})  # type: ignore[arg-type]


def remove(home: Home) -> int:
    """Remove all data of this home; refuses while it is in use."""
    if home.running():
        sys.stderr.write("Threadbook runs here: stop it first (Ctrl-C in its window).\n")
        return 1
    end_leftover(home.postgres / "server.json", signal.SIGINT, patience=20)
    shutil.rmtree(home.postgres, ignore_errors=True)
    shutil.rmtree(home.folder, ignore_errors=True)
    return 0


def _lock_soon(lock: IO[str]) -> bool:
    """Take the lock; a command that only looks (`running`) holds it for a moment."""
    for _ in range(10):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


def _make_writable(folder: Path, mode: int) -> None:
    try:
        folder.mkdir(mode, parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.write_bytes(b"x" * 65_536)
        probe.unlink()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise ServerError(
            f"Threadbook cannot write to {folder} ({error.strerror}). Put the project in a folder of your own, "
            "or name another for its data: THREADBOOK_HOME=/path make run"
        ) from error
    if free < NEEDED_BYTES:
        raise ServerError(
            f"The disk is nearly full: {free // 1_000_000} MB are free at {folder}, "
            f"and Threadbook needs {NEEDED_BYTES // 1_000_000} MB. Make room and run the same command again."
        )


def _write_private(path: Path, text: str) -> None:
    """Write a file for its owner alone, whole or not at all."""
    half = path.with_name(path.name + ".new")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    half.replace(path)


def _kept_or_made(path: Path, make: Callable[[], str]) -> str:
    """Return a secret of this installation out of its file, made at the first time."""
    with contextlib.suppress(FileNotFoundError):
        kept = path.read_text().strip()
        if len(kept) >= 32:  # A shorter one is what a full disk left of it.
            return kept
    _write_private(path, make())
    return path.read_text()


def _read(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


if __name__ == "__main__":
    if sys.argv[1:] != ["--remove"]:
        sys.exit("usage: python -m bot.up_home --remove")
    sys.exit(remove(Home.here()))
