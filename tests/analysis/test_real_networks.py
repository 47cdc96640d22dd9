"""The engine against scipy on three real cities, whole number for whole number."""

from __future__ import annotations

from collections.abc import Callable

import naive_streets as naive
import numpy as np
import pytest
import shapely
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from yike import kernels
from yike.analysis.attachment import Attachment, attach
from yike.analysis.routing_graph import METRES, Adjacency, RoutingGraph, routing_graph
from yike.analysis.travel_time import UNREACHED, Places, bounded_times, chosen_profile, nearest_places, point_to_point
from yike.model.city import City
from yike.model.network import StreetNetwork

CITIES = ("porto_alegre", "las_palmas", "wuhan")
AT_LEAST = {"porto_alegre": (18_000, 25_000), "las_palmas": (20_000, 27_000), "wuhan": (65_000, 70_000)}  # nodes, segments
QUARTER_HOUR = 9000
Reader = Callable[[str], StreetNetwork]


def weighed(network: StreetNetwork, measure: str | None = None) -> RoutingGraph:
    return routing_graph(network, chosen_profile("adult"), measure=measure)


def matrix(edges: Adjacency, n: int) -> csr_matrix:
    """Return the edges for scipy, the lightest of parallel ones."""
    source = np.repeat(np.arange(n), np.diff(edges.start))
    return lightest(source, edges.node, edges.weight, n)


def lightest(source: np.ndarray, target: np.ndarray, weight: np.ndarray, n: int) -> csr_matrix:
    order = np.lexsort((weight, target, source))
    pair = np.asarray(source, np.int64)[order] * n + np.asarray(target, np.int64)[order]
    first = order[np.unique(pair, return_index=True)[1]]
    return csr_matrix((np.asarray(weight, float)[first], (np.asarray(source)[first], np.asarray(target)[first])), (n, n))


def scattered(network: StreetNetwork, count: int, seed: int) -> np.ndarray:
    """Scatter points beside the streets, some exactly on them."""
    rng = np.random.default_rng(seed)
    beside = rng.normal(0, 40, (count, 2)) * (rng.random((count, 1)) < 0.9)
    return network.shape_xy[rng.integers(0, len(network.shape_xy), count)] + beside


def connected(graph: RoutingGraph, xy: np.ndarray) -> Attachment:
    return attach(graph.network, xy, limit_m=graph.connection_limit_m, usable=graph.passable)


@pytest.mark.parametrize("city", CITIES)
def test_kernels_equal_scipy(city: str, real_network: Reader) -> None:
    network = real_network(city)
    assert network.node_count >= AT_LEAST[city][0]
    assert network.segment_count >= AT_LEAST[city][1]
    edges = weighed(network).inward
    n, rng = network.node_count, np.random.default_rng(1)
    seeds = rng.choice(n, 60, replace=False).astype(np.int32)
    free = np.zeros(len(seeds), np.int32)
    for limit, bound in ((QUARTER_HOUR, QUARTER_HOUR), (UNREACHED - 1, np.inf)):
        found = np.empty(n, np.int32)
        kernels.nearest_times(edges.start, edges.node, edges.weight, seeds, free, limit, found)
        expected = dijkstra(matrix(edges, n), indices=seeds, min_only=True, limit=bound)
        np.testing.assert_array_equal(found, np.where(np.isfinite(expected), expected, UNREACHED))
        labelled = np.empty(n, np.int64)
        kernels.nearest_seeds(edges.start, edges.node, edges.weight, seeds, free, np.arange(60, dtype=np.int32), limit, labelled)
        np.testing.assert_array_equal(labelled >> 32, found)
    assert (found < UNREACHED).mean() > 0.5


@pytest.mark.parametrize("city", CITIES)
def test_the_bounded_table_equals_scipy(city: str, real_network: Reader) -> None:
    graph = weighed(real_network(city))
    n = graph.network.node_count
    origins = connected(graph, scattered(graph.network, 25, 2))
    table = bounded_times(graph, origins, limit=QUARTER_HOUR)
    streets = naive.split_streets(graph, [origins])
    all_edges = np.array(streets.edges)
    ways = [ways[0] if ways else None for ways in streets.ways_in[0]]
    rows = [row for row, way in enumerate(ways) if way is not None]
    expected = dijkstra(lightest(*all_edges.T, streets.n), indices=[ways[row][0] for row in rows], limit=QUARTER_HOUR)
    assert len(rows) >= 20
    for row, times in zip(rows, expected[:, :n], strict=True):
        reached = np.flatnonzero(times + ways[row][1] <= QUARTER_HOUR)
        part = slice(table.start[row], table.start[row + 1])
        assert table.node[part].tolist() == reached.tolist()
        assert table.cost[part].tolist() == (times[reached] + ways[row][1]).astype(int).tolist()


