"""From the file to the policy."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from pydantic import ValidationError

from yuheng.errors import ConfigError, InputError, NotFoundError
from yuheng.model.policy import KUBERNETES_FILTERS, KUBERNETES_SCORES, Policy, ScoreWeight
from yuheng.readers.decoding import without_nulls
from yuheng.readers.scheduler_config.arguments import ARGUMENTS, GROUP
from yuheng.readers.scheduler_config.omissions import omissions
from yuheng.readers.scheduler_config.plugins import KUBERNETES_PLUGINS, MULTI_POINT, V1BETA2, Selection
from yuheng.readers.scheduler_config.refusals import refusal, shown
from yuheng.readers.scheduler_config.schema import DEFAULT_SCHEDULER, POINTS, Configuration, Profile
from yuheng.readers.scheduler_config.volcano import in_config_map, is_volcano, parse_volcano_config
from yuheng.readers.sources.yaml_documents import yaml_documents

__all__ = ["KNOWN_FILTERS", "KNOWN_SCORES", "parse_scheduler_config", "read_scheduler_config"]

KIND: Final = "KubeSchedulerConfiguration"
VERSIONS: Final = ("v1", "v1beta3", V1BETA2)
DEVICE_FIT: Final = "DeviceFit"
KNOWN_FILTERS: Final = KUBERNETES_FILTERS
KNOWN_SCORES: Final = (
    *(score.plugin for score in KUBERNETES_SCORES),
    "FragmentationGradient",
    "GpuPacking",
    "GpuClustering",
    "DotProduct",
    "BestFit",
    "WorstFit",
    "BinPack",
    "LoadAware",
    "Price",
)
# Only an empty address was allowed there.
ONLY_IN_V1BETA2: Final = frozenset(("healthzBindAddress", "metricsBindAddress"))
# Plugins that kube-scheduler had once; their successor is NodeVolumeLimits.
REMOVED: Final = frozenset(("AzureDiskLimits", "CinderLimits", "EBSLimits", "GCEPDLimits"))


def read_scheduler_config(
    path: str | Path,
    *,
    profile: str | None = None,
    known_filters: Collection[str] = KNOWN_FILTERS,
    known_scores: Collection[str] = KNOWN_SCORES,
) -> Policy:
    """The policy of a ``KubeSchedulerConfiguration`` file, or of one of Volcano's, in YAML or JSON.

    Volcano's may stand in its ConfigMap; it has one profile, ``volcano``.

    Args:
        path: the file.
        profile: the scheduler name of the profile to use; otherwise that of ``default-scheduler`` is used,
            and where there is none, the first.
        known_filters: the filters that the engine has.
        known_scores: the scores that the engine has.

    Raises:
        InputError: the file is not such a configuration, or kube-scheduler would refuse a value in it.
        ConfigError: kube-scheduler would not start with the plugins of a profile; or what Volcano's file asks for
            is malformed, or known to nobody.
        NotFoundError: there is no such file, or no such profile in it.
    """
    source = str(path)
    document = _document(Path(path), source)
    if is_volcano(document) or document.get("kind") == "ConfigMap":
        return _volcano(document, source, profile)
    return parse_scheduler_config(
        document,
        source=source,
        profile=profile,
        known_filters=known_filters,
        known_scores=known_scores,
    )


def parse_scheduler_config(
    document: Mapping[str, Any],
    *,
    source: str = "<object>",
    profile: str | None = None,
    known_filters: Collection[str] = KNOWN_FILTERS,
    known_scores: Collection[str] = KNOWN_SCORES,
) -> Policy:
    """The same for a configuration that is decoded already.

    Args:
        document: the configuration.
        source: where it comes from, for the errors.
        profile: as for `read_scheduler_config`.
        known_filters: as for `read_scheduler_config`.
        known_scores: as for `read_scheduler_config`.

    Raises:
        InputError: as for `read_scheduler_config`.
        ConfigError: as for `read_scheduler_config`.
        NotFoundError: there is no such profile.
    """
    engine = Engine(known_filters, known_scores)
    try:
        configuration = _configuration(document)
        policies = _policies(configuration, engine)
    except InputError as error:
        raise error.at(source=source) from error.__cause__
    except _UnfitError as error:
        raise ConfigError(str(error.problem.at(source=source))) from error
    if profile is None:
        return policies.get(DEFAULT_SCHEDULER) or next(iter(policies.values()))
    if profile not in policies:
        raise NotFoundError(f"{source}: found no profile {profile!r}, only {', '.join(policies)}")
    return policies[profile]


class Engine(NamedTuple):
    """What Yuheng can do."""

    filters: Collection[str]
    scores: Collection[str]

    def names(self) -> frozenset[str]:
        """The names of all plugins."""
        return frozenset(self.filters) | frozenset(self.scores)

    def points(self) -> dict[str, Collection[str]]:
        """The extension points of every plugin that is known, kube-scheduler's included."""
        own = {
            name: [point for point, names in (("filter", self.filters), ("score", self.scores)) if name in names]
            for name in self.names()
        }
        return {**own, **KUBERNETES_PLUGINS}


class _UnfitError(Exception):
    """A configuration that says what it means and that kube-scheduler still cannot start with."""

    def __init__(self, problem: InputError) -> None:
        self.problem = problem
        super().__init__(str(problem))


