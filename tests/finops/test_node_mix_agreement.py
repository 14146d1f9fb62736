"""What the arrays do not know and the engine does: packings are mended alike, and speak of the pods that are held."""

from __future__ import annotations

import numpy as np
import pytest

from yuheng.finops.node_mix import Choice, cheapest, demand_of, node_mix, offers_of
from yuheng.finops.node_mix.agreement import KARPENTER, agreed
from yuheng.finops.node_mix.demand import zones_asked
from yuheng.finops.node_mix.problem import without_dominated
from yuheng.finops.node_mix.question import asked_of
from yuheng.finops.node_mix.trial import refused, trial_of
from yuheng.model.cluster import Snapshot
from yuheng.model.labels import ZONE
from yuheng.model.pod import Affinity, Pod, PodAffinity, PodAffinityTerm, PodSpec
from yuheng.model.prices import Price, PriceBook
from yuheng.model.selectors import LabelSelector
from yuheng.model.units import GIB

CHOICE = Choice(reserve="none")


def price(name, per_hour, cores, gib, **more):
    return Price(instance_type=name, per_hour=per_hour, cpu_milli=cores * 1000, memory=gib * GIB, **more)


def pods(number, cpu, gib, *, name="p", labels=None, **spec):
    one = PodSpec(requests={"cpu": cpu, "memory": gib * GIB}, scoring_requests=(cpu, gib * GIB), **spec)
    return [Pod(name=f"{name}-{i}", spec=one, labels=labels or {}) for i in range(number)]


def apart(app="a", key=ZONE):
    term = PodAffinityTerm(key, LabelSelector(match_labels={"app": app}))
    return Affinity(pod_anti_affinity=PodAffinity(required=(term,)))


def state(held, **snapshot):
    return Snapshot(pods=tuple(held), namespaces={"default": {}}, **snapshot)


ONE_ZONE = PriceBook([price("m.large", 2.5, 8, 32, zone="z1"), price("m.small", 1.0, 2, 8, zone="z1")])


def test_pods_that_are_given_up_leave_no_machine_behind():
    # Three pods that must not share a zone, and machines of one zone only: one has a place, on one machine.
    found = node_mix(demand_of(state(pods(3, 3000, 1, labels={"app": "a"}, affinity=apart()))), ONE_ZONE, CHOICE)
    assert (found.pods, found.count, found.per_hour) == (1, 1, 2.5)
    assert [len(one.pods) for one in found.unheld] == [2]
    assert {one.pod for one in found.placements}.isdisjoint(found.unheld[0].pods)


def test_bound_and_baselines_speak_of_the_pods_that_are_held():
    held = [*pods(3, 3000, 1, labels={"app": "a"}, affinity=apart()), *pods(2, 2000, 1, name="q")]
    found = node_mix(demand_of(state(held)), ONE_ZONE, CHOICE)
    # One pod of 3 cores and two of 2 fit one machine of 8; five pods would not.
    assert (found.pods, found.per_hour) == (3, 2.5)
    assert 2.0 < found.bound <= 2.5
    assert all(one.per_hour >= 2.5 for one in found.baselines)
    assert len(found.baselines) == 2


def drawn(seed):
    """Pods with rules about zones, which the arrays know nothing of, and machines of three zones."""
    random = np.random.Generator(np.random.PCG64(seed))
    held = []
    for kind in range(int(random.integers(2, 6))):
        rule = {"labels": {"app": f"a{kind % 2}"}, "affinity": apart(f"a{kind % 2}")} if random.random() < 0.6 else {}
        held += pods(int(random.integers(1, 5)), int(random.integers(2, 20)) * 250, 1, name=f"k{kind}", **rule)
    rows = [
        price(f"{family}.{size}", float(size * random.uniform(0.8, 1.3)), size, 2 * size, zone=zone)
        for family in ("c", "m")
        for size in (2, 4, 8)
        for zone in ("z1", "z2", "z3")
    ]
    return state(held), PriceBook(rows)


@pytest.mark.parametrize("seed", range(12))
def test_every_packing_that_is_compared_holds_the_same_pods_by_the_engines_leave(seed):
    cluster, book = drawn(seed)
    demand = demand_of(cluster)
    offers = offers_of(book, CHOICE, zones_asked(demand))
    asked = asked_of(demand, offers)
    found = agreed(demand, asked.on(without_dominated(asked.problem)))
    problem = found.asked.problem
    best = found.best.packing
    for packing in (best, *found.baselines.values()):
        assert packing.held.sum(axis=0).tolist() == problem.counts.tolist()
        assert packing.held.any(axis=1).all()
        assert refused(demand, trial_of(demand, found.asked.kinds, found.asked.offers, packing)) == []
        assert best.price(problem) <= packing.price(problem) + 1e-9
    assert found.bound <= best.price(problem) * (1 + 1e-6)
    assert KARPENTER in found.baselines or any(KARPENTER in one for one in found.warnings)
    every = sum(len(kind.pods) for kind in found.asked.kinds) + sum(len(one.pods) for one in found.asked.unheld)
    assert every == len(cluster.pods)


def test_a_bound_above_a_price_is_a_fault_of_ours_and_not_hidden(monkeypatch):
    real = cheapest.Generation.go
    demand = demand_of(state(pods(4, 1000, 1)))
    offers = offers_of(ONE_ZONE, CHOICE)
    problem = asked_of(demand, offers).problem

    def by(factor):
        monkeypatch.setattr(
            cheapest.Generation, "go", lambda self, exact: real(self, exact)._replace(bound=least * factor)
        )
        return cheapest.packed(problem)

    least = cheapest.packed(problem).packing.price(problem)
    assert by(1 + 1e-9).bound == least
    with pytest.raises(AssertionError, match=r"the bound of .* is above the price"):
        by(1.001)
