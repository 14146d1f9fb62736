"""A packing as what is bought: so many nodes of each type, how full they are, and what other rules would buy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from yuheng.finops.node_mix.packing import Packing
from yuheng.finops.node_mix.problem import Problem
from yuheng.finops.node_mix.question import Asked
from yuheng.model.labels import ZONE
from yuheng.model.node_mix import BaselineMix, BoughtNodes

__all__ = ["allocation", "baselines", "bought"]


def baselines(asked: Asked, found: Mapping[str, Packing]) -> tuple[BaselineMix, ...]:
    """What other rules would buy.

    Args:
        asked: the question.
        found: their packings, by rule.
    """
    return tuple(_baseline(asked, rule, packing) for rule, packing in found.items())


def _baseline(asked: Asked, rule: str, packing: Packing) -> BaselineMix:
    types = Counter(asked.offers[m].price.instance_type for m in packing.machine.tolist())
    return BaselineMix(
        rule=rule,
        per_hour=packing.price(asked.problem),
        nodes=len(packing.machine),
        types=dict(sorted(types.items(), key=lambda item: (-item[1], item[0]))),
    )


def bought(asked: Asked, packing: Packing) -> tuple[BoughtNodes, ...]:
    """The machines of a packing, dearest sort first.

    Args:
        asked: the question.
        packing: the machines.
    """
    problem, found = asked.problem, []
    for m in np.unique(packing.machine).tolist():
        rows = packing.machine == m
        price, node = asked.offers[m].price, asked.offers[m].node
        some = Packing(packing.machine[rows], packing.held[rows])
        found.append(
            BoughtNodes(
                instance_type=price.instance_type,
                provider=price.provider,
                region=price.region,
                zone=node.labels.get(ZONE, ""),
                market=price.market,
                count=int(rows.sum()),
                each=price.per_hour,
                cpu=_room(problem, m, "cpu", node.allocatable["cpu"]),
                memory=_room(problem, m, "memory", node.allocatable["memory"]),
                gpus=int(problem.gpus[m]),
                gpu_model=node.devices.model,
                pods=int(some.held.sum()),
                allocation=allocation(problem, some),
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.each * one.count, one.instance_type, one.market, one.zone)))


def _room(problem: Problem, m: int, name: str, else_: int) -> int:
    return int(problem.room[m, problem.names.index(name)]) if name in problem.names else else_


def allocation(problem: Problem, packing: Packing) -> dict[str, float]:
    """The share of each resource that pods ask for: cpu, memory, and GPUs where there are any."""
    asked = (packing.held @ problem.sizes).sum(axis=0)
    room = problem.room[packing.machine].sum(axis=0)
    found = {
        name: round(float(asked[r] / room[r]), 4)
        for r, name in enumerate(problem.names)
        if name in ("cpu", "memory") and room[r]
    }
    gpus = int(problem.gpus[packing.machine].sum())
    if gpus:
        used = float((packing.held @ (problem.whole + problem.share / 1000)).sum())
        found["gpu"] = round(used / gpus, 4)
    return found
