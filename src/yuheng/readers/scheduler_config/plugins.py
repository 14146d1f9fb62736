"""Which plugins run, merged from the defaults and a profile exactly as kube-scheduler merges them.

There are two layers. A profile is first merged into the defaults, point by point: what it disables goes,
what it enables takes the place of the default of that name or comes after the defaults. Then what is enabled
for all points at once (``multiPoint``, where all defaults are) is spread over the points each plugin has,
unless a point has an opinion of its own: a plugin that it names, that it disables, or all of them (``*``).

Sources, below ``pkg/scheduler``: ``apis/config/v1/default_plugins.go``, ``framework/runtime/framework.go``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from yuheng.errors import InputError
from yuheng.readers.scheduler_config.schema import POINTS, Plugin, Plugins, PluginSet

__all__ = ["KUBERNETES_PLUGINS", "MULTI_POINT", "V1BETA2", "Selection"]

ALL: Final = "*"
MULTI_POINT: Final = "multiPoint"
V1BETA2: Final = "v1beta2"

# What kube-scheduler 1.36 ships, with the extension points that each plugin has.
KUBERNETES_PLUGINS: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(points.split())
    for name, points in {
        "SchedulingGates": "preEnqueue",
        "PrioritySort": "queueSort",
        "NodeUnschedulable": "filter",
        "NodeName": "filter",
        "TaintToleration": "filter preScore score",
        "NodeAffinity": "preFilter filter preScore score",
        "NodePorts": "preFilter filter",
        "NodeResourcesFit": "preFilter filter preScore score placementScore",
        "VolumeRestrictions": "preFilter filter",
        "NodeVolumeLimits": "preFilter filter",
        "VolumeBinding": "preFilter filter preScore score reserve preBind",
        "VolumeZone": "preFilter filter",
        "PodTopologySpread": "preFilter filter preScore score",
        "InterPodAffinity": "preFilter filter preScore score",
        "DynamicResources": "preEnqueue preFilter filter postFilter score reserve preBind",
        "DefaultPreemption": "preEnqueue postFilter",
        "NodeResourcesBalancedAllocation": "preScore score",
        "ImageLocality": "score",
        "DefaultBinder": "bind",
        "NodeDeclaredFeatures": "preFilter filter",
    }.items()
}
DEFAULT_WEIGHTS: Final = {
    "TaintToleration": 3,
    "NodeAffinity": 2,
    "PodTopologySpread": 2,
    "InterPodAffinity": 2,
    "DynamicResources": 2,
}
# Before v1beta3 all defaults but one weighed the same.
V1BETA2_WEIGHTS: Final = {"PodTopologySpread": 2}


class Layer(NamedTuple):
    """What is enabled and disabled at one point after a profile has been merged into the defaults."""

    enabled: list[Plugin]
    disabled: frozenset[str]


class Selection:
    """The plugins that a profile selects.

    Args:
        plugins: what the profile says.
        points: the extension points of every plugin that is known here, by its name.
        version: the version of the configuration, which decides the default weights.
        path: where the plugins stand in the file, for the errors.

    Raises:
        InputError: kube-scheduler would not start: a plugin is enabled twice, or where it has nothing to do.
    """

    def __init__(self, plugins: Plugins, points: Mapping[str, Collection[str]], version: str, path: str) -> None:
        self._plugins = plugins
        self._points = points
        self._path = path
        weights = V1BETA2_WEIGHTS if version == V1BETA2 else DEFAULT_WEIGHTS
        defaults = [Plugin(name=name, weight=weights.get(name, 0)) for name in KUBERNETES_PLUGINS]
        # In v1beta2 the field was there and had no effect.
        multi_point = PluginSet() if version == V1BETA2 else plugins.at(MULTI_POINT)
        self._everywhere = _merged(defaults, multi_point)
        for point in POINTS:
            if point != MULTI_POINT:
                self._check(point)

    def at(self, point: str) -> list[str]:
        """The names of the plugins that run at an extension point."""
        own = _merged([], self._plugins.at(point))
        names = [plugin.name for plugin in own.enabled]
        if ALL in own.disabled:
            return names
        passed_over = own.disabled | set(names)
        everywhere = [plugin.name for plugin in self._everywhere.enabled if plugin.name not in passed_over]
        return names + [name for name in everywhere if point in self._points.get(name, ())]

    def weights(self) -> dict[str, int]:
        """The weight of every plugin; what ``score`` says comes before what ``multiPoint`` says."""
        weights: dict[str, int] = {}
        for plugin in _merged([], self._plugins.at("score")).enabled + self._everywhere.enabled:
            weights.setdefault(plugin.name, plugin.weight or 1)
        return weights

    def named(self, name: str, which: str) -> list[str]:
        """The extension points at which the profile itself has a plugin ``enabled`` or ``disabled``."""
        return [point for point in POINTS if name in _names(getattr(self._plugins.at(point), which))]

    def unknown(self) -> list[str]:
        """Plugins that are enabled everywhere and not known here: at which points they run cannot be told."""
        return [plugin.name for plugin in self._everywhere.enabled if plugin.name not in self._points]

    def _check(self, point: str) -> None:
        for index, name in enumerate(_names(self._plugins.at(point).enabled)):
            if name in self._points and point not in self._points[name]:
                field = f"{self._path}.{point}.enabled[{index}].name"
                raise InputError(repr(name), f"a plugin that has something to do at {point}", field=field)
        names = self.at(point)
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InputError(f"{twice} twice", "each plugin once", field=f"{self._path}.{point}")


def _merged(defaults: list[Plugin], custom: PluginSet) -> Layer:
    """A set of the profile merged into the defaults, which keep their order."""
    disabled = frozenset(_names(custom.disabled))
    # Of a plugin that is enabled twice, the last replaces the default; the other is left to complain about.
    replacing = {plugin.name: index for index, plugin in enumerate(custom.enabled)}
    kept = [plugin for plugin in defaults if not disabled & {ALL, plugin.name}]
    replaced = {replacing[plugin.name] for plugin in kept if plugin.name in replacing}
    enabled = [custom.enabled[replacing[plugin.name]] if plugin.name in replacing else plugin for plugin in kept]
    enabled += [plugin for index, plugin in enumerate(custom.enabled) if index not in replaced]
    return Layer(enabled, disabled)


def _names(plugins: list[Plugin]) -> list[str]:
    return [plugin.name for plugin in plugins]
