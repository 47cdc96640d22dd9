"""Circles: hand-made streets with known reach, a slow twin for the length reached, and a real city."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
from naive import least_times

from yike.analysis.attachment import Attachment, attach
from yike.analysis.circles import CELL_M, STRIP_M, _own_streets, _reached_lengths, circles, reach_outlines
from yike.analysis.routing_graph import METRES, RoutingGraph, routing_graph
from yike.analysis.travel_time import bounded_times, chosen_profile
from yike.errors import InputError, UnknownName
from yike.model.city import City
from yike.model.network import StreetNetwork

CRS = "EPSG:32651"


def streets(
    points: dict[int, tuple[float, float]], pairs: list[tuple[int, int]], *, oneway: list[bool] | None = None
) -> StreetNetwork:
    nodes = pd.DataFrame([(name, *xy) for name, xy in points.items()], columns=["id", "x", "y"])
    edges = pd.DataFrame(pairs, columns=["source", "target"])
    edges["length_m"] = [float(np.hypot(*np.subtract(points[a], points[b]))) for a, b in pairs]
    if oneway is not None:
        edges["oneway"] = oneway
    return StreetNetwork.from_edges(nodes, edges, crs=CRS)


def by_length(network: StreetNetwork) -> RoutingGraph:
    return routing_graph(network, chosen_profile("adult"), measure=METRES)


def metres_reached(graph: RoutingGraph, points: Attachment, limits_m: list[float]) -> np.ndarray:
    limits = np.array([round(10 * value) for value in limits_m])
    table = bounded_times(graph, points, limit=int(limits.max()), threads=1)
    return _reached_lengths(graph, table, _own_streets(graph, points, None), limits)


def drawn(network: StreetNetwork, xy: list[tuple[float, float]], limits_m: list[float], *, threads: int = 1) -> np.ndarray:
    graph = by_length(network)
    points = attach(network, np.array(xy), limit_m=200.0)
    limits = [round(10 * value) for value in limits_m]
    return reach_outlines(graph, points, limits=limits, xy=np.array(xy), threads=threads)


@pytest.fixture
def cross() -> StreetNetwork:
    arms = {0: (0.0, 0.0), 1: (1000.0, 0.0), 2: (0.0, 1000.0), 3: (-1000.0, 0.0), 4: (0.0, -1000.0)}
    return streets(arms, [(0, 1), (0, 2), (0, 3), (0, 4)])


@pytest.fixture
def block() -> StreetNetwork:
    corners = {0: (0.0, 0.0), 1: (400.0, 0.0), 2: (400.0, 400.0), 3: (0.0, 400.0)}
    return streets(corners, [(0, 1), (1, 2), (2, 3), (3, 0)])


def test_the_outline_of_a_cross_follows_its_arms(cross: StreetNetwork) -> None:
    outline = drawn(cross, [(0.0, 0.0)], [300.0])[0, 0]
    inside = [(0, 0), (300, 0), (-300, 0), (0, 299), (150, 70), (60, 60)]
    outside = [(355, 0), (0, -355), (200, 105), (150, 150), (1000, 0)]
    assert outline.is_valid
    assert [shapely.contains_xy(outline, *spot) for spot in inside] == [True] * len(inside)
    assert [shapely.contains_xy(outline, *spot) for spot in outside] == [False] * len(outside)
    # Four arms of a 150 m strip, less the common square counted four times, give or take a cell around the edge.
    assert outline.area == pytest.approx(4 * 300 * 150 - 3 * 75 * 75, rel=0.12)


def test_outlines_grow_with_the_limit(cross: StreetNetwork) -> None:
    small, middle, large = drawn(cross, [(20.0, 30.0)], [100.0, 250.0, 800.0])[0]
    assert small.area < middle.area < large.area
    assert middle.buffer(0.5).covers(small)
    assert large.buffer(0.5).covers(middle)


def test_each_limit_is_drawn_as_if_it_were_alone(cross: StreetNetwork) -> None:
    together = drawn(cross, [(20.0, 30.0), (0.0, 500.0)], [100.0, 250.0, 800.0])
    for number, limit in enumerate([100.0, 250.0, 800.0]):
        alone = drawn(cross, [(20.0, 30.0), (0.0, 500.0)], [limit])
        assert list(shapely.to_wkb(together[:, number])) == list(shapely.to_wkb(alone[:, 0]))


def test_the_inside_of_a_large_block_stays_a_hole(block: StreetNetwork) -> None:
    outline = drawn(block, [(200.0, 0.0)], [900.0])[0, 0]
    assert [len(part.interiors) for part in outline.geoms] == [1]
    assert not shapely.contains_xy(outline, 200.0, 200.0)
    assert shapely.contains_xy(outline, 200.0, 400.0)


def test_the_other_bank_of_a_river_is_not_drawn() -> None:
    banks = {0: (0.0, 0.0), 1: (600.0, 0.0), 2: (0.0, 180.0), 3: (600.0, 180.0), 4: (3000.0, 0.0), 5: (3000.0, 180.0)}
    network = streets(banks, [(0, 1), (2, 3), (1, 4), (4, 5), (5, 3)])
    outline = drawn(network, [(100.0, 0.0)], [900.0])[0, 0]
    assert not shapely.contains_xy(outline, 100.0, 120.0)
    assert not shapely.intersects(outline, shapely.LineString([banks[2], banks[3]]))


def test_the_origin_and_its_way_to_the_street_are_inside(cross: StreetNetwork) -> None:
    outline = drawn(cross, [(500.0, 150.0)], [200.0])[0, 0]
    assert shapely.contains_xy(outline, 500.0, 150.0)
    assert shapely.contains_xy(outline, 549.0, 0.0)
    assert not shapely.contains_xy(outline, 600.0, 0.0)


def test_an_origin_without_street_has_no_outline(cross: StreetNetwork) -> None:
    outlines = drawn(cross, [(500.0, 500.0), (10.0, 0.0)], [300.0])
    assert outlines[0, 0] is None
    assert outlines[1, 0].area > 0


def test_a_limit_that_ends_before_the_street_has_no_outline_of_streets(cross: StreetNetwork) -> None:
    graph = by_length(cross)
    points = attach(cross, np.array([[500.0, 150.0]]), limit_m=200.0)
    outlines = reach_outlines(graph, points, limits=[1000, 1600], threads=1)
    assert outlines[0, 0] is None
    assert outlines[0, 1].area > 0


def test_threads_and_order_do_not_change_outlines(cross: StreetNetwork) -> None:
    xy = [(float(step), 10.0) for step in range(-400, 401, 50)]
    one = drawn(cross, xy, [200.0, 400.0], threads=1)
    two = drawn(cross, xy, [200.0, 400.0], threads=2)
    turned = drawn(cross, xy[::-1], [200.0, 400.0], threads=2)[::-1]
    assert [shapely.to_wkb(shape) for shape in one.ravel()] == [shapely.to_wkb(shape) for shape in two.ravel()]
    assert [shapely.to_wkb(shape) for shape in one.ravel()] == [shapely.to_wkb(shape) for shape in turned.ravel()]


def test_length_reached_on_a_cross(cross: StreetNetwork) -> None:
    points = attach(cross, np.array([[0.0, 0.0], [400.0, 20.0]]), limit_m=200.0)
    reached = metres_reached(by_length(cross), points, [300.0, 620.0])
    # From 400 m out and 20 m off the street: 280 m both ways; then 600 m on along the arm to its end and 200 m into three arms.
    assert reached == pytest.approx(np.array([[1200.0, 2480.0], [560.0, 600.0 + 400.0 + 600.0]]))


def test_streets_met_from_both_sides_count_once(block: StreetNetwork) -> None:
    points = attach(block, np.array([[200.0, 0.0]]), limit_m=200.0)
    assert metres_reached(by_length(block), points, [799.0, 801.0, 5000.0])[0] == pytest.approx([1598.0, 1600.0, 1600.0])


def test_a_one_way_street_of_the_origin_is_entered_again_from_its_tail() -> None:
    corners = {0: (0.0, 0.0), 1: (200.0, 0.0), 2: (100.0, 200.0)}
    network = streets(corners, [(0, 1), (1, 2), (2, 0)], oneway=[True, False, False])
    points = attach(network, np.array([[100.0, 0.0]]), limit_m=50.0)
    around = 2 * round(float(np.hypot(100, 200)), 1)
    reached = metres_reached(by_length(network), points, [60.0, 100.0 + around + 50.0])[0]
    assert reached == pytest.approx([60.0, 100.0 + around + 50.0])


@pytest.mark.parametrize("seed", range(12))
def test_length_reached_equals_counting_sampled_spots(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = {i: (float(x), float(y)) for i, (x, y) in enumerate(rng.integers(0, 400, (9, 2)))}
    pairs = [(int(a), int(b)) for a, b in rng.integers(0, 9, (16, 2)) if a != b and places[int(a)] != places[int(b)]]
    network = streets(places, pairs, oneway=list(rng.random(len(pairs)) < 0.3))
    graph = by_length(network)
    points = attach(network, rng.uniform(0, 400, (6, 2)), limit_m=300.0)
    limits_m = [90.0, 260.0, 700.0]
    found = metres_reached(graph, points, limits_m)
    expected = np.array([[sampled_metres(graph, points, i, round(10 * limit)) for limit in limits_m] for i in range(6)])
    assert found == pytest.approx(expected, abs=0.4 * network.segment_count)


def sampled_metres(graph: RoutingGraph, points: Attachment, point: int, limit: int) -> float:
    """Count the reached among 500 spots on every street, each reached from either end or directly from the origin."""
    network, row = graph.network, points.start[point]
    own, f = int(points.segment[row]), float(points.fraction[row])
    connection = int(np.rint(points.connection_m[row] * graph.units_per_m))
    ahead, back = graph.forward_weight.astype(float), graph.backward_weight.astype(float)
    edges = [(int(a), int(b), int(w)) for a, b, w in zip(network.tail, network.head, ahead, strict=True) if w >= 0]
    edges += [(int(b), int(a), int(w)) for a, b, w in zip(network.tail, network.head, back, strict=True) if w >= 0]
    seeds = [(int(network.head[own]), connection + int(ahead[own] - np.rint(ahead[own] * f)))] if ahead[own] >= 0 else []
    seeds += [(int(network.tail[own]), connection + int(np.rint(back[own] * f)))] if back[own] >= 0 else []
    seeds += [(int(network.tail[own]), connection)] if f == 0 else [(int(network.head[own]), connection)] if f == 1 else []
    node = np.array(least_times(network.node_count, edges, seeds, limit), float)
    spots = (np.arange(500) + 0.5) / 500
    total = 0.0
    for s in range(network.segment_count):
        cost = np.full(500, np.inf)
        if ahead[s] >= 0:
            cost = np.minimum(cost, node[network.tail[s]] + spots * ahead[s])
        if back[s] >= 0:
            cost = np.minimum(cost, node[network.head[s]] + (1 - spots) * back[s])
        if s == own and ahead[s] >= 0:
            cost = np.where(spots >= f, np.minimum(cost, connection + (spots - f) * ahead[s]), cost)
        if s == own and back[s] >= 0:
            cost = np.where(spots <= f, np.minimum(cost, connection + (f - spots) * back[s]), cost)
        total += float((cost <= limit).mean()) * network.length_dm[s] / 10
    return total


def two_unit_city(network: StreetNetwork) -> City:
    units = pd.DataFrame(
        {"unit_id": ["b", "a"], "name": ["东", "远"], "centre_x": [0.0, 5000.0], "centre_y": [0.0, 5000.0]},
    )
    return City(title="cross", crs=CRS, networks={"walk": network}).replace(units=units)


def test_circles_of_a_city(cross: StreetNetwork) -> None:
    table = circles(two_unit_city(cross), minutes=(3, 5))
    assert list(table.columns) == ["unit_id", "minutes", "area_km2", "reached_m", "geometry"]
    assert list(zip(table["unit_id"], table["minutes"], strict=True)) == [("a", 3.0), ("a", 5.0), ("b", 3.0), ("b", 5.0)]
    assert table["geometry"].isna().tolist() == [True, True, False, False]
    assert table["reached_m"].isna().tolist() == [True, True, False, False]
    speed = chosen_profile("adult").number("speed_m_s")
    assert table["reached_m"].to_numpy()[2:] == pytest.approx([4 * 180 * speed, 4 * 300 * speed], rel=1e-3)
    assert table["area_km2"].to_numpy()[2:] == pytest.approx([shape.area / 1e6 for shape in table["geometry"][2:]])
    only = circles(two_unit_city(cross), minutes=(5,), units=["b"])
    assert only["reached_m"].tolist() == table["reached_m"].tolist()[3:]


def test_unknown_units_and_bad_minutes_are_refused(cross: StreetNetwork) -> None:
    city = two_unit_city(cross)
    with pytest.raises(UnknownName, match="“x”"):
        circles(city, units=["a", "x"])
    with pytest.raises(InputError, match="minutes"):
        circles(city, minutes=(5, 0))
    with pytest.raises(InputError, match="cycle"):
        circles(city, profile="bicycle")
    with pytest.raises(UnknownName, match="snail"):
        circles(city, profile="snail")


def test_outlines_of_a_real_city_hold_what_is_reached_and_nothing_far_from_it(real_data) -> None:
    from yike.sources.osm import read_osm

    network = read_osm(real_data("porto-alegre/poa_osm.pbf"), mode="walk")
    graph = routing_graph(network, chosen_profile("adult"))
    rng = np.random.default_rng(7)
    xy = network.node_xy[rng.choice(network.node_count, 60)] + rng.normal(0, 30, (60, 2))
    points = attach(network, xy, limit_m=graph.connection_limit_m)
    table = bounded_times(graph, points, limit=9000)
    outlines = reach_outlines(graph, points, limits=[9000], xy=xy)[:, 0]
    assert shapely.is_valid(outlines).all()
    for i in range(60):
        reached = table.node[table.start[i] : table.start[i + 1]]
        assert shapely.contains_xy(outlines[i], network.node_xy[reached]).all()
        touched = np.isin(network.tail, reached) | np.isin(network.head, reached)
        lines = network.node_xy[np.stack([network.tail[touched], network.head[touched]], axis=1)]
        around = [*shapely.linestrings(lines), network.shapes()[points.segment[i]], shapely.Point(xy[i])]
        inside = shapely.points(network.node_xy[shapely.contains_xy(outlines[i], network.node_xy)])
        assert shapely.distance(shapely.union_all(around), inside).max() <= STRIP_M + CELL_M
    assert shapely.area(outlines).max() < np.pi * (900 * 1.1 + STRIP_M) ** 2
