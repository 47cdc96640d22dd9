"""Slow, obvious twins of the kernels, in plain Python."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

UNREACHED = 2**30

Edge = tuple[int, int, int]
"""An edge of a directed graph: start, end, weight."""

Seed = tuple[int, int]
"""A node and what it costs to begin there."""

Piece = tuple[float, float, float, float, float, float]
"""A reached stretch of street: x0, y0, t0, x1, y1, t1."""


def least_times(n: int, edges: Sequence[Edge], seeds: Sequence[Seed], cap: int) -> list[int]:
    """Return each node's least time from any seed, UNREACHED beyond the cap."""
    times = [UNREACHED] * n
    heap = [(cost, node) for node, cost in seeds]
    heapq.heapify(heap)
    while heap:
        time, node = heapq.heappop(heap)
        if time > cap or times[node] != UNREACHED:
            continue
        times[node] = time
        for start, end, weight in edges:
            if start == node:
                heapq.heappush(heap, (time + weight, end))
    return times


def least_labels(n: int, edges: Sequence[Edge], seeds: Sequence[Seed], labels: Sequence[int], cap: int) -> list[tuple[int, int]]:
    """Return each node's least time and the least label that attains it; (UNREACHED, 0) beyond the cap.

    One search a seed, then the least pair: no search has to carry labels.
    """
    best = [(UNREACHED, 0)] * n
    for seed, label in zip(seeds, labels, strict=True):
        for node, time in enumerate(least_times(n, edges, [seed], cap)):
            if time < UNREACHED:
                best[node] = min(best[node], (time, label))
    return best


def fewest_edges(n: int, edges: Sequence[Edge], seeds: Sequence[Seed], cap: int) -> list[tuple[int, int]]:
    """Return each node's least time and the fewest edges of any quickest route, by relaxing until nothing changes."""
    best = [(UNREACHED, 0)] * n
    for node, cost in seeds:
        if cost <= cap:
            best[node] = min(best[node], (cost, 0))
    changed = True
    while changed:
        changed = False
        for start, end, weight in edges:
            time, hops = best[start]
            if time < UNREACHED and time + weight <= cap and (time + weight, hops + 1) < best[end]:
                best[end] = (time + weight, hops + 1)
                changed = True
    return best


def arriving_edges(n: int, edges: Sequence[Edge], seeds: Sequence[Seed], cap: int) -> tuple[list[int], list[int]]:
    """Return times and, for each node, the least edge number that ends a quickest route with the fewest edges."""
    best = fewest_edges(n, edges, seeds, cap)
    arriving = [-1] * n
    for number in reversed(range(len(edges))):
        start, end, weight = edges[number]
        time, hops = best[start]
        if time < UNREACHED and best[end] == (time + weight, hops + 1):
            arriving[end] = number
    return [time for time, _ in best], arriving


def reach(n: int, edges: Sequence[Edge], sources: Sequence[Sequence[Seed]], cap: int) -> list[list[tuple[int, int]]]:
    """Return for each source the nodes within the cap and their times, by node number."""
    return [
        [(node, time) for node, time in enumerate(least_times(n, edges, seeds, cap)) if time < UNREACHED] for seeds in sources
    ]


def time_on_edge(edges: Sequence[Edge], times: Sequence[int], start: int, end: int, share: float) -> float:
    """Return the least time at a point of the straight line start -> end, walking in from either end."""
    found = math.inf
    for a, b, weight in edges:
        if (a, b) == (start, end) and times[a] < UNREACHED:
            found = min(found, times[a] + share * weight)
        if (a, b) == (end, start) and times[a] < UNREACHED:
            found = min(found, times[a] + (1 - share) * weight)
    return found


def lattice_times(
    pieces: Sequence[Piece], origin: tuple[float, float], cell_m: float, ds_per_m: float, shape: tuple[int, int]
) -> list[list[float]]:
    """Return the least time at each lattice point, walking straight from the best of many points of the pieces."""
    grid = [[math.inf] * shape[1] for _ in range(shape[0])]
    for x0, y0, t0, x1, y1, t1 in pieces:
        samples = 1 + int(20 * math.hypot(x1 - x0, y1 - y0) / cell_m)
        for k in range(samples + 1):
            share = k / samples
            x, y, time = x0 + share * (x1 - x0), y0 + share * (y1 - y0), t0 + share * (t1 - t0)
            for i in range(shape[0]):
                for j in range(shape[1]):
                    straight = math.hypot(origin[0] + j * cell_m - x, origin[1] + i * cell_m - y)
                    grid[i][j] = min(grid[i][j], time + straight * ds_per_m)
    return grid
