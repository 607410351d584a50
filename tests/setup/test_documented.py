"""What can be set, called or made is documented, and nothing that cannot."""

import re

from bot.settings import Settings
from tests.setup.documented import PAGE, ROOT, fresh


def test_the_tables_of_operations_are_fresh() -> None:
    assert PAGE.read_text() == fresh(PAGE.read_text()), "run: .venv/bin/python -m tests.setup.documented"


def test_every_setting_is_in_the_example() -> None:
    named = re.findall(r"^# ([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(name.upper() for name in Settings.model_fields)


def test_the_example_sets_nothing() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert all(not line or line.startswith("#") for line in lines)


def test_make_targets_exist_that_the_documents_name() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for name in re.findall(r"`(?:[A-Z_]+=\S+ )?make ([a-z-]+)", page.read_text()):
            assert name in targets, f"{page.name} names `make {name}`"


def test_every_dependency_is_explained() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.match(r"[A-Za-z0-9_.-]+", line).group().lower() for line in wanted}  # type: ignore[union-attr]
    explained = re.findall(r"^\| `([a-z0-9_.-]+)` \|", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
    assert set(explained) - names == set(), "explained, but not used"
    assert names - set(explained) == set(), "used, but not explained"
    assert len(explained) == len(set(explained))
