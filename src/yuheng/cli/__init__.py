"""The command line: parsing, wiring and exit codes; no logic.

Exit codes: 0 done; 1 the output could not be written, or a replay differs; 2 bad input or usage; 3 with ``--strict``
when a pod stays pending or a workload has no place; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from yuheng.errors import YuhengError

__all__ = ["main"]

NOT_WRITTEN = 1
BAD_INPUT = 2
INTERRUPTED = 130


def main() -> None:
    """Run the command line; what Yuheng raises on purpose becomes one line on standard error."""
    # Compiling the kernels takes a third less time at this level, and they run no slower.
    os.environ.setdefault("NUMBA_OPT", "1")
    _open_closed_streams()
    from yuheng.cli.app import app

    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except YuhengError as error:
        sys.stderr.write(f"yuheng: {error}\n")
        sys.exit(BAD_INPUT)
    except MemoryError:
        sys.stderr.write("yuheng: the input needs more memory than there is\n")
        sys.exit(BAD_INPUT)
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing is left to say, and nobody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(NOT_WRITTEN)
    except OSError as error:
        sys.stderr.write(f"yuheng: {error}\n")
        os._exit(NOT_WRITTEN)  # not `sys.exit`, which would try once more to write what is left
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _open_closed_streams() -> None:
    """Give Python the standard streams it was started without, as cron and ``>&-`` do: they lead nowhere."""
    sys.stdin = sys.stdin or Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 -- open as long as the process
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
