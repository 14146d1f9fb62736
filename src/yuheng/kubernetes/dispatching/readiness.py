"""Whether a workload works where it was put, before it is taken from where it was.

Replicas leave a cluster gracefully: when those that replace them are ready. A cluster that was given up they leave
after the grace period in any case.
What says nothing of readiness (a Job, a Pod) is taken as ready when it is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from yuheng.kubernetes.api import ServerError

if TYPE_CHECKING:
    from yuheng.kubernetes.dispatching.applying import Applier
    from yuheng.kubernetes.dispatching.targets import Identity, Wanted
    from yuheng.kubernetes.timing import Timing

__all__ = ["unready"]

# Seconds between two looks.
_EVERY: Final = 2.0
_log = structlog.get_logger("yuheng.dispatching")
_TELLING: Final = frozenset(("Deployment", "ReplicaSet", "StatefulSet"))


class _Metadata(msgspec.Struct):
    generation: int = 0


class _Spec(msgspec.Struct):
    replicas: int = 1


class _Status(msgspec.Struct, rename="camel"):
    observed_generation: int = 0
    ready_replicas: int = 0


class _Object(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


_decode: Final = msgspec.json.Decoder(_Object).decode


async def unready(
    shares: Mapping[Identity, Iterable[tuple[Applier, Wanted]]], grace: float, timing: Timing
) -> frozenset[Identity]:
    """The workloads that are not ready everywhere, after they had some time.

    Args:
        shares: of each workload that has to be ready.
        grace: seconds to wait at the most; 0 to look once.
        timing: the clocks.
    """
    end, is_told = timing.now() + grace, False
    left = {identity: tuple(some) for identity, some in shares.items()}
    while True:
        answers = await asyncio.gather(*(_are_ready(some) for some in left.values()))
        left = {one: some for (one, some), is_ready in zip(left.items(), answers, strict=True) if not is_ready}
        if not left or timing.now() + _EVERY > end:
            return frozenset(left)
        if not is_told:
            names = ", ".join(f"{kind} {key}" for kind, key in sorted(left))
            told = "waiting for replicas to be ready: they stay where they were, too"
            _log.warning(told, workloads=names, most_seconds=grace)
            is_told = True
        await timing.sleep(_EVERY)


async def _are_ready(shares: Iterable[tuple[Applier, Wanted]]) -> bool:
    return all(await asyncio.gather(*(_is_ready(applier, wanted) for applier, wanted in shares)))


async def _is_ready(applier: Applier, wanted: Wanted) -> bool:
    kind = applier.catalog.find(wanted.api_version, wanted.kind)
    if kind is None or wanted.kind not in _TELLING:
        return True
    path = kind.path(wanted.namespace or "default", wanted.name)
    try:
        found = _decode(await applier.member.api.request("GET", path))
    except (ServerError, msgspec.DecodeError):
        return False
    is_seen = found.status.observed_generation >= found.metadata.generation
    replicas = found.spec.replicas if wanted.is_scaled else wanted.replicas
    return is_seen and found.status.ready_replicas >= replicas
