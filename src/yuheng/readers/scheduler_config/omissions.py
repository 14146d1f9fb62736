"""What a configuration asks for and Yuheng leaves out: one sentence each.

kube-scheduler's defaults that Yuheng does not have (volume limits, claims for devices, preemption) are passed
over in silence; whoever names one of them, by enabling it or by giving it arguments, is told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from yuheng.readers.scheduler_config.plugins import KUBERNETES_PLUGINS, MULTI_POINT, V1BETA2, Selection
from yuheng.readers.scheduler_config.schema import POINTS, Configuration, Profile

__all__ = ["omissions"]

# Yuheng does by itself what these do: it holds gated pods back and sorts by priority; a plan binds nothing.
INHERENT: Final = frozenset(("SchedulingGates", "PrioritySort", "DefaultBinder"))
# Their filter or score reads what they have prepared before; without it every pod ends in an error.
PREPARED: Final = {
    "filter": (
        "preFilter",
        frozenset(("NodePorts", "NodeResourcesFit", "PodTopologySpread", "InterPodAffinity")),
    ),
    "score": ("preScore", frozenset(("TaintToleration", "PodTopologySpread", "InterPodAffinity"))),
}


def omissions(
    configuration: Configuration, profile: Profile, selection: Selection, name: str, known: Collection[str]
) -> list[str]:
    """The sentences about one profile.

    Args:
        configuration: the whole file.
        profile: the profile that is used.
        selection: the plugins of that profile.
        name: its scheduler name.
        known: the plugins that Yuheng has.
    """
    return [
        *_other_profiles(configuration, profile, name),
        *_plugins(profile, selection, known),
        *_arguments(profile, known),
        *_sampling(configuration, profile),
        *_extenders(configuration),
        *_multi_point(configuration, profile),
        *_misfortunes(selection),
    ]


def _other_profiles(configuration: Configuration, profile: Profile, name: str) -> Iterator[str]:
    for other in configuration.profiles:
        if other is not profile:
            yield f"profile {other.scheduler_name} is left out: {name} decides for all pods"


def _plugins(profile: Profile, selection: Selection, known: Collection[str]) -> Iterator[str]:
    named = [plugin.name for point in POINTS for plugin in profile.plugins.at(point).enabled]
    for name in dict.fromkeys(named):
        if name not in known and name not in INHERENT:
            points = ", ".join(selection.named(name, "enabled"))
            yield f"plugin {name} ({points}) is left out: Yuheng does not have it"


def _arguments(profile: Profile, known: Collection[str]) -> Iterator[str]:
    for config in profile.plugin_config:
        if config.name not in known and config.name in KUBERNETES_PLUGINS and config.args:
            yield f"arguments of plugin {config.name} are left out: Yuheng does not have it"


def _sampling(configuration: Configuration, profile: Profile) -> Iterator[str]:
    percentage = profile.percentage_of_nodes_to_score
    if percentage is None:
        percentage = configuration.percentage_of_nodes_to_score
    if percentage not in (None, 100):
        yield f"percentageOfNodesToScore {percentage} is left out: Yuheng considers every node"


def _extenders(configuration: Configuration) -> Iterator[str]:
    for extender in configuration.extenders:
        yield f"extender {extender.url_prefix} is left out: Yuheng asks no other service"


def _multi_point(configuration: Configuration, profile: Profile) -> Iterator[str]:
    plugins = profile.plugins.at(MULTI_POINT)
    if configuration.api_version.endswith(V1BETA2) and (plugins.enabled or plugins.disabled):
        yield "multiPoint is left out: kube-scheduler ignores it in v1beta2"


def _misfortunes(selection: Selection) -> Iterator[str]:
    """What kube-scheduler itself would stumble over and Yuheng does not."""
    if not selection.unknown():
        sorting = selection.at("queueSort")
        if len(sorting) != 1:
            found = " and ".join(sorting) or "none"
            yield f"kube-scheduler would not start: it wants one plugin at queueSort and finds {found}"
        if not selection.at("bind"):
            yield "kube-scheduler would not start: it wants a plugin at bind and finds none"
    for point, (before, needing) in PREPARED.items():
        for name in sorted(needing & set(selection.at(point)) - set(selection.at(before))):
            yield f"kube-scheduler would schedule no pod: {name} is on at {point} and off at {before}"
