"""OpenCost's published examples and formulas, worked by hand; and where its numbers do not add up, what ours are.

The specification is at https://opencost.io/docs/specification, the output of its API at
https://opencost.io/allocation-example-output.json (seven days, 10,079.22 minutes).
"""

from __future__ import annotations

import pytest
from made_estates import GIB, START, estate, node, pod, price, sums
from msgspec.structs import replace

from yuheng.finops.allocation import Holding, Question, Shared, allocate
from yuheng.finops.pricing import price_of_node
from yuheng.model.estate import Claim, Container, LoadBalancer, Requested
from yuheng.model.node_price import NodePrice
from yuheng.model.prices import Price, PriceBook, Rates
from yuheng.model.usage import Window

HOUR = Window(START, START + 3600)
WEEK_HOURS = 10_079.22199 / 60


def rows(found, key="namespace"):
    return {row.group[key]: row for row in found.rows}


def test_a_price_is_normalised_over_the_resources_of_its_node():
    """Appendix A: 35 a month; a GPU 30, a core 30, a GB 10 before: 15, 15 and 5 after."""
    machine = node("n", cores=1, gib=1, gpus=1)
    machine.labels["node.kubernetes.io/instance-type"] = "box"
    book = PriceBook([Price(instance_type="box", per_hour=35.0)])
    told = price_of_node(machine, book, time=START, rates=Rates(cpu=30, memory=10, gpu=30))
    found = allocate([Holding(estate([machine], [pod("p", gpus=1.0)]), (told,))], Question(), HOUR)
    row = rows(found)["web"]
    assert (row.cpu, row.memory, row.gpu) == pytest.approx((15, 5, 15))
    assert found.idle == pytest.approx(0)


PUBLISHED = {
    # namespace: cores requested and used, bytes requested and used by container; then cpuCost, ramCost, efficiency.
    "opencost": ([(0.01999, 0.00107)], [(115_278_496, 32_521_863)], 0.06359, 0.04577, 0.14918),
    "kube-system": (
        [(0.44979, 0.00938), (0.0, 0.0)],
        # 243.2 MB is the greater of both for each container: no two averages of the namespace give it.
        [(146_732_651, 40_475_616), (0, 96_475_727)],
        1.43086,
        0.09657,
        None,
    ),
}


@pytest.mark.parametrize("namespace", PUBLISHED)
def test_the_published_answer_of_the_allocation_api(namespace):
    cores, memory, cpu_cost, memory_cost, efficiency = PUBLISHED[namespace]
    machine = node("n", cores=2, gib=8)
    # What a core and a GiB cost there: cpuCost / cpuCoreHours, ramCost / ramByteHours of kube-system.
    rates = (1.43086 / 75.55915, 0.09657 / (40_855_853_856.91 / GIB), 0.0)
    told = NodePrice(node="n", per_hour=2 * rates[0] + 8 * rates[1], cpu=rates[0], memory=rates[1], gpu=0.0)
    containers = tuple(
        Container(name=f"c{index}", cpu=round(ask[0] * 1000), memory=room[0])
        for index, (ask, room) in enumerate(zip(cores, memory, strict=True))
    )
    held = pod("p", on="n", namespace=namespace, containers=containers)
    table = []
    for index, (ask, room) in enumerate(zip(cores, memory, strict=True)):
        used = (ask[1] * WEEK_HOURS, room[1] / GIB * WEEK_HOURS, 0.0)
        most = (max(ask) * WEEK_HOURS, max(room) / GIB * WEEK_HOURS, 0.0)
        table.append((index, 0, WEEK_HOURS, most, used))
    usage = sums([(namespace, "p", one.name) for one in containers], table)
    window = Window(START, START + WEEK_HOURS * 3600)
    row = rows(allocate([Holding(estate([machine], [held]), (told,), usage)], Question(), window))[namespace]
    assert row.cpu == pytest.approx(cpu_cost, abs=2e-4)
    assert row.memory == pytest.approx(memory_cost, abs=2e-4)
    if efficiency is not None:
        assert row.efficiency == pytest.approx(efficiency, abs=1e-3)


