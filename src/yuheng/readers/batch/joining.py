"""Pods whose PodGroup or job was left out: they are not started alone, and the reason is the group's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yuheng.errors import InputError
from yuheng.readers.batch.members import JOB_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from yuheng.readers.batch.members import Member

__all__ = ["check_whole"]


def check_whole(member: Member, left_out: Mapping[str, InputError]) -> None:
    """See that nothing of what a pod belongs to was left out.

    Args:
        member: the pod, which was found to belong to no job.
        left_out: why objects were, by object, as errors name it.

    Raises:
        InputError: something was; it says why, as it was said of that.
    """
    if not left_out:
        return
    gone = next((name for name in _named(member) if name in left_out), "")
    if gone:
        why = left_out[gone]
        reason = str(InputError(why.found, why.expected, field=why.field))
        raise InputError(f"{gone} cannot be used: {reason}", subject=f"Pod {member.namespace}/{member.name}")


def _named(member: Member) -> Sequence[str]:
    """The group and the job that a pod names, and the Job that owns it, as errors name them."""
    namespace, words, owner = member.namespace, member.words, member.owner
    job = words.job_name or member.labels.get(JOB_NAME, "")
    owned = f"Job {namespace}/{owner.name}" if owner is not None and owner.kind == "Job" else ""
    return (
        f"PodGroup {namespace}/{words.group or words.volcano_group}",
        f"Job.batch.volcano.sh {namespace}/{job}",
        owned,
    )
