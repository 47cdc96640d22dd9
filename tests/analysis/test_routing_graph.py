"""Weights worked by hand: moving, waiting, steps, times stated by the source, metres, and what is impassable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from street_cases import CRS, StreetCase, round_profile, street_cases, street_network

from yike.analysis.routing_graph import IMPASSABLE, METRES, routing_graph
from yike.errors import InputError
from yike.model.network import SEGMENT_KINDS, StreetNetwork
from yike.model.profile import load_profiles


def row_of_streets(**columns: list[object]) -> StreetNetwork:
    """A row of four streets of 100 m, each with its own properties."""
    plain = street_network([(100 * i, 0) for i in range(5)], [(i, i + 1) for i in range(4)])
    table = plain.segment_table().sort_values("segment_id").assign(**columns)
    return StreetNetwork.from_tables(plain.node_table(), table, mode="walk", crs=CRS)


def by_id(network: StreetNetwork, values: np.ndarray) -> list[int]:
    """Return values of segments in the order of their ids."""
    return values[np.argsort(network.segment_id)].tolist()


def test_time_is_length_over_speed_and_steps_are_slower() -> None:
    network = row_of_streets(kind=[SEGMENT_KINDS.index(kind) for kind in ("street", "steps", "footway", "steps")])
    graph = routing_graph(network, round_profile(speed_m_s=0.8))
    assert by_id(network, graph.forward_weight) == [1250, 2500, 1250, 2500]
    assert by_id(network, graph.backward_weight) == [1250, 2500, 1250, 2500]
    assert graph.units_per_m == 12.5


def test_waits_count_by_halves() -> None:
    network = row_of_streets(signal_halves=[0, 1, 2, 1], crossing_halves=[0, 0, 1, 2])
    graph = routing_graph(network, round_profile())
    assert by_id(network, graph.waiting) == [0, 100, 230, 160]
    assert by_id(network, graph.forward_weight) == [1000, 1100, 1230, 1160]


def test_a_time_stated_by_the_source_replaces_length_and_waits() -> None:
    network = row_of_streets(fixed_ds=[-1, 0, 77, -1], signal_halves=[2, 2, 2, 0])
    graph = routing_graph(network, round_profile())
    assert by_id(network, graph.forward_weight) == [1200, 0, 77, 1000]
    assert by_id(network, graph.waiting) == [200, 0, 0, 0]


def test_steps_are_no_way_for_a_wheelchair_and_one_way_streets_have_one_direction() -> None:
    steps = [SEGMENT_KINDS.index(kind) for kind in ("steps", "street", "street", "street")]
    network = row_of_streets(kind=steps, backward=[True, False, True, False], forward=[True, True, False, False])
    graph = routing_graph(network, round_profile(steps_factor=None))
    assert by_id(network, graph.forward_weight) == [IMPASSABLE, 1000, IMPASSABLE, IMPASSABLE]
    assert by_id(network, graph.backward_weight) == [IMPASSABLE, IMPASSABLE, 1000, IMPASSABLE]
    assert by_id(network, graph.passable) == [False, True, True, False]


def test_metres_are_decimetres_of_length_whatever_the_profile() -> None:
    network = row_of_streets(length_dm=[1000, 1234, 5, 0], signal_halves=[2, 2, 2, 2], fixed_ds=[-1, 9, 9, 9])
    graph = routing_graph(network, round_profile(speed_m_s=0.37), measure=METRES)
    assert by_id(network, graph.forward_weight) == [1000, 1234, 5, 0]
    assert by_id(network, graph.waiting) == [0, 0, 0, 0]
    assert (graph.units_per_m, graph.measure) == (10.0, "metres")


def test_the_speed_and_waits_of_every_profile_come_from_data() -> None:
    streets = row_of_streets(signal_halves=[2, 0, 0, 0], crossing_halves=[0, 2, 0, 0])
    for profile in load_profiles().values():
        network = replace(streets, mode=profile.network)
        graph = routing_graph(network, profile)
        moving = round(1000 / profile.speed_m_s.value)
        waits = [round(10 * profile.signal_s.value), round(10 * profile.marked_crossing_s.value), 0, 0]
        assert by_id(network, graph.waiting) == waits
        assert by_id(network, graph.forward_weight) == [moving + wait for wait in waits]
        assert graph.connection_limit_m == profile.connection_limit_m.value
        assert graph.measure == profile.id


@given(street_cases())
def test_the_two_directions_of_search_hold_the_same_edges_turned_round(case: StreetCase) -> None:
    graph = case.graph()
    network = graph.network
    expected = []
    for segment in range(network.segment_count):
        tail, head = int(network.tail[segment]), int(network.head[segment])
        if tail != head:
            ways = ((tail, head, graph.forward_weight[segment]), (head, tail, graph.backward_weight[segment]))
            expected += [(a, b, int(w), segment) for a, b, w in ways if w >= 0]
    for adjacency, turned in ((graph.outward, False), (graph.inward, True)):
        source = np.repeat(np.arange(network.node_count), np.diff(adjacency.start))
        edges = list(zip(source, adjacency.node, adjacency.weight, adjacency.segment, strict=True))
        assert sorted((b, a, w, s) if turned else (a, b, w, s) for a, b, w, s in edges) == sorted(expected)
        assert (adjacency.start.dtype, adjacency.node.dtype, adjacency.weight.dtype) == (np.int32,) * 3


def test_weights_do_not_change_the_network() -> None:
    network = row_of_streets(signal_halves=[2, 2, 2, 2])
    before = network.hash()
    for measure in (None, METRES):
        routing_graph(network, round_profile(steps_factor=None), measure=measure)
    assert network.hash() == before


def test_an_unknown_figure_is_an_error_not_a_zero() -> None:
    network = row_of_streets()
    with pytest.raises(Exception, match="adult gives no speed_m_s"):
        routing_graph(network, round_profile(speed_m_s=None))


def test_figures_of_a_table_reach_the_graph() -> None:
    nodes = pd.DataFrame({"id": [4, 2], "x": [0.0, 50.0], "y": [0.0, 0.0]})
    edges = pd.DataFrame({"source": [4], "target": [2], "length_m": [80.0], "walk_s": [33.3], "bike_s": [7.0], "oneway": [True]})
    walk = StreetNetwork.from_edges(nodes, edges, crs=CRS)
    cycle = StreetNetwork.from_edges(nodes, edges, crs=CRS, mode="cycle")
    assert routing_graph(walk, round_profile()).forward_weight.tolist() == [333]
    assert routing_graph(cycle, load_profiles()["bicycle"]).forward_weight.tolist() == [70]
    assert routing_graph(walk, round_profile()).backward_weight.tolist() == [-1]


def test_stated_walking_times_are_an_adults_and_longer_for_slower_people() -> None:
    streets = row_of_streets(fixed_ds=[-1, 0, 990, 11], signal_halves=[0, 2, 2, 0])
    profiles = load_profiles()
    found = {}
    for name in ("adult", "elder", "child_with_carer", "wheelchair", "bicycle"):
        graph = routing_graph(replace(streets, mode=profiles[name].network), profiles[name])
        found[name] = by_id(graph.network, graph.forward_weight)
        assert by_id(graph.network, graph.waiting) == [0, 0, 0, 0]
    assert found == {
        "adult": [909, 0, 990, 11],
        "elder": [1111, 0, 1210, 13],
        "child_with_carer": [1000, 0, 1089, 12],
        "wheelchair": [1111, 0, 1210, 13],
        "bicycle": [300, 0, 990, 11],
    }


@pytest.mark.parametrize("measure", [None, METRES])
def test_a_profile_runs_on_a_network_of_its_own_mode_only(measure: str | None) -> None:
    profiles = load_profiles()
    streets = row_of_streets()
    for name, mode in (
        ("bicycle", "walk"),
        ("adult", "cycle"),
        ("wheelchair", "walk"),
        ("elder", "walk_step_free"),
        ("car", "cycle"),
    ):
        with pytest.raises(InputError, match=rf"{name} travels on streets of the mode {profiles[name].network}") as caught:
            routing_graph(replace(streets, mode=mode), profiles[name], measure=measure)
        assert [(fault.code, fault.file, fault.field) for fault in caught.value.faults] == [
            ("profile.other_network", "network", "mode")
        ]


def test_a_street_too_long_for_any_limit_does_not_wrap_round() -> None:
    network = row_of_streets(length_dm=[2**30 - 1, 1000, 0, 0])
    weight = by_id(network, routing_graph(network, round_profile(speed_m_s=0.1)).forward_weight)
    assert weight == [2**30, 10_000, 0, 0]
