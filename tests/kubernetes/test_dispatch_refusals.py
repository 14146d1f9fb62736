"""What a server says of objects that it does not take: told in a line, and nothing of what it quotes."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from tests.kubernetes.made_api_server import answering, status, unto
from tests.kubernetes.made_member import beside, deployment, members, write, write_fleet
from tests.kubernetes.test_dispatch import run, urls


@pytest.mark.parametrize(
    ("kind", "said", "told"),
    [
        ("deployments", "because it is being terminated", "the Namespace default is being deleted"),
        ("secrets", "because it is being terminated", "the Namespace default is being deleted"),
        ("deployments", "exceeded quota: q, requested: pods=9", "exceeded quota"),
        ("secrets", 'admission webhook "x" denied: p4ss', "a quota or an admission webhook does not take it"),
    ],
)
async def test_a_refusal_that_is_no_roles_is_not_told_as_one(tmp_path, kind, said, told):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(), beside("Secret", "s", data={}))
        found["a"].faults.append(unto("PATCH", f"/{kind}/", answering(lambda: status(403, "Forbidden", said))))
        report = await run(folder)
        assert told in report.failures["a"]
        assert "no role" not in report.failures["a"]
        assert "p4ss" not in str(report)


async def test_a_conflict_is_told_by_its_fields_and_not_by_the_request(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=2))
        await run(folder)
        found["a"].changed("deployments", "web", "default", "kubectl", replicas=5)
        report = await run(folder)
        assert report.failures["a"] == (
            "Deployment default/web: 409 Conflict: Apply failed with 1 conflict: "
            'conflict with "kubectl": .spec.replicas (--force-conflicts takes the fields over)'
        )


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            'spec.template: Invalid value: core.Pod{Env:[]core.EnvVar{{Name:"T", Value:"p4 ss"}}}: field is immutable',
            "spec.template: Invalid value: ...: field is immutable",
        ),
        (
            'spec.template: Invalid value: core.PodTemplateSpec{Env:{Value:"p4 ss"}, Ar',
            "spec.template: Invalid value: ...",
        ),
        ('spec.x: Invalid value: "p4 ss": no', "spec.x: Invalid value: ...: no"),
        ('spec.x: Invalid value: "p4 ss', "spec.x: Invalid value: ..."),
        ("spec.x: Invalid value: 4: no", "spec.x: Invalid value: ...: no"),
        ("got &value.valueUnstructured{Value:map[string]interface {}{}, p4 ss", "got &value.valueUnstructured{...}"),
    ],
)
async def test_nothing_of_what_a_server_quotes_is_passed_on(tmp_path, said, told):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment())
        found["a"].faults.append(unto("PATCH", "deployments", answering(lambda: status(422, "Invalid", said))))
        report = await run(folder)
        assert report.failures["a"] == f"Deployment default/web: 422 Invalid: {told}"


async def test_a_refusal_that_comes_in_pieces_is_read_as_a_whole(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment())

        async def slowly(request: web.Request) -> web.StreamResponse:
            await request.read()
            whole = status(422, "Invalid", "spec.x: Forbidden: no").body
            assert isinstance(whole, bytes)
            response = web.StreamResponse(status=422, headers={"Content-Type": "application/json"})
            await response.prepare(request)
            for part in (whole[:20], whole[20:]):
                await response.write(part)
                await asyncio.sleep(0.02)
            return response

        found["a"].faults.append(unto("PATCH", "deployments", slowly))
        report = await run(folder)
        assert report.failures["a"] == "Deployment default/web: 422 Invalid: spec.x: Forbidden: no"
