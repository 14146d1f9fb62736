"""From demand and offers to arrays, and who is left out because nothing that is sold could ever hold it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from yuheng.finops.node_mix.demand import Demand, Kind, repels
from yuheng.finops.node_mix.kinds import NVIDIA_GPU
from yuheng.finops.node_mix.offers import Offer
from yuheng.finops.node_mix.problem import Flags, Problem
from yuheng.finops.node_pods import may_run, served
from yuheng.model.node_mix import Unheld
from yuheng.model.pod import Pod
from yuheng.model.quantity import format_amount

__all__ = ["Asked", "asked_of", "daemons_on"]


class Asked(NamedTuple):
    """The question.

    Attributes:
        problem: as arrays; no machine in it is beaten by another, and every kind is held by one at least.
        offers: (M,) the machines.
        kinds: (I,) the pods.
        unheld: those that no machine holds.
    """

    problem: Problem
    offers: tuple[Offer, ...]
    kinds: tuple[Kind, ...]
    unheld: tuple[Unheld, ...]

    def on(self, machines: Flags) -> Asked:
        """The same with some of the machines only.

        Args:
            machines: (M,) which.
        """
        offers = tuple(offer for offer, is_kept in zip(self.offers, machines.tolist(), strict=True) if is_kept)
        return self._replace(problem=self.problem.kept(machines), offers=offers)

    def with_pods(self, kinds: Sequence[Kind]) -> tuple[Asked, Flags]:
        """The same with other numbers of pods.

        Args:
            kinds: (I,) the kinds, with the pods that are left of each.

        Returns:
            The question of those of which any are left, and (I,) which those are.
        """
        counts = np.array([len(kind.pods) for kind in kinds], dtype=np.int64)
        is_held = counts > 0
        problem = self.problem._replace(counts=counts).holding(is_held)
        return self._replace(problem=problem, kinds=tuple(kind for kind in kinds if kind.pods)), is_held


def daemons_on(demand: Demand, offer: Offer) -> list[Pod]:
    """The pods that a machine gets as a node: of DaemonSets, and static ones."""
    return served(offer.node, demand.daemons, demand.snapshot)


def asked_of(demand: Demand, offers: Sequence[Offer]) -> Asked:
    """Put the question as arrays."""
    problem = _problem(demand, offers)
    held = problem.alone().max(axis=0, initial=0) > 0
    unheld = tuple(
        Unheld(pods=tuple(pod.key for pod in kind.pods), reason=_reason(problem, i, demand))
        for i, kind in enumerate(demand.kinds)
        if not held[i]
    )
    kinds = tuple(kind for kind, is_held in zip(demand.kinds, held.tolist(), strict=True) if is_held)
    return Asked(problem.holding(held), tuple(offers), kinds, unheld)


def _problem(demand: Demand, offers: Sequence[Offer]) -> Problem:
    pods = [kind.sample for kind in demand.kinds]
    names = tuple(sorted({"pods", *(name for pod in (*pods, *demand.daemons) for name in pod.spec.requests)}))
    sizes = np.array([_amounts(pod, names) for pod in pods], dtype=np.int64).reshape(len(pods), len(names))
    open_ = np.zeros((len(offers), len(pods)), dtype=np.bool_)
    room = np.zeros((len(offers), len(names)), dtype=np.int64)
    known: dict[tuple[tuple[str, str], ...], tuple[list[bool], list[Pod]]] = {}
    for m, offer in enumerate(offers):
        key = (*sorted(offer.node.labels.items()), ("", offer.node.devices.model))
        if key not in known:
            allowed = [may_run(pod, offer.node, demand.snapshot) for pod in pods]
            known[key] = (allowed, daemons_on(demand, offer))
        allowed, daemons = known[key]
        open_[m] = allowed
        room[m] = [offer.node.allocatable.get(name, 0) for name in names]
        room[m] -= sum((np.array(_amounts(pod, names), dtype=np.int64) for pod in daemons), np.zeros_like(room[m]))
    share = np.array([_share(pod) for pod in pods], dtype=np.int64)
    open_ &= ~((share > 0)[None, :] & np.array([offer.gpu != NVIDIA_GPU for offer in offers])[:, None])
    gpus = np.array([offer.node.devices.count for offer in offers], dtype=np.int64)
    return Problem(
        names=names,
        sizes=sizes,
        counts=np.array([len(kind.pods) for kind in demand.kinds], dtype=np.int64),
        whole=np.array([0 if pod.spec.devices.is_share() else pod.spec.devices.count for pod in pods], dtype=np.int64),
        share=share,
        most=np.array([kind.most for kind in demand.kinds], dtype=np.int64),
        clash=_clash(demand, pods),
        prices=np.array([offer.price.per_hour for offer in offers]),
        room=np.maximum(room, 0),
        gpus=gpus,
        open=open_ & np.all(room >= 0, axis=1)[:, None],
    )


def _amounts(pod: Pod, names: Sequence[str]) -> list[int]:
    return [1 if name == "pods" else pod.spec.requests.get(name, 0) for name in names]


def _share(pod: Pod) -> int:
    """Thousandths of one GPU; 0 for none, and for whole ones."""
    return pod.spec.devices.milli if pod.spec.devices.is_share() else 0


def _clash(demand: Demand, pods: Sequence[Pod]) -> Flags:
    clash = np.zeros((len(pods), len(pods)), dtype=np.bool_)
    ruled = [i for i, pod in enumerate(pods) if pod.spec.affinity.pod_anti_affinity.required or pod.spec.host_ports]
    for i in ruled:
        for j, other in enumerate(pods):
            if i != j and repels(pods[i], other, demand.snapshot):
                clash[i, j] = clash[j, i] = True
    return clash


def _reason(problem: Problem, i: int, demand: Demand) -> str:
    """Why no machine holds a kind of pods, in one sentence."""
    allowed = problem.open[:, i]
    if not allowed.any():
        return "its node selector, node affinity, GPU model or volumes allow none of the machines"
    devices = demand.kinds[i].sample.spec.devices
    needed = devices.count
    if needed and int(problem.gpus[allowed].max()) < needed:
        most = int(problem.gpus[allowed].max())
        return f"it asks for {needed} GPUs; the machines that it may be on have {most} at most"
    for r, name in enumerate(problem.names):
        most = int(problem.room[allowed, r].max())
        size = int(problem.sizes[i, r])
        if size > most:
            asked, had = format_amount(name, size), format_amount(name, most)
            return f"it asks for {name} {asked}; the machines that it may be on have {had} at most for pods"
    return "no machine that it may be on has enough of everything at once"