def check_nearest_places(graph: RoutingGraph, *, points: int, entrances: int, classes: int, limit: int) -> int:
    """Compare the nearest place of each class with scipy on the graph that is really split; return how many were reached."""
    rng = np.random.default_rng(3)
    homes = connected(graph, scattered(graph.network, points, 4))
    doors = connected(graph, scattered(graph.network, entrances, 5))
    owner = np.sort(rng.integers(0, entrances // 2, entrances))
    class_no = rng.integers(0, classes, entrances // 2)
    table = nearest_places(graph, Places(doors, owner, class_no, classes), homes, limit=limit)
    streets = naive.split_streets(graph, [homes, doors])
    into = [(streets.n + door, node, cost) for door, ways in enumerate(streets.ways_in[1]) for node, cost in ways]
    start, end, weight = np.array(streets.edges).T
    outside, node, cost = np.array(into).T
    n = streets.n + entrances
    turned = lightest(np.concatenate([end, outside]), np.concatenate([start, node]), np.concatenate([weight, cost]), n)
    pairs = zip(*(part.tolist() for part in point_to_point(graph, homes, doors, limit=limit)), strict=True)
    cost_to = {}
    for home, door, time in pairs:
        key = home, int(owner[door])
        cost_to[key] = min(time, cost_to.get(key, time))
    for number in range(classes):
        seeds = np.unique(streets.n + np.flatnonzero(class_no[owner] == number))
        times = dijkstra(turned, indices=seeds, min_only=True, limit=limit)
        for home, ways in enumerate(streets.ways_in[0]):
            best = min([times[node] + cost for node, cost in ways], default=np.inf)
            found = int(table.cost[number, home]), int(table.place[number, home])
            if best > limit:
                assert found == (UNREACHED, -1)
            else:
                equals = [place for place in np.flatnonzero(class_no == number) if cost_to.get((home, place)) == best]
                assert found == (int(best), min(equals))
    return int((table.cost < UNREACHED).sum())


@pytest.mark.parametrize("city", CITIES)
def test_the_nearest_place_of_each_class_equals_scipy(city: str, real_network: Reader) -> None:
    graph = weighed(real_network(city))
    assert check_nearest_places(graph, points=300, entrances=400, classes=3, limit=QUARTER_HOUR) > 200


@pytest.mark.long
@pytest.mark.parametrize("measure", [None, METRES])
@pytest.mark.parametrize("city", CITIES)
def test_many_points_equal_scipy_in_time_and_metres(city: str, measure: str | None, real_network: Reader) -> None:
    graph = weighed(real_network(city), measure)
    assert check_nearest_places(graph, points=4000, entrances=3000, classes=8, limit=2 * QUARTER_HOUR) > 8000


@pytest.mark.parametrize("city", CITIES)
def test_connections_equal_trying_every_street(city: str, real_network: Reader) -> None:
    network = real_network(city)
    xy = scattered(network, 60, 6) + np.where(np.arange(60) % 6 == 0, 150.0, 0.0)[:, None]
    found = attach(network, xy, limit_m=200)
    positions = np.flatnonzero(network.attachable & (network.forward | network.backward))
    shapes = network.shapes(positions)
    for point, place in enumerate(shapely.points(xy)):
        metres = shapely.distance(place, shapes)
        assert found.connected[point] == (metres.min() <= 200)
        if found.connected[point]:
            row = found.start[point]
            assert found.connection_m[row] == pytest.approx(metres.min(), abs=1e-9)
            assert metres[positions == found.segment[row]] == pytest.approx(metres.min(), abs=1e-9)


def test_no_connection_of_a_real_city_crosses_water_or_rail(las_palmas: City) -> None:
    network, walls = las_palmas.networks["walk"], np.asarray(las_palmas.barriers["geometry"].to_numpy(), object)
    rng = np.random.default_rng(8)
    along = shapely.get_coordinates(walls)
    xy = along[rng.integers(0, len(along), 150)] + rng.normal(0, 40, (150, 2))
    found = attach(network, xy, limit_m=200, barriers=walls)
    positions = np.flatnonzero(network.attachable & (network.forward | network.backward))
    shapes = network.shapes(positions)
    turned_away = 0
    for point, place in enumerate(shapely.points(xy)):
        lines = shapely.shortest_line(place, shapes[shapely.dwithin(shapes, place, 200)])
        metres = shapely.length(lines)
        barred = walls[shapely.dwithin(walls, place, 200)]
        open_ = np.array([not shapely.crosses(line, barred).any() for line in lines], bool)
        expected = metres[open_].min() if open_.any() else np.inf
        assert found.connected[point] == np.isfinite(expected)
        if found.connected[point]:
            assert found.connection_m[found.start[point]] == pytest.approx(expected, abs=1e-9)
        turned_away += bool(len(metres) and metres.min() < expected - 1)
    assert turned_away >= 10
