"""The workload of a scenario: a trace, with what its columns mean, or a generator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from yuheng.errors import InputError
from yuheng.model.scenario import ArrivalSequence
from yuheng.readers.scenario.generation import GenerateFields
from yuheng.readers.scenario.refusals import Fields, one_of, refused, unfit
from yuheng.readers.scenario.values import Bytes, Milli, Name, above
from yuheng.readers.traces.columns import TEXTS, Column, Columns, amount_of, factor_of
from yuheng.readers.traces.reader import read_trace
from yuheng.readers.traces.requests import Rounding

if TYPE_CHECKING:
    from yuheng.model.workload import Workload

__all__ = ["WorkloadFields"]

# Of these every row must have its own.
NO_CONSTANT = frozenset(("name", "submit", "start", "finish"))


class ColumnFields(Fields):
    """A column and the unit of its numbers, or one value for all rows."""

    column: Name | None = Field(default=None, description="The name of the column.")
    unit: str = Field(
        default="",
        description="The unit of its numbers. Times: `s` (the usual one), `ms`, `us`, `min`, `h`. cpu: `cores`, "
        "`milli`. Memory: `B`, `KiB`, `MiB`, `GiB`, `kB`, `MB`, `GB`. GPU: `count`, `milli`, `percent`.",
    )
    value: float | str | None = Field(default=None, description="One value for all rows, in place of a column.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        one_of(self, "column", "value")
        return self


def _as_column(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


Source = Annotated[ColumnFields | None, BeforeValidator(_as_column, json_schema_input_type=str | ColumnFields)]


class ColumnsFields(Fields):
    """What the columns of a trace mean: each the name of a column, or a column with its unit, or a value."""

    name: Source = Field(default=None, description="The name of the job.")
    submit: Source = Field(default=None, description="When it was submitted: numbers, or timestamps.")
    start: Source = Field(default=None, description="When it began to run.")
    finish: Source = Field(default=None, description="When it ended; an empty cell: it never ends.")
    duration: Source = Field(
        default=None, description="How long it ran; without it `finish` minus `start`, or `finish` minus `submit`."
    )
    estimate: Source = Field(default=None, description="How long its owner said it would run.")
    cpu: Source = Field(default=None, description="What one of its pods asks for.")
    memory: Source = Field(default=None, description="What one of its pods asks for.")
    gpu: Source = Field(default=None, description="GPUs that one of its pods asks for; below 1 it is a share of one.")
    gpu_model: Source = Field(default=None, description="The GPU models that will do, separated by `|`.")
    pods: Source = Field(default=None, description="How many pods it has; without it 1.")
    minimum: Source = Field(
        default=None, description="How many of them have to start together; without it all, `{value: 1}` for no gang."
    )
    queue: Source = Field(default=None, description="The name of its queue.")
    priority: Source = Field(default=None, description="The priority of its pods; more goes first.")
    namespace: Source = Field(default=None, description="The namespace of its pods.")
    cpu_usage: Source = Field(default=None, description="What one of its pods used on average.")
    memory_usage: Source = Field(default=None, description="What one of its pods used on average.")
    gpu_usage: Source = Field(default=None, description="What one of its pods used on average.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        for field, column in self.columns().written().items():
            if column.column:
                _checked(factor_of, field, column)
            elif field in NO_CONSTANT:
                raise unfit("one value for all rows", "a column", f".{field}.value")
            elif field not in TEXTS:
                _checked(amount_of, field, column)
        return self

    def columns(self) -> Columns:
        """The mapping."""
        names = ((name, getattr(self, name)) for name in type(self).model_fields)
        given = {name: Column(column=one.column or "", unit=one.unit, value=one.value) for name, one in names if one}
        return Columns(**given)


def _checked(read: Callable[[str, Column], float], field: str, column: Column) -> None:
    """Refuse what the reader of traces would refuse."""
    try:
        read(field, column)
    except InputError as error:
        raise unfit(error.found, error.expected, error.field.removeprefix("columns")) from None


class RoundFields(Fields):
    """What requests are rounded up to multiples of, so that there are fewer different ones."""

    cpu: Milli = Field(default=0, description="Multiples of this quantity, such as `100m`.")
    memory: Bytes = Field(default=0, description="Multiples of this quantity, such as `256Mi`.")


class SequenceFields(Fields):
    """Jobs one after the other, without a clock: drawn from the trace with replacement, none ever ends."""

    inflate: Annotated[float, above(0)] = Field(
        default=1.3, description="What is asked for in the end, relative to the GPUs (or cpu) that the cluster has."
    )


class WorkloadFields(Fields):
    """What is to be run, beside the pods of `nodes`: a trace, or a generator."""

    trace: Name | None = Field(
        default=None, description="A table of pods of the openb trace, or any CSV or Parquet file."
    )
    columns: ColumnsFields | None = Field(
        default=None, description="What the columns of the trace mean; openb's are known by their header."
    )
    round: RoundFields = Field(default=RoundFields(), description="What the trace's requests are rounded up to.")
    queue_by: Name | None = Field(
        default=None, description="The trace's column whose value names the queue; openb: `qos`."
    )
    sequence: SequenceFields | None = Field(
        default=None, description="Take the trace as an arrival sequence, without a clock."
    )
    generate: GenerateFields | None = Field(default=None, description="Draw the workload from each seed.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        which = one_of(self, "trace", "generate")
        if which == "generate":
            beside = next((key for key in self.given() if key != "generate"), None)
            if beside:
                raise unfit(f"{beside} beside generate", "trace, or no such key", f".{beside}")
        if self.queue_by and self.columns and self.columns.queue:
            raise refused(self.queue_by, "one of queueBy and columns.queue", ".queueBy")
        return self

    def read(self, folder: Path) -> Workload | None:
        """The jobs of the trace; None where they are generated.

        Raises:
            InputError: the trace is not what it should be.
            NotFoundError: there is no such trace.
        """
        if self.trace is None:
            return None
        return read_trace(
            folder / self.trace,
            self.columns.columns() if self.columns else None,
            rounding=Rounding(cpu=self.round.cpu, memory=self.round.memory),
            queue_by=self.queue_by or "",
            timed=self.sequence is None,
        )

    def arrival_sequence(self) -> ArrivalSequence | None:
        """How the trace is drawn from, where it has no clock."""
        return ArrivalSequence(self.sequence.inflate) if self.sequence else None
