"""Volumes that are made where a pod goes: the claim is told the node, and the pod waits for it before it is bound.

Somebody else makes the volume: a provisioner that watches claims, and may take minutes or fail. Meanwhile the pod holds
its room on the node. Where nothing comes of it in time, where the provisioner gives up (it takes the node off the claim
again), or where the volume turns out to be somewhere else, the pod is tried anew.

Volumes that were made beforehand, on the disks of nodes say, nobody makes: one that can be reached from the node is
kept for the claim, and the volume controller binds the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from yuheng.errors import YuhengError
from yuheng.kubernetes.api import KINDS, Api
from yuheng.kubernetes.mirror import Claim, Claims, Volume
from yuheng.model.pod import Pod

__all__ = ["Volumes"]

CLAIMS: Final = KINDS["persistentvolumeclaims"]
VOLUMES: Final = KINDS["persistentvolumes"]
SELECTED: Final = "volume.kubernetes.io/selected-node"
BOUND_BY: Final = "pv.kubernetes.io/bound-by-controller"
MERGE: Final = "application/merge-patch+json"
# Seconds that a provisioner has, and between two looks at what became of it.
PATIENCE: Final = 600.0
LOOK: Final = 0.1


class Volumes:
    """Has volumes made.

    Args:
        api: the server.
        claims: what is known of claims.
        may_write: asked right before each write.
        patience: seconds that a provisioner has.
    """

    def __init__(
        self, api: Api, claims: Claims, may_write: Callable[[], bool] = lambda: True, patience: float = PATIENCE
    ) -> None:
        self._api = api
        self._claims = claims
        self._may_write = may_write
        self._patience = patience
        # Volumes that are being taken, and by which claim.
        self._taken: dict[str, str] = {}

    async def bind(self, pod: Pod, wanted: Callable[[], bool]) -> str:
        """Have the claims of a pod bound where it goes; why they are not, or nothing.

        Args:
            pod: with the node it goes to.
            wanted: whether to go on waiting.
        """
        unbound = self._claims.unbound(pod)
        if not unbound:
            return ""
        for claim in unbound:
            why = await (self._take if self._claims.is_made_beforehand(claim) else self._select)(claim, pod.node or "")
            if why:
                return why
        return await self._until_bound(pod, [claim.metadata.uid for claim in unbound], wanted)

    async def _select(self, claim: Claim, node: str) -> str:
        """Tell a claim, and no other of its name, which node its volume is for."""
        if claim.selected_node == node:
            return ""
        namespace, _, name = claim.key.partition("/")
        body = {"metadata": {"uid": claim.metadata.uid, "annotations": {SELECTED: node}}}
        return await self._patch(CLAIMS.path(namespace, name), body)

    async def _take(self, claim: Claim, node: str) -> str:
        """Keep one of the volumes that are there for a claim, as long as nobody else has it."""
        uid = claim.metadata.uid
        for volume in self._claims.offers(claim):
            name = volume.metadata.name
            if self._taken.get(name, uid) == uid and self._claims.is_reached(volume, node):
                self._taken[name] = uid
                try:
                    return await self._keep(volume, claim)
                finally:
                    del self._taken[name]
        return f"no volume is left on {node} for the claim {claim.key}"

    async def _keep(self, volume: Volume, claim: Claim) -> str:
        """Write on a volume whose it is, if it is as it was; and wait for that to be known, but not for long."""
        namespace, _, name = claim.key.partition("/")
        owner = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": name}
        head = {"resourceVersion": volume.metadata.resource_version, "annotations": {BOUND_BY: "yes"}}
        body = {"metadata": head, "spec": {"claimRef": {**owner, "uid": claim.metadata.uid}}}
        why = await self._patch(VOLUMES.path(name=volume.metadata.name), body)
        for _ in range(20 if not why else 0):
            if not self._claims.is_known(volume):
                break
            await self._api.timing.sleep(LOOK)
        return why

    async def _patch(self, path: str, body: object) -> str:
        if not self._may_write():
            return "no longer the leader"
        text = msgspec.json.encode(body)
        try:
            await self._api.request("PATCH", path, text, content_type=MERGE, while_allowed=self._may_write)
        except YuhengError as error:
            return str(error)
        return ""

    async def _until_bound(self, pod: Pod, uids: Iterable[str], wanted: Callable[[], bool]) -> str:
        timing, uids = self._api.timing, set(uids)
        end = timing.now() + self._patience
        told: set[str] = set()
        while wanted():
            found = {claim.metadata.uid: claim for claim in self._claims.of(pod)}
            if not uids <= found.keys():
                return "a claim of the pod has gone"
            waiting = [found[uid] for uid in uids if not found[uid].is_bound]
            if not waiting:
                reached = self._claims.reaches(pod, pod.node or "")
                return "" if reached else f"the volume of a claim cannot be reached from {pod.node}"
            if given_up := [one for one in waiting if one.metadata.uid in told and one.selected_node != pod.node]:
                return f"no volume could be made for the claim {given_up[0].key}"
            told |= {one.metadata.uid for one in waiting if one.selected_node == pod.node}
            if timing.now() >= end:
                return f"no volume was made for the claim {waiting[0].key} within {self._patience:g} s"
            await timing.sleep(LOOK)
        return "the pod is not waited for any longer"
