"""`reconcile`: what nodes should have cost against what is billed, with every cause of the difference.

A node is found on the bill by its ``spec.providerID`` (an instance's id, a path of Azure or Google, the scale set that
it is part of), else by its name, else by a tag that holds its name. Then, from one to the other:

    expected by the price book
      - nodes that are on no line of the bill
      + list cost - expected                          of machines that were found
      + contracted - list, and effective - contracted without a commitment: discounts, credits
      + effective - contracted with a commitment: reservations, savings plans
      + other charges of the same machines            traffic, for example
    = effective cost of the nodes
      + billed - effective: what is billed at another time, as prepaid commitments are
    = billed cost of the nodes
      + compute that is none of these nodes, other services
    = all that is billed

Each line is a difference of sums, so they add up whatever the bill says.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from yuheng.model.bill import CAUSES, Bill, BillStep, Cause, NodeBill, NodeIdentity, Reconciliation, ResourceCharge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from yuheng.model.node_price import NodePrice

__all__ = ["reconcile"]

Place = tuple[str, str]

# Tags that hold a node's name, by the last part of their key.
_NAMING: Final = frozenset({"name", "node", "hostname", "node-name", "nodename", "node_name"})
# The category of machines, in FOCUS.
COMPUTE: Final = "Compute"
_SCALE_SET: Final = "/virtualmachines/"


class _Found(NamedTuple):
    """A charge, the nodes it is for (all of a scale set), and what they were found by."""

    charge: ResourceCharge
    nodes: tuple[Place, ...]
    by: str


class _Sums(NamedTuple):
    """Costs of charges together."""

    listed: float = 0.0
    contracted: float = 0.0
    billed: float = 0.0
    effective: float = 0.0

    @classmethod
    def of(cls, charges: Iterable[ResourceCharge]) -> _Sums:
        """The sums of some charges."""
        rows = [(charge.listed, charge.contracted, charge.billed, charge.effective) for charge in charges]
        return cls(*map(sum, zip(*rows, strict=True))) if rows else cls()


def reconcile(
    prices: Sequence[NodePrice], hours: float, identities: Iterable[NodeIdentity], bill: Bill
) -> Reconciliation:
    """Compare the cost of nodes with a bill.

    Args:
        prices: of all nodes.
        hours: that they ran; the bill is of the same time.
        identities: the names that nodes may have on the bill, by the name of the node; those of none are left alone.
        bill: in US dollars.
    """
    expected = {(price.cluster, price.node): price.per_hour * hours for price in prices}
    index = _Index(expected, identities)
    found, other = [], []
    for charge in bill.resources:
        places, by = index.find(charge)
        if places:
            found.append(_Found(charge, places, by))
        else:
            other.append(charge)
    nodes = _nodes(expected, found)
    effective, billed = (sum(getattr(one.charge, name) for one in found) for name in ("effective", "billed"))
    return Reconciliation(
        bill=bill,
        expected=sum(expected.values()),
        effective=effective,
        billed=billed,
        total=bill.billed,
        steps=_steps(nodes, found, other, bill),
        nodes=nodes,
        unmatched=_merged(other),
    )


class _Index:
    """Nodes by all names that a bill may have for them, in lower case.

    Args:
        nodes: the nodes, by cluster and name.
        identities: their other names.
    """

    def __init__(self, nodes: Iterable[Place], identities: Iterable[NodeIdentity]) -> None:
        places = defaultdict(list)
        for place in nodes:
            places[place[1]].append(place)
        self._provider: dict[str, list[Place]] = defaultdict(list)
        self._names: dict[str, list[Place]] = defaultdict(list)
        for name, found in places.items():
            self._names[name.lower()] += found
        for identity in identities:
            for place in places.get(identity.name, ()):
                self._add(place, identity)

    def find(self, charge: ResourceCharge) -> tuple[tuple[Place, ...], str]:
        """The nodes of a charge, and what they were found by; no nodes where it is for something else."""
        whole = charge.resource.lower()
        last = whole.rpartition("/")[2]
        for key in (whole, _path(whole), last):
            if key and key in self._provider:
                return tuple(dict.fromkeys(self._provider[key])), "providerID"
        for key in (last, charge.name.lower()):
            if key and key in self._names:
                return tuple(dict.fromkeys(self._names[key])), "name"
        for name, value in sorted(charge.tags.items()):
            key = name.lower().rpartition("/")[2].rpartition(":")[2]
            if key in _NAMING and value.lower() in self._names:
                return tuple(dict.fromkeys(self._names[value.lower()])), "tag"
        return (), ""

    def _add(self, place: Place, identity: NodeIdentity) -> None:
        if identity.hostname:
            self._names[identity.hostname.lower()].append(place)
        path = _path(identity.provider_id.lower())
        if not path:
            return
        keys = {path}
        # A machine of a scale set has a number within it for a name; the bill knows the set alone.
        if _SCALE_SET in path and "/virtualmachinescalesets/" in path:
            keys.add(path.partition(_SCALE_SET)[0])
        else:
            keys.add(path.rpartition("/")[2])
        for key in keys:
            self._provider[key].append(place)


def _path(text: str) -> str:
    """The path of an id without the scheme and the host before it.

    ``gce://project/zone/name`` of a node is ``//compute.googleapis.com/projects/project/zones/zone/instances/name`` on
    a bill: both become ``project/zone/name``. ``azure:///subscriptions/…`` and ``/subscriptions/…`` become the latter.
    """
    rest = text.partition("://")[2] if "://" in text else text
    if "/instances/" in rest and "projects/" in rest:
        parts = rest.partition("projects/")[2].split("/")
        return "/".join((parts[0], *(parts[2:3]), parts[-1]))
    return rest


def _nodes(expected: Mapping[Place, float], found: Sequence[_Found]) -> tuple[NodeBill, ...]:
    """The nodes with what is billed for them, those with the largest difference first."""
    sums: dict[Place, list[float]] = {place: [0.0, 0.0, 0.0] for place in expected}
    ways: dict[Place, str] = {}
    for charge, places, by in found:
        weight = sum(expected[place] for place in places)
        for place in places:
            share = expected[place] / weight if weight else 1 / len(places)
            for which, amount in enumerate((charge.listed, charge.billed, charge.effective)):
                sums[place][which] += amount * share
            ways.setdefault(place, by)
    nodes = [
        NodeBill(
            node=name,
            cluster=cluster,
            expected=expected[cluster, name],
            by=ways.get((cluster, name), ""),
            listed=listed,
            billed=billed,
            effective=effective,
        )
        for (cluster, name), (listed, billed, effective) in sums.items()
    ]
    return tuple(sorted(nodes, key=lambda node: (-abs(node.effective - node.expected), node.cluster, node.node)))


def _steps(
    nodes: Sequence[NodeBill], found: Sequence[_Found], other: Sequence[ResourceCharge], bill: Bill
) -> tuple[BillStep, ...]:
    """One for each cause."""
    missing = [node.expected for node in nodes if not node.by]
    known = sum(node.expected for node in nodes if node.by)
    machines = [one.charge for one in found if one.charge.is_machine]
    free, held = (_Sums.of(one for one in machines if one.is_committed is is_held) for is_held in (False, True))
    beside = _Sums.of(one.charge for one in found if not one.charge.is_machine)
    whole, rest = _Sums.of(one.charge for one in found), _Sums.of(other)
    elsewhere = bill.billed - whole.billed - rest.billed
    amounts: dict[Cause, tuple[float, int]] = {
        "unmatchedNodes": (-sum(missing), len(missing)),
        "prices": (free.listed + held.listed - known, len(nodes) - len(missing)),
        "discounts": (
            free.effective - free.listed + held.contracted - held.listed,
            sum((one.contracted if one.is_committed else one.effective) != one.listed for one in machines),
        ),
        "commitments": (held.effective - held.contracted, sum(one.is_committed for one in machines)),
        "otherUsage": (beside.effective, len(found) - len(machines)),
        "prepaid": (
            whole.billed - whole.effective,
            sum(one.charge.billed != one.charge.effective for one in found),
        ),
        "unmatchedCompute": (rest.billed, len({(one.resource, one.name) for one in other})),
        "otherServices": (elsewhere, sum(one.category != COMPUTE for one in bill.services)),
    }
    return tuple(BillStep(cause, *amounts[cause]) for cause in CAUSES)


def _merged(charges: Sequence[ResourceCharge]) -> tuple[ResourceCharge, ...]:
    """Resources that are no node, all their charges together, dearest first."""
    groups: dict[tuple[str, str, str, str], list[ResourceCharge]] = defaultdict(list)
    for charge in charges:
        groups[charge.provider, charge.service, charge.resource, charge.name].append(charge)
    merged = [
        ResourceCharge(provider=provider, service=service, resource=resource, name=name, **_Sums.of(group)._asdict())
        for (provider, service, resource, name), group in groups.items()
    ]
    return tuple(sorted(merged, key=lambda one: (-one.billed, -one.effective, one.resource, one.name)))
