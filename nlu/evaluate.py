"""How well messages are understood: accuracy on examples held out of the training, per language and intent."""

import asyncio
import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from nlu.contract import Heard
from nlu.engine import Engine
from nlu.folders import CONFIG, LANGUAGE, LanguageFolders
from nlu.graph import train_graph

_NOW = datetime(2027, 3, 2, 10, 0, tzinfo=UTC)


@dataclass(slots=True)
class Score:
    """Counts of one language."""

    right: int = 0
    total: int = 0
    language_right: int = 0
    language_wrong: int = 0
    confused: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def accuracy(self) -> float:
        """Return the share of intents that were found."""
        return self.right / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Example:
    """A text with what it means."""

    text: str
    intent: str
    language: str


def evaluate(folder: Path, *, config: Path = CONFIG, share: float = 0.2, seed: int = 7) -> dict[str, Score]:
    """Train without a share of every intent's examples, and ask for just those."""
    everything = LanguageFolders().get_nlu_data().training_examples
    groups = defaultdict(list)
    for example in everything:
        groups[example.get(LANGUAGE), example.get("intent")].append(example)
    chance = random.Random(seed)  # noqa: S311 - the same split every time, nothing secret
    held_out, kept = [], []
    for examples in groups.values():
        chance.shuffle(examples)
        cut = round(len(examples) * share)
        held_out += examples[:cut]
        kept += examples[cut:]
    model = train_graph(LanguageFolders(config=config, examples=kept), folder / "held-out.tar.gz", folder / "parts")
    asked = [Example(str(one.get("text")), str(one.get("intent")), str(one.get(LANGUAGE))) for one in held_out]
    return asyncio.run(score(Engine.load(model, ()), asked))


async def score(engine: Engine, examples: Sequence[Example]) -> dict[str, Score]:
    """Ask the engine for every example."""
    scores: dict[str, Score] = defaultdict(Score)
    for example in examples:
        heard = Heard(text=example.text, now=_NOW, tz="UTC", locale=example.language)
        understood = await engine.understand(heard)
        result = scores[example.language]
        result.total += 1
        if example.intent in {understood.intent, *understood.also}:
            result.right += 1
        else:
            result.confused[example.intent, understood.intent] += 1
        result.language_right += understood.language == example.language
        result.language_wrong += understood.language not in {example.language, None}
    return dict(scores)


def main() -> int:
    """Print the scores of our pipeline, or of the one in the file that is named."""
    config = Path(sys.argv[1]) if len(sys.argv) > 1 else CONFIG
    with tempfile.TemporaryDirectory() as folder:
        for language, result in sorted(evaluate(Path(folder), config=config).items()):
            sys.stdout.write(
                f"{language}: {result.accuracy:.3f} of {result.total} intents; language told in "
                f"{result.language_right / result.total:.3f}, wrongly in {result.language_wrong / result.total:.3f}\n"
            )
            for (meant, heard), count in result.confused.most_common(12):
                sys.stdout.write(f"   {count:3}  {meant} taken for {heard}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
