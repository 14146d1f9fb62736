"""Jobs that fit on no node there will ever be: they are refused when they come, with the reason."""

from __future__ import annotations

import msgspec
import numpy as np

from yuheng.model.cluster import Snapshot
from yuheng.model.policy import Policy
from yuheng.model.simulation import RefusedJob
from yuheng.scheduling.arrays import BIT_EXISTING_ANTI_AFFINITY, BIT_POD_AFFINITY, BIT_SPREAD_LABEL
from yuheng.scheduling.engine import Engine, Setting
from yuheng.scheduling.planner import refusal
from yuheng.simulation.population import Population

__all__ = ["impossible"]

# What other pods on the nodes may change: nobody is refused for good because of it.
_MAY_CHANGE = sum(1 << bit for bit in range(BIT_SPREAD_LABEL, BIT_EXISTING_ANTI_AFFINITY + 1)) | 1 << BIT_POD_AFFINITY


def impossible(snapshot: Snapshot, policy: Policy, seed: int, population: Population) -> dict[int, RefusedJob]:
    """The jobs with a pod that fits on no node, even if all nodes were there and empty.

    Args:
        snapshot: all nodes there will ever be.
        policy: whose filters decide.
        seed: of everything random.
        population: the jobs.

    Returns:
        By job, why not, and the smallest change that would help.
    """
    kinds = population.kinds
    empty: Snapshot = msgspec.structs.replace(snapshot, pods=())
    engine = Engine(empty, policy, seed, kinds.models, Setting(typical=()))
    submitted = kinds.kind[kinds.residents :]
    present = np.unique(submitted[submitted >= 0]).tolist()
    told: dict[int, RefusedJob | None] = {}
    reasons: dict[int, tuple[str, str]] = {}
    for kind in present:
        number = engine.class_of[kind]
        if number not in told:
            hand = engine.take([number])[number]
            bits = engine.record(hand) & ~_MAY_CHANGE
            told[number] = None
            if bits.all():
                found = refusal(engine, hand, kinds.models[kind])
                told[number] = RefusedJob("", found.message, found.hint)
        one = told[number]
        if one is not None:
            reasons[kind] = one.reason, one.hint
    if not reasons:
        return {}
    pods = np.flatnonzero(np.isin(kinds.kind, list(reasons)))
    pods = pods[pods >= kinds.residents]
    found_jobs: dict[int, RefusedJob] = {}
    for pod in pods.tolist():
        job = int(population.job_of[pod])
        reason, hint = reasons[int(kinds.kind[pod])]
        found_jobs.setdefault(job, RefusedJob(population.name(job), reason, hint))
    return found_jobs
