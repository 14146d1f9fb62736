"""What to buy: ``nodes``, the cheapest mix of machines for a workload, and ``commit``, how much to reserve."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yuheng.cli.options import ConfigFile, Now, OutFile, PolicyName
from yuheng.cli.prices import PriceFiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from yuheng.finops.node_mix import Choice, Demand
    from yuheng.model.commitments import Commitments, DemandSeries, Term
    from yuheng.model.node_mix import NodeMix
    from yuheng.model.pod import Pod
    from yuheng.model.policy import Policy
    from yuheng.model.prices import Market, PriceBook

__all__ = ["commit", "nodes"]


class BuyingFormat(StrEnum):
    """How advice on buying is printed."""

    table = "table"
    wide = "wide"
    json = "json"
    yaml = "yaml"
    csv = "csv"


Workloads = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="INPUT",
        help="What is to be held: a cluster's state or manifests (JSON, YAML, openb CSV; .gz too), or - for standard "
        "input. May be left out with --peak.",
        show_default=False,
    ),
]
Regions = Annotated[
    list[str] | None,
    typer.Option("--region", metavar="NAME", help="Where to buy; repeatable.", show_default="the book's only one"),
]
Types = Annotated[
    list[str] | None,
    typer.Option(
        "--types",
        metavar="GLOB",
        help="Instance types that may be bought, such as 'm7*'; repeatable, or separated by commas.",
        show_default="all but burstable ones",
    ),
]


def nodes(  # noqa: PLR0913 -- a parameter is an option
    inputs: Workloads = None,
    *,
    price_files: PriceFiles = None,
    region: Regions = None,
    types: Types = None,
    markets: Annotated[
        str, typer.Option("--markets", metavar="LIST", help="How nodes may be bought: on-demand, spot, reserved.")
    ] = "on-demand",
    arch: Annotated[
        str, typer.Option("--arch", metavar="LIST", help="Architectures of nodes: amd64, arm64.")
    ] = "amd64",
    peak: Annotated[
        Path | None,
        typer.Option(
            "--peak", metavar="TRACE", help="Hold what a trace (openb's, or any CSV or Parquet) has at its peak, too."
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--columns",
            metavar="KEY=COLUMN",
            help="What a column of the trace means, as in a scenario's workload.columns; repeatable.",
        ),
    ] = None,
    reserve: Annotated[
        str,
        typer.Option(
            "--reserve",
            metavar="RULE",
            help="What a node keeps for itself: by the rule of eks, gke or aks, or none.",
            show_default="by provider",
        ),
    ] = "",
    max_pods: Annotated[
        int, typer.Option("--max-pods", min=1, metavar="NUMBER", help="Pods that a node may hold.")
    ] = 110,
    free: Annotated[
        bool,
        typer.Option(
            "--free",
            help="Buy as many nodes as the scheduler needs to place all pods where it likes, not only where they are "
            "meant to be.",
        ),
    ] = False,
    policy: PolicyName = None,
    config: ConfigFile = None,
    now: Now = None,
    output: Annotated[BuyingFormat, typer.Option("-o", "--output", help="What to print.")] = BuyingFormat.table,
    out: OutFile = None,
) -> None:
    """Read, pack, print."""
    from yuheng.cli.output import deliver
    from yuheng.cli.work import chosen_policy, chosen_time
    from yuheng.finops.node_mix import Choice

    chosen, time = chosen_policy(policy, config), chosen_time(now)
    choice = Choice(
        regions=_listed(region or ()),
        types=_listed(types or ()),
        markets=_markets(markets),
        architectures=_architectures(arch),
        reserve=_reserve(reserve),
        max_pods=max_pods,
        time=float("inf") if time is None else time,
    )
    book, warnings = _book(price_files)
    demand = _demand(inputs or (), peak, columns or (), book, choice)
    result = _mixed(demand, book, choice, chosen, warnings, free=free)
    deliver(lambda console: node_mix_text(result, output.value, console), out, output.value)


def _listed(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(part.strip() for text in texts for part in text.split(",") if part.strip())


def _markets(text: str) -> tuple[Market, ...]:
    """The markets of an option.

    Raises:
        ConfigError: one of them is none.
    """
    from yuheng.errors import ConfigError
    from yuheng.model.prices import MARKETS

    found = tuple(market for market in MARKETS if market in _listed((text,)))
    unknown = [part for part in _listed((text,)) if part not in MARKETS]
    if unknown or not found:
        raise ConfigError(f"--markets: found {(unknown or [text])[0]!r}, expected some of {', '.join(MARKETS)}")
    return found


def _architectures(text: str) -> tuple[str, ...]:
    from yuheng.errors import ConfigError

    found = _listed((text,))
    wrong = [part for part in found if part not in ("amd64", "arm64")]
    if wrong or not found:
        raise ConfigError(f"--arch: found {(wrong or [text])[0]!r}, expected amd64, arm64, or both with a comma")
    return found


def _reserve(text: str) -> str:
    from yuheng.errors import ConfigError
    from yuheng.finops.node_mix import RESERVES

    if text and text not in RESERVES:
        raise ConfigError(f"--reserve: found {text!r}, expected one of {', '.join(RESERVES)}")
    return text


def _book(files: Sequence[Path] | None, own: PriceBook | None = None) -> tuple[PriceBook, tuple[str, ...]]:
    """The price book.

    Args:
        files: that are given.
        own: of the input, for what these do not price; None where it has none.

    Raises:
        ConfigError: there is none.
    """
    from yuheng.errors import ConfigError
    from yuheng.readers.prices import read_price_book

    if not files and not own:
        raise ConfigError("--prices: found none, expected a price book: without one there is nothing to choose from")
    book, warnings = read_price_book(list(files or ()))
    return (book if own is None else book.over(own)), warnings


def _demand(
    inputs: Sequence[str], peak: Path | None, columns: Sequence[str], book: PriceBook, choice: Choice
) -> Demand:
    """What is to be held.

    Raises:
        ConfigError: nothing is.
    """
    import msgspec

    from yuheng.cli.meter import Meter
    from yuheng.errors import ConfigError
    from yuheng.finops.node_mix import demand_of, offers_of
    from yuheng.model.cluster import Snapshot
    from yuheng.model.pod import Pod
    from yuheng.readers.new_nodes import read_for_new_nodes

    if not inputs and peak is None:
        raise ConfigError("INPUT: found none, expected what is to be held, or --peak with a trace")
    if columns and peak is None:
        raise ConfigError("--columns: found it without --peak, expected both: it says what the columns of a trace mean")
    samples = {offer.price.instance_type: offer.node for offer in offers_of(book, choice)}
    with Meter("reading"):
        snapshot, daemons = Snapshot(), tuple[Pod, ...]()
        if inputs:
            snapshot, daemons = read_for_new_nodes(list(inputs), list(samples.values()))
        if peak is not None:
            pods, told = _at_peak(peak, columns)
            own = tuple(sorted((*snapshot.pods, *pods), key=lambda pod: (pod.namespace, pod.name)))
            snapshot = msgspec.structs.replace(snapshot, pods=own, warnings=(*snapshot.warnings, told))
    demand = demand_of(snapshot, daemons)
    if not demand.kinds:
        raise ConfigError(f"{', '.join(inputs) or peak}: found no pods to hold, expected pods, workloads or a trace")
    return demand


def _at_peak(trace: Path, columns: Sequence[str]) -> tuple[tuple[Pod, ...], str]:
    """The pods of a trace at its peak, and a sentence on when that is."""
    from yuheng.cli.sweep import written_column
    from yuheng.finops.node_mix.peak import peak_of
    from yuheng.readers.scenario.mapped import mapped_trace
    from yuheng.reporting.wording import duration_text

    found = peak_of(mapped_trace(trace, dict(written_column(item) for item in columns), None))
    when = duration_text(found.seconds)
    return found.pods, f"{trace}: its peak is {when} after its start, with {len(found.pods)} pods at once"


def _mixed(
    demand: Demand,
    book: PriceBook,
    choice: Choice,
    policy: Policy | None,
    warnings: tuple[str, ...],
    *,
    free: bool,
) -> NodeMix:
    import msgspec

    from yuheng.cli.work import engine

    with engine("packing") as meter:
        from yuheng.finops.node_mix import node_mix

        found = node_mix(demand, book, choice, policy or "kubernetes", free=free, progress=meter.report)
    told: NodeMix = msgspec.structs.replace(found, warnings=(*warnings, *found.warnings))
    return told


def node_mix_text(mix: NodeMix, form: str, console: Console | None) -> str:
    """A mix as a document; a table goes to the console."""
    if form == "csv":
        from yuheng.reporting.buying_csv import node_mix_csv

        return node_mix_csv(mix)
    if console is None:
        from yuheng.reporting.documents import json_text, yaml_text

        return json_text(mix) if form == "json" else yaml_text(mix)
    from yuheng.reporting.tables.node_mix import write_node_mix

    write_node_mix(mix, console, wide=form == "wide")
    return ""


def commit(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT",
            help="A cluster's state, whose nodes are taken to be in use all the time; or --demand.",
            show_default=False,
        ),
    ] = None,
    *,
    demand: Annotated[
        Path | None,
        typer.Option(
            "--demand",
            metavar="FILE",
            help="What was in use over time, in CSV: time, instance_type (or family), count (or vcpus), region, ...",
        ),
    ] = None,
    price_files: PriceFiles = None,
    discount: Annotated[
        str | None,
        typer.Option(
            "--discount",
            metavar="TERM=SHARE",
            help="What committing for a term saves of the on-demand price; several with commas.",
            show_default="1y=0.37,3y=0.55, assumed",
        ),
    ] = None,
    now: Now = None,
    output: Annotated[BuyingFormat, typer.Option("-o", "--output", help="What to print.")] = BuyingFormat.table,
    out: OutFile = None,
) -> None:
    """Read, reserve, print."""
    from yuheng.cli.output import deliver
    from yuheng.cli.work import chosen_time

    terms, time = _terms(discount), chosen_time(now)
    series, own = _series(inputs or (), demand)
    book, warnings = _book(price_files, own)
    result = _committed(series, book, terms, time, warnings)
    deliver(lambda console: commitments_text(result, output.value, console), out, output.value)


def _terms(text: str | None) -> Sequence[Term]:
    """The terms of an option; those that are assumed where there is none.

    Raises:
        ConfigError: one of them is not a name and a share below 1, or is there twice.
    """
    from yuheng.errors import ConfigError
    from yuheng.finops.commitments import DEFAULT_TERMS
    from yuheng.model.commitments import Term

    if text is None:
        return DEFAULT_TERMS
    found: dict[str, float] = {}
    for part in _listed((text,)):
        name, _, share = part.partition("=")
        try:
            value = float(share)
        except ValueError:
            value = -1.0
        if not name or not 0 <= value < 1 or name in found:
            raise ConfigError(
                f"--discount: found {part!r}, expected each term once, such as 1y=0.37, the share below 1"
            )
        found[name] = value
    return tuple(Term(name=name, discount=value) for name, value in found.items())


def _series(inputs: Sequence[str], demand: Path | None) -> tuple[DemandSeries, PriceBook | None]:
    """What was in use, and the prices of a fleet; None where it is none.

    Raises:
        ConfigError: it is not told, or told twice.
    """
    from yuheng.errors import ConfigError

    if bool(inputs) == (demand is not None):
        found = "both" if inputs else "neither"
        raise ConfigError(f"INPUT and --demand: found {found}, expected one of them")
    if demand is not None:
        from yuheng.readers.demand import read_demand

        return read_demand(demand), None
    from yuheng.cli.work import state_of
    from yuheng.finops.standing_demand import standing_demand
    from yuheng.model.fleet import Fleet

    state = state_of(inputs)
    return standing_demand(state, ", ".join(inputs)), state.prices if isinstance(state, Fleet) else None


def _committed(
    series: DemandSeries, book: PriceBook, terms: Sequence[Term], time: float | None, warnings: tuple[str, ...]
) -> Commitments:
    import msgspec

    from yuheng.finops.commitments import commitments

    found = commitments(series, book, terms, float("inf") if time is None else time)
    told: Commitments = msgspec.structs.replace(found, warnings=(*warnings, *found.warnings))
    return told


def commitments_text(found: Commitments, form: str, console: Console | None) -> str:
    """What to reserve as a document; a table goes to the console."""
    if form == "csv":
        from yuheng.reporting.buying_csv import commitments_csv

        return commitments_csv(found)
    if console is None:
        from yuheng.reporting.documents import json_text, yaml_text

        return json_text(found) if form == "json" else yaml_text(found)
    from yuheng.reporting.tables.commitments import write_commitments

    write_commitments(found, console, wide=form == "wide")
    return ""
