"""Every kernel against its slow twin, scipy and cases worked by hand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from yike import kernels

UNREACHED = 2**30
CAPS = st.sampled_from([-5, 0, 1, 7, 40, 900, 70_000, 20_000_000, UNREACHED - 1, 2**40])
WEIGHTS = st.one_of(st.integers(0, 3), st.integers(0, 60), st.sampled_from([64, 65_000, 9_000_000, 2**30]))
COSTS = st.one_of(st.integers(0, 5), st.integers(0, 300), st.sampled_from([66_000, 11_000_000, 2**30]))


@dataclass(frozen=True)
class Case:
    """A random directed graph with seeds; edges are sorted by start, as compressed rows are."""

    n: int
    edges: list[tuple[int, int, int]]
    seeds: list[tuple[int, int]]

    def graph(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the compressed rows, read-only."""
        starts = np.array([edge[0] for edge in self.edges], np.int64)
        indptr = np.searchsorted(starts, np.arange(self.n + 1)).astype(np.int32)
        indices = np.array([edge[1] for edge in self.edges], np.int32)
        weights = np.array([edge[2] for edge in self.edges], np.int32)
        for part in (indptr, indices, weights):
            part.flags.writeable = False
        return indptr, indices, weights

    def seed_arrays(self, order: list[int] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the nodes and costs of the seeds, in another order where one is given."""
        seeds = [self.seeds[i] for i in order] if order is not None else self.seeds
        return np.array([s[0] for s in seeds], np.int32), np.array([s[1] for s in seeds], np.int32)


@st.composite
def cases(draw: st.DrawFn, max_nodes: int = 9) -> Case:
    n = draw(st.integers(1, max_nodes))
    node = st.integers(0, n - 1)
    edges = draw(st.lists(st.tuples(node, node, WEIGHTS), max_size=24))
    seeds = draw(st.lists(st.tuples(node, COSTS), max_size=5))
    return Case(n, sorted(edges, key=lambda edge: edge[0]), seeds)


def nearest_times(case: Case, cap: int, order: list[int] | None = None) -> list[int]:
    out = np.full(case.n, -7, np.int32)
    kernels.nearest_times(*case.graph(), *case.seed_arrays(order), cap, out)
    return out.tolist()


def nearest_seeds(case: Case, labels: list[int], cap: int, order: list[int]) -> list[tuple[int, int]]:
    out = np.full(case.n, -7, np.int64)
    label = np.array([labels[i] for i in order], np.int32)
    kernels.nearest_seeds(*case.graph(), *case.seed_arrays(order), label, cap, out)
    return [(int(key) >> 32, int(key) & (2**32 - 1)) for key in out]


def shortest_tree(case: Case, cap: int, order: list[int]) -> tuple[list[int], list[int]]:
    times, edges = np.full(case.n, -7, np.int32), np.full(case.n, -7, np.int32)
    kernels.shortest_tree(*case.graph(), *case.seed_arrays(order), cap, times, edges)
    return times.tolist(), edges.tolist()


def bounded_reach(case: Case, sources: list[list[tuple[int, int]]], cap: int) -> list[list[tuple[int, int]]]:
    seeds = Case(case.n, [], [seed for source in sources for seed in source]).seed_arrays()
    source_ptr = np.cumsum([0, *map(len, sources)])
    ptr, node, time = kernels.bounded_reach(*case.graph(), source_ptr, *seeds, cap)
    assert len(ptr) == len(sources) + 1
    assert len(node) == len(time) == ptr[-1]
    return [list(zip(node[a:b].tolist(), time[a:b].tolist(), strict=True)) for a, b in pairwise(ptr)]


@given(cases(), CAPS, st.randoms(use_true_random=False))
def test_nearest_times_equal_the_naive_search_in_any_order_of_seeds(case: Case, cap: int, random) -> None:
    order = list(range(len(case.seeds)))
    random.shuffle(order)
    expected = naive.least_times(case.n, case.edges, case.seeds, min(cap, UNREACHED - 1))
    assert nearest_times(case, cap) == expected
    assert nearest_times(case, cap, order) == expected


def scipy_times(case: Case, cap: int) -> list[int]:
    """Return scipy's least times through one more node that stands before all seeds.

    scipy drops edges of weight zero and adds parallel ones up, so every edge gets 1024 a unit and one more (fewer than
    1024 edges make a route) and only the cheapest of parallel edges is kept.
    """
    kept: dict[tuple[int, int], int] = {}
    for start, end, weight in [*case.edges, *((case.n, node, cost) for node, cost in case.seeds)]:
        kept[start, end] = min(kept.get((start, end), 2**62), 1024 * weight + 1)
    rows, columns = zip(*kept, strict=True) if kept else ((), ())
    matrix = csr_matrix((np.array(list(kept.values()), float), (rows, columns)), shape=(case.n + 1, case.n + 1))
    found = np.floor(dijkstra(matrix, indices=case.n)[: case.n] / 1024)
    return [int(time) if time <= min(cap, UNREACHED - 1) else UNREACHED for time in found]


@given(cases(max_nodes=30), CAPS)
def test_nearest_times_equal_scipy(case: Case, cap: int) -> None:
    assert nearest_times(case, cap) == scipy_times(case, cap)


def street_grid(side: int, *, seed: int) -> Case:
    """Return a directed grid of side x side crossings with random weights, about one in twelve of them zero."""
    random = np.random.default_rng(seed)
    pairs = []
    for i in range(side):
        for j in range(side):
            for di, dj in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                if 0 <= i + di < side and 0 <= j + dj < side and random.random() < 0.9:
                    pairs.append((i * side + j, (i + di) * side + j + dj))
    weights = np.maximum(random.integers(-60, 700, len(pairs)), 0).tolist()
    seeds = zip(random.integers(0, side * side, 25).tolist(), random.integers(0, 5000, 25).tolist(), strict=True)
    return Case(side * side, [(a, b, w) for (a, b), w in zip(pairs, weights, strict=True)], list(seeds))


@pytest.mark.parametrize("cap", [600, 9000, UNREACHED - 1])
def test_nearest_times_equal_scipy_on_a_grid_of_streets(cap: int) -> None:
    case = street_grid(31, seed=4)
    found = nearest_times(case, cap)
    assert found == scipy_times(case, cap)
    assert 0 < sum(time < UNREACHED for time in found) <= case.n


@given(cases(), CAPS, st.data())
def test_nearest_seeds_give_the_least_time_then_the_least_label(case: Case, cap: int, data: st.DataObject) -> None:
    count = len(case.seeds)
    label = st.one_of(st.integers(0, 3), st.just(2**31 - 1))
    labels = data.draw(st.lists(label, min_size=count, max_size=count))
    order = data.draw(st.permutations(range(count)))
    expected = naive.least_labels(case.n, case.edges, case.seeds, labels, min(cap, UNREACHED - 1))
    assert nearest_seeds(case, labels, cap, order) == expected


def test_nearest_seeds_break_ties_along_edges_of_weight_zero() -> None:
    case = Case(3, [(0, 1, 0), (1, 0, 0), (1, 2, 5), (2, 1, 5)], [(0, 10), (1, 10), (2, 10)])
    assert nearest_seeds(case, [7, 9, 8], 100, [1, 0, 2]) == [(10, 7), (10, 7), (10, 8)]


@given(cases(), CAPS, st.data())
def test_shortest_tree_equals_the_naive_tree_and_every_chain_ends_at_a_seed(case: Case, cap: int, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(case.seeds))))
    times, edges = shortest_tree(case, cap, order)
    assert (times, edges) == naive.arriving_edges(case.n, case.edges, case.seeds, min(cap, UNREACHED - 1))
    assert times == nearest_times(case, cap)
    cheapest = {node: min(c for other, c in case.seeds if other == node) for node, _ in case.seeds}
    for node in range(case.n):
        at, walked = node, 0
        for _ in range(case.n + 1):
            if edges[at] < 0:
                break
            walked += case.edges[edges[at]][2]
            at = case.edges[edges[at]][0]
        assert edges[at] < 0
        if times[node] < UNREACHED:
            assert cheapest[at] + walked == times[node]


def test_shortest_tree_prefers_fewer_edges_then_the_least_edge() -> None:
    edges = [(0, 1, 2), (0, 2, 2), (0, 3, 4), (0, 3, 4), (1, 4, 3), (2, 3, 2), (2, 4, 3), (4, 4, 0)]
    times, arriving = shortest_tree(Case(5, edges, [(0, 0)]), 100, [0])
    assert times == [0, 2, 2, 4, 5]
    assert arriving == [-1, 0, 1, 2, 4]


@given(cases(), CAPS, st.data())
def test_bounded_reach_equals_the_naive_search_of_each_source(case: Case, cap: int, data: st.DataObject) -> None:
    seed = st.tuples(st.integers(0, case.n - 1), COSTS)
    sources = data.draw(st.lists(st.lists(seed, max_size=3), max_size=5))
    expected = naive.reach(case.n, case.edges, sources, min(cap, UNREACHED - 1))
    assert bounded_reach(case, sources, cap) == expected
    assert bounded_reach(case, [list(reversed(source)) for source in sources], cap) == expected
    assert bounded_reach(case, sources[1:], cap) == expected[1:]


def test_bounded_reach_of_a_large_graph_grows_its_output_and_is_the_same_in_threads() -> None:
    case = street_grid(90, seed=9)
    graph = case.graph()
    source = np.arange(0, case.n, 41, dtype=np.int32)
    cost = np.zeros(len(source), np.int32)

    def part(low: int, high: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return kernels.bounded_reach(*graph, np.arange(high - low + 1), source[low:high], cost[low:high], 9000)

    whole = part(0, len(source))
    assert len(whole[1]) > 4 * 4096
    for i in (0, 1, 77, len(source) - 1):
        times = np.empty(case.n, np.int32)
        kernels.nearest_times(*graph, source[i : i + 1], cost[i : i + 1], 9000, times)
        mine = slice(whole[0][i], whole[0][i + 1])
        assert whole[1][mine].tolist() == np.flatnonzero(times < UNREACHED).tolist()
        assert whole[2][mine].tolist() == times[times < UNREACHED].tolist()
    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(part, range(0, len(source), 50), [*range(50, len(source), 50), len(source)]))
    assert np.array_equal(np.concatenate([p[1] for p in parts]), whole[1])
    assert np.array_equal(np.concatenate([p[2] for p in parts]), whole[2])


def test_a_crossing_of_very_many_streets_and_very_many_seeds_outgrow_the_first_queue() -> None:
    leaves = 10_000
    star = Case(leaves + 1, [(0, i, i) for i in range(1, leaves + 1)], [(0, 3)])
    assert nearest_times(star, 8000) == [3, *range(4, 8001), *[UNREACHED] * (leaves - 7997)]
    assert nearest_seeds(star, [6], 8000, [0])[7997:7999] == [(8000, 6), (UNREACHED, 0)]
    assert bounded_reach(star, [[(0, 3)], [(5, 1)]], 8000) == [[(i, i + 3) for i in range(7998)], [(5, 1)]]
    seeded = Case(leaves, [], [(i, i % 7) for i in reversed(range(leaves))])
    assert nearest_times(seeded, 5) == [UNREACHED if i % 7 == 6 else i % 7 for i in range(leaves)]


def test_a_graph_without_nodes_or_sources_gives_empty_results() -> None:
    nothing = np.empty(0, np.int32)
    out = np.empty(0, np.int32)
    kernels.nearest_times(np.zeros(1, np.int32), nothing, nothing, nothing, nothing, 9, out)
    ptr, node, time = kernels.bounded_reach(np.zeros(1, np.int32), nothing, nothing, np.zeros(1, np.int64), nothing, nothing, 9)
    assert (ptr.tolist(), node.tolist(), time.tolist()) == ([0], [], [])


def reached_segments(case: Case, xy: np.ndarray, times: list[int], cap: int) -> np.ndarray:
    node = np.array([v for v, time in enumerate(times) if time < UNREACHED], np.int32)
    time = np.array([time for time in times if time < UNREACHED], np.int32)
    scratch = np.full(case.n, UNREACHED, np.int32)
    pieces = kernels.reached_segments(*case.graph(), xy, node, time, cap, scratch)
    assert np.all(scratch == UNREACHED)
    assert pieces.shape[1] == 6
    return pieces


def time_at(pieces: np.ndarray, ends: tuple[np.ndarray, np.ndarray], point: np.ndarray) -> float:
    """Return the least time that the pieces beginning at either end give to a point between the ends."""
    found = np.inf
    for x0, y0, t0, x1, y1, t1 in pieces:
        if not any(x0 == end[0] and y0 == end[1] for end in ends):
            continue
        along, length = np.array([x1 - x0, y1 - y0]), np.hypot(x1 - x0, y1 - y0)
        share = float(along @ (point - [x0, y0]) / length**2) if length > 0 else 0.0
        gap = np.hypot(*(point - [x0, y0] - np.clip(share, 0, 1) * along))
        if gap < 1e-6:
            found = min(found, t0 + np.clip(share, 0, 1) * (t1 - t0))
    return float(found)


@given(cases(max_nodes=7), st.sampled_from([0, 5, 40, 300]))
def test_reached_segments_give_every_street_point_its_least_time(case: Case, cap: int) -> None:
    xy = np.array([(100.0 * i, 13.0 * i * i) for i in range(case.n)])  # on a parabola: no three in line
    times = naive.least_times(case.n, case.edges, case.seeds, cap)
    pieces = reached_segments(case, xy, times, cap)
    assert np.all(pieces[:, 5] <= cap + 1e-9)
    assert np.all(pieces[:, 5] >= pieces[:, 2])
    for start, end, _ in case.edges:
        for share in (0.13, 0.5, 0.71) if start != end else ():
            expected = naive.time_on_edge(case.edges, times, start, end, share)
            found = time_at(pieces, (xy[start], xy[end]), xy[start] + share * (xy[end] - xy[start]))
            if expected < cap - 1e-6:
                assert found == pytest.approx(expected, abs=1e-5)
            if expected > cap + 1e-6:
                assert found == np.inf


def test_a_street_passable_both_ways_is_cut_where_the_times_meet() -> None:
    edges = [(0, 1, 100), (1, 0, 100), (1, 2, 60), (2, 1, 60)]
    xy = np.array([[0.0, 0.0], [100.0, 0.0], [100.0, 60.0]])
    pieces = reached_segments(Case(3, edges, []), xy, [0, 40, UNREACHED], 90)
    assert pieces.tolist() == [
        [0.0, 0.0, 0.0, 70.0, 0.0, 70.0],
        [100.0, 0.0, 40.0, 70.0, 0.0, 70.0],
        [100.0, 0.0, 40.0, 100.0, 50.0, 90.0],
    ]


def test_a_one_way_street_counts_from_its_start_even_where_its_end_is_reached_earlier() -> None:
    pieces = reached_segments(Case(2, [(0, 1, 100)], []), np.array([[0.0, 0.0], [50.0, 0.0]]), [0, 10], 80)
    assert pieces.tolist() == [[0.0, 0.0, 0.0, 40.0, 0.0, 80.0]]


def reach_grid(pieces: list[naive.Piece], shape: tuple[int, int]) -> np.ndarray:
    grid = np.empty(shape, np.float32)
    kernels.reach_grid(np.array(pieces, float).reshape(-1, 6), 50.0, -20.0, 25.0, 8.0, grid)
    return grid


def test_reach_grid_spreads_from_a_point_by_straight_and_slanting_steps() -> None:
    grid = reach_grid([(100.0, 30.0, 70.0, 100.0, 30.0, 70.0)], (5, 5))
    side, slant = 200.0, 200.0 * 2**0.5
    assert grid[2].tolist() == pytest.approx([70 + 2 * side, 70 + side, 70, 70 + side, 70 + 2 * side])
    assert grid[:, 2].tolist() == grid[2].tolist()
    assert grid[0, 0] == grid[4, 0] == grid[0, 4] == grid[4, 4] == pytest.approx(70 + 2 * slant)
    assert grid[0, 1] == grid[3, 4] == pytest.approx(70 + side + slant)


def test_reach_grid_without_pieces_or_with_pieces_outside_is_infinite() -> None:
    assert np.all(np.isinf(reach_grid([], (3, 4))))
    assert np.all(np.isinf(reach_grid([(-500.0, 0.0, 5.0, -400.0, 0.0, 6.0)], (3, 4))))


X, Y, START_DS = st.floats(50, 250), st.floats(-20, 255), st.floats(0, 900)


@given(st.lists(st.tuples(X, Y, X, Y, START_DS), min_size=1, max_size=4))
def test_reach_grid_is_never_early_and_late_by_less_than_a_cell_and_the_chamfer_error(
    ends: list[tuple[float, float, float, float, float]],
) -> None:
    pieces = [(x0, y0, t0, x1, y1, t0 + 8.0 * np.hypot(x1 - x0, y1 - y0)) for x0, y0, x1, y1, t0 in ends]
    grid = reach_grid(pieces, (12, 9))
    exact = np.array(naive.lattice_times(pieces, (50.0, -20.0), 25.0, 8.0, (12, 9)))
    unit = 25.0 * 8.0
    assert np.all(grid >= exact - unit / 20)
    assert np.all(grid <= exact + unit + 0.083 * (exact - min(piece[2] for piece in pieces)))


def test_warm_leaves_every_kernel_compiled_for_one_type_only() -> None:
    kernels.warm()
    for kernel in (
        kernels.nearest_times,
        kernels.nearest_seeds,
        kernels.shortest_tree,
        kernels.bounded_reach,
        kernels.reached_segments,
        kernels.reach_grid,
    ):
        assert len(kernel.signatures) == 1
        assert len(kernel.signatures[0]) <= 8
