"""Small counts masked so that nobody can work them out: each keeps two values that fit, as a linear programme shows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from yike.analysis.masking import bridges, mask_small_cells
from yike.errors import InputError

COUNTS = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.lists(st.integers(0, 12), min_size=width, max_size=width), min_size=1, max_size=6)
)


def people(counts: list[list[int]]) -> pd.DataFrame:
    """Make a table of groups g0, g1 … with the row's sum as residents."""
    table = pd.DataFrame(counts, columns=[f"g{n}" for n in range(len(counts[0]))])
    return table.assign(residents=table.sum(axis=1), unit_id=[f"u{n}" for n in range(len(counts))])


def range_of(row: int, column: int, shown: np.ndarray) -> tuple[float, float]:
    """Return the least and most that a masked cell may hold: sums fit, masked cells hold somebody (a unimodular programme)."""
    rows, columns = shown.shape
    equations, bounds = [], []
    for line in range(rows):
        equation = np.zeros(shown.shape)
        equation[line, :-1], equation[line, -1] = 1, -1
        equations.append(equation.ravel())
    for line in range(columns):
        equation = np.zeros(shown.shape)
        equation[:-1, line], equation[-1, line] = 1, -1
        equations.append(equation.ravel())
    for value in shown.ravel():
        bounds.append((1, 1000) if np.isnan(value) else (value, value))
    goal = np.zeros(shown.shape)
    goal[row, column] = 1
    zeros = np.zeros(len(equations))
    ends = [linprog(sign * goal.ravel(), A_eq=np.array(equations), b_eq=zeros, bounds=bounds) for sign in (1, -1)]
    assert all(each.status == 0 for each in ends)
    return ends[0].fun, -ends[1].fun


@given(COUNTS)
def test_no_masked_count_can_be_worked_out(counts: list[list[int]]) -> None:
    table = people(counts)
    groups = [name for name in table.columns if name.startswith("g")]
    done = mask_small_cells(table, groups, total="residents")
    rows = done.table[[*groups, "residents"]].to_numpy(float, na_value=np.nan)
    shown = np.vstack([rows, done.totals.to_numpy(float, na_value=np.nan)])
    assert not ((shown > 0) & (shown < 5)).any()
    masked = np.argwhere(np.isnan(shown))
    assert len(masked) == done.small + done.secondary
    for row, column in masked[:: max(1, len(masked) // 4)]:
        least, most = range_of(row, column, shown)
        assert most - least >= 1 - 1e-6
    kept = ~np.isnan(rows)
    assert (rows[kept] == table[[*groups, "residents"]].to_numpy(float)[kept]).all()


def test_a_small_count_takes_three_others_with_it() -> None:
    table = people([[3, 20, 30], [40, 50, 60], [70, 80, 90]])
    done = mask_small_cells(table, ["g0", "g1", "g2"], total="residents")
    assert done.table[["g0", "g1", "g2"]].isna().to_numpy().tolist() == [[True, True, False], [True, True, False], [False] * 3]
    assert done.table["residents"].tolist() == [53, 150, 240]
    assert done.totals.tolist() == [113, 150, 180, 443]
    assert (done.small, done.secondary) == (1, 3)
    assert table["g0"].tolist() == [3, 40, 70]


def test_two_cells_of_one_person_are_not_left_to_their_sum() -> None:
    table = people([[1, 1, 10], [1, 1, 10], [30, 30, 30]])
    done = mask_small_cells(table, ["g0", "g1", "g2"], total="residents")
    rows = done.table[["g0", "g1", "g2", "residents"]].to_numpy(float, na_value=np.nan)
    figures = np.vstack([rows, done.totals.to_numpy(float, na_value=np.nan)])
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        assert np.isnan(figures[row, column])
        least, most = range_of(row, column, figures)
        assert most > least


def test_counts_that_are_large_or_nobody_are_published() -> None:
    table = people([[0, 5], [7, 0]])
    done = mask_small_cells(table, ["g0", "g1"], total="residents")
    assert done.table[["g0", "g1", "residents"]].to_numpy().tolist() == [[0, 5, 5], [7, 0, 7]]
    assert (done.small, done.secondary) == (0, 0)
    assert mask_small_cells(table, ["g0", "g1"], minimum=6).small == 3


def test_a_single_small_row_hides_its_sum_and_the_sum_of_everything() -> None:
    done = mask_small_cells(people([[2, 1]]), ["g0", "g1"], total="residents")
    assert done.table[["g0", "g1", "residents"]].isna().all().all()
    assert done.totals.isna().all()


def test_bridges_of_a_cycle_with_a_tail() -> None:
    masked = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 0]], bool)
    assert bridges(masked).tolist() == [[1, 2]]
    assert bridges(np.zeros((2, 2), bool)).tolist() == []


def test_many_rows_stay_quick() -> None:
    rng = np.random.default_rng(7)
    counts = pd.DataFrame(rng.poisson(6, (1500, 8)), columns=[f"g{n}" for n in range(8)])
    done = mask_small_cells(counts, list(counts.columns))
    assert done.small == int(((counts > 0) & (counts < 5)).to_numpy().sum())
    assert done.totals.notna().all()
    assert done.secondary < done.small


def test_what_is_no_table_of_counts_is_refused() -> None:
    table = people([[3, 4]])
    for changed, options, code in (
        (table.assign(g0=2.5), {}, "masking.not_counts"),
        (table.assign(g0=np.nan), {}, "masking.not_counts"),
        (table.assign(residents=9), {"total": "residents"}, "masking.total"),
        (table, {"minimum": 0}, "masking.minimum"),
    ):
        with pytest.raises(InputError) as caught:
            mask_small_cells(changed, ["g0", "g1"], **options)  # type: ignore[arg-type]
        assert [fault.code for fault in caught.value.faults] == [code]
