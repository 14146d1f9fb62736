"""`read_bill`: the charges of a window, summed up by service and, for compute, by resource.

What providers get wrong is mended and told: an effective cost of 0 where something is billed for usage (then what is
billed is effective), and list and contracted costs of 0 or none at all (then nothing is known of a discount).
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from yuheng.errors import InputError
from yuheng.model.bill import Bill, ResourceCharge, ServiceCharge
from yuheng.model.fleet_plan import told_instant
from yuheng.readers.focus.columns import NUMBERS, PART, REQUIRED, TIMES, BillFile, Cells, is_slip, slips_text
from yuheng.readers.focus.repeated import repeated
from yuheng.readers.sources.files import check_once
from yuheng.readers.traces import opening
from yuheng.readers.traces.opening import connected, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from duckdb import DuckDBPyConnection

__all__ = ["read_bill", "read_period"]

EXPECTED: Final = "a FOCUS bill in CSV or Parquet"
COMPUTE: Final = "Compute"
_TEXTS: Final = (
    "currency", "charge", "provider", "category", "service", "resource", "name", "commitment", "unit", "consumed",
    "tags",
)  # fmt: skip
_IS_SLIP: Final = is_slip("charge", "effective", "billed")
_MENDED: Final = f"""
    mended AS (SELECT *, CASE WHEN {_IS_SLIP} THEN billed ELSE 0 END AS mended FROM charges),
    whole AS (SELECT * REPLACE (coalesce(effective, 0) + mended AS effective) FROM mended),
    told AS (
        SELECT * REPLACE (
            CASE WHEN coalesce(contracted, 0) <> 0 OR effective = 0 THEN coalesce(contracted, 0)
                 WHEN coalesce(listed, 0) <> 0 THEN listed ELSE effective END AS contracted,
            CASE WHEN coalesce(listed, 0) <> 0 OR effective = 0 THEN coalesce(listed, 0)
                 WHEN coalesce(contracted, 0) <> 0 THEN contracted ELSE effective END AS listed)
        FROM whole)
"""  # noqa: S608 -- our own names
_IS_MACHINE: Final = """
    regexp_matches(lower(coalesce(unit, '') || ' ' || coalesce(consumed, '')), 'hour|hrs|second|minute')
    OR (unit IS NULL AND consumed IS NULL)
"""
_AMOUNTS: Final = ("listed", "contracted", "billed", "effective", "mended")
# Resources are told apart where they are compute, and have a name to be found by.
_RESOURCE: Final = "CASE WHEN category = $compute THEN {column} END"
_GROUPED: Final = f"""
    SELECT currency, coalesce(provider, '') AS provider, coalesce(category, '') AS category,
           coalesce(service, '') AS service, {_RESOURCE.format(column="resource")} AS resource,
           {_RESOURCE.format(column="name")} AS name, coalesce({_IS_MACHINE}, true) AS is_machine,
           commitment IS NOT NULL AS is_committed, max({_RESOURCE.format(column="tags")}) AS tags,
           count(*) AS charges, count(*) FILTER (mended <> 0) AS slips,
           {", ".join(f"fsum({name} * part) AS {name}" for name in _AMOUNTS)}
    FROM (SELECT *, {PART} AS part FROM told) WHERE part > 0 GROUP BY ALL
"""  # noqa: S608
_SERVICES: Final = """
    SELECT provider, category, service, sum(charges)::BIGINT, fsum(listed), fsum(contracted), fsum(billed),
           fsum(effective), fsum(mended)
    FROM sums GROUP BY 1, 2, 3 ORDER BY fsum(billed) DESC, 1, 2, 3
"""
_RESOURCES: Final = """
    SELECT provider, service, coalesce(resource, ''), coalesce(name, ''), max(tags), is_machine, is_committed,
           fsum(listed), fsum(contracted), fsum(billed), fsum(effective)
    FROM sums WHERE resource IS NOT NULL OR name IS NOT NULL
    GROUP BY 1, 2, 3, 4, 6, 7 ORDER BY fsum(billed) DESC, 3, 4, 6, 7
