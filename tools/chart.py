"""Render the Helm chart without Helm: the little of Go's templates that it uses, and no more.

Known are text, comments, ``define``, ``if`` / ``else``, ``with``, ``range`` over lists, fields, literals, pipelines and
the functions below. Anything else is refused, so that the chart stays so simple that this and Helm cannot differ.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

__all__ = ["Release", "TemplateError", "merged", "rendered"]

_ACTION: Final = re.compile(r"\{\{(?P<left>-?)(?P<body>.*?)(?P<right>-?)\}\}", re.DOTALL)
_TOKEN: Final = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[()|]|[^\s()|"]+)')
_NUMBER: Final = re.compile(r"-?\d+")


class TemplateError(ValueError):
    """A template that is more than is known here, or that does not end."""


class Release(NamedTuple):
    """What is installed, as templates see it.

    Attributes:
        name: of the release.
        namespace: where it goes.
        service: what installs it.
    """

    name: str
    namespace: str
    service: str = "Helm"


class _Node(NamedTuple):
    """A part of a template: text; an action that prints; or a block with what is in it."""

    kind: str
    what: str
    inside: tuple[_Node, ...] = ()
    otherwise: tuple[_Node, ...] = ()


def merged(values: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Values with others laid over them, map by map, as Helm does it."""
    found = dict(values)
    for name, value in others.items():
        below = found.get(name)
        found[name] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return found


