"""A snapshot of objects that are kept up to date, rather than read from files.

What is in files may be all that there will be: workloads lack the pods that their controllers have not made yet. A live
cluster has its controllers; its pods are those that exist. And nobody waits for it to be mended: what cannot be used is
left out, all of it in one reading, and told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from yuheng.errors import InputError
from yuheng.model.cluster import Snapshot
from yuheng.model.node import Node
from yuheng.model.pod import Pod
from yuheng.readers.assembly import Assembly
from yuheng.readers.batch.joining import check_whole
from yuheng.readers.batch.members import NOWHERE, Belonging, Member, Members
from yuheng.readers.inventory import Inventory
from yuheng.readers.openb import Table
from yuheng.readers.sources.documents import Item

__all__ = ["Assembled", "assembled"]

_NOTHING: Final = msgspec.Raw(b"{}")
_SOURCE: Final = "the cluster"


class Assembled(NamedTuple):
    """A snapshot, and what is not in it.

    Attributes:
        snapshot: the state.
        refused: why objects were left out; a pod that is on a node is in it all the same, as one that belongs nowhere.
    """

    snapshot: Snapshot
    refused: tuple[InputError, ...]


def assembled(
    items: Iterable[Item],
    nodes: Iterable[Node],
    pods: Iterable[tuple[Pod | None, Member | None]],
) -> Assembled:
    """The snapshot of a live cluster.

    Args:
        items: objects that are read now: all but nodes and pods.
        nodes: all nodes.
        pods: the pods, and what tells where they belong, for those that belong somewhere. One that has ended is no pod
            any longer, but its job counts it.

    Raises:
        InputError: objects contradict each other, and it is no single one's fault.
    """
    inventory = Inventory()
    inventory.add(items)
    node = Item(_SOURCE, 0, "Node", "v1", _NOTHING)
    refused: list[InputError] = []

    def joining(members: Members) -> Iterator[Pod]:
        return _joined(pods, members, refused)

    table = Table(tuple((node, one) for one in nodes))
    found = Assembly(inventory, [table], has_controllers=True, refuse=refused.append, joining=joining).snapshot()
    return Assembled(found, tuple(refused))


def _joined(
    pods: Iterable[tuple[Pod | None, Member | None]], members: Members, refused: list[InputError]
) -> Iterator[Pod]:
    """The pods, each with the job and the queue that it belongs to."""
    left_out = {error.subject: error for error in refused}
    for pod, member in pods:
        if member is None:
            if pod is not None:
                yield pod
            continue
        try:
            home = _home(member, members, left_out)
        except InputError as error:
            if pod is None:
                # What has ended need not be in order.
                continue
            refused.append(error.at(source=_SOURCE))
            if pod.node is None:
                continue
            home = NOWHERE
        if pod is not None:
            yield _at(pod, home, member)
        elif member.ended:
            members.note_end(home, member.name, well=member.well)


def _home(member: Member, members: Members, left_out: Mapping[str, InputError]) -> Belonging:
    """Where a pod belongs.

    Raises:
        InputError: it names a queue that is not there; or what it belongs to was left out: it is not to be started
            alone.
    """
    home = member.home(members)
    if not home.job:
        check_whole(member, left_out)
    return home


def _at(pod: Pod, home: Belonging, member: Member) -> Pod:
    """A pod where it belongs; how long it runs its job says where it does not say so itself."""
    estimate = pod.estimate if member.words.estimate or home.estimate is None else home.estimate
    if (pod.job, pod.task, pod.queue, pod.estimate) == (home.job, home.task, home.queue, estimate):
        return pod
    found: Pod = msgspec.structs.replace(pod, job=home.job, task=home.task, queue=home.queue, estimate=estimate)
    return found
