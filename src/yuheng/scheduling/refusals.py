"""Why a class of pods finds no node, in kube-scheduler's words: told by planned and by live decisions alike."""

from __future__ import annotations

from yuheng.model.plan import Reason
from yuheng.model.pod import Pod
from yuheng.scheduling.arrays import Bits
from yuheng.scheduling.engine import Engine, Hand
from yuheng.scheduling.explain import CONFLICT, reasons, sentence

__all__ = ["reasoned"]


def reasoned(engine: Engine, hand: Hand, pod: Pod, record: Bits) -> tuple[str, tuple[Reason, ...]]:
    """The sentence, and the reasons counted over nodes.

    Args:
        engine: the cluster.
        hand: the class of the pod, just rated.
        pod: the pod.
        record: (N,) what keeps the class off each node (see `Engine.record`).
    """
    nodes = len(engine.machines)
    if "NodeAffinity" in engine.policy.filters and nodes and _contradicts_itself(pod):
        return f"0/{nodes} nodes are available: {CONFLICT}.", (Reason("NodeAffinity", CONFLICT, nodes),)
    found = reasons(engine, hand, record)
    return sentence(nodes, found), found


def _contradicts_itself(pod: Pod) -> bool:
    """Whether every required term names nodes, and none of them names any (kube-scheduler's PreFilter)."""
    required = pod.spec.affinity.node_affinity.required
    if required is None or not required.node_selector_terms:
        return False
    named = [term.named_nodes() for term in required.node_selector_terms]
    return all(names is not None and not names for names in named)
