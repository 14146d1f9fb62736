"""The oracle of allocation: pod by pod and resource by resource, by the formulas of docs/concepts/allocation.md."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

HOUR = 3600.0
GIB = 2**30
RESOURCES = ("cpu", "memory", "gpu")


def plain_costs(holding, window, egress):
    """US dollars for cpu, memory, GPUs and egress of each pod in each stretch, by (namespace, pod, stretch).

    Pods that are there and cost nothing are among them.
    """
    found = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0])
    edges = window.edges().tolist()
    for stretch, (begin, end) in enumerate(pairwise(edges)):
        held = [*_measured(holding, stretch), *_requested(holding, stretch, begin, end, window.start)]
        for (pod, _, _, sent), costs in zip(held, _costs(holding, held, (end - begin) / HOUR), strict=True):
            row = found[(*pod, stretch)]
            for place, cost in enumerate((*costs, sent / GIB * egress)):
                row[place] += cost
    return dict(found)


def _measured(holding, stretch):
    """(pod, node, amounts, bytes sent) of each row of usage; the node is None where nobody knows it."""
    sums = holding.sums
    if sums is None:
        return
    for row, who in enumerate(sums.who.tolist()):
        if sums.period[row] != stretch:
            continue
        key = sums.keys[who]
        counts = bool(key.container) or not _has_named_containers(sums, key.namespace, key.pod)
        amounts = [float(getattr(sums, name)[row]) if counts else 0.0 for name in RESOURCES]
        sent = float(sums.egress[row])
        if counts or sent:
            yield (key.namespace, key.pod), _place(holding, key, sums.nodes[who]), amounts, sent


def _place(holding, key, told):
    names = {node.name for node in holding.estate.snapshot.nodes}
    pod = holding.estate.pods.get(f"{key.namespace}/{key.pod}")
    return next((name for name in (told, pod.node if pod else "") if name in names), None)


def _has_named_containers(sums, namespace, pod):
    return any(key.container and (key.namespace, key.pod) == (namespace, pod) for key in sums.keys)


def _requested(holding, stretch, begin, end, beginning):
    """The same of the time that no sample tells of."""
    names = {node.name for node in holding.estate.snapshot.nodes}
    for pod in holding.estate.pods.values():
        if not pod.node:
            continue
        for container, amounts in _parts(holding, pod):
            spans, sampled = _samples(holding, pod, container, stretch)
            first = min((span[0] for span in spans), default=beginning)
            until = max((span[1] for span in spans), default=beginning)
            times = [(first if pod.started is None else pod.started, float("inf"))]
            if pod.started is not None and spans and first < pod.started:
                times.append((first, min(until, pod.started)))
            there = sum(max(min(end, to) - max(begin, since), 0.0) for since, to in times) / HOUR
            hours = there - sampled
            if hours > 1e-9:
                node = pod.node if pod.node in names else None
                yield (pod.namespace, pod.name), node, [amount * hours for amount in amounts], 0.0


def _parts(holding, pod):
    """What is requested under each name: of containers; of the pod, what is set aside beyond them, or all of it."""
    by_name = {one.name: (one.cpu / 1000, one.memory / GIB, one.gpus) for one in pod.containers}
    least = (pod.least.cpu / 1000, pod.least.memory / GIB, pod.least.gpus)
    overhead = (pod.overhead.cpu / 1000, pod.overhead.memory / GIB, pod.overhead.gpus)
    sums = [sum(amounts[place] for amounts in by_name.values()) for place in range(3)]
    total = [max(sums[place], least[place]) + overhead[place] for place in range(3)]
    if _is_told_whole(holding.sums, pod):
        return [("", total)]
    beyond = [total[place] - sums[place] for place in range(3)]
    return [*by_name.items(), ("", beyond)] if any(amount > 1e-12 for amount in beyond) else list(by_name.items())


def _is_told_whole(sums, pod):
    own = [key for key in sums.keys if (key.namespace, key.pod) == (pod.namespace, pod.name)] if sums else []
    return bool(own) and not any(key.container for key in own)


def _samples(holding, pod, container, stretch):
    """From when to when a container was measured, and how many hours of the stretch."""
    sums = holding.sums
    if sums is None:
        return [], 0.0
    own = [place for place, key in enumerate(sums.keys) if (key.namespace, key.pod) == (pod.namespace, pod.name)]
    if not container and not _is_told_whole(sums, pod):
        # What is set aside beyond containers: there when they are, measured by nothing.
        mine, hours = [place for place in own if sums.keys[place].container], 0.0
    else:
        mine = [place for place in own if sums.keys[place].container == container]
        rows = [row for row, who in enumerate(sums.who.tolist()) if who in mine and sums.period[row] == stretch]
        hours = sum(float(sums.hours[row]) for row in rows)
    # A container that nothing measures is there when the others are.
    mine = mine or [place for place in own if sums.keys[place].container]
    return [(float(sums.first[place]), float(sums.last[place]) + sums.step) for place in mine], hours


def _costs(holding, held, hours):
    """US dollars of each entry for each resource."""
    nodes = {node.name: node for node in holding.estate.snapshot.nodes}
    rates = {price.node: (price.cpu, price.memory, price.gpu) for price in holding.prices}
    found = [[0.0, 0.0, 0.0] for _ in held]
    for place in range(3):
        free = worth = 0.0
        for name, node in nodes.items():
            has = (node.allocatable["cpu"] / 1000, node.allocatable["memory"] / GIB, node.devices.count)[place] * hours
            asked = sum(amounts[place] for _, where, amounts, _ in held if where == name)
            share = min(1.0, has / asked) if asked else 1.0
            for entry, (_, where, amounts, _) in zip(found, held, strict=True):
                if where == name:
                    entry[place] = amounts[place] * share * rates[name][place]
            free += has - asked * share
            worth += (has - asked * share) * rates[name][place]
        asked = sum(amounts[place] for _, where, amounts, _ in held if where is None)
        for entry, (_, where, amounts, _) in zip(found, held, strict=True):
            if where is None and free > 0 and asked:
                entry[place] = amounts[place] / asked * worth * min(1.0, asked / free)
    return found
