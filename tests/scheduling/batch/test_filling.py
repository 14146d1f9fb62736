"""Fair division: water-filling is the solution of a linear program, DRF has the properties it was invented for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog

from tests.scheduling.searching import examples
from yuheng.scheduling.batch.filling import drf_allocation, water_fill

Vector = NDArray[np.float64]
CLOSE = 1e-6


class Pool(NamedTuple):
    """An amount, and those who share it."""

    amount: float
    weights: Vector
    floors: Vector
    ceilings: Vector


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    """One to seven claimants; their floors fit into the amount."""
    count = draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    amount = float(draw(st.integers(1, 1000)))
    floors = rng.uniform(0, 1, count) * rng.integers(0, 2, count)
    floors *= amount * rng.uniform(0, 1) / max(floors.sum(), 1)
    ceilings = floors + rng.uniform(0, amount, count) * rng.integers(0, 2, count)
    return Pool(amount, rng.choice([0.5, 1, 2, 3, 7.5], count), floors, ceilings)


def by_programs(pool: Pool) -> Vector:
    """The same by linear programs: raise the least share, fix who cannot have more, and again for the others."""
    low, high = pool.floors.copy(), pool.ceilings.copy()
    open_ = np.ones(len(low), dtype=bool)
    while open_.any():
        level = _highest_level(pool, low, high, open_)
        low = np.where(open_, np.maximum(low, np.minimum(pool.weights * level, high)), low)
        for index in np.flatnonzero(open_):
            if _most(pool, low, high, int(index)) <= low[index] + CLOSE * pool.amount:
                high[index] = low[index]
                open_[index] = False
    return low


def _highest_level(pool: Pool, low: Vector, high: Vector, open_: NDArray[np.bool_]) -> float:
    """The highest t with ``x >= weights * t`` for all that are open."""
    count = len(low)
    above = np.hstack([-np.eye(count), pool.weights[:, None]])[open_]
    constraints = np.vstack([above, np.append(np.ones(count), 0.0)])
    limits = np.append(np.zeros(len(above)), pool.amount)
    bounds = [*zip(low, high, strict=True), (0, None)]
    return float(_solved(np.append(np.zeros(count), -1.0), constraints, limits, bounds)[-1])


def _most(pool: Pool, low: Vector, high: Vector, index: int) -> float:
    """The most that one can have when nobody else has less than ``low``."""
    goal = np.zeros(len(low))
    goal[index] = -1.0
    bounds = list(zip(low, high, strict=True))
    return float(_solved(goal, np.ones((1, len(low))), np.array([pool.amount]), bounds)[index])


def _solved(goal: Vector, constraints: Vector, limits: Vector, bounds: list[tuple[float, float | None]]) -> Vector:
    solution: Vector | None = linprog(goal, constraints, limits, bounds=bounds).x
    assert solution is not None
    return solution


@examples(40)
@given(pool=pools())
def test_water_filling_is_the_solution_of_the_linear_programs(pool: Pool):
    assert water_fill(*pool) == pytest.approx(by_programs(pool), abs=1e-5 * pool.amount)


@examples(40)
@given(pool=pools())
def test_water_filling_stays_within_all_bounds_and_leaves_nothing_that_somebody_wants(pool: Pool):
    found = water_fill(*pool)
    assert (found >= pool.floors - CLOSE).all()
    assert (found <= pool.ceilings + CLOSE).all()
    assert found.sum() == pytest.approx(min(pool.amount, pool.ceilings.sum()), abs=CLOSE * pool.amount)


def test_floors_are_granted_even_when_they_are_more_than_there_is():
    found = water_fill(4.0, np.ones(3), np.array([3.0, 2.0, 0.0]), np.array([9.0, 9.0, 9.0]))
    assert found == pytest.approx([3.0, 2.0, 0.0])


def test_one_to_two_to_three_with_unequal_demand():
    found = water_fill(14.0, np.array([1.0, 2.0, 3.0]), np.zeros(3), np.array([10.0, 10.0, 2.0]))
    assert found == pytest.approx([4.0, 8.0, 2.0])


class Demands(NamedTuple):
    """What there is, what a task of each job asks for, and the weights of the jobs."""

    total: Vector
    demands: Vector
    weights: Vector


@st.composite
def demands(draw: st.DrawFn, *, equal: bool = False) -> Demands:
    """Two to six jobs over one to four resources; every job asks for something."""
    jobs, resources = draw(st.integers(2, 6)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    asked = rng.uniform(0.1, 5, (jobs, resources)) * (rng.uniform(size=(jobs, resources)) < 0.8)
    asked[:, rng.integers(resources)] += 0.1
    weights = np.ones(jobs) if equal else rng.choice([1.0, 2.0, 3.0], jobs)
    return Demands(rng.uniform(10, 100, resources), asked, weights)


def tasks_in(amounts: Vector, demand: Vector) -> float:
    """How many tasks run with given amounts."""
    needed = demand > 0
    return float((amounts[needed] / demand[needed]).min())


def test_the_example_of_the_paper():
    found = drf_allocation(np.array([9.0, 18.0]), np.array([[1.0, 4.0], [3.0, 1.0]]), np.ones(2))
    assert found == pytest.approx([3.0, 2.0])


@examples(40)
@given(case=demands())
def test_drf_gives_no_more_than_there_is_and_leaves_nothing_that_a_job_could_use(case: Demands):
    used = drf_allocation(*case) @ case.demands
    assert (used <= case.total * (1 + CLOSE)).all()
    exhausted = used >= case.total * (1 - CLOSE)
    assert all((demand > 0)[exhausted].any() for demand in case.demands)


@examples(40)
@given(case=demands())
def test_sharing_incentive(case: Demands):
    """No job is worse off than with its weight's part of the cluster for itself."""
    found = drf_allocation(*case)
    for job, demand in enumerate(case.demands):
        part = case.total * case.weights[job] / case.weights.sum()
        assert found[job] >= tasks_in(part, demand) * (1 - CLOSE)


@examples(40)
@given(case=demands(equal=True))
def test_no_job_would_rather_have_what_another_has(case: Demands):
    found = drf_allocation(*case)
    for job, demand in enumerate(case.demands):
        for other, count in enumerate(found):
            assert tasks_in(count * case.demands[other], demand) <= found[job] * (1 + CLOSE)


@examples(80)
@given(case=demands(), seed=st.integers(0, 2**32 - 1))
def test_no_job_gains_by_a_lie(case: Demands, seed: int):
    """Strategy-proofness: whatever a job says that it needs, it runs no more of what it really needs."""
    rng = np.random.default_rng(seed)
    liar = int(rng.integers(len(case.demands)))
    told = case.demands.copy()
    told[liar] = told[liar] * rng.uniform(0.3, 3, told.shape[1]) + rng.choice([0.0, 0.5], told.shape[1])
    gained = drf_allocation(case.total, told, case.weights)[liar] * told[liar]
    honest = drf_allocation(*case)[liar]
    assert tasks_in(gained, case.demands[liar]) <= honest * (1 + CLOSE)
