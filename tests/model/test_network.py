"""StreetNetwork: two tables in, arrays out, the same whatever the order of rows; every fault of a table is named."""

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from yike.errors import InputError
from yike.model.network import NOT_GIVEN, StreetNetwork, check_metric_crs, hilbert_order

CRS = "EPSG:32651"


def grid(side: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make a square grid of streets 100 m apart, ids from 10 upwards."""
    rows = [(10 + r * side + c, 500_000.0 + 100 * c, 3_400_000.0 + 100 * r) for r in range(side) for c in range(side)]
    east = [(10 + r * side + c, 11 + r * side + c, 100.0) for r in range(side) for c in range(side - 1)]
    north = [(10 + r * side + c, 10 + (r + 1) * side + c, 100.0) for r in range(side - 1) for c in range(side)]
    return pd.DataFrame(rows, columns=["id", "x", "y"]), pd.DataFrame(
        east + north, columns=["source", "target", "length_m"]
    )


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
    named = {
        (int(network.node_id[t]), int(network.node_id[h])) for t, h in zip(network.tail, network.head, strict=True)
    }
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
        ("edges.negative", "length_m", 5, 1),
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
