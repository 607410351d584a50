"""The arrows between the rooms, and what has only one home: read from the code itself."""

import ast
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("booking_core", "channels", "payment_links", "nlu", "bot")
#: Room -> what it may import of ours besides itself (a dotted prefix).
ARROWS = {
    "booking_core": (),
    "payment_links": ("booking_core",),
    "channels": ("booking_core.kit",),
    "nlu": (),
    "bot": ROOMS,
}
LONGEST = 400


def modules() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")) if "versions" not in path.parts]


def imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides its room"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def allowed(room: str, name: str) -> bool:
    if name.split(".")[0] not in ROOMS or name.split(".")[0] == room:
        return True
    return any(name == arrow or name.startswith(f"{arrow}.") for arrow in ARROWS[room])


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    wrong = [f"line {line}: {name}" for name, line in imports(path) if not allowed(room, name)]
    assert not wrong, wrong


def test_rasa_is_imported_in_nlu_only() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for path in modules()
        if path.relative_to(ROOT).parts[0] != "nlu"
        for name, _ in imports(path)
        if name.split(".")[0] in {"rasa", "rasa_sdk"}
    ]
    assert not wrong


def calls(path: Path) -> Iterator[tuple[str, str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value).split(".")[-1]
            yield owner, node.func.attr, node.lineno


def test_nobody_commits_but_the_database() -> None:
    database = ROOT / "booking_core" / "kit" / "db.py"
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in modules()
        for _, name, line in calls(path)
        if name == "commit" and path != database
    ]
    assert not wrong


def test_nobody_reads_the_clock_but_the_clock() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in modules()
        for owner, name, line in calls(path)
        if (owner, name) in {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today")}
    ]
    assert not wrong


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_fit_in_a_head(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


def test_webhooks_call_no_vendor() -> None:
    """The web process's doors import no client that could reach a vendor."""
    for path in (ROOT / "channels/receive.py", ROOT / "payment_links/webhook.py"):
        names = {name for name, _ in imports(path)}
        assert not names & {"httpx", "twilio.rest", "telegram.Bot", "stripe.StripeClient"}, path


#: What the top of the project holds: its rooms, what describes and builds it, and nothing that a tool left there.
TOP = {
    *ROOMS, "data", "docs", "tests", ".ci",
    "pyproject.toml", "uv.lock", "Makefile", "Dockerfile", "docker-compose.yml",
    "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE",
    ".gitignore", ".dockerignore", ".env.example", ".pre-commit-config.yaml",
}  # fmt: skip


def test_the_top_level_holds_what_belongs_there() -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        # What came as an archive says nothing of what a tool left; what belongs there is there all the same.
        assert {path.name for path in ROOT.iterdir()} >= TOP
        return
    # Whoever runs the tests need not own the clone.
    command = [git, "-c", "safe.directory=*", "ls-files"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert {line.split("/", 1)[0] for line in listed.stdout.splitlines()} == TOP
