"""Streets from hand-made OSM files: every node, segment, length, direction and wait is known."""

from math import cos, radians
from pathlib import Path

import numpy as np
import pytest
import shapely

from yike.errors import InputError, UnknownName
from yike.model.network import SEGMENT_KINDS, StreetNetwork
from yike.sources.osm import read_osm

FIXTURES = Path(__file__).parent.parent / "fixtures"
LATITUDE = radians(31.2)
# Lengths of 0.001 degrees by the usual series of the WGS 84 ellipsoid, good to a centimetre.
NORTH_M = (111132.954 - 559.822 * cos(2 * LATITUDE) + 1.175 * cos(4 * LATITUDE)) / 1000
EAST_M = (111412.84 * cos(LATITUDE) - 93.5 * cos(3 * LATITUDE) + 0.118 * cos(5 * LATITUDE)) / 1000


def read(name: str, mode: str = "walk") -> StreetNetwork:
    return read_osm(FIXTURES / f"osm_{name}.osm", mode=mode)


def segments(network: StreetNetwork) -> list[tuple[int, int, int]]:
    """Return (way, lower end, higher end) of each segment, sorted."""
    ends = np.sort(np.stack([network.node_id[network.tail], network.node_id[network.head]], axis=1), axis=1)
    return sorted((int(way), int(low), int(high)) for way, (low, high) in zip(network.segment_id, ends, strict=True))


def of_way(network: StreetNetwork, way: int, column: str) -> list[int]:
    """Return a column for the segments of one way, in the order of their ends' ids."""
    rows = np.flatnonzero(network.segment_id == way)
    ends = np.minimum(network.node_id[network.tail[rows]], network.node_id[network.head[rows]])
    return getattr(network, column)[rows[np.argsort(ends)]].tolist()


def ways(network: StreetNetwork) -> set[int]:
    return set(network.segment_id.tolist())


def test_layers_meet_only_where_they_share_a_node() -> None:
    network = read("layers")
    assert segments(network) == [(10, 1, 3), (20, 4, 6), (30, 7, 9), (40, 3, 6), (50, 3, 9)]
    assert sorted(network.node_id.tolist()) == [1, 3, 4, 6, 7, 9]
    assert network.crs == "EPSG:32651"
    kinds = {int(way): SEGMENT_KINDS[kind] for way, kind in zip(network.segment_id, network.kind, strict=True)}
    assert kinds == {10: "street", 20: "footway", 30: "footway", 40: "steps", 50: "footway"}


def test_bridges_and_tunnels_are_used_but_not_attached_to() -> None:
    network = read("layers")
    assert {way: of_way(network, way, "attachable") for way in (10, 20, 30, 40)} == {
        10: [True],
        20: [False],
        30: [False],
        40: [True],
    }


def test_lengths_are_geodesic_decimetres() -> None:
    network = read("layers")
    assert of_way(network, 10, "length_dm") == [round(20 * EAST_M)]
    assert of_way(network, 20, "length_dm") == [round(20 * NORTH_M)]
    assert of_way(network, 40, "length_dm") == [round(10 * np.hypot(EAST_M, NORTH_M))]


def test_lengths_do_not_depend_on_the_projection() -> None:
    utm, mercator = read("layers"), read_osm(FIXTURES / "osm_layers.osm", crs="EPSG:3857")
    assert of_way(mercator, 10, "length_dm") == of_way(utm, 10, "length_dm")
    drawn = shapely.length(mercator.shapes()[mercator.segment_id == 10])[0]
    assert drawn == pytest.approx(2 * EAST_M / cos(LATITUDE), rel=0.005)


def test_no_steps_for_wheels() -> None:
    network = read("layers", "walk_step_free")
    assert segments(network) == [(10, 1, 3), (20, 4, 6), (30, 7, 9)]


@pytest.mark.parametrize(
    ("mode", "cuts"),
    [
        # The private gate stands at 3, the locked one at 5, the wall at 6; what is open to walkers only stands at 4 and 7.
        ("walk", [0, 3, 5, 6, 9]),
        ("cycle", [0, 3, 4, 5, 6, 7, 9]),
        # The kerb at 8 is raised.
        ("walk_step_free", [0, 3, 5, 6, 8, 9]),
    ],
)
def test_blocking_nodes_cut_the_street(mode: str, cuts: list[int]) -> None:
    network = read("gates", mode)
    lengths = [round(10 * EAST_M * part) for part in np.diff(cuts)]
    footway = [] if mode == "cycle" else [round(10 * NORTH_M)]
    assert sorted(network.length_dm.tolist()) == sorted(lengths + footway)
    # Every end stands alone: neither the street nor the footway goes on past a blocking node.
    assert np.bincount(np.concatenate([network.tail, network.head])).tolist() == [1] * (2 * network.segment_count)
    assert len(set(network.node_id.tolist())) == network.node_count


