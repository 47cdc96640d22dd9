"""Street lines become a network: joined at their ends and nowhere else, by mode, in metres, every bad row named."""

import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from shapely import LineString, MultiLineString

from yike.analysis.quality import largest_component_share
from yike.errors import InputError
from yike.model.network import SEGMENT_KINDS, StreetNetwork
from yike.sources.lines import join_ends, read_lines, read_street_lines

CRS = "EPSG:32651"
X, Y = 500_000.0, 3_400_000.0


def line(*points: tuple[float, float]) -> LineString:
    """Draw a line in metres from a corner of the zone."""
    return LineString([(X + x, Y + y) for x, y in points])


def write(path: Path, lines: list[object], *, crs: str | None = CRS, **columns: list[object]) -> Path:
    """Write lines with columns to a file of the kind that its ending names."""
    frame = gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(lines, crs=crs))
    if path.suffix in (".parquet", ".geoparquet"):
        frame.to_parquet(path)
    else:
        frame.to_file(path)
    return path


def codes(path: Path, **options: object) -> list[tuple[str, int | None]]:
    """Return the faults of a file as codes and rows."""
    with pytest.raises(InputError) as caught:
        read_street_lines(path, **options)  # type: ignore[arg-type]
    return [(fault.code, fault.row) for fault in caught.value.faults]


@pytest.mark.parametrize("ending", ["parquet", "gpkg", "shp", "geoparquet"])
def test_lines_meet_at_shared_ends_in_every_kind_of_file(tmp_path: Path, ending: str) -> None:
    path = write(
        tmp_path / f"streets.{ending}", [line((0, 0), (100, 0)), line((100, 0), (100, 50)), line((100, 0), (200, 0))]
    )
    network = read_lines(path)
    assert (network.crs, network.node_count, network.segment_count) == (CRS, 4, 3)
    assert sorted(network.length_dm.tolist()) == [500, 1000, 1000]
    middle = int(np.flatnonzero((network.node_xy == [X + 100, Y]).all(axis=1))[0])
    assert (np.concatenate([network.tail, network.head]) == middle).sum() == 3


def test_lines_that_cross_without_a_shared_end_do_not_meet(tmp_path: Path) -> None:
    path = write(tmp_path / "bridge.gpkg", [line((-50, 0), (50, 0)), line((0, -50), (0, 50)), line((50, 0), (0, 50))])
    network = read_lines(path)
    assert (network.node_count, network.segment_count) == (4, 3)
    assert largest_component_share(network) == 1.0
    apart = read_lines(write(tmp_path / "apart.gpkg", [line((-50, 0), (50, 0)), line((0, -50), (0, 50))]))
    assert (apart.node_count, largest_component_share(apart)) == (4, 0.5)


def test_a_line_that_touches_the_middle_of_another_does_not_meet_it(tmp_path: Path) -> None:
    network = read_lines(write(tmp_path / "t.gpkg", [line((-50, 0), (0, 0), (50, 0)), line((0, 0), (0, 50))]))
    assert network.node_count == 4


def test_ends_within_a_decimetre_are_one_node_and_farther_ones_are_not() -> None:
    shapes = np.array([line((0, 0), (100, 0)), line((100.09, 0), (200, 0)), line((200.11, 0), (300, 0))], object)
    nodes, ends = join_ends(shapes)
    assert len(nodes) == 5
    assert ends[0, 1] == ends[1, 0]
    assert ends[1, 1] != ends[2, 0]
    turned, turned_ends = join_ends(shapes[::-1])
    assert turned.tolist() == nodes.tolist()
    assert turned_ends[::-1].tolist() == ends.tolist()


def test_shapes_begin_and_end_exactly_at_their_nodes(tmp_path: Path) -> None:
    lines = [line((0, 0), (40, 7), (100, 0)), line((100.06, 0.05), (200, 0)), line((100, 0.02), (100, 90))]
    network = read_lines(write(tmp_path / "near.parquet", lines))
    first = network.shape_xy[network.shape_start[:-1]]
    last = network.shape_xy[network.shape_start[1:] - 1]
    assert (first == network.node_xy[network.tail]).all()
    assert (last == network.node_xy[network.head]).all()
    assert [X + 40, Y + 7] in network.shape_xy.tolist()


