"""The fields of a ``KubeSchedulerConfiguration``, and what kube-scheduler demands of them.

As kube-scheduler decodes strictly, so do these models: a field it does not know is an error, and so is a
number where text belongs. Of fields that have no influence on where a pod goes, the type alone is checked.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel, to_snake

from yuheng.readers.scheduler_config.refusals import refused

__all__ = [
    "DEFAULT_SCHEDULER",
    "POINTS",
    "Configuration",
    "Extender",
    "Plugin",
    "PluginConfig",
    "PluginSet",
    "Plugins",
    "Profile",
    "Strict",
    "between",
]

DEFAULT_SCHEDULER: Final = "default-scheduler"


class Strict(BaseModel):
    """The base of all: camel case, unknown fields refused, no type turned into another."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True, validate_default=True)


def between(least: int, most: int | None = None) -> AfterValidator:
    """A validator of whole numbers; without ``most`` there is no upper bound."""
    expected = f"a whole number of {least} or more" if most is None else f"a whole number from {least} to {most}"

    def check(value: int | None) -> int | None:
        if value is not None and (value < least or (most is not None and value > most)):
            raise refused(value, expected)
        return value

    return AfterValidator(check)


Int32 = Annotated[int, between(-(2**31), 2**31 - 1)]
Percentage = Annotated[int | None, between(0, 100)]


class Plugin(Strict):
    """A plugin by its name; a weight of 0 stands for none given."""

    name: str = ""
    weight: Int32 = 0


class PluginSet(Strict):
    """What is enabled and disabled at an extension point, on top of the defaults."""

    enabled: list[Plugin] = []
    disabled: list[Plugin] = []


class Plugins(Strict):
    """The extension points."""

    pre_enqueue: PluginSet = PluginSet()
    queue_sort: PluginSet = PluginSet()
    pre_filter: PluginSet = PluginSet()
    filter: PluginSet = PluginSet()
    post_filter: PluginSet = PluginSet()
    pre_score: PluginSet = PluginSet()
    score: PluginSet = PluginSet()
    reserve: PluginSet = PluginSet()
    permit: PluginSet = PluginSet()
    pre_bind: PluginSet = PluginSet()
    bind: PluginSet = PluginSet()
    post_bind: PluginSet = PluginSet()
    multi_point: PluginSet = PluginSet()
    placement_generate: PluginSet = PluginSet()
    placement_score: PluginSet = PluginSet()

    def at(self, point: str) -> PluginSet:
        """What is written at an extension point, named as in the file (``preFilter``)."""
        plugins: PluginSet = getattr(self, to_snake(point))
        return plugins


POINTS: Final = tuple(to_camel(name) for name in Plugins.model_fields)


class PluginConfig(Strict):
    """The arguments of one plugin; what they may be depends on the plugin (see `arguments`)."""

    name: str = ""
    args: dict[str, Any] = {}


class Profile(Strict):
    """A profile: the plugins for the pods of one scheduler name."""

    scheduler_name: str | None = None
    percentage_of_nodes_to_score: Percentage = None
    plugins: Plugins = Plugins()
    plugin_config: list[PluginConfig] = []


class TlsConfig(Strict):
    """How an extender is trusted."""

    insecure: bool = False
    server_name: str = ""
    cert_file: str = ""
    key_file: str = ""
    ca_file: str = Field(default="", alias="caFile")
    cert_data: str = ""
    key_data: str = ""
    ca_data: str = Field(default="", alias="caData")


class ManagedResource(Strict):
    """An extended resource that an extender looks after."""

    name: str = ""
    ignored_by_scheduler: bool = False


class Extender(Strict):
    """A web service that kube-scheduler asks."""

    url_prefix: str = ""
    filter_verb: str = ""
    preempt_verb: str = ""
    prioritize_verb: str = ""
    weight: int = 0
    bind_verb: str = ""
    enable_https: bool = Field(default=False, alias="enableHTTPS")
    tls_config: TlsConfig = TlsConfig()
    http_timeout: str = ""
    node_cache_capable: bool = False
    managed_resources: list[ManagedResource] = []
    ignorable: bool = False


class LeaderElection(Strict):
    """How replicas of the scheduler agree who works."""

    leader_elect: bool = False
    lease_duration: str = ""
    renew_deadline: str = ""
    retry_period: str = ""
    resource_lock: str = ""
    resource_name: str = ""
    resource_namespace: str = ""


class ClientConnection(Strict):
    """How the scheduler talks to the API server."""

    kubeconfig: str = ""
    accept_content_types: str = ""
    content_type: str = ""
    qps: float = 0.0
    burst: Int32 = 0


class Configuration(Strict):
    """The whole file."""

    api_version: str
    kind: str
    parallelism: Annotated[int, between(1)] = 16
    leader_election: LeaderElection = LeaderElection()
    client_connection: ClientConnection = ClientConnection()
    enable_profiling: bool = True
    enable_contention_profiling: bool = True
    percentage_of_nodes_to_score: Percentage = None
    pod_initial_backoff_seconds: Annotated[int, between(1)] = 1
    pod_max_backoff_seconds: int = 10
    profiles: list[Profile] = []
    extenders: list[Extender] = []
    delay_cache_until_active: bool = False

    @model_validator(mode="after")
    def _check_backoff(self) -> Self:
        least = self.pod_initial_backoff_seconds
        if self.pod_max_backoff_seconds < least:
            expected = f"{least} or more, as podInitialBackoffSeconds is {least}"
            raise refused(self.pod_max_backoff_seconds, expected, ".podMaxBackoffSeconds")
        return self

    @model_validator(mode="after")
    def _check_scheduler_names(self) -> Self:
        """Several profiles are told apart by the name; a single one has the default's."""
        seen: set[str | None] = set()
        for index, profile in enumerate(self.profiles):
            name = profile.scheduler_name
            at = f".profiles[{index}].schedulerName"
            if name == "" or (name is None and len(self.profiles) > 1):
                raise refused(name, "the name of a scheduler", at)
            if name in seen:
                raise refused(name, "a name that no other profile has", at)
            seen.add(name)
        return self
