"""Training data by folder: data/nlu/<language>/*.yml, every example stamped with its language."""

from pathlib import Path

import nlu.quiet  # noqa: F401 - before Rasa

# isort: split
from rasa.shared.core.domain import Domain
from rasa.shared.core.training_data.structures import StoryGraph
from rasa.shared.importers import utils
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLReader
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.shared.utils.io import read_model_configuration

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "nlu" / "config.yml"
DATA = ROOT / "data"
#: Key of an example's language in Rasa's messages.
LANGUAGE = "language"


class LanguageFolders(TrainingDataImporter):  # type: ignore[misc]
    """Reads our folders; `examples` replaces the training examples, for a held-out split."""

    def __init__(self, data: Path = DATA, *, config: Path = CONFIG, examples: list[Message] | None = None) -> None:
        self._data = data
        self._config = config
        self._examples = examples

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
        merged = TrainingData()
        for folder in sorted(path for path in (self._data / "nlu").iterdir() if path.is_dir()):
            for file in sorted(folder.glob("*.yml")):
                data = RasaYAMLReader().read(str(file))
                for example in data.training_examples:
                    example.set(LANGUAGE, folder.name)
                merged = merged.merge(data)
        if self._examples is not None:
            merged.training_examples = self._examples
        return merged
