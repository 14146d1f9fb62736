"""Node affinity in a configuration, checked as kube-scheduler checks it.

In a pod a malformed requirement matches no node and nobody complains; in a configuration it is an error, as
it would keep every pod of the cluster from being scheduled.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from yuheng.readers.scheduler_config.names import LABEL_KEY, LABEL_VALUE, one_of
from yuheng.readers.scheduler_config.refusals import refused
from yuheng.readers.scheduler_config.schema import Int32, Strict

__all__ = ["AddedAffinity"]


class Expression(Strict):
    """A requirement on a node's label."""

    key: Annotated[str, LABEL_KEY] = ""
    operator: Annotated[str, one_of("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")] = ""
    values: list[Annotated[str, LABEL_VALUE]] = Field(default_factory=list)

    @model_validator(mode="after")
    def _check_values(self) -> Self:
        values, operator = self.values, self.operator
        if operator in ("In", "NotIn") and not values:
            raise refused(None, f"at least one value, as operator is {operator}", ".values")
        if operator in ("Exists", "DoesNotExist") and values:
            raise refused(values, f"no values, as operator is {operator}", ".values")
        if operator in ("Gt", "Lt") and not (len(values) == 1 and _is_integer(values[0])):
            raise refused(values, f"one whole number, as operator is {operator}", ".values")
        return self


class FieldExpression(Strict):
    """A requirement on a node's field, which is its name."""

    key: str = ""
    operator: Annotated[str, one_of("In", "NotIn")] = ""
    values: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _check_values(self) -> Self:
        if len(self.values) != 1:
            raise refused(self.values or None, "one value", ".values")
        return self


class Term(Strict):
    """Requirements that all have to hold."""

    match_expressions: list[Expression] = Field(default_factory=list)
    match_fields: list[FieldExpression] = Field(default_factory=list)


class Required(Strict):
    """Terms of which one has to hold."""

    node_selector_terms: list[Term] = Field(default_factory=list)


class Preferred(Strict):
    """A term and its weight."""

    weight: Int32 = 0
    preference: Term = Term()


class AddedAffinity(Strict):
    """The node affinity that is added to that of every pod."""

    required: Required | None = Field(default=None, alias="requiredDuringSchedulingIgnoredDuringExecution")
    preferred: list[Preferred] = Field(default_factory=list, alias="preferredDuringSchedulingIgnoredDuringExecution")


def _is_integer(text: str) -> bool:
    return text.removeprefix("-").removeprefix("+").isdecimal()
