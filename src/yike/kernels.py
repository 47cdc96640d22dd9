"""Street-graph kernels: arrays in, arrays out, nothing of ours imported.

Every kernel takes a directed graph as compressed rows: `indptr` (n + 1), `indices` (m), `weights` (m). Weights and costs
lie in 0 .. UNREACHED in any integer unit (deciseconds for times, decimetres for lengths); this file says *time* for both. To run
towards the seeds instead of away from them, pass the reversed graph. Read-only arrays are accepted as input.

One search stands behind all of them: a circular bucket queue (Dial 1969, doi:10.1145/363269.363610) whose buckets are
wider than one unit and are repeated until no key inside improves, so results are exact integers for any bucket width.
An improved node is queued anew and its older entries are dropped when they come up; entries are used again.
A search orders nodes by a *key*: the time alone, or `time << 32 | rest`, where the rest (a label or a number of edges)
decides between equal times. Numbering the nodes along a space-filling curve makes every kernel several times faster.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

UNREACHED = np.int32(2**30)
"""Time of a node that no seed reaches within the cap; every true time is smaller."""

_WIDTH_BITS = 6  # buckets of 64 units: the quickest of 16..256 at 800,000 nodes
_MOST_SLOTS = 1 << 16  # a longer span gets wider buckets instead of a longer ring
_SMALL_SPAN = 1 << 16  # below this the cap itself is a good enough bound of the longest step
_POOL = 4096  # queue entries to begin with
_DE_BRUIJN = np.int64(0x03F79D71B4CB0A89)  # its top six bits differ for each of 64 shifts: finds a lone bit's place
_BIT_PLACE = np.zeros(64, np.int64)
_BIT_PLACE[[((0x03F79D71B4CB0A89 << place) & (2**64 - 1)) >> 58 for place in range(64)]] = np.arange(64)
_SQRT2 = np.float64(2.0**0.5)

Function = TypeVar("Function", bound=Callable[..., Any])
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float64]
Number = Any  # inside kernels: a machine number of whatever width numba infers

_IN = types.Array(types.int32, 1, "C", readonly=True)
_IN8 = types.Array(types.int64, 1, "C", readonly=True)
_XY = types.Array(types.float64, 2, "C", readonly=True)
_OUT = types.int32[::1]
_OUT8 = types.int64[::1]
_GRAPH = (_IN, _IN, _IN)


def _kernel(result: Any, *arguments: Any) -> Callable[[Function], Function]:
    """Compile a public kernel for exactly these types, cached on disk and without the interpreter lock."""
    return cast(Callable[[Function], Function], njit(result(*arguments), cache=True, nogil=True))


def _part(function: Function) -> Function:
    """Compile a part of kernels, specialised by whoever calls it."""
    return cast(Function, njit(cache=True, nogil=True)(function))


@_part
def _buckets(weights: Ints, seed_cost: Ints, cap: Number) -> Any:
    """Return the empty ring of buckets, long enough for each step and seed, and the width of a bucket in bits."""
    span = np.int64(0)
    if cap <= _SMALL_SPAN:
        span = np.int64(max(cap, 0))
    else:
        for weight in weights:
            span = max(span, np.int64(weight))
        for cost in seed_cost:
            if cost <= cap:
                span = max(span, np.int64(cost))
        span = min(span, np.int64(cap))
    bits = np.int64(_WIDTH_BITS)
    while (span >> bits) + 2 > _MOST_SLOTS:
        bits += 1
    slots = 1
    while slots < (span >> bits) + 2:
        slots *= 2
    return np.full(slots, -1, np.int32), bits


@_part
def _grown(pool: Any, length: Number) -> Any:
    """Return a copy of the pool with room for `length` entries."""
    larger = np.empty((length, 3), pool.dtype)
    for i in range(len(pool)):
        for j in range(3):
            larger[i, j] = pool[i, j]
    return larger


@_part
def _mark(node: Number, marks: Any) -> None:
    """Note a node in a two-level bitmap of 64 nodes a word and 64 words a page."""
    words, pages = marks
    words[node >> 6] |= np.int64(1) << (node & 63)
    pages[node >> 12] |= np.int64(1) << ((node >> 6) & 63)


@_part
def _search(graph: Any, key: Any, queue: Any, form: Any, state: Any, marks: Any) -> Any:
    """Lower the keys of all nodes that the queue leads to; return the state, with entries waiting if the pool is full.

    `queue` is (head, pool): the first entry of each bucket, and entries (node, next entry, key). An entry whose key is no
    longer its node's key is stale. `form` is (bits, lift, step): a key's bucket is `key >> bits`, an edge adds
    `(weight << lift) + step`. `state` is (waiting entries, bucket, first free entry, entries used). Keys start at one more
    than the largest allowed, so that one comparison serves both cap and improvement. `marks` is None or a bitmap.
    """
    indptr, indices, weights = graph
    head, pool = queue
    bits, lift, step = form
    waiting, bucket, free, used = state
    mask = len(head) - 1
    while waiting > 0:
        slot = bucket & mask
        entry = np.int64(head[slot])
        while entry >= 0:
            node = pool[entry, 0]
            first, last = indptr[node], indptr[node + 1]
            if used + last - first > len(pool):
                return waiting, bucket, free, used
            base = np.int64(pool[entry, 2])
            head[slot] = pool[entry, 1]
            pool[entry, 1] = free
            free = entry
            waiting -= 1
            if base == key[node]:
                for edge in range(first, last):
                    target = indices[edge]
                    new = base + (np.int64(weights[edge]) << lift) + step
                    if new < key[target]:
                        key[target] = new
                        if marks is not None:
                            _mark(target, marks)
                        fresh = free
                        if free >= 0:
                            free = np.int64(pool[fresh, 1])
                        else:
                            fresh = used
                            used += 1
                        into = (new >> bits) & mask
                        pool[fresh, 0], pool[fresh, 1], pool[fresh, 2] = target, head[into], new
                        head[into] = fresh
                        waiting += 1
            entry = np.int64(head[slot])
        bucket += 1
    return waiting, bucket, free, used


@_part
def _run(graph: Any, seeds: Any, key: Any, queue: Any, form: Any, marks: Any) -> Any:
    """Queue every seed (node, cost, rest of its key) that improves a key, search, and return the pool, perhaps grown."""
    seed_node, seed_cost, rest = seeds
    head, pool = queue
    bits, lift, _ = form
    if len(seed_node) > len(pool):
        pool = _grown(pool, 2 * len(seed_node))
    waiting, bucket = np.int64(0), np.int64(2**62)
    for i in range(len(seed_node)):
        node, new = seed_node[i], (np.int64(seed_cost[i]) << lift) | np.int64(rest[i])
        if new < key[node]:
            key[node] = new
            if marks is not None:
                _mark(node, marks)
            into = (new >> bits) & (len(head) - 1)
            pool[waiting, 0], pool[waiting, 1], pool[waiting, 2] = node, head[into], new
            head[into] = waiting
            waiting += 1
            bucket = min(bucket, new >> bits)
    state = _search(graph, key, (head, pool), form, (waiting, bucket, np.int64(-1), waiting), marks)
    while state[0] > 0:
        pool = _grown(pool, 2 * len(pool))
        state = _search(graph, key, (head, pool), form, state, marks)
    return pool


@_part
def _bounded(cap: Number) -> Number:
    """Return the cap brought into -1 .. UNREACHED - 1."""
    return max(np.int64(-1), min(np.int64(cap), np.int64(UNREACHED) - 1))


@_kernel(types.void, *_GRAPH, _IN, _IN, types.int64, _OUT)
def nearest_times(indptr: Ints, indices: Ints, weights: Ints, seed_node: Ints, seed_cost: Ints, cap: int, out: Ints) -> None:
    """Write each node's least time from any seed into `out` (n); UNREACHED where it exceeds `cap`.

    out[v] = min over seeds s of seed_cost[s] + d(seed_node[s], v). Seeds (k) may repeat a node; a seed dearer than the
    cap is ignored. The result does not depend on the order of seeds or edges.
    """
    limit = _bounded(cap)
    head, bits = _buckets(weights, seed_cost, limit)
    queue = (head, np.empty((_POOL, 3), np.int32))
    out[:] = limit + 1
    no_rest = np.zeros(len(seed_node), np.int32)
    _run((indptr, indices, weights), (seed_node, seed_cost, no_rest), out, queue, (bits, 0, 0), None)
    for node in range(len(out)):
        if out[node] > limit:
            out[node] = UNREACHED


@_kernel(types.void, types.UniTuple(_IN, 3), types.UniTuple(_IN, 3), types.int64, types.int64, _OUT8)
def _search_keys(graph: Any, seeds: Any, cap: Number, step: Number, key: Longs) -> None:
    """Fill `key` (n) with the least `time << 32 | rest`; unreached nodes get `UNREACHED << 32`."""
    limit = _bounded(cap)
    head, bits = _buckets(graph[2], seeds[1], limit)
    first_beyond = np.int64(limit + 1) << 32
    key[:] = first_beyond
    _run(graph, seeds, key, (head, np.empty((_POOL, 3), np.int64)), (bits + 32, 32, step), None)
    for node in range(len(key)):
        if key[node] >= first_beyond:
            key[node] = np.int64(UNREACHED) << 32


@_kernel(types.void, *_GRAPH, _IN, _IN, _IN, types.int64, _OUT8)
def nearest_seeds(
    indptr: Ints, indices: Ints, weights: Ints, seed_node: Ints, seed_cost: Ints, seed_label: Ints, cap: int, out: Longs
) -> None:
    """Write each node's least (time, label) as `time << 32 | label` into `out` (n); unreached is `UNREACHED << 32`.

    Labels (k, >= 0) may repeat, e.g. the two ends of one attachment. Among seeds at equal time the least label wins,
    also along edges of weight zero.
    """
    _search_keys((indptr, indices, weights), (seed_node, seed_cost, seed_label), cap, 0, out)


@_kernel(types.void, *_GRAPH, _IN, _IN, types.int64, _OUT, _OUT)
def shortest_tree(
    indptr: Ints, indices: Ints, weights: Ints, seed_node: Ints, seed_cost: Ints, cap: int, dist_out: Ints, edge_out: Ints
) -> None:
    """Write least times as `nearest_times` does, and for each node the edge by which the route arrives there.

    Among the quickest routes the one with the fewest edges is kept, and among those the arriving edge of least number
    (hence, rows being sorted by their start, the start of least number). `edge_out` (n) is -1 at unreached nodes and
    where a route begins with a seed. Following the starts of `edge_out` always ends at a seed: the pair (time, number
    of edges) falls at every step, even along edges of weight zero.
    """
    no_rest = np.zeros(len(seed_node), np.int32)
    key = np.empty(len(dist_out), np.int64)
    _search_keys((indptr, indices, weights), (seed_node, seed_cost, no_rest), cap, 1, key)
    edge_out[:] = -1
    for node in range(len(key)):
        dist_out[node] = key[node] >> 32
        if dist_out[node] < UNREACHED:
            for edge in range(indptr[node], indptr[node + 1]):
                target = indices[edge]
                arrival = key[node] + (np.int64(weights[edge]) << 32) + 1
                if edge_out[target] < 0 and arrival == key[target]:
                    edge_out[target] = edge


@_part
def _lowest_bit(word: Number) -> Number:
    """Return the place of the lowest set bit."""
    return _BIT_PLACE[((word & -word) * _DE_BRUIJN >> 58) & 63]


@_part
def _emit(base: Number, word: Number, key: Any, beyond: Number, found: Any, filled: Number) -> Number:
    """Append the nodes of one bitmap word with their times, forget their keys and return the new length."""
    node_out, time_out = found
    while word != 0:
        node = base + _lowest_bit(word)
        word &= word - 1
        node_out[filled] = node
        time_out[filled] = key[node]
        key[node] = beyond
        filled += 1
    return filled


@_part
def _longer(values: Any, length: Number) -> Any:
    """Return a copy with room for `length` values; untouched room costs no memory until written."""
    grown = np.empty(length, np.int32)
    for i in range(len(values)):  # a slice assignment would double the compile time of this file
        grown[i] = values[i]
    return grown


@_kernel(types.Tuple((_OUT8, _OUT, _OUT)), *_GRAPH, _IN8, _IN, _IN, types.int64)
def bounded_reach(
    indptr: Ints, indices: Ints, weights: Ints, source_ptr: Longs, seed_node: Ints, seed_cost: Ints, cap: int
) -> tuple[Longs, Ints, Ints]:
    """Return (ptr, node, time): for each source all nodes within `cap`, in ascending node number, with their times.

    Source i owns the seeds source_ptr[i] : source_ptr[i + 1] (s + 1 entries) and the results ptr[i] : ptr[i + 1]. The
    work is proportional to the nodes reached (plus n / 4096 a source), after about 5 bytes a node are set up once a
    call; hence pass many sources at a time, sorted by node number, and split them over threads in large pieces.
    """
    n = len(indptr) - 1
    sources = len(source_ptr) - 1
    limit = _bounded(cap)
    beyond = limit + 1
    head, bits = _buckets(weights, seed_cost, limit)
    pool = np.empty((_POOL, 3), np.int32)
    key = np.full(n, beyond, np.int32)
    words, pages = np.zeros((n >> 6) + 1, np.int64), np.zeros((n >> 12) + 1, np.int64)
    no_rest = np.zeros(len(seed_node), np.int32)
    ptr = np.zeros(sources + 1, np.int64)
    nodes, times = np.empty(4096, np.int32), np.empty(4096, np.int32)
    filled = np.int64(0)
    for i in range(sources):
        low, high = source_ptr[i], source_ptr[i + 1]
        seeds = (seed_node[low:high], seed_cost[low:high], no_rest[low:high])
        pool = _run((indptr, indices, weights), seeds, key, (head, pool), (bits, 0, 0), (words, pages))
        for page in range(len(pages)):
            while pages[page] != 0:
                word = (page << 6) + _lowest_bit(pages[page])
                pages[page] &= pages[page] - 1
                if filled + 64 > len(nodes):
                    nodes, times = _longer(nodes, 2 * len(nodes)), _longer(times, 2 * len(nodes))
                filled = _emit(word << 6, words[word], key, beyond, (nodes, times), filled)
                words[word] = 0
        ptr[i + 1] = filled
    return ptr, nodes[:filled], times[:filled]


@_part
def _least_weight(graph: Any, start: Number, end: Number) -> Number:
    """Return the least weight of the edges start -> end, or -1 where there is none."""
    indptr, indices, weights = graph
    least = np.int64(-1)
    for edge in range(indptr[start], indptr[start + 1]):
        if indices[edge] == end and (least < 0 or weights[edge] < least):
            least = np.int64(weights[edge])
    return least


@_part
def _walked_share(start_time: Number, weight: Number, end_time: Number, back: Number, cap: Number) -> Number:
    """Return the share of an edge over which coming from its start is quickest and within the cap (0 .. 1).

    From the start a point at share f is reached at start_time + f * weight, from the end at end_time + (1 - f) * back
    (back < 0: no way back). The two meet at f = (end_time + back - start_time) / (weight + back).
    """
    share = 1.0
    if weight > 0:
        share = min(1.0, (cap - start_time) / weight)
    if back >= 0 and end_time <= cap and weight + back > 0:
        share = min(share, (end_time + back - start_time) / (weight + back))
    return max(share, 0.0)


@_kernel(types.float64[:, ::1], *_GRAPH, _XY, _IN, _IN, types.int64, _OUT)
def reached_segments(
    indptr: Ints, indices: Ints, weights: Ints, node_xy: Floats, node: Ints, time: Ints, cap: int, scratch: Ints
) -> Floats:
    """Return the reached pieces of all edges as rows (x0, y0, t0, x1, y1, t1) with t1 <= cap, m rows.

    `node` and `time` (r) are one source's part of a bounded reach; `node_xy` (n, 2) are metres; `scratch` (n) must be
    filled with UNREACHED and is left so. Edges count as straight lines (for display only). A street passable both ways
    is cut where its two ends' times meet, so that each stretch appears once, with its least time. The way from an
    origin inside a street to that street's ends is the caller's to add.
    """
    graph = (indptr, indices, weights)
    rows = 0
    for i in range(len(node)):
        scratch[node[i]] = time[i]
        rows += indptr[node[i] + 1] - indptr[node[i]]
    pieces = np.empty((rows, 6), np.float64)
    m = 0
    for i in range(len(node)):
        start, t0 = node[i], np.int64(time[i])
        x0, y0 = node_xy[start, 0], node_xy[start, 1]
        for edge in range(indptr[start], indptr[start + 1]):
            end, weight = indices[edge], np.int64(weights[edge])
            back = np.int64(-1)
            if scratch[end] <= cap:
                back = _least_weight(graph, end, start)
            share = _walked_share(t0, weight, np.int64(scratch[end]), back, cap)
            if end == start or share <= 0.0 or (weight == 0 and back == 0 and end < start):
                continue
            pieces[m, 0], pieces[m, 1], pieces[m, 2] = x0, y0, t0
            pieces[m, 3] = x0 + share * (node_xy[end, 0] - x0)
            pieces[m, 4] = y0 + share * (node_xy[end, 1] - y0)
            pieces[m, 5] = t0 + share * weight
            m += 1
    for i in range(len(node)):
        scratch[node[i]] = UNREACHED
    return pieces[:m]


@_part
def _spread_rows(row: Any, other: Any, side: Number, diagonal: Number) -> None:
    """Lower one grid row by what comes straight and slanting from a neighbouring row."""
    last = len(row) - 1
    for j in range(last + 1):
        row[j] = min(row[j], other[j] + side)
    for j in range(last):
        row[j] = min(row[j], other[j + 1] + diagonal)
    for j in range(1, last + 1):
        row[j] = min(row[j], other[j - 1] + diagonal)


@_part
def _spread(grid: Any, side: Number, diagonal: Number) -> None:
    """Spread times to all cells by the two passes of a 3 x 3 chamfer."""
    rows, columns = grid.shape
    for i in range(rows):
        row = grid[i]
        if i > 0:
            _spread_rows(row, grid[i - 1], side, diagonal)
        for j in range(1, columns):
            row[j] = min(row[j], row[j - 1] + side)
    for i in range(rows - 1, -1, -1):
        row = grid[i]
        if i < rows - 1:
            _spread_rows(row, grid[i + 1], side, diagonal)
        for j in range(columns - 2, -1, -1):
            row[j] = min(row[j], row[j + 1] + side)


@_part
def _stamp(grid: Any, x: Number, y: Number, time: Number, unit: Number) -> None:
    """Lower the four lattice points around (x, y), given in cells, by a straight walk of `unit` a cell."""
    rows, columns = grid.shape
    left, low = int(np.floor(x)), int(np.floor(y))
    for i in range(max(low, 0), min(low + 2, rows)):
        for j in range(max(left, 0), min(left + 2, columns)):
            there = np.float32(time + unit * np.sqrt((x - j) * (x - j) + (y - i) * (y - i)))
            grid[i, j] = min(grid[i, j], there)


@_kernel(types.void, _XY, *(types.float64,) * 4, types.float32[:, ::1])
def reach_grid(
    segments: Floats, origin_x: float, origin_y: float, cell_m: float, ds_per_m: float, grid: NDArray[np.float32]
) -> None:
    """Write the least time at each lattice point (origin_x + j * cell_m, origin_y + i * cell_m) into `grid` (ny, nx).

    `segments` (m, 6) are pieces (x0, y0, t0, x1, y1, t1), time being linear along each; from the streets it spreads at
    `ds_per_m` a metre, first to the lattice points around samples at most one cell apart, then by two chamfer passes
    with steps 1 and sqrt 2 (Borgefors 1986, doi:10.1016/S0734-189X(86)80047-0; at most 8.2 % too long). Samples
    outside the lattice are ignored. For display only; without any segment the grid is infinite.
    """
    grid[:] = np.float32(np.inf)
    unit = cell_m * ds_per_m
    for k in range(len(segments)):
        x0, y0, t0 = (segments[k, 0] - origin_x) / cell_m, (segments[k, 1] - origin_y) / cell_m, segments[k, 2]
        dx, dy = (segments[k, 3] - segments[k, 0]) / cell_m, (segments[k, 4] - segments[k, 1]) / cell_m
        rise = segments[k, 5] - t0
        steps = int(np.ceil(np.sqrt(dx * dx + dy * dy)))
        _stamp(grid, x0, y0, t0, unit)
        for step in range(1, steps + 1):
            share = step / steps
            _stamp(grid, x0 + share * dx, y0 + share * dy, t0 + share * rise, unit)
    _spread(grid, np.float32(unit), np.float32(unit * _SQRT2))


def warm() -> None:
    """Touch every kernel once on two nodes, so that later calls neither compile nor load."""
    indptr, indices, weights = (np.array(values, np.int32) for values in ([0, 1, 2], [1, 0], [3, 3]))
    seed, cost, out, edge = np.zeros(1, np.int32), np.zeros(1, np.int32), np.empty(2, np.int32), np.empty(2, np.int32)
    nearest_times(indptr, indices, weights, seed, cost, 9, out)
    nearest_seeds(indptr, indices, weights, seed, cost, seed, 9, np.empty(2, np.int64))
    shortest_tree(indptr, indices, weights, seed, cost, 9, out, edge)
    _, node, time = bounded_reach(indptr, indices, weights, np.array([0, 1], np.int64), seed, cost, 9)
    xy = np.array([[0.0, 0.0], [30.0, 0.0]])
    pieces = reached_segments(indptr, indices, weights, xy, node, time, 9, np.full(2, UNREACHED, np.int32))
    reach_grid(pieces, 0.0, 0.0, 25.0, 10.0, np.empty((2, 2), np.float32))
