"""Scheduler configurations for the tests, in few words."""

from __future__ import annotations

import textwrap
from typing import Any

import msgspec
import yaml

from yuheng.readers.scheduler_config import parse_scheduler_config

GROUP = "kubescheduler.config.k8s.io"
HEAD = f"apiVersion: {GROUP}/v1\nkind: KubeSchedulerConfiguration\n"


def load(body="", version="v1"):
    """A configuration with this body."""
    return yaml.safe_load(HEAD.replace("/v1", f"/{version}") + textwrap.dedent(body))


def parse(body="", **options):
    """The policy of a configuration with this body."""
    return parse_scheduler_config(load(body), source="s.yaml", **options)


def with_arguments(plugin, arguments):
    """The policy of a configuration that gives one plugin these arguments."""
    args = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
    return parse(f"profiles: [{{pluginConfig: [{{name: {plugin}, args: {args}}}]}}]")


def with_plugins(text, **options):
    """The policy of a profile such as ``score: +NodeAffinity=7 -ImageLocality; multiPoint: -*``."""
    return parse(profile_of(text), **options)


def profile_of(text):
    """The body of a configuration with such a profile."""
    plugins: dict[str, Any] = {}
    for part in filter(None, text.split(";")):
        point, entries = part.strip().split(":")
        chosen = plugins.setdefault(point, {"enabled": [], "disabled": []})
        for entry in entries.split():
            name, _, weight = entry[1:].partition("=")
            which = "enabled" if entry[0] == "+" else "disabled"
            chosen[which].append({"name": name, **({"weight": int(weight)} if weight else {})})
    return yaml.safe_dump({"profiles": [{"plugins": plugins}]})
