"""Room for pods that matter more: whom they are placed before, and who would have to go.

The rules are kube-scheduler's DefaultPreemption: of the nodes where a pod would fit if all pods of lower priority were
gone, as many of those as possible are spared, those of the highest priority first; of the nodes, the one whose victims
matter least is taken. Two things are stricter: pods that a disruption budget protects, and those of the system, never
have to go. The pod that room is made for is *nominated* for the node: until its victims are gone, no pod of lower
priority is placed where it is to be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.cluster import PodDisruptionBudget
from yuheng.model.live import Preemption
from yuheng.model.pod import Pod
from yuheng.scheduling.ledger import Ledger, Verdict
from yuheng.scheduling.victims import SYSTEM_CRITICAL

__all__ = ["nominate"]

# Nodes that are tried for one pod, and pods that room is looked for in one turn; the others have the next.
NODES_TRIED: Final = 20
MOST_IN_A_TURN: Final = 16


class _Candidate(NamedTuple):
    """A node, and who would have to go; the least of them is taken."""

    highest: int
    total: int
    victims_count: int
    youngest: float
    node: str
    victims: tuple[Pod, ...]


class Room(NamedTuple):
    """What was decided, and who has to go for it.

    Attributes:
        verdicts: one for each pod, in order.
        found: who has to go for whom.
        later: pods without a place for which room was not looked for: it was for as many others as there is time for.
    """

    verdicts: list[Verdict]
    found: tuple[Preemption, ...]
    later: tuple[str, ...]


def nominate(
    ledger: Ledger,
    pods: Sequence[Pod],
    nominated: Mapping[str, str],
    budgets: Sequence[PodDisruptionBudget],
    *,
    may_evict: bool,
) -> Room:
    """Give pods their turn, and make room for those that find none where others matter less.

    Args:
        ledger: the cluster; those that fit are on it afterwards.
        pods: in the order of their turns: priority first.
        nominated: the nodes that were cleared for some of them, by ``namespace/name``.
        budgets: what protects running pods.
        may_evict: whether room may be made.

    Returns:
        What was decided.
    """
    turn = _Turn(ledger, nominated, budgets, may_evict=may_evict)
    verdicts: list[Verdict] = []
    for _, alike in groupby(pods, key=lambda pod: pod.priority):
        verdicts += turn.decide(list(alike))
    turn.end()
    return Room(verdicts, tuple(turn.found), tuple(turn.later))


class _Held(NamedTuple):
    """What running pods hold that might be asked to go, as arrays.

    Attributes:
        nodes: (pods,) the node of each.
        priorities: (pods,) its priority.
        requests: (pods, R) what it asks for.
    """

    nodes: NDArray[np.int64]
    priorities: NDArray[np.int64]
    requests: NDArray[np.int64]

    @classmethod
    def of(cls, ledger: Ledger) -> Self:
        """Of all pods that are not of the system."""
        index, resources = ledger.engine.machines.index, ledger.engine.resources
        pods = [pod for pod in ledger.running() if not (pod.terminating or _is_of_the_system(pod))]
        rows = {id(pod.spec): resources.row(pod.spec.requests) for pod in pods}
        requests = np.array([rows[id(pod.spec)] for pod in pods], dtype=np.int64)
        return cls(
            np.array([index[pod.node or ""] for pod in pods], dtype=np.int64),
            np.array([pod.priority for pod in pods], dtype=np.int64),
            requests.reshape(len(pods), len(resources.names)),
        )

    def below(self, priority: int, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """What pods of lower priority hold on each of so many nodes, their highest priority, and how many they are."""
        chosen = self.priorities < priority
        nodes = self.nodes[chosen]
        held = np.zeros((size, self.requests.shape[1]), dtype=np.int64)
        np.add.at(held, nodes, self.requests[chosen])
        highest = np.full(size, np.iinfo(np.int64).min)
        np.maximum.at(highest, nodes, self.priorities[chosen])
        return held, highest, np.bincount(nodes, minlength=size).astype(np.int64)


class _Turn:
    """One turn, with what holds only until it ends."""

    def __init__(
        self,
        ledger: Ledger,
        nominated: Mapping[str, str],
        budgets: Sequence[PodDisruptionBudget],
        *,
        may_evict: bool,
    ) -> None:
        self.found: list[Preemption] = []
        self.later: list[str] = []
        self._ledger = ledger
        self._nominated = nominated
        self._budgets = budgets
        self._may_evict = may_evict
        self._spent: Counter[tuple[str, str]] = Counter()
        self._leaving: set[str] = set()
        self._ghosts: list[str] = []
        self._closed: list[str] = []
        self._on: dict[str, list[Pod]] | None = None
        self._held: _Held | None = None
        # Pods of these classes and priorities find no room, whoever goes.
        self._hopeless: set[tuple[int, int]] = set()
        self._looked = 0

    def decide(self, pods: list[Pod]) -> list[Verdict]:
        """Pods of one priority: those that room was made for first."""
        promised = [pod for pod in pods if pod.key in self._nominated]
        others = [pod for pod in pods if pod.key not in self._nominated]
        verdicts = self._ledger.decide(promised)
        for one in verdicts:
            if not one.node:
                self._keep(one.pod, self._nominated[one.pod.key])
        rest = self._ledger.decide(others)
        # Of those that room was made for already, the victims are mostly on their way.
        for one in (*rest, *verdicts):
            if not one.node and self._may_ask(one.pod):
                self._make_room(one.pod)
        found = {one.pod.key: one for one in (*verdicts, *rest)}
        return [found[pod.key] for pod in pods]

    def end(self) -> None:
        """Nobody is kept room for any longer."""
        for key in self._ghosts:
            self._ledger.leave(key)
        self._ledger.open(self._closed)

    def _keep(self, pod: Pod, node: str) -> None:
        """Keep the room on a node for a pod, so that none of lower priority takes it."""
        ledger = self._ledger
        if node not in ledger.engine.machines.index:
            return
        if not pod.spec.devices.count:
            ledger.seat(msgspec.structs.replace(pod, node=node))
            self._ghosts.append(pod.key)
        elif not ledger.is_closed(node):
            # Which of its GPUs become free is not known yet: nobody else gets any of them in this turn.
            ledger.close([node])
            self._closed.append(node)

    def _may_ask(self, pod: Pod) -> bool:
        if not self._may_evict or not pod.preempts:
            return False
        if (self._ledger.number(pod), pod.priority) in self._hopeless:
            return False
        if not (self._all_held().priorities < pod.priority).any():
            return False
        node = self._nominated.get(pod.key)
        if node is not None and any(other.terminating for other in self._running_on(node)):
            # Its victims are on their way already.
            return False
        if self._looked >= MOST_IN_A_TURN:
            self.later.append(pod.key)
            return False
        return True

    def _all_held(self) -> _Held:
        if self._held is None:
            self._held = _Held.of(self._ledger)
        return self._held

    def _running_on(self, node: str) -> list[Pod]:
        if self._on is None:
            self._on = {}
            for pod in self._ledger.running():
                self._on.setdefault(pod.node or "", []).append(pod)
        return self._on.get(node, [])

    def _make_room(self, pod: Pod) -> None:
        self._looked += 1
        if pod.key in self._ghosts:
            self._ledger.leave(pod.key)
            self._ghosts.remove(pod.key)
        best = min((one for node in self._nodes_for(pod) if (one := self._tried(pod, node)) is not None), default=None)
        if best is None:
            self._hopeless.add((self._ledger.number(pod), pod.priority))
            return
        self.found.append(Preemption(pod.key, best.node, tuple(victim.key for victim in best.victims)))
        for victim in best.victims:
            self._leaving.add(victim.key)
            for budget in self._protecting(victim):
                self._spent[budget.namespace, budget.name] += 1
        self._keep(pod, best.node)

    def _nodes_for(self, pod: Pod) -> list[str]:
        """The nodes that a pod may be on, and where pods of lower priority hold what it lacks; cheapest first."""
        engine = self._ledger.engine
        lower, highest, count = self._all_held().below(pod.priority, len(engine.machines))
        hand = self._ledger.hand_of(pod)
        window, w = hand.window, hand.row
        needs = window.needs[window.need_start[w] : window.need_start[w + 1]]
        free = engine.cluster.allocatable[:, needs] - engine.cluster.used[:, needs] + lower[:, needs]
        possible = (window.static[w] == 0) & (count > 0) & (window.request[w, needs] <= free).all(axis=1)
        found = np.flatnonzero(possible & (engine.cluster.absent == 0))
        order = found[np.lexsort((found, count[found], highest[found]))]
        return [engine.machines.nodes[n].name for n in order[:NODES_TRIED].tolist()]

    def _lower(self, pod: Pod, node: str) -> list[Pod]:
        """The pods on a node that may be asked to go for a pod."""
        return [other for other in self._running_on(node) if other.priority < pod.priority and self._may_go(other)]

    def _may_go(self, pod: Pod) -> bool:
        if pod.terminating or pod.key in self._leaving or pod.key not in self._ledger:
            return False
        if _is_of_the_system(pod) or not self._ledger.tells(pod):
            return False
        return all(
            budget.disruptions_allowed > self._spent[budget.namespace, budget.name] for budget in self._protecting(pod)
        )

    def _protecting(self, pod: Pod) -> Iterable[PodDisruptionBudget]:
        return (one for one in self._budgets if one.namespace == pod.namespace and one.selector.matches(pod.labels))

    def _tried(self, pod: Pod, node: str) -> _Candidate | None:
        """Who has to go for a pod to fit on a node; None where it would not fit even then."""
        ledger = self._ledger
        lower = sorted(self._lower(pod, node), key=lambda one: (-one.priority, one.started or one.created, one.key))
        for one in lower:
            ledger.leave(one.key)
        victims: list[Pod] = []
        fits = ledger.fits(pod, node)
        allowed = Counter(self._spent)
        for one in lower:
            ledger.seat(one)
            if fits and not ledger.fits(pod, node):
                ledger.leave(one.key)
                victims.append(one)
                allowed.update((budget.namespace, budget.name) for budget in self._protecting(one))
        for one in victims:
            ledger.seat(one)
        if not fits or not victims or self._breaks(allowed):
            return None
        priorities = [one.priority for one in victims]
        youngest = min(one.started or one.created for one in victims if one.priority == max(priorities))
        return _Candidate(max(priorities), sum(priorities), len(victims), -youngest, node, tuple(victims))

    def _breaks(self, spent: Mapping[tuple[str, str], int]) -> bool:
        """Whether more pods of a budget would go than it allows."""
        return any(spent[one.namespace, one.name] > max(one.disruptions_allowed, 0) for one in self._budgets)


def _is_of_the_system(pod: Pod) -> bool:
    return pod.namespace == "kube-system" or pod.priority >= SYSTEM_CRITICAL
