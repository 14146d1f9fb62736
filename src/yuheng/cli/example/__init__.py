"""The built-in example: a cluster of a company that sells things and trains models on the side.

It is made, not recorded, but in the words of a real dump: what `kubectl get -o json` would give for nodes, pods, their
controllers, services, volumes, budgets and priority classes. Everything is a function of its tables:
no clock, no randomness, so that every run of the demo, and every page of the documentation, sees the same cluster.

    pools ───────────────> nodes ──┐
    services, models ──> workloads ┴─> controllers, pods, services, claims and volumes
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from yuheng.cli.example.models import MODELS
from yuheng.cli.example.pools import node_objects
from yuheng.cli.example.rules import policy_objects
from yuheng.cli.example.services import SERVICES
from yuheng.cli.example.workloads import Floor

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EXPLAINED", "example_list", "example_objects"]

# The pod whose refusal tells most: it asks for fewer GPUs than are free, and no node has them.
EXPLAINED: Final = "ml/llm-finetune-"


def example_objects() -> list[Mapping[str, Any]]:
    """The Kubernetes objects of the example: nodes, what runs on them, and what waits."""
    nodes = node_objects()
    floor = Floor(nodes)
    made = [item for workload in (*SERVICES, *MODELS) for item in workload.objects(floor)]
    return [*nodes, *policy_objects(), *made]


def example_list() -> dict[str, Any]:
    """The same as one ``List``, as kubectl prints several objects."""
    return {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": example_objects()}
