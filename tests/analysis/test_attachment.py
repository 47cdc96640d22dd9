"""Points connect to the nearest street that no barrier cuts off, as if the street were split there."""

from __future__ import annotations

import naive_streets as naive
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from street_cases import CRS, points, round_profile, segment_of, shapes_of, street_network

from yike.analysis.attachment import Attachment, attach, attach_geometries, legs
from yike.analysis.routing_graph import routing_graph
from yike.model.network import StreetNetwork

PLACE = st.tuples(st.integers(0, 8), st.integers(0, 8))
LINES = st.lists(st.tuples(PLACE, PLACE).filter(lambda line: line[0] != line[1]), min_size=1, max_size=6)
WALLS = st.lists(st.tuples(PLACE, PLACE).filter(lambda line: line[0] != line[1]), max_size=6)


def ladder() -> StreetNetwork:
    """Two parallel streets of 100 m, 40 m apart."""
    return street_network([(0, 0), (100, 0), (0, 40), (100, 40)], [(0, 1), (2, 3)])


def described(network: StreetNetwork, attachment: Attachment) -> list[tuple[int, float, float]]:
    """Return (street id, fraction, metres) of each connection."""
    rows = zip(attachment.segment, attachment.fraction, attachment.connection_m, strict=True)
    return [(int(network.segment_id[s]), round(float(f), 9), round(float(m), 9)) for s, f, m in rows]


def with_bridge(network: StreetNetwork, street: int) -> StreetNetwork:
    """Return the network with one street on a bridge."""
    table = network.segment_table()
    table["attachable"] = table["segment_id"] != street
    return StreetNetwork.from_tables(network.node_table(), table, mode="walk", crs=CRS)


def test_a_point_takes_the_nearest_place_of_the_nearest_street() -> None:
    network = ladder()
    found = attach(network, points((25, 10), (130, 40), (50, 39)), limit_m=30)
    assert described(network, found) == [(0, 0.25, 10.0), (1, 1.0, 30.0), (1, 0.5, 1.0)]
    assert found.start.tolist() == [0, 1, 2, 3]
    assert found.point_count == 3


def test_the_limit_is_included_and_beyond_it_a_point_is_unconnected() -> None:
    found = attach(ladder(), points((50, -30), (50, -30.001), (50, 5000)), limit_m=30)
    assert found.connected.tolist() == [True, False, False]
    assert found.start.tolist() == [0, 1, 1, 1]
    assert found.connection_m.tolist() == [30.0]


def test_a_street_on_a_bridge_takes_no_connection() -> None:
    network = with_bridge(ladder(), 0)
    assert described(network, attach(network, points((25, 10)), limit_m=30)) == [(1, 0.25, 30.0)]


def test_a_street_that_the_profile_cannot_use_takes_no_connection() -> None:
    network = ladder()
    usable = network.segment_id != 0
    assert described(network, attach(network, points((25, 10)), limit_m=30, usable=usable)) == [(1, 0.25, 30.0)]


def test_among_equally_near_streets_the_first_is_taken() -> None:
    network = street_network([(0, 0), (100, 0), (100, 100), (200, 0)], [(1, 3), (1, 2), (0, 1)])
    corner = attach(network, points((100, 0), (100, -7)), limit_m=30)
    meeting = [number for number in range(3) if {network.tail[number], network.head[number]} & {_node(network, 1)}]
    assert corner.segment.tolist() == [min(meeting)] * 2
    assert corner.connection_m.tolist() == [0.0, 7.0]
    twins = street_network([(0, 0), (100, 0)], [(0, 1), (0, 1), (0, 1)])
    assert attach(twins, points((30, 5)), limit_m=30).segment.tolist() == [0]


def _node(network: StreetNetwork, node_id: int) -> int:
    return int(np.flatnonzero(network.node_id == node_id)[0])


def test_a_wall_turns_a_point_to_the_street_on_its_own_side() -> None:
    network = ladder()
    wall = shapes_of([((0, 5), (100, 5))])
    homes = points((25, 10), (25, 5), (25, 4), (110, 8))
    found = attach(network, homes, limit_m=50, barriers=wall)
    assert described(network, found) == [(1, 0.25, 30.0), (0, 0.25, 5.0), (0, 0.25, 4.0), (0, 1.0, round(164**0.5, 9))]
    short = attach(network, homes, limit_m=29, barriers=wall)
    assert short.connected.tolist() == [False, True, True, True]


def test_a_connection_may_end_on_a_gate_in_a_wall() -> None:
    """The street ends at a gate, on the wall; a home inside reaches the gate, although the street lies outside."""
    network = street_network([(50, 0), (50, -80)], [(0, 1)])
    wall = shapes_of([((0, 0), (100, 0))])
    found = attach(network, points((50, 30), (20, 30), (20, -30)), limit_m=60, barriers=wall)
    assert described(network, found) == [(0, 0.0, 30.0), (0, 0.0, round(1800**0.5, 9)), (0, 0.375, 30.0)]


def test_a_street_along_a_wall_is_open_to_both_sides_and_slanting_feet_count_as_touching() -> None:
    network = street_network([(0, 0), (97, 31)], [(0, 1)])
    wall = shapes_of([((0, 0), (97, 31))])
    rng = np.random.default_rng(3)
    along, aside = rng.random((200, 1)), rng.normal(0, 8, (200, 1))
    homes = along * np.array([[97, 31]]) + aside * np.array([[-31, 97]]) / 100
    assert attach(network, homes, limit_m=60, barriers=wall).connected.all()


def test_an_area_that_is_a_barrier_is_not_walked_through() -> None:
    network = ladder()
    lake = np.array([shapely.box(10, 3, 60, 9)], object)
    found = attach(network, points((25, 10), (61, 10)), limit_m=50, barriers=lake)
    assert described(network, found) == [(1, 0.25, 30.0), (0, 0.61, 10.0)]


