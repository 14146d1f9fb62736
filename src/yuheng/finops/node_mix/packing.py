"""A packing: machines that are bought, and how many pods of each kind each of them holds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from yuheng.finops.node_mix.fill import Bins, empty_bins, fill
from yuheng.finops.node_mix.problem import DEVICE, Amounts, Problem, devices_needed, pack_shares

__all__ = ["Packing", "bins_of", "downsized", "is_valid", "trimmed"]


class Packing(NamedTuple):
    """Machines and what they hold.

    Attributes:
        machine: (B,) which machine each is.
        held: (B, I) pods on it.
    """

    machine: Amounts
    held: Amounts

    def price(self, problem: Problem) -> float:
        """US dollars per hour."""
        return float(problem.prices[self.machine].sum())

    def joined(self, other: Packing) -> Packing:
        """Both together."""
        return Packing(np.concatenate([self.machine, other.machine]), np.concatenate([self.held, other.held]))

    def without(self, rows: Amounts) -> Packing:
        """The same without some of its machines."""
        kept = np.ones(len(self.machine), dtype=np.bool_)
        kept[rows] = False
        return Packing(self.machine[kept], self.held[kept])


def is_valid(problem: Problem, packing: Packing) -> bool:
    """Whether every pod is held once, and every machine holds what is on it."""
    return bool((packing.held.sum(axis=0) == problem.counts).all()) and _fits(problem, packing)


def _fits(problem: Problem, packing: Packing) -> bool:
    held, machine = packing.held, packing.machine
    room = (held @ problem.sizes <= problem.room[machine]).all()
    allowed = (problem.open[machine] | (held == 0)).all() and (held <= problem.most[None, :]).all()
    clash = ((held > 0).astype(np.int64) @ problem.clash.astype(np.int64) * held).any()
    return bool(room and allowed and not clash) and _packed_devices(problem, packing)


def _packed_devices(problem: Problem, packing: Packing) -> bool:
    """Whether shares fit on the GPUs."""
    bins = bins_of(problem, packing)
    return bool((bins.held == packing.held).all())


def bins_of(problem: Problem, packing: Packing) -> Bins:
    """The machines with their pods put on them; what does not fit is not there.

    Pods that need most of a GPU come first. Where that leaves some without, GPUs are packed by search.
    """
    bins = empty_bins(problem, packing.machine)
    heavy = problem.share + DEVICE * problem.whole
    order = np.argsort(-heavy, kind="stable")
    fill(problem, bins, np.repeat(order[None, :], len(packing.machine), axis=0), packing.held)
    for b in np.flatnonzero((bins.held != packing.held).any(axis=1)).tolist():
        held = packing.held[b]
        shared = int(problem.gpus[packing.machine[b]] - held @ problem.whole)
        sizes = np.repeat(problem.share, held)
        left = pack_shares(sorted(sizes[sizes > 0].tolist(), reverse=True), max(shared, 0))
        free = problem.room[packing.machine[b]] - held @ problem.sizes
        if left is not None and (free >= 0).all():
            devices = np.zeros(bins.devices.shape[1], dtype=np.int64)
            devices[: len(left)] = left
            bins.devices[b], bins.free[b], bins.held[b] = np.sort(devices), free, held
    return bins


def trimmed(problem: Problem, packing: Packing) -> Packing:
    """Without pods that are there too often, taken from the cheapest machines; and without empty ones."""
    held = packing.held.copy()
    over = held.sum(axis=0) - problem.counts
    # Those that are cheapest to do without first: their pods are the ones to give up.
    order = np.argsort(problem.prices[packing.machine], kind="stable")
    for i in np.flatnonzero(over > 0).tolist():
        column = held[order, i]
        before = np.cumsum(column) - column
        held[order, i] = column - np.clip(over[i] - before, 0, column)
    used = held.any(axis=1)
    return Packing(packing.machine[used], held[used])


def downsized(problem: Problem, packing: Packing) -> Packing:
    """Each machine replaced by the cheapest that holds the same pods."""
    if not len(packing.machine):
        return packing
    asked = packing.held @ problem.sizes
    gpus = np.minimum(devices_needed(problem.whole, problem.share, packing.held), problem.gpus[packing.machine])
    order = np.argsort(problem.prices, kind="stable")
    machine = packing.machine.copy()
    left = np.ones(len(machine), dtype=np.bool_)
    shut = (~problem.open).astype(np.int64)
    forbidden = (packing.held > 0).astype(np.int64) @ shut.T > 0
    for m in order.tolist():
        fits = left & (asked <= problem.room[m]).all(axis=1) & (gpus <= problem.gpus[m]) & ~forbidden[:, m]
        machine[fits] = m
        left &= ~fits
    return Packing(machine, packing.held)
