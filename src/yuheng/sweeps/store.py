"""Finished runs on disk, a file each.

A sweep has a folder, named after everything that its results depend on (`identity`): runs of another scenario, or of
yesterday's engine, are in another one and never mistaken for its own. A file is written beside its place and moved
there, and begins with a digest of what follows: it is whole, or it does not count.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Final

from yuheng.errors import ConfigError
from yuheng.model.policy import Policy
from yuheng.model.scenario import Scenario
from yuheng.model.simulation import Run
from yuheng.sweeps.identity import policy_digest, scenario_digest
from yuheng.sweeps.runs import unpacked

__all__ = ["RunStore", "prune"]

_KEPT: Final = ".run"
_UNFINISHED: Final = ".part"
_FOLDER: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_UNNAMED: Final = re.compile(r"[^A-Za-z0-9_-]+", re.ASCII)
_DIGEST: Final = hashlib.sha256().digest_size
_NAMED: Final = 40
_DAY: Final = 86_400.0


class RunStore:
    """The finished runs of one scenario.

    Args:
        folder: where folders of sweeps are.
        scenario: the scenario.

    Attributes:
        folder: that of this sweep.
        warnings: what was wrong with files, one sentence each.

    Raises:
        ConfigError: the folder cannot be made, or nothing can be written to it.
    """

    def __init__(self, folder: Path, scenario: Scenario) -> None:
        self.folder = folder / scenario_digest(scenario)
        self.warnings: list[str] = []
        self._writable = True
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{folder}: found {error.strerror}, expected a folder to keep runs in") from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise ConfigError(f"{folder}: found a folder that is not writable, expected one to keep runs in")

    def holds(self, policy: Policy, seed: int) -> bool:
        """Whether there is a file for a run; `find` says whether it is one."""
        return self._path(policy, seed).is_file()

    def find(self, policy: Policy, seed: int) -> Run | None:
        """A run that was kept; None where there is none, or the file is not what was written."""
        path = self._path(policy, seed)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._ignore(path, error.strerror or str(error))
            return None
        digest, data = content[:_DIGEST], content[_DIGEST:]
        # Whole and of this run: then it is what `packed` gave.
        if digest != self._digest(path, data):
            self._ignore(path, "a file that is damaged, or of something else")
            return None
        return unpacked(data)

    def keep(self, policy: Policy, seed: int, data: bytes) -> None:
        """Keep a run.

        A disk that is full costs the possibility to go on later, not the results: it is a warning, once.

        Args:
            policy: its policy.
            seed: its seed.
            data: the run, packed.
        """
        if not self._writable:
            return
        path = self._path(policy, seed)
        try:
            self.folder.mkdir(exist_ok=True)
            self._write(path, self._digest(path, data) + data)
        except OSError as error:
            self._writable = False
            self.warnings.append(f"{self.folder}: found {error.strerror}, expected room for runs: no more are kept")

    def forget(self, policies: Iterable[Policy], seeds: Iterable[int]) -> None:
        """Remove the runs of some policies on some seeds; those of another sweep of the scenario stay."""
        with suppress(OSError):
            for policy, seed in product(policies, seeds):
                self._path(policy, seed).unlink(missing_ok=True)
            self.folder.rmdir()

    def _path(self, policy: Policy, seed: int) -> Path:
        name = _UNNAMED.sub("-", policy.name)[:_NAMED]
        return self.folder / f"{name}-{policy_digest(policy)}-{seed}{_KEPT}"

    def _digest(self, path: Path, data: bytes) -> bytes:
        """Of a run and of what it is a run of: a file that was renamed or copied here does not count."""
        return hashlib.sha256(f"{self.folder.name}/{path.name}\n".encode() + data).digest()

    def _write(self, path: Path, content: bytes) -> None:
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=_UNFINISHED, delete=False) as file:
            written = Path(file.name)
            try:
                file.write(content)
                file.close()
                written.replace(path)
            except BaseException:
                written.unlink()
                raise

    def _ignore(self, path: Path, found: str) -> None:
        self.warnings.append(f"{path}: found {found}, expected a run: it is made again")


def prune(folder: Path, days: float) -> None:
    """Remove the runs of sweeps that were given up: nothing was added to their folders for so many days."""
    with suppress(OSError):
        for path in folder.iterdir():
            if _FOLDER.fullmatch(path.name) and time.time() - path.stat().st_mtime > days * _DAY:
                _remove(path)


def _remove(folder: Path) -> None:
    with suppress(OSError):
        for path in folder.iterdir():
            if path.suffix in (_KEPT, _UNFINISHED):
                path.unlink(missing_ok=True)
        folder.rmdir()