ACCESS = {
    # way: (walk, walk_step_free, cycle)
    100: (1, 1, 1), 101: (1, 1, 0), 102: (1, 1, 1), 103: (1, 1, 1), 104: (1, 0, 0), 105: (1, 1, 0), 106: (1, 1, 1),
    107: (0, 0, 1),
    108: (1, 1, 1), 109: (0, 0, 0), 110: (1, 1, 1), 111: (1, 1, 0), 112: (0, 0, 0), 113: (0, 0, 0), 114: (0, 0, 0),
    115: (1, 1, 0),
    116: (0, 0, 1), 117: (0, 0, 0), 118: (0, 0, 0), 119: (1, 1, 0), 120: (1, 1, 0), 121: (0, 0, 1), 122: (1, 1, 1),
    123: (1, 1, 0),
    124: (1, 1, 0), 125: (0, 0, 0), 126: (0, 0, 0), 127: (1, 0, 1), 128: (0, 0, 0), 129: (0, 0, 0), 130: (1, 1, 0),
}  # fmt: skip


@pytest.mark.parametrize(("column", "mode"), [(0, "walk"), (1, "walk_step_free"), (2, "cycle")])
def test_access_is_read_from_tags(column: int, mode: str) -> None:
    assert ways(read("access", mode)) == {way for way, uses in ACCESS.items() if uses[column]}


def test_indoor_ways_and_platforms_are_not_attached_to() -> None:
    network = read("access")
    closed = {int(way) for way in network.segment_id[~network.attachable]}
    assert closed == {123, 124}


CYCLE_DIRECTIONS = {
    100: (True, True), 101: (True, False), 102: (False, True), 103: (True, True), 104: (True, True), 105: (True, True),
    106: (True, True), 107: (True, False), 108: (True, True), 109: (True, False), 110: (True, False), 111: (True, True),
    112: (True, True), 114: (True, False),
}  # fmt: skip


def directions(network: StreetNetwork) -> dict[int, tuple[bool, bool]]:
    """Return (eastwards, westwards) for each way."""
    found = {}
    for row, way in enumerate(network.segment_id.tolist()):
        east = network.node_xy[network.tail[row], 0] < network.node_xy[network.head[row], 0]
        pair = (bool(network.forward[row]), bool(network.backward[row]))
        found[way] = pair if east else pair[::-1]
    return found


def test_bicycles_keep_to_one_way_streets() -> None:
    assert directions(read("oneway", "cycle")) == CYCLE_DIRECTIONS


def test_walkers_go_both_ways_but_on_escalators() -> None:
    expected = dict.fromkeys(range(100, 115), (True, True)) | {112: (True, False), 113: (False, True)}
    assert directions(read("oneway")) == expected


def test_one_way_segments_run_from_tail_to_head() -> None:
    network = read("oneway", "cycle")
    one_way = network.forward != network.backward
    assert one_way.sum() == 6
    assert network.forward[one_way].all()


def test_chains_are_joined_and_rings_are_cut_in_two() -> None:
    network = read("rings")
    # Two ways of one street are one segment; the bridge stays apart.
    assert [row for row in segments(network) if row[0] < 20] == [(10, 1, 4), (12, 4, 5)]
    assert of_way(network, 10, "length_dm") == [round(30 * EAST_M)]
    # A ring by itself: two segments between the same two nodes.
    assert segments(network)[2:4] == [(20, 11, 13), (20, 11, 13)]
    # A ring on a stalk: cut opposite to the stalk.
    assert [row for row in segments(network) if row[0] in (30, 31)] == [(30, 21, 22), (31, 22, 24), (31, 22, 24)]
    assert (network.tail != network.head).all()