def _volcano(document: Mapping[str, Any], source: str, profile: str | None) -> Policy:
    """The policy of Volcano's configuration, which may stand in a ConfigMap."""
    if not is_volcano(document):
        found = in_config_map(document, source)
        if found is None:
            expected = "one whose data holds actions and tiers"
            raise InputError("a ConfigMap without a scheduler configuration", expected, source=source)
        document, source = found
    policy = parse_volcano_config(document, source)
    if profile not in (None, policy.name):
        raise NotFoundError(f"{source}: found no profile {profile!r}, only {policy.name}")
    return policy


def _document(path: Path, source: str) -> dict[str, Any]:
    try:
        documents = list(yaml_documents(path.read_bytes(), source))
    except FileNotFoundError as error:
        raise NotFoundError(f"{source}: no such file") from error
    except OSError as error:
        raise InputError(f"what cannot be read: {error.strerror}", f"a {KIND}", source=source) from error
    decoded = msgspec.json.decode(documents[0]) if len(documents) == 1 else None
    if not isinstance(decoded, dict):
        found = "a list" if documents else "nothing"
        raise InputError(f"{len(documents)} documents" if documents[1:] else found, f"one {KIND}", source=source)
    return decoded


def _configuration(document: Mapping[str, Any]) -> Configuration:
    fields = without_nulls(dict(document))
    group, _, version = str(fields.get("apiVersion", "")).partition("/")
    if fields.get("kind") != KIND:
        raise InputError(shown(fields.get("kind")), KIND, field="kind")
    if group != GROUP or version not in VERSIONS:
        expected = f"{GROUP}/v1 (or {' or '.join(VERSIONS[1:])})"
        raise InputError(shown(fields.get("apiVersion")), expected, field="apiVersion")
    if version == V1BETA2:
        fields = {name: value for name, value in fields.items() if name not in ONLY_IN_V1BETA2}
    try:
        return Configuration.model_validate(fields)
    except ValidationError as error:
        raise refusal(error) from None


def _policies(configuration: Configuration, engine: Engine) -> dict[str, Policy]:
    """The policies of all profiles, by scheduler name: one that is wrong makes the whole file useless."""
    profiles = configuration.profiles or [Profile()]
    return {
        profile.scheduler_name or DEFAULT_SCHEDULER: _policy(configuration, profile, f"profiles[{index}]", engine)
        for index, profile in enumerate(profiles)
    }


def _policy(configuration: Configuration, profile: Profile, path: str, engine: Engine) -> Policy:
    version = configuration.api_version.partition("/")[2]
    if version == "v1":
        _check_removed(profile, path)
    settings = _settings(profile, path)
    if ignored := _ignored_by_extenders(configuration):
        settings["ignored_resources"] = ignored
    try:
        selection = Selection(profile.plugins, engine.points(), version, f"{path}.plugins")
    except InputError as error:
        raise _UnfitError(error) from error
    name = profile.scheduler_name or DEFAULT_SCHEDULER
    return Policy(
        name=name,
        filters=_filters(selection, engine),
        scores=_scores(selection, engine),
        warnings=tuple(omissions(configuration, profile, selection, name, engine.names())),
        **settings,
    )


def _check_removed(profile: Profile, path: str) -> None:
    named = [
        (plugin.name, f"{path}.plugins.{point}.enabled[{index}].name")
        for point in POINTS
        for index, plugin in enumerate(profile.plugins.at(point).enabled)
    ]
    named += [(one.name, f"{path}.pluginConfig[{index}].name") for index, one in enumerate(profile.plugin_config)]
    for name, field in named:
        if name in REMOVED:
            raise InputError(repr(name), "a plugin that v1 still has", field=field)


def _settings(profile: Profile, path: str) -> dict[str, Any]:
    """What the arguments of all plugins say about the policy."""
    settings: dict[str, Any] = {}
    seen = set()
    for index, config in enumerate(profile.plugin_config):
        where = f"{path}.pluginConfig[{index}]"
        if config.name in seen:
            raise InputError(repr(config.name), "each plugin once", field=f"{where}.name")
        seen.add(config.name)
        if config.name in ARGUMENTS:
            try:
                settings |= ARGUMENTS[config.name].model_validate(config.args).settings()
            except ValidationError as error:
                raise refusal(error, f"{where}.args") from None
    return settings


def _ignored_by_extenders(configuration: Configuration) -> tuple[str, ...]:
    """What extenders look after alone takes the place of NodeResourcesFit's own list, in every profile."""
    resources = (resource for extender in configuration.extenders for resource in extender.managed_resources)
    return tuple(resource.name for resource in resources if resource.ignored_by_scheduler)


def _filters(selection: Selection, engine: Engine) -> tuple[str, ...]:
    on = set(selection.at("filter")) & set(engine.filters)
    # Who disables all plugins thinks of kube-scheduler's; GPUs must not be given away twice for that.
    if DEVICE_FIT in engine.filters and not {"filter", MULTI_POINT} & set(selection.named(DEVICE_FIT, "disabled")):
        on.add(DEVICE_FIT)
    ranks = {name: rank for rank, name in enumerate(KUBERNETES_FILTERS)}
    return tuple(sorted(on, key=lambda name: (ranks.get(name, len(ranks)), name)))


def _scores(selection: Selection, engine: Engine) -> tuple[ScoreWeight, ...]:
    """The scores in the order of the default policy, then those of Yuheng in the order of the file."""
    weights = selection.weights()
    ranks = {score.plugin: rank for rank, score in enumerate(KUBERNETES_SCORES)}
    on = [name for name in selection.at("score") if name in engine.scores]
    on.sort(key=lambda name: ranks.get(name, len(ranks)))
    return tuple(ScoreWeight(name, weights[name]) for name in on)
