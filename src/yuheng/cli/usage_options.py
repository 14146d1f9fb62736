"""Where usage comes from: files, or a Prometheus server. Options of every command that looks at what was used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from yuheng.errors import ConfigError, InputError

if TYPE_CHECKING:
    from yuheng.readers.usage.prometheus import Period

__all__ = [
    "CacheFolder",
    "ClustersUsageFiles",
    "EgressShare",
    "Match",
    "PrometheusUrl",
    "Step",
    "UsageFiles",
    "UsageOptions",
    "usage_paths",
]

DEFAULT_STEP = "5m"

UsageFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--usage",
        metavar="FILE",
        help="What containers used: Parquet or CSV with timestamp, namespace, pod, container, cpu, memory, gpu; "
        "a file, a folder or a pattern; repeatable.",
    ),
]
ClustersUsageFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--usage",
        metavar="[CLUSTER=]FILE",
        help="What containers used: Parquet or CSV with timestamp, namespace, pod, container, cpu, memory, gpu; "
        "a file, a folder or a pattern; repeatable. Of a fleet, with a column cluster, or CLUSTER=FILE for each.",
    ),
]
PrometheusUrl = Annotated[
    str | None,
    typer.Option(
        "--prometheus",
        metavar="URL",
        help="Ask a Prometheus server what containers used, instead of --usage. Credentials come from the "
        "environment: YUHENG_PROMETHEUS_TOKEN_FILE and others.",
    ),
]
Step = Annotated[
    str,
    typer.Option("--step", metavar="DURATION", help="Of --prometheus: the time that one sample stands for."),
]
CacheFolder = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="DIR",
        help="Of --prometheus: where answers are kept, so that a second run asks only what is missing.",
        show_default="the user's cache folder",
    ),
]
Match = Annotated[
    list[str] | None,
    typer.Option(
        "--match",
        metavar="LABEL=VALUE",
        help="Of --prometheus: only series with this label, such as cluster=production; repeatable.",
    ),
]
EgressShare = Annotated[
    float,
    typer.Option(
        "--egress-share",
        metavar="SHARE",
        min=0.0,
        max=1.0,
        help="Of --prometheus: the part of what pods send that leaves to the internet, where no metric tells it.",
    ),
]


class UsageOptions(NamedTuple):
    """What was said about usage on the command line.

    Attributes:
        files: of ``--usage``.
        prometheus: the server; None for none.
        step: a duration as Prometheus writes it.
        cache: the folder of answers; None for the user's.
        match: ``label=value``, each.
        egress_share: 0 to 1.
    """

    files: Sequence[Path] = ()
    prometheus: str | None = None
    step: str = DEFAULT_STEP
    cache: Path | None = None
    match: Sequence[str] = ()
    egress_share: float = 0.0

    @property
    def is_given(self) -> bool:
        """Whether there is any usage to read."""
        return bool(self.files) or self.prometheus is not None

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            ConfigError: files and a server, or options of a server without one.
        """
        if self.prometheus is not None and self.files:
            raise ConfigError(f"--usage {self.files[0]} and --prometheus: found both, expected one of them")
        of_server = {
            "--step": self.step != DEFAULT_STEP,
            "--cache": self.cache is not None,
            "--match": bool(self.match),
            "--egress-share": self.egress_share != 0.0,
        }
        for option, is_said in of_server.items():
            if is_said and self.prometheus is None:
                raise ConfigError(f"{option}: found it without --prometheus, expected both")


def usage_paths(asked: UsageOptions, period: Period | float | None = None) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """The files that usage is read from, those of ``--usage`` or what Prometheus answered; and what is to be told.

    Args:
        asked: the options.
        period: (from, to) in seconds since the epoch, or the seconds up to now; None for the last 7 days.

    Raises:
        ConfigError: both were given, or options of Prometheus without a server.
        InputError: the server cannot be asked, or does not answer as Prometheus does.
    """
    asked.check()
    if asked.prometheus is None:
        return tuple(asked.files), ()
    return _asked_of_server(asked, asked.prometheus, period)


def _asked_of_server(
    asked: UsageOptions, url: str, period: Period | float | None
) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    from yuheng.cli.meter import Meter
    from yuheng.readers.usage.prometheus import Question, access_of, default_cache, fetch

    question = Question(
        step=_step(asked.step), matchers=_matchers(asked.match), period=period, egress_share=asked.egress_share
    )
    with Meter(f"asking {url}") as meter:
        fetched = fetch(access_of(url), question, asked.cache or default_cache(), progress=meter.report)
    return fetched.paths, fetched.notes


def _step(text: str) -> float:
    from yuheng.model.duration import parse_period

    try:
        found = parse_period(text)
    except InputError as error:
        raise error.at(field="--step") from error
    if found < 1 or found != int(found):
        raise InputError(repr(text), "whole seconds, at least one", field="--step")
    return found


def _matchers(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    pairs = [text.partition("=") for text in texts]
    for text, (label, mark, _) in zip(texts, pairs, strict=True):
        if not mark or not label.isidentifier() or not label.isascii():
            raise InputError(repr(text), "a label and its value, such as cluster=production", field="--match")
    return tuple(sorted((label, value) for label, _, value in pairs))