def test_a_side_that_two_squares_share_is_kept_once() -> None:
    network = read("rings")
    assert [row for row in segments(network) if row[0] in (40, 41)] == [(40, 31, 32), (40, 31, 32), (41, 31, 32)]
    around = 2 * NORTH_M + 2 * EAST_M
    assert sorted(network.length_dm[np.isin(network.segment_id, (40, 41))]) == [
        round(20 * EAST_M),
        *[pytest.approx(10 * (around + 2 * NORTH_M), abs=2)] * 2,
    ]


def test_one_way_chains_drawn_against_each_other_are_joined() -> None:
    network = read("rings", "cycle")
    row = np.flatnonzero(network.segment_id == 50)
    assert len(row) == 1
    ends = (network.node_id[network.tail[row[0]]], network.node_id[network.head[row[0]]])
    assert ends == (41, 43)
    assert (network.forward[row[0]], network.backward[row[0]]) == (True, False)


def test_left_over_pieces_are_not_attached_to() -> None:
    network = read("gates")
    # 600 m between the ends; pieces of less than 200 m that nothing joins carry no attachment.
    by_length = dict(zip(network.length_dm.tolist(), network.attachable.tolist(), strict=True))
    assert by_length[round(30 * EAST_M)]
    assert not by_length[round(10 * EAST_M)]
    assert not by_length[round(20 * EAST_M)]


WAITS = {
    # way: signal halves and crossing halves of its segments, in the order of their ends' ids
    10: ([0], [0]), 11: ([1, 1], [0, 0]), 12: ([0], [0]), 13: ([0, 0], [0, 0]),
    20: ([0, 0], [0, 0]), 21: ([0], [1]), 22: ([0], [1]),
    31: ([0], [2]), 41: ([0], [0]),
    50: ([1, 1], [0, 0]), 51: ([1, 1], [0, 0]),
    60: ([1, 0, 1], [0, 0, 0]), 61: ([1, 1], [0, 0]), 62: ([1, 1], [0, 0]),
    70: ([0, 0], [0, 0]), 71: ([0], [0]), 72: ([0], [0]),
    81: ([0, 0], [1, 1]),
    90: ([0, 0, 0], [1, 0, 1]),
    100: ([1, 1], [0, 0]), 101: ([1, 1], [0, 0]),
}  # fmt: skip


@pytest.mark.parametrize("way", WAITS)
def test_waits_are_counted_in_halves(way: int) -> None:
    network = read("waits")
    assert (of_way(network, way, "signal_halves"), of_way(network, way, "crossing_halves")) == WAITS[way]


def test_segments_end_where_one_waits_but_not_at_stop_lines() -> None:
    network = read("waits")
    assert SEGMENT_KINDS[of_way(network, 11, "kind")[0]] == "crossing"
    # Node 46 carries a signal where nothing joins: no junction, no wait (part of way 50's second segment).
    assert {46, 92, 97} & set(network.node_id.tolist()) == set()
    assert {12, 42, 72, 93} < set(network.node_id.tolist())
    assert segments(network).count((50, 42, 47)) == 1
    assert 80 not in ways(network)


def test_cyclists_wait_at_signals_of_carriageways() -> None:
    network = read("waits", "cycle")
    assert of_way(network, 60, "signal_halves") == [1, 0, 1]
    # The footway of junction G is not theirs, so the signal there is a carriageway's for them.
    assert of_way(network, 70, "signal_halves") == [1, 1]


def test_a_way_is_cut_where_its_nodes_are_missing() -> None:
    assert segments(read("cut_ways")) == [(10, 1, 2), (10, 4, 5)]


def test_reading_twice_gives_the_same_network() -> None:
    assert read("waits").hash() == read("waits").hash()
    assert read("waits").hash() != read("waits", "cycle").hash()


def test_nothing_to_walk_on_is_an_error() -> None:
    with pytest.raises(InputError) as caught:
        read("no_streets")
    assert [fault.code for fault in caught.value.faults] == ["osm.no_streets"]
    assert "osm_no_streets.osm" in str(caught.value)
    assert "walk" in caught.value.words("zh")


def test_modes_that_are_not_read_are_named() -> None:
    with pytest.raises(UnknownName, match="walk, walk_step_free, cycle"):
        read("layers", "car")


def test_coordinates_in_degrees_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        read_osm(FIXTURES / "osm_layers.osm", crs="EPSG:4326")
    assert [fault.code for fault in caught.value.faults] == ["crs.not_metric"]