def test_the_order_of_lines_does_not_change_the_network(tmp_path: Path) -> None:
    lines = [line((0, 0), (100, 0)), line((100.05, 0), (100, 50)), line((99.95, 0), (200, 0)), line((0, 0), (100, 50))]
    one = read_lines(write(tmp_path / "a.parquet", lines, id=[1, 2, 3, 4]))
    other = read_lines(write(tmp_path / "b.parquet", lines[::-1], id=[4, 3, 2, 1]))
    assert one.hash() == other.hash()
    assert one.segment_id.tolist() == other.segment_id.tolist()
    assert sorted(one.segment_id.tolist()) == [1, 2, 3, 4]


def test_multilines_are_split_and_dots_left_out(tmp_path: Path) -> None:
    lines = [
        MultiLineString([line((0, 0), (10, 0)), line((10, 0), (10, 10))]),
        line((10, 10), (10, 10)),
        line((10, 10), (20, 10)),
    ]
    network = read_lines(write(tmp_path / "multi.parquet", lines))
    assert sorted(network.segment_id.tolist()) == [2, 2, 4]
    assert network.length_dm.tolist() == [100, 100, 100]


def test_a_class_column_leaves_out_what_a_mode_may_not_use(tmp_path: Path) -> None:
    classes = ["motorway", "trunk_link", "residential", "footway", "steps", "['primary', 'motorway']", None, "cycleway"]
    lines: list[object] = [line((100 * i, 0), (100 * i + 100, 0)) for i in range(len(classes))]
    path = write(tmp_path / "classes.parquet", lines, highway=classes)
    read = read_street_lines(path, modes=("walk", "cycle", "walk_step_free", "car")).networks
    rows = {mode: sorted(network.segment_id.tolist()) for mode, network in read.items()}
    assert rows == {
        "walk": [4, 5, 6, 7, 8, 9],
        "cycle": [4, 7, 8, 9],
        "walk_step_free": [4, 5, 7, 8, 9],
        "car": [2, 3, 4, 7, 8],
    }
    kinds = dict(zip(read["walk"].segment_id.tolist(), read["walk"].kind.tolist(), strict=True))
    assert [SEGMENT_KINDS[kinds[row]] for row in (4, 5, 6, 7, 9)] == [
        "street",
        "footway",
        "steps",
        "street",
        "cycleway",
    ]


def test_a_class_column_of_another_name_can_be_given(tmp_path: Path) -> None:
    path = write(
        tmp_path / "c.parquet", [line((0, 0), (9, 0)), line((9, 0), (18, 0))], rank=["motorway", "residential"]
    )
    assert read_lines(path).segment_count == 2
    assert read_lines(path, class_column="rank").segment_count == 1
    assert codes(path, class_column="rang") == [("table.missing_column", None)]


def test_one_way_streets_bind_bicycles_and_not_walkers(tmp_path: Path) -> None:
    oneway = ["yes", "-1", "no", None]
    lines: list[object] = [line((100 * i, 0), (100 * i + 100, 0)) for i in range(4)]
    read = read_street_lines(write(tmp_path / "o.parquet", lines, oneway=oneway), modes=("walk", "cycle")).networks
    assert read["walk"].forward.all()
    assert read["walk"].backward.all()
    cycle = read["cycle"].segment_table().sort_values("segment_id")
    assert cycle["forward"].tolist() == [True, False, True, True]
    assert cycle["backward"].tolist() == [False, True, True, True]
    letters = write(tmp_path / "l.parquet", lines, oneway=["F", "T", "B", "B"])
    table = read_lines(letters, mode="cycle").segment_table().sort_values("segment_id")
    assert table["forward"].tolist() == [True, False, True, True]
    assert table["backward"].tolist() == [False, True, True, True]


def test_nothing_attaches_to_bridges_tunnels_and_other_layers(tmp_path: Path) -> None:
    lines: list[object] = [line((100 * i, 0), (100 * i + 100, 0)) for i in range(5)]
    columns = {
        "bridge": ["yes", "F", None, "no", None],
        "tunnel": [None, None, "T", None, None],
        "layer": [0, 0, 0, -1, 0],
    }
    table = read_lines(write(tmp_path / "b.parquet", lines, **columns)).segment_table().sort_values("segment_id")
    assert table["attachable"].tolist() == [False, True, False, False, True]


