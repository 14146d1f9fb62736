"""The batch policy, resolved: which plugin speaks where, with which arguments.

The one table of batch plugins. A plugin that is not configured says nothing; what the rule book demands whatever the
configuration (gangs are whole, budgets are kept, the system's pods stay) is not switched here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from yuheng.errors import ConfigError, InputError
from yuheng.model.batch import EXTENSION_POINTS, BatchPolicy, PluginOption
from yuheng.model.duration import parse_duration, parse_window

__all__ = ["PLUGINS", "Settings", "Zone", "settings_of", "without_effect"]

# Plugins and what each does, in one line; the reference page is made from it.
PLUGINS: Final = {
    "priority": "jobs of higher priority first; preempts lower priority in the same queue",
    "gang": "a job starts with its minimum or not at all",
    "conformance": "never evicts pods the system needs (always on)",
    "pdb": "never evicts beyond a PodDisruptionBudget (always on)",
    "overcommit": "lets jobs in until their minima exceed the idle cluster times a factor",
    "proportion": "queues deserve what their weights and demands give them",
    "capacity": "queues deserve what is written; limits hold at every ancestor",
    "drf": "jobs with the smaller dominant share first; with hierarchy, queues too",
    "sla": "a job past its waiting time goes first and is not overtaken",
    "predicates": "the filters",
    "nodeorder": "the scores",
    "binpack": "fills nodes one after the other",
    "deviceshare": "shares of GPUs (always on)",
    "tdm": "zones of nodes that batch may use in a time window only",
    "nodegroup": "queues bound to groups of nodes",
    "task-topology": "tasks of a job together or apart",
    "network-topology-aware": "jobs within one part of the network",
    "reserve": "keeps room on nodes for services",
    "publicqueue": "jobs of private queues use the public one while it has room",
}
DEFAULT_OVERCOMMIT: Final = 1.2
_ZONE_ARGUMENT: Final = "tdm.revocable-zone."
_DAY: Final = 86400
# Extension points that a plugin can be kept out of; the others are always on, or unknown to this engine.
_SWITCHES: Final = (
    "jobOrder",
    "queueOrder",
    "jobReady",
    "jobEnqueued",
    "preemptable",
    "predicate",
    "nodeOrder",
)
_IDLE_ARGUMENTS: Final = ("hypernode.", "tdm.evict.period", "predicate.CacheEnable", "deviceshare.")


class Zone(NamedTuple):
    """When a revocable zone is open, in seconds of the day (UTC); an end before the start is on the next day."""

    opens: int
    closes: int

    def is_open(self, now: float) -> bool:
        """Whether the zone may be used at a time."""
        second = int(now) % _DAY
        if self.opens < self.closes:
            return self.opens <= second < self.closes
        return second >= self.opens or second < self.closes


class Settings(NamedTuple):
    """What the configuration says.

    Attributes:
        batch: the configuration itself.
        job_order, queue_order: plugins that order, the first to tell two apart decides.
        gang: whether minima hold.
        share_policy: where the deserved amounts come from: ``proportion``, ``capacity``, or empty for no quotas.
        hierarchy: whether queues form a tree; False makes them all equal.
        hdrf: whether drf orders queues.
        overcommit: the factor; 0 when the plugin is off.
        waiting_time: the configured waiting time (SLA) in seconds; None for none.
        zones: revocable zones by name; None when tdm is off.
        reserve: thousandths of what services leave of a node that jobs may use; 0 for no limit.
        public_queue: the public queue's name; empty for those that say so themselves.
        private_priority: the least priority for a private queue; None for any.
        strict_groups: nodes without a group are closed to all queues (nodegroup).
        preferred_order: earlier node groups are better (nodegroup).
        topology_weight: of task-topology; 0 when it is off.
        network: whether network-topology-aware is on; its weight.
    """

    batch: BatchPolicy
    job_order: tuple[str, ...]
    queue_order: tuple[str, ...]
    gang: bool
    share_policy: str
    hierarchy: bool
    hdrf: bool
    overcommit: float
    waiting_time: float | None
    zones: dict[str, Zone] | None
    reserve: int
    public_queue: str
    private_priority: int | None
    node_groups: bool
    strict_groups: bool
    preferred_order: bool
    topology_weight: int
    network: int

    def has(self, action: str) -> bool:
        """Whether an action runs."""
        return action in self.batch.actions


def settings_of(batch: BatchPolicy) -> Settings:
    """Resolve a configuration.

    Raises:
        ConfigError: it names an unknown plugin, or an argument is not what it should be.
    """
    for tier in batch.tiers:
        for plugin in tier:
            if plugin.name not in PLUGINS:
                raise ConfigError(f"plugin: found {plugin.name!r}, expected one of {', '.join(PLUGINS)}")
    shares = [name for name in ("capacity", "proportion") if batch.has(name)]
    if len(shares) > 1:
        raise ConfigError("plugins: found both proportion and capacity, expected one of them")
    hdrf = batch.has("drf", "queueOrder") and bool(_plugin(batch, "drf").hierarchy)
    return Settings(
        batch=batch,
        job_order=_speaking(batch, ("priority", "gang", "drf", "sla", "tdm"), "jobOrder"),
        queue_order=_speaking(batch, (*shares, *(("drf",) if hdrf else ())), "queueOrder"),
        gang=batch.has("gang", "jobReady"),
        share_policy=shares[0] if shares else "",
        hierarchy=not (shares and _plugin(batch, shares[0]).hierarchy is False),
        hdrf=hdrf,
        overcommit=_overcommit(batch),
        waiting_time=_waiting_time(batch),
        zones=_zones(batch),
        reserve=round(1000 * _number(batch, "reserve", "reserve.factor", 0.8)) if batch.has("reserve") else 0,
        public_queue=str(_argument(batch, "publicqueue", "publicqueue.name", "")),
        private_priority=_private_priority(batch),
        node_groups=batch.has("nodegroup", "predicate"),
        strict_groups=_flag(batch, "nodegroup", "strict", default=True),
        preferred_order=_flag(batch, "nodegroup", "enablePreferredOrder", default=False),
        topology_weight=_weight(batch, "task-topology", "task-topology.weight"),
        network=_weight(batch, "network-topology-aware", "weight"),
    )


def without_effect(batch: BatchPolicy) -> list[str]:
    """What a configuration says and this engine does not act on, one sentence each."""
    found = []
    for plugin in (plugin for tier in batch.tiers for plugin in tier):
        off = [EXTENSION_POINTS[point] for point in plugin.off if point not in _SWITCHES]
        if off:
            found.append(f"plugin {plugin.name}: {', '.join(off)}: false has no effect")
        idle = [name for name in plugin.arguments if name.startswith(_IDLE_ARGUMENTS)]
        if idle:
            found.append(f"plugin {plugin.name}: {', '.join(sorted(idle))} without effect")
    return found


def _plugin(batch: BatchPolicy, name: str) -> PluginOption:
    return batch.plugin(name) or PluginOption(name)


def _speaking(batch: BatchPolicy, names: tuple[str, ...], point: str) -> tuple[str, ...]:
    """Which of some plugins speak at a point, in the order of the tiers."""
    found = (plugin.name for tier in batch.tiers for plugin in tier if plugin.name in names and point not in plugin.off)
    return tuple(dict.fromkeys(found))


def _argument(batch: BatchPolicy, plugin: str, name: str, default: str | float | bool) -> str | int | float | bool:
    return _plugin(batch, plugin).arguments.get(name, default)


def _number(batch: BatchPolicy, plugin: str, name: str, default: float) -> float:
    value = _argument(batch, plugin, name, default)
    try:
        return float(value)
    except ValueError as error:
        raise ConfigError(f"plugin {plugin}: {name}: found {value!r}, expected a number") from error


def _flag(batch: BatchPolicy, plugin: str, name: str, *, default: bool) -> bool:
    value = _argument(batch, plugin, name, default)
    return value if isinstance(value, bool) else str(value).lower() in ("true", "1", "t")


def _weight(batch: BatchPolicy, plugin: str, name: str) -> int:
    return int(_number(batch, plugin, name, 1)) if batch.has(plugin, "nodeOrder") else 0


def _overcommit(batch: BatchPolicy) -> float:
    if not batch.has("overcommit", "jobEnqueued"):
        return 0.0
    return _number(batch, "overcommit", "overcommit-factor", DEFAULT_OVERCOMMIT)


def _private_priority(batch: BatchPolicy) -> int | None:
    name = "publicqueue.private-min-priority"
    if name not in _plugin(batch, "publicqueue").arguments:
        return None
    return int(_number(batch, "publicqueue", name, 0))


def _waiting_time(batch: BatchPolicy) -> float | None:
    value = _plugin(batch, "sla").arguments.get("sla-waiting-time")
    try:
        return None if value is None else parse_duration(str(value))
    except InputError as error:
        expected = "expected a duration such as 1h30m"
        raise ConfigError(f"plugin sla: sla-waiting-time: found {value!r}, {expected}") from error


def _zones(batch: BatchPolicy) -> dict[str, Zone] | None:
    if not batch.has("tdm"):
        return None
    arguments = _plugin(batch, "tdm").arguments
    return {
        name.removeprefix(_ZONE_ARGUMENT): _zone(name, str(value))
        for name, value in arguments.items()
        if name.startswith(_ZONE_ARGUMENT)
    }


def _zone(name: str, text: str) -> Zone:
    try:
        opens, closes = parse_window(text)
    except InputError as error:
        raise ConfigError(f"plugin tdm: {name}: found {text!r}, expected a window such as 22:00-06:00") from error
    return Zone(60 * opens, 60 * closes)
