"""What goes wrong between a scheduler and its API server changes when it is done, and not what: the end is the same."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.kubernetes.real.made_objects import gang, node, pod
from tests.kubernetes.real.proxies import cutting, troubled
from tests.kubernetes.real.real_server import RealServer
from tests.kubernetes.real.scheduler_process import SchedulerProcess, scheduling
from tests.kubernetes.real.witness import Witness, witnessing

pytestmark = pytest.mark.real_server
ALONE = "--no-leader-elect"


async def apply(server: RealServer, *objects: dict[str, Any]) -> None:
    await asyncio.to_thread(server.apply, *objects)


async def wave(server: RealServer, number: int, pods: int = 20, gangs: int = 2) -> int:
    """Pods and gangs of four, that have to wait; how many pods."""
    made = [pod(f"w{number}-p{i}") for i in range(pods)]
    made += [one for i in range(gangs) for one in gang(f"w{number}-g{i}", 4)]
    await apply(server, *made)
    return pods + 4 * gangs


@asynccontextmanager
async def two_instances(*kubeconfigs: Path) -> AsyncIterator[list[SchedulerProcess]]:
    """Two instances that agree on who leads within seconds; both are there at the end, and end in good order."""
    both = [SchedulerProcess(), SchedulerProcess()]
    for one, kubeconfig in zip(both, kubeconfigs, strict=True):
        await one.start(kubeconfig, "--lease-duration", "2")
    try:
        yield both
        for one in both:
            await one.says("synced")
    except BaseException:
        print(*(line for one in both for line in one.lines[-30:]), sep="\n")  # noqa: T201 -- what a failed test shows
        raise
    finally:
        codes = [await one.end() for one in both]
    assert codes == [0, 0]


def holders(seen: Witness) -> list[str]:
    """Who held the Lease, one after the other."""
    return [holder for holder, _, _ in seen.leaders if holder]


async def cleared(seen: Witness) -> None:
    """End all pods."""
    await asyncio.gather(*(seen.end_of_life(name) for name in list(seen.pods)))
    await seen.until(lambda: not seen.pods, 30)


def assert_good(seen: Witness, bindings: int) -> None:
    """Nothing was ever wrong, and nothing was bound more often than it had to."""
    assert not seen.wrongs
    assert max(seen.half_bound().values(), default=0.0) < 30
    assert seen.bindings >= bindings


async def test_the_api_server_is_killed_and_comes_back(server: RealServer):
    await apply(server, *(node(f"n{i}", cpu=8) for i in range(11)))
    async with witnessing(server) as seen, scheduling(server.kubeconfig, ALONE):
        count = await wave(server, 0)
        await seen.all_bound(count)
        count += await wave(server, 1)
        await asyncio.to_thread(server.stop, signal.SIGKILL)
        await asyncio.sleep(2)
        await asyncio.to_thread(server.start)
        await seen.all_bound(count, 120)
        count += await wave(server, 2)
        await seen.all_bound(count, 120)
        assert_good(seen, count)


async def test_every_connection_is_cut_each_second(server: RealServer):
    await apply(server, *(node(f"n{i}", cpu=8) for i in range(18)))
    async with cutting(server, 1.0) as proxy, witnessing(server) as seen:
        kubeconfig = server.written_kubeconfig("cut", proxy.url)
        async with scheduling(kubeconfig, ALONE):
            count = 0
            for number in range(5):
                count += await wave(server, number)
                await asyncio.sleep(1)
            await seen.all_bound(count, 120)
            assert_good(seen, count)
        assert proxy.cut > 10


async def test_etcd_forgets_what_was_while_nobody_watches(server: RealServer):
    await apply(server, *(node(f"n{i}", cpu=8) for i in range(8)))
    async with cutting(server, 3600.0) as proxy, witnessing(server) as seen:
        kubeconfig = server.written_kubeconfig("cut", proxy.url)
        async with scheduling(kubeconfig, ALONE) as ours:
            count = await wave(server, 0)
            await seen.all_bound(count)
            # The scheduler sees nothing of the next wave, nor of what leaves, and the server starts with no memory.
            await asyncio.to_thread(server.stop, signal.SIGKILL)
            await asyncio.to_thread(server.start)
            count += await wave(server, 1)
            await asyncio.to_thread(server.kubectl, "delete", "pod", "w0-p0", "--grace-period=0", "--force")
            await asyncio.to_thread(server.compact)
            await asyncio.to_thread(server.stop, signal.SIGKILL)
            await asyncio.to_thread(server.start)
            await seen.all_bound(count - 1, 120)
            assert_good(seen, count)
            assert any("listing anew" in line for line in ours.lines)


async def test_a_share_of_requests_fails(server: RealServer):
    await apply(server, *(node(f"n{i}", cpu=8) for i in range(18)))
    async with troubled(server, share=0.05, longest=0.02) as proxy, witnessing(server) as seen:
        kubeconfig = server.written_kubeconfig("troubled", proxy.url)
        async with scheduling(kubeconfig, ALONE):
            count = 0
            for number in range(5):
                count += await wave(server, number)
                await asyncio.sleep(1)
            await seen.all_bound(count, 180)
            assert_good(seen, count)
        assert sum(proxy.done.values()) - proxy.done[""] >= 5


async def test_the_api_server_is_away_for_longer_than_a_lease_lasts(server: RealServer):
    await apply(server, *(node(f"n{i}", cpu=8) for i in range(11)))
    async with witnessing(server) as seen, two_instances(server.kubeconfig, server.kubeconfig) as both:
        count = 0
        for number in range(3):
            await seen.until(lambda: leader(both) is not None, 90, "a leader")
            count += await wave(server, number)
            await seen.until(lambda begun=count - 20: len(seen.homes) >= begun, 60)
            await asyncio.to_thread(server.stop, signal.SIGKILL)
            await seen.until(lambda: leader(both) is None, 30, "nobody who leads")
            await asyncio.to_thread(server.start)
            await seen.all_bound(count, 120)
        assert_good(seen, count)


async def test_who_cannot_renew_its_lease_in_time_leads_no_longer(server: RealServer):
    await apply(server, *(node(f"n{i}", cpu=8) for i in range(15)))
    async with troubled(server, share=0.0, longest=0.3) as one, troubled(server, share=0.0, longest=0.3) as other:
        proxies = [one, other]
        paths = [server.written_kubeconfig(f"slow{i}", proxy.url) for i, proxy in enumerate(proxies)]
        async with witnessing(server) as seen, two_instances(*paths) as both:
            count = 0
            for number in range(4):
                await seen.until(lambda: leader(both) is not None, 90, "a leader")
                first = leader(both)
                assert first is not None
                count += await wave(server, number)
                proxies[first].leases = 6.0
                await seen.until(lambda first=first: leader(both) == 1 - first, 60, "another leader")
                proxies[first].leases = 0.0
                await seen.all_bound(count, 120)
            assert_good(seen, count)
            assert len(holders(seen)) >= 5


def leader(both: Sequence[SchedulerProcess]) -> int | None:
    """Which of two says that it leads; None while neither does."""
    return next((i for i, one in enumerate(both) if one.leads), None)


@pytest.mark.long
async def test_the_leader_is_killed_at_random_moments(server: RealServer, repetitions: int):
    chance = random.Random(1)
    await apply(server, *(node(f"n{i}", cpu=4) for i in range(9)))
    async with troubled(server, share=0.0, longest=0.8) as proxy, witnessing(server) as seen:
        kubeconfig = server.written_kubeconfig("slow", proxy.url)
        killed, halfway = 0, 0
        async with two_instances(kubeconfig, kubeconfig) as both:
            for number in range(repetitions):
                await seen.until(lambda: leader(both) is not None, 90, "a leader")
                making = asyncio.create_task(wave(server, number, pods=14, gangs=2))
                # At any time; or when so many of the pods are on nodes, and others are on their way.
                if number % 3 == 0:
                    await asyncio.sleep(chance.random() * 3)
                else:
                    some = chance.randrange(22)
                    await seen.until(lambda some=some: len(seen.homes) >= some, 60)
                await seen.until(lambda: leader(both) is not None, 90, "a leader")
                halfway += 0 < len(seen.homes) < 22
                i = leader(both)
                assert i is not None
                await both[i].end(signal.SIGKILL)
                killed += 1
                both[i] = SchedulerProcess()
                await both[i].start(kubeconfig, "--lease-duration", "2")
                await making
                await seen.all_bound(22, 120)
                assert_good(seen, 0)
                await cleared(seen)
        assert not seen.wrongs
        assert len(holders(seen)) >= killed == repetitions
        longest = max(seen.half_bound().values(), default=0.0)
        # With -s, for whoever wants to know whether the moments were good ones.
        numbers = f"{len(holders(seen))} leaders, {halfway} killed half-way, {seen.bindings} bindings"
        print(f"{numbers}, a gang bound by half for {longest:.1f} s at most")  # noqa: T201
