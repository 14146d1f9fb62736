"""`yuheng snapshot`: a live cluster, read once and written down; and commands that begin with one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yuheng.cli.run import ContextName, Kubeconfig
from yuheng.errors import ConfigError

if TYPE_CHECKING:
    from yuheng.kubernetes.capture import Captured

__all__ = ["LiveContext", "LiveKubeconfig", "captured_inputs", "snapshot"]

# Seconds that a server is tried before it counts as not there.
FIRST_ANSWER = 3.0

LiveContext = Annotated[
    str | None,
    typer.Option(
        "--context",
        metavar="NAME",
        help="Begin with the live cluster of this context of the kubeconfig, read as `yuheng snapshot` reads it.",
    ),
]
LiveKubeconfig = Annotated[
    Path | None,
    typer.Option(
        "--kubeconfig",
        metavar="FILE",
        help="The same, of this kubeconfig; of its current context where none is named.",
    ),
]

Annotations = Annotated[
    list[str] | None,
    typer.Option(
        "--annotation",
        metavar="NAME",
        help="Keep this annotation, too, for `yuheng cost --by annotation:NAME`; repeatable. Others are left out but "
        "for those that scheduling looks at.",
    ),
]


def snapshot(
    *,
    out: Annotated[
        Path,
        typer.Option("-o", "--out", metavar="FILE", help="Where it goes: .json or .yaml, or these with .gz."),
    ],
    kubeconfig: Kubeconfig = None,
    context: ContextName = None,
    annotations: Annotations = None,
) -> None:
    """Read, write, tell."""
    from yuheng.cli.output import check_place

    check_place(out, "-o")
    found = _written(out, kubeconfig, context, annotations or ())
    counts = [f"{count} {name}" for name, count in found.counts.items()]
    typer.echo(f"{out}: {', '.join(reversed(counts)) or 'nothing'}")
    _tell(found.notes)


def _tell(notes: Iterable[str]) -> None:
    """What was left out; servers have a say in it."""
    from yuheng.reporting.wording import printable

    for note in notes:
        typer.echo(f"yuheng: {printable(note)}", err=True)


@contextmanager
def captured_inputs(inputs: Sequence[str] | None, kubeconfig: Path | None, context: str | None) -> Iterator[list[str]]:
    """The inputs of a command, and before them the cluster of a context, if one was named.

    Args:
        inputs: files and folders; None for none.
        kubeconfig: the kubeconfig that was named.
        context: the context that was named.

    Raises:
        ConfigError: there is neither an input nor a cluster.
        YuhengError: the cluster cannot be read.
    """
    if kubeconfig is None and context is None:
        if not inputs:
            raise ConfigError("INPUT: found nothing, expected files, or --context NAME for a live cluster")
        yield list(inputs)
        return
    import tempfile

    from yuheng.readers.sources.files import Named

    with tempfile.TemporaryDirectory(prefix="yuheng-") as folder:
        path = Path(folder, "cluster.json")
        _tell(_written(path, kubeconfig, context, ()).notes)
        called = f"context {context}" if context is not None else f"kubeconfig {kubeconfig}"
        yield [Named(path, f"<{called}>"), *(inputs or ())]


def _written(out: Path, kubeconfig: Path | None, context: str | None, annotations: Sequence[str]) -> Captured:
    """A cluster, in a file."""
    import asyncio

    from yuheng.cli.meter import Meter
    from yuheng.cli.output import whole_file
    from yuheng.kubernetes.access import open_access
    from yuheng.kubernetes.api import Api, ApiError, Patience
    from yuheng.kubernetes.capture import capture, check_annotations, check_suffix, list_of
    from yuheng.kubernetes.logs import start_logs

    check_suffix(out)
    check_annotations(annotations)
    start_logs()
    access = open_access(kubeconfig, context)

    async def read() -> Captured:
        # Whoever waits at a terminal is told soon that there is no server; one that stumbles later is waited for.
        async with Api(access, patience=Patience(total=FIRST_ANSWER)) as api:
            with suppress(ApiError):
                await api.request("GET", "/version")
        with Meter(f"reading {access.server}") as meter, whole_file(out, "-o") as file, list_of(file, out) as take:
            async with Api(access, compressed=True) as api:
                return await capture(api, take, annotations, meter.report)

    return asyncio.run(read())
