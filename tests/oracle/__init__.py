"""The oracle: a slow, obvious scheduler in plain Python, which the engine must agree with.

It is written from the rule book and from what kube-scheduler 1.36 documents and does, over the model's objects and
nothing else: no arrays, no classes of pods, no incremental bookkeeping. Every question is asked of every node, and
counted over every pod. Where it remembers an answer, it is one that cannot have changed.

    world       the cluster, the queue, what was asked before
    turn        one pod's spread constraints and pod affinity, counted over the cluster
    filters     what each node lacks for it
    scores, gpu what speaks for each node that lacks nothing
    schedule    the cycle: filter, score, pick, commit
"""

from __future__ import annotations

from tests.oracle.schedule import Decision, decide, plan, run
from tests.oracle.world import World

__all__ = ["Decision", "World", "decide", "plan", "run"]
