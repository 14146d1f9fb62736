"""The policies that have a name."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from yuheng.errors import NotFoundError
from yuheng.model.policy import KUBERNETES_SCORES, Policy, ResourceWeight, ScoreWeight, ScoringStrategy

__all__ = ["PRESETS", "Preset", "preset"]

_PREFERENCES: Final = tuple(
    score
    for score in KUBERNETES_SCORES
    if score.plugin in ("TaintToleration", "NodeAffinity", "PodTopologySpread", "InterPodAffinity")
)
_WITH_GPUS: Final = (ResourceWeight("cpu"), ResourceWeight("memory"), ResourceWeight("nvidia.com/gpu", 3))


class Preset(NamedTuple):
    """A policy and what it is good for, in one line."""

    policy: Policy
    purpose: str


def _study(name: str, plugin: str, devices: Literal["tightest", "fragmentation"] = "tightest") -> Policy:
    """A policy of the GPU fragmentation study: one score, ties to the first node of the seed's order."""
    return Policy(name=name, scores=(ScoreWeight(plugin),), ties="shuffled", devices=devices)


PRESETS: Final[dict[str, Preset]] = {
    "kubernetes": Preset(Policy(), "kube-scheduler's default plugins and weights, every node considered"),
    "binpack": Preset(
        Policy(
            name="binpack",
            scores=(*_PREFERENCES, ScoreWeight("NodeResourcesFit", 10)),
            strategy=ScoringStrategy("MostAllocated", _WITH_GPUS),
        ),
        "fill nodes one after the other (MostAllocated), so that others stay empty",
    ),
    "spread": Preset(
        Policy(
            name="spread",
            scores=(*_PREFERENCES, ScoreWeight("NodeResourcesFit", 10)),
            strategy=ScoringStrategy("LeastAllocated", _WITH_GPUS),
        ),
        "keep nodes evenly loaded (LeastAllocated weighs most)",
    ),
    "fgd": Preset(
        _study("fgd", "FragmentationGradient", "fragmentation"),
        "least new GPU fragmentation (FGD, USENIX ATC'23)",
    ),
    "gpupacking": Preset(_study("gpupacking", "GpuPacking"), "GPUs in use first, then nodes in use"),
    "gpuclustering": Preset(_study("gpuclustering", "GpuClustering"), "GPU pods of one kind together"),
    "dotproduct": Preset(_study("dotproduct", "DotProduct"), "align what is asked with what is free"),
    "bestfit": Preset(_study("bestfit", "BestFit"), "the node with the least cpu and GPU left over"),
    "worstfit": Preset(_study("worstfit", "WorstFit"), "the node with the most cpu and GPU left over"),
    "firstfit": Preset(Policy(name="firstfit", scores=()), "the first node by name that fits"),
    "random": Preset(
        Policy(name="random", scores=(), pick="random", ties="shuffled", devices="any"),
        "any node that fits, drawn from the seed",
    ),
}


def preset(name: str) -> Policy:
    """The policy of a name.

    Raises:
        NotFoundError: there is none.
    """
    if name not in PRESETS:
        raise NotFoundError(f"policy: found {name!r}, expected one of {', '.join(PRESETS)}")
    return PRESETS[name].policy
