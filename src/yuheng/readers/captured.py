"""What a live cluster said of itself, with objects in it that cannot be used.

A file is refused as a whole when one object in it is wrong: whoever wrote it is there to mend it. Nobody who reads a
capture of a live cluster can mend what a tenant of it wrote, and one typo must not make all of it unreadable. So what
was captured (a list says so: `CAPTURED_MARK`) is used without such objects, as `yuheng run` goes on without them, and
each is told. A pod that runs is there all the same: it keeps its room as one that belongs nowhere, and where it is not
known how much that is, its node takes nobody else. Pods that are left out still count for what made them, which must
not be thought to lack them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from yuheng.errors import InputError, YuhengError
from yuheng.readers.attempts import forgiving
from yuheng.readers.batch.members import NOWHERE
from yuheng.readers.inventory import converted
from yuheng.readers.objects.pods import FINISHED, PodReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from yuheng.model.node import Node
    from yuheng.model.pod import Pod
    from yuheng.readers.batch.members import Members
    from yuheng.readers.inventory import Inventory
    from yuheng.readers.objects.priorities import Priorities
    from yuheng.readers.refusing import Refuse
    from yuheng.readers.sources.documents import Item

__all__ = ["TOLD", "Leaving"]

# Sentences on what cannot be used; the rest is counted.
TOLD: Final = 10
# What is looked at of a pod that cannot be read: who it is, who made it, and where it runs.
_KEPT: Final = ("name", "namespace", "labels", "ownerReferences", "creationTimestamp", "deletionTimestamp")


class Leaving:
    """Leaves out what cannot be used of captured objects, and remembers it.

    Args:
        inventory: the objects.
        refuse: is told of what is wrong in the files that people wrote.

    Attributes:
        errors: why objects were left out, by object, as errors name it.
        pods: those that are there and not in the snapshot.
    """

    def __init__(self, inventory: Inventory, refuse: Refuse) -> None:
        self.errors: dict[str, InputError] = {}
        self.pods: list[Pod] = []
        self._inventory = inventory
        self._refuse = refuse
        self._apart: PodReader | None = None
        self._closed: set[str] = set()
        self._sentences: list[str] = []
        self._more = 0

    def refuse(self, error: InputError) -> None:
        """Leave an object of a capture out.

        Raises:
            InputError: it is not of a capture, and files are to be in order.
        """
        if self._is_of_a_file(error):
            self._refuse(error)
        else:
            self._note(error, "passed over")

    def warnings(self) -> list[str]:
        """What cannot be used and was not told yet: a sentence each for the first, and how many more there are."""
        told, more = self._sentences, self._more
        self._sentences, self._more = [], 0
        objects = "object" if more == 1 else "objects"
        return [*told, f"{more} more {objects} cannot be used"] if more else told

    def salvaged(self, item: Item, error: InputError, priorities: Priorities, members: Members) -> Pod | None:
        """What is to be made of a pod that cannot be used.

        Args:
            item: the pod.
            error: why not.
            priorities: the priority classes.
            members: finds the jobs of pods.

        Returns:
            The pod as one that belongs nowhere, if it is on a node; else nothing.

        Raises:
            InputError: it is not of a capture, and files are to be in order.
        """
        if self._is_of_a_file(error):
            self._refuse(error)
            return None
        if _is_over(item):
            # What has ended need not be in order.
            return None
        try:
            # One for all: pods of one template share what they have in common.
            self._apart = self._apart or PodReader(priorities)
            pod = converted(item, self._apart.read)
        except InputError:
            self._close(error, _bare_pod(item, priorities, members))
            return None
        if pod is None:
            return None
        if pod.node is None:
            self._note(error, "left out")
            self.pods.append(pod)
            return None
        self._note(error, f"counted on node {pod.node} as a pod of no job and no queue")
        found: Pod = msgspec.structs.replace(pod, job=NOWHERE.job, task=NOWHERE.task, queue=NOWHERE.queue)
        return found

    def misplaced(self, pod: Pod, error: InputError) -> None:
        """A pod does not fit its node, or its node is not there.

        Raises:
            InputError: it is not of a capture, and files are to be in order.
        """
        if self._is_of_a_file(error):
            self._refuse(error)
            return
        if f"Node {pod.node}" in self.errors:
            # That is told of the node, once for all of its pods.
            self.pods.append(pod)
            return
        self._close(error, pod)

    def closed(self, nodes: Iterable[Node]) -> list[Node]:
        """The nodes; nothing more is placed on those of which it is not known what they hold."""
        return [_cordoned(node) if node.name in self._closed else node for node in nodes]

    def overlook(self, error: YuhengError) -> None:
        """Do without something of a capture that belongs to no object of its own."""
        self._say(error, "passed over")

    def _is_of_a_file(self, error: InputError) -> bool:
        return not self._inventory.is_captured(error.source)

    def _close(self, error: InputError, pod: Pod | None) -> None:
        node = pod.node if pod is not None else None
        if pod is not None:
            self.pods.append(pod)
        if node is None:
            self._note(error, "left out")
            return
        self._closed.add(node)
        self._note(error, f"left out, and nothing more is placed on node {node}: what it holds is not known")

    def _note(self, error: InputError, what: str) -> None:
        if error.subject in self.errors:
            return
        self.errors[error.subject or str(error)] = error
        self._say(error, what)

    def _say(self, error: YuhengError, what: str) -> None:
        if len(self._sentences) < TOLD:
            self._sentences.append(f"{error}; it is {what}")
        else:
            self._more += 1


def _cordoned(node: Node) -> Node:
    found: Node = msgspec.structs.replace(node, unschedulable=True)
    return found


def _is_over(item: Item) -> bool:
    """Whether a pod has ended, as far as it can be read."""
    return _map_in(_decoded(item), "status").get("phase") in FINISHED


def _bare_pod(item: Item, priorities: Priorities, members: Members) -> Pod | None:
    """A pod that cannot be read, without what it asks for; nothing if it has no name, either."""
    whole = _decoded(item)
    metadata = {key: value for key, value in _map_in(whole, "metadata").items() if key in _KEPT}
    node = _map_in(whole, "spec").get("nodeName")
    spec = {"nodeName": node} if isinstance(node, str) else {}
    text = msgspec.json.encode({"metadata": metadata, "spec": spec})
    for reader in (PodReader(priorities, members), PodReader(priorities)):
        try:
            return forgiving(reader.read, text)
        except InputError:
            continue
    return None


def _decoded(item: Item) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(item.text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _map_in(whole: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = whole.get(key)
    return found if isinstance(found, dict) else {}
