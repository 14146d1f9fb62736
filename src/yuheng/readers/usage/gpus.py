"""How much of its GPUs each pod used."""

from __future__ import annotations

from typing import Final

from yuheng.errors import InputError
from yuheng.readers.usage.opening import Usage

__all__ = ["gpu_use"]

_QUANTILE: Final = 0.95


def gpu_use(usage: Usage) -> dict[str, float]:
    """By ``namespace/name``, how many devices a pod used in 95 of 100 samples at most, its containers summed up.

    Args:
        usage: open usage files.

    Raises:
        InputError: the files tell nothing of GPUs.
    """
    if "gpu" not in usage.columns:
        raise InputError("no column gpu", "one, to know what GPUs are used for", source=usage.source)
    rows = usage.fetch(
        """SELECT namespace, pod, quantile_cont(gpu, ?) FROM
             (SELECT namespace, pod, ts, sum(gpu) AS gpu FROM usage WHERE gpu IS NOT NULL GROUP BY namespace, pod, ts)
           GROUP BY namespace, pod ORDER BY namespace, pod""",
        [_QUANTILE],
    )
    return {f"{namespace}/{pod}": float(used) for namespace, pod, used in rows}
