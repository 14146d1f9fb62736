"""A plan where queues and jobs decide: the configured actions, one after the other, on one session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from yuheng.model.batch import VOLCANO_DEFAULT, BatchPolicy, PluginOption
from yuheng.model.cluster import Snapshot
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.scheduling.batch.admission import enqueue
from yuheng.scheduling.batch.allocation import allocate, backfill, lend
from yuheng.scheduling.batch.claims import Claims, preempt, reclaim
from yuheng.scheduling.batch.fences import Fences
from yuheng.scheduling.batch.public import choose_queues
from yuheng.scheduling.batch.roster import BATCH_OWNERS, JobState, job_keys
from yuheng.scheduling.batch.session import Session
from yuheng.scheduling.batch.settings import settings_of
from yuheng.scheduling.batch.zones import close_zones
from yuheng.scheduling.engine import Engine, Setting

__all__ = ["default_batch", "open_session", "run"]

# Lines of the log beyond one for every pod: room for what is tried and taken back.
_SPARE_LINES: Final = 65_536


# Kueue: quota decides who is let in, by priority and age; each queue says itself whom it preempts and reclaims from.
KUEUE: Final = BatchPolicy(
    actions=("enqueue", "allocate", "preempt", "reclaim", "backfill"),
    tiers=(
        tuple(PluginOption(name) for name in ("priority", "gang", "conformance", "pdb")),
        tuple(PluginOption(name) for name in ("predicates", "capacity", "nodeorder", "network-topology-aware")),
    ),
)


def default_batch(snapshot: Snapshot) -> BatchPolicy:
    """The configuration where nobody chose one: Volcano's, with the plugins that only speak when objects ask for it.

    Queues with written ``deserved`` amounts mean ``capacity``; otherwise ``proportion`` shares out by weight. Kueue's
    queues come with Kueue's rules.
    """
    if any(queue.kind != "Queue" for queue in snapshot.queues):
        return KUEUE
    written = any(queue.deserved is not None for queue in snapshot.queues)
    first, second = VOLCANO_DEFAULT.tiers
    chosen = tuple(PluginOption("capacity") if written and item.name == "proportion" else item for item in second)
    asked = ["sla", "task-topology", "network-topology-aware"]
    if any(queue.public for queue in snapshot.queues):
        asked.append("publicqueue")
    extra = [PluginOption(name) for name in asked]
    if any(not queue.affinity.is_empty() for queue in snapshot.queues):
        extra.append(PluginOption("nodegroup", arguments={"strict": False}))
    return BatchPolicy(VOLCANO_DEFAULT.actions, (first, (*chosen, *extra)))


class _Places(NamedTuple):
    """Where pods belong before the roster is made: the queue's name, and whether they are work that ends."""

    queue: dict[str, str]
    batch: dict[str, bool]

    def queue_of(self, pod: Pod) -> str:
        """The queue of a pod, by name."""
        return self.queue[pod.key]

    def is_batch(self, pod: Pod) -> bool:
        """Whether a pod is work that ends."""
        return self.batch[pod.key]


def _places(snapshot: Snapshot) -> _Places:
    jobs = {job.key: job for job in snapshot.jobs}
    keys = job_keys(snapshot)
    queue, batch = {}, {}
    for pod in snapshot.pods:
        job = jobs.get(keys[pod.key])
        queue[pod.key] = job.queue if job is not None else pod.queue or "default"
        batch[pod.key] = job is not None or (pod.owner is not None and pod.owner.kind in BATCH_OWNERS)
    return _Places(queue, batch)


def open_session(snapshot: Snapshot, policy: Policy, seed: int, now: float | None) -> Session:
    """Compile a snapshot for batch scheduling; nothing is decided yet.

    Raises:
        InputError: an object names a queue or a job that is not there.
        ConfigError: the configuration cannot be used.
    """
    batch = policy.batch or default_batch(snapshot)
    settings = settings_of(batch)
    time = next((moment for moment in (now, snapshot.time) if moment is not None), 0.0)
    pods = tuple(sorted(snapshot.pods, key=lambda pod: (pod.namespace, pod.name)))
    jobs = tuple(sorted(snapshot.jobs, key=lambda job: (job.namespace, job.name)))
    snapshot = msgspec.structs.replace(snapshot, pods=pods, jobs=jobs)
    ungated: Snapshot = msgspec.structs.replace(
        snapshot, pods=tuple(pod for pod in pods if pod.node is not None or not pod.spec.gates)
    )
    lines = len(snapshot.pods) + _SPARE_LINES
    is_configured = policy.batch is not None
    if not settings.node_groups and settings.zones is None and not settings.reserve:
        engine = Engine(ungated, policy, seed, setting=Setting(lines=lines))
        return Session(snapshot, engine, settings, time, is_configured=is_configured)
    places = _places(snapshot)
    setting = Setting(
        fences=lambda machines: Fences(machines, snapshot, settings, places.queue_of, places.is_batch, time),
        reserve=settings.reserve,
        lines=lines,
    )
    engine = Engine(ungated, policy, seed, setting=setting)
    session = Session(snapshot, engine, settings, time, is_configured=is_configured)
    session.rename = lambda state, queue: _rename(session, places, state, queue)
    return session


def _rename(session: Session, places: _Places, state: JobState, queue: str) -> None:
    """Put a job's pods into the classes of another queue's nodes."""
    for group in state.groups:
        for pod in group.pods:
            places.queue[session.roster.pods[pod].key] = queue
        group.number = session.engine.class_number(session.roster.pods[group.pods[0]])


def run(session: Session, progress: Callable[[int, int], None] | None = None) -> None:
    """Run the configured actions in their order."""
    session.progress = progress
    close_zones(session)
    choose_queues(session)
    if not session.settings.has("enqueue"):
        for state in session.roster.jobs:
            closed = session.tree.queues[state.queue].closed
            state.admitted = state.admitted or (not closed and state.index not in session.barred)
    claims = Claims(session)
    actions: dict[str, Callable[[], None]] = {
        "enqueue": lambda: enqueue(session),
        "allocate": lambda: allocate(session, claims),
        "preempt": lambda: preempt(session, claims),
        "reclaim": lambda: reclaim(session, claims),
        "backfill": lambda: backfill(session),
    }
    for action in session.settings.batch.actions:
        actions[action]()
    if session.lends:
        lend(session)
