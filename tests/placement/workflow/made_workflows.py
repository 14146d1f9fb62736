"""Workflows for tests, drawn or by hand, and the slow obvious way to the optimum."""

from __future__ import annotations

import itertools
import random
from math import inf

from yuheng.model.pod import Pod
from yuheng.model.workflow import DataEdge, Limits, Network, Task, TaskOption, Weights, Workflow

REGIONS = ("aws/east", "aws/west", "gcp/north")
EGRESS = {("aws", "aws"): 0.02, ("aws", "gcp"): 0.09, ("gcp", "aws"): 0.12, ("gcp", "gcp"): 0.01}


def task(name, *after, **kwargs):
    return Task(name=name, pods=(Pod(name=name),), after=tuple(sorted(after)), **kwargs)


def workflow(*tasks, edges=(), **kwargs):
    return Workflow(
        key="default/w",
        tasks=tuple(sorted(tasks, key=lambda one: one.name)),
        edges=tuple(DataEdge(source=a, target=b, gigabytes=gb) for a, b, gb in edges),
        **kwargs,
    )


def option(region, seconds, money=0.0, *, cluster=None, **kwargs):
    return TaskOption(
        cluster=cluster or region.rpartition("/")[2], region=region, seconds=seconds, money=money, **kwargs
    )


def network(*, seconds=0.1, egress=1.0):
    """Dollars by provider; ``seconds`` for each gigabyte, after 1 s of latency."""

    def money(a, b, gigabytes):
        return 0.0 if a == b else egress * EGRESS[a.split("/")[0], b.split("/")[0]] * gigabytes

    return Network(money, lambda a, b, gigabytes: 0.0 if a == b else 1.0 + seconds * gigabytes)


def drawn(seed, *, tasks=4, regions=2, options=3, limited=True, density=0.5, groups=2):
    """A random workflow: the arguments of `place_workflow`."""
    rng = random.Random(seed)
    names = [f"t{i:03}" for i in range(tasks)]
    after = {b: [a for a in names[:j] if rng.random() < density] for j, b in enumerate(names)}
    edges = [(a, b, rng.choice((1, 20, 300))) for b, sources in after.items() for a in sources if rng.random() < 0.7]
    given = {name: [_drawn_option(rng, regions, groups, i) for i in range(options)] for name in names}
    limits = Limits()
    if limited:
        limits = Limits(
            concurrency={REGIONS[0]: rng.randint(2, 3), REGIONS[1]: rng.randint(2, 4)},
            room={("east", "g0"): rng.randint(2, 3)},
        )
    weights = Weights(
        money=rng.choice((0.0, 1.0, 1.0)), time=rng.choice((0.0, 0.01, 0.2, 1.0)), carbon=rng.choice((0.0, 0.001))
    )
    made = workflow(*(task(name, *after[name]) for name in names), edges=edges)
    return made, given, network(seconds=rng.choice((0.0, 0.05, 0.5))), limits, weights


def _drawn_option(rng, regions, groups, number):
    region = REGIONS[rng.randrange(regions)]
    seconds = rng.choice((5.0, 10.0, 20.0, 37.5, 60.0, 0.0))
    return option(
        region,
        seconds,
        rng.choice((0.5, 1.0, 2.0, 5.0, 11.0)),
        group=f"g{rng.randrange(groups)}",
        market=("on-demand", "spot", "reserved")[number % 3],
        carbon=rng.choice((0.0, 100.0, 2000.0)),
        slots=rng.randint(1, 2),
        units=rng.randint(1, 2),
        earliest=rng.choice((0.0, 0.0, 8.0)),
    )


def optimum(made, options, net, limits, weights, deadline=None):
    """The least objective there is: every choice of options, and every order in which tasks can be put in."""
    names = [one.name for one in made.order()]
    best = inf
    for choice in itertools.product(*(options[name] for name in names)):
        chosen = dict(zip(names, choice, strict=True))
        cost = sum(
            weights.money * (one.money + one.transfer) + weights.carbon * one.carbon for one in chosen.values()
        ) + weights.money * sum(
            net.money(chosen[edge.source].region, chosen[edge.target].region, edge.gigabytes) for edge in made.edges
        )
        if cost >= best:
            continue
        end = shortest(made, chosen, net, limits)
        if deadline is None or end <= deadline + 1e-9:
            best = min(best, cost + weights.time * end)
    return best


def shortest(made, chosen, net, limits):
    """Seconds that chosen options take at least."""
    after = {one.name: one.after for one in made.tasks}
    return min(
        finish
        for order in itertools.permutations(after)
        if all(order.index(a) < order.index(b) for b, sources in after.items() for a in sources)
        for finish in [_put_in(order, made, chosen, net, limits)]
    )


def _put_in(order, made, chosen, net, limits):
    """When the last task is done, where each starts as early as those before it in the order leave room."""
    size = {(edge.source, edge.target): edge.gigabytes for edge in made.edges}
    after = {one.name: one.after for one in made.tasks}
    runs = {}
    for name in order:
        own = chosen[name]
        ready = own.earliest
        for source in after[name]:
            gigabytes = size.get((source, name), 0)
            moved = net.seconds(chosen[source].region, own.region, gigabytes) if gigabytes else 0.0
            ready = max(ready, runs[source][1] + moved)
        starts = sorted({ready} | {end for _, end in runs.values() if end > ready})
        start = next(start for start in starts if _has_room(name, start, runs, chosen, limits, made.parallelism))
        runs[name] = (start, start + own.seconds)
    return max(end for _, end in runs.values())


def _has_room(name, start, runs, chosen, limits, parallelism):
    moments = [start, *(begin for begin, _ in runs.values() if start < begin < start + chosen[name].seconds)]
    if not chosen[name].seconds:
        return True
    return all(not overloads(moment, {**runs, name: (start, inf)}, chosen, limits, parallelism) for moment in moments)


def overloads(moment, runs, chosen, limits, parallelism=None):
    """The limits that are exceeded at a moment."""
    live = [chosen[name] for name, (start, end) in runs.items() if start <= moment < end]
    found = [
        region
        for region, most in limits.concurrency.items()
        if sum(one.slots for one in live if one.region == region) > most
    ]
    found += [
        place
        for place, most in limits.room.items()
        if sum(one.units for one in live if (one.cluster, one.group) == place) > most
    ]
    return found + (["workflow"] if parallelism is not None and sum(one.slots for one in live) > parallelism else [])
