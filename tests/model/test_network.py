"""StreetNetwork: two tables in, arrays out, the same whatever the order of rows; every fault of a table is named."""

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from yike.errors import InputError, UnknownName
from yike.model.network import NOT_GIVEN, StreetNetwork, check_metric_crs, hilbert_order

CRS = "EPSG:32651"


def grid(side: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make a square grid of streets 100 m apart, ids from 10 upwards."""
    rows = [(10 + r * side + c, 500_000.0 + 100 * c, 3_400_000.0 + 100 * r) for r in range(side) for c in range(side)]
    east = [(10 + r * side + c, 11 + r * side + c, 100.0) for r in range(side) for c in range(side - 1)]
    north = [(10 + r * side + c, 10 + (r + 1) * side + c, 100.0) for r in range(side - 1) for c in range(side)]
    return pd.DataFrame(rows, columns=["id", "x", "y"]), pd.DataFrame(east + north, columns=["source", "target", "length_m"])


def test_edges_become_segments_with_lengths_ends_and_straight_shapes() -> None:
    nodes, edges = grid(3)
    network = StreetNetwork.from_edges(nodes, edges, crs=CRS)
    assert (network.node_count, network.segment_count) == (9, 12)
    assert network.length_dm.tolist() == [1000] * 12
    assert (network.mode, network.crs) == ("walk", CRS)
    assert network.forward.all()
    assert network.backward.all()
    assert network.attachable.all()
    ends = shapely.get_coordinates(network.shapes()).reshape(12, 2, 2)
    assert (ends[:, 0] == network.node_xy[network.tail]).all()
    assert (ends[:, 1] == network.node_xy[network.head]).all()
    named = {(int(network.node_id[t]), int(network.node_id[h])) for t, h in zip(network.tail, network.head, strict=True)}
    assert named == set(zip(edges["source"], edges["target"], strict=True))


def test_given_times_one_way_streets_and_own_shapes_are_kept() -> None:
    nodes, edges = grid(2)
    bend = shapely.LineString([(500_000, 3_400_000), (500_050, 3_400_030), (500_100, 3_400_000)])
    straight = [bend, *([None] * 3)]
    for row in range(1, 4):
        ends = nodes.set_index("id").loc[[edges["source"][row], edges["target"][row]], ["x", "y"]].to_numpy()
        straight[row] = shapely.LineString(ends)
    edges = edges.assign(walk_s=[90.04, np.nan, 0.0, 12.36], oneway=[True, False, False, False], geometry=straight)
    network = StreetNetwork.from_edges(nodes, edges, crs=CRS)
    by_id = network.segment_table().set_index("segment_id").sort_index()
    assert by_id["fixed_ds"].tolist() == [900, NOT_GIVEN, 0, 124]
    assert by_id["backward"].tolist() == [False, True, True, True]
    assert by_id["geometry"][0].equals_exact(bend, 0)
    cycling = StreetNetwork.from_edges(nodes, edges, crs=CRS, mode="cycle")
    assert (cycling.fixed_ds == NOT_GIVEN).all()


@given(st.randoms(use_true_random=False))
def test_row_order_changes_neither_arrays_nor_hash(random) -> None:  # type: ignore[no-untyped-def]
    nodes, edges = grid(4)
    one = StreetNetwork.from_edges(nodes, edges, crs=CRS)
    node_rows, edge_rows = list(range(len(nodes))), list(range(len(edges)))
    random.shuffle(node_rows)
    random.shuffle(edge_rows)
    table, segments = one.node_table(), one.segment_table()
    position = np.empty(len(table), int)
    position[node_rows] = np.arange(len(table))
    shuffled = segments.iloc[edge_rows].assign(tail=lambda t: position[t["tail"]], head=lambda t: position[t["head"]])
    other = StreetNetwork.from_tables(table.iloc[node_rows], shuffled, mode="walk", crs=CRS)
    assert other.hash() == one.hash()
    assert (other.tail == one.tail).all()
    assert (other.shape_xy == one.shape_xy).all()


def test_parallel_streets_of_one_length_are_ordered_by_their_shape() -> None:
    nodes = pd.DataFrame({"node_id": [1, 2], "x": [0.0, 100.0], "y": [0.0, 0.0]})
    left, right = (shapely.LineString([(0, 0), (50, y), (100, 0)]) for y in (20, -20))
    segments = pd.DataFrame({"segment_id": 7, "tail": 0, "head": 1, "length_dm": 1077, "geometry": [left, right]})
    one = StreetNetwork.from_tables(nodes, segments, mode="walk", crs=CRS)
    other = StreetNetwork.from_tables(nodes, segments.iloc[::-1], mode="walk", crs=CRS)
    assert one.hash() == other.hash()
    assert one.shape_xy.tolist() == other.shape_xy.tolist()


def test_a_changed_length_changes_the_hash() -> None:
    nodes, edges = grid(3)
    one = StreetNetwork.from_edges(nodes, edges, crs=CRS)
    edges.loc[4, "length_m"] = 100.1
    assert StreetNetwork.from_edges(nodes, edges, crs=CRS).hash() != one.hash()


def test_neighbours_on_the_hilbert_curve_are_neighbours_on_the_ground() -> None:
    xy = np.array([(c, r) for r in range(16) for c in range(16)], float)
    order = hilbert_order(xy, tie=np.arange(256))
    assert sorted(order.tolist()) == list(range(256))
    steps = np.abs(np.diff(xy[order], axis=0)).sum(axis=1)
    assert steps.mean() < 1.5


def test_every_fault_of_the_edges_is_named_at_once() -> None:
    nodes, edges = grid(2)
    edges = edges.assign(walk_s=[1.0, -2.0, 1.0, -4.0])
    edges.loc[1, "source"] = 99
    edges.loc[2, "target"] = 98
    edges.loc[3, "length_m"] = np.nan
    with pytest.raises(InputError) as caught:
        StreetNetwork.from_edges(nodes, edges, crs=CRS)
    found = {(fault.code, fault.field, fault.row, fault.count) for fault in caught.value.faults}
    assert found == {
        ("edges.unknown_node", "source", 3, 1),
        ("edges.unknown_node", "target", 4, 1),
        ("table.empty_cell", "length_m", 5, 1),
        ("edges.negative", "walk_s", 3, 2),
    }


def test_missing_columns_of_both_tables_are_named_at_once() -> None:
    nodes, edges = grid(2)
    with pytest.raises(InputError) as caught:
        StreetNetwork.from_edges(nodes.drop(columns="y"), edges.drop(columns=["target", "length_m"]), crs=CRS)
    assert [(fault.file, fault.field) for fault in caught.value.faults] == [
        ("nodes", "y"), ("edges", "target"), ("edges", "length_m"),
    ]  # fmt: skip


def test_a_node_id_that_stands_twice_is_refused() -> None:
    nodes, edges = grid(2)
    with pytest.raises(InputError) as caught:
        StreetNetwork.from_edges(pd.concat([nodes, nodes.iloc[[2]]]), edges, crs=CRS)
    assert [(fault.code, fault.row) for fault in caught.value.faults] == [("table.duplicate_id", 6)]


@pytest.mark.parametrize(
    ("crs", "code"), [("EPSG:4326", "crs.not_metric"), ("EPSG:2263", "crs.not_metric"), ("moon", "crs.unknown")]
)
def test_only_coordinates_in_metres_are_taken(crs: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        check_metric_crs(crs, "file.gpkg")
    assert [fault.code for fault in caught.value.faults] == [code]


def test_a_network_without_streets_is_possible() -> None:
    nodes, edges = grid(2)
    network = StreetNetwork.from_edges(nodes, edges.iloc[:0], crs=CRS)
    assert (network.node_count, network.segment_count) == (4, 0)
    assert network.shape_start.tolist() == [0]


def faults_of(nodes: pd.DataFrame, edges: pd.DataFrame) -> set[tuple[str, str, str | None, int | None, int]]:
    with pytest.raises(InputError) as caught:
        StreetNetwork.from_edges(nodes, edges, crs=CRS)
    assert all("error." not in caught.value.words(lang) for lang in ("en", "zh"))
    return {(fault.code, fault.file, fault.field, fault.row, fault.count) for fault in caught.value.faults}


@pytest.mark.parametrize(
    "words",
    [
        [True, False, True, False],
        [1, 0, 1, 0],
        [1.0, np.nan, 1.0, 0.0],
        ["yes", "no", " Yes", "NO"],
        ["True", "False", "1", "0"],
        ["true", None, "yes", ""],
        pd.array([True, None, True, False], dtype="boolean"),
        pd.Categorical(["yes", "no", "yes", None]),
    ],
)
def test_one_way_is_read_as_it_is_written(words: object) -> None:
    nodes, edges = grid(2)
    table = StreetNetwork.from_edges(nodes, edges.assign(oneway=words), crs=CRS).segment_table().sort_values("segment_id")
    assert table["backward"].tolist() == [False, True, False, True]
    assert table["forward"].all()


def test_a_one_way_word_that_says_neither_is_a_fault() -> None:
    nodes, edges = grid(2)
    found = faults_of(nodes, edges.assign(oneway=["yes", "-1", "no", 2]))
    assert found == {("edges.not_yes_or_no", "edges", "oneway", 3, 2)}


def test_a_line_drawn_from_target_to_source_is_turned_and_an_empty_one_is_straight() -> None:
    nodes, edges = grid(2)
    bend = shapely.LineString([(500_000.5, 3_400_000), (500_020, 3_400_030), (500_100, 3_400_000)])
    shapes = {"geometry": [shapely.reverse(bend), None, np.nan, shapely.LineString()], "oneway": [True, False, False, False]}
    by_id = StreetNetwork.from_edges(nodes, edges.assign(**shapes), crs=CRS).segment_table().set_index("segment_id")
    assert by_id["geometry"][0].equals_exact(bend, 0)
    xy = nodes.set_index("id")[["x", "y"]]
    for row in (1, 2, 3):
        assert shapely.get_coordinates(by_id["geometry"][row]).tolist() == [
            xy.loc[edges[end][row]].tolist() for end in ("source", "target")
        ]


def test_a_loop_keeps_the_direction_it_is_drawn_in() -> None:
    nodes = pd.DataFrame({"id": [1], "x": [0.0], "y": [0.0]})
    ring = shapely.LineString([(0, 0), (50, 0), (50, 50), (0, 0)])
    edges = pd.DataFrame({"source": [1], "target": [1], "length_m": [170.7], "geometry": [ring]})
    assert StreetNetwork.from_edges(nodes, edges, crs=CRS).shapes()[0].equals_exact(ring, 0)


def test_shapes_that_are_no_line_between_the_nodes_are_faults() -> None:
    nodes, edges = grid(2)
    south, north = shapely.LineString([(500_000, 3_400_000), (500_100, 3_400_000)]), 3_400_101.5
    off = shapely.LineString([(500_000, north), (500_100, north)])
    assert faults_of(nodes, edges.assign(geometry=[south, off, None, None])) == {
        ("edges.ends_elsewhere", "edges", "geometry", 3, 1)
    }
    with np.errstate(invalid="ignore"):
        broken = shapely.LineString([(500_000, 3_400_000), (np.nan, 0), (500_100, 3_400_000)])
    others = [broken, shapely.Point(0, 0), "LINESTRING (0 0, 1 1)", shapely.MultiLineString([south])]
    assert faults_of(nodes, edges.assign(geometry=others)) == {("edges.not_a_line", "edges", "geometry", 2, 4)}


def test_figures_that_are_no_lengths_times_or_places_are_all_named() -> None:
    nodes, edges = grid(2)
    nodes = nodes.assign(x=[500_000.0, np.nan, np.inf, 500_100.0], y=["3400000", "3400000", "north", "3400100"])
    edges = edges.assign(length_m=[np.inf, 1e9, "100 m", "100"], walk_s=[np.nan, 1e9, -1, 5], bike_s=["soon", None, 1, 2])
    assert faults_of(nodes, edges) == {
        ("table.empty_cell", "nodes", "x", 3, 1),
        ("table.not_a_number", "nodes", "x", 4, 1),
        ("table.not_a_number", "nodes", "y", 4, 1),
        ("table.not_a_number", "edges", "length_m", 2, 2),
        ("edges.too_large", "edges", "length_m", 3, 1),
        ("edges.too_large", "edges", "walk_s", 3, 1),
        ("edges.negative", "edges", "walk_s", 4, 1),
        ("table.not_a_number", "edges", "bike_s", 2, 1),
    }


def test_the_largest_length_is_just_below_what_a_search_calls_unreached() -> None:
    nodes, edges = grid(2)
    most = (2**30 - 1) / 10
    network = StreetNetwork.from_edges(nodes, edges.assign(length_m=most), crs=CRS)
    assert network.length_dm.tolist() == [2**30 - 1] * 4
    assert faults_of(nodes, edges.assign(length_m=most + 0.1)) == {("edges.too_large", "edges", "length_m", 2, 4)}


def test_words_as_ids_stand_for_the_rows_of_the_nodes() -> None:
    nodes, edges = grid(3)
    plain = StreetNetwork.from_edges(nodes.assign(id=range(9)), edges.assign(**edges[["source", "target"]] - 10), crs=CRS)
    words = {end: "n" + edges[end].astype(str) for end in ("source", "target")}
    named = StreetNetwork.from_edges(nodes.assign(id="n" + nodes["id"].astype(str)), edges.assign(**words), crs=CRS)
    assert named.node_id.tolist() == plain.node_id.tolist()
    assert named.hash() == plain.hash()
    assert faults_of(nodes, edges.assign(**words)) == {
        ("edges.unknown_node", "edges", end, 2, 12) for end in ("source", "target")
    }


@pytest.mark.parametrize("kind", ["int32", "float64", "Int64", "uint64", "category", object])
def test_whole_numbers_are_kept_as_ids_whatever_their_kind(kind: str) -> None:
    nodes, edges = grid(2)
    network = StreetNetwork.from_edges(nodes.assign(id=nodes["id"].astype(kind)), edges, crs=CRS)
    assert sorted(network.node_id.tolist()) == [10, 11, 12, 13]


def test_ids_that_are_empty_or_no_whole_numbers_are_faults() -> None:
    nodes, edges = grid(2)
    assert faults_of(nodes.assign(id=[10, 11.5, np.nan, 13]), edges) == {
        ("table.not_a_number", "nodes", "id", 3, 1),
        ("table.empty_cell", "nodes", "id", 4, 1),
        ("edges.unknown_node", "edges", "source", 3, 2),
        ("edges.unknown_node", "edges", "target", 2, 2),
    }
    huge = nodes.assign(id=np.array([10, 11, 12, 2**63], np.uint64))
    assert ("table.not_a_number", "nodes", "id", 5, 1) in faults_of(huge, edges)
    assert faults_of(nodes.iloc[:0], edges) == {("edges.unknown_node", "edges", end, 2, 4) for end in ("source", "target")}


def test_a_mode_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(UnknownName, match="walk, walk_step_free, cycle, car") as caught:
        StreetNetwork.from_edges(*grid(2), crs=CRS, mode="fly")
    assert [(fault.code, fault.field) for fault in caught.value.faults] == [("name.unknown", "mode")]


def test_the_callers_tables_stay_as_they_are() -> None:
    nodes, edges = grid(2)
    line = shapely.LineString([(500_100, 3_400_000), (500_000, 3_400_000)])
    edges = edges.assign(geometry=[line, None, None, None], oneway=["yes", "no", None, ""])
    before = nodes.copy(), edges.copy()
    StreetNetwork.from_edges(nodes, edges, crs=CRS)
    pd.testing.assert_frame_equal(nodes, before[0])
    pd.testing.assert_frame_equal(edges, before[1])
    assert edges["geometry"][0] is line
