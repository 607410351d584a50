"""Training data by folder: data/nlu/<language>/*.yml, every example and table stamped with its language."""

from pathlib import Path
from typing import Any

import yaml

import nlu.quiet  # noqa: F401 - before Rasa

# isort: split
from rasa.shared.core.domain import Domain
from rasa.shared.core.training_data.structures import StoryGraph
from rasa.shared.importers import utils
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.shared.utils.io import read_model_configuration

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "nlu" / "config.yml"
DATA = ROOT / "data"
#: Key of an example's language in Rasa's messages and tables.
LANGUAGE = "language"
#: What a block of training data is about.
_KINDS = {"intent", "lookup"}
#: The same loader in C, where PyYAML was built with it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class LanguageFolders(TrainingDataImporter):  # type: ignore[misc]
    """Reads our folders; `examples` replaces the training examples, for a held-out split."""

    def __init__(self, data: Path = DATA, *, config: Path = CONFIG, examples: list[Message] | None = None) -> None:
        self._data = data
        self._config = config
        self._examples = examples
        self._read: TrainingData | None = None

    def get_config(self) -> dict[str, object]:
        """Return the pipeline and policies."""
        config: dict[str, object] = read_model_configuration(str(self._config))
        return config

    def get_config_file_for_auto_config(self) -> str | None:
        """Return nothing: our configuration is complete, Rasa must not write into it."""
        return None

    def get_domain(self) -> Domain:
        """Return the domain."""
        return Domain.load(str(self._data / "domain"))

    def get_stories(self, exclusion_percentage: int | None = None) -> StoryGraph:
        """Return the rules; there are no stories."""
        files = [str(path) for path in sorted((self._data / "rules").glob("*.yml"))]
        return utils.story_graph_from_paths(files, self.get_domain(), exclusion_percentage)

    def get_conversation_tests(self) -> StoryGraph:
        """Return none: conversations are tested by ours in tests/flows."""
        return StoryGraph([])

    def get_nlu_data(self, language: str | None = "en") -> TrainingData:
        """Return the examples and lookup tables of every language."""
        if self._read is None:
            self._read = read_examples(self._data / "nlu")
        if self._examples is not None:
            self._read.training_examples = self._examples
        return self._read


def read_examples(folder: Path) -> TrainingData:
    """Read Rasa's format of training data; raises ValueError naming the file that holds anything else.

    Rasa's own reader checks each file against a schema and keeps its layout: a minute for what takes a second here.
    """
    examples: list[Message] = []
    tables: list[dict[str, Any]] = []
    for file in sorted(folder.glob("*/*.yml")):
        language = file.parent.name
        for block in yaml.load(file.read_bytes(), Loader=_LOADER)["nlu"]:  # noqa: S506 - a safe loader
            kind = next(iter(block))
            if set(block) != {kind, "examples"} or kind not in _KINDS:
                raise ValueError(f"{file}: a block is an intent or a lookup with examples, not {sorted(block)}")
            lines = [_line(line, file) for line in block["examples"].splitlines() if line.strip()]
            if kind == "lookup":
                tables.append({"name": block[kind], "elements": lines, LANGUAGE: language})
                continue
            for text in lines:
                example = Message.build(text=text, intent=block[kind])
                example.set(LANGUAGE, language)
                examples.append(example)
    return TrainingData(training_examples=examples, lookup_tables=tables)


def _line(line: str, file: Path) -> str:
    if not line.startswith("- "):
        raise ValueError(f"{file}: an example begins with a hyphen: {line!r}")
    return line.removeprefix("- ").strip()
