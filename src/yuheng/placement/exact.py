"""The best plan there is, as a program in whole numbers, where it is small enough to be solved.

Who is on which node is decided for all workloads at once; what comes out is put into force by the scheduler, group by
group, the largest pods first. Where the scheduler packs the nodes another way, and so finds no room for somebody, the
pods get the very nodes of the solution. Workloads whose pods look at more than room stay where they are.

Where nodes are too many, a group counts as one big machine: then the program knows less than the scheduler, and more
than a search that moves one workload at a time.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from yuheng.model.objective import Terms
from yuheng.placement.assignment import Assignment
from yuheng.placement.cases import Case, Part, Proposal
from yuheng.placement.opened import Tenant
from yuheng.placement.payments import Place, User, pay
from yuheng.placement.program import Program
from yuheng.placement.sites import on_node
from yuheng.placement.terrain import Terrain

__all__ = ["Bound", "solve"]

# Columns of a program that is solved, and nodes of the tree that is searched: they stand in for a limit of time, which
# would make plans differ from one machine to the next.
MOST_COLUMNS: Final = 2_000
MOST_NODES: Final = 500
GOOD_ENOUGH: Final = 1e-9
# The largest cost in a program is about this.
LARGEST_COST: Final = 1e4
# Whole GPUs that nobody has a part of.
GPUS: Final = "whole GPUs"
# Amounts of memory are in bytes, others in thousandths: solvers like them of a size.
MEMORY_SCALE: Final = 2.0**-20


class Bound(NamedTuple):
    """What is known when a program has been solved.

    Attributes:
        value: no plan of the same workloads has a lower score.
        keys: the workloads.
    """

    value: float
    keys: frozenset[str]


class _Spot(NamedTuple):
    """A place for pods: a template, a group, and a node of it, or -1 for all of its nodes."""

    case: int
    template: int
    group: int
    node: int


# By workload, how many pods are at each spot.
_Solution = dict[int, dict[_Spot, int]]
_Way = Callable[[Assignment, Case, Mapping[_Spot, int]], bool]


def solve(assignment: Assignment, cases: Sequence[Case]) -> Bound | None:
    """Improve a plan by the best there is; what is known of it then, None when nothing is.

    Workloads that weigh dollars, seconds and grams in the same way are decided together, the most of them last.

    Args:
        assignment: where everybody is; it is left better, or as it was.
        cases: the workloads that may be moved, placed or not.
    """
    movable: dict[Terms, list[Case]] = {}
    for case in cases:
        if _is_movable(assignment, case):
            movable.setdefault(case.factors, []).append(case)
    known = None
    for _, some in sorted(movable.items(), key=lambda item: (len(item[1]), item[0])):
        known = _solve(assignment, some)
    return known


def _solve(assignment: Assignment, movable: Sequence[Case]) -> Bound | None:
    by_node = _columns(assignment, movable, by_node=True) <= MOST_COLUMNS
    if not by_node and _columns(assignment, movable, by_node=False) > MOST_COLUMNS:
        return None
    worth = _worth(assignment, movable)
    before = {
        case.workload.identity: assignment.release(case.workload.identity)
        for case in movable
        if case.workload.identity in assignment.tenures
    }
    kept = [case for case in movable if case.workload.identity in before]
    chosen = kept
    if len(before) < len(movable):
        who = _Formulation(assignment, movable, by_node=by_node, everybody=False)
        placed = who.placed(who.program.solved(MOST_NODES).values)
        chosen = placed if _ranks(placed) > _ranks(kept) else kept
    formulation = _Formulation(assignment, chosen, by_node=by_node, everybody=True)
    outcome = formulation.program.solved(MOST_NODES, gap=GOOD_ENOUGH)
    found = formulation.solution(outcome.values) if outcome.values else {}
    limit = worth if _ranks(chosen) == _ranks(kept) else math.inf
    ways = (_by_group, _by_node) if by_node else (_by_group,)
    if not found or not any(_is_carried_out(assignment, chosen, found, way, limit) for way in ways):
        for key, tenure in before.items():
            assignment.restore(key, tenure)
    keys = frozenset(case.workload.identity for case in chosen)
    known = keys == {case.workload.identity for case in movable if case.workload.identity in assignment.tenures}
    return Bound(outcome.bound * formulation.scale, keys) if known else None


def _worth(assignment: Assignment, cases: Sequence[Case]) -> float:
    """What workloads that weigh dollars alike come to, the whole bill of nodes that are bought included."""
    tenures = [assignment.tenures.get(case.workload.identity) for case in cases]
    own = math.fsum(tenure.proposal.score for tenure in tenures if tenure is not None)
    return own + cases[0].factors.cost * assignment.opened.bill


def _is_movable(assignment: Assignment, case: Case) -> bool:
    """Whether nothing but room decides about a workload, which nobody waits for."""
    terrain = assignment.terrain
    regions = set(terrain.region[case.usable(terrain)].tolist())
    return (
        bool(regions)
        and not (case.quote.ends and any(assignment.is_limited(r) for r in regions))
        and all(assignment.is_countable(pod) for pod, _ in case.quote.templates)
    )


def _columns(assignment: Assignment, cases: Iterable[Case], *, by_node: bool) -> int:
    """How many columns the pods have, and about as many where nodes have to be paid."""
    terrain = assignment.terrain
    sizes = np.array([group.size if by_node else 1 for group in terrain.groups], dtype=np.int64)
    sizes = np.where(terrain.bought, 2 * sizes, sizes)
    return sum(int(sizes[case.usable(terrain)].sum()) * len(case.counts) for case in cases)


def _is_carried_out(assignment: Assignment, chosen: Sequence[Case], found: _Solution, way: _Way, limit: float) -> bool:
    """Place those of a solution, the largest pods first; whether that is worth less. If not, nobody is placed."""
    order = sorted(found, key=lambda i: (-_size(chosen[i]), chosen[i].workload.identity))
    if all(way(assignment, chosen[i], found[i]) for i in order) and _worth(assignment, chosen) < limit:
        return True
    for case in chosen:
        if case.workload.identity in assignment.tenures:
            assignment.release(case.workload.identity)
    return False


def _by_group(assignment: Assignment, case: Case, spots: Mapping[_Spot, int]) -> bool:
    """Let the scheduler choose the nodes within each group; which nodes are bought is part of the solution."""
    pods: Counter[tuple[int, int, int]] = Counter()
    terrain = assignment.terrain
    for spot, count in spots.items():
        is_node = terrain.bought[spot.group] and spot.node >= 0
        pods[spot.template, int(terrain.site[spot.group]), on_node(spot.node) if is_node else spot.group] += count
    parts = tuple(Part(t, s, group, count) for (t, s, group), count in sorted(pods.items()))
    return assignment.settle(case, Proposal(parts, Terms(), 0.0))


def _by_node(assignment: Assignment, case: Case, spots: Mapping[_Spot, int]) -> bool:
    """Take the nodes of the solution."""
    site = assignment.terrain.site
    parts = tuple(
        Part(spot.template, int(site[spot.group]), on_node(spot.node), count) for spot, count in sorted(spots.items())
    )
    return assignment.settle(case, Proposal(parts, Terms(), 0.0))


def _size(case: Case) -> float:
    """How much of a machine the largest pod takes, in cores where a GiB counts as a quarter of one."""
    asked = [pod.spec.requests for pod, _ in case.quote.templates]
    return max(one.get("cpu", 0) / 1000 + one.get("memory", 0) / 2**32 for one in asked)


def _ranks(cases: Sequence[Case]) -> list[int]:
    """Who is placed, to be compared: those of higher priority first, then more of them."""
    return sorted((case.priority for case in cases), reverse=True)


class _Formulation:
    """The program: how many pods of each template are on each node.

    There are two of them. The first finds out who is placed at all, where not everybody can be; its objective is a
    count, so that what places cost does not drown in it. The second finds the best places for them.

    Attributes:
        program: its rows and columns.
        scale: what one unit of its objective is worth: solvers like costs of a size.
    """

    def __init__(self, assignment: Assignment, cases: Sequence[Case], *, by_node: bool, everybody: bool) -> None:
        self.program = Program()
        self._assignment = assignment
        self._terrain = assignment.terrain
        self._cases = cases
        self._by_node = by_node
        self._everybody = everybody
        self._columns: dict[_Spot, int] = {}
        self._placed: list[int] = []
        self._rooms: dict[tuple[int, int, str], list[tuple[int, float]]] = {}
        self._users: dict[tuple[int, int], list[User]] = {}
        self.scale = max((_dearest(case, self._terrain) for case in cases), default=0.0) / LARGEST_COST or 1.0
        # One of a higher priority is worth more than all below it; solvers tell three such levels apart.
        levels = sorted({case.priority for case in cases})[-3:]
        self._worth = [_level(levels, case.priority, len(cases)) for case in cases]
        for i, case in enumerate(cases):
            self._add(i, case)
        for (s, node, name), terms in sorted(self._rooms.items()):
            self.program.row(terms, upper=self._free(s, node, name))
        if everybody:
            self._pay()

    def placed(self, values: Sequence[float]) -> list[Case]:
        """The workloads that a solution places."""
        return [case for i, case in enumerate(self._cases) if values and values[self._placed[i]] > 0.5]

    def _cost(self, amount: float) -> float:
        return float(amount) / self.scale if self._everybody else 0.0

    def _add(self, i: int, case: Case) -> None:
        """The columns and rows of one workload."""
        if not self._everybody:
            self._placed.append(self.program.column(-self._worth[i], 1.0, whole=True))
        mine: list[tuple[_Spot, int]] = []
        for t, count in enumerate(case.counts):
            spots = [(spot, self._pods(case, spot, count)) for spot in self._spots(i, case, t)]
            pods_of = [(column, 1.0) for _, column in spots]
            if self._everybody:
                self.program.row(pods_of, float(count), float(count))
            else:
                self.program.row([*pods_of, (self._placed[i], -float(count))], 0.0, 0.0)
            mine += spots
        pods = float(sum(case.counts))
        self._data(case, mine, pods)
        self._time(case, mine, pods)
        if not case.workload.divisible:
            sites: dict[int, list[int]] = {}
            for spot, column in mine:
                sites.setdefault(int(self._terrain.site[spot.group]), []).append(column)
            self.program.row([(self._used(columns, 0.0, pods), 1.0) for columns in sites.values()], upper=1.0)

    def _spots(self, i: int, case: Case, t: int) -> Iterable[_Spot]:
        for g in np.flatnonzero(case.usable(self._terrain)).tolist():
            if not self._by_node:
                yield _Spot(i, t, g, -1)
                continue
            s = int(self._terrain.site[g])
            site = self._assignment.sites[s]
            open_ = site.open_to(case.pod(t, site.cluster.name))
            here = (site.group_of == g - int(self._terrain.first[s])) & (open_ > 0)
            for n in np.flatnonzero(here).tolist():
                yield _Spot(i, t, g, n)

    def _pods(self, case: Case, spot: _Spot, count: int) -> int:
        """The column of how many pods are at a spot."""
        g, quote = spot.group, case.quote
        s = int(self._terrain.site[g])
        pod = case.pod(spot.template, self._terrain.clusters[s].name)
        cost = case.factors.carbon * quote.grams[spot.template, g]
        if not self._terrain.bought[g]:
            cost += case.factors.cost * quote.money[spot.template, g]
        room = count if self._by_node else min(count, self._assignment.room(pod, g, count))
        column = self.program.column(self._cost(cost), float(room), whole=True)
        self._columns[spot] = column
        where = spot.node if self._by_node else -1 - g
        amounts = {**pod.spec.requests, GPUS: pod.spec.devices.count, "pods": 1}
        asked = {name: _scaled(name, amount) for name, amount in amounts.items() if amount}
        for name, amount in asked.items():
            self._rooms.setdefault((s, where, name), []).append((column, amount))
        self._users.setdefault((g, spot.node), []).append(User(spot.case, column, asked))
        return column

    def _pay(self) -> None:
        """Nodes that are bought are paid once; of empty ones that are alike, the first are opened first."""
        before: tuple[object, list[int]] = (None, [])
        for (g, node), users in sorted(self._users.items()):
            if not self._terrain.bought[g]:
                continue
            place = self._place(g, node, {name for user in users for name in user.asked})
            cases = sorted({user.case for user in users})
            spans = {i: Tenant("", self._cases[i].quote).span(g) for i in cases}
            unit = self._cost(self._cases[0].factors.cost)
            columns = pay(self.program, self._terrain, g, place, users, spans, unit)
            if (g, place, cases) == before[0] and columns:
                self.program.row([(before[1][0], 1.0), (columns[0], -1.0)], lower=0.0)
            before = ((g, place, cases), columns)

    def _place(self, g: int, node: int, names: Iterable[str]) -> Place:
        """A node that can be opened or joined, or all nodes of a group."""
        s, opened = int(self._terrain.site[g]), self._assignment.opened
        if node >= 0:
            return Place(1, {name: self._free(s, node, name) for name in names}, {}, tuple(opened.spans(g, node)))
        members, in_use = opened.members(g), opened.in_use(g)
        empty, joined = members[~in_use].tolist(), members[in_use].tolist()
        free = {name: max((self._free(s, n, name) for n in empty), default=0.0) for name in names}
        beside = {name: sum(self._free(s, n, name) for n in joined) for name in names}
        return Place(len(empty), free, beside)

    def _used(self, columns: Sequence[int], cost: float, pods: float) -> int:
        """A column that is 1 when any of some columns is used."""
        used = self.program.column(self._cost(cost), 1.0, whole=True)
        self.program.row([*((column, 1.0) for column in columns), (used, -pods)], upper=0.0)
        for column in columns:
            self.program.row([(column, 1.0), (used, -pods)], upper=0.0)
        return used

    def _data(self, case: Case, mine: Sequence[tuple[_Spot, int]], pods: float) -> None:
        """Data has to be in every region that the workload is in."""
        regions: dict[int, list[int]] = {}
        for spot, column in mine:
            regions.setdefault(int(self._terrain.region[spot.group]), []).append(column)
        for r, columns in sorted(regions.items()):
            cost = case.factors.cost * float(case.quote.fixed[r])
            if cost > 0:
                self._used(columns, cost, pods)

    def _time(self, case: Case, mine: Sequence[tuple[_Spot, int]], pods: float) -> None:
        """The time of a workload is that of its last pod: each step to a later one is paid by whoever is there."""
        times = sorted({float(case.quote.time[spot.group]) for spot, _ in mine})
        before = 0.0
        for time in times:
            columns = [column for spot, column in mine if float(case.quote.time[spot.group]) >= time]
            cost = case.factors.time * (time - before)
            before = time
            if cost > 0:
                self._used(columns, cost, pods)

    def _free(self, s: int, node: int, name: str) -> float:
        """What is free of a resource on a node, or in a group (-1 - its number), in the program's unit."""
        site = self._assignment.sites[s]
        arrays = site.engine.cluster
        nodes = slice(node, node + 1) if node >= 0 else site.group_of == -1 - node - int(self._terrain.first[s])
        if name == "pods":
            return float(np.maximum(arrays.pod_limit - arrays.pods, 0)[nodes].sum())
        if name == GPUS:
            return float((arrays.device_free[nodes] == 1000).sum())
        column = site.engine.resources.column.get(name)
        if column is None:
            return 0.0
        free = np.maximum(arrays.allocatable[nodes, column] - arrays.used[nodes, column], 0)
        return _scaled(name, float(free.sum()))

    def solution(self, values: Sequence[float]) -> _Solution:
        """Where the program puts the pods of each workload."""
        found: _Solution = {}
        for spot, column in self._columns.items():
            pods = round(values[column])
            if pods:
                found.setdefault(spot.case, {})[spot] = pods
        return found


def _dearest(case: Case, terrain: Terrain) -> float:
    """What a workload adds to the objective at the most, all of it in one group."""
    usable = case.usable(terrain)
    worth = case.factors.cost * (case.quote.bills(case.counts) + case.quote.fixed[terrain.region])
    worth = worth + case.factors.time * case.quote.time
    worth = worth + case.factors.carbon * (np.array(case.counts) @ case.quote.grams)
    return float(np.abs(worth[usable]).max(initial=0.0))


def _level(levels: Sequence[int], priority: int, count: int) -> float:
    """What placing a workload of a priority is worth, among so many."""
    return float((count + 1) ** sum(priority > level for level in levels))


def _scaled(name: str, amount: float) -> float:
    return float(amount) * (MEMORY_SCALE if name in ("memory", "ephemeral-storage") else 1.0)
