"""Usage summed up: for each container, what it used and what it is charged for, sample by sample, within a window.

A sample stands for the time until the container's next one, at most `MOST_STEPS` times the usual step; the last one
for the usual step. Most containers are sampled regularly, with no gap and nothing twice: their sums need no order.
The others' samples are put in order, and those that tell the same time are averaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from yuheng.errors import InputError
from yuheng.model.units import GIB, HOUR
from yuheng.model.usage import ContainerKey, UsageSums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from yuheng.model.usage import Requests, Window
    from yuheng.readers.usage.opening import Usage

__all__ = ["summed"]

MOST_STEPS: Final = 3
# A container that is sampled more rarely than everyone else by less than this has its own step.
RARER: Final = 5
# Rows that are put in order at a time: they have to fit into memory.
AT_ONCE: Final = 2_000_000
_SAME: Final = "u.namespace = c.namespace AND u.pod = c.pod AND u.container = c.container"
_WITHIN: Final = "ts >= getvariable('window_start') AND ts < getvariable('window_end')"
_PERIOD: Final = "CAST(floor((ts - getvariable('origin')) / getvariable('every')) AS INTEGER)"
# As many samples as there are steps, but for one in a hundred; in the middle of their time, and spread over it, as
# numbers in a row are (whose variance is that of the discrete uniform distribution).
_REGULAR: Final = (
    "(abs(n - expected) <= greatest(0.1, n / 100) "
    "AND abs(middle - (first + last) / 2) <= greatest(0.5 / n, 0.01) * getvariable('step') "
    "AND abs(spread - pow(last - first, 2) * (n + 1) / (12 * greatest(n - 1, 1))) "
    "<= greatest(6.0 / n, n * 0.001) / n * pow(last - first, 2) * (n + 1) / (12 * greatest(n - 1, 1)))"
)
_RESOURCES: Final = (("cpu", "cpu"), ("memory", f"memory / {float(GIB)}"), ("gpu", "gpu"))


def summed(usage: Usage, requests: Requests, window: Window, cluster: str | None = None) -> UsageSums:
    """What containers used, and what they are charged for, within a window.

    Args:
        usage: the samples.
        requests: what containers request; those that are not among them request nothing.
        window: the time, and its stretches.
        cluster: whose samples count, by its name in the files; None for all of them.

    Raises:
        InputError: there is no sample within the window, or a file cannot be read to its end.
    """
    terms = _Terms.of(usage, window, cluster)
    _prepare(usage, requests, window, terms)
    found = usage.fetch(
        "SELECT coalesce(sum(n), 0), min(first), max(last), count(*) FILTER (NOT regular), "
        "count(*) FILTER (n > expected + 1) FROM containers"
    )
    samples, first, last, irregular, crowded = found[0]
    if not samples:
        raise _nothing(usage, window)
    parts = [usage.arrays(_regular(terms))]
    parts += [usage.arrays(_ordered(terms), [low, high]) for low, high in _batches(usage)]
    rows = {name: np.concatenate([_filled(part[name]) for part in parts]) for name in parts[0]}
    keys = usage.fetch("SELECT namespace, pod, container, node, first, last FROM containers ORDER BY id")
    notes = [*usage.notes]
    if irregular:
        notes.append(
            f"{irregular:,} of {len(keys):,} containers have gaps, samples of the same time or another step: a sample "
            f"of theirs stands until the next, at most {MOST_STEPS} steps; the rest of the time counts at the request"
        )
    if crowded:
        notes.append(f"{crowded:,} containers have more samples than steps: those of the same time are averaged")
    return _sums(rows, keys, usage, (float(first), float(last), int(samples)), tuple(notes))


class _Terms(NamedTuple):
    """Parts of statements: what is the same for all samples is not looked at of each.

    Attributes:
        told: the columns of usage that a file tells.
        same: whether a sample ``u`` is of a container ``c``.
        within: whether a sample is in the window, and of the cluster.
        period: the stretch of the window that it is in.
    """

    told: set[str]
    same: str
    within: str
    period: str

    @classmethod
    def of(cls, usage: Usage, window: Window, cluster: str | None) -> _Terms:
        """Those that usage and a window need."""
        is_whole = window.start <= usage.start and usage.last < window.end
        within = "true" if is_whole else _WITHIN
        if cluster is not None:
            usage.connection.execute("SET VARIABLE cluster = ?", [cluster])
            within += " AND cluster = getvariable('cluster')"
        return cls(
            usage.columns,
            f"{_SAME} AND u.node = c.node" if "node" in usage.columns else _SAME,
            within,
            _PERIOD if window.every else "0",
        )


def _prepare(usage: Usage, requests: Requests, window: Window, terms: _Terms) -> None:
    """Tables of requests and of containers: how often each was sampled, and whether regularly."""
    base = usage.connection
    every = window.every or (window.end - window.start)
    values = {
        "window_start": window.start,
        "window_end": window.end,
        "origin": window.origin,
        "every": every,
        "step": usage.step,
    }
    for name, value in values.items():
        base.execute(f"SET VARIABLE {name} = ?", [value])
    columns = {
        "namespace": np.array([key.namespace for key in requests.keys], dtype=object),
        "pod": np.array([key.pod for key in requests.keys], dtype=object),
        "container": np.array([key.container for key in requests.keys], dtype=object),
        "cpu": requests.cpu,
        "memory": requests.memory,
        "gpu": requests.gpu,
    }
    base.execute(
        "CREATE OR REPLACE TEMP TABLE requests "
        "(namespace VARCHAR, pod VARCHAR, container VARCHAR, cpu DOUBLE, memory DOUBLE, gpu DOUBLE)"
    )
    if requests.keys:
        base.register("written", columns)
        base.execute("INSERT INTO requests SELECT namespace, pod, container, cpu, memory, gpu FROM written")
        base.unregister("written")
    usage.fetch(
        f"""CREATE OR REPLACE TEMP TABLE containers AS
            WITH seen AS (
                SELECT namespace, pod, container, node, count(*) AS n, min(ts) AS first, max(ts) AS last,
                       avg(ts - getvariable('window_start')) + getvariable('window_start') AS middle,
                       var_pop(ts - getvariable('window_start')) AS spread
                FROM usage u WHERE {terms.within} GROUP BY ALL),
            counted AS (SELECT *, (last - first) / getvariable('step') + 1 AS expected FROM seen)
            SELECT row_number() OVER (ORDER BY c.namespace, c.pod, c.container, c.node) - 1 AS id, c.*,
                   (last - first + getvariable('step')) / n AS weight, {_REGULAR} AS regular,
                   coalesce(r.cpu, 0) AS request_cpu, coalesce(r.memory, 0) AS request_memory,
                   coalesce(r.gpu, 0) AS request_gpu
            FROM counted c LEFT JOIN requests r USING (namespace, pod, container)"""  # noqa: S608 -- our own names
    )


def _columns(told: set[str], weight: str = "") -> str:
    """The sums, each sample times the seconds it stands for; where that is told after, times one.

    Args:
        told: the columns of usage that a file tells: sums of the others need not be looked for.
        weight: the column of the seconds; empty where they are the same for all samples of a container.
    """
    times = f"{weight} * " if weight else ""
    known = f"sum({weight}) FILTER" if weight else "count(*) FILTER"
    found = [f"sum({weight})" if weight else "count(*)", "coalesce(sum(egress), 0)" if "egress" in told else "0"]
    for name, amount in _RESOURCES:
        if name not in told:
            found += ["0", "0", "0"]
            continue
        is_told = f"({name} IS NOT NULL)"
        found += [
            f"coalesce(sum({times}{amount}), 0)",
            f"coalesce(sum({times}greatest({amount}, request_{name})) FILTER {is_told}, 0)",
            f"coalesce({known} {is_told}, 0)",
        ]
    names = ["weights", "egress", *(f"{name}_{what}" for name, _ in _RESOURCES for what in ("used", "told", "known"))]
    return ", ".join(f"{expression} AS {name}" for expression, name in zip(found, names, strict=True))


def _charged(inner: str, seconds: str) -> str:
    """Amounts times hours from sums over samples: where usage is not told, the request counts.

    Args:
        inner: selects ``who``, ``period`` and `_columns`.
        seconds: what the sums are still to be multiplied by.
    """
    hours = f"* {seconds} / {HOUR}" if seconds else f"/ {HOUR}"
    parts = [f"weights {hours} AS hours", "egress"]
    for name, _ in _RESOURCES:
        parts += [
            f"({name}_told + request_{name} * (weights - {name}_known)) {hours} AS {name}",
            f"{name}_used {hours} AS {name}_used",
            f"{name}_told {hours} AS {name}_told",
        ]
    return f"SELECT who, period, {', '.join(parts)} FROM ({inner}) s JOIN containers c ON (s.who = c.id)"  # noqa: S608


def _regular(terms: _Terms) -> str:
    """Of containers that are sampled regularly: every sample stands for the same time."""
    inner = (
        f"SELECT id AS who, {terms.period} AS period, {_columns(terms.told)} "  # noqa: S608
        f"FROM usage u JOIN containers c ON ({terms.same}) WHERE regular AND {terms.within} GROUP BY who, period"
    )
    return _charged(inner, "weight")


def _ordered(terms: _Terms) -> str:
    """Of the others: the samples of some of them put in order."""
    averages = ", ".join(f"avg({name}) AS {name}" for name in ("cpu", "memory", "gpu", "egress"))
    inner = f"""
        WITH few AS (SELECT * EXCLUDE (weight) FROM containers WHERE NOT regular AND id >= ? AND id < ?),
        samples AS (SELECT id, ts, {averages} FROM usage u JOIN few c ON ({terms.same})
                    WHERE {terms.within} GROUP BY id, ts),
        ordered AS (SELECT *, lead(ts) OVER (PARTITION BY id ORDER BY ts) - ts AS wait FROM samples),
        steps AS (SELECT id, least(coalesce(median(wait), getvariable('step')), {RARER} * getvariable('step')) AS step
                  FROM ordered GROUP BY id),
        weighed AS (SELECT o.*, least(coalesce(wait, s.step), {MOST_STEPS} * s.step,
                                      getvariable('window_end') - ts) AS seconds
                    FROM ordered o JOIN steps s USING (id))
        SELECT id AS who, {terms.period} AS period, {_columns(terms.told, "seconds")}
        FROM weighed JOIN (SELECT id, request_cpu, request_memory, request_gpu FROM few) USING (id)
        GROUP BY who, period"""  # noqa: S608
    return _charged(inner, "")


def _batches(usage: Usage) -> list[tuple[int, int]]:
    """Ranges of containers whose samples fit into memory together."""
    rows = usage.fetch("SELECT id, n FROM containers WHERE NOT regular ORDER BY id")
    found: list[tuple[int, int]] = []
    held = AT_ONCE
    for number, samples in rows:
        if held + samples > AT_ONCE:
            found.append((number, number))
            held = 0
        held += samples
        found[-1] = (found[-1][0], number + 1)
    return found


def _filled(values: Any) -> NDArray[Any]:  # noqa: ANN401 -- a masked array or none
    return np.ma.filled(values, 0)


def _sums(
    rows: dict[str, Any],
    keys: Sequence[tuple[Any, ...]],
    usage: Usage,
    told: tuple[float, float, int],
    notes: tuple[str, ...],
) -> UsageSums:
    order = np.lexsort((rows["period"], rows["who"]))
    sorted_rows = {name: values[order] for name, values in rows.items()}
    amounts = {name: values.astype(np.float64) for name, values in sorted_rows.items() if name not in ("who", "period")}
    return UsageSums(
        keys=tuple(ContainerKey(*key[:3]) for key in keys),
        nodes=tuple(key[3] for key in keys),
        first=np.array([key[4] for key in keys], dtype=np.float64),
        last=np.array([key[5] for key in keys], dtype=np.float64),
        who=sorted_rows["who"].astype(np.int64),
        period=sorted_rows["period"].astype(np.int64),
        step=usage.step,
        start=told[0],
        end=told[1] + usage.step,
        samples=told[2],
        notes=notes,
        **amounts,
    )


def _nothing(usage: Usage, window: Window) -> InputError:
    from yuheng.model.fleet_plan import told_instant  # noqa: PLC0415 -- only where it is told

    return InputError(
        f"samples from {told_instant(usage.start)} to {told_instant(usage.last)}",
        f"some between {told_instant(window.start)} and {told_instant(window.end)}, as --window says",
        source=usage.source,
    )
