"""What can be bought: machines at a price, each as the node that it would be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from yuheng.errors import ConfigError
from yuheng.finops.market_labels import market_labels
from yuheng.finops.node_mix.kinds import (
    AMD_GPU,
    NVIDIA_GPU,
    architecture,
    gpu_model,
    gpu_resource,
    is_burstable,
    is_hosting,
)
from yuheng.finops.node_mix.reserve import RESERVE_OF, RESERVES, allocatable
from yuheng.model.labels import ARCH, INSTANCE_TYPE, OLD_ARCH, OLD_INSTANCE_TYPE, OS, REGION, ZONE
from yuheng.model.node import DeviceInventory, Node
from yuheng.model.prices import Market, Price, PriceBook

__all__ = ["Choice", "Offer", "offers_of"]

MAX_PODS: Final = 110
# A disk is bought to size, beside the machine: what pods ask of it decides nothing here.
DISK: Final = 2**50
# GPUs that the engine knows one by one; others are amounts.
_SHARED: Final = (NVIDIA_GPU, AMD_GPU)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which machines may be bought.

    Attributes:
        regions: where; empty for the only region of the price book.
        types: patterns of names, such as ``m7*``; empty for all but burstable ones.
        markets: how they may be bought.
        architectures: of pods that do not say what they need.
        reserve: what a machine keeps for itself, by the name of a rule; empty for that of its provider.
        max_pods: how many pods a node may hold.
        time: when prices are looked up, in seconds since the epoch.
    """

    regions: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    markets: tuple[Market, ...] = ("on-demand",)
    architectures: tuple[str, ...] = ("amd64",)
    reserve: str = ""
    max_pods: int = MAX_PODS
    time: float = float("inf")


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that can be bought.

    Attributes:
        price: the row of the price book.
        node: what it would be, without a name.
        gpu: the resource by which its GPUs are asked for.
    """

    price: Price
    node: Node
    gpu: str

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """Provider, region, zone, type and market."""
        price = self.price
        return price.provider, price.region, self.node.labels.get(ZONE, ""), price.instance_type, price.market


def offers_of(book: PriceBook, choice: Choice, zones: Sequence[str] = ()) -> tuple[Offer, ...]:
    """The machines that may be bought, by name.

    A machine without a known shape cannot be bought: what it holds is not known. Where zones count each is an offer
    of its own; else a machine is bought in its cheapest zone.

    Args:
        book: the price book.
        choice: which may be.
        zones: where zones count: those to choose from, besides those that have prices of their own.

    Raises:
        ConfigError: nothing may be bought, or it is not said in which of several regions.
    """
    rows = [row for row in book if row.market in choice.markets]
    regions = _regions(rows, choice)
    places: defaultdict[tuple[str, str, str, Market], set[str]] = defaultdict(set)
    for row in rows:
        if (not row.region or row.region in regions) and _is_chosen(row.instance_type, choice):
            for region in [row.region] if row.region else regions or [""]:
                places[row.provider, region, row.instance_type, row.market].add(row.zone)
    found = []
    for (provider, region, name, market), priced in places.items():
        for zone in sorted((priced - {""}) | set(zones)) if zones else [""]:
            price = book.find(name, market, provider=provider, region=region, zone=zone, time=choice.time)
            offer = None if price is None else _offer(price, book, choice, region, zone)
            found += [offer] if offer is not None else []
    if not found:
        raise ConfigError(f"--prices: found no machine of known size to buy {_asked(choice)}, expected one at least")
    return tuple(sorted(found, key=lambda offer: offer.key))


def _regions(rows: Iterable[Price], choice: Choice) -> list[str]:
    known = sorted({row.region for row in rows if row.region})
    if choice.regions:
        unknown = [region for region in choice.regions if region not in known]
        if unknown and known:
            raise ConfigError(f"--region {unknown[0]}: found no prices of it, expected one of {', '.join(known)}")
        return list(choice.regions)
    if len(known) > 1:
        raise ConfigError(f"--region: found prices of {len(known)} regions, expected one of {', '.join(known)}")
    return known


def _is_chosen(name: str, choice: Choice) -> bool:
    if not is_hosting(name) or architecture(name) not in choice.architectures:
        return False
    if choice.types:
        return any(fnmatchcase(name, pattern) for pattern in choice.types)
    return not is_burstable(name)


def _asked(choice: Choice) -> str:
    parts = [f"in {', '.join(choice.regions)}"] if choice.regions else []
    parts += [f"of types {', '.join(choice.types)}"] if choice.types else []
    return " ".join([*parts, f"({', '.join(choice.markets)}; {', '.join(choice.architectures)})"])


def _offer(price: Price, book: PriceBook, choice: Choice, region: str, zone: str) -> Offer | None:
    shape = price if price.cpu_milli else book.shape(price.instance_type)
    if shape is None or not shape.cpu_milli or not shape.memory:
        return None
    rule = choice.reserve or RESERVE_OF.get(price.provider, "none")
    if rule not in RESERVES:
        raise ConfigError(f"--reserve: found {rule!r}, expected one of {', '.join(RESERVES)}")
    cpu, memory = allocatable(rule, shape.cpu_milli, shape.memory, choice.max_pods)
    model = gpu_model(price.instance_type, shape.gpu_model) if shape.gpus else ""
    resource = gpu_resource(model)
    amounts = {"cpu": cpu, "memory": memory, "pods": choice.max_pods, "ephemeral-storage": DISK}
    node = Node(
        name="",
        allocatable=amounts | ({resource: shape.gpus} if shape.gpus else {}),
        labels=_labels(price, region, zone, model, resource),
        devices=DeviceInventory(count=shape.gpus, model=model) if resource in _SHARED else DeviceInventory(),
    )
    return Offer(price=price, node=node, gpu=resource)


def _labels(price: Price, region: str, zone: str, model: str, resource: str) -> dict[str, str]:
    name = price.instance_type
    labels = {
        INSTANCE_TYPE: name,
        OLD_INSTANCE_TYPE: name,
        ARCH: architecture(name),
        OLD_ARCH: architecture(name),
        OS: "linux",
        **market_labels(price.market),
    }
    if region:
        labels[REGION] = region
    if zone or price.zone:
        labels[ZONE] = zone or price.zone
    if model and resource == NVIDIA_GPU:
        labels["nvidia.com/gpu.product"] = model
    return labels
