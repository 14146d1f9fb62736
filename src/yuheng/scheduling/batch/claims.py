"""The actions ``preempt`` and ``reclaim``: a job that finds no room takes it from others, whole or not at all.

For each pod that does not fit, the fewest and cheapest victims are looked for: on one node, first pods whose jobs keep
their minimum without them, then whole gangs. If the job does not become ready all of it is undone, and nobody leaves.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.model.batch_plan import Eviction
from yuheng.scheduling.batch.gangs_by_node import nodes_of_gangs
from yuheng.scheduling.batch.moves import Placed
from yuheng.scheduling.batch.order import Line
from yuheng.scheduling.batch.roster import Group, JobState
from yuheng.scheduling.batch.session import Session
from yuheng.scheduling.batch.victims import Mask, Rule, Victims
from yuheng.scheduling.room import room

__all__ = ["Claims", "preempt", "reclaim"]

# Nodes and gangs that are tried for one pod before it is given up.
MOST_NODES: Final = 48
# Victims (whole gangs count once) of which each is tried whether it is needed.
MOST_UNITS: Final = 24
# Parts of the network in which a job that has to run within one of them looks for victims.
MOST_PARTS: Final = 16
RULES: Final[tuple[Rule, ...]] = ("preempt", "reclaim")
# Priority of the dearest victim's queue and job, how many leave, the place of the last in the order, rank of the node.
Cost = tuple[int, int, int, int, int]


def preempt(session: Session, claims: Claims) -> None:
    """Jobs below their minimum take room from weaker jobs of their own queue."""
    _claim(session, claims, [state for state in session.roster.jobs if not session.is_ready(state)], "preempt")


def reclaim(session: Session, claims: Claims) -> None:
    """Queues below their due take room back from queues above theirs."""
    _claim(session, claims, session.roster.jobs, "reclaim")


class Claims:
    """Claims by all rules that are configured, in the order of their actions.

    A job claims when its turn comes and it finds no room, not only when all others had theirs: a weaker job must not
    take what is left only to be evicted from it by the next plan.
    """

    def __init__(self, session: Session) -> None:
        rules = [rule for rule in RULES if session.settings.has(rule)] if session.roster.bound else []
        order = session.settings.batch.actions
        self._by_rule = {rule: _Claims(session, rule) for rule in sorted(rules, key=order.index)}
        self._session = session

    def attempt(self, state: JobState, only: Rule | None = None) -> bool:
        """Start a job on room that others leave, by one rule or any; whether that succeeded."""
        if not _may_evict(self._session, state):
            return False
        return any(claims.attempt(state) for rule, claims in self._by_rule.items() if only in (None, rule))


def _may_evict(session: Session, state: JobState) -> bool:
    """Whether a job is in the race and allowed to evict others (``preemptionPolicy``)."""
    if not state.admitted or not state.pending:
        return False
    return all(session.roster.pods[group.pods[group.next]].preempts for group in state.groups if group.left)


def _claim(session: Session, claims: Claims, jobs: Sequence[JobState], rule: Rule) -> None:
    jobs = [state for state in jobs if _may_evict(session, state)]
    if not jobs or not session.roster.bound:
        return
    line = Line(session.tree, session.order, jobs)
    while (state := line.pop()) is not None:
        if not claims.attempt(state, rule):
            continue
        if rule == "reclaim" and state.pending:
            line.push(state)


class Ranking(NamedTuple):
    """Who may leave for a kind of pods, and the nodes by what making room there costs, as a heap."""

    mask: Mask
    heap: list[tuple[Cost, int]]


class _Claims:
    """The search for victims by one rule."""

    def __init__(self, session: Session, rule: Rule) -> None:
        self._session = session
        self._rule = rule
        self._victims = Victims(session, rule)
        self._log: list[tuple[int, JobState]] = []
        self._hopeless: dict[tuple[object, ...], int] = {}
        self._rankings: dict[tuple[int, int, int], Ranking] = {}

    def attempt(self, state: JobState) -> bool:
        """Give a job its minimum, or one more pod if it has that; whether it went forward."""
        session = self._session
        if not self._victims.anybody:
            return False
        key = (*session.likeness(state), state.priority)
        if self._hopeless.get(key) == session.moves.version:
            return False
        tree = session.tree
        before = tree.by_due
        # What others leave is for what the claimant's queue deserves, not for more.
        tree.by_due = before or self._rule == "reclaim"
        evicted = len(session.moves.evicted)
        done = self._claim(state)
        gone = session.moves.evicted[evicted:]
        # And what was freed is not idle: those who left it will ask for it.
        tree.by_due = before or (self._rule == "reclaim" and bool(gone))
        if done:
            self._record(state, gone)
        else:
            self._hopeless[key] = session.moves.version
        return done

    def _claim(self, state: JobState) -> bool:
        """Fill a job up in one of the parts of the network it may use, evicting as few as it can."""
        session = self._session
        mark, tried = session.moves.mark(), 0
        homes = self._homes_of_victims(state) if session.network.is_hard(session, state) else None
        if homes is not None and not homes.any():
            return False
        for nodes in session.network.candidates(session, state, claims=True):
            if nodes is not None and homes is not None and not homes[nodes].any():
                continue
            if tried >= MOST_PARTS:
                break
            tried += 1
            if self._fill(state, nodes):
                self._spare(state, nodes, mark)
                return True
            self._undo(mark)
        return False

    def _homes_of_victims(self, state: JobState) -> NDArray[np.bool_]:
        """(N,) the nodes on which anybody could make way for any of a job's pods."""
        session = self._session
        found = np.zeros(len(session.engine.machines), dtype=np.bool_)
        for group in state.groups:
            if group.left and self._victims.may_claim(state, group):
                mask = self._victims.mask(state, group)
                found[session.roster.node_of[: len(mask)][mask]] = True
        return found

    def _fill(self, state: JobState, nodes: NDArray[np.int32] | None) -> bool:
        """Place pods, evicting for those that do not fit, until the job is ready."""
        session = self._session
        blocked = session.blocked_tasks(state)
        groups = [group for group in state.groups if group.task not in blocked]
        if session.is_ready(state):
            before = state.total_ready
            for group in groups:
                if session.next_step(state, group) == 1:
                    self._fill_group(state, group, group.left, nodes)
                else:
                    self._fill_sub_group(state, group, groups, nodes)
            return state.total_ready > before
        for group in groups:
            if session.lacks_sub_groups(state) and session.next_step(state, group) > 1:
                self._fill_sub_group(state, group, groups, nodes)
        for group in groups:
            self._fill_group(state, group, state.minima.get(group.task, 0) - state.ready.get(group.task, 0), nodes)
        for group in groups:
            self._fill_group(state, group, state.need - state.total_ready, nodes)
        return session.is_ready(state)

    def _spare(self, state: JobState, nodes: NDArray[np.int32] | None, mark: int) -> None:
        """Let victims stay that turn out not to be needed for all the pods together, the dearest first."""
        session = self._session
        steps, victims = session.moves.placed_since(mark), session.moves.evicted_since(mark)
        pods = sum(len(step.pods) for step in steps)
        units = self._units(victims)
        if not 1 < len(units) <= MOST_UNITS or (len(units) <= pods and all(len(unit) == 1 for unit in units)):
            # One victim a pod: each made room for its own.
            return
        spared = False
        for unit in sorted(units, key=lambda unit: -max(self._victims.place[i] for i in unit)):
            fewer = [one for one in units if one is not unit]
            if fewer and self._again(state, nodes, mark, steps, fewer):
                units, spared = fewer, True
        if spared and self._again(state, nodes, mark, steps, units):
            return
        # As it was: all of them leave, and every pod goes where it went.
        self._undo(mark)
        self._evict(victims)
        for step in steps:
            for n in step.nodes:
                session.fill(state, step.group, 1, np.array([n], dtype=np.int32))

    def _units(self, victims: Sequence[int]) -> list[list[int]]:
        """Victims that stand or fall together: the pods of a gang that left whole, every other pod by itself."""
        roster = self._session.roster
        by_job: dict[int, list[int]] = {}
        for i in victims:
            by_job.setdefault(int(roster.job_of[i]), []).append(i)
        units: list[list[int]] = []
        for j, pods in by_job.items():
            state = roster.jobs[j]
            whole = state.is_gang and not any(True for _ in roster.pods_on_nodes(state))
            units += [pods] if whole else [[i] for i in pods]
        return units

    def _again(
        self,
        state: JobState,
        nodes: NDArray[np.int32] | None,
        mark: int,
        steps: Sequence[Placed],
        units: Sequence[Sequence[int]],
    ) -> bool:
        """Go back, evict some victims only, and place the same pods again; whether all of them fitted."""
        self._undo(mark)
        for unit in units:
            self._evict(unit)
        return all(self._session.fill(state, step.group, len(step.pods), nodes) == len(step.pods) for step in steps)

    def _fill_sub_group(
        self, state: JobState, group: Group, groups: Sequence[Group], nodes: NDArray[np.int32] | None
    ) -> None:
        """Place what makes a group's subgroup whole, or nothing of it."""
        session = self._session
        mark, lacking = session.moves.mark(), session.next_step(state, group)
        for member in (one for one in groups if one.sub_group == group.sub_group):
            before = member.left
            self._fill_group(state, member, min(lacking, member.left), nodes)
            lacking -= before - member.left
        if lacking > 0:
            self._undo(mark)

    def _fill_group(self, state: JobState, group: Group, lacking: int, nodes: NDArray[np.int32] | None) -> None:
        for _ in range(min(lacking, group.left)):
            if not self._place(state, group, nodes):
                return

    def _place(self, state: JobState, group: Group, nodes: NDArray[np.int32] | None) -> bool:
        """Place one pod, on free room or on room that is made."""
        session = self._session
        if session.fill(state, group, 1, nodes):
            return True
        if not self._victims.may_claim(state, group):
            return False
        ranking = self._ranking(state, group, nodes)
        return bool(ranking.mask.any()) and self._make_way(state, group, nodes, ranking)

    def _ranking(self, state: JobState, group: Group, nodes: NDArray[np.int32] | None) -> Ranking:
        """The nodes by what making room there costs; kept for the next pod like this one as long as it serves.

        Costs of nodes only rise as their cheapest victims leave, so that an old rank is never too high. Whom a job may
        preempt depends on its share, and is looked up anew for every pod.
        """
        key = (group.number, state.queue, state.priority)
        if self._rule == "reclaim" and nodes is None and key in self._rankings and self._rankings[key].heap:
            return self._rankings[key]
        mask = self._victims.mask(state, group)
        if nodes is not None:
            mask &= np.isin(self._session.roster.node_of[: len(mask)], nodes)
        found = Ranking(mask, self._ranked_nodes(group, mask))
        if nodes is None:
            self._rankings[key] = found
        return found

    def _make_way(self, state: JobState, group: Group, nodes: NDArray[np.int32] | None, ranking: Ranking) -> bool:
        # A ranking may be older than the last evictions.
        live: Mask = ranking.mask & (self._session.roster.node_of[: len(ranking.mask)] >= 0)
        if self._by_quota(state, group, nodes, live):
            return True
        for _ in range(MOST_NODES):
            if not ranking.heap:
                break
            if self._on_best_node(state, group, ranking):
                return True
        return self._whole_gangs(state, group, nodes, live)

    def _on_best_node(self, state: JobState, group: Group, ranking: Ranking) -> bool:
        """Make room on the cheapest node, if it turns out to be as cheap as it was ranked."""
        mark = self._session.moves.mark()
        _, n = heapq.heappop(ranking.heap)
        victims = self._on_node(state, group, n, ranking.mask)
        if not victims:
            return False
        queues, jobs = self._victims.dearness(np.array(victims))
        place = max(int(self._victims.place[i]) for i in victims)
        rank = int(self._session.engine.cluster.rank[n])
        cost = (int(queues.max()), int(jobs.max()), len(victims), place, rank)
        heapq.heappush(ranking.heap, (cost, n))
        if ranking.heap[0][1] == n or cost <= ranking.heap[0][0]:
            return True
        self._undo(mark)
        return False

    def _by_quota(self, state: JobState, group: Group, nodes: NDArray[np.int32] | None, mask: Mask) -> bool:
        """When room is there, and only the queue's quota is missing: free that."""
        session = self._session
        if session.quota(state, group) > 0:
            return False
        mark = session.moves.mark()
        for i in self._victims.order[mask[self._victims.order]].tolist():
            if session.quota(state, group) > 0:
                break
            self._evict_if(i, state, group)
        if not session.fill(state, group, 1, nodes):
            self._undo(mark)
            return False
        # Those who left last may be enough: of many small ones before a large one nobody need go.
        victims = session.moves.evicted_since(mark)
        self._undo(mark)
        for i in reversed(victims):
            if session.quota(state, group) > 0:
                break
            self._evict([i])
        if not session.fill(state, group, 1, nodes):
            self._undo(mark)
            self._evict(victims)
            session.fill(state, group, 1, nodes)
        self._reprieve(state, group, mark)
        return True

    def _ranked_nodes(self, group: Group, mask: Mask) -> list[tuple[Cost, int]]:
        """The nodes where evicting makes room by amounts, with what it costs at least; a heap."""
        session = self._session
        cluster, roster = session.engine.cluster, session.roster
        hand = session.moves.hands.hand(group.number)
        idx = self._victims.by_node[mask[self._victims.by_node]]
        idx = idx[hand.window.static[hand.row, roster.node_of[idx]] == 0]
        if not len(idx):
            return []
        nodes = roster.node_of[idx]
        first = np.concatenate([[True], nodes[1:] != nodes[:-1]])
        starts = np.flatnonzero(first)
        position = np.arange(len(idx)) - np.repeat(starts, np.diff(np.append(starts, len(idx))))
        asked = np.flatnonzero(group.row[:-1] > 0)
        rows = roster.rows[roster.spec_of[idx]][:, asked]
        sums = np.cumsum(rows, axis=0)
        within = sums - (sums - rows)[starts][np.cumsum(first) - 1]
        free = cluster.allocatable[nodes][:, asked] - cluster.used[nodes][:, asked]
        fits = (free + within >= group.row[asked]).all(axis=1)
        fits &= cluster.pods[nodes] - position <= cluster.pod_limit[nodes]
        hits = np.flatnonzero(fits)
        hits = hits[np.unique(nodes[hits], return_index=True)[1]]
        columns = (
            *self._victims.dearness(idx[hits]),
            position[hits] + 1,
            self._victims.place[idx[hits]],
            cluster.rank[nodes[hits]],
        )
        costs = zip(*(column.tolist() for column in columns), strict=True)
        # Sorted is a heap, too.
        return sorted(zip(costs, nodes[hits].tolist(), strict=True))

    def _on_node(self, state: JobState, group: Group, n: int, mask: Mask) -> list[int]:
        """Evict pods of one node, those that leave first first, until the pod fits there; then let go whom it can.

        Returns:
            Who left; nobody when the pod does not fit whoever leaves.
        """
        session = self._session
        mark = session.moves.mark()
        only = np.array([n], dtype=np.int32)
        for i in self._victims.on_node(n):
            if not mask[i] or session.roster.node_of[i] < 0 or not self._evict_if(i, state, group):
                continue
            if self._fits(group, n) and session.fill(state, group, 1, only):
                self._reprieve(state, group, mark)
                return session.moves.evicted_since(mark)
        self._undo(mark)
        return []

    def _fits(self, group: Group, n: int) -> bool:
        session = self._session
        hand = session.moves.hands.hand(group.number)
        return room(session.engine.cluster, hand.window, session.engine.rules, hand.row, n) == 0

    def _evict_if(self, i: int, state: JobState, group: Group) -> bool:
        if not self._victims.may_leave(i, state, group, whole=False):
            return False
        self._evict([i])
        return True

    def _evict(self, pods: Sequence[int]) -> None:
        self._session.moves.evict(pods)
        self._victims.spend(pods)

    def _undo(self, mark: int) -> None:
        moves = self._session.moves
        before = list(moves.evicted)
        moves.undo(mark)
        self._victims.refund(before[len(moves.evicted) :])

    def _reprieve(self, state: JobState, group: Group, mark: int) -> None:
        """Let victims stay that turn out not to be needed, the dearest first; the pod was just placed."""
        session = self._session
        node = int(session.roster.node_of[group.pods[group.next - 1]])
        victims = session.moves.evicted_since(mark)
        needed = list(victims)
        for i in sorted(victims, key=lambda i: -self._victims.place[i]):
            fewer = [j for j in needed if j != i]
            if not fewer or len(victims) > MOST_NODES:
                break
            self._undo(mark)
            self._evict(fewer)
            if session.fill(state, group, 1, np.array([node], dtype=np.int32)):
                needed = fewer
            self._undo(mark)
        self._undo(mark)
        self._evict(needed)
        session.fill(state, group, 1, np.array([node], dtype=np.int32))

    def _whole_gangs(self, state: JobState, group: Group, nodes: NDArray[np.int32] | None, mask: Mask) -> bool:
        """Evict gangs with all their pods: those of one node, the cheapest that make room there."""
        session = self._session
        mark = session.moves.mark()
        for _, n, gangs in nodes_of_gangs(session, self._victims.gangs(mask), group, nodes)[:MOST_NODES]:
            only = np.array([n], dtype=np.int32)
            gone: list[JobState] = []
            for gang in gangs:
                gone += [gang] if self._evict_gang(gang, state, group) else []
                if session.fill(state, group, 1, only):
                    self._reprieve_gangs(state, group, mark, gone, only)
                    return True
            for i in self._victims.on_node(n):
                # With the gangs gone, what is left may be others' surplus.
                loose = mask[i] and session.roster.node_of[i] >= 0
                if loose and self._evict_if(i, state, group) and session.fill(state, group, 1, only):
                    return True
            self._undo(mark)
        return False

    def _reprieve_gangs(
        self, state: JobState, group: Group, mark: int, gone: Sequence[JobState], only: NDArray[np.int32]
    ) -> None:
        """Let gangs stay that turn out not to be needed, the dearest first."""
        needed = list(gone)
        for gang in reversed(gone):
            fewer = [one for one in needed if one is not gang]
            self._undo(mark)
            left = all(self._evict_gang(one, state, group) for one in fewer)
            if left and self._session.fill(state, group, 1, only):
                needed = fewer
        self._undo(mark)
        for gang in needed:
            self._evict_gang(gang, state, group)
        self._session.fill(state, group, 1, only)

    def _evict_gang(self, gang: JobState, state: JobState, group: Group) -> bool:
        """Evict all of a gang, if every one of its pods may leave."""
        mark = self._session.moves.mark()
        if not self._victims.gang_may_leave(gang, state, group):
            return False
        for i in [i for i in gang.running if self._session.roster.node_of[i] >= 0]:
            if not self._victims.may_leave(i, state, group, whole=True):
                self._undo(mark)
                return False
            self._evict([i])
        return True

    def _record(self, state: JobState, pods: Sequence[int]) -> None:
        """Write down who left for whom."""
        session = self._session
        roster, tree = session.roster, session.tree
        for i in pods:
            victim = roster.jobs[roster.job_of[i]]
            node = session.engine.machines.nodes[session.engine.machines.index[roster.pods[i].node or ""]].name
            queue = tree.queues[victim.queue].name
            if self._rule == "preempt":
                reason = f"priority {victim.priority} gives way to {state.priority} in queue {queue}"
                if victim.priority == state.priority:
                    reason = f"its job's dominant share stays above that of {state.key} in queue {queue}"
            else:
                claimant = tree.queues[state.queue].name
                reason = f"queue {queue} holds more than it deserves, queue {claimant} less"
            session.evictions.append(Eviction(roster.pods[i].key, state.key, self._rule, reason, node))
