"""Runs over processes.

Processes are started afresh (``spawn``): a copy of this one would have Numba's threads half-way through whatever they
were doing. Three things are seen to, each of which ends badly otherwise:

- A new process would run the main script of this one once more, and a script that calls `yuheng.simulate` without the
  usual guard would start processes without end. There is nothing of it that a run needs: it is hidden from them.
- Ctrl-C reaches every process of a terminal. It is this one's to answer; the others are started deaf to it.
- A pool waits for runs that have begun, and they may take minutes. Each process holds an end of a pipe and ends with
  it: when this process closes it, or is killed itself.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Final

from yuheng.errors import YuhengError
from yuheng.model.scenario import Scenario
from yuheng.sweeps.runs import Task, attempt

__all__ = ["in_processes"]

_LOST: Final = "a process that simulates was killed, most likely for want of memory; fewer --workers need less"


def in_processes(
    scenario: Scenario, tasks: Sequence[Task], workers: int, *, first_alone: bool
) -> Generator[tuple[Task, bytes | YuhengError], None, None]:
    """Make runs in other processes; closing the iterator ends them at once.

    Args:
        scenario: what to simulate; sent once to each process.
        tasks: the runs to make.
        workers: how many processes.
        first_alone: whether the first run is made before the others begin.

    Yields:
        What `attempt` says of each task, as they are done.

    Raises:
        YuhengError: a process was killed.
    """
    context = multiprocessing.get_context("spawn")
    end, lifeline = context.Pipe(duplex=False)
    content = pickle.dumps(scenario, pickle.HIGHEST_PROTOCOL)
    pool = ProcessPoolExecutor(workers, context, _begin, (content, end))
    try:
        for lot in (tasks[:1], tasks[1:]) if first_alone else (tasks,):
            yield from _made(pool, lot)
        pool.shutdown()
    except BrokenProcessPool as error:
        raise YuhengError(_LOST) from error
    finally:
        lifeline.close()
        pool.shutdown(cancel_futures=True)
        end.close()


def _made(pool: ProcessPoolExecutor, tasks: Sequence[Task]) -> Iterator[tuple[Task, bytes | YuhengError]]:
    with _detached():
        waiting: dict[Future[bytes | YuhengError], Task] = {pool.submit(_run, task): task for task in tasks}
    while waiting:
        for future in wait(waiting, return_when=FIRST_COMPLETED).done:
            yield waiting.pop(future), future.result()


@contextmanager
def _detached() -> Iterator[None]:
    """Processes started within know nothing of the main script, and do not hear Ctrl-C."""
    main = sys.modules["__main__"]
    block = getattr(signal, "pthread_sigmask", None)
    before = block(signal.SIG_BLOCK, {signal.SIGINT}) if block else None
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        if block:
            block(signal.SIG_SETMASK, before)


class _Work:
    """Whether this process is in the middle of a run; only then it may be ended from within.

    Ended while it sends a result it would leave half a message in the pool's pipe, and who reads it would wait for the
    rest for ever.
    """

    def __init__(self) -> None:
        self._change = threading.Lock()
        self._busy = self._over = False

    def begin(self) -> None:
        """A run begins, if there are to be any more."""
        with self._change:
            if self._over:
                os._exit(1)
            self._busy = True

    def finish(self) -> None:
        """A run is done, and its result goes on its way."""
        with self._change:
            self._busy = False

    def end(self) -> None:
        """End this process, at once or when its result is sent."""
        with self._change:
            self._over = True
            if self._busy:
                os._exit(1)


_scenario: Scenario
_work = _Work()


def _begin(content: bytes, end: Connection) -> None:
    """What a process does before its first run."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(end, os.getppid()), daemon=True).start()
    global _scenario  # noqa: PLW0603 -- an initializer has nowhere else to leave something for the tasks
    _scenario = pickle.loads(content)  # noqa: S301 -- our own, from the process that started this one


def _end_with(end: Connection, parent: int) -> None:
    """End this process when the other end of the pipe is closed."""
    end.poll(None)
    _work.end()
    # Between runs the pool tells it to end; unless there is no pool any more.
    while os.getppid() == parent:
        time.sleep(0.1)
    os._exit(1)


def _run(task: Task) -> bytes | YuhengError:
    _work.begin()
    try:
        return attempt(_scenario, task)
    finally:
        _work.finish()
