"""Workloads whose replicas an autoscaler sets: the plan says where, and the autoscaler how many."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kubernetes.made_api_server import until
from tests.kubernetes.made_member import deployment, members, write, write_fleet
from tests.kubernetes.test_dispatch import run, urls
from tests.kubernetes.test_dispatch_safety import SCALER, image, image_of, knowing
from tests.kubernetes.test_dispatch_watch import down, keeping


@pytest.mark.parametrize("by_label", [False, True])
async def test_replicas_that_an_autoscaler_set_are_kept_and_the_rest_is_applied(tmp_path, by_label):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        knowing(found["a"], "autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")

        def written(tag: str) -> list[dict[str, Any]]:
            made = image(tag, replicas=2)
            if not by_label:
                return [made, SCALER]
            made["metadata"]["labels"]["resourcetemplate.karmada.io/retain-replicas"] = "true"
            return [made]

        write(folder, "web.json", *written("i:1"))
        assert (await run(folder)).failures == {}
        assert found["a"].replicas() == {"web": 2}
        for count in (5, 1):
            found["a"].changed("deployments", "web", "default", "kube-controller-manager", replicas=count)
            write(folder, "web.json", *written(f"i:{count}"))
            assert (await run(folder, force_conflicts=count == 1)).failures == {}
            assert found["a"].replicas() == {"web": count}
            assert image_of(found["a"]) == f"i:{count}"


async def test_a_workload_of_an_autoscaler_can_be_paused_and_begins_anew(tmp_path):
    async with members("a") as found:
        folder, here = write_fleet(tmp_path / "fleet", urls(found)), found["a"]
        knowing(here, "autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
        write(folder, "web.json", deployment(replicas=2), SCALER)
        await run(folder)
        here.changed("deployments", "web", "default", "kube-controller-manager", replicas=5)
        write(folder, "web.json", deployment(replicas=0), SCALER)
        for _ in range(2):
            assert (await run(folder)).failures == {}
            assert here.replicas() == {"web": 0}
        write(folder, "web.json", deployment(replicas=2), SCALER)
        assert (await run(folder)).failures == {}
        assert here.replicas() == {"web": 2}
        # What the autoscaler sets to none itself stays so.
        here.changed("deployments", "web", "default", "keda", replicas=0)
        assert (await run(folder)).failures == {}
        assert here.replicas() == {"web": 0}


async def test_a_pause_takes_nothing_over_but_the_replicas(tmp_path):
    async with members("a") as found:
        folder, here = write_fleet(tmp_path / "fleet", urls(found)), found["a"]
        knowing(here, "autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
        made = deployment(replicas=2)
        made["spec"]["minReadySeconds"] = 1
        write(folder, "web.json", made, SCALER)
        await run(folder)
        here.changed("deployments", "web", "default", "kubectl", minReadySeconds=2)
        made["spec"]["replicas"] = 0
        write(folder, "web.json", made, SCALER)
        assert 'conflict with "kubectl": .spec.minReadySeconds' in (await run(folder)).failures["a"]
        assert here.replicas() == {"web": 2}


@pytest.mark.parametrize("is_given_up", [True, False])
async def test_a_workload_of_an_autoscaler_moves_with_the_replicas_that_it_has(tmp_path, is_given_up):
    async with members("a", "b", cpu="32") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        for one in found.values():
            knowing(one, "autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
        write(folder, "web.json", deployment(replicas=2), SCALER)
        async with keeping(folder, every=20.0) as kept:
            await found["a"].watched(5)
            found["a"].changed("deployments", "web", "default", "kube-controller-manager", replicas=9)
            if is_given_up:
                last = kept.keeper.report
                await until(lambda: kept.keeper.report is not last, 30)
                down(found["a"])
                await until(lambda: found["b"].replicas() == {"web": 9}, 30)
        if not is_given_up:
            write_fleet(folder, urls(found), a=9.0, b=0.01)
            await run(folder, rebalance=True, grace=60.0)
            assert found["b"].replicas() == {"web": 9}


async def test_what_an_autoscaler_sets_is_no_drift(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        knowing(found["a"], "autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
        write(folder, "web.json", deployment(replicas=2), SCALER)
        async with keeping(folder, every=1e9) as kept:
            await found["a"].watched(5)
            await until(lambda: kept.keeper.ready, 30)
            report = kept.keeper.report
            found["a"].changed("deployments", "web", "default", "kube-controller-manager", replicas=5)
            started = kept.clock.seconds
            await until(lambda: kept.clock.seconds > started + 100, 30)
            assert kept.keeper.report is report


async def test_a_workload_that_loses_its_autoscaler_has_the_replicas_of_the_folder(tmp_path):
    async with members("a") as found:
        folder, here = write_fleet(tmp_path / "fleet", urls(found)), found["a"]
        knowing(here, "autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
        write(folder, "web.json", deployment(replicas=2), SCALER)
        await run(folder)
        here.changed("deployments", "web", "default", "kube-controller-manager", replicas=9)
        write(folder, "web.json", deployment(replicas=2))
        kept = await run(folder, prune=False)
        assert "--force-conflicts" in kept.failures["a"]
        assert (await run(folder)).failures == {}
        assert (here.replicas(), here.deleted) == ({"web": 2}, ["horizontalpodautoscalers h"])
        assert (await run(folder)).failures == {}
