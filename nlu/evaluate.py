"""How well messages are understood: accuracy on examples held out of the training, per language and intent."""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a comparison: each language's score, and what the models cost."""

    scores: dict[str, Score]
    #: Seconds to train all models, and to load all of them.
    training: float
    loading: float
    #: Megabytes of the files, and milliseconds of one reading in the middle.
    size: float
    reading: float


def evaluate(folder: Path, *, config: Path = CONFIG, share: float = 0.2, seed: int = 7, apart: bool = False) -> Outcome:
    """Train without a share of every intent's examples, and ask for just those; `apart`: a model for each language."""
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
    asked = [Example(str(one.get("text")), str(one.get("intent")), str(one.get(LANGUAGE))) for one in held_out]
    languages = sorted({one.language for one in asked})
    outcomes = [
        _try_out(folder / name, config, [one for one in kept if one.get(LANGUAGE) in among], among, asked)
        for name, among in ([(one, {one}) for one in languages] if apart else [("all", set(languages))])
    ]
    return Outcome(
        {language: result for one in outcomes for language, result in one.scores.items()},
        sum(one.training for one in outcomes),
        sum(one.loading for one in outcomes),
        sum(one.size for one in outcomes),
        statistics.median(one.reading for one in outcomes),
    )


def _try_out(folder: Path, config: Path, kept: list[Any], among: set[str], asked: Sequence[Example]) -> Outcome:
    folder.mkdir(parents=True)
    clocks = [time.perf_counter()]
    model = train_graph(LanguageFolders(config=config, examples=kept), folder / "held-out.tar.gz", folder / "parts")
    clocks.append(time.perf_counter())
    engine = Engine.load(model, ())
    clocks.append(time.perf_counter())
    mine = [one for one in asked if one.language in among]
    scores = asyncio.run(score(engine, mine))
    clocks.append(time.perf_counter())
    training, loading, reading = (later - earlier for earlier, later in pairwise(clocks))
    return Outcome(scores, training, loading, model.stat().st_size / 2**20, 1000 * reading / len(mine))


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the scores of our pipeline, or of the one in the file that is named."""
    parser = argparse.ArgumentParser(prog="python -m nlu.evaluate", description=__doc__)
    parser.add_argument("config", nargs="?", type=Path, default=CONFIG, help="another pipeline than ours")
    parser.add_argument("--apart", action="store_true", help="a model for each language, not one for all")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        outcome = evaluate(Path(folder), config=args.config, apart=args.apart)
    for language, result in sorted(outcome.scores.items()):
        sys.stdout.write(
            f"{language}: {result.accuracy:.3f} of {result.total} intents; language told in "
            f"{result.language_right / result.total:.3f}, wrongly in {result.language_wrong / result.total:.3f}\n"
        )
        for (meant, heard), count in result.confused.most_common(12):
            sys.stdout.write(f"   {count:3}  {meant} taken for {heard}\n")
    right = sum(one.right for one in outcome.scores.values())
    total = sum(one.total for one in outcome.scores.values())
    sys.stdout.write(
        f"all: {right / total:.3f} of {total}; training {outcome.training:.0f} s, loading {outcome.loading:.2f} s, "
        f"{outcome.size:.1f} MB, a reading {outcome.reading:.2f} ms\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
