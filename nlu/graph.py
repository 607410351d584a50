"""Rasa's training graph, run with our importer and without a cache of its own."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from nlu.quiet import hushed  # isort: split

from rasa.engine.caching import TrainingCache
from rasa.engine.graph import ExecutionContext, GraphNodeHook, GraphSchema
from rasa.engine.recipes.recipe import Recipe
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.storage import ModelStorage
from rasa.engine.training.graph_trainer import GraphTrainer
from rasa.engine.validation import validate
from rasa.shared.data import TrainingType
from rasa.shared.importers.importer import TrainingDataImporter


@contextlib.contextmanager
def _without_bars() -> Iterator[None]:
    """Rasa draws its progress bars unless this variable says otherwise."""
    before = os.environ.get("LOG_LEVEL")
    os.environ["LOG_LEVEL"] = "ERROR"
    try:
        yield
    finally:
        if before is None:
            del os.environ["LOG_LEVEL"]
        else:
            os.environ["LOG_LEVEL"] = before


class _NoCache(TrainingCache):  # type: ignore[misc]
    """Keeps nothing: the whole model is cached by the hash of its inputs."""

    def cache_output(self, *args: Any, **kwargs: Any) -> None:
        """Keep nothing."""

    def get_cached_output_fingerprint(self, fingerprint_key: str) -> str | None:
        """Find nothing."""
        return None

    def get_cached_result(self, *args: Any, **kwargs: Any) -> None:
        """Find nothing."""


class _Unwatched(DaskGraphRunner):  # type: ignore[misc]
    """Runs without the hooks that take the fingerprint of each example, for a cache that keeps nothing."""

    @classmethod
    def create(
        cls,
        graph_schema: GraphSchema,
        model_storage: ModelStorage,
        execution_context: ExecutionContext,
        hooks: list[GraphNodeHook] | None = None,  # noqa: ARG003 - as Rasa calls it
    ) -> Self:
        """Return a runner of the graph."""
        made: Self = super().create(graph_schema, model_storage, execution_context)
        return made


def train_graph(
    importer: TrainingDataImporter, target: Path, parts: Path, progress: Callable[[str], object] = lambda _line: None
) -> Path:
    """Train everything and package it at `target`; `parts` is a scratch folder."""
    config = importer.get_config()
    with hushed():
        recipe = Recipe.recipe_for_name(config["recipe"])
        configuration = recipe.graph_config_for_recipe(config, {}, training_type=TrainingType.BOTH, is_finetuning=False)
    parts.mkdir(parents=True, exist_ok=True)
    progress("Training language understanding and rules")
    with hushed(), _without_bars():
        validate(configuration)
        trainer = GraphTrainer(LocalModelStorage(parts), _NoCache(), _Unwatched)
        trainer.train(configuration, importer, target, force_retraining=True)
    return target
