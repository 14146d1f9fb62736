"""The reference pages that are written by the code they describe.

    python tools/reference.py            write them
    python tools/reference.py --check    fail when one of them is stale

The command line's page comes from the typer app, the formats' from the JSON Schemas, the policies' from the presets and
the registry of filters and scores, the scenarios' from the models of the file. The JSON Schema of scenarios, which is
shipped with the package, is written here too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, Final

import typer

from yuheng.cli import BAD_INPUT, INTERRUPTED, NOT_WRITTEN
from yuheng.cli.app import PENDING_REMAINS, app
from yuheng.cli.cost_diff import OVER_BUDGET
from yuheng.model.policy import KUBERNETES_FILTERS, Policy
from yuheng.readers.budgets import json_schema as budget_json
from yuheng.readers.fleet import egress, prices
from yuheng.readers.fleet import json_schema as fleet_json
from yuheng.readers.fleet.annotations import ANNOTATIONS, PREFIX
from yuheng.readers.scenario.json_schema import SCENARIOS, schema_file, written_schema
from yuheng.reporting.schema import KINDS, schema
from yuheng.scheduling import topology
from yuheng.scheduling.batch.settings import PLUGINS
from yuheng.scheduling.presets import PRESETS
from yuheng.scheduling.registry import RESOURCE_FILTER, SCORES, WORDS
from yuheng.scheduling.scores import gpu, nature, resources

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / "docs" / "reference"
NOTICE: Final = "<!-- Written by tools/reference.py (`make docs`): change the code it describes, not this page. -->"
SCORE_FUNCTIONS: Final[Mapping[str, tuple[Callable[..., Any], ...]]] = {
    "BestFit": (gpu.best_fit,),
    "BinPack": (resources.bin_pack,),
    "DotProduct": (gpu.dot_product,),
    "FragmentationGradient": (gpu.fragmentation_gradient,),
    "GpuClustering": (gpu.gpu_clustering,),
    "GpuPacking": (gpu.gpu_packing,),
    "ImageLocality": (nature.image_locality,),
    "InterPodAffinity": (topology.preference,),
    "LoadAware": (nature.load_aware,),
    "NodeAffinity": (nature.node_affinity,),
    "NodeResourcesBalancedAllocation": (resources.balanced_allocation,),
    "NodeResourcesFit": (
        resources.least_allocated,
        resources.most_allocated,
        resources.requested_to_capacity_ratio,
    ),
    "PodTopologySpread": (topology.soft_skew,),
    "Price": (nature.price,),
    "TaintToleration": (nature.taint_toleration,),
    "WorstFit": (gpu.worst_fit,),
}


def command_line() -> str:
    """The page of the command line."""
    group = typer.main.get_group(app)
    commands: Mapping[str, Any] = group.commands
    lines = [NOTICE, "", "# The command line", "", group.help or "", ""]
    links = ((f"[`{n}`](#yuheng-{n.replace(' ', '-')})", c.help) for n, c in commands.items())
    lines += _table(("command", "what it does"), links)
    for name, command in commands.items():
        lines += _command(name, command)
    return _page([*lines, *_exit_codes(), *_environment()])


def _command(name: str, command: Any) -> Iterator[str]:  # noqa: ANN401 -- typer brings its own copy of click
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    options = [param for param in command.params if param.param_type_name == "option"]
    several = {"inputs": "..."}
    usage = " ".join(_argument(param) + several.get(param.name, "") for param in arguments)
    yield from ("", f"## yuheng {name}", "", "```text", f"yuheng {name} [OPTIONS] {usage}".rstrip(), "```", "")
    yield from (command.help, "")
    if arguments:
        yield from _table(("argument", "meaning"), ((f"`{param.metavar}`", param.help) for param in arguments))
        yield ""
    rows = [(_spelled(param), _default(param), param.help) for param in options]
    yield from _table(("option", "default", "meaning"), [*rows, ("`-h`, `--help`", "", "Show the help.")])
    yield from ("", f"Example: `{command.epilog.removeprefix('Example: ')}`")


def _argument(param: Any) -> str:  # noqa: ANN401
    return str(param.metavar) if param.required else f"[{param.metavar}]"


def _spelled(param: Any) -> str:  # noqa: ANN401
    names = ", ".join(f"`{name}`" for name in sorted(param.opts, key=len))
    value = _choices(param) or param.metavar or ""
    return f"{names} `{value}`" if value else names


def _choices(param: Any) -> str:  # noqa: ANN401
    return r"\|".join(type(param.default)) if isinstance(param.default, Enum) else ""


def _default(param: Any) -> str:  # noqa: ANN401
    if param.required:
        return "required"
    shown = param.show_default if isinstance(param.show_default, str) else param.default
    return "" if shown is None or shown is False else f"`{shown}`"


def _exit_codes() -> Iterator[str]:
    yield from ("", "## Exit codes", "")
    yield from _table(
        ("code", "when"),
        (
            ("0", "It was done. Pods that stay pending are an answer, not a failure."),
            (
                str(NOT_WRITTEN),
                (
                    "The output could not be written, or nobody reads the pipe any more; `replay`: a decision differs; "
                    "`dispatch`: a cluster was not done wholly, the report was printed."
                ),
            ),
            (
                str(BAD_INPUT),
                (
                    "Bad input: one line on standard error says what, where, and what was expected. Wrong usage: the "
                    "command's usage, and what is wrong."
                ),
            ),
            (
                str(PENDING_REMAINS),
                "`plan --strict`, `dispatch --strict`: a pod stays pending or a workload has no place. It was printed.",
            ),
            (
                str(OVER_BUDGET),
                "`cost diff --budget`: the change may cost more than that; `budget`: one is exceeded. It was printed.",
            ),
            (
                str(INTERRUPTED),
                (
                    "Interrupted by Ctrl-C. The finished runs of a simulation are kept: the same command goes on. "
                    "`run` ends with 0 when asked by SIGTERM or Ctrl-C, the second time at once, with 143 or 130."
                ),
            ),
        ),
    )


def _environment() -> Iterator[str]:
    yield from ("", "## Environment", "")
    yield from _table(
        ("variable", "meaning"),
        (
            (
                "`YUHENG_CACHE_DIR`",
                "Where compiled kernels and interrupted simulations are kept; else below `XDG_CACHE_HOME`, `~/.cache`.",
            ),
            (
                "`RAY_ADDRESS`",
                "The Ray cluster of `simulate --engine ray`; else one that runs here, else one of our own.",
            ),
            ("`NO_COLOR`", "No colours on a terminal. There are none in pipes and files anyway."),
            ("`COLUMNS`", "The width that tables on a terminal are fitted to."),
        ),
    )


def formats() -> str:
    """The page of the formats that ``-o json`` and ``-o yaml`` print."""
    lines = [NOTICE, "", "# The format of plans, explanations, headrooms, queues and fleets", ""]
    lines += [
        "What `-o json`, `-o yaml` and `to_dict()` give; fields are always there unless they are called optional. The",
        'same as JSON Schema (draft 2020-12) comes with the package: `yuheng.reporting.schema.schema("Plan")`.',
    ]
    for kind in KINDS:
        document = schema(kind)
        lines += ["", f"## {kind}", "", document["description"], ""]
        lines += _fields(document, document["$defs"])
        for name, definition in document["$defs"].items():
            if "properties" in definition:
                lines += ["", f"### {kind}: {_words(name)}", "", definition["description"], ""]
                lines += _fields(definition, document["$defs"])
    return _page(lines)


def _fields(definition: Mapping[str, Any], shared: Mapping[str, Any]) -> list[str]:
    return _table(("field", "type", "meaning"), _rows(definition, shared, ""))


def _rows(definition: Mapping[str, Any], shared: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str, str]]:
    """A row a field; those of an object that is described in its place follow it, their names after its own."""
    needed = definition.get("required", ())
    for name, field in definition["properties"].items():
        optional = "" if name in needed else "Optional. "
        yield f"`{prefix}{name}`", _type(field), optional + _described(field, shared)
        inner, mark = field, "."
        if field.get("type") == "array":
            inner, mark = field["items"], "[]."
        if "properties" in inner:
            yield from _rows(inner, shared, f"{prefix}{name}{mark}")


def _type(field: Mapping[str, Any]) -> str:
    if "const" in field:
        return f'`"{field["const"]}"`'
    if "enum" in field:
        return ", ".join(f'`"{value}"`' for value in field["enum"])
    if "$ref" in field:
        return _words(_referred(field))
    for choice in ("anyOf", "oneOf"):
        if choice in field:
            return " or ".join(map(_type, field[choice]))
    if "type" not in field:
        return "any"
    if field["type"] == "array":
        return f"list of {_type(field['items'])}"
    if field["type"] == "object":
        return "object" if "properties" in field else f"map of {_type(field['additionalProperties'])}"
    return " or ".join(field["type"]) if isinstance(field["type"], list) else str(field["type"])


def _described(field: Mapping[str, Any], shared: Mapping[str, Any]) -> str:
    own: str = field.get("description", "")
    return own or (shared[_referred(field)]["description"] if "$ref" in field else "")


def _referred(field: Mapping[str, Any]) -> str:
    return str(field["$ref"]).rsplit("/", 1)[1]


def _words(name: str) -> str:
    """``nearMiss`` as ``near miss``."""
    return "".join(f" {char.lower()}" if char.isupper() else char for char in name)


def policies() -> str:
    """The page of the presets, the filters, the scores and the batch plugins."""
    lines = [NOTICE, "", "# Policies, filters and scores", "", "## Policies", ""]
    lines += ["What `--policy NAME` takes. All of them have all filters on.", ""]
    rows = ((f"`{name}`", item.purpose, _scores(item.policy), _ties(item.policy)) for name, item in PRESETS.items())
    lines += _table(("policy", "what it is for", "scores and weights", "ties"), rows)
    lines += ["", "## Filters", "", "What a node can be rejected for, in the order it is asked.", ""]
    lines += _table(("filter", "what it says of a node"), _filters())
    lines += ["", "## Scores", "", "Each gives a feasible node 0 to 100, times its weight; the highest sum wins.", ""]
    lines += _table(("score", "what it looks at"), ((f"`{name}`", _looks_at(name)) for name in sorted(SCORES)))
    lines += [
        "",
        "## Batch plugins",
        "",
        "What a tier of Volcano's scheduler configuration may name (`--config FILE`).",
        "",
    ]
    lines += _table(("plugin", "what it does"), ((f"`{name}`", does) for name, does in PLUGINS.items()))
    return _page(lines)


def _scores(policy: Policy) -> str:
    named = (f"{_with_strategy(score.plugin, policy)} {score.weight}" for score in policy.scores)
    return ", ".join(named) or "none"


def _with_strategy(plugin: str, policy: Policy) -> str:
    if plugin != "NodeResourcesFit":
        return plugin
    counted = ", ".join(f"{item.name} {item.weight}" for item in policy.strategy.resources)
    return f"{plugin} ({policy.strategy.type} of {counted})"


def _ties(policy: Policy) -> str:
    return "by node name" if policy.ties == "name" else "by the seed's order"


def _filters() -> Iterator[tuple[str, str]]:
    said: dict[str, list[str]] = {}
    for rejection in WORDS.values():
        said.setdefault(rejection.filter, []).append(f"`{rejection.words}`")
    said[RESOURCE_FILTER].append("`Insufficient` and the resource's name")
    batch = [name for name in said if name not in KUBERNETES_FILTERS]
    for name in (*(name for name in KUBERNETES_FILTERS if name in said), *batch):
        yield f"`{name}`", "; ".join(said[name])


def _looks_at(name: str) -> str:
    return " ".join(_first_line(function) for function in SCORE_FUNCTIONS[name])


def _first_line(function: Callable[..., Any]) -> str:
    line = (function.__doc__ or "").strip().splitlines()[0].replace("``", "`")
    strategies = {"least_allocated": "LeastAllocated: ", "most_allocated": "MostAllocated: "}
    strategies["requested_to_capacity_ratio"] = "RequestedToCapacityRatio: "
    return f"{strategies.get(function.__name__, '')}{line}"


def scenario() -> str:
    """The page of the keys of a scenario file."""
    lines = [NOTICE, "", "# Scenario files", ""]
    lines += [
        "What `yuheng simulate SCENARIO.yaml` reads. A *duration* is text such as `45s`, `1h30m`, `7d`, `2w`, or a",
        "number of seconds; a *quantity* is one of Kubernetes, such as `500m`, `4`, `16Gi`; a *rate* is text such as",
        "`120/h`. The same as JSON Schema (draft 2020-12), for editors, comes with the package:",
        "`yuheng.readers.scenario.scenario_schema()`; with `kind` for the scenarios that have one.",
    ]
    told: set[str] = set()
    for kind in SCENARIOS:
        document = written_schema(kind)
        shared: Mapping[str, Any] = document["$defs"]
        lines += ["", f"## Scenario of kind `{kind}`" if kind else "## Scenario"]
        lines += ["", document["description"], "", *_keys(document)]
        for name in _in_order(document, shared):
            if name not in told:
                lines += ["", f"## {_title(name)}", "", shared[name]["description"], "", *_keys(shared[name])]
            told.add(name)
    return _page(lines)


def fleet() -> str:
    """The page of the objects that describe a fleet."""
    document = fleet_json.written_schema()
    shared: Mapping[str, Any] = document["$defs"]
    lines = [NOTICE, "", "# Fleet objects", ""]
    lines += [
        "The objects of `yuheng.io/v1alpha1` that describe a fleet; beside them Karmada's policies, clusters and",
        "bindings, Argo's workflows, and the workloads to place are read. A *duration* is text such as `45s`, `1h30m`,",
        "`7d`, or a number of seconds; a *quantity* is one of Kubernetes, such as `500m`, `16Gi`; an *amount of data*",
        "is text such as `150GB`, `1.5TB`, or a number of gigabytes; a *time* is text such as `2026-01-31T12:00:00Z`.",
        "Paths are relative to the file they stand in. The same as JSON Schema (draft 2020-12), for editors, comes",
        "with the package: `yuheng.readers.fleet.json_schema.fleet_schema()`.",
        "",
        "## Annotations",
        "",
        "What a workload says of itself, on the object or its pod template; each stands for a key of a",
        "[placement policy](#placement-policy-spec), and wins over it. Lists are separated by commas; data sets are",
        "written `name=150GB@eu-west-1|us-east-1`, or as the JSON of the policy's list; service levels",
        "`p95<300ms@eu-west-1|us-east-1`; run times `2h` or `mean=2h,p95=3h`, and of one machine with its name behind",
        "a dot: `yuheng.io/run-time.m5.large`.",
        "",
    ]
    rows = ((f"`{PREFIX}{name}`", f"`{key}`") for name, (key, _) in ANNOTATIONS.items())
    lines += _table(("annotation", "key"), rows)
    for title, module in (("Price books", prices), ("Egress prices", egress)):
        lines += ["", f"## {title}", "", (module.__doc__ or "").strip().replace("``", "`")]
    for name in _in_order(document, shared):
        lines += ["", f"## {_title(name)}", "", shared[name]["description"], "", *_keys(shared[name])]
    return _page(lines)


def fleet_schema() -> str:
    """The JSON Schema of the objects that describe a fleet."""
    return json.dumps(fleet_json.written_schema(), indent=2, ensure_ascii=False) + "\n"


def budgets() -> str:
    """The page of budgets."""
    document = budget_json.written_schema()
    shared: Mapping[str, Any] = document["$defs"]
    lines = [NOTICE, "", "# Budgets", ""]
    lines += [
        "What `yuheng budget --budgets` reads: YAML or JSON, several documents to a file. The same as JSON Schema",
        "(draft 2020-12), for editors, comes with the package: `yuheng.readers.budgets.json_schema.budget_schema()`.",
        "",
        *_keys(document),
    ]
    for name in _in_order(document, shared):
        lines += ["", f"## {_title(name)}", "", shared[name]["description"], "", *_keys(shared[name])]
    return _page(lines)


def budget_schema() -> str:
    """The JSON Schema of a budget."""
    return json.dumps(budget_json.written_schema(), indent=2, ensure_ascii=False) + "\n"


def _keys(definition: Mapping[str, Any]) -> list[str]:
    needed = definition.get("required", ())
    rows = (
        (f"`{name}`", _kind(field), "required" if name in needed else _told(field), field["description"])
        for name, field in definition["properties"].items()
    )
    return _table(("key", "type", "default", "meaning"), ([cell.replace("|", r"\|") for cell in row] for row in rows))


def _told(field: Mapping[str, Any]) -> str:
    """The default of a key, as it would be written."""
    if "default" not in field:
        return ""
    value = field["default"]
    numbers = value if isinstance(value, list) else [value]
    plain = [int(one) if isinstance(one, float) and one.is_integer() else one for one in numbers]
    return f"`{', '.join(one if isinstance(one, str) else json.dumps(one) for one in plain)}`"


def _kind(field: Mapping[str, Any]) -> str:
    """The type of a key: maps are linked to where their keys are told."""
    if "title" in field:
        return str(field["title"])
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_kind(one) for one in field["anyOf"]))
    if "$ref" in field:
        name = _title(_referred(field))
        return f"[{name}](#{name.replace(' ', '-')})"
    if "enum" in field or "const" in field:
        values = field.get("enum", [field.get("const")])
        return ", ".join(f"`{one if isinstance(one, str) else json.dumps(one)}`" for one in values)
    if field["type"] == "array":
        return f"list of {_kind(field['items'])}"
    if field["type"] == "object":
        inner = field.get("additionalProperties")
        return f"map of {_kind(inner)}" if isinstance(inner, Mapping) else "map"
    types = field["type"] if isinstance(field["type"], list) else [field["type"]]
    words = {"string": "text", "integer": "whole number", "boolean": "true or false"}
    return " or ".join(words.get(one, one) for one in types)


def _in_order(document: Mapping[str, Any], shared: Mapping[str, Any]) -> list[str]:
    """The names of the shared definitions, each after what mentions it first."""
    found: dict[str, None] = {}

    def visit(definition: object) -> None:
        if isinstance(definition, Mapping):
            if "$ref" in definition and _referred(definition) not in found:
                name = _referred(definition)
                found[name] = None
                visit(shared[name])
            for key, value in definition.items():
                if key != "$defs":
                    visit(value)
        elif isinstance(definition, list):
            for item in definition:
                visit(item)

    visit(document)
    return list(found)


def _title(name: str) -> str:
    """``PricePoint`` as ``price point``."""
    return _words(name).strip()


def scenario_schema(kind: str) -> str:
    """The JSON Schema of scenario files of a kind."""
    return json.dumps(written_schema(kind), indent=2, ensure_ascii=False) + "\n"


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_row(titles), _row(["---"] * len(titles)), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _page(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


FILES: Final[Mapping[Path, Callable[[], str]]] = {
    FOLDER / "budgets.md": budgets,
    FOLDER / "cli.md": command_line,
    FOLDER / "fleet.md": fleet,
    FOLDER / "plan-format.md": formats,
    FOLDER / "policies.md": policies,
    FOLDER / "scenario.md": scenario,
    ROOT / "src" / "yuheng" / "readers" / "budgets" / budget_json.SCHEMA_FILE: budget_schema,
    ROOT / "src" / "yuheng" / "readers" / "fleet" / fleet_json.SCHEMA_FILE: fleet_schema,
    **{
        ROOT / "src" / "yuheng" / "readers" / "scenario" / schema_file(kind): partial(scenario_schema, kind)
        for kind in SCENARIOS
    },
}


def main() -> int:
    """Write the files, or check them."""
    check = sys.argv[1:] == ["--check"]
    stale = []
    for path, write in FILES.items():
        text = write()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(str(path.relative_to(ROOT)))
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if check and stale:
        print(f"stale: {', '.join(stale)}; run `make docs`")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