def simple(idle="show", **options):
    """A node of 4 an hour, of which web holds a half, kube-system a quarter, data an eighth."""
    machine = node("n", cores=4, gib=4)
    pods = [
        pod("a", cores=2, gib=2),
        pod("k", cores=1, gib=1, namespace="kube-system"),
        pod("b", cores=0.5, gib=0.5, namespace="data"),
    ]
    return allocate([Holding(estate([machine], pods), (price(machine, 4.0),))], Question(idle=idle, **options), HOUR)


def test_idle_is_what_assets_cost_less_what_workloads_cost():
    found = simple()
    assert {name: row.total for name, row in rows(found).items()} == pytest.approx(
        {"web": 2.0, "kube-system": 1.0, "data": 0.5, "__idle__": 0.5}
    )
    assert found.idle / found.nodes == pytest.approx(0.125)


@pytest.mark.parametrize(
    ("spread", "web", "data"),
    [("even", 2.5, 1.0), ("weighted", 2 + 0.8, 0.5 + 0.2)],
    ids=["uniformly", "in proportion"],
)
def test_shared_costs_are_borne_by_the_other_tenants(spread, web, data):
    found = rows(simple(shared=(Shared("namespace", "kube-system", spread),)))
    assert {name: row.total for name, row in found.items()} == pytest.approx(
        {"web": web, "data": data, "__idle__": 0.5}
    )


def test_shared_idle_is_borne_in_proportion_to_what_is_held():
    found = rows(simple(idle="share"))
    assert {name: row.total for name, row in found.items()} == pytest.approx(
        {"web": 4 * 2 / 3.5, "kube-system": 4 / 3.5, "data": 2 / 3.5}
    )


def test_usage_above_what_a_node_has_makes_no_idle_negative():
    """A core is there; one container uses three quarters of it, the other as much. OpenCost's idle would be -0.5."""
    machine = node("n", cores=1, gib=0)
    pods = [pod("a", cores=0.25, gib=0), pod("b", cores=0.25, gib=0, namespace="data")]
    usage = sums(
        [("web", "a", "main"), ("data", "b", "main")],
        [(0, 0, 1.0, (0.75, 0, 0), (0.75, 0, 0)), (1, 0, 1.0, (0.75, 0, 0), (0.75, 0, 0))],
    )
    found = allocate([Holding(estate([machine], pods), (price(machine, 1.0),), usage)], Question(), HOUR)
    assert {name: row.total for name, row in rows(found).items()} == pytest.approx({"web": 0.5, "data": 0.5})
    assert any("more used or requested" in text for text in found.assumptions)


def test_volumes_and_load_balancers_are_paid_for_by_the_pods_that_use_them():
    machine = node("n")
    pods = [
        pod("a", labels={"app": "web"}, claims=("disk",)),
        pod("b", labels={"app": "web"}, claims=("disk",)),
        pod("c", labels={"app": "db"}),
    ]
    claims = [("disk", 100, ""), ("fast", 10, "ssd")]
    held = estate(
        [machine],
        pods,
        claims=tuple(Claim(namespace="web", name=n, size=gib * GIB, storage_class=kind) for n, gib, kind in claims),
        balancers=(LoadBalancer(namespace="web", name="lb", selector={"app": "web"}),),
    )
    question = Question(by=("pod",), storage={"": 0.073, "ssd": 0.73})
    found = rows(allocate([Holding(held, (price(machine, 1.0),))], question, HOUR), "pod")
    assert {name: row.storage for name, row in found.items()} == pytest.approx(
        {"a": 0.005, "b": 0.005, "c": 0, "__unmounted__": 0.01, "__idle__": 0}
    )
    assert {name: row.network for name, row in found.items() if row.network} == {"a": 0.0125, "b": 0.0125}


