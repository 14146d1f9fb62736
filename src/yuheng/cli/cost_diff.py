"""``yuheng cost diff``: the price of a change of manifests, for a pull request."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yuheng.cli.money import dollars
from yuheng.cli.options import BalancerPrice, ConfigFile, Now, OutFile, PolicyName, Seed, StoragePrice
from yuheng.cli.prices import PriceFiles
from yuheng.errors import ConfigError, InputError

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.finops.change import Terms
    from yuheng.model.cost_change import CostChange
    from yuheng.model.estate import Estate
    from yuheng.readers.versions import Written

    Places = tuple[tuple[str, ...], tuple[Path, ...], tuple[str, ...]]

__all__ = ["OVER_BUDGET", "cost_diff"]

OVER_BUDGET = 4


class ChangeFormat(StrEnum):
    """How the price of a change is printed."""

    table = "table"
    wide = "wide"
    json = "json"
    yaml = "yaml"
    markdown = "markdown"


def cost_diff(  # noqa: PLR0913 -- a parameter is an option
    base: Annotated[
        str, typer.Argument(metavar="BASE", help="Manifests as they are: a file or a folder.", show_default=False)
    ],
    head: Annotated[
        str,
        typer.Argument(metavar="HEAD", help="Manifests as they are to be; - for standard input.", show_default=False),
    ],
    *,
    fleet: Annotated[
        list[str] | None,
        typer.Option(
            "--fleet",
            "--state",
            metavar="INPUT",
            help="The cluster they go to, or a fleet: then rates are those of its nodes, and whether it still fits "
            "is told; repeatable.",
        ),
    ] = None,
    prices: PriceFiles = None,
    cluster: Annotated[
        list[str] | None,
        typer.Option(
            "--cluster",
            metavar="NAME",
            help="Only this cluster of the fleet; repeatable.",
            show_default="those that run it now",
        ),
    ] = None,
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", metavar="NAME", help="Where objects go that name no namespace.")
    ] = "default",
    nodes: Annotated[
        int | None,
        typer.Option("--nodes", min=0, metavar="NUMBER", help="How many nodes DaemonSets run on, without --fleet."),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            "--budget",
            parser=dollars("--budget", "a month", is_signed=True),
            metavar="USD",
            help="Exit with code 4 when it may cost more than that a month more, at the upper end of its range; less "
            "than 0 for what it has to save.",
        ),
    ] = None,
    storage_price: StoragePrice = None,
    balancer_price: BalancerPrice = 0.025,
    policy: PolicyName = None,
    config: ConfigFile = None,
    seed: Seed = 0,
    now: Now = None,
    output: Annotated[ChangeFormat, typer.Option("-o", "--output", help="What to print.")] = ChangeFormat.table,
    out: OutFile = None,
) -> None:
    """Read both versions, price the difference, print."""
    from yuheng.cli.costing import parse_storage
    from yuheng.cli.output import deliver
    from yuheng.cli.work import chosen_policy, chosen_time
    from yuheng.finops.change import Terms
    from yuheng.model.cost_change import ChangeRates
    from yuheng.readers.versions import hooks_text, read_version

    if base == head == "-":
        raise ConfigError("BASE and HEAD: found standard input for both, expected a file or a folder for one of them")
    versions = read_version(base, namespace), read_version(head, namespace)
    terms = Terms(
        names=(versions[0].name, versions[1].name),
        nodes=nodes,
        budget=budget,
        policy=chosen_policy(policy, config),
        seed=seed,
        assumptions=tuple(hooks_text(versions)),
    )
    places, time = (tuple(fleet or ()), tuple(prices or ()), tuple(cluster or ())), chosen_time(now)
    usual = parse_storage(storage_price or (), ChangeRates().storage), balancer_price
    result = _studied(versions, terms, places, usual, time)
    deliver(lambda console: change_text(result, output.value, console), out, output.value)
    if result.over_budget:
        raise typer.Exit(OVER_BUDGET)


def change_text(change: CostChange, form: str, console: Console | None) -> str:
    """The price of a change as a document; a table goes to the console."""
    if form == "markdown":
        from yuheng.reporting.change_markdown import change_markdown

        return change_markdown(change)
    if console is None:
        from yuheng.reporting.documents import json_text, yaml_text

        return json_text(change) if form == "json" else yaml_text(change)
    from yuheng.reporting.tables.cost_change import write_change

    write_change(change, console, wide=form == "wide")
    return ""


def _studied(
    versions: tuple[Written, Written],
    terms: Terms,
    places: Places,
    usual: tuple[dict[str, float], float],
    time: float | None,
) -> CostChange:
    """The versions priced and compared, on the clusters if there are any.

    Args:
        versions: base and head.
        terms: what is asked; rates are put in here.
        places: what ``--fleet``, ``--prices`` and ``--cluster`` say.
        usual: prices of storage, by class, and of load balancers.
        time: when prices are looked up; None for the latest the input tells of.

    Raises:
        InputError: nothing in either version costs money.
        ConfigError: options that are about a cluster were given without one.
    """
    from yuheng.cli.work import engine
    from yuheng.finops.change import study, with_prices
    from yuheng.model.cost_change import ChangeRates

    base, head = (version.estate() for version in versions)
    _check_money(base, head, terms.names)
    states, books, clusters = places
    if not states:
        for option, given in (("--prices", books), ("--cluster", clusters)):
            if given:
                raise ConfigError(f"{option}: found no --fleet, expected the cluster or fleet that it is about")
        return study(base, head, terms._replace(rates=with_prices(ChangeRates(), *usual)))
    from yuheng.cli.change_places import read_places

    found = read_places(versions, states, books, clusters, time)
    told = (*found.assumptions, *terms.assumptions)
    with engine("trying whether it fits"):
        return study(base, head, terms._replace(rates=with_prices(found.rates, *usual), assumptions=told), found.places)


def _check_money(base: Estate, head: Estate, names: tuple[str, str]) -> None:
    """Tell manifests that have nothing to do with money.

    Raises:
        InputError: nothing in either version costs any.
    """
    if not any(found for side in (base, head) for found in (side.workloads, side.claims, side.balancers)):
        raise InputError(
            "no workload, claim or load balancer in either",
            "manifests, as `helm template` or `kustomize build` print them",
            source=" and ".join(names),
        )
