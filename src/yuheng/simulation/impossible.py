"""Jobs that could never start, on nodes however empty: they are refused when they come, with the reason."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from yuheng.model.cluster import Snapshot
from yuheng.model.policy import Policy
from yuheng.model.simulation import RefusedJob
from yuheng.scheduling.arrays import BIT_EXISTING_ANTI_AFFINITY, BIT_SPREAD_LABEL
from yuheng.scheduling.departures import revert
from yuheng.scheduling.engine import Engine, Hand, Setting
from yuheng.scheduling.planner import GATED, refusal
from yuheng.simulation.population import Population

__all__ = ["impossible"]

# What other pods on the nodes may change: nobody is refused for good because of it.
_MAY_CHANGE: Final = sum(1 << bit for bit in range(BIT_SPREAD_LABEL, BIT_EXISTING_ANTI_AFFINITY + 1))


def impossible(snapshot: Snapshot, policy: Policy, seed: int, population: Population) -> dict[int, RefusedJob]:
    """The jobs with a pod that fits on no node, or a minimum that does not fit on all of them together.

    Args:
        snapshot: all nodes there will ever be; they are taken to be empty.
        policy: whose filters decide.
        seed: of everything random.
        population: the jobs.

    Returns:
        By job, why not, and the smallest change that would help.
    """
    kinds = population.kinds
    empty: Snapshot = msgspec.structs.replace(snapshot, pods=())
    largest = int(population.minimum.max(initial=1))
    judge = _Judge(Engine(empty, policy, seed, kinds.models, Setting(lines=2 * largest + 1, typical=())))
    submitted = np.arange(kinds.residents, len(kinds.kind))
    jobs = population.job_of[submitted]
    # Jobs of the workload have pods of one kind; of the cluster's own, each pod is judged by itself.
    minima = np.where(jobs >= len(population.old), population.minimum[jobs], 1)
    pairs = np.stack([kinds.kind[submitted], minima], axis=1)
    distinct, where = np.unique(pairs, axis=0, return_inverse=True)
    verdicts = [judge.judge(kind, minimum) for kind, minimum in distinct.tolist()]
    refused = np.array([verdict is not None for verdict in verdicts], dtype=np.bool_)
    if not refused.any():
        return {}
    found: dict[int, RefusedJob] = {}
    for pod, pair in zip(submitted[refused[where]].tolist(), where[refused[where]].tolist(), strict=True):
        job, verdict = int(population.job_of[pod]), verdicts[pair]
        if verdict is not None:
            found.setdefault(job, msgspec.structs.replace(verdict, job=population.name(job)))
    return found


class _Judge:
    """Says of pods whether they fit on empty nodes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._alone: dict[int, RefusedJob | None] = {}
        self._hands: dict[int, Hand] = {}

    def judge(self, kind: int, minimum: int) -> RefusedJob | None:
        """Why so many pods of a kind can never run together; None when they can."""
        number = self._engine.class_of[kind]
        if number not in self._alone:
            self._hands = self._engine.take([number])
            self._alone[number] = self._judge_one(kind, self._hands[number])
        if self._alone[number] is not None or minimum < 2:
            return self._alone[number]
        if number not in self._hands:
            self._hands = self._engine.take([number])
        return self._judge_gang(self._hands[number], minimum)

    def _judge_one(self, kind: int, hand: Hand) -> RefusedJob | None:
        if self._engine.queue[kind].spec.gates:
            return RefusedJob("", f"{GATED}.", "remove its scheduling gates")
        bits = self._engine.record(hand) & ~_MAY_CHANGE
        if not bits.all():
            return None
        found = refusal(self._engine, hand, self._engine.queue[kind])
        return RefusedJob("", found.message, found.hint)

    def _judge_gang(self, hand: Hand, minimum: int) -> RefusedJob | None:
        """Place as many as fit, and take them off again; rules about other pods are left to the scheduler."""
        first = hand.window.counter_first
        if first[hand.row + 1] > first[hand.row]:
            return None
        cluster = self._engine.cluster
        placed = 0
        while placed < minimum and self._engine.place_one(hand):
            placed += 1
        rows = np.full(placed, hand.row, dtype=np.int32)
        revert(cluster, hand.window, rows, cluster.log_node[:placed].copy(), cluster.log_devices[:placed].copy())
        cluster.log_size[0] = 0
        cluster.log_devices[:] = 0
        hand.window.seen[hand.row] = 0
        self._hands = {}
        if placed == minimum:
            return None
        text = (
            f"only {placed} of its {minimum} pods, which have to start together, fit on the nodes when all are empty."
        )
        return RefusedJob("", text, f"let it start with {placed} pods" if placed else "")