def test_a_pod_that_is_gone_is_kept_and_pays_from_what_is_free():
    machine = node("n", cores=4, gib=0)
    usage = sums([("batch", "old", "main")], [(0, 0, 0.5, (1.0, 0, 0), (1.0, 0, 0))])
    held = estate([machine], [pod("a", cores=2, gib=0)])
    found = allocate([Holding(held, (price(machine, 4.0),), usage)], Question(by=("namespace", "label:team")), HOUR)
    told = {tuple(row.group.values()): row.total for row in found.rows}
    assert told == pytest.approx(
        {("web", "__unallocated__"): 2.0, ("batch", "__gone__"): 1.0, ("__idle__", "__idle__"): 1.0}
    )
    assert any("gone from the state" in text for text in found.assumptions)


def test_pods_pay_from_their_start():
    machine = node("n", cores=4, gib=0)
    pods = [pod("old", gib=0), pod("new", gib=0, started=START + 1800), pod("later", gib=0, started=START + 7200)]
    found = rows(
        allocate([Holding(estate([machine], pods), (price(machine, 4.0),))], Question(by=("pod",)), HOUR), "pod"
    )
    assert {name: row.total for name, row in found.items()} == pytest.approx({"old": 1.0, "new": 0.5, "__idle__": 2.5})


def test_what_a_pod_sends_is_kept_beside_what_its_containers_hold():
    """Interfaces are a pod's: what they send is told with no container, the rest of such a row is told twice."""
    machine = node("n", cores=4, gib=0)
    usage = sums(
        [("web", "a", "main"), ("web", "a", "")],
        [(0, 0, 1.0, (1.0, 0, 0), (0.5, 0, 0)), (1, 0, 1.0, (1.0, 0, 0), (0.5, 0, 0), 10 * GIB)],
    )
    held = estate([machine], [pod("a", cores=1, gib=0)])
    row = rows(allocate([Holding(held, (price(machine, 4.0),), usage)], Question(egress=0.1), HOUR))["web"]
    assert (row.cpu, row.network, row.efficiency) == pytest.approx((1.0, 1.0, 0.5))


def test_a_pod_that_was_made_again_under_its_name_pays_for_its_requests():
    """Measured in the first two hours, made again at the start of the third, not measured since."""
    window = Window(START, START + 4 * 3600)
    machine = node("n", cores=4, gib=16)
    again = pod("p", on="n", cores=1.0, gib=0.0, started=START + 2 * 3600)
    usage = sums([("web", "p", "main")], [(0, 0, 2.0, (2.0, 0.0, 0.0), (1.0, 0.0, 0.0))], end=START + 4 * 3600)
    found = allocate([Holding(estate([machine], [again]), (price(machine, 4.0),), usage)], Question(), window)
    whole = allocate(
        [Holding(estate([machine], [pod("p", on="n", cores=1.0, gib=0.0)]), (price(machine, 4.0),))], Question(), window
    )
    assert rows(found)["web"].total == pytest.approx(rows(whole)["web"].total)


def test_shared_costs_that_nobody_has_are_told():
    machine = node("n", cores=4, gib=16)
    question = Question(shared=(Shared("namespace", "nope", "even"),))
    found = allocate([Holding(estate([machine], [pod("p")]), (price(machine, 4.0),))], question, HOUR)
    assert "no pod is shared by namespace=nope: nothing there costs anything" in found.assumptions


def test_what_is_set_aside_beyond_containers_is_paid_for_by_their_pod():
    """An init container asks for 3 cores, the container for 1; the runtime class takes half a core and 1 GiB."""
    machine = node("n", cores=8, gib=8)
    kata = pod("p", cores=1.0, gib=1.0, least=Requested(cpu=3000), overhead=Requested(cpu=500, memory=GIB))
    usage = sums([("web", "p", "main")], [(0, 0, 1.0, (2.0, 1.0, 0.0), (2.0, 1.0, 0.0))])
    of_cpu, of_memory = price(machine, 8.0).cpu, price(machine, 8.0).memory
    for known, cores in ((None, 3.5), (usage, 2.0 + 2.5)):
        holding = Holding(estate([machine], [kata]), (price(machine, 8.0),), known)
        found = rows(allocate([holding], Question(by=("container",)), HOUR), "container")
        assert found["main"].cpu + found["__unallocated__"].cpu == pytest.approx(cores * of_cpu)
        assert found["main"].memory + found["__unallocated__"].memory == pytest.approx(2.0 * of_memory)
        assert found["__unallocated__"].cpu == pytest.approx(2.5 * of_cpu)
        # What nothing measures is neither used nor wasted.
        assert found["__unallocated__"].measured == 0