def test_an_outline_connects_from_its_edge_even_with_a_street_inside() -> None:
    network = ladder()
    park = shapely.box(20, -30, 60, 30)
    around = np.array([park, shapely.box(40, 20, 60, 25), shapely.MultiPolygon([park, shapely.box(70, 31, 80, 36)])], object)
    found = attach_geometries(network, around, limit_m=30)
    assert described(network, found)[0] in [(0, 0.2, 0.0), (0, 0.6, 0.0)]
    assert described(network, found)[1][::2] == (1, 15.0)
    assert 0.4 <= found.fraction[1] <= 0.6
    assert found.connection_m.tolist() == [0.0, 15.0, 0.0]


def test_no_points_give_no_connections() -> None:
    found = attach(ladder(), np.empty((0, 2)), limit_m=30)
    assert (found.point_count, len(found.segment)) == (0, 0)


def test_streets_without_length_are_attached_to_at_their_tail() -> None:
    network = street_network([(0, 0), (0, 0)], [(0, 1)])
    found = attach(network, points((3, 4)), limit_m=30)
    assert (found.fraction.tolist(), found.connection_m.tolist()) == ([0.0], [5.0])


def test_taking_points_keeps_their_order_and_connections() -> None:
    found = attach(ladder(), points((25, 10), (500, 500), (50, 39)), limit_m=30).take(np.array([2, 1, 0, 2]))
    assert found.connection_m.tolist() == [1.0, 10.0, 1.0]
    assert (found.start.tolist(), found.point.tolist()) == ([0, 1, 1, 2, 3], [0, 2, 3])


@given(LINES, WALLS, st.lists(PLACE, min_size=1, max_size=6), st.sampled_from([10, 30, 70]))
def test_random_walls_equal_trying_every_street(lines: list, walls: list, homes: list, limit: int) -> None:
    def scaled(pairs: list) -> list[naive.Line]:
        return [((10 * a[0], 10 * a[1]), (10 * b[0], 10 * b[1])) for a, b in pairs]

    streets, barriers = scaled(lines), scaled(walls)
    ends = [end for street in streets for end in street]
    network = street_network(ends, [(2 * k, 2 * k + 1) for k in range(len(streets))])
    found = attach(network, 10 * points(*homes), limit_m=limit, barriers=shapes_of(barriers) if barriers else None)
    for point, home in enumerate(homes):
        expected = naive.nearest_open_street((10 * home[0], 10 * home[1]), streets, barriers, limit)
        assert bool(found.connected[point]) == (expected is not None)
        if expected is not None:
            row = found.start[point]
            assert int(network.segment_id[found.segment[row]]) in expected[1]
            assert found.connection_m[row] == pytest.approx(float(expected[0]) ** 0.5, abs=1e-9)


@given(st.integers(0, 2**32 - 1), st.floats(0.2, 7.0))
def test_the_two_parts_of_a_street_sum_to_its_weight(seed: int, speed: float) -> None:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 5000, 2)
    network = street_network([(0, 0), (100, 0), (100, 70)], [(0, 1), (1, 2)], length_m=lengths, oneway=[True, False])
    graph = routing_graph(network, round_profile(speed_m_s=speed))
    count = 40
    found = Attachment(np.arange(count + 1), rng.integers(0, 2, count), rng.random(count), rng.random(count) * 50)
    part = legs(graph, found)
    ahead, back = graph.forward_weight[found.segment], graph.backward_weight[found.segment]
    assert (part.from_tail + part.to_head == ahead).all()
    assert (part.to_tail + part.from_head)[back >= 0].tolist() == back[back >= 0].tolist()
    assert set(part.to_tail[back < 0].tolist()) <= {-1}
    assert (part.from_tail >= 0).all()
    assert (np.abs(part.connection - 10 * found.connection_m / speed) <= 0.5).all()


def test_the_ends_of_a_one_way_street_are_open_both_ways_but_not_a_closed_street() -> None:
    network = street_network([(0, 0), (100, 0)], [(0, 1)], oneway=[True])
    graph = routing_graph(network, round_profile())
    ends = attach(network, points((0, 0), (50, 0), (100, 0)), limit_m=5)
    part = legs(graph, ends)
    assert part.to_tail.tolist() == [0, -1, -1]
    assert part.from_head.tolist() == [-1, -1, 0]
    assert part.to_head.tolist() == [1000, 500, 0]


def test_order_and_threads_change_nothing() -> None:
    rng = np.random.default_rng(5)
    nodes = rng.random((60, 2)) * 4000
    network = street_network([tuple(p) for p in nodes], [(int(a), int(b)) for a, b in rng.integers(0, 60, (90, 2)) if a != b])
    homes = rng.random((25_000, 2)) * 4000
    walls = shapes_of([tuple(map(tuple, rng.random((2, 2)) * 4000)) for _ in range(40)])
    one = attach(network, homes, limit_m=90, barriers=walls, threads=1)
    assert 0.2 < one.connected.mean() < 0.95
    for threads in (2, 3):
        again = attach(network, homes, limit_m=90, barriers=walls, threads=threads)
        assert parts(one) == parts(again)
    turned = attach(network, homes[::-1], limit_m=90, barriers=walls).take(np.arange(len(homes))[::-1])
    assert parts(one) == parts(turned)


def parts(attachment: Attachment) -> list[bytes]:
    """Return every bit of an attachment."""
    return [getattr(attachment, name).tobytes() for name in ("start", "segment", "fraction", "connection_m")]


def test_street_ids_are_found_again() -> None:
    network = ladder()
    assert [int(network.segment_id[segment_of(network, number)]) for number in (0, 1)] == [0, 1]
