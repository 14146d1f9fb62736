"""Recommendations as changes of pods: what is set aside for them, and what is risked."""

from __future__ import annotations

import pytest

from yuheng.finops.what_if import sizes_of
from yuheng.model.cluster import Snapshot
from yuheng.model.estate import Container, Estate, Owner, PodEstate, Requested
from yuheng.model.rightsizing import MINUTES_A_MONTH, AutoscalerEffect, Change, ContainerAdvice, Rightsizing
from yuheng.model.units import GIB

WEB = Owner("Deployment", "web")


def pod(name="p", cpu=1000, owner=WEB, **fields):
    made = Container(name="main", cpu=cpu, memory=GIB)
    return PodEstate(namespace="default", name=name, node="n", owner=owner, containers=(made,), **fields)


def advice(cpu=None, memory=None, **fields):
    return ContainerAdvice(
        kind="Deployment", namespace="default", workload=fields.pop("workload", "web"), container="main",
        cpu=Change(old=1000, new=cpu, risk=0.01, risk_before=0.0),
        memory=Change(old=GIB, new=memory, risk=0.002), **fields,
    )  # fmt: skip


def sizes(pods, *rows):
    estate = Estate(snapshot=Snapshot(), pods={f"{one.namespace}/{one.name}": one for one in pods})
    return sizes_of(estate, Rightsizing(strategy="seasonal", containers=rows))


def test_every_pod_of_a_workload_gets_the_new_requests():
    found = sizes([pod("a"), pod("b"), pod("c", owner=Owner("Deployment", "api"))], advice(cpu=400))
    assert found.of_pod == {"default/a": (-600, 0), "default/b": (-600, 0)}


def test_a_request_that_differs_from_the_template_now_is_the_advice_afterwards():
    assert sizes([pod(cpu=700)], advice(cpu=400, memory=2 * GIB)).of_pod == {"default/p": (-300, GIB)}


LEAST = {"less than the containers": (300, -600), "between": (800, -200), "more": (3000, 0)}


@pytest.mark.parametrize("name", LEAST)
def test_what_an_init_container_needs_is_set_aside_all_the_same(name):
    least, change = LEAST[name]
    found = sizes([pod(least=Requested(cpu=least), overhead=Requested(cpu=250))], advice(cpu=400))
    assert found.of_pod.get("default/p", (0, 0)) == (change, 0)


def test_what_an_autoscaler_steers_is_left_and_counted():
    effect = AutoscalerEffect(
        name="h", minimum=2, maximum=9, utilization=0.5, replicas_before=2.0, replicas=4.0, most=6, cpu_before=None,
        cpu=1600.0,
    )  # fmt: skip
    found = sizes([pod()], advice(cpu=400, autoscaler=effect))
    assert (found.of_pod, found.minutes, found.steered) == ({}, 0.0, 1)


def test_the_risk_is_of_requests_that_change_and_of_workloads_that_run():
    idle = advice(cpu=10, workload="gone")
    found = sizes([pod("a"), pod("b")], advice(cpu=400), idle)
    assert found.minutes == pytest.approx(0.01 * MINUTES_A_MONTH)
    assert sizes([pod()], advice()).minutes == 0.0