def rendered(chart: Path, release: Release, values: Mapping[str, Any] = {}) -> dict[str, str]:
    """The files that a chart gives, by their names.

    Args:
        chart: its folder.
        release: what is installed.
        values: that differ from the chart's.

    Raises:
        TemplateError: a template is more than is known here.
    """
    head = yaml.safe_load((chart / "Chart.yaml").read_text(encoding="utf-8"))
    top = {
        "Values": merged(yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8")), values),
        "Chart": {name[:1].upper() + name[1:]: value for name, value in head.items()},
        "Release": {"Name": release.name, "Namespace": release.namespace, "Service": release.service},
    }
    paths = sorted(path for path in (chart / "templates").iterdir() if path.suffix in (".yaml", ".tpl", ".txt"))
    trees = {path.name: _tree(path.read_text(encoding="utf-8")) for path in paths}
    writer = _Writer(
        {_text(node.what): node.inside for tree in trees.values() for node in tree if node.kind == "define"}
    )
    return {name: writer.written(tree, top) for name, tree in trees.items() if not name.endswith(".tpl")}


def _tree(text: str) -> tuple[_Node, ...]:
    parts = _parts(text)
    nodes, end = _block(parts)
    if end:
        raise TemplateError(f"{{{{ {end} }}}} without a beginning")
    return nodes


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """Text and actions, one after the other, with the white space that actions take away gone."""
    at, strip = 0, False
    for found in _ACTION.finditer(text):
        before = text[at : found.start()]
        before = before.lstrip() if strip else before
        yield "text", before.rstrip() if found["left"] else before
        body = found["body"].strip()
        if not body.startswith("/*"):
            yield "action", body
        at, strip = found.end(), bool(found["right"])
    yield "text", text[at:].lstrip() if strip else text[at:]


def _block(parts: Iterator[tuple[str, str]]) -> tuple[tuple[_Node, ...], str]:
    """What is in a block, and the action that ends it."""
    nodes: list[_Node] = []
    for kind, what in parts:
        word, _, rest = what.partition(" ")
        if kind == "text":
            nodes.append(_Node("text", what))
        elif word in ("end", "else"):
            return tuple(nodes), what
        elif word in ("if", "with", "range", "define"):
            inside, end = _block(parts)
            otherwise: tuple[_Node, ...] = ()
            if end == "else":
                otherwise, end = _block(parts)
            if end != "end":
                raise TemplateError(f"{{{{ {what} }}}} does not end")
            nodes.append(_Node(word, rest, inside, otherwise))
        else:
            nodes.append(_Node("print", what))
    return tuple(nodes), ""


def _text(literal: str) -> str:
    found = json.loads(literal)
    if not isinstance(found, str):
        raise TemplateError(f"found {literal}, expected text")
    return found


class _Writer:
    """Writes templates out."""

    def __init__(self, defined: Mapping[str, tuple[_Node, ...]]) -> None:
        self._defined = defined
        self._functions: dict[str, Callable[..., Any]] = {**_FUNCTIONS, "include": self._include}

    def written(self, nodes: Sequence[_Node], dot: object) -> str:
        """Text of a template, with what a dot means in it."""
        return "".join(self._one(node, dot) for node in nodes)

    def _one(self, node: _Node, dot: object) -> str:
        if node.kind == "text":
            return node.what
        if node.kind == "define":
            return ""
        value = self._value(node.what, dot)
        if node.kind == "print":
            return _printed(value)
        if not value:
            return self.written(node.otherwise, dot)
        if node.kind == "range":
            return "".join(self.written(node.inside, each) for each in value)
        return self.written(node.inside, value if node.kind == "with" else dot)

    def _include(self, name: str, dot: object) -> str:
        return self.written(self._defined[name], dot)

    def _value(self, text: str, dot: object) -> Any:  # noqa: ANN401 -- of any kind
        tokens = _TOKEN.findall(text)
        value = self._pipeline(tokens, dot)
        if tokens:
            raise TemplateError(f"{{{{ {text} }}}}: nothing is known of {tokens[0]}")
        return value

    def _pipeline(self, tokens: list[str], dot: object) -> Any:  # noqa: ANN401 -- of any kind
        value = self._call(tokens, dot, ())
        while tokens and tokens[0] == "|":
            tokens.pop(0)
            value = self._call(tokens, dot, (value,))
        return value

    def _call(self, tokens: list[str], dot: object, last: tuple[Any, ...]) -> Any:  # noqa: ANN401 -- of any kind
        function = self._functions.get(tokens[0])
        if function is not None:
            tokens.pop(0)
        arguments = []
        while tokens and tokens[0] not in ("|", ")"):
            arguments.append(self._argument(tokens, dot))
        if function is not None:
            return function(*arguments, *last)
        if len(arguments) != 1 or last:
            raise TemplateError(f"no function is known that takes {arguments}")
        return arguments[0]

    def _argument(self, tokens: list[str], dot: object) -> Any:  # noqa: ANN401 -- of any kind
        token = tokens.pop(0)
        if token == "(":  # noqa: S105 -- no secret
            value = self._pipeline(tokens, dot)
            if tokens.pop(0) != ")":
                raise TemplateError("a parenthesis that does not close")
            return value
        if token.startswith('"'):
            return _text(token)
        if _NUMBER.fullmatch(token):
            return int(token)
        if not token.startswith("."):
            raise TemplateError(f"nothing is known of {token}")
        for name in filter(None, token.split(".")):
            if not isinstance(dot, Mapping) or name not in dot:
                raise TemplateError(f"there is no {token}")
            dot = dot[name]
        return dot


def _printed(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        # Go prints no point after a whole number.
        return str(int(value))
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _yaml(value: object) -> str:
    return str(yaml.safe_dump(value, default_flow_style=False, width=10**6)).removesuffix("\n")


def _formatted(form: str, *values: object) -> str:
    return re.sub(r"%[sv]", "%s", form) % tuple(_printed(value) for value in values)


_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "contains": lambda part, text: part in text,
    "default": lambda other, value: value or other,
    "nindent": lambda count, text: "".join(f"\n{' ' * count}{line}" for line in text.split("\n")),
    "printf": _formatted,
    "quote": lambda value: json.dumps(_printed(value), ensure_ascii=False),
    "sha256sum": lambda text: hashlib.sha256(text.encode()).hexdigest(),
    "toYaml": _yaml,
    "trimSuffix": lambda end, text: text.removesuffix(end),
    "trunc": lambda count, text: text[:count],
}
