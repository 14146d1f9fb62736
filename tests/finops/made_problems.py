"""Small problems of packing, and what packs them best: a program with whole numbers, machine by machine."""

from __future__ import annotations

import numpy as np

from yuheng.finops.node_mix.problem import Problem
from yuheng.placement.program import Program

NAMES = ("cpu", "memory", "pods")


def problem(sizes, counts, prices, room, *, most=None, share=None, whole=None, gpus=None, clash=(), shut=()):
    """A problem; rows of `sizes` and `room` are (cpu, memory), of `shut` (machine, kind)."""
    kinds, machines = len(sizes), len(prices)
    apart = np.zeros((kinds, kinds), dtype=np.bool_)
    for i, j in clash:
        apart[i, j] = apart[j, i] = True
    open_ = np.ones((machines, kinds), dtype=np.bool_)
    for m, i in shut:
        open_[m, i] = False
    return Problem(
        names=NAMES,
        sizes=np.array([(*size, 1) for size in sizes], dtype=np.int64),
        counts=np.array(counts, dtype=np.int64),
        whole=np.array(whole or [0] * kinds, dtype=np.int64),
        share=np.array(share or [0] * kinds, dtype=np.int64),
        most=np.array(most or [2**31] * kinds, dtype=np.int64),
        clash=apart,
        prices=np.array(prices, dtype=np.float64),
        room=np.array([(*size, 110) for size in room], dtype=np.int64),
        gpus=np.array(gpus or [0] * machines, dtype=np.int64),
        open=open_,
    )


def drawn(seed):
    """A random problem that a program solves in no time."""
    random = np.random.Generator(np.random.PCG64(seed))
    kinds = int(random.integers(2, 5))
    machines = int(random.integers(2, 4))
    room = np.sort(random.integers(4, 17, size=(machines, 2)), axis=0) * 1000
    sizes = random.integers(1, 5, size=(kinds, 2)) * 700
    has_gpus = seed % 3 == 0
    return problem(
        sizes=sizes.tolist(),
        counts=random.integers(1, 4, size=kinds).tolist(),
        prices=(room.sum(axis=1) * random.uniform(0.8, 1.2, size=machines) / 1000).tolist(),
        room=room.tolist(),
        most=[int(one) for one in random.choice((1, 2, 2**31), size=kinds)],
        share=[int(one) for one in random.choice((0, 300, 500, 700), size=kinds)] if has_gpus else None,
        gpus=[2] * machines if has_gpus else None,
        clash=[(0, 1)] if seed % 5 == 0 else (),
    )


def cheapest(found):
    """The least that any packing costs, in US dollars per hour: each machine that may be needed has columns."""
    program = Program()
    pods = int(found.counts.sum())
    held = {i: [] for i in range(found.kinds)}
    for m in range(found.machines):
        for _ in range(pods):
            bought = program.column(float(found.prices[m]), 1.0, whole=True)
            columns = [program.column(0.0, float(found.counts[i]), whole=True) for i in range(found.kinds)]
            for i, column in enumerate(columns):
                most = min(int(found.most[i]), int(found.counts[i])) if found.open[m, i] else 0
                program.row([(column, 1.0), (bought, -float(most))], upper=0.0)
                held[i].append(column)
            for r in range(len(found.names)):
                terms = [(column, float(found.sizes[i, r])) for i, column in enumerate(columns)]
                program.row([*terms, (bought, -float(found.room[m, r]))], upper=0.0)
            _keep_apart(program, found, columns)
            if found.share.any():
                _share_devices(program, found, m, columns)
    for i in range(found.kinds):
        program.row([(column, 1.0) for column in held[i]], lower=float(found.counts[i]))
    outcome = program.solved(200_000)
    assert outcome.is_proven
    return outcome.bound


def _keep_apart(program, found, columns):
    for i in range(found.kinds):
        for j in range(i):
            if found.clash[i, j]:
                first, second = program.column(0.0, 1.0, whole=True), program.column(0.0, 1.0, whole=True)
                program.row([(columns[i], 1.0), (first, -float(found.counts[i]))], upper=0.0)
                program.row([(columns[j], 1.0), (second, -float(found.counts[j]))], upper=0.0)
                program.row([(first, 1.0), (second, 1.0)], upper=1.0)


def _share_devices(program, found, m, columns):
    """Shares go to one GPU each: a column for each kind and GPU."""
    sharing = [i for i in range(found.kinds) if found.share[i]]
    parts = {(i, d): program.column(whole=True) for i in sharing for d in range(int(found.gpus[m]))}
    for d in range(int(found.gpus[m])):
        program.row([(parts[i, d], float(found.share[i])) for i in sharing], upper=1000.0)
    for i in sharing:
        terms = [(parts[i, d], 1.0) for d in range(int(found.gpus[m]))]
        program.row([*terms, (columns[i], -1.0)], lower=0.0, upper=0.0)
