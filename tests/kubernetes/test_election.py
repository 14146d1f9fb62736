"""Who leads: at most one at any instant, whatever clocks, networks and servers do; and somebody, when they behave."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.kubernetes import virtual_time

from yuheng.errors import ConfigError
from yuheng.kubernetes.api import ApiError, ConflictError, ForbiddenError, MissingError, UnreachableError
from yuheng.kubernetes.running.election import Election, process_identity
from yuheng.kubernetes.timing import Timing

ALL = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
ONE = f"{ALL}/yuheng"
EPOCH = 1_800_000_000.0


class Etcd:
    """One Lease, as the API server keeps it: written over only by who has read it."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.version = 0
        self.writes: list[tuple[str, dict[str, Any]]] = []

    def do(self, verb: str, path: str, body: bytes) -> bytes:
        if verb == "POST":
            assert path == ALL
            if self.lease is not None:
                raise ConflictError(409, "AlreadyExists", "there is one")
            return self._write(verb, json.loads(body))
        assert path == ONE
        if self.lease is None:
            raise MissingError(404, "NotFound", "there is none")
        if verb == "GET":
            return json.dumps(self.lease).encode()
        assert verb == "PUT"
        said = json.loads(body)
        if said["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
            raise ConflictError(409, "Conflict", "it has changed")
        return self._write(verb, said)

    def _write(self, verb: str, lease: dict[str, Any]) -> bytes:
        assert lease["metadata"]["name"] == "yuheng"
        assert (lease["apiVersion"], lease["kind"]) == ("coordination.k8s.io/v1", "Lease")
        self.version += 1
        lease["metadata"]["resourceVersion"] = str(self.version)
        self.lease = lease
        self.writes.append((verb, lease["spec"]))
        return json.dumps(lease).encode()

    @property
    def spec(self) -> dict[str, Any]:
        assert self.lease is not None
        return self.lease["spec"]


@dataclass
class Weather:
    """How one instance's requests and clocks fare; what is 0 does not happen."""

    slow: float = 0.0
    lost_before: float = 0.0
    lost_after: float = 0.0
    late: float = 0.0
    refused: float = 0.0


class Machine:
    """Where an instance runs: its clocks, and its way to the server."""

    def __init__(self, etcd: Etcd, weather: Weather, chance: random.Random, rate: float = 1.0) -> None:
        self.etcd = etcd
        self.weather = weather
        self.chance = chance
        self.rate = rate
        self.jumped = 0.0
        self.stopped_until = 0.0
        self.cut = False
        self.timing = Timing(self.now, self.wall, self.sleep, chance.random)
        self.late: set[asyncio.Task[None]] = set()

    def now(self) -> float:
        return asyncio.get_running_loop().time() * self.rate

    def wall(self) -> float:
        return EPOCH + self.now() + self.jumped

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.rate)
        await self.awake()

    async def awake(self) -> None:
        """Nothing of a process that is stopped goes on."""
        while (left := self.stopped_until - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(left)

    def happens(self, share: float) -> bool:
        return self.chance.random() < share

    async def request(self, verb: str, path: str, body: bytes = b"", **_: Any) -> bytes:
        try:
            return await self._request(verb, path, body)
        finally:
            await self.awake()

    async def _request(self, verb: str, path: str, body: bytes) -> bytes:
        weather = self.weather
        await asyncio.sleep(self.chance.random() * (weather.slow or 0.01))
        if self.cut or self.happens(weather.lost_before):
            await asyncio.sleep(self.chance.choice((0.1, 3.0, 60.0)))
            raise UnreachableError("no answer", was_sent=True)
        if self.happens(weather.refused):
            raise ApiError(500, "InternalError", "etcdserver: leader changed")
        if self.happens(weather.late):
            # The server does it some time, and nobody waits for it.
            task = asyncio.ensure_future(self._later(self.chance.random() * 25, verb, path, body))
            self.late.add(task)
            await asyncio.sleep(60)
        answer = self.etcd.do(verb, path, body)
        await asyncio.sleep(self.chance.random() * (weather.slow or 0.01))
        if self.happens(weather.lost_after):
            raise UnreachableError("the answer was lost", was_sent=True)
        return answer

    async def _later(self, seconds: float, verb: str, path: str, body: bytes) -> None:
        await asyncio.sleep(seconds)
        with contextlib.suppress(ApiError):
            self.etcd.do(verb, path, body)

    def election(self, identity: str, **durations: float) -> Election:
        return Election(self, "kube-system", "yuheng", identity, timing=self.timing, **durations)  # type: ignore[arg-type]


@dataclass
class Place:
    """Machines that share a server."""

    etcd: Etcd = field(default_factory=Etcd)
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def machine(self, weather: Weather | None = None, rate: float = 1.0) -> Machine:
        return Machine(self.etcd, weather or Weather(), self.chance, rate)


def play(story: Callable[[Place], Awaitable[None]]) -> None:
    virtual_time.run(story(Place()))  # type: ignore[arg-type]


async def test_durations_that_do_not_fit_are_told() -> None:
    machine = Place().machine()
    for durations in ({"duration": 10.0}, {"renew_deadline": 2.0}, {"retry": 0.0}, {"duration": float("nan")}):
        with pytest.raises(ConfigError, match="leader election"):
            machine.election("a", **durations)
    with pytest.raises(ConfigError, match="identity is empty"):
        machine.election("")


def test_no_two_processes_have_the_same_identity() -> None:
    assert process_identity() != process_identity()


def test_the_first_makes_the_lease_as_client_go_writes_it() -> None:
    async def story(place: Place) -> None:
        one = place.machine().election("one")
        assert not one.leading()
        await one.acquire()
        assert one.leading()
        spec = place.etcd.spec
        assert spec["holderIdentity"] == "one"
        assert spec["leaseDurationSeconds"] == 15
        assert spec["leaseTransitions"] == 0
        assert spec["acquireTime"] == spec["renewTime"]
        assert spec["renewTime"].startswith("2027-01-15T08:00:00.")
        assert spec["renewTime"].endswith("Z")
        assert len(spec["renewTime"]) == len("2027-01-15T08:00:00.000000Z")

    play(story)


def test_it_is_renewed_every_two_seconds_and_keeps_the_time_it_was_acquired_at() -> None:
    async def story(place: Place) -> None:
        one = place.machine().election("one")
        await one.acquire()
        acquired = place.etcd.spec["acquireTime"]
        await asyncio.sleep(60)
        assert one.leading()
        assert 25 <= len(place.etcd.writes) <= 31
        assert place.etcd.spec["acquireTime"] == acquired
        assert place.etcd.spec["renewTime"] > acquired
        assert place.etcd.spec["leaseTransitions"] == 0

    play(story)


def test_what_others_wrote_into_the_metadata_goes_back_untouched() -> None:
    async def story(place: Place) -> None:
        one = place.machine().election("one")
        await one.acquire()
        place.etcd.lease["metadata"] |= {"labels": {"team": "batch"}, "resourceVersion": "77"}
        await asyncio.sleep(10)
        assert one.leading()
        assert place.etcd.lease["metadata"]["labels"] == {"team": "batch"}

    play(story)


def test_another_takes_over_when_the_leader_is_silent_for_the_duration() -> None:
    async def story(place: Place) -> None:
        first, second = place.machine(), place.machine()
        one, two = first.election("one"), second.election("two")
        await one.acquire()
        waiting = asyncio.ensure_future(two.acquire())
        await asyncio.sleep(100)
        assert not waiting.done()
        assert (one.leading(), two.leading()) == (True, False)
        first.cut = True
        await asyncio.sleep(11)
        assert not one.leading()
        assert one.lost.is_set()
        await asyncio.sleep(1)
        assert not waiting.done()
        await asyncio.sleep(8)
        assert waiting.done()
        assert two.leading()
        assert place.etcd.spec["holderIdentity"] == "two"
        assert place.etcd.spec["leaseTransitions"] == 1

    play(story)


def test_a_lease_that_is_given_back_is_taken_at_the_next_look() -> None:
    async def story(place: Place) -> None:
        one, two = place.machine().election("one"), place.machine().election("two")
        await one.acquire()
        waiting = asyncio.ensure_future(two.acquire())
        await asyncio.sleep(30)
        await one.release()
        assert not one.leading()
        assert place.etcd.spec["holderIdentity"] == ""
        assert place.etcd.spec["leaseDurationSeconds"] == 1
        await asyncio.sleep(4.5)
        assert waiting.done()
        assert place.etcd.spec["leaseTransitions"] == 1

    play(story)


def test_who_does_not_lead_gives_nothing_back() -> None:
    async def story(place: Place) -> None:
        one, two = place.machine().election("one"), place.machine().election("two")
        await one.acquire()
        await two.release()
        assert place.etcd.spec["holderIdentity"] == "one"

    play(story)


def test_giving_back_does_not_wait_for_a_server_that_hangs() -> None:
    async def story(place: Place) -> None:
        machine = place.machine()
        one = machine.election("one")
        await one.acquire()
        machine.cut = True
        began = machine.now()
        await one.release()
        assert machine.now() - began <= 10.1
        assert "does not answer" in str(one.trouble) or "no answer" in str(one.trouble)

    play(story)


def test_a_request_that_hangs_ends_the_leadership_at_the_deadline_and_not_later() -> None:
    async def story(place: Place) -> None:
        machine = place.machine()
        one = machine.election("one")
        await one.acquire()
        asked = place.etcd.spec["renewTime"]
        assert asked
        began = machine.now()
        machine.weather.late = 1.0
        while machine.now() - began < 9.8:
            await asyncio.sleep(0.1)
            assert one.leading()
        await asyncio.sleep(0.2)
        assert not one.leading()
        await asyncio.sleep(0.1)
        assert one.lost.is_set()

    play(story)


def test_a_process_that_was_stopped_does_not_lead_when_it_wakes_though_it_has_noticed_nothing() -> None:
    async def story(place: Place) -> None:
        first = place.machine()
        one, two = first.election("one"), place.machine().election("two")
        await one.acquire()
        waiting = asyncio.ensure_future(two.acquire())
        await asyncio.sleep(5)
        first.stopped_until = asyncio.get_running_loop().time() + 60
        await waiting
        assert two.leading()
        assert not one.leading()
        await asyncio.sleep(65)
        assert one.lost.is_set()
        assert two.leading()
        assert not one.leading()

    play(story)


def test_a_machine_that_was_suspended_with_its_steady_clock_does_not_lead_when_the_calendar_says_so() -> None:
    async def story(place: Place) -> None:
        machine = place.machine()
        one = machine.election("one")
        await one.acquire()
        machine.jumped += 3600
        assert not one.leading()
        await asyncio.sleep(2.5)
        assert one.leading()
        assert not one.lost.is_set()

    play(story)


def test_a_calendar_that_goes_back_prolongs_nothing() -> None:
    async def story(place: Place) -> None:
        machine = place.machine()
        one = machine.election("one")
        await one.acquire()
        machine.jumped -= 3600
        machine.cut = True
        await asyncio.sleep(10.5)
        assert not one.leading()

    play(story)


def test_a_process_that_was_stopped_while_its_calendar_went_back_does_not_lead_when_it_wakes() -> None:
    async def story(place: Place) -> None:
        machine = place.machine()
        one = machine.election("one")
        await one.acquire()
        machine.jumped -= 3600
        machine.stopped_until = asyncio.get_running_loop().time() + 60
        await asyncio.sleep(30)
        assert not one.leading()

    play(story)


def test_a_renewal_counts_from_when_it_was_asked_for() -> None:
    async def story(place: Place) -> None:
        machine = place.machine()
        one = machine.election("one")
        await one.acquire()
        machine.weather.slow = 4.0
        written, asked = len(place.etcd.writes), []
        plain = machine.request

        async def request(*args: Any, **more: Any) -> bytes:
            asked.append(machine.now())
            return await plain(*args, **more)

        machine.request = request  # type: ignore[method-assign]
        while len(place.etcd.writes) == written:
            await asyncio.sleep(0.01)
        await asyncio.sleep(2)
        machine.cut = True
        last = asked[-1] if len(asked) == 1 else asked[0]
        await asyncio.sleep(last + 10.05 - machine.now())
        assert not one.leading()

    play(story)


def test_times_in_the_lease_are_not_believed() -> None:
    async def story(place: Place) -> None:
        first = place.machine()
        first.jumped = -1e6
        one, two = first.election("one"), place.machine().election("two")
        await one.acquire()
        waiting = asyncio.ensure_future(two.acquire())
        await asyncio.sleep(60)
        assert not waiting.done()
        assert one.leading()
        waiting.cancel()

    play(story)


def test_another_process_of_the_same_name_is_another() -> None:
    async def story(place: Place) -> None:
        one, twin = place.machine().election("one"), place.machine().election("one")
        await one.acquire()
        waiting = asyncio.ensure_future(twin.acquire())
        await asyncio.sleep(30)
        assert not waiting.done()
        waiting.cancel()

    play(story)


def test_who_lost_the_answer_to_its_own_take_over_knows_it_by_what_it_wrote() -> None:
    async def story(place: Place) -> None:
        machine = place.machine(Weather(lost_after=1.0))
        one = machine.election("one")
        waiting = asyncio.ensure_future(one.acquire())
        await asyncio.sleep(1)
        assert place.etcd.spec["holderIdentity"] == "one"
        assert not one.leading()
        machine.weather.lost_after = 0.0
        await asyncio.sleep(5)
        assert waiting.done()
        assert one.leading()

    play(story)


def test_a_lease_that_was_deleted_is_made_anew_by_its_holder() -> None:
    async def story(place: Place) -> None:
        one, two = place.machine().election("one"), place.machine().election("two")
        await one.acquire()
        waiting = asyncio.ensure_future(two.acquire())
        await asyncio.sleep(10)
        place.etcd.lease = None
        await asyncio.sleep(10)
        assert one.leading()
        assert not waiting.done()
        assert place.etcd.spec["holderIdentity"] == "one"
        waiting.cancel()

    play(story)


def test_a_lease_that_was_given_to_another_by_hand_is_lost() -> None:
    async def story(place: Place) -> None:
        one = place.machine().election("one")
        await one.acquire()
        place.etcd.version += 1
        place.etcd.lease["metadata"]["resourceVersion"] = str(place.etcd.version)
        place.etcd.spec["holderIdentity"] = "somebody"
        await asyncio.sleep(3)
        assert one.lost.is_set()
        assert not one.leading()
        assert one.leader == "somebody"

    play(story)


def test_what_forbids_the_lease_is_told_once_and_tried_again() -> None:
    async def story(place: Place) -> None:
        machine = place.machine()
        plain, refused = machine.request, [0]

        async def request(*asked: Any, **more: Any) -> bytes:
            if refused[0] < 5:
                refused[0] += 1
                raise ForbiddenError(403, "Forbidden", 'no role allows resources: ["leases"], verbs: ["get"]')
            return await plain(*asked, **more)

        machine.request = request  # type: ignore[method-assign]
        one = machine.election("one")
        waiting = asyncio.ensure_future(one.acquire())
        await asyncio.sleep(1)
        assert 'verbs: ["get"]' in str(one.trouble)
        await waiting
        assert one.trouble is None

    play(story)


def test_who_lost_may_lead_again() -> None:
    async def story(place: Place) -> None:
        machine = place.machine()
        one = machine.election("one")
        await one.acquire()
        machine.cut = True
        await one.lost.wait()
        machine.cut = False
        await one.acquire()
        assert one.leading()
        assert not one.lost.is_set()

    play(story)


weathers = st.builds(
    Weather,
    slow=st.sampled_from((0.0, 0.5, 4.0, 12.0)),
    lost_before=st.sampled_from((0.0, 0.1, 0.5)),
    lost_after=st.sampled_from((0.0, 0.1, 0.5)),
    late=st.sampled_from((0.0, 0.05, 0.3)),
    refused=st.sampled_from((0.0, 0.05, 0.5)),
)
blows = st.lists(
    st.tuples(
        st.floats(0.1, 30.0),
        st.integers(0, 2),
        st.sampled_from(("forward", "back", "stop", "cut", "mend", "release", "calm")),
    ),
    max_size=25,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32),
    weather=st.lists(weathers, min_size=3, max_size=3),
    rates=st.lists(st.sampled_from((0.9, 1.0, 1.1)), min_size=3, max_size=3),
    schedule=blows,
)
def test_there_are_never_two_leaders(
    seed: int, weather: list[Weather], rates: list[float], schedule: list[tuple[float, int, str]]
) -> None:
    virtual_time.run(_many(random.Random(seed), weather, rates, schedule))


