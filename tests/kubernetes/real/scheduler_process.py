"""`yuheng run` as a process of its own, as users start it; it can be killed."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

__all__ = ["RUN", "SchedulerProcess", "scheduling"]

_LEADS = re.compile(r'msg="?(leading|no longer leading)')
RUN = "from yuheng.cli import main; main()"


class SchedulerProcess:
    """A scheduler.

    Attributes:
        lines: what it has said.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self, kubeconfig: Path, *options: str) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            RUN,
            "run",
            "--kubeconfig",
            str(kubeconfig),
            *options,
            env={**environment, "PYTHONUNBUFFERED": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.lines.append(line.decode(errors="replace").rstrip())

    @property
    def code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.returncode if self._process is not None else None

    @property
    def leads(self) -> bool:
        """Whether it says that it leads."""
        said = [match[1] for line in self.lines if (match := _LEADS.search(line))]
        return self.code is None and bool(said) and said[-1] == "leading"

    async def end(self, number: int = signal.SIGTERM, seconds: float = 60.0) -> int:
        """Send it a signal, and wait for its end; its exit code."""
        assert self._process is not None
        assert self._reading is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        try:
            code = await asyncio.wait_for(self._process.wait(), seconds)
        except TimeoutError:
            self._process.kill()
            code = await self._process.wait()
        await self._reading
        return code

    async def says(self, words: str, seconds: float = 60.0) -> None:
        """Wait until it has said something."""
        try:
            async with asyncio.timeout(seconds):
                while not any(words in line for line in self.lines):
                    assert self.code is None, self.lines[-20:]
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"it never said {words!r}: {self.lines[-20:]}") from None


@asynccontextmanager
async def scheduling(kubeconfig: Path, *options: str) -> AsyncIterator[SchedulerProcess]:
    """A scheduler at work; that it is there and ends in good order is part of every test."""
    made = SchedulerProcess()
    await made.start(kubeconfig, *options)
    try:
        await made.says("leading")
        yield made
    except BaseException:
        print("\n".join(made.lines[-40:]))  # noqa: T201 -- what a failed test shows
        raise
    finally:
        alive = made.code is None
        code = await made.end()
    assert alive, made.lines[-20:]
    assert code == 0, made.lines[-20:]
