"""A binding is sent again only by whoever still leads, and what became of a lost answer is looked up."""

from __future__ import annotations

import pytest
from tests.kubernetes.made_api_server import FakeTime, access_to, answering, dropping, status, unto
from tests.kubernetes.made_cluster import Cluster, cluster

from yuheng.kubernetes.api import Api
from yuheng.kubernetes.running.binding import Binder, Outcome


async def bound(made: Cluster, *, leads: bool = True) -> tuple[Outcome, str]:
    """What becomes of a binding; whoever does not lead for good stops doing so once it is sent."""
    async with Api(access_to(made.url), timing=FakeTime().timing) as api:
        binder = Binder(api, lambda: leads or not made.asked("POST", "/binding"))
        return await binder.bind("default", "p", "uid-2", "a")


@pytest.mark.parametrize("code", [429, 500, 503])
async def test_whoever_leads_no_longer_does_not_send_it_again(code: int):
    async with cluster() as made:
        made.node("a")
        made.pod("p")
        made.faults.append(unto("POST", "/binding", answering(lambda: status(code, "Busy"))))
        outcome, _ = await bound(made, leads=False)
        assert outcome is Outcome.failed
        assert len(made.asked("POST", "/binding")) == 1
    assert not made.homes()


async def test_whoever_leads_sends_it_again():
    async with cluster() as made:
        made.node("a")
        made.pod("p")
        made.faults.append(unto("POST", "/binding", answering(lambda: status(500, "InternalError"))))
        assert await bound(made) == (Outcome.bound, "")


async def test_a_binding_whose_answer_was_lost_is_found_to_be_done():
    async with cluster() as made:
        made.node("a")
        made.pod("p")
        found = made.found("pods", "p")
        assert found is not None
        made.create("pods", {**found, "spec": {**found["spec"], "nodeName": "a"}})
        made.faults.append(unto("POST", "/binding", dropping))
        assert await bound(made, leads=False) == (Outcome.bound, "")


async def test_a_pod_that_somebody_else_has_bound_is_found_to_be_there():
    async with cluster() as made:
        made.node("a")
        made.pod("p", nodeName="b")
        outcome, why = await bound(made)
        assert (outcome, why) == (Outcome.elsewhere, "bound to b")
