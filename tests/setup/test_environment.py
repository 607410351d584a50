"""What `make` says when Python is missing or maimed, with real shells and programs; nothing is downloaded."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TOOLS = ("sh", "make", "mkdir", "rm", "touch", "id", "ln", "awk")


class Machine:
    """A copy of the Makefile on a machine with few programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(str(shutil.which(tool)))
        self.project = folder / "project"
        shutil.copytree(ROOT / ".ci", self.project / ".ci")
        for name in ("Makefile", "pyproject.toml", "uv.lock"):
            shutil.copy(ROOT / name, self.project / name)

    def has(self, name: str, script: str) -> None:
        program = self.bin / name
        program.write_text(f"#!{shutil.which('sh')}\n{script}\n")
        program.chmod(0o755)

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        make = [str(self.bin / "make"), "SHELL=" + str(self.bin / "sh"), *arguments]
        environment = {"PATH": str(self.bin), "HOME": str(self.folder)}
        return subprocess.run(make, cwd=self.project, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_make_alone_shows_the_targets(machine: Machine) -> None:
    shown = machine.make().stdout
    for target in ("run", "test", "check", "bench", "doctor", "clean"):
        assert f"make {target}" in shown


@pytest.mark.parametrize("target", ["run", "test", "check"])
def test_a_missing_python_is_told(machine: Machine, target: str) -> None:
    machine.has("python3", 'case "$*" in *version_info*) exit 1;; esac')  # Another version.
    made = machine.make(target)
    assert made.returncode != 0
    assert "needs Python 3.11, and no python3.11 was found" in made.stderr
    assert "PYTHON=/path/to/python3.11" in made.stderr
    assert not (machine.project / ".venv").exists()


def test_a_python_without_venv_and_pip_is_told(machine: Machine) -> None:
    machine.has("python3.11", 'case "$1" in -m) exit 1;; esac')
    made = machine.make("run")
    assert made.returncode != 0
    assert "has neither venv nor pip" in made.stderr
    assert "apt-get install python3.11-venv" in made.stderr
    assert not (machine.project / ".tools" / "uv").exists()


def test_pip_that_reaches_nothing_is_told_and_leaves_nothing_half(machine: Machine) -> None:
    machine.has("python3.11", 'case "$*" in *venv*) exit 1;; *install*) echo "no route" >&2; exit 1;; esac')
    made = machine.make("run")
    assert made.returncode != 0
    assert "no route" in made.stderr
    assert "Is PyPI reachable" in made.stderr
    assert not (machine.project / ".tools" / "uv").exists()


def test_a_uv_that_is_there_already_is_used(machine: Machine) -> None:
    machine.has("python3.11", 'case "$1" in -m) exit 1;; esac')
    machine.has("uv", 'echo "uv was called: $*"; mkdir -p .venv/bin')
    made = machine.make("env")
    assert made.returncode == 0, made.stderr
    assert "uv was called: sync --locked" in made.stdout
    again = machine.make("env")
    assert "uv was called" not in again.stdout, "a ready environment is left alone"
    os.utime(machine.project / "uv.lock", (2**31, 2**31))
    assert "uv was called: sync --locked" in machine.make("env").stdout, "a changed lock file is followed"


def test_packages_that_cannot_be_installed_are_told(machine: Machine) -> None:
    machine.has("python3.11", 'case "$1" in -m) exit 1;; esac')
    machine.has("uv", 'case "$1" in sync) echo "uv: no space left" >&2; exit 1;; esac')
    made = machine.make("run")
    assert made.returncode != 0
    assert "no space left" in made.stderr
    assert "Nothing is broken: run the same command again" in made.stderr
