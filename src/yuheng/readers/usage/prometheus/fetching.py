"""`fetch`: usage from a Prometheus server, without taking it down.

For each span of at most a day and each column: how many series there are, by namespace; groups of namespaces, or of
pods of a large one, that stay within the bound; one range query a group. Where the server gives up, the same is asked
of half the time. What is answered is kept at once, and not asked for again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from yuheng.errors import InputError
from yuheng.model.units import WEEK
from yuheng.readers.usage.prometheus.access import Access
from yuheng.readers.usage.prometheus.answers import Answer, TooMuchError
from yuheng.readers.usage.prometheus.cache import Piece, Plan, SpanFolder, Store
from yuheng.readers.usage.prometheus.frames import Writer, samples_of
from yuheng.readers.usage.prometheus.promql import COLUMNS, Metric, count_by, equal, metrics_of, range_of, selector
from yuheng.readers.usage.prometheus.server import Manners, Server
from yuheng.readers.usage.prometheus.spans import Bounds, Span, spans
from yuheng.readers.usage.prometheus.splitting import namespace_groups, pod_groups

__all__ = ["Fetched", "Period", "Question", "fetch"]

Period: TypeAlias = tuple[float, float]
Progress: TypeAlias = Callable[[int, int], None]

USUAL_PERIOD: Final = WEEK
# Seconds until what was scraped is surely told: remote storage lags, rules and replicas do too.
SETTLED: Final = 300
# Seconds that clocks may differ without a word.
SKEW: Final = 60
# How Prometheus begins a remark on a query, which says nothing about what is missing.
_REMARK: Final = "PromQL"


class Question(NamedTuple):
    """What is asked of a server.

    Attributes:
        step: seconds that one sample stands for.
        matchers: (label, value) that all series must have.
        period: (from, to) in seconds since the epoch, or the seconds up to now; None for 7 days.
        egress_share: the part of what pods send that counts as egress where no metric tells egress, 0 to 1.
    """

    step: float = 300.0
    matchers: tuple[tuple[str, str], ...] = ()
    period: Period | float | None = None
    egress_share: float = 0.0


class Fetched(NamedTuple):
    """What a server answered.

    Attributes:
        paths: Parquet files, one a span; those without a row are left out.
        start, end: the period, in seconds since the epoch.
        asked: how many requests were sent.
        notes: what has to be told.
    """

    paths: tuple[Path, ...]
    start: float
    end: float
    asked: int
    notes: tuple[str, ...]


def fetch(
    access: Access,
    question: Question,
    cache: Path,
    *,
    progress: Progress | None = None,
    bounds: Bounds = Bounds(),  # noqa: B008 -- immutable
    manners: Manners = Manners(),  # noqa: B008
) -> Fetched:
    """Usage of containers over a period, from the cache where it has it.

    Args:
        access: the server.
        question: what is asked.
        cache: the folder of answers.
        progress: is told how many parts are done, of how many.
        bounds: what no query passes.
        manners: how the server is treated.

    Raises:
        ConfigError: the cache cannot be written to.
        InputError: the server cannot be asked, does not answer as Prometheus does, or knows no containers.
    """
    server, step = Server(access, manners), int(question.step)
    now, notes = _server_time(server), []
    if access.is_secret_in_clear:
        notes.append(f"{access.url}: credentials travel unencrypted; https would keep them secret")
    if abs(now - time.time()) > SKEW:
        notes.append(f"{access.url}: its clock is {now - time.time():+.0f} s off ours; its clock counts")
    start, end = _period(question.period, now, step)
    store = Store(cache, _identity(access, question), step, bounds.length(step))
    store.open()
    parts = spans(start, end, step, bounds)
    reader = _Reader(server, question, bounds, store.scratch)
    folders = []
    for index, span in enumerate(parts):
        folder = store.folder(span, settled=span.end + SETTLED <= now)
        for done in reader.fill(folder, span):
            _tell(progress, index * len(COLUMNS) + done, len(parts) * len(COLUMNS))
        folders.append(folder)
    _tell(progress, len(parts), len(parts))
    paths = tuple(folder.usage for folder in folders if _rows(folder))
    if not paths:
        raise InputError(
            f"no usage of containers from {_clock(start)} to {_clock(end)}",
            f"series of cAdvisor, such as {COLUMNS['cpu'][0].name} with namespace, pod and container",
            source=access.url,
        )
    notes += _told(folders, step)
    return Fetched(paths, start, end, server.asked, tuple(dict.fromkeys(notes)))


class _Reader:
    """Fills folders of spans.

    Args:
        server: whom to ask.
        question: what.
        bounds: what no query passes.
        scratch: a folder for what does not fit into memory.
    """

    def __init__(self, server: Server, question: Question, bounds: Bounds, scratch: Path) -> None:
        self._server = server
        self._step = int(question.step)
        self._matchers = tuple(equal(*pair) for pair in question.matchers)
        self._bounds = bounds
        self._writer = Writer(scratch)
        self._metrics = {column: metrics_of(column, question.egress_share) for column in COLUMNS}

    def fill(self, folder: SpanFolder, span: Span) -> Iterator[int]:
        """Ask for all that a folder lacks.

        Yields:
            How many columns are done.
        """
        if not folder.is_complete:
            with folder.held():
                yield from self._fill(folder, span)
        yield len(COLUMNS)

    def _fill(self, folder: SpanFolder, span: Span) -> Iterator[int]:
        """The same of a folder that is held: another run may have filled it meanwhile."""
        if folder.is_complete:
            return
        pieces: list[Piece] = []
        rows = {}
        for done, column in enumerate(COLUMNS, 1):
            found = list(self._column(folder, column, span))
            rows[column] = sum(piece.rows for piece in found)
            pieces += found
            yield done
        files = [folder.path / piece.file for piece in pieces]
        if not files:
            # An empty table, so that it is known that there was nothing.
            folder.put_piece("", 0, lambda path: self._writer.long(path, samples_of([], COLUMNS["cpu"][0], 1), "cpu"))
            files = [folder.path / folder.manifest.pieces[""].file]
        folder.put_usage(rows, lambda path: self._writer.wide(path, files))

    def _column(self, folder: SpanFolder, column: str, span: Span) -> Iterator[Piece]:
        key = f"{column} {span}"
        plan = folder.manifest.plans.get(key)
        if plan is None:
            plan = self._plan(folder, column, span)
            folder.put_plan(key, plan)
        if plan.halved:
            for half in span.halves(self._step) or ():
                yield from self._column(folder, column, half)
            return
        metric = self._metrics[column][plan.metric]
        for group in plan.groups:
            yield from self._pieces(folder, metric, group, span)

    def _plan(self, folder: SpanFolder, column: str, span: Span) -> Plan:
        try:
            for metric in self._metrics[column]:
                series = self._counts(folder, metric, metric.namespace, (), span)
                if series:
                    return self._grouped(folder, metric, series, span)
        except TooMuchError:
            if span.halves(self._step) is None:
                raise
            return Plan(halved=True)
        return Plan()

    def _grouped(self, folder: SpanFolder, metric: Metric, series: dict[str, int], span: Span) -> Plan:
        """Groups of series that are small enough."""
        limit = self._bounds.series_of(span, self._step)
        together = namespace_groups(series, limit, metric.namespace)
        groups, notes = list(together.matchers), []
        for name in together.large:
            namespace = equal(metric.namespace, name)
            pods = self._counts(folder, metric, metric.pod, (namespace,), span)
            found, large = pod_groups(pods, limit, metric.pod)
            groups += [f"{namespace},{group}" for group in found]
            notes += [
                f"pod {name}/{pod}: {pods[pod]} series of {metric.name} in {_clock(span.start)} to "
                f"{_clock(span.end)}, more than the {limit} that are asked for at once: left out"
                for pod in large
            ]
        return Plan(self._metrics[metric.column].index(metric), tuple(groups), notes=tuple(notes))

    def _counts(
        self, folder: SpanFolder, metric: Metric, label: str, matchers: tuple[str, ...], span: Span
    ) -> dict[str, int]:
        """How many series there are in a span, by a label."""
        query = count_by(label, selector(metric, (*self._matchers, *matchers)), span)
        answer = self._ask(folder, "query", {"query": query, "time": str(span.end)})
        return {
            series.metric.get(label, ""): int(float(series.value[1]))
            for series in answer.series
            if series.value is not None
        }

    def _pieces(self, folder: SpanFolder, metric: Metric, group: str, span: Span) -> Iterator[Piece]:
        """What a group of series answers, in halves where it is too much at once."""
        query = range_of(metric, selector(metric, (*self._matchers, group)), self._step)
        key = f"{query} {span}"
        piece = folder.piece(key)
        if piece is None:
            piece = self._asked(folder, metric, query, span)
        if not piece.halved:
            yield piece
            return
        for half in span.halves(self._step) or ():
            yield from self._pieces(folder, metric, group, half)

    def _asked(self, folder: SpanFolder, metric: Metric, query: str, span: Span) -> Piece:
        """Ask, and keep the answer."""
        first = span.start + self._step
        form = {"query": query, "start": str(first), "end": str(span.end), "step": str(self._step)}
        key = f"{query} {span}"
        try:
            answer = self._ask(folder, "query_range", form)
        except TooMuchError:
            if span.halves(self._step) is None:
                raise
            return folder.put_halved(key)
        samples = samples_of(answer.series, metric, self._step)
        return folder.put_piece(key, len(samples), lambda path: self._writer.long(path, samples, metric.column))

    def _ask(self, folder: SpanFolder, endpoint: str, form: dict[str, str]) -> Answer:
        answer = self._server.ask(endpoint, form)
        parts = [text for text in answer.warnings if not text.startswith(_REMARK)]
        if parts:
            folder.put_partial(f"part of the server did not answer: {parts[0]}")
        return answer


def _identity(access: Access, question: Question) -> str:
    """What tells answers apart, besides their step and span."""
    matchers = (equal(*pair) for pair in question.matchers)
    return "\n".join((access.identity, *matchers, f"{question.egress_share:g}"))


def _server_time(server: Server) -> float:
    """Seconds since the epoch, by the server's clock."""
    answer = server.ask("query", {"query": "vector(time())"})
    if len(answer.series) != 1 or answer.series[0].value is None:
        raise InputError("no time", "the time of the server", source=server.url)
    return float(answer.series[0].value[1])


