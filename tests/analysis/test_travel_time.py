"""Travel times equal those of a graph that really is split, whole number for whole number."""

from __future__ import annotations

from random import Random

import naive_streets as naive
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from street_cases import StreetCase, node_of, points, round_profile, segment_of, shapes_of, street_cases, street_network

from yike.analysis.attachment import attach
from yike.analysis.routing_graph import METRES, RoutingGraph, routing_graph
from yike.analysis.travel_time import (
    NO_PLACE,
    UNREACHED,
    Places,
    bounded_times,
    chosen_profile,
    nearest_places,
    nearest_times,
    point_to_point,
    travel_times,
)
from yike.errors import InputError, UnknownName
from yike.model.network import StreetNetwork

LIMITS = st.sampled_from([0, 300, 1500, 4000, 20_000])
MEASURES = st.sampled_from([None, METRES])


def pairs(graph: RoutingGraph, case: StreetCase, limit: int, threads: int = 1) -> dict[tuple[int, int], int]:
    origins, entrances = case.attached(graph, case.origins), case.attached(graph, case.entrances)
    from_, to, cost = point_to_point(graph, origins, entrances, limit=limit, threads=threads)
    assert list(zip(from_, to, strict=True)) == sorted(set(zip(from_, to, strict=True)))
    return {(int(a), int(b)): int(c) for a, b, c in zip(from_, to, cost, strict=True)}


def split(graph: RoutingGraph, case: StreetCase) -> naive.SplitStreets:
    return naive.split_streets(graph, [case.attached(graph, case.origins), case.attached(graph, case.entrances)])


@given(street_cases(), LIMITS, MEASURES)
def test_every_pair_equals_the_split_graph(case: StreetCase, limit: int, measure: str | None) -> None:
    graph = case.graph(measure=measure)
    streets = split(graph, case)
    found = pairs(graph, case, limit)
    assert found == naive.times_between(streets, 0, 1, limit)
    assert found == naive.scipy_times_between(streets, 0, 1, limit)


@given(street_cases(), LIMITS, MEASURES)
def test_the_nearest_place_of_each_class_equals_the_split_graph(case: StreetCase, limit: int, measure: str | None) -> None:
    graph = case.graph(measure=measure)
    table = nearest_places(graph, case.places(graph), case.attached(graph, case.origins), limit=limit, threads=1)
    expected: dict[tuple[int, int], tuple[int, int]] = {}
    for (origin, entrance), cost in naive.times_between(split(graph, case), 0, 1, limit).items():
        place = int(case.owner[entrance])
        key = int(case.class_no[place]), origin
        expected[key] = min(expected.get(key, (UNREACHED, 0)), (cost, place))
    for number in range(case.class_count):
        for origin in range(len(case.origins)):
            found = int(table.cost[number, origin]), int(table.place[number, origin])
            assert found == expected.get((number, origin), (UNREACHED, NO_PLACE))


@given(street_cases(), LIMITS, st.booleans())
def test_the_bounded_table_equals_the_split_graph_in_both_directions(case: StreetCase, limit: int, towards: bool) -> None:
    graph = case.graph()
    sources = case.attached(graph, case.origins)
    table = bounded_times(graph, sources, limit=limit, towards=towards, threads=2)
    streets = naive.split_streets(graph, [sources])
    edges = [(b, a, w) for a, b, w in streets.edges] if towards else streets.edges
    for source in range(sources.point_count):
        times = naive.heap_times(streets.n, edges, streets.ways_in[0][source])
        rows = slice(table.start[source], table.start[source + 1])
        found = list(zip(table.node[rows].tolist(), table.cost[rows].tolist(), strict=True))
        assert found == sorted((n, t) for n, t in times.items() if n < graph.network.node_count and t <= limit)