async def _many(
    chance: random.Random, weather: list[Weather], rates: list[float], schedule: list[tuple[float, int, str]]
) -> None:
    place = Place(chance=chance)
    machines = [place.machine(one, rate) for one, rate in zip(weather, rates, strict=True)]
    elections = [machine.election(f"m{index}") for index, machine in enumerate(machines)]
    tasks = [asyncio.ensure_future(_candidate(one)) for one in elections]
    tasks.append(asyncio.ensure_future(_judge(elections)))
    for pause, index, blow in schedule:
        await asyncio.sleep(pause)
        await _strike(machines[index], elections[index], blow)
        assert not tasks[-1].done(), tasks[-1].exception()
    for machine in machines:
        machine.cut, machine.weather = False, Weather()
    await asyncio.sleep(120)
    assert sum(one.leading() for one in elections) == 1, "in fair weather somebody leads"
    for task in tasks:
        task.cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in found), found


async def _candidate(election: Election) -> None:
    while True:
        await election.acquire()
        await election.lost.wait()


async def _judge(elections: list[Election]) -> None:
    while True:
        await asyncio.sleep(0.05)
        leaders = [one.identity for one in elections if one.leading()]
        assert len(leaders) <= 1, leaders


async def _strike(machine: Machine, election: Election, blow: str) -> None:
    if blow == "forward":
        machine.jumped += 3600
    elif blow == "back":
        machine.jumped -= 3600
    elif blow == "stop":
        machine.stopped_until = asyncio.get_running_loop().time() + machine.chance.random() * 40
    elif blow in ("cut", "mend"):
        machine.cut = blow == "cut"
    elif blow == "release":
        await election.release()
        election.lost.set()
    else:
        machine.weather = Weather()