"""


def read_bill(paths: Sequence[Path], rate: Callable[[str], float], window: tuple[float, float] | None = None) -> Bill:
    """Read a bill, in US dollars.

    Args:
        paths: files of FOCUS 1.0 to 1.3, CSV (``.gz`` too) or Parquet; together they are one bill.
        rate: US dollars for one unit of a currency; raises InputError where it is not known.
        window: from and to, in seconds since the epoch; None for all that is billed.

    Raises:
        InputError: a file is damaged, is no bill, or has a value that is no number or no time; a currency has no rate.
        NotFoundError: there is no such file.
    """
    check_once(paths, "each file of a bill once")
    with connected() as base, _own_words():
        files = [_opened(base, path) for path in paths]
        first, last = _period(base, files)
        start, end = window or (first, last)
        for file in files:
            _add(base, file, start, end)
        _exchange(base, rate, str(paths[0]))
        services = tuple(ServiceCharge(**_service(row)) for row in base.execute(_SERVICES).fetchall())
        resources = tuple(_resource(row) for row in base.execute(_RESOURCES).fetchall())
        charges = sum(service.charges for service in services)
        twice = repeated(base, files, (start, end), charges, rate)
        notes = (*_mended(base), *twice, *_uncovered(start, end, first, last))
    return Bill(
        sources=tuple(map(str, paths)), start=start, end=end, services=services, resources=resources, notes=notes
    )


def read_period(paths: Sequence[Path]) -> tuple[float, float]:
    """From when to when a bill has charges, in seconds since the epoch.

    Raises:
        InputError: as for `read_bill`.
        NotFoundError: there is no such file.
    """
    with connected() as base, _own_words():
        return _period(base, [_opened(base, path) for path in paths])


def _opened(base: DuckDBPyConnection, path: Path) -> BillFile:
    """Look at the columns of a file."""
    found = opened(base, path)
    return BillFile(found, Cells.of(found.names, found.types, str(path)), str(path))


def _period(base: DuckDBPyConnection, files: Sequence[BillFile]) -> tuple[float, float]:
    """From when to when there are charges, all of which can be read."""
    periods = []
    for file in files:
        cells, wrong = file.cells, _wrong_fields(file.cells)
        slips = " ".join(f"WHEN {condition} THEN '{field}'" for field, condition in wrong.items())
        looked = (
            f"SELECT min({cells.instant('starts')}), max({cells.instant('ends')}), min(CASE {slips} END) "  # noqa: S608 -- columns by position
            f"FROM {file.found.relation}"
        )
        with opening.own_words(file.source):
            first, last, slip = base.execute(looked, [file.found.path]).fetchall()[0]
            if slip is not None:
                raise _wrong(base, file, slip, wrong[slip])
        if first is not None:
            periods.append((float(first), float(last)))
    if not periods:
        raise InputError("no charges", EXPECTED, source=files[0].source)
    return min(first for first, _ in periods), max(last for _, last in periods)


def _add(base: DuckDBPyConnection, file: BillFile, start: float, end: float) -> None:
    """Add what a file has in the window to the sums: millions of charges are thousands of them."""
    cells = file.cells
    columns = [
        *(f"{cells.number(field)} AS {field}" for field in NUMBERS),
        *(f"{cells.instant(field)} AS {field}" for field in TIMES),
        *(f"{cells.text(field)} AS {field}" for field in _TEXTS),
    ]
    select = f"WITH charges AS (SELECT {', '.join(columns)} FROM {file.relation}), {_MENDED} {_GROUPED}"  # noqa: S608
    values = {"path": file.found.path, "since": start, "until": end, "compute": COMPUTE}
    has_sums = base.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'sums'").fetchall()[0][0]
    with opening.own_words(file.source):
        base.execute(
            f"{'INSERT INTO' if has_sums else 'CREATE TEMP TABLE'} sums {'' if has_sums else 'AS'} {select}", values
        )


def _wrong_fields(cells: Cells) -> dict[str, str]:
    """By column, what is wrong with it: what is written and cannot be read, and what is missing."""
    found = {"currency": f"{cells.text('currency')} IS NULL"}
    for field in (*NUMBERS, *TIMES):
        if field not in cells.places:
            continue
        read = cells.number(field) if field in NUMBERS else cells.instant(field)
        missing = f"{read} IS NULL"
        found[field] = missing if field in REQUIRED else f"({missing} AND {cells.text(field)} IS NOT NULL)"
        if field in NUMBERS:
            found[field] = f"({found[field]} OR NOT isfinite({read}))"
    found["ends"] = f"({found['ends']} OR {cells.instant('ends')} < {cells.instant('starts')})"
    return found


def _wrong(base: DuckDBPyConnection, file: BillFile, field: str, condition: str) -> InputError:
    """The error of the first row that is wrong."""
    found = base.execute(
        f"SELECT number, {file.cells.text(field)} FROM (SELECT *, row_number() OVER () AS number "  # noqa: S608
        f"FROM {file.found.relation}) WHERE {condition} ORDER BY number LIMIT 1",
        [file.found.path],
    ).fetchall()[0]
    instant = "a time such as 2026-01-31T00:00:00Z"
    expected = {
        "currency": "a currency such as USD",
        "starts": instant,
        "ends": f"{instant}, not before {file.cells.written('starts')}",
    }.get(field, "a number")
    shown = "nothing" if found[1] is None else repr(found[1][:60])
    return InputError(
        shown, expected, source=file.source, subject=f"charge {found[0]}", field=file.cells.written(field)
    )


def _exchange(base: DuckDBPyConnection, rate: Callable[[str], float], source: str) -> None:
    """All amounts as US dollars."""
    for (currency,) in base.execute("SELECT DISTINCT currency FROM sums ORDER BY 1").fetchall():
        try:
            dollars = rate(currency)
        except InputError as error:
            raise InputError(
                f"charges in {currency}", f"USD, or a rate such as --currency {currency}=0.92", source=source,
                field="BillingCurrency",
            ) from error  # fmt: skip
        if dollars != 1.0:
            amounts = ", ".join(f"{name} = {name} * $1" for name in _AMOUNTS)
            base.execute(f"UPDATE sums SET {amounts} WHERE currency = $2", [dollars, currency])  # noqa: S608


def _service(row: Sequence[Any]) -> dict[str, Any]:
    names = ("provider", "category", "service", "charges", "listed", "contracted", "billed", "effective", "mended")
    return dict(zip(names, row, strict=True))


def _resource(row: Sequence[Any]) -> ResourceCharge:
    provider, service, resource, name, tags, is_machine, is_committed, *amounts = row
    return ResourceCharge(
        provider=provider,
        service=service,
        resource=resource,
        name=name,
        tags=_tags(tags),
        is_machine=is_machine,
        is_committed=is_committed,
        **dict(zip(("listed", "contracted", "billed", "effective"), amounts, strict=True)),
    )


def _tags(text: str | None) -> dict[str, str]:
    """Tags by key; what is no object of JSON has none."""
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _mended(base: DuckDBPyConnection) -> Iterator[str]:
    """What was mended, by provider."""
    rows = base.execute(
        "SELECT provider, sum(slips)::BIGINT FROM sums WHERE slips > 0 GROUP BY 1 ORDER BY 1"
    ).fetchall()
    for provider, charges in rows:
        yield f"{provider or 'the bill'}: {slips_text(charges)}"


def _uncovered(start: float, end: float, first: float, last: float) -> Iterator[str]:
    """What the bill cannot tell of the window."""
    if last <= start or first >= end:
        yield f"the bill is of {told_instant(first)} to {told_instant(last)}: none of it is in the window"
    elif first > start or last < end:
        yield f"the bill is of {told_instant(first)} to {told_instant(last)}: it does not cover the whole window"


@contextmanager
def _own_words() -> Iterator[None]:
    """Errors of a trace are told as errors of a bill."""
    try:
        yield
    except InputError as error:
        instead = {opening.EXPECTED: EXPECTED, "a smaller trace": "a bill of a shorter time"}
        expected = instead.get(error.expected, error.expected)
        raise InputError(
            error.found, expected, source=error.source, subject=error.subject, field=error.field
        ) from error.__cause__
