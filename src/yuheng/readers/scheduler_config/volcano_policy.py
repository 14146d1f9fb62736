"""From the plugins of Volcano's configuration to filters, scores and the batch side of a policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic import ValidationError

from yuheng.errors import InputError
from yuheng.model.batch import ACTIONS, Action, BatchPolicy, PluginOption
from yuheng.model.policy import (
    CPU_AND_MEMORY,
    KUBERNETES_FILTERS,
    Policy,
    ResourceWeight,
    ScoreWeight,
    ScoringStrategy,
)
from yuheng.readers.scheduler_config.refusals import refusal, shown
from yuheng.readers.scheduler_config.volcano_arguments import KNOWN, UNKNOWN_TO_US, checked_arguments
from yuheng.readers.scheduler_config.volcano_schema import (
    OTHER_SWITCHES,
    SWITCHES,
    PluginEntry,
    SchedulerConfiguration,
)

__all__ = ["NAME", "policy_of"]

NAME: Final = "volcano"
GANG_ACTIONS: Final[dict[str, Action]] = {"gangpreempt": "preempt", "gangreclaim": "reclaim"}
SHUFFLE: Final = "shuffle"
HIERARCHY: Final = "enableHierarchy"
# The arguments of the plugin predicates and the filters they switch.
PREDICATES: Final = {
    "predicate.NodeAffinityEnable": "NodeAffinity",
    "predicate.NodePortsEnable": "NodePorts",
    "predicate.PodAffinityEnable": "InterPodAffinity",
    "predicate.PodTopologySpreadEnable": "PodTopologySpread",
    "predicate.TaintTolerationEnable": "TaintToleration",
    "predicate.VolumeZoneEnable": "VolumeZone",
}
# The arguments of the plugin nodeorder, the scores they weigh, and what Volcano takes where nothing is written.
WEIGHTS: Final = (
    ("tainttoleration.weight", "TaintToleration", 3),
    ("nodeaffinity.weight", "NodeAffinity", 2),
    ("podtopologyspread.weight", "PodTopologySpread", 2),
    ("podaffinity.weight", "InterPodAffinity", 2),
    ("leastrequested.weight", "NodeResourcesFit", 1),
    ("balancedresource.weight", "NodeResourcesBalancedAllocation", 1),
    ("imagelocality.weight", "ImageLocality", 1),
)
LEAST: Final = "leastrequested.weight"
MOST: Final = "mostrequested.weight"


def policy_of(document: dict[str, object]) -> Policy:
    """The policy that a configuration asks for.

    Raises:
        InputError: the configuration is not Volcano's, or a value in it is not what it should be.
    """
    try:
        source = SchedulerConfiguration.model_validate(document)
    except ValidationError as error:
        raise refusal(error) from None
    warnings: list[str] = []
    actions = tuple(_actions(source.actions, warnings))
    batch = BatchPolicy(actions, _tiers(source, warnings))
    _check_together(batch)
    warnings += [
        f"{NAME}: configurations of {entry.name or 'an action'}: {name} is not looked at"
        for entry in source.configurations
        for name in entry.arguments
    ]
    warnings += [f"{NAME}: {name} is not a field of the configuration" for name in source.others()]
    scores, strategy = _node_order(batch, warnings)
    pack = batch.plugin("binpack") if batch.has("binpack", "nodeOrder") else None
    return Policy(
        name=NAME,
        filters=_filters(batch, warnings),
        scores=(*scores, *_binpack(pack)),
        strategy=strategy,
        pack=CPU_AND_MEMORY if pack is None else _pack(pack),
        batch=batch,
        warnings=tuple(warnings),
    )


def _actions(text: str, warnings: list[str]) -> Iterator[Action]:
    names = [name.strip() for name in text.split(",")]
    known: dict[str, Action] = {action: action for action in ACTIONS} | GANG_ACTIONS
    seen = set()
    for name in names:
        if name == SHUFFLE:
            warnings.append(f"{NAME}: the action {SHUFFLE} is left out: running pods stay where they are")
            continue
        if name not in known:
            expected = f"actions among {', '.join((*known, SHUFFLE))}"
            raise InputError(shown(name), expected, field="actions")
        if name in GANG_ACTIONS:
            warnings.append(f"{NAME}: the action {name} is {known[name]}, which here never leaves a part of a gang")
        if known[name] not in seen:
            seen.add(known[name])
            yield known[name]


def _tiers(source: SchedulerConfiguration, warnings: list[str]) -> tuple[tuple[PluginOption, ...], ...]:
    """The plugins that the engine has; of one that is named again, the first counts."""
    seen: set[str] = set()
    tiers = []
    for index, tier in enumerate(source.tiers):
        options = []
        for place, entry in enumerate(tier.plugins):
            if entry.name in UNKNOWN_TO_US:
                warnings.append(f"{NAME}: the plugin {entry.name} is left out: Yuheng does not have it")
            elif entry.name not in KNOWN:
                expected = f"a plugin among {', '.join(sorted({*KNOWN, *UNKNOWN_TO_US}))}"
                raise InputError(shown(entry.name), expected, field=f"tiers[{index}].plugins[{place}].name")
            elif entry.name not in seen:
                seen.add(entry.name)
                options.append(_option(entry, warnings))
        tiers.append(tuple(options))
    return tuple(tiers)


def _option(entry: PluginEntry, warnings: list[str]) -> PluginOption:
    try:
        off, hierarchy = _switches(entry, warnings)
        arguments, unknown = checked_arguments(entry.name, entry.arguments)
    except InputError as error:
        raise error.at(subject=f"plugin {entry.name}") from None
    warnings += [f"{NAME}: the plugin {entry.name}: {name} is not looked at" for name in unknown]
    return PluginOption(entry.name, off, hierarchy, arguments)


def _switches(entry: PluginEntry, warnings: list[str]) -> tuple[tuple[str, ...], bool | None]:
    """The points that a plugin is kept out of, and whether it looks at the hierarchy of queues."""
    off = []
    hierarchy = None
    for name, value in entry.others().items():
        if name not in SWITCHES and name not in OTHER_SWITCHES and name != HIERARCHY:
            warnings.append(f"{NAME}: the plugin {entry.name}: {name} is not a field of a plugin")
        elif not isinstance(value, bool):
            raise InputError(shown(value), "true or false", field=name)
        elif name == HIERARCHY:
            hierarchy = value
        elif not value and name in SWITCHES:
            off.append(SWITCHES[name])
        elif not value:
            warnings.append(f"{NAME}: the plugin {entry.name}: {name} is not looked at")
    return tuple(sorted(set(off))), hierarchy


def _check_together(batch: BatchPolicy) -> None:
    """Two answers to the same question make no configuration; Volcano refuses the second pair itself."""
    drf = batch.plugin("drf")
    others = {
        "capacity": batch.has("capacity"),
        f"drf with {HIERARCHY}": drf is not None and bool(drf.hierarchy),
    }
    for name, is_on in others.items():
        if is_on and batch.has("proportion"):
            raise InputError(f"proportion and {name}", f"either proportion or {name}", field="tiers")


def _filters(batch: BatchPolicy, warnings: list[str]) -> tuple[str, ...]:
    plugin = batch.plugin("predicates")
    if plugin is None or "predicate" in plugin.off:
        warnings.append(f"{NAME}: predicates is not among the plugins: all filters stay on")
        return KUBERNETES_FILTERS
    off = {PREDICATES[name] for name, value in plugin.arguments.items() if name in PREDICATES and not value}
    return tuple(name for name in KUBERNETES_FILTERS if name not in off)


def _node_order(batch: BatchPolicy, warnings: list[str]) -> tuple[list[ScoreWeight], ScoringStrategy]:
    """The scores of the plugin nodeorder, and how NodeResourcesFit scores."""
    plugin = batch.plugin("nodeorder")
    if plugin is None or "nodeOrder" in plugin.off:
        return [], ScoringStrategy()
    weights = {key: int(plugin.arguments.get(key, default)) for key, _, default in WEIGHTS}
    most = int(plugin.arguments.get(MOST, 0))
    strategy = ScoringStrategy()
    if most and weights[LEAST]:
        warnings.append(f"{NAME}: the plugin nodeorder: {MOST} is not looked at, as {LEAST} has a weight too")
    elif most:
        weights[LEAST] = most
        strategy = ScoringStrategy(type="MostAllocated")
    return [ScoreWeight(score, weights[key]) for key, score, _ in WEIGHTS if weights[key]], strategy


def _binpack(plugin: PluginOption | None) -> list[ScoreWeight]:
    weight = 0 if plugin is None else int(plugin.arguments.get("binpack.weight", 1))
    return [ScoreWeight("BinPack", weight)] if weight else []


def _pack(plugin: PluginOption) -> tuple[ResourceWeight, ...]:
    """The resources of BinPack: cpu, memory, and those that are listed."""
    arguments = plugin.arguments
    listed = [name.strip() for name in str(arguments.get("binpack.resources", "")).split(",")]
    weights = {name: int(arguments.get(f"binpack.resources.{name}", 1)) for name in listed if name}
    weights |= {name: int(arguments.get(f"binpack.{name}", 1)) for name in ("cpu", "memory")}
    ordered = sorted(weights, key=lambda name: (name not in ("cpu", "memory"), name))
    return tuple(ResourceWeight(name, weights[name]) for name in ordered)
