"""The engine's answers and the oracle's, brought to one form."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests import oracle
from yuheng.model.cluster import Snapshot
from yuheng.model.plan import Plan
from yuheng.model.policy import Policy
from yuheng.scheduling.planner import plan


def seeds_order(snapshot: Snapshot, policy: Policy, seed: int) -> list[str]:
    """The node names in the order that breaks ties."""
    names = sorted(node.name for node in snapshot.nodes)
    if policy.ties == "name":
        return names
    return [names[i] for i in np.random.Generator(np.random.PCG64(seed)).permutation(len(names))]


def engine_says(snapshot: Snapshot, policy: Policy, seed: int = 0) -> dict[str, Any]:
    """The engine's plan."""
    return told(plan(snapshot, policy, seed))


def told(found: Plan) -> dict[str, Any]:
    """A plan's decisions: placements and refusals in order, reasons by filter and words."""
    return {
        "placed": [(placement.pod, placement.node, placement.devices) for placement in found.placements],
        "refused": [(refusal.pod, refusal.message) for refusal in found.unschedulable],
        "reasons": {
            refusal.pod: {(reason.filter, reason.detail): reason.nodes for reason in refusal.reasons}
            for refusal in found.unschedulable
        },
    }


def oracle_says(snapshot: Snapshot, policy: Policy, seed: int = 0) -> dict[str, Any]:
    """The oracle's plan."""
    decisions = oracle.plan(snapshot, policy, seeds_order(snapshot, policy, seed))
    return {
        "placed": [(made.pod, made.node, made.devices) for made in decisions if made.node],
        "refused": [(made.pod, made.message) for made in decisions if not made.node],
        "reasons": {made.pod: made.reasons for made in decisions if not made.node},
    }


def oracle_scores(decision: oracle.Decision) -> list[tuple[str, dict[str, int]]]:
    """What the oracle's plugins gave each feasible node, best node first, ties by name."""
    return sorted(decision.scores.items(), key=lambda item: (-sum(item[1].values()), item[0]))
