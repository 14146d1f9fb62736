"""Have every kernel that a scheduler needs compiled, while its image is built: decide once, in each of the ways.

Kernels are compiled when they are first called, for the types they are called with; so they are called, with every
preset, pod by pod and by queue. `kernel.py` in yuheng/scheduling says where the result is kept. Each level of
optimisation has kernels of its own: the level, and the processor, have to be those of the command line's environment.
"""

from __future__ import annotations

import sys

from yuheng.model.cluster import Snapshot
from yuheng.model.job import Job
from yuheng.model.live import Came, Renewed, Went
from yuheng.model.node import Node
from yuheng.model.pod import Pod, PodSpec
from yuheng.model.queue import Queue
from yuheng.scheduling.decider import Decider
from yuheng.scheduling.kernel import cache_folder
from yuheng.scheduling.presets import PRESETS

NODES = tuple(Node(name=name, allocatable={"cpu": 4000, "memory": 2**33, "pods": 10}) for name in ("a", "b"))
SMALL, LARGE = PodSpec(requests={"cpu": 1000}), PodSpec(requests={"cpu": 3500})


def pod_by_pod(policy: str | None) -> None:
    """One turn after a change, with a pod that fits, one that displaces another, and one that fits nowhere."""
    running = tuple(Pod(name=f"r{node.name}", spec=SMALL, node=node.name) for node in NODES)
    decider = Decider(policy)
    waiting = (Pod(name="w", spec=SMALL), Pod(name="dear", spec=LARGE, priority=9), Pod(name="huge", spec=LARGE))
    decider.take([Renewed(Snapshot(nodes=NODES, pods=(*running, *waiting)))])
    decider.decide(waiting)
    decider.take([Went(running[0].key), Came(running[0])])
    decider.decide(waiting)


def by_queue(policy: str | None) -> None:
    """One turn with a gang that waits behind another that runs."""
    pods = [Pod(name=f"p{i}", spec=SMALL, job="default/one", node="a" if i < 2 else None) for i in range(4)]
    pods += [Pod(name=f"q{i}", spec=LARGE, job="default/two", priority=5) for i in range(2)]
    jobs = (Job(name="one", min_available=2, queue="batch"), Job(name="two", min_available=2, queue="other"))
    queues = (Queue(name="batch", weight=1), Queue(name="other", weight=3), Queue(name="default"))
    decider = Decider(policy)
    decider.take([Renewed(Snapshot(nodes=NODES, pods=tuple(pods), jobs=jobs, queues=queues))])
    decider.decide(())


def main() -> None:
    """Call them all."""
    for policy in (None, *PRESETS):
        pod_by_pod(policy)
        by_queue(policy)
    kept = cache_folder()
    sys.stdout.write(f"{len(list(kept.rglob('*.nbi')))} kernels in {kept}\n")


if __name__ == "__main__":
    main()