def test_degrees_are_projected_to_the_utm_zone_and_measured_on_the_ellipsoid(tmp_path: Path) -> None:
    path = write(
        tmp_path / "wgs.geojson", [LineString([(123.0, 31.0), (123.01, 31.0), (123.01, 31.02)])], crs="EPSG:4326"
    )
    network = read_lines(path)
    geod = pyproj.Geod(ellps="WGS84")
    metres = geod.line_length([123.0, 123.01, 123.01], [31.0, 31.0, 31.02])
    assert network.crs == "EPSG:32651"
    assert network.length_dm.tolist() == [round(metres * 10)]
    planar = shapely.length(network.shapes())[0]
    assert abs(planar - metres) > 0.5
    assert read_lines(path, crs="EPSG:32650").crs == "EPSG:32650"


def test_feet_are_not_taken_for_metres(tmp_path: Path) -> None:
    feet = LineString([(980_000, 200_000), (981_000, 200_000)])
    network = read_lines(write(tmp_path / "ny.gpkg", [feet], crs="EPSG:2263"))
    assert network.crs == "EPSG:32618"
    assert network.length_dm[0] == pytest.approx(3048, abs=2)


def test_a_file_without_a_coordinate_system_is_asked_for_it(tmp_path: Path) -> None:
    path = write(tmp_path / "none.parquet", [line((0, 0), (100, 0))], crs=None)
    assert codes(path) == [("lines.no_crs", None)]
    assert codes(path, crs="EPSG:moon") == [("crs.unknown", None)]
    assert codes(path, crs="EPSG:4326") == [("lines.not_degrees", None)]
    assert read_lines(path, crs=CRS).length_dm.tolist() == [1000]
    assert read_street_lines(path, crs=CRS, into="EPSG:32650").networks["walk"].crs == "EPSG:32650"


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_rows_without_a_line_are_named_and_can_be_left_out(tmp_path: Path) -> None:
    lines = [line((0, 0), (100, 0)), None, shapely.Point(X, Y), LineString(), line((100, 0), (np.nan, 5))]
    path = write(tmp_path / "bad.parquet", lines)
    assert codes(path) == [
        ("tables.no_shape", 3), ("lines.not_a_line", 4), ("tables.no_shape", 5), ("lines.not_finite", 6),
    ]  # fmt: skip
    read = read_street_lines(path, on_bad_rows="drop", modes=("walk",))
    assert read.left_out == (3, 4, 5, 6)
    assert (read.rows_read, len(read.faults), read.networks["walk"].segment_count) == (5, 4, 1)


def test_a_file_with_no_street_for_the_mode_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "m.parquet", [line((0, 0), (100, 0))], highway=["motorway"])
    assert codes(path, modes=("walk",)) == [("lines.none_left", None)]
    assert codes(path, modes=("swim",)) == [("name.unknown", None)]


def test_files_of_other_kinds_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "flat.parquet")
    assert codes(tmp_path / "flat.parquet") == [("lines.no_geometry", None)]
    (tmp_path / "lines.dwg").write_bytes(b"AC1032")
    assert codes(tmp_path / "lines.dwg") == [("file.unknown_kind", None)]
    assert codes(tmp_path / "gone.gpkg") == [("file.missing", None)]
    shape = write(tmp_path / "half.shp", [line((0, 0), (100, 0))])
    shape.write_bytes(shape.read_bytes()[:60])
    assert codes(shape) == [("file.damaged", None)]


def test_wuhan_is_read_in_seconds(real_data: Callable[[str], Path]) -> None:
    path = real_data("wuhan-streets/streets.parquet")
    began = time.perf_counter()
    read = read_street_lines(path, modes=("walk",))
    assert time.perf_counter() - began < 20
    network: StreetNetwork = read.networks["walk"]
    assert (read.rows_read, read.left_out, network.crs) == (92_667, (), "EPSG:32650")
    # 92,667 edges less motorways, trunks and their links.
    assert (network.node_count, network.segment_count) == (66_358, 74_743)
    assert largest_component_share(network) == pytest.approx(0.9922, abs=1e-4)
    everything = gpd.read_parquet(path)
    fast = everything["highway"].isin(["motorway", "motorway_link", "trunk", "trunk_link"])
    assert network.segment_count == int((~fast).sum())
    assert network.length_dm.sum() / 10 == pytest.approx(everything[~fast].length.sum(), rel=1e-5)
