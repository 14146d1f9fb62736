"""Sweeps on Ray. Those that need Ray skip where it is not installed: it is an extra."""

from __future__ import annotations

import socket
import sys
from importlib.util import find_spec

import pytest
from made_sweeps import scenario, sequence

from yuheng.errors import ConfigError
from yuheng.reporting.documents import json_text
from yuheng.sweeps import on_ray as module
from yuheng.sweeps import simulate
from yuheng.sweeps.runs import Task

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")


def test_without_ray_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError) as refused:
        simulate(scenario(), engine="ray")
    assert str(refused.value) == ('engine ray: found no Ray, expected it to be installed: pip install "yuheng[ray]"')


def test_an_address_at_which_nobody_listens_is_refused_at_once():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        for spelled in (address, f"ray://{address}"):
            with pytest.raises(ConfigError, match=f"found nobody who answers at {spelled}, expected a Ray cluster"):
                module._check_answers(spelled)


@pytest.mark.parametrize("address", ["", "auto", "local"])
def test_an_address_that_ray_works_out_itself_is_left_to_it(address):
    module._check_answers(address)


def test_a_machine_with_another_engine_says_so():
    result = module._run(b"", Task(0, 1), "another")
    assert isinstance(result, ConfigError)
    assert "found another version of Yuheng on the cluster" in str(result)


@needs_ray
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("workers", [None, 1])
@pytest.mark.parametrize("made", [scenario, sequence])
def test_ray_finds_what_processes_find_to_the_last_byte(made, workers):
    assert json_text(simulate(made(), engine="ray", workers=workers)) == json_text(simulate(made(), workers=1))


@needs_ray
@pytest.mark.filterwarnings("ignore")
def test_what_was_started_is_shut_down():
    ray = pytest.importorskip("ray")

    def interrupt(done, _):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(scenario(seeds=tuple(range(20))), engine="ray", progress=interrupt)
    assert not ray.is_initialized()
