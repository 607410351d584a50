"""Rasa's prediction graph without a scheduler: its nodes one after the other, in an order found once."""

from collections.abc import Mapping
from graphlib import TopologicalSorter
from typing import Any, Self

from nlu.quiet import hushed  # isort: split

from rasa.engine.graph import ExecutionContext, GraphNode, GraphNodeHook, GraphSchema
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.runner.interface import GraphRunner
from rasa.engine.storage.storage import ModelStorage


class InOrder(GraphRunner):  # type: ignore[misc]
    """Runs what a target needs, in order.

    Dask plans every run anew and calls each node through a pool; for a dozen nodes that take turns anyway this takes
    longer than some of them.
    """

    def __init__(self, schema: GraphSchema, nodes: Mapping[str, GraphNode]) -> None:
        self._schema, self._nodes = schema, nodes
        self._orders: dict[str, list[tuple[str, tuple[str, ...]]]] = {}

    @classmethod
    def create(
        cls,
        graph_schema: GraphSchema,
        model_storage: ModelStorage,
        execution_context: ExecutionContext,
        hooks: list[GraphNodeHook] | None = None,
    ) -> Self:
        """Return a runner with its nodes made."""
        with hushed():
            return cls.of(DaskGraphRunner.create(graph_schema, model_storage, execution_context, hooks))

    @classmethod
    def of(cls, other: DaskGraphRunner) -> Self:
        """Return a runner of the nodes that another has made."""
        return cls(other._graph_schema, other._instantiated_nodes)  # noqa: SLF001 - Rasa shows them nowhere

    def run(self, inputs: Mapping[str, Any] | None = None, targets: list[str] | None = None) -> dict[str, Any]:
        """Return what each target gives; an input stands for the node of its name."""
        given: dict[str, tuple[str, Any]] = {name: (name, value) for name, value in (inputs or {}).items()}
        wanted = targets or self._schema.target_names
        for target in wanted:
            for name, needs in self._order(target):
                if name not in given:
                    given[name] = self._nodes[name](*(given[need] for need in needs))
        return dict(given[target] for target in wanted)

    def _order(self, target: str) -> list[tuple[str, tuple[str, ...]]]:
        known = self._orders.get(target)
        if known is None:
            needs = {
                name: tuple(node.needs.values())
                for name, node in self._schema.minimal_graph_schema([target]).nodes.items()
            }
            known = [(name, needs[name]) for name in TopologicalSorter(needs).static_order() if name in needs]
            self._orders[target] = known
        return known
