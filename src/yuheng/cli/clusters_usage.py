"""Usage of one cluster or of several: which samples are whose.

A cluster alone has all of them. Of a fleet, samples say theirs in a column ``cluster``, or each cluster has files of
its own: ``--usage east=usage-of-east.parquet``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from yuheng.cli.usage_options import UsageOptions, usage_paths
from yuheng.errors import ConfigError, InputError

if TYPE_CHECKING:
    from types import TracebackType

    from yuheng.model.estate import Estate
    from yuheng.model.usage import UsageSums, Window
    from yuheng.readers.usage import Usage
    from yuheng.readers.usage.prometheus import Period

__all__ = ["ClustersUsage"]


class ClustersUsage:
    """Usage of clusters, open until it is closed; a context manager.

    Args:
        asked: the options.
        estates: the clusters.
        period: what a server is asked for (see `usage_paths`).

    Attributes:
        notes: what is to be told of the reading.

    Raises:
        ConfigError: a server for several clusters, or files with the name of a cluster beside others.
        InputError: a file cannot be read.
    """

    def __init__(self, asked: UsageOptions, estates: Sequence[Estate], period: Period | float | None) -> None:
        from yuheng.readers.usage import open_usage

        self._estates = estates
        self._stack = ExitStack()
        self.notes: list[str] = []
        if len(estates) > 1 and asked.prometheus is not None:
            raise ConfigError(
                f"--prometheus {asked.prometheus}: found {len(estates):,} clusters, expected one: what a server tells "
                "does not say which cluster it is of; use --usage CLUSTER=FILE for each"
            )
        own = _files_by_cluster(asked.files, [estate.cluster for estate in estates])
        if not own:
            paths, notes = usage_paths(asked, period)
            own = {None: paths}
            self.notes += notes
        with ExitStack() as stack:
            self._opened: dict[str | None, Usage] = {
                name: stack.enter_context(open_usage(paths)) for name, paths in own.items()
            }
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    @property
    def span(self) -> tuple[float, float]:
        """The time of the first sample of any cluster, and when the last one ends, in seconds since the epoch."""
        return min(one.start for one in self._opened.values()), max(one.end for one in self._opened.values())

    def sums(self, window: Window) -> list[UsageSums | None]:
        """What the containers of each cluster used; None of a cluster without samples.

        Raises:
            InputError: there is no sample of any of them within the window, or it is not told whose they are.
        """
        shared = self._opened.get(None)
        if shared is None:
            return self._each_of_own(window)
        told = shared.clusters(window.start, window.end)
        if len(self._estates) == 1 and self._estates[0].cluster not in told:
            return [self._alone(shared, told, window)]
        if not told:
            summed_of(self._estates[0], shared, window)
        self._check(shared, told)
        found = [
            summed_of(estate, shared, window, estate.cluster) if estate.cluster in told else None
            for estate in self._estates
        ]
        if len(found) == 1:
            return found
        # What is told of the files is told once, not of each cluster.
        self.notes += shared.notes
        return [one and msgspec.structs.replace(one, notes=one.notes[len(shared.notes) :]) for one in found]

    def _each_of_own(self, window: Window) -> list[UsageSums | None]:
        """Of clusters that have files of their own."""
        there = {name: bool(usage.clusters(window.start, window.end)) for name, usage in self._opened.items()}
        if not any(there.values()):
            there[next(iter(there))] = True
        return [
            summed_of(estate, self._opened[estate.cluster], window) if there.get(estate.cluster) else None
            for estate in self._estates
        ]

    def _alone(self, usage: Usage, told: dict[str, int], window: Window) -> UsageSums:
        """All samples are those of the one cluster, unless they are of several."""
        if len(told) > 1:
            names = ", ".join(repr(name) for name in sorted(told))
            raise InputError(f"samples of several clusters: {names}", "those of one, or a Fleet", source=usage.source)
        return summed_of(self._estates[0], usage, window)

    def _check(self, usage: Usage, told: dict[str, int]) -> None:
        """Tell what is of no cluster of the input.

        Raises:
            InputError: all of it.
        """
        from yuheng.model.words import first_of

        known = {estate.cluster for estate in self._estates}
        strangers = {name: samples for name, samples in told.items() if name not in known}
        names = first_of(repr(name) if name else "no cluster" for name in sorted(strangers))
        if told and strangers == told:
            expected = f"some of {first_of(sorted(known))}, in a column cluster, or --usage CLUSTER=FILE for each"
            raise InputError(f"samples of {names}", expected, source=usage.source)
        if strangers:
            self.notes.append(
                f"{sum(strangers.values()):,} samples of usage are of {names}, not in the input: they are left out"
            )


def summed_of(estate: Estate, usage: Usage, window: Window, cluster: str | None = None) -> UsageSums:
    """What the containers of a cluster used.

    Args:
        estate: the cluster.
        usage: its samples, maybe among others.
        window: the time, and its stretches.
        cluster: its name, where there may be others; None for all samples.

    Raises:
        InputError: there is no sample within the window.
    """
    from yuheng.finops.allocation import requests_of
    from yuheng.readers.usage.sums import summed

    return summed(usage, requests_of(estate), window, cluster)


def _files_by_cluster(files: Sequence[Path], names: Sequence[str]) -> dict[str | None, tuple[Path, ...]]:
    """The files of ``CLUSTER=FILE`` by their cluster; empty where none is written so.

    Raises:
        ConfigError: some are, and others not; or a file that is there is written with another name before it.
    """
    from yuheng.model.words import first_of

    found: defaultdict[str | None, list[Path]] = defaultdict(list)
    for file in files:
        name, sign, rest = str(file).partition("=")
        is_named = bool(sign) and name in names and bool(rest) and not file.exists()
        if sign and rest and any(names) and not is_named and not file.exists() and Path(rest).exists():
            raise ConfigError(f"--usage {file}: found cluster {name!r}, expected one of {first_of(sorted(names))}")
        found[name if is_named else None].append(Path(rest) if is_named else file)
    if None not in found:
        return {name: tuple(paths) for name, paths in found.items()}
    if len(found) > 1:
        raise ConfigError(f"--usage {found[None][0]}: found no cluster, expected CLUSTER=FILE as the others have it")
    return {}
