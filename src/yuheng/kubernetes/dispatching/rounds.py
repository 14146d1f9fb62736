"""One round: ask all clusters, plan, apply everywhere, then take away what is not wanted any more.

    asked ──> planned ──> grown: everything but what shrinks ──> shrunk ──> pruned ──> DispatchReport

A workload gives up nothing in one cluster before it has all that it gets in the others. A cluster that fails in the
middle is told, and the others are done; what depends on it waits. So does a workload of which nobody who answers knows
anything, while somebody does not answer: it may run there, and to run twice is worse for many than to run later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Set
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from yuheng.kubernetes.api import ServerError
from yuheng.kubernetes.dispatching.applying import Applied, Applier, Settings
from yuheng.kubernetes.dispatching.catalog import completed
from yuheng.kubernetes.dispatching.holding import ended, in_doubt, of_others
from yuheng.kubernetes.dispatching.members import Member, Reading, check_apart, completed_reading, read_all
from yuheng.kubernetes.dispatching.notes import concerning, left_behind, moved
from yuheng.kubernetes.dispatching.owned import Key, Owned
from yuheng.kubernetes.dispatching.pruning import LEAVING, pruned
from yuheng.kubernetes.dispatching.readiness import unready
from yuheng.kubernetes.dispatching.remembering import known_of, remembered
from yuheng.kubernetes.dispatching.runs import Runs
from yuheng.kubernetes.dispatching.scaled import moved_as_they_are, unwanted
from yuheng.kubernetes.dispatching.targets import (
    DEFINITIONS,
    RANKS,
    Identity,
    Targets,
    Wanted,
    targets_of,
)
from yuheng.model.cluster import Snapshot
from yuheng.model.dispatch import Carried, DispatchReport, ShareReport, Unplaced
from yuheng.placement.planner import Question, plan

if TYPE_CHECKING:
    from yuheng.kubernetes.dispatching.decision import Decision
    from yuheng.kubernetes.dispatching.folder import Folder
    from yuheng.kubernetes.timing import Timing
    from yuheng.model.fleet import Fleet
    from yuheng.model.fleet_plan import FleetPlan

__all__ = ["Round", "Task"]

# How often, and after how many seconds, a kind is looked for that was defined just now.
_LOOKS, _LOOK_AGAIN = 20, 0.5
# Seconds after which what was deleted and did not go at once is looked for.
_LINGERS: Final = 2.0
# Why something stays although it is not wanted, or wanted smaller.
_NOWHERE: Final = "its workload has no place"
_BROKEN: Final = "it stays until its workload is whole elsewhere"
_UNREADY: Final = "it stays until what replaces it is ready"
_NEEDED: Final = "a workload that stays may need it"
_DOUBTED: Final = "a workload may need it: it is not known which {}s there are"
_EMPTY: Final = (
    "the folder holds nothing that could run: --watch takes nothing away for that, a dispatch without it does"
)


class Task(NamedTuple):
    """What a round is to do.

    Attributes:
        question: what is asked of the fleet.
        settings: how objects are applied.
        prune: whether what is not wanted any more is deleted.
        lost: clusters that are given up: their replicas are placed elsewhere.
        failback: whether workloads go back to where they were before clusters were given up.
        grace: seconds after which it is told that those that replace others are not ready; 0 where nobody waits.
        holds: whether that is looked at once, and what is not ready is held for another round.
        overdue: workloads that have waited for so long.
        silent: clusters that are known not to answer, and why: they are not asked.
        runs: what was seen of workloads that run to an end; None where nothing was. What is seen is added.
        live: replicas that were seen by cluster, kind and key, for clusters that say nothing now.
    """

    question: Question
    settings: Settings
    prune: bool = True
    lost: frozenset[str] = frozenset()
    failback: bool = False
    grace: float = 0.0
    holds: bool = False
    overdue: frozenset[Identity] = frozenset()
    silent: Mapping[str, str] = {}
    runs: Runs | None = None
    live: Mapping[tuple[str, str, str], int] = {}


class Round:
    """One round of a dispatch.

    Args:
        folder: the fleet's files, read.
        members: its clusters.
        failures: clusters that are none of them, and why.
        timing: the clocks.
        known: what clusters said before, for those that say nothing now.

    Attributes:
        readings: what clusters said in this round.
        plan: of the fleet; None until it is made.
        decisions: on the workloads, after the round.
        leaving: how many objects that are not wanted were deleted and are still there.
        waiting: workloads that stay where they were until they are ready where they are going.
        expected: replicas by cluster, kind and key; None where an autoscaler sets them.
    """

    def __init__(
        self,
        folder: Folder,
        members: Mapping[str, Member],
        failures: Mapping[str, str],
        timing: Timing,
        known: Mapping[str, Reading] | None = None,
    ) -> None:
        self._folder = folder
        self._members = members
        self._failures = dict(failures)
        self._timing = timing
        self._known = known or {}
        self._objects: list[Carried] = []
        self._shares: dict[tuple[str, Identity], ShareReport] = {}
        self.readings: dict[str, Reading] = {}
        self.plan: FleetPlan | None = None
        self.decisions: dict[Identity, Decision] = {}
        self.leaving = 0
        self.waiting: frozenset[Identity] = frozenset()
        self.expected: dict[tuple[str, str, str], int | None] = {}
        self._late: list[str] = []
        self._away: frozenset[str] = frozenset()
        self._written: set[Identity] = set()
        self._stuck: frozenset[Identity] = frozenset()
        self._runs = Runs()

    async def run(self, task: Task, last: Mapping[Identity, Decision] | None = None) -> DispatchReport:
        """Do it.

        Args:
            task: what to do.
            last: decisions that are known beside those that clusters tell of.

        Raises:
            YuhengError: the folder cannot be read, or there can be no plan. What fails in a cluster is told instead.
        """
        self._runs = task.runs or self._runs
        await self._ask(task)
        if not self.readings:
            # Without any state there is nothing to plan with; why that is so is all there is to tell.
            self.decisions = dict(last or {})
            failures = dict(sorted(self._failures.items()))
            return DispatchReport(fleet=self._folder.fleet, dry_run=task.settings.dry_run, failures=failures)
        states = {one.cluster: self._state(one.cluster) for one in self._folder.places}
        fleet, written = self._folder.read(states)
        await self._complete(fleet)
        said = (*self._known.values(), *self.readings.values())
        known = known_of(fleet, said, last or {}, force=task.settings.force)
        fleet = remembered(fleet, known, failback=task.failback)
        question = task.question._replace(now=self._timing.wall() if task.question.now is None else task.question.now)
        question = question._replace(without=(*question.without, *(f"cluster={name}" for name in sorted(task.lost))))
        found = self.plan = await asyncio.to_thread(plan, fleet, question)
        away = self._away = frozenset(one.cluster for one in found.clusters if one.lost)
        held = self._held(fleet, known, away, task)
        shares = {name: reading.owned for name, reading in self.readings.items()}
        self._late += left_behind(known, (one.name for one in fleet.clusters), shares)
        catalogs = [one.catalog for one in (*self.readings.values(), *self._known.values())]
        name = self._folder.fleet
        targets = targets_of(fleet, written, found.workloads, known, catalogs, name=name, lost=away, held=held)
        self.expected = _expected(targets.wanted)
        is_empty = task.holds and not written.templates.workloads and not written.beside
        await self._carry_out(targets, task, known, "--no-prune" if not task.prune else _EMPTY if is_empty else "")
        # What nobody has in writing was not decided.
        written_down = {one: decision for one, decision in targets.decisions.items() if one in self._written}
        self.decisions = {**known, **written_down}
        return self._report(task, targets, known, away, held)

    def _held(
        self, fleet: Fleet, known: Mapping[Identity, Decision], away: Set[str], task: Task
    ) -> frozenset[Identity]:
        """The workloads that are left alone: what is told of it is kept for the report."""
        here = {place.cluster for place in self._folder.places} - away
        said = {**self._known, **self.readings}
        holds = [in_doubt(fleet.workloads, known, {name: said.get(name) for name in sorted(here)})]
        strangers = {name: reading.strangers for name, reading in said.items()}
        holds += [] if task.settings.force else [of_others(fleet.workloads, known, strangers)]
        holds += [ended(known, task.lost, self._runs)]
        for one in holds:
            self._late += one.notes
            for name, why in one.failures.items():
                self._fail(name, why)
        return frozenset(identity for one in holds for identity in one.workloads)

    async def _ask(self, task: Task) -> None:
        """What all clusters say."""
        self._failures.update({name: why for name, why in task.silent.items() if name not in task.lost})
        left = task.lost | task.silent.keys()
        members = [member for name, member in self._members.items() if name not in left]
        self.readings, errors = await read_all(members, self._folder.fleet)
        check_apart(self.readings)
        self._failures.update({name: str(error) for name, error in errors.items()})

    def _state(self, name: str) -> Snapshot:
        reading = self.readings.get(name) or self._known.get(name)
        return reading.state if reading is not None else Snapshot()

    async def _complete(self, fleet: Fleet) -> None:
        """Ask for the kinds of workloads of which clusters told nothing: a group that is not told of may be there."""
        kinds = {(one.api_version, one.kind) for one in fleet.workloads}
        waits = (
            completed_reading(self._members[name], reading, self._folder.fleet, kinds)
            for name, reading in self.readings.items()
        )
        self.readings = dict(zip(self.readings, await asyncio.gather(*waits), strict=True))

    async def _carry_out(self, targets: Targets, task: Task, known: Mapping[Identity, Decision], unpruned: str) -> None:
        defined = frozenset(_defined(targets.wanted))
        appliers = {
            name: Applier(
                *(self._members[name], reading.catalog, task.settings, defined),
                shares={one.key: one.decision for one in (*reading.strangers, *reading.owned)},
                unknown=reading.unknown,
                runs=self._runs,
            )
            for name, reading in self.readings.items()
        }

        async def live(name: str, one: Wanted) -> int:
            seen = task.live.get((name, *one.workload), 0) if one.workload else 0
            return await appliers[name].replicas_of(one) if name in appliers else seen

        wanted = await moved_as_they_are(targets.wanted, known, targets.decisions, live)
        targets = targets._replace(wanted=wanted if unpruned else await self._unscaled(appliers, wanted))
        self._tell_unreached(targets)
        applied: dict[str, set[Key]] = {name: set() for name in appliers}
        broken: set[Identity] = set()
        for name, some in targets.wanted.items():
            if name not in appliers:
                broken.update(one.workload for one in some if one.workload is not None)
        waits = [self._grow(applier, targets.wanted.get(name, [])) for name, applier in appliers.items()]
        for name, answers in zip(appliers, await asyncio.gather(*waits), strict=True):
            self._take(name, answers, applied, broken)
            if any(answer.told.action == "failed" for _, answer in answers):
                # What its workloads need there may be what failed.
                broken.update(one.workload for one, _ in answers if one.workload is not None)
        stuck = dict.fromkeys(targets.alone, _NOWHERE) | dict.fromkeys(broken, _BROKEN)
        self.waiting = await self._waiting(appliers, targets, frozenset(stuck), task)
        stuck |= dict.fromkeys(self.waiting, _UNREADY)
        self._stuck = frozenset(stuck)
        shrinking = [
            (name, one)
            for name in appliers
            for one in targets.wanted.get(name, [])
            if one.shrinks and self._may_go(name, one, stuck, applied)
        ]
        done = await asyncio.gather(*(appliers[name].apply(one) for name, one in shrinking))
        for (name, one), answer in zip(shrinking, done, strict=True):
            self._take(name, [(one, answer)], applied, broken)
        await self._prune(appliers, applied, dict.fromkeys(broken, _BROKEN) | stuck, unpruned)

    async def _unscaled(
        self, appliers: Mapping[str, Applier], wanted: Mapping[str, list[Wanted]]
    ) -> dict[str, list[Wanted]]:
        """What clusters are to have, with the replicas taken over of what loses its autoscaler now."""
        found = dict(wanted)
        for name, applier in appliers.items():
            some = found.get(name, [])
            bereft = {await applier.target_of(one) for one in unwanted(self.readings[name].owned, some)}
            if bereft:
                found[name] = [
                    one._replace(is_scaled=True, takes_replicas=True) if one.workload in bereft - {None} else one
                    for one in some
                ]
        return found

    async def _waiting(
        self, appliers: Mapping[str, Applier], targets: Targets, stuck: frozenset[Identity], task: Task
    ) -> frozenset[Identity]:
        """The workloads that are to leave a cluster and are not ready where they are going.

        After the time of grace they leave clusters that are given up. They do not leave one that works for one where
        they do not: that would be an outage of our making.
        """
        shares: dict[Identity, list[tuple[Applier, Wanted]]] = {}
        moving = self._moving(targets)
        by_failover = {identity for identity, origins in moving.items() if origins <= self._away}
        left = moving.keys() - stuck - (task.overdue & by_failover)
        for name, applier in appliers.items():
            for one in targets.wanted.get(name, []):
                if one.workload in left and not one.shrinks:
                    shares.setdefault(one.workload, []).append((applier, one))
        if task.settings.dry_run or not shares or not task.grace:
            return frozenset()
        found = await unready(shares, 0.0 if task.holds else task.grace, self._timing)
        late = found & task.overdue if task.holds else found
        for kind, key in sorted(late):
            said = f"{kind} {key} is not ready after {task.grace:g} s"
            if (kind, key) in by_failover:
                self._late.append(f"{said}: it left where it was all the same")
            for applier, _ in shares[kind, key] if (kind, key) not in by_failover else ():
                self._fail(applier.member.name, f"{said}: it stays where it was as well, or --grace 0 lets it go")
        return found if task.holds else found - by_failover

    def _moving(self, targets: Targets) -> dict[Identity, set[str]]:
        """The workloads that have a place and are to leave another one wholly or in part, and which they leave."""
        found: dict[Identity, set[str]] = {}
        for name, some in targets.wanted.items():
            for one in some:
                if one.shrinks and one.workload:
                    found.setdefault(one.workload, set()).add(name)
        for name, reading in self.readings.items():
            for share in reading.owned:
                decision = targets.decisions.get(share.identity)
                is_there = share.decision is not None and not share.is_leaving
                if is_there and decision is not None and name not in decision.replicas:
                    found.setdefault(share.identity, set()).add(name)
        return found

    def _tell_unreached(self, targets: Targets) -> None:
        """Clusters that are to have something and were not reached."""
        places = {place.cluster for place in self._folder.places}
        for name, some in targets.wanted.items():
            if some and name not in places:
                self._failures.setdefault(name, "its Cluster names no context: nothing can be carried out there")

    async def _grow(self, applier: Applier, wanted: Iterable[Wanted]) -> list[tuple[Wanted, Applied]]:
        """Apply what does not shrink, rank by rank."""
        found: list[tuple[Wanted, Applied]] = []
        wanted = list(wanted)
        await _look_up(applier, wanted)
        some = [one for one in wanted if not one.shrinks]
        for rank in RANKS:
            mine = [one for one in some if one.rank == rank]
            answers = await asyncio.gather(*(applier.apply(one) for one in mine))
            found += zip(mine, answers, strict=True)
            if rank == DEFINITIONS and any(answer.told.action in ("create", "change") for answer in answers):
                await self._look_for(applier, some)
        return found

    async def _look_for(self, applier: Applier, wanted: Iterable[Wanted]) -> None:
        """Wait until a server knows what was defined just now."""
        needed = {(one.api_version, one.kind) for one in wanted}
        for _ in range(_LOOKS):
            if all(applier.catalog.find(*one) for one in needed) or applier.is_dry:
                return
            await self._timing.sleep(_LOOK_AGAIN)
            await _look_up(applier, wanted)

    def _take(
        self, name: str, answers: Iterable[tuple[Wanted, Applied]], applied: dict[str, set[Key]], broken: set[Identity]
    ) -> None:
        """Take note of what became of objects."""
        for one, answer in answers:
            self._objects.append(answer.told)
            applied[name].update([answer.key] if answer.key is not None else _any_keys(one))
            if answer.told.action == "failed":
                self._fail(name, f"{answer.told.kind} {answer.told.key}: {answer.told.reason}")
                if one.workload is not None:
                    broken.add(one.workload)
            elif one.workload is not None:
                self._written.add(one.workload)
                kind, key = one.workload
                share = ShareReport(workload=key, kind=kind, cluster=name, replicas=one.replicas, ready=answer.ready)
                self._shares[name, one.workload] = share

    def _may_go(self, name: str, one: Wanted, stuck: Mapping[Identity, str], applied: Mapping[str, set[Key]]) -> bool:
        """Whether a share may shrink: its workload has what it gets elsewhere."""
        if one.workload is None or one.workload not in stuck:
            return True
        namespace = one.namespace or "default"
        applied[name].add((one.api_version.rpartition("/")[0], one.kind, namespace, one.name))
        told = Carried(cluster=name, kind=one.kind, key=f"{namespace}/{one.name}", action="left")
        self._objects.append(msgspec.structs.replace(told, reason=stuck[one.workload]))
        return False

    async def _prune(
        self,
        appliers: Mapping[str, Applier],
        applied: Mapping[str, set[Key]],
        stuck: Mapping[Identity, str],
        unpruned: str,
    ) -> None:
        """Delete what is not wanted any more, where all else went well enough."""
        up = {name: applier for name, applier in appliers.items() if not applier.is_down}
        await asyncio.gather(
            *(self._prune_one(applier, applied[name], stuck, unpruned) for name, applier in up.items())
        )

    async def _prune_one(
        self, applier: Applier, applied: set[Key], stuck: Mapping[Identity, str], unpruned: str
    ) -> None:
        name = applier.member.name
        owned, doubted = self.readings[name].owned, self.readings[name].doubted()
        held = {one.key: stuck[one.identity] for one in owned if one.identity in stuck}
        needed = _needed_by(held, owned)
        if doubted:
            needed |= {one.key: _DOUBTED.format(doubted) for one in owned if one.decision is None}
        found = pruned(owned, applied, needed | held, unpruned)
        for one, reason in found.left:
            self._objects.append(_left(name, one, reason))
        gone = await asyncio.gather(*(self._removed(applier, one) for one in found.going))
        self._objects += gone
        self.leaving += sum(told.reason == LEAVING for told in gone) + sum(why == LEAVING for _, why in found.left)
        for one, told in zip(found.going, gone, strict=True):
            if told.action == "prune":
                self._runs.forget(name, one.identity)
            if told.action == "failed":
                self._fail(name, f"{told.kind} {told.key}: {told.reason}")

    async def _removed(self, applier: Applier, owned: Owned) -> Carried:
        """Delete an object, and look again where it does not go at once."""
        told = await applier.remove(owned)
        if told.reason != LEAVING:
            return told
        await self._timing.sleep(_LINGERS)
        return msgspec.structs.replace(told, action="prune", reason="") if await applier.is_gone(owned) else told

    def _fail(self, name: str, reason: str) -> None:
        """A cluster was not done wholly: the first reason is told."""
        if name not in self._failures:
            self._failures[name] = reason

    def _report(
        self,
        task: Task,
        targets: Targets,
        known: Mapping[Identity, Decision],
        away: Iterable[str],
        held: frozenset[Identity],
    ) -> DispatchReport:
        assert self.plan is not None  # noqa: S101 -- made before
        notes = [f"{name}: {note}" for name, reading in sorted(self.readings.items()) for note in reading.notes]
        given_up = set(away)
        failures = {name: text for name, text in sorted(self._failures.items()) if name not in given_up}
        return DispatchReport(
            fleet=self._folder.fleet,
            dry_run=task.settings.dry_run,
            objects=tuple(sorted(self._objects, key=lambda one: one.cluster)),
            shares=tuple(self._shares[key] for key in sorted(self._shares, key=lambda key: (key[1], key[0]))),
            failures=failures,
            unplaced=tuple(
                Unplaced(one.workload, one.kind, one.reason)
                for one in self.plan.workloads
                if one.reason and (one.kind, one.workload) not in held
            ),
            moved=tuple(moved(known, {one: now for one, now in self.decisions.items() if one not in self._stuck})),
            notes=(*concerning(self.plan.warnings), *targets.notes, *notes, *self._late),
        )


def _expected(wanted: Mapping[str, Iterable[Wanted]]) -> dict[tuple[str, str, str], int | None]:
    """The replicas of shares, by cluster, kind and key; None where an autoscaler sets them."""
    return {
        (name, *one.workload): None if one.is_scaled else one.replicas
        for name, some in wanted.items()
        for one in some
        if one.workload is not None
    }


def _any_keys(one: Wanted) -> list[Key]:
    """What an object may be known by in a cluster that does not know its version: by another one it may be there."""
    group = one.api_version.rpartition("/")[0]
    return [(group, one.kind, namespace, one.name) for namespace in ("", one.namespace or "default")]


def _defined(wanted: Mapping[str, Iterable[Wanted]]) -> Iterable[tuple[str, str]]:
    """Groups and kinds that definitions among the objects define."""
    for some in wanted.values():
        for one in some:
            if one.rank == DEFINITIONS:
                spec = one.manifest.get("spec") or {}
                yield str(spec.get("group", "")), str((spec.get("names") or {}).get("kind", ""))


async def _look_up(applier: Applier, wanted: Iterable[Wanted]) -> None:
    """Look for kinds that are not known yet; where the server cannot be asked, the objects will tell."""
    with suppress(ServerError):
        await completed(applier.member.api, applier.catalog, {(one.api_version, one.kind) for one in wanted})


def _needed_by(held: Mapping[Key, str], owned: Iterable[Owned]) -> dict[Key, str]:
    """What is beside workloads that stay: they may need it."""
    namespaces = {namespace for _, _, namespace, _ in held}
    near = (one for one in owned if one.decision is None and (one.namespace in namespaces or not one.namespace))
    return dict.fromkeys((one.key for one in near), _NEEDED) if held else {}


def _left(name: str, one: Owned, reason: str) -> Carried:
    key = f"{one.namespace}/{one.name}" if one.namespace else one.name
    return Carried(cluster=name, kind=one.kind.kind, key=key, action="left", reason=reason)