@pytest.mark.parametrize("started", [None, START + 3 * 3600])
def test_a_container_that_nothing_measures_is_there_when_its_pod_is(started):
    """One of two is measured, in the second hour of three; when the pod began is not known, or after that."""
    window = Window(START, START + 3 * 3600, 3600.0)
    machine = node("n", cores=4, gib=0)
    both = (Container(name="main", cpu=1000), Container(name="proxy", cpu=500))
    first = START + 3600
    usage = sums(
        [("web", "p", "main")],
        [(0, 1, 1.0, (1.0, 0.0, 0.0), (1.0, 0.0, 0.0))],
        end=window.end,
        spans=[(first, first + 3300)],
    )
    held = estate([machine], [pod("p", containers=both, started=started)])
    found = allocate([Holding(held, (price(machine, 4.0),), usage)], Question(by=("container",), every="hour"), window)
    costs = {(row.start, row.group["container"]): row.cpu for row in found.rows}
    hours = [START + 3600 * hour for hour in range(3)]
    assert [costs.get((hour, "proxy"), 0.0) for hour in hours] == pytest.approx([0.0, 0.5, 0.0 if started else 0.5])


def test_a_group_that_requests_nothing_has_a_row_and_bears_its_even_part():
    machine = node("n", cores=4, gib=0)
    pods = [pod("a", cores=1.0, gib=0), pod("b", cores=0.0, gib=0, namespace="data")]
    pods += [pod("dns", cores=1.0, gib=0, namespace="kube-system"), pod("c", containers=(), namespace="bare")]
    question = Question(shared=(Shared("namespace", "kube-system", "even"),))
    found = rows(allocate([Holding(estate([machine], pods), (price(machine, 4.0),))], question, HOUR))
    assert {name: row.total for name, row in found.items()} == pytest.approx(
        {"web": 1 + 1 / 3, "data": 1 / 3, "bare": 1 / 3, "__idle__": 2.0}
    )
    plain = rows(allocate([Holding(estate([machine], pods), (price(machine, 4.0),))], Question(), HOUR))
    assert {name: row.total for name, row in plain.items()} == pytest.approx(
        {"web": 1, "kube-system": 1, "data": 0, "bare": 0, "__idle__": 2}
    )


def test_a_pod_that_was_made_again_pays_for_nothing_between():
    """Measured in the first four hours of ten, made again after five: nine hours are paid for."""
    window = Window(START, START + 10 * 3600)
    machine = node("n", cores=4, gib=0)
    again = pod("p", on="n", cores=1.0, gib=0.0, started=START + 5 * 3600)
    spans = [(START, START + 4 * 3600 - 300)]
    usage = sums([("web", "p", "main")], [(0, 0, 4.0, (4.0, 0, 0), (1.0, 0, 0))], spans=spans)
    found = allocate([Holding(estate([machine], [again]), (price(machine, 4.0),), usage)], Question(), window)
    assert rows(found)["web"].total == pytest.approx(9.0)


def test_before_their_first_sample_pods_without_a_start_are_said_to_cost_nothing():
    window = Window(START, START + 4 * 3600)
    machine = node("n", cores=4, gib=16)
    usage = sums([("web", "p", "main")], [(0, 0, 1.0, (1.0, 1.0, 0), (0.5, 1.0, 0))])
    usage = replace(usage, start=START + 2 * 3600, end=START + 3 * 3600, first=usage.first + 2 * 3600)
    said = "1 pod without a time of start: what usage tells of them costs nothing before its first sample"
    for started, is_said in ((None, True), (START, False)):
        held = estate([machine], [pod("p", started=started)])
        found = allocate([Holding(held, (price(machine, 4.0),), usage)], Question(), window)
        assert (said in found.assumptions) == is_said
