"""A linear program with whole numbers, put together row by row and solved by HiGHS.

The same program has the same solution on every run: one thread, a fixed seed, and limits in nodes and iterations
instead of time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import Final

import highspy
import msgspec
import numpy as np

__all__ = ["Outcome", "Program"]

# A value within this of a bound or of a whole number counts as there: HiGHS' own default is a thousand times looser.
TOLERANCE: Final = 1e-9
# HiGHS takes nothing smaller for the distance to whole numbers.
WHOLE: Final = 1e-9


class Outcome(msgspec.Struct, frozen=True):
    """What came of solving.

    Attributes:
        is_proven: whether `bound` is the optimum, or there is none.
        is_infeasible: whether nothing meets all rows.
        values: of the columns; empty when none was found.
        bound: no solution is below it; minus infinity when nothing is known.
        duals: of the rows, where the demand for whole numbers was left out: what one more of the row's bound adds.
        column_duals: of the columns, likewise.
    """

    is_proven: bool
    is_infeasible: bool
    values: tuple[float, ...]
    bound: float
    duals: tuple[float, ...] = ()
    column_duals: tuple[float, ...] = ()


class Program:
    """Columns and rows of a program whose objective is minimised."""

    def __init__(self) -> None:
        self._costs: list[float] = []
        self._lower: list[float] = []
        self._upper: list[float] = []
        self._whole: list[bool] = []
        self._row_lower: list[float] = []
        self._row_upper: list[float] = []
        self._starts: list[int] = [0]
        self._columns: list[int] = []
        self._values: list[float] = []

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return len(self._costs)

    def column(self, cost: float = 0.0, upper: float = inf, *, whole: bool = False) -> int:
        """Add a column from 0 on; returns its place."""
        self._costs.append(cost)
        self._lower.append(0.0)
        self._upper.append(upper)
        self._whole.append(whole)
        return len(self._costs) - 1

    def row(self, terms: Iterable[tuple[int, float]], lower: float = -inf, upper: float = inf) -> None:
        """Add a row: the sum of column times factor is between two values; a column may come twice."""
        merged: dict[int, float] = {}
        for column, factor in terms:
            merged[column] = merged.get(column, 0.0) + factor
        kept = {column: factor for column, factor in merged.items() if factor}
        self._columns += kept
        self._values += kept.values()
        self._starts.append(len(self._columns))
        self._row_lower.append(lower)
        self._row_upper.append(upper)

    def relaxed(self, iterations: int) -> Outcome:
        """The optimum without the demand for whole numbers.

        Args:
            iterations: of the simplex method at most; then the bound is unknown.
        """
        solver = self._solver(whole=False)
        solver.setOptionValue("simplex_iteration_limit", iterations)
        solver.setOptionValue("solver", "simplex")
        solver.run()
        status = solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return Outcome(True, True, (), inf)
        if status != highspy.HighsModelStatus.kOptimal:
            return Outcome(False, False, (), -inf)
        solution = solver.getSolution()
        return Outcome(
            is_proven=True,
            is_infeasible=False,
            values=tuple(solution.col_value),
            bound=solver.getObjectiveValue(),
            duals=tuple(solution.row_dual),
            column_duals=tuple(solution.col_dual),
        )

    def solved(self, nodes: int, guess: Sequence[tuple[int, float]] = (), *, gap: float = 0.0) -> Outcome:
        """The optimum.

        Args:
            nodes: of the search tree at most; then the best that was found, and the bound so far.
            guess: a solution that is known, as (column, value) pairs of the whole numbers; empty for none.
            gap: how far above the bound a solution may be that is good enough, relative to it.
        """
        solver = self._solver(whole=True)
        solver.setOptionValue("mip_max_nodes", nodes)
        solver.setOptionValue("mip_rel_gap", gap)
        solver.setOptionValue("mip_abs_gap", TOLERANCE)
        solver.setOptionValue("mip_feasibility_tolerance", WHOLE)
        if guess:
            columns, values = zip(*guess, strict=True)
            solver.setSolution(len(guess), np.array(columns, dtype=np.int32), np.array(values))
        solver.run()
        status, info = solver.getModelStatus(), solver.getInfo()
        if status == highspy.HighsModelStatus.kInfeasible:
            return Outcome(True, True, (), inf)
        found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        found_values = tuple(solver.getSolution().col_value) if found else ()
        return Outcome(status == highspy.HighsModelStatus.kOptimal, False, found_values, info.mip_dual_bound)

    def _solver(self, *, whole: bool) -> highspy.Highs:
        solver = highspy.Highs()  # type: ignore[no-untyped-call]  # highspy annotates in part
        for name, value in (
            ("output_flag", False),
            ("threads", 1),
            ("parallel", "off"),
            ("random_seed", 0),
            ("primal_feasibility_tolerance", TOLERANCE),
            ("dual_feasibility_tolerance", TOLERANCE),
        ):
            solver.setOptionValue(name, value)
        solver.passModel(self._model(whole=whole))
        return solver

    def _model(self, *, whole: bool) -> highspy.HighsLp:
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(self._costs), len(self._row_lower)
        model.col_cost_ = np.array(self._costs)
        model.col_lower_, model.col_upper_ = np.array(self._lower), np.array(self._upper)
        model.row_lower_, model.row_upper_ = np.array(self._row_lower), np.array(self._row_upper)
        matrix = model.a_matrix_
        matrix.format_ = highspy.MatrixFormat.kRowwise
        matrix.num_col_, matrix.num_row_ = model.num_col_, model.num_row_
        matrix.start_ = np.array(self._starts, dtype=np.int32)
        matrix.index_ = np.array(self._columns, dtype=np.int32)
        matrix.value_ = np.array(self._values)
        if whole and any(self._whole):
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            model.integrality_ = [kinds[one] for one in self._whole]
        return model
