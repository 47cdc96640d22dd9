"""Routes: the quickest way of one pair, by hand and against the table of all pairs."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from small_city import streets
from street_cases import StreetCase, points, round_profile, street_cases

from yike.analysis.attachment import Attachment, attach
from yike.analysis.routes import Route, routes_from
from yike.analysis.routing_graph import RoutingGraph, routing_graph
from yike.analysis.travel_time import point_to_point
from yike.model.network import StreetNetwork


def way(network: StreetNetwork, start: tuple[float, float], *ends: tuple[float, float], limit: int = 100_000) -> Route | None:
    """Find the way from a point to the nearest of one place's entrances."""
    graph = routing_graph(network, round_profile())
    origin, destination = attached(graph, points(start)), attached(graph, points(*ends))
    return routes_from(graph, origin, points(start), [destination], [points(*ends)], limit=limit)[0]


def attached(graph: RoutingGraph, xy: np.ndarray) -> Attachment:
    return attach(graph.network, xy, limit_m=graph.connection_limit_m, usable=graph.passable)


SQUARE = ((0, 0, 0), (1, 300, 0), (2, 300, 300), (3, 0, 300))
AROUND = ((0, 1), (1, 2), (2, 3), (3, 0))


def test_the_shorter_way_round_a_square_is_taken() -> None:
    """From (100, 0) to (0, 200): 100 west and 200 north, not 700 the other way."""
    found = way(streets(SQUARE, AROUND), (100.0, 0.0), (0.0, 200.0))
    assert found is not None
    assert (found.cost, found.moving, found.waiting, found.connecting, found.length_m) == (3000, 3000, 0, 0, 300.0)
    assert list(shapely.remove_repeated_points(found.line).coords) == [(100, 0), (0, 0), (0, 200)]


def test_a_one_way_street_sends_the_route_round() -> None:
    found = way(streets(SQUARE, AROUND, backward=[False, True, True, True]), (100.0, 0.0), (0.0, 200.0))
    assert found is not None
    assert (found.cost, found.length_m) == (2000 + 3000 + 3000 + 1000, 900.0)
    assert list(shapely.remove_repeated_points(found.line).coords) == [(100, 0), (300, 0), (300, 300), (0, 300), (0, 200)]


def test_a_one_way_street_forbids_the_direct_way_back_along_itself() -> None:
    net = streets(SQUARE, AROUND, backward=[False, True, True, True])
    onward, back = way(net, (100.0, 0.0), (250.0, 0.0)), way(net, (250.0, 0.0), (100.0, 0.0))
    assert onward is not None
    assert back is not None
    assert (onward.cost, back.cost) == (1500, 1200 * 10 - 1500)


def test_a_wait_on_the_way_is_told_apart_and_a_detour_that_avoids_it_is_taken_when_quicker() -> None:
    waiting = way(streets(SQUARE, AROUND, signal_halves=[0, 0, 0, 2]), (100.0, 0.0), (0.0, 300.0))
    assert waiting is not None
    assert (waiting.cost, waiting.moving, waiting.waiting) == (4200, 4000, 200)
    equal = way(streets(SQUARE, AROUND, signal_halves=[0, 0, 0, 40]), (140.0, 0.0), (0.0, 300.0))
    assert equal is not None
    assert (equal.cost, equal.waiting) == (1600 + 3000 + 3000, 0)


def test_the_entrance_that_is_soonest_reached_ends_the_way() -> None:
    found = way(streets(SQUARE, AROUND), (100.0, 0.0), (300.0, 100.0), (0.0, 150.0), (100.0, -50.0))
    assert found is not None
    assert (found.entrance, found.cost, found.connecting, found.moving) == (2, 500, 500, 0)
    assert found.line.coords[-1] == (100.0, -50.0)


def test_beyond_the_limit_and_from_an_unconnected_point_there_is_no_way() -> None:
    net = streets(SQUARE, AROUND)
    assert way(net, (100.0, 0.0), (0.0, 200.0), limit=2999) is None
    assert way(net, (100.0, 0.0), (0.0, 200.0), limit=3000) is not None
    assert way(net, (900.0, 900.0), (0.0, 200.0)) is None
    assert way(net, (100.0, 0.0), (900.0, 900.0)) is None


def test_the_line_follows_the_bends_of_a_street_in_the_direction_of_travel() -> None:
    bent = streets(SQUARE, AROUND)
    shape = shapely.LineString([(300, 0), (400, 100), (400, 200), (300, 300)])
    table = bent.segment_table()
    row = table.index[table["segment_id"] == 1][0]
    table.at[row, "geometry"] = shape if table["geometry"][row].coords[0] == (300, 0) else shape.reverse()
    table.loc[row, "length_dm"] = round(10 * shape.length)
    net = StreetNetwork.from_tables(bent.node_table(), table, mode="walk", crs=bent.crs)
    up, down = way(net, (290.0, 0.0), (290.0, 300.0)), way(net, (290.0, 300.0), (290.0, 0.0))
    assert up is not None
    assert down is not None
    corners = [(290, 0), (300, 0), (400, 100), (400, 200), (300, 300), (290, 300)]
    assert list(shapely.remove_repeated_points(up.line).coords) == corners
    assert list(shapely.remove_repeated_points(down.line).coords) == corners[::-1]
    assert up.cost == down.cost == 100 + round(10 * shape.length) + 100


@given(case=street_cases())
def test_every_route_costs_what_the_table_of_pairs_says_and_is_as_long_as_its_line(case: StreetCase) -> None:
    graph = case.graph()
    origins, ends = case.attached(graph, case.origins), case.attached(graph, case.entrances)
    limit = 4000
    from_, to, cost = point_to_point(graph, origins, ends, limit=limit, threads=1)
    stated = dict(zip(zip(from_.tolist(), to.tolist(), strict=True), cost.tolist(), strict=True))
    for number in range(origins.point_count):
        each = [ends.take(np.array([k])) for k in range(ends.point_count)]
        spots = [case.entrances[k : k + 1] for k in range(ends.point_count)]
        found = routes_from(graph, origins.take(np.array([number])), case.origins[number], each, spots, limit=limit)
        got = {(number, k): route.cost for k, route in enumerate(found) if route is not None}
        assert got == {pair: cost for pair, cost in stated.items() if pair[0] == number}
        for route in found:
            if route is not None:
                assert route.moving + route.waiting + route.connecting == route.cost
                assert min(route.moving, route.waiting, route.connecting) >= 0


@pytest.mark.parametrize("seed", range(4))
def test_a_route_to_several_places_is_the_same_as_to_each_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = routing_graph(streets(SQUARE, AROUND, signal_halves=[1, 0, 2, 0]), round_profile())
    start = rng.random((1, 2)) * 300
    ends = [rng.random((2, 2)) * 300 for _ in range(3)]
    origin = attached(graph, start)
    together = routes_from(graph, origin, start[0], [attached(graph, end) for end in ends], ends, limit=9000)
    alone = [routes_from(graph, origin, start[0], [attached(graph, end)], [end], limit=9000)[0] for end in ends]
    assert together == alone
