"""Which volumes that are there a claim could have: the volume controller's rules, and one place for many of them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from yuheng.kubernetes.mirror.offers import Offers, Volume, Wanted, volume_of

READY = {"phase": "Available"}


def volume(name: str, size: str = "10Gi", node: str = "", status: dict[str, str] | None = None, **spec: Any) -> Volume:
    here = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
    affinity = {"nodeAffinity": {"required": {"nodeSelectorTerms": [here]}}} if node else {}
    body = {
        "metadata": {"name": name, "labels": {"disk": name}},
        "spec": {"storageClassName": "local", "capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"]}
        | affinity
        | spec,
        "status": READY if status is None else status,
    }
    return volume_of(msgspec.json.encode(body))


def wanted(size: str = "5Gi", **spec: Any) -> Wanted:
    body = {"resources": {"requests": {"storage": size}}, "accessModes": ["ReadWriteOnce"], **spec}
    return msgspec.convert(body, Wanted)


def names(offers: Offers, want: Wanted, kind: str = "local", uid: str = "u") -> list[str]:
    return [one.metadata.name for one in offers.to("default/c", uid, kind, want)]


KEPT = {"claimRef": {"namespace": "default", "name": "c", "uid": "u"}}


@pytest.mark.parametrize(
    ("one", "is_offered"),
    [
        (volume("v"), True),
        (volume("v", "5Gi"), True),
        (volume("v", "4Gi"), False),
        (volume("v", storageClassName="other"), False),
        (volume("v", volumeMode="Block"), False),
        (volume("v", accessModes=["ReadOnlyMany"]), False),
        (volume("v", status={"phase": "Released"}), False),
        (volume("v", status={"phase": "Pending"}, **KEPT), True),
        (volume("v", "4Gi", **KEPT), False),
        (volume("v", claimRef={"namespace": "default", "name": "c", "uid": "earlier"}), False),
        (volume("v", claimRef={"namespace": "default", "name": "c"}), True),
        (volume("v", claimRef={"namespace": "default", "name": "other"}), False),
    ],
)
def test_a_volume_is_offered_by_the_rules_of_the_volume_controller(one: Volume, is_offered: bool) -> None:
    assert names(Offers([one]), wanted()) == (["v"] if is_offered else [])


def test_the_smallest_comes_first_whether_it_is_kept_or_free() -> None:
    sizes = {"c": "30Gi", "a": "20Gi", "b": "20Gi", "small": "1Gi"}
    offers = Offers([*(volume(name, size) for name, size in sizes.items()), volume("mine", "25Gi", **KEPT)])
    assert names(offers, wanted()) == ["a", "b", "mine", "c"]
    assert names(offers, wanted("21Gi")) == ["mine", "c"]
    assert names(offers, wanted(selector={"matchLabels": {"disk": "b"}})) == ["b"]
    assert names(offers, wanted(), uid="another") == ["a", "b", "c"]


def test_many_disks_are_one_place() -> None:
    offers = Offers(volume(f"v{i}", node=f"n{i:02}") for i in range(30))
    (term,) = offers.places("default/c", "u", "local", wanted()) or ()
    assert sorted(term.match_expressions[0].values) == [f"n{i:02}" for i in range(30)]
    assert offers.places("default/c", "u", "local", wanted("11Gi")) == []


def test_a_volume_that_is_everywhere_is_no_place() -> None:
    offers = Offers([volume("v", node="a"), volume("w")])
    assert offers.places("default/c", "u", "local", wanted()) is None


def test_a_volume_that_is_kept_for_one_claim_is_no_place_for_another() -> None:
    offers = Offers([volume("v", node="a"), volume("mine", node="b", **KEPT)])
    found = {}
    for key, uid in (("default/other", "o"), ("default/c", "u")):
        terms = offers.places(key, uid, "local", wanted()) or ()
        found[key] = {value for term in terms for one in term.match_expressions for value in one.values}
    assert found == {"default/other": {"a"}, "default/c": {"a", "b"}}
