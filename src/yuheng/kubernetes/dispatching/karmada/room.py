"""How many more replicas a cluster has room for, by the sums in its status, as Karmada's own estimator counts.

A sum cannot tell that no single node is large enough: where that matters, replicas wait there for a node. An amount
that the summary does not name is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from yuheng.errors import InputError
from yuheng.model.fleet import Cluster
from yuheng.readers.karmada import read_karmada_cluster
from yuheng.readers.objects.requests import amounts, whole

__all__ = ["MemberStatus", "read_member"]

_PODS: Final = "pods"
MOST: Final = 2**31 - 1
Written = Mapping[str, str | int | float]


class _Summary(msgspec.Struct, rename="camel"):
    allocatable: dict[str, str | int | float] = {}
    allocated: dict[str, str | int | float] = {}
    allocating: dict[str, str | int | float] = {}


class _Resource(msgspec.Struct):
    kind: str = ""


class _Enablement(msgspec.Struct, rename="camel"):
    group_version: str = ""
    resources: list[_Resource] = []


class _Status(msgspec.Struct, rename="camel"):
    resource_summary: _Summary | None = None
    api_enablements: list[_Enablement] | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    generation: int = 0
    deletion_timestamp: str | None = None


class _Object(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    status: _Status = msgspec.field(default_factory=_Status)


_decode: Final = msgspec.json.Decoder(_Object).decode


class MemberStatus:
    """A member cluster as Karmada knows it.

    Args:
        cluster: what policies look at.
        free: what is left, in the units of the model; empty where nobody says.
        kinds: apiVersion and kind of what it knows; None where it does not say.
        is_leaving: whether it is being deleted.
    """

    def __init__(
        self, cluster: Cluster, free: Mapping[str, int], kinds: frozenset[tuple[str, str]] | None, *, is_leaving: bool
    ) -> None:
        self.cluster = cluster
        self.is_leaving = is_leaving
        self._free = free
        self._kinds = kinds

    @property
    def face(self) -> object:
        """What decisions on where everything goes depend on: changes when one has to be taken anew."""
        cluster = self.cluster
        labels = tuple(sorted(cluster.labels.items()))
        places = (cluster.provider, cluster.region, cluster.zones)
        return labels, places, cluster.taints, cluster.ready, self.is_leaving, self._kinds

    def has_more_room_than(self, before: MemberStatus) -> bool:
        """Whether there is more of anything than there was.

        Args:
            before: the same cluster, earlier.
        """
        return any(amount > before._free.get(name, 0) for name, amount in self._free.items())

    def as_ready(self) -> MemberStatus:
        """The same for who runs there already."""
        cluster = msgspec.structs.replace(self.cluster, ready=True)
        return MemberStatus(cluster, self._free, self._kinds, is_leaving=self.is_leaving)

    def knows(self, api_version: str, kind: str) -> bool:
        """Whether it has a kind."""
        return self._kinds is None or (api_version, kind) in self._kinds

    def room(self, request: Mapping[str, int]) -> int:
        """How many more replicas fit.

        Args:
            request: of one, in the units of the model.
        """
        if not self._free:
            return 0
        most = self._free.get(_PODS, MOST)
        for name, amount in request.items():
            if amount > 0 and name != _PODS:
                most = min(most, self._free.get(name, 0) // amount)
        return max(0, min(most, MOST))


def read_member(text: bytes | msgspec.Raw) -> MemberStatus:
    """A Cluster of ``cluster.karmada.io``.

    Raises:
        InputError: it is not what Karmada defines.
    """
    cluster = read_karmada_cluster(text)
    try:
        found = _decode(text)
    except msgspec.ValidationError as error:
        raise InputError("a status that is not what Karmada defines", subject=f"Cluster {cluster.name}") from error
    summary, enabled = found.status.resource_summary, found.status.api_enablements
    kinds = (
        None
        if not enabled
        else frozenset((one.group_version, resource.kind) for one in enabled for resource in one.resources)
    )
    free = {} if summary is None else _left(summary)
    return MemberStatus(cluster, free, kinds, is_leaving=found.metadata.deletion_timestamp is not None)


def _left(summary: _Summary) -> dict[str, int]:
    place = "status.resourceSummary"
    left = whole(amounts(summary.allocatable, f"{place}.allocatable"))
    for name, taken in (("allocated", summary.allocated), ("allocating", summary.allocating)):
        for resource, amount in whole(amounts(taken, f"{place}.{name}")).items():
            left[resource] = max(0, left.get(resource, 0) - amount)
    return left
