"""Each peer's own environment under .threadbook/bench-when, made once by uv."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_PATIENCE = 300


@dataclass(frozen=True)
class Peer:
    """A library, the versions that install and run together, and the languages it reads."""

    name: str
    packages: tuple[str, ...]
    languages: frozenset[str]


PEERS = (
    # emoji 1.7 is the last with the name that recognizers-text imports. Its Python packages have no German dates,
    # and its Portuguese ones read nothing.
    Peer("recognizers-text", ("recognizers-text-suite==1.0.2a2", "emoji==1.7.0"), frozenset({"en", "es", "fr"})),
    Peer("ctparse", ("ctparse==0.3.6",), frozenset({"en", "de"})),
    Peer("dateparser", ("dateparser==1.5.0",), frozenset({"en", "es", "fr", "de", "pt"})),
    Peer("parsedatetime", ("parsedatetime==2.6",), frozenset({"en"})),
    Peer("timefhuman", ("timefhuman==0.1.5",), frozenset({"en"})),
)


class NotInstalled(Exception):
    """A peer's environment cannot be made; the message says why."""


def python_of(peer: Peer, home: Path) -> Path:
    """Return the peer's Python, installing it when it is not there yet."""
    folder = home / peer.name
    done = folder / "packages.txt"
    python = folder / "bin" / "python"
    wanted = "\n".join(peer.packages)
    if done.exists() and done.read_text() == wanted and python.exists():
        return python
    uv = _uv()
    shutil.rmtree(folder, ignore_errors=True)
    _run(uv, "venv", "--quiet", "--no-project", "--python", "3.11", str(folder))
    _run(uv, "pip", "install", "--quiet", "--python", str(python), *peer.packages)
    done.write_text(wanted)
    return python


def _uv() -> str:
    ours = Path(__file__).parents[2] / ".tools" / "uv" / "bin" / "uv"
    found = str(ours) if ours.exists() else shutil.which("uv") or _beside_python()
    if found is None:
        raise NotInstalled("uv is neither in .tools nor on the PATH")
    return found


def _beside_python() -> str | None:
    uv = Path(sys.executable).with_name("uv")
    return str(uv) if uv.exists() else None


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)  # noqa: S603 - our own words
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise NotInstalled(str(problem)) from None
    if done.returncode:
        raise NotInstalled((done.stderr.strip().splitlines() or ["uv failed"])[-1])