@given(street_cases(), st.sampled_from([0.0, 30.0, 149.95, 2000.0]))
def test_the_two_public_tables_equal_the_split_graph(case: StreetCase, limit_s: float) -> None:
    network = case.network()
    adult = {"profile": "adult", "limit_s": limit_s, "threads": 1}
    graph = routing_graph(network, chosen_profile("adult"))
    origins, entrances = case.attached(graph, case.origins), case.attached(graph, case.entrances)
    streets = naive.split_streets(graph, [origins, entrances])
    expected = naive.times_between(streets, 0, 1, int(limit_s * 10))
    from_ = pd.DataFrame(case.origins, columns=["x", "y"], index=[f"o{i}" for i in range(len(case.origins))])
    to = pd.DataFrame(case.entrances, columns=["x", "y"]).assign(kind=case.class_no[case.owner])
    table = travel_times(network, from_, to, **adult)
    found = {(a, b): s for a, b, s in table.itertuples(index=False)}
    assert found == {(f"o{a}", b): ds / 10 for (a, b), ds in expected.items()}
    nearest = nearest_times(network, to, by="kind", **adult)
    assert nearest.index.tolist() == network.node_id.tolist()
    backwards = [(b, a, w) for a, b, w in streets.edges]
    for kind in nearest.columns:
        seeds = [way for e in np.flatnonzero(to["kind"] == kind) for way in streets.ways_in[1][e]]
        times = naive.heap_times(streets.n, backwards, seeds)
        expected_s = [times[n] / 10 if times.get(n, UNREACHED) <= limit_s * 10 else np.nan for n in range(len(nearest))]
        np.testing.assert_array_equal(nearest[kind].to_numpy(), expected_s)


@given(street_cases(), LIMITS)
def test_threads_change_nothing(case: StreetCase, limit: int) -> None:
    graph = case.graph()
    origins, places = case.attached(graph, case.origins), case.places(graph)
    one = nearest_places(graph, places, origins, limit=limit, threads=1)
    table = bounded_times(graph, origins, limit=limit, threads=1)
    for threads in (2, 3):
        again = nearest_places(graph, places, origins, limit=limit, threads=threads)
        assert (one.cost.tobytes(), one.place.tobytes()) == (again.cost.tobytes(), again.place.tobytes())
        same = bounded_times(graph, origins, limit=limit, threads=threads)
        assert all(getattr(table, k).tobytes() == getattr(same, k).tobytes() for k in ("start", "node", "cost"))
        assert pairs(graph, case, limit, threads) == pairs(graph, case, limit)


