"""The parts of the network: HyperNodes, whose members are nodes and other HyperNodes."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.errors import InputError
from yuheng.model.job import HyperNode
from yuheng.readers.batch.wire import HyperNodeObject
from yuheng.readers.refusing import Refuse, readable, strictly

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from yuheng.model.node import Node
    from yuheng.readers.batch.wire import Member
    from yuheng.readers.sources.documents import Item

__all__ = ["HyperNodes"]


# What Go's regular expressions have and Python's spell differently.
GO: Final = {
    "[:alnum:]": "0-9A-Za-z",
    "[:alpha:]": "A-Za-z",
    "[:digit:]": "0-9",
    "[:lower:]": "a-z",
    "[:upper:]": "A-Z",
    "[:word:]": "0-9A-Za-z_",
    "\\z": "\\Z",
}


class HyperNodes:
    """The HyperNodes of the input.

    Args:
        items: the objects, each once.
        refuse: is told of those that are not what they should be.
    """

    def __init__(self, items: Iterable[Item], refuse: Refuse = strictly) -> None:
        self._refuse = refuse
        self._items: dict[str, Item] = {}
        self._objects: dict[str, HyperNodeObject] = {}
        for item, found in readable(items, _read, refuse):
            self._items[found.metadata.name] = item
            self._objects[found.metadata.name] = found
        self.warnings: list[str] = []

    def tiers(self) -> dict[str, int]:
        """Tiers by their name; the highest where several have the same name."""
        found: dict[str, int] = {}
        for one in self._objects.values():
            name = one.spec.tier_name
            if name:
                found[name] = max(one.spec.tier, found.get(name, one.spec.tier))
        return found

    def resolved(self, nodes: Sequence[Node]) -> tuple[HyperNode, ...]:
        """All of them with the names of their nodes, sorted by tier and name; one that contains itself is refused."""
        known: dict[str, frozenset[str]] = {}
        for name in sorted(self._objects):
            self._resolve(name, nodes, known, ())
        made = (
            HyperNode(name=name, tier=one.spec.tier, nodes=tuple(sorted(known[name])))
            for name, one in self._objects.items()
        )
        return tuple(sorted(made, key=lambda one: (one.tier, one.name)))

    def _resolve(
        self, name: str, nodes: Sequence[Node], known: dict[str, frozenset[str]], above: tuple[str, ...]
    ) -> frozenset[str]:
        if name in above:
            item = self._items[above[-1]]
            circle = " -> ".join((*above[above.index(name) :], name))
            self._refuse(
                InputError(
                    f"a circle: {circle}",
                    "members that do not contain the HyperNode itself",
                    source=item.source,
                    subject=f"HyperNode {above[-1]}",
                    field="spec.members",
                )
            )
            return frozenset()
        if name not in known:
            found: set[str] = set()
            for member in self._objects[name].spec.members:
                if member.type == "Node":
                    found |= self._nodes(name, member, nodes)
                else:
                    for inner in self._inner(name, member):
                        found |= self._resolve(inner, nodes, known, (*above, name))
            known[name] = frozenset(found)
        return known[name]

    def _nodes(self, name: str, member: Member, nodes: Sequence[Node]) -> set[str]:
        label_match = member.selector.label_match
        if label_match is None:
            return self._named(name, member, [node.name for node in nodes])
        if label_match.is_empty():
            return set()
        return {node.name for node in nodes if label_match.matches(node.labels)}

    def _inner(self, name: str, member: Member) -> list[str]:
        return sorted(self._named(name, member, self._objects))

    def _named(self, name: str, member: Member, names: Collection[str]) -> set[str]:
        """Those of these names that a member's selector means."""
        selector = member.selector
        if selector.regex_match is not None:
            pattern = _compiled(selector.regex_match.pattern)
            return {other for other in names if other != name and pattern.search(other)}
        exact = selector.exact_match.name if selector.exact_match is not None else ""
        if exact and exact not in names:
            self.warnings.append(f"HyperNode {name}: its member {member.type} {exact!r} is not in the input")
        return {exact} & set(names)


def _compiled(pattern: str) -> re.Pattern[str]:
    for written, meant in GO.items():
        pattern = pattern.replace(written, meant)
    with warnings.catch_warnings():
        # A bracket in brackets means something else to Go: it is not guessed at.
        warnings.simplefilter("error", FutureWarning)
        return re.compile(pattern)


def _read(text: bytes | msgspec.Raw) -> HyperNodeObject:
    source = msgspec.json.decode(text, type=HyperNodeObject)
    if source.spec.tier < 0:
        raise InputError(str(source.spec.tier), "a tier of 0 or more", field="spec.tier")
    for index, member in enumerate(source.spec.members):
        _check(member, f"spec.members[{index}].selector")
    return source


def _check(member: Member, path: str) -> None:
    selector = member.selector
    if member.type == "HyperNode" and selector.label_match is not None:
        raise InputError("a label selector", "exactMatch or regexMatch for HyperNodes", field=f"{path}.labelMatch")
    written = [one for one in (selector.exact_match, selector.regex_match, selector.label_match) if one is not None]
    if len(written) != 1:
        expected = "one of exactMatch, regexMatch and labelMatch"
        raise InputError(f"{len(written) or 'none'} of them", expected, field=path)
    if selector.regex_match is not None:
        pattern = selector.regex_match.pattern
        try:
            _compiled(pattern)
        except (re.error, FutureWarning, RecursionError, OverflowError) as error:
            raise InputError(repr(pattern), "a regular expression", field=f"{path}.regexMatch.pattern") from error
