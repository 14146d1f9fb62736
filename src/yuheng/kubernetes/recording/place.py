"""The folder of a record: made where it is not there, and written to by one process at a time.

Two that write to one folder would number their files alike and delete each other's while they are open, which neither
would notice. So whoever writes locks the folder; the lock goes with the process, however that ends. A folder that was
removed and is made again is another one, and is locked anew.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from yuheng.errors import ConfigError

__all__ = ["Place", "make_folder"]

_EXPECTED: Final = "a folder to write to"
# What the lock of another process is, among the errors that file systems without locks give.
_TAKEN: Final = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)


def make_folder(folder: Path) -> None:
    """Make a folder that its owner alone can look into; one that is there stays as it is.

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


class Place:
    """A folder that nobody else records into."""

    def __init__(self, folder: Path) -> None:
        """Take a folder.

        Raises:
            ConfigError: nothing can be written there, or another process writes there.
        """
        self._folder = folder
        self._number: int | None = None
        found, expected = "", _EXPECTED
        try:
            make_folder(folder)
            if not os.access(folder, os.W_OK | os.X_OK):
                found = "a folder that cannot be written to"
            elif not self._lock(folder):
                found, expected = "the record of a process that is running", "a folder of its own for each"
        except OSError as error:
            found = error.strerror or str(error)
        if found:
            raise ConfigError(f"--record {folder}: found {found}, expected {expected}")

    def hold(self) -> None:
        """Make the folder again where it was removed, and take it again where it is another one by now.

        Raises:
            OSError: it cannot be made, or another process writes there.
        """
        make_folder(self._folder)
        if self._number is None or os.path.samestat(os.fstat(self._number), self._folder.stat()):
            return
        self.leave()
        if not self._lock(self._folder):
            raise OSError(errno.EWOULDBLOCK, "the folder was made anew, and another process records there")

    def _lock(self, folder: Path) -> bool:
        """Lock the folder; False where another process has. Some file systems have no locks: they do without."""
        try:
            import fcntl  # noqa: PLC0415 -- not everywhere
        except ImportError:
            return True
        number = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(number)
            return error.errno not in _TAKEN
        self._number = number
        return True

    def leave(self) -> None:
        """Let others write there."""
        number, self._number = self._number, None
        if number is not None:
            with suppress(OSError):
                os.close(number)