@given(street_cases(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(case: StreetCase, random: Random) -> None:
    order = list(range(len(case.edges)))
    random.shuffle(order)
    first, second = case.network(), case.network(order=np.array(order))
    assert first.node_id.tolist() == second.node_id.tolist()
    for name in ("tail", "head", "length_dm", "fixed_ds", "forward", "backward", "shape_xy"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    turned = np.arange(len(case.origins))[::-1]
    one, other = routing_graph(first, round_profile()), routing_graph(second, round_profile())
    straight = nearest_places(one, case.places(one), case.attached(one, case.origins), limit=5000)
    shuffled = nearest_places(other, case.places(other), case.attached(other, case.origins[turned]), limit=5000)
    np.testing.assert_array_equal(straight.cost, shuffled.cost[:, turned])
    np.testing.assert_array_equal(straight.place, shuffled.place[:, turned])


@given(street_cases())
def test_the_limit_is_included_and_one_unit_less_is_not(case: StreetCase) -> None:
    graph = case.graph()
    everything = pairs(graph, case, 20_000)
    for pair, cost in list(everything.items())[:4]:
        assert pairs(graph, case, cost)[pair] == cost
        assert pair not in pairs(graph, case, cost - 1)


def one_way_ring() -> RoutingGraph:
    """A ring of 100, 200, 300 m, one way only: 0 to 1 to 2 to 0."""
    network = street_network(
        [(0, 0), (100, 0), (100, 100)], [(0, 1), (1, 2), (2, 0)], length_m=[100, 200, 300], oneway=[True] * 3
    )
    return routing_graph(network, round_profile())


def test_times_run_from_resident_to_facility() -> None:
    graph = one_way_ring()
    home, shop = (attach(graph.network, points(xy), limit_m=5) for xy in [(30.0, 0.0), (80.0, 0.0)])
    assert point_to_point(graph, home, shop, limit=9000)[2].tolist() == [500]
    assert point_to_point(graph, shop, home, limit=9000)[2].tolist() == [200 + 2000 + 3000 + 300]
    places = Places(shop, np.zeros(1, np.int64), np.zeros(1, np.int64), 1)
    assert nearest_places(graph, places, home, limit=9000).cost.tolist() == [[500]]
    places = Places(home, np.zeros(1, np.int64), np.zeros(1, np.int64), 1)
    assert nearest_places(graph, places, shop, limit=9000).cost.tolist() == [[5500]]


def test_the_public_tables_run_from_resident_to_facility() -> None:
    graph = one_way_ring()
    home, shop = (pd.DataFrame({"x": [x], "y": [0.0], "kind": ["shop"]}) for x in (30.0, 80.0))
    seconds = travel_times(graph.network, home, shop, limit_s=1000)["time_s"].tolist()
    assert seconds == [(round(909 * 0.8) - round(909 * 0.3)) / 10] == [45.4]
    at_node = nearest_times(graph.network, shop, by="kind", limit_s=1000)["shop"]
    assert at_node.tolist() == [
        {0: 72.7, 2: round(3000 / 1.1) / 10 + 72.7, 1: round(5000 / 1.1) / 10 + 72.7}[i] for i in graph.network.node_id
    ]


def test_a_point_at_the_end_of_a_one_way_street_stands_at_the_junction() -> None:
    network = street_network([(0, 0), (100, 0), (0, 100)], [(0, 1), (0, 2)], oneway=[True, False])
    graph = routing_graph(network, round_profile())
    corner = attach(network, points((0, 0)), limit_m=5)
    assert corner.segment.tolist() == [min(segment_of(network, 0), segment_of(network, 1))]
    end = attach(network, points((0, 100)), limit_m=5)
    assert point_to_point(graph, corner, end, limit=9000)[2].tolist() == [1000]
    assert point_to_point(graph, end, corner, limit=9000)[2].tolist() == [1000]


def test_facilities_at_one_node_stay_apart_and_the_lowest_of_equals_is_named() -> None:
    network = street_network([(0, 0), (100, 0), (200, 0)], [(0, 1), (1, 2)])
    graph = routing_graph(network, round_profile())
    at_one_node = attach(network, points((100, 0), (100, 0), (100, 0)), limit_m=5)
    home = attach(network, points((40, 0)), limit_m=5)
    from_, to, cost = point_to_point(graph, home, at_one_node, limit=600)
    assert (from_.tolist(), to.tolist(), cost.tolist()) == ([0, 0, 0], [0, 1, 2], [600, 600, 600])
    apart = Places(at_one_node, np.array([2, 1, 0]), np.array([0, 0, 1]), 2)
    table = nearest_places(graph, apart, home, limit=600)
    assert (table.cost.tolist(), table.place.tolist()) == ([[600], [600]], [[0], [2]])


def test_a_place_is_entered_at_its_nearest_entrance() -> None:
    network = street_network([(0, 0), (500, 0)], [(0, 1)])
    graph = routing_graph(network, round_profile())
    entrances = attach(network, points((50, 10), (450, 0)), limit_m=20)
    park = Places(entrances, np.zeros(2, np.int64), np.zeros(1, np.int64), 1)
    homes = attach(network, points((0, 0), (240, 0), (260, 0), (500, 0)), limit_m=20)
    assert nearest_places(graph, park, homes, limit=9000).cost.tolist() == [[500 + 100, 1900 + 100, 1900, 500]]


def test_what_cannot_be_reached_is_absent() -> None:
    network = street_network([(0, 0), (100, 0), (900, 0), (1000, 0)], [(0, 1), (2, 3)])
    graph = routing_graph(network, round_profile())
    homes = attach(network, points((50, 0), (500, 0)), limit_m=100)
    assert homes.connected.tolist() == [True, False]
    shops = attach(network, points((950, 0), (500, 0), (60, 0)), limit_m=100)
    from_, to, cost = point_to_point(graph, homes, shops, limit=UNREACHED - 1)
    assert (from_.tolist(), to.tolist(), cost.tolist()) == ([0], [2], [100])
    places = Places(shops, np.arange(3), np.arange(3), 4)
    table = nearest_places(graph, places, homes, limit=UNREACHED - 1)
    assert table.cost[:, 0].tolist() == [UNREACHED, UNREACHED, 100, UNREACHED]
    assert table.place[:, 0].tolist() == [NO_PLACE, NO_PLACE, 2, NO_PLACE]
    assert table.cost[:, 1].tolist() == [UNREACHED] * 4
    kinds = pd.DataFrame({"x": [60.0], "y": [0.0], "kind": ["shop"]})
    seconds = nearest_times(network, kinds, by="kind", limit_s=9000)["shop"]
    assert seconds.isna().sum() == 2
    assert seconds[[0, 1]].tolist() == [54.5, 36.4]


def test_a_loop_and_a_street_without_length_are_travelled_right() -> None:
    network = street_network(
        [(0, 0), (100, 0), (100, 0)],
        [(0, 1), (1, 2), (1, 1)],
        length_m=[100, 0, 400],
        geometry=shapes_of([((0, 0), (100, 0)), ((100, 0), (100, 0)), ((100, 0), (200, 0), (200, 100), (100, 100), (100, 0))]),
    )
    graph = routing_graph(network, round_profile())
    on_loop = attach(network, points((200, 0), (200, 100), (100, 50)), limit_m=5)
    start = attach(network, points((0, 0)), limit_m=5)
    assert point_to_point(graph, start, on_loop, limit=9000)[2].tolist() == [2000, 3000, 1500]
    assert point_to_point(graph, on_loop, on_loop, limit=9000)[2].tolist() == [0, 1000, 1500, 1000, 0, 1500, 1500, 1500, 0]
    both = bounded_times(graph, start, limit=1000)
    assert sorted(network.node_id[both.node].tolist()) == [0, 1, 2]
    assert both.cost[network.node_id[both.node] == 2].tolist() == [1000]


def test_each_class_is_announced_once() -> None:
    graph = one_way_ring()
    shops = attach(graph.network, points((30, 0), (80, 0)), limit_m=5)
    told: list[int] = []
    nearest_places(graph, Places(shops, np.arange(2), np.arange(2), 2), shops, limit=10, on_class=told.append)
    assert sorted(told) == [0, 1]


def test_an_error_in_a_thread_is_not_lost() -> None:
    graph = one_way_ring()
    shops = attach(graph.network, points((30, 0)), limit_m=5)

    def refuse(number: int) -> None:
        raise ValueError(f"class {number}")

    with pytest.raises(ValueError, match="class 0"):
        nearest_places(graph, Places(shops, np.arange(1), np.arange(1), 1), shops, limit=10, on_class=refuse)


def test_bad_tables_are_named() -> None:
    network = one_way_ring().network
    good = pd.DataFrame({"x": [0.0], "y": [0.0], "kind": ["shop"]})
    with pytest.raises(InputError) as missing:
        nearest_times(network, good[["x"]], by="kind", limit_s=10)
    assert [(f.code, f.file, f.field) for f in missing.value.faults] == [
        ("table.missing_column", "points", "y"),
        ("table.missing_column", "points", "kind"),
    ]
    with pytest.raises(InputError) as empty:
        travel_times(network, good, pd.concat([good, good.assign(x=np.nan)]), limit_s=10)
    assert [(f.code, f.file, f.row) for f in empty.value.faults] == [("table.empty_cell", "destinations", 3)]
    with pytest.raises(UnknownName) as unknown:
        travel_times(network, good, good, limit_s=10, profile="snail")
    assert unknown.value.faults[0].values["name"] == "snail"


def test_node_numbers_follow_the_network() -> None:
    network = one_way_ring().network
    assert [node_of(network, number) for number in network.node_id] == [0, 1, 2]


def river() -> tuple[StreetNetwork, pd.DataFrame, pd.DataFrame, shapely.LineString]:
    """Streets on both banks of a river and one far bridge; the shop stands nearest to the street across the water."""
    network = street_network([(0, 0), (200, 0), (200, 100), (0, 100)], [(0, 1), (1, 2), (2, 3)])
    home, shop = (pd.DataFrame({"x": [x], "y": [y], "kind": ["shop"]}) for x, y in ((0.0, 0.0), (50.0, 45.0)))
    return network, home, shop, shapely.LineString([(-100, 30), (190, 30)])


def test_no_connection_of_the_public_tables_crosses_a_barrier() -> None:
    network, home, shop, water = river()
    speed = {"limit_s": 9000}
    open_s = travel_times(network, home, shop, **speed)["time_s"].tolist()
    assert open_s == pytest.approx([(50 + 45) / 1.1], abs=0.11)
    table = pd.DataFrame({"barrier_id": ["w"], "kind": ["water"], "geometry": [water]})
    bank = water.buffer(1)
    for barriers in (np.array([water]), [water], table, [bank], np.array([bank], object)):
        (across,) = travel_times(network, home, shop, barriers=barriers, **speed)["time_s"]
        assert across == pytest.approx((200 + 100 + 150 + 55) / 1.1, abs=0.11)
        corner = nearest_times(network, shop, by="kind", barriers=barriers, **speed)["shop"]
        assert corner[3] == pytest.approx((50 + 55) / 1.1, abs=0.11)
    for nothing in (None, [], table.iloc[:0]):
        assert travel_times(network, home, shop, barriers=nothing, **speed)["time_s"].tolist() == open_s


def test_barriers_that_are_no_lines_are_refused() -> None:
    network, home, shop, water = river()
    with pytest.raises(InputError) as missing:
        travel_times(network, home, shop, limit_s=9, barriers=pd.DataFrame({"line": [water]}))
    assert [(f.code, f.file, f.field) for f in missing.value.faults] == [("table.missing_column", "barriers", "geometry")]
    with pytest.raises(InputError) as wrong:
        nearest_times(network, shop, by="kind", limit_s=9, barriers=[water, "wall", None, shapely.Point(0, 0)])
    assert [(f.code, f.file, f.row, f.count) for f in wrong.value.faults] == [("barriers.not_a_line", "barriers", 3, 3)]


@pytest.mark.parametrize("limit_s", [np.inf, np.nan, -1, -0.1, 2**30 / 10, "900", None, True])
def test_a_limit_that_is_no_span_of_time_is_refused(limit_s: float) -> None:
    network, home, shop, _ = river()
    for run in (lambda: travel_times(network, home, shop, limit_s=limit_s),
                lambda: nearest_times(network, shop, by="kind", limit_s=limit_s)):  # fmt: skip
        with pytest.raises(InputError) as caught:
            run()
        assert [(f.code, f.file) for f in caught.value.faults] == [("limit.out_of_range", "limit_s")]


def test_every_fault_of_the_points_and_the_limit_is_named_at_once() -> None:
    network, home, shop, _ = river()
    messy = pd.DataFrame({"x": ["12", "east", 3, None], "y": [1.0, 2.0, np.inf, 4.0], "kind": ["shop", None, " ", "shop"]})
    with pytest.raises(InputError) as caught:
        nearest_times(network, messy, by="kind", limit_s=-1)
    found = {(f.code, f.file, f.field, f.row, f.count) for f in caught.value.faults}
    assert found == {
        ("limit.out_of_range", "limit_s", None, None, 1),
        ("table.not_a_number", "points", "x", 3, 1),
        ("table.empty_cell", "points", "x", 5, 1),
        ("table.not_a_number", "points", "y", 4, 1),
        ("table.empty_cell", "points", "kind", 3, 2),
    }
    with pytest.raises(InputError) as both:
        travel_times(network, home.drop(columns="x"), shop.assign(y="north"), limit_s=9)
    assert {(f.code, f.file, f.field) for f in both.value.faults} == {
        ("table.missing_column", "origins", "x"),
        ("table.not_a_number", "destinations", "y"),
    }


def test_a_walk_network_serves_walkers_and_slower_ones_take_longer() -> None:
    network = street_network([(0, 0), (100, 0)], [(0, 1)], walk_s=[90.0])
    ends = [pd.DataFrame({"x": [x], "y": [0.0]}) for x in (0.0, 100.0)]
    seconds = {name: travel_times(network, *ends, limit_s=900, profile=name)["time_s"].tolist() for name in ("adult", "elder")}
    assert seconds == {"adult": [90.0], "elder": [110.0]}
    for name in ("bicycle", "wheelchair"):
        with pytest.raises(InputError, match=f"{name} travels on"):
            travel_times(network, *ends, limit_s=900, profile=name)


def test_tables_without_points_give_tables_without_rows() -> None:
    network, home, shop, _ = river()
    assert len(travel_times(network, home.iloc[:0], shop, limit_s=900)) == 0
    nothing = nearest_times(network, shop.iloc[:0], by="kind", limit_s=900)
    assert nothing.shape == (network.node_count, 0)
