"""``plan --what-if``: what a change of how a cluster is run would cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from yuheng.cli.prices import PriceFiles
from yuheng.cli.usage_options import UsageFiles
from yuheng.errors import ConfigError
from yuheng.model.units import DAY

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.finops.what_if import Ask, Sizes
    from yuheng.model.estate import Estate
    from yuheng.model.node_price import NodePrice
    from yuheng.model.policy import Policy
    from yuheng.model.what_if import WhatIf

__all__ = ["Chosen", "PriceFiles", "UsageFiles", "WhatIfOptions", "WhatIfs", "print_what_if"]

# How far back from its end usage counts for requests.
_HISTORY = 14 * DAY

WhatIfs = Annotated[
    list[str] | None,
    typer.Option(
        "--what-if",
        metavar="CHANGE",
        help="Instead of a plan, what a change would cost: colocate, share-gpus, spot=0.5, node-type=m7g.4xlarge or "
        "resize; repeatable, each on top of those before.",
    ),
]


class WhatIfOptions(NamedTuple):
    """What was said about changes on the command line.

    Attributes:
        changes: of ``--what-if``.
        prices: of ``--prices``.
        usage: of ``--usage``.
    """

    changes: Sequence[str] = ()
    prices: Sequence[Path] = ()
    usage: Sequence[Path] = ()

    def check(self, others: Sequence[str]) -> bool:
        """Whether changes were asked for.

        Args:
            others: options that were given and speak of a plan.

        Raises:
            ConfigError: something was given that does not go together.
        """
        for option, given in (("--prices", self.prices), ("--usage", self.usage)):
            if given and not self.changes:
                raise ConfigError(f"{option}: found it without --what-if, expected both")
        if not self.changes:
            return False
        if others:
            raise ConfigError(f"{' and '.join(others)}: found with --what-if, expected one of them")
        return True


class Chosen(NamedTuple):
    """What else was said on the command line.

    Attributes:
        policy: None for the input's configuration, or else ``kubernetes``.
        seed: of everything random.
        now: in seconds since the epoch; None for the input's time.
    """

    policy: Policy | None
    seed: int
    now: float | None


def print_what_if(inputs: Sequence[str], options: WhatIfOptions, chosen: Chosen, form: str, out: Path | None) -> None:
    """Read, change, print."""
    from yuheng.cli.output import check_place, deliver
    from yuheng.finops.what_if import parse_ask

    asks = [parse_ask(text) for text in options.changes]
    if out is not None:
        check_place(out)
    result = _answered(inputs, options, asks, chosen)
    deliver(lambda console: what_if_text(result, form, console), out, form)


def _answered(inputs: Sequence[str], options: WhatIfOptions, asks: Sequence[Ask], chosen: Chosen) -> WhatIf:
    import msgspec

    from yuheng.cli.meter import Meter
    from yuheng.cli.work import engine
    from yuheng.finops.pricing import price_nodes
    from yuheng.readers.estate import read_estate
    from yuheng.readers.prices import read_written_prices
    from yuheng.scheduling.planner import chosen_policy

    policy, seed, now = chosen
    written = read_written_prices(options.prices)
    with Meter("reading"):
        estate = read_estate(*inputs)
    at = next((time for time in (now, estate.time) if time is not None), float("inf"))
    prices = price_nodes(estate.snapshot.nodes, written.book, time=at, rates=written.rates, cluster=estate.cluster)
    measured = _measured(estate, options.usage, prices, {ask.name for ask in asks})
    annotations = {key: pod.annotations for key, pod in estate.pods.items() if pod.annotations}
    with engine("trying the changes") as meter:
        from yuheng.finops.what_if import Known, what_if

        known = Known(
            book=written.book,
            time=at,
            policy=chosen_policy(estate.snapshot, policy, seed),
            seed=seed,
            annotations=annotations,
            gpu_use=measured.gpu_use,
            sizes=measured.sizes,
        )
        found = what_if(estate.snapshot, prices, asks, known, meter.report)
    warnings = dict.fromkeys((*estate.warnings, *written.warnings, *measured.notes, *found.warnings))
    return msgspec.structs.replace(found, warnings=tuple(warnings))


class _Measured(NamedTuple):
    """What usage tells: see `yuheng.finops.what_if.Known`."""

    gpu_use: dict[str, float] | None = None
    sizes: Sizes | None = None
    notes: tuple[str, ...] = ()


def _measured(estate: Estate, files: Sequence[Path], prices: Sequence[NodePrice], names: set[str]) -> _Measured:
    if not files:
        return _Measured()
    if not names & {"resize", "share-gpus"}:
        raise ConfigError("--usage: found it without --what-if resize or share-gpus, expected one of them")
    from yuheng.cli.meter import Meter
    from yuheng.readers.usage import open_usage
    from yuheng.readers.usage.gpus import gpu_use
    from yuheng.readers.usage.matrices import read_matrices

    sizes, gpus = None, None
    with Meter("reading usage") as meter, open_usage(list(files)) as opened:
        if "share-gpus" in names:
            gpus = gpu_use(opened)
        if "resize" in names:
            from yuheng.finops.rightsizing import Rule, rightsize
            from yuheng.finops.what_if import sizes_of

            matrices = read_matrices(opened, _HISTORY, progress=meter.report)
            sizes = sizes_of(estate, rightsize(estate, matrices, prices, Rule()))
        notes = tuple(opened.notes)
    return _Measured(gpus, sizes, notes)


def what_if_text(result: WhatIf, form: str, console: Console | None) -> str:
    """Changes as a document; a table goes to the console."""
    if form == "html":
        from yuheng.reporting.what_if_page import what_if_page

        return what_if_page(result)
    if console is None:
        from yuheng.reporting.documents import json_text, yaml_text

        return json_text(result) if form == "json" else yaml_text(result)
    from yuheng.reporting.tables.what_if import write_what_if

    write_what_if(result, console, wide=form == "wide")
    return ""
