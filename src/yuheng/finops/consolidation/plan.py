"""Consolidation: from a cluster and its prices to the nodes that can go, step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.consolidation.bound import Demand, is_lonely, lower_bound
from yuheng.finops.consolidation.execution import Execution
from yuheng.finops.consolidation.ground import Ground, Settled, settled
from yuheng.finops.consolidation.housing import Housing
from yuheng.finops.consolidation.obstacles import Annotations
from yuheng.finops.consolidation.replacement import Replacements
from yuheng.finops.consolidation.search import chosen, scoring, trials
from yuheng.model.cluster import Snapshot
from yuheng.model.consolidation import Consolidation, Stay
from yuheng.model.node_price import NodePrice
from yuheng.model.plan import Placement
from yuheng.model.policy import Policy
from yuheng.model.prices import PriceBook
from yuheng.model.units import HOURS_A_MONTH
from yuheng.scheduling.compile import device_milli
from yuheng.scheduling.engine import Engine
from yuheng.scheduling.planner import chosen_policy

__all__ = ["DEFAULT_K", "Terms", "consolidate"]

# Twice the share of the savings may be disrupted, as in Karpenter's policy Balanced.
DEFAULT_K: Final = 2.0


class Terms(NamedTuple):
    """Under which terms nodes may go.

    Attributes:
        k: how much disruption a saving may cause; infinity for any.
        most: how many nodes may go at most; None for as many as can.
        bare: whether pods without a controller may be evicted: somebody starts them again.
        steady: whether obstacles of the moment count for nothing: asked of a month, not of today.
        book: where cheaper machines are looked for that could replace a node; None to remove only.
        policy: where evicted pods go; None for the configuration in the snapshot, or else ``kubernetes``.
        seed: of everything random.
        now: what time it is, in seconds since the epoch; None for the latest time the snapshot tells of.
        prices_at: when prices of replacements are looked up, in seconds since the epoch.
    """

    k: float = DEFAULT_K
    most: int | None = None
    bare: bool = False
    steady: bool = False
    book: PriceBook | None = None
    policy: str | Policy | None = None
    seed: int = 0
    now: float | None = None
    prices_at: float = float("inf")


DEFAULT_TERMS: Final = Terms()


def consolidate(
    snapshot: Snapshot,
    prices: Sequence[NodePrice],
    terms: Terms = DEFAULT_TERMS,
    annotations: Annotations | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Consolidation:
    """Find the nodes that can go, where each of their pods goes, and how near that is to the least there could be.

    Args:
        snapshot: the cluster; it is not changed.
        prices: of each of its nodes.
        terms: what may be disturbed, and what for.
        annotations: of its pods, by ``namespace/name``; None for none.
        progress: called now and then with the nodes tried so far and all there are to try.

    Raises:
        NotFoundError: there is no policy of that name.
        InputError: a pod is bound to a node that is not in the snapshot, or a deletion cost is no number.
        ConfigError: the policy names a filter or score that does not exist.
    """
    policy = chosen_policy(snapshot, terms.policy, terms.seed)
    found = settled(snapshot, policy, terms.seed, terms.now)
    ground = Ground(found, prices, annotations or {}, k=terms.k, bare=terms.bare, steady=terms.steady)
    candidates, stays = _candidates(ground)
    housing = Housing(found.snapshot, policy, terms.seed, terms.now)
    bound = lower_bound(ground, _demand(ground, housing))
    most = len(snapshot.nodes) if terms.most is None else terms.most
    tried = trials(ground, candidates, bound.kept)
    nodes = chosen(ground, tried, most, lambda packed: _opened(found.snapshot, policy, terms, packed=packed), progress)
    execution = Execution(ground, housing, most)
    execution.run(ground.by_score(nodes), ground.by_score(candidates))
    if terms.book is not None:
        free = [n for n, obstacle in enumerate(ground.obstacles) if obstacle is None]
        execution.replace(ground.by_score(free), Replacements(ground, housing, terms.book, terms.prices_at))
    stays = {n: stay for n, stay in (stays | execution.stays).items() if not housing.is_removed(n)}
    return Consolidation(
        policy=policy.name,
        k=terms.k,
        nodes=len(snapshot.nodes),
        per_hour=float(ground.per_hour.sum()),
        bound=bound.per_hour,
        kept=sum(obstacle is not None for obstacle in ground.obstacles),
        steps=tuple(execution.steps),
        stays=_sorted_stays(stays),
        waiting=_waiting(ground, housing, execution, found),
        unplaced=found.unplaced,
        assumptions=_assumptions(ground, terms),
        warnings=snapshot.warnings,
    )


def _opened(snapshot: Snapshot, policy: Policy, terms: Terms, *, packed: bool) -> Housing:
    return Housing(snapshot, scoring(policy, is_packed=packed), terms.seed, terms.now)


def _candidates(ground: Ground) -> tuple[list[int], dict[int, Stay]]:
    """The nodes that may go, and why the others stay."""
    found, stays = [], {}
    for n, node in enumerate(ground.snapshot.nodes):
        cost = float(ground.per_hour[n])
        obstacle = ground.obstacles[n]
        worth = ground.worth(cost, float(ground.disruption[n]))
        if obstacle is not None:
            pod, reason = obstacle
            stays[n] = Stay(node.name, cost, f"{pod}: {reason}" if pod else reason, pod)
        elif not worth.is_approved:
            stays[n] = Stay(node.name, cost, worth.refusal)
        else:
            found.append(n)
    return found, stays


def _demand(ground: Ground, housing: Housing) -> Demand:
    engine = housing.engine
    numbers, admitted = housing.admitted()
    row = {number: place for place, number in enumerate(numbers)}
    filters = set(engine.policy.filters)
    milli = [pod.spec.devices.count * device_milli(pod.spec) for pod in ground.snapshot.pods]
    devices = np.array(milli, dtype=np.int64) * ("DeviceFit" in filters)
    lonely = [is_lonely(engine.classes.all[number].pod, ground.snapshot) for number in numbers]
    return Demand(
        class_of=np.array([row[number] for number in engine.class_of], dtype=np.int64),
        admitted=admitted,
        requests=housing.requests * _counted(engine),
        capacity=engine.cluster.allocatable,
        places=int("NodeResourcesFit" in filters),
        devices=devices,
        device_capacity=np.array([1000 * node.devices.count for node in ground.snapshot.nodes], dtype=np.int64),
        lonely=np.array(lonely, dtype=np.bool_) & ("InterPodAffinity" in filters),
    )


def _counted(engine: Engine) -> NDArray[np.int64]:
    """(R,) 1 for resources that a filter of the policy looks at."""
    policy = engine.policy
    ignored = set(policy.ignored_resources)
    groups = set(policy.ignored_resource_groups)
    told = [
        "NodeResourcesFit" in policy.filters and name not in ignored and name.partition("/")[0] not in groups
        for name in engine.resources.names
    ]
    return np.array(told, dtype=np.int64)


def _sorted_stays(stays: Mapping[int, Stay]) -> tuple[Stay, ...]:
    return tuple(sorted(stays.values(), key=lambda stay: (-stay.per_hour, stay.node)))


def _waiting(ground: Ground, housing: Housing, execution: Execution, found: Settled) -> tuple[Placement, ...]:
    """Where the pods go that wait for a node now."""
    where = {pod.key: i for i, pod in enumerate(ground.snapshot.pods)}
    return tuple(
        Placement(one.pod, execution.place_of(where[one.pod]), housing.devices(where[one.pod])) for one in found.waiting
    )


def _assumptions(ground: Ground, terms: Terms) -> tuple[str, ...]:
    """What the numbers stand on."""
    found = [f"a month has {HOURS_A_MONTH:g} hours; prices stay as they are"]
    rated = sum(price.price is None for price in ground.prices)
    if rated:
        found.append(f"{rated} of {len(ground.prices)} nodes have no price in the book: rates of their resources count")
    if terms.steady:
        found.append("what may not be disturbed today is restarted within a month")
    else:
        found.append("an evicted pod runs again before the next round of its step, so budgets are whole again")
    if terms.book is not None:
        found.append(
            "a replacement is of the node's family and market, keeps for itself what its provider's machines keep, and "
            "stands in the same zone and pool; the bound is of the nodes there are, which replacements may be below"
        )
    if terms.bare:
        found.append("pods without a controller are started again by somebody")
    return tuple(found)