def _period(period: Period | float | None, now: float, step: int) -> Period:
    """From and to, in whole steps; up to now means up to what is settled.

    Raises:
        InputError: nothing of it has passed, or it is shorter than a step.
    """
    if isinstance(period, tuple):
        start, end = period[0], min(period[1], now)
    else:
        end = (now - SETTLED) // step * step
        start = end - (USUAL_PERIOD if period is None else period)
    start, end = -(-start // step) * step, end // step * step
    if end <= start:
        raise InputError(f"{_clock(start)} to {_clock(end)}", f"a time of at least one step ({step} s) that has passed")
    return start, end


def _told(folders: list[SpanFolder], step: int) -> list[str]:
    """What has to be said of the answers."""
    notes = [note for folder in folders for note in folder.manifest.notes()]
    notes += [
        f"{column}: the server has no {COLUMNS[column][0].name} of containers; requests count"
        for column in ("cpu", "memory")
        if not any(folder.manifest.has_series(column) for folder in folders)
    ]
    has_series = any(folder.manifest.has_series("cpu") for folder in folders)
    if has_series and not any(_rows(folder, "cpu") for folder in folders):
        notes.append(f"cpu: a step of {step} s holds less than two scrapes; a longer --step would tell it")
    return notes


def _rows(folder: SpanFolder, column: str | None = None) -> int:
    kept = folder.manifest.usage
    if kept is None:
        return 0
    return sum(kept.rows.values()) if column is None else kept.rows.get(column, 0)


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
