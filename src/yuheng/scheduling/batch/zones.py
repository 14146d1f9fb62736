"""A revocable zone that closes sends its pods away, a few of each job at a time (Volcano's ``tdm``)."""

from __future__ import annotations

import math
from typing import Final

from yuheng.model.batch_plan import Eviction
from yuheng.scheduling.batch.fences import REVOCABLE_ZONE
from yuheng.scheduling.batch.roster import JobState
from yuheng.scheduling.batch.session import Session
from yuheng.scheduling.batch.victims import Victims

__all__ = ["close_zones"]

# Pods of a job that leave in one step when it says nothing of its own.
DEFAULT_STEP: Final = 1


def close_zones(session: Session) -> None:
    """Evict from zones outside their windows, no more of each job in this step than it allows."""
    zones = session.settings.zones or {}
    closed = {name for name, zone in zones.items() if not zone.is_open(session.now)}
    if not closed:
        return
    nodes = session.engine.machines.nodes
    shut = {n for n, node in enumerate(nodes) if node.labels.get(REVOCABLE_ZONE) in closed}
    if not shut:
        return
    victims = Victims(session, "preempt")
    for state in session.roster.jobs:
        there = [i for i in state.running if int(session.roster.node_of[i]) in shut and victims.is_movable(i)]
        leaving = [i for i in sorted(there, key=lambda i: victims.place[i]) if victims.within_budget(i)]
        for i in leaving[: _step(state)]:
            if not victims.within_budget(i):
                continue
            victims.spend([i])
            session.moves.evict([i])
            node = nodes[session.engine.machines.index[session.roster.pods[i].node or ""]]
            zone = node.labels[REVOCABLE_ZONE]
            reason = f"revocable zone {zone} is closed at this time of day"
            session.evictions.append(Eviction(session.roster.pods[i].key, "", "tdm", reason, node.name))


def _step(state: JobState) -> int:
    """How many pods of a job may leave in one step."""
    running, size = len(state.running), len(state.running) + state.pending
    if state.job.disruption_max_unavailable:
        return max(_bound(state.job.disruption_max_unavailable, size) - (size - running), 0)
    if state.job.disruption_min_available:
        return max(running - _bound(state.job.disruption_min_available, size), 0)
    return DEFAULT_STEP


def _bound(text: str, size: int) -> int:
    """A number, or a percentage of the job's pods, rounded up."""
    if text.endswith("%"):
        return math.ceil(int(text[:-1]) * size / 100)
    return int(text)
