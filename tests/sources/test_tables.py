"""Tables of other people become rows of ours: words found by spelling, places in metres, every bad row named."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from yike.errors import InputError, UnknownName
from yike.model.tables import AGE_GROUPS
from yike.sources.candidates import read_candidates
from yike.sources.facilities import read_facilities, read_hexagon_counts
from yike.sources.notes import note, say_notes
from yike.sources.population import largest_remainder, lattice_points, read_population, spread_evenly
from yike.sources.tables import find_columns, mapping, open_table, plain, read_table
from yike.sources.units import read_boundary, read_units
from yike.texts import languages

CRS = "EPSG:32651"
LON, LAT = 121.48, 31.23
X, Y = pyproj.Transformer.from_crs("EPSG:4326", CRS, always_xy=True).transform(LON, LAT)


def put(path: Path, text: str, *, encoding: str = "utf-8") -> Path:
    """Write a text file."""
    path.write_bytes(text.encode(encoding))
    return path


def faults(read: Callable[..., object], path: Path, **options: object) -> list[tuple[str, int | None, str | None]]:
    """Return the faults of a file as code, row and field."""
    with pytest.raises(InputError) as caught:
        read(path, **options)
    assert all(fault.file == str(path) for fault in caught.value.faults)
    for lang in languages():
        assert caught.value.words(lang)
    return [(fault.code, fault.row, fault.field) for fault in caught.value.faults]


def polygons(path: Path, shapes: list[object], *, crs: str | None = CRS, **columns: list[object]) -> Path:
    """Write shapes with columns to a GeoPackage, GeoParquet or GeoJSON."""
    frame = gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(shapes, crs=crs))
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path)
    return path


# --- files ---


def test_a_csv_keeps_its_columns_and_counts_rows_as_a_person_does(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", '\ufeffname,lon,lat\r\n"A, B",121,31\r\n\r\n,,\r\n" 甲 ",122,\r\n')
    table = read_table(path)
    assert table.index.tolist() == [2, 5]
    assert table["name"].tolist() == ["A, B", "甲"]
    assert table["lat"].tolist() == ["31", None]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_separator_is_that_of_the_header(tmp_path: Path, delimiter: str) -> None:
    path = put(tmp_path / "a.csv", f"name{delimiter}lon{delimiter}lat\n甲{delimiter}1{delimiter}2\n")
    assert read_table(path).iloc[0].tolist() == ["甲", "1", "2"]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", b"", [("tables.empty_file", None, None)]),
        ("a.csv", b"name,lon,lat\n", [("tables.no_rows", None, None)]),
        ("a.csv", b"name,lon,lat\n,,\n", [("tables.no_rows", None, None)]),
        ("a.csv", b"\n1,2,3\n", [("tables.no_header", 1, None)]),
        ("a.csv", b"a,,a\n1,2,3\n", [("tables.unnamed_column", 1, None), ("tables.repeated_column", 1, "a")]),
        ("a.csv", b"a,b\n1,2\n3\n4,5,6\n", [("tables.ragged_row", 3, None), ("tables.ragged_row", 4, None)]),
        ("a.csv", b'a,b\n1,2\n"3,4\n', [("file.damaged", None, None)]),
        ("a.csv", b"a,b\n\xff\xff\xff,2\n", [("tables.not_text", 2, None)]),
        ("a.xlsx", b"PK", [("tables.other_content", None, None)]),
        ("a.doc", b"x", [("file.unknown_kind", None, None)]),
        ("a.parquet", b"PAR1 cut", [("file.damaged", None, None)]),
        ("a.gpkg", b"SQLite format 3\0 cut", [("file.damaged", None, None)]),
        ("a.geojson", b'{"type": "FeatureCollection", "features": [', [("file.damaged", None, None)]),
        ("a.geojson", b'{"type": "FeatureCollection", "features": []}', [("tables.no_rows", None, None)]),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_its_reason(tmp_path: Path, name: str, content: bytes, expected: object) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert faults(read_table, path) == expected


@pytest.mark.parametrize("encoding", ["gb18030", "gbk", "utf-8", "utf-8-sig", "utf-16"])
def test_the_encoding_is_found(tmp_path: Path, encoding: str) -> None:
    path = put(tmp_path / "a.csv", "名称,类别\n徐汇,药店\na,b\n", encoding=encoding)
    opened = open_table(path)
    assert opened.frame.to_numpy().tolist() == [["徐汇", "药店"], ["a", "b"]]
    assert opened.encoding == {"gbk": "GB18030", "utf-16": "UTF-16", "gb18030": "GB18030"}.get(encoding, "UTF-8")
    assert open_table(path, encoding=encoding).frame.equals(opened.frame)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert faults(read_table, tmp_path / "gone.csv") == [("file.missing", None, None)]


@pytest.mark.parametrize("ending", ["gpkg", "parquet"])
@pytest.mark.parametrize("part", [0.3, 0.7, 0.98])
def test_a_truncated_file_is_found_wherever_it_is_cut(tmp_path: Path, ending: str, part: float) -> None:
    boxes: list[object] = [shapely.box(X + i, Y, X + i + 0.5, Y + 1) for i in range(500)]
    path = polygons(tmp_path / f"a.{ending}", boxes, residents=list(range(500)))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    assert faults(read_table, path) == [("file.damaged", None, None)]


def test_one_of_several_layers_must_be_named(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    frame = gpd.GeoDataFrame({"name": ["甲"]}, geometry=[shapely.Point(X, Y)], crs=CRS)
    frame.to_file(path, layer="one")
    frame.assign(name="乙").to_file(path, layer="two")
    assert faults(read_table, path) == [("tables.several_layers", None, None)]
    assert faults(read_table, path, layer="three") == [("tables.unknown_layer", None, None)]
    assert read_table(path, layer="two")["name"].tolist() == ["乙"]


def test_columns_are_found_by_their_spellings() -> None:
    present = ["设施名称", "设施类别", " 建筑面积（㎡）", "Beds", "经度", "NOTE"]
    assert find_columns(present, "facilities") == {
        "class_id": "设施类别", "name": "设施名称", "floor_area_m2": " 建筑面积（㎡）", "beds": "Beds",
    }  # fmt: skip
    assert find_columns(["lng", "Latitude"], "place") == {"lon": "lng", "lat": "Latitude"}
    assert find_columns(["id", "facility_id"], "facilities")["facility_id"] == "facility_id"


def test_no_spelling_in_the_mapping_means_two_things() -> None:
    for section in ("groups", "unit_kinds", "pathways"):
        words = [plain(word) for spellings in mapping(section).values() for word in spellings]
        assert len(words) == len(set(words)), section
    assert set(mapping("groups")) == set(AGE_GROUPS)


# --- places ---


def test_longitude_and_latitude_become_metres(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", f"id,class,经度,纬度\nf1,park,{LON},{LAT}\n")
    table = read_facilities(path, crs=CRS).table
    assert table["x"][0] == pytest.approx(X, abs=1e-6)
    assert table["y"][0] == pytest.approx(Y, abs=1e-6)


def test_bad_places_are_named_row_by_row_and_gathered(tmp_path: Path) -> None:
    rows = [f"{LON},{LAT}", f"{LAT},{LON}", "0,0", "200,31", "121.5,", "east,31", f"{X},{Y}", "121,inf"]
    path = put(tmp_path / "a.csv", "class,lon,lat\n" + "".join(f"park,{row}\n" for row in rows))
    expected = [
        ("tables.swapped", 3, "lat"),
        ("tables.zero_place", 4, "lat"),
        ("tables.out_of_range", 5, "lat"),
        ("table.empty_cell", 6, "lat"),
        ("table.not_a_number", 7, "lon"),
        ("tables.not_degrees", 8, "lon"),
        ("table.not_a_number", 9, "lat"),
    ]
    assert faults(read_facilities, path, crs=CRS) == expected
    read = read_facilities(path, crs=CRS, on_bad_rows="drop")
    assert (read.rows_read, read.left_out, len(read.table)) == (8, (3, 4, 5, 6, 7, 8, 9), 1)
    assert [(fault.code, fault.row, fault.field) for fault in read.faults] == expected
    assert read.table["facility_id"].tolist() == ["a-2"]


def test_many_rows_with_one_fault_are_listed_ten_times_and_then_counted(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "class,lon,lat\n" + "park,0,0\n" * 200 + f"park,{LON},{LAT}\n")
    with pytest.raises(InputError) as caught:
        read_facilities(path, crs=CRS)
    assert [(fault.row, fault.count) for fault in caught.value.faults] == [
        *((row, 1) for row in range(2, 12)),
        (12, 190),
    ]


def test_when_no_row_is_good_dropping_is_refused_too(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "class,lon,lat\npark,0,0\n")
    assert faults(read_facilities, path, crs=CRS, on_bad_rows="drop") == [("tables.zero_place", 2, "lat")]


def test_a_table_without_place_columns_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "class,lon,address\npark,1,somewhere\n")
    assert faults(read_facilities, path, crs=CRS) == [("tables.missing_column", 1, "lat")]


def test_shapes_of_another_system_are_projected_and_of_none_refused(tmp_path: Path) -> None:
    away = polygons(tmp_path / "a.gpkg", [shapely.Point(LON, LAT)], crs="EPSG:4326", type=["park"])
    assert read_facilities(away, crs=CRS).table["x"][0] == pytest.approx(X, abs=1e-6)
    unknown = polygons(tmp_path / "b.parquet", [shapely.Point(X, Y)], crs=None, type=["park"])
    assert faults(read_facilities, unknown, crs=CRS) == [("tables.no_crs", None, None)]
    swapped = polygons(tmp_path / "c.parquet", [shapely.Point(LAT, LON), None], crs="EPSG:4326", type=["park", "park"])
    assert faults(read_facilities, swapped, crs=CRS) == [
        ("tables.swapped", 2, "geometry"),
        ("tables.no_shape", 3, "geometry"),
    ]


# --- facilities ---

CLASSES = {"药店": "pharmacy", "Pharmacy": "pharmacy", "社区公园": "community_park"}
IDS = ("pharmacy", "community_park")


def test_classes_are_found_by_id_or_word_and_others_named(tmp_path: Path) -> None:
    words = ["药店", "PHARMACY", "community_park", "Community Park", "茶馆", "", " 社区公园"]
    path = put(tmp_path / "a.csv", "设施类别,lon,lat\n" + "".join(f"{word},{LON},{LAT}\n" for word in words))
    assert faults(read_facilities, path, crs=CRS, classes=CLASSES, standard_ids=IDS) == [
        ("tables.unknown_class", 6, "设施类别"), ("tables.no_class", 7, "设施类别"),
    ]  # fmt: skip
    read = read_facilities(path, crs=CRS, classes=CLASSES, standard_ids=IDS, on_bad_rows="drop")
    assert read.table["class_id"].tolist() == [
        "pharmacy",
        "pharmacy",
        "community_park",
        "community_park",
        "community_park",
    ]
    assert read.left_out == (6, 7)


def test_one_class_for_the_whole_file_must_be_of_the_standard(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", f"name,lon,lat\n甲,{LON},{LAT}\n")
    assert read_facilities(path, crs=CRS, class_id="pharmacy", standard_ids=IDS).table["class_id"].tolist() == ["pharmacy"]
    assert faults(read_facilities, path, crs=CRS) == [("tables.missing_column", 1, "class_id")]
    with pytest.raises(UnknownName, match="tea_house"):
        read_facilities(path, crs=CRS, class_id="tea_house", standard_ids=IDS)


def test_sizes_are_read_and_bad_ones_named(tmp_path: Path) -> None:
    head = "id,class,lon,lat,建筑面积（㎡）,床位数,学位数,open_hours\n"
    good = f"f1,park,{LON},{LAT},1200.5,40,,{'f' * 42}\n"
    table = read_facilities(put(tmp_path / "a.csv", head + good), crs=CRS).table
    assert (table["floor_area_m2"][0], table["beds"][0]) == (1200.5, 40)
    assert np.isnan(table["seats"][0])
    bad = f"f1,park,{LON},{LAT},1 200,-4,many,ff\n"
    path = put(tmp_path / "b.csv", head + good + bad)
    assert sorted(faults(read_facilities, path, crs=CRS), key=str) == [
        ("table.duplicate_id", 3, "id"),
        ("table.not_a_number", 3, "学位数"),
        ("table.not_a_number", 3, "建筑面积（㎡）"),
        ("tables.negative", 3, "床位数"),
        ("tables.not_hours", 3, "open_hours"),
    ]


def test_an_outline_is_kept_and_gives_a_point_inside_and_its_area(tmp_path: Path) -> None:
    ring = shapely.Polygon(shapely.box(X, Y, X + 100, Y + 100).exterior, [shapely.box(X + 5, Y + 5, X + 95, Y + 95).exterior])
    bow = shapely.Polygon([(X, Y), (X + 10, Y + 10), (X + 10, Y), (X, Y + 10)])
    shapes = [ring, shapely.Point(X, Y), bow, shapely.LineString([(X, Y), (X + 1, Y)])]
    path = polygons(tmp_path / "a.gpkg", shapes, type=["park"] * 4)
    assert faults(read_facilities, path, crs=CRS) == [("tables.wrong_shape", 5, "geometry")]
    table = read_facilities(path, crs=CRS, on_bad_rows="drop").table
    assert ring.contains(shapely.Point(table["x"][0], table["y"][0]))
    assert table["site_area_m2"].round(1).tolist()[::2] == [1900.0, 50.0]
    assert table["outline"].isna().tolist() == [False, True, False]
    assert table["outline"][2].is_valid


def test_a_cell_with_three_schools_gives_three_facilities_at_its_centre(tmp_path: Path) -> None:
    path = put(
        tmp_path / "hex.csv",
        f"id,lon,lat,schools\nh1,{LON},{LAT},3\nh2,{LON + 0.01},{LAT},0\nh3,{LON},{LAT + 0.01},1\n",
    )
    read = read_hexagon_counts(path, crs=CRS, count_column="schools", class_id="primary_school")
    assert read.table["facility_id"].tolist() == [
        "hex-schools-h1-1",
        "hex-schools-h1-2",
        "hex-schools-h1-3",
        "hex-schools-h3-1",
    ]
    assert read.table["x"][:3].tolist() == [pytest.approx(X, abs=1e-6)] * 3
    assert set(read.table["class_id"]) == {"primary_school"}
    assert read.notes == (note("cell_centres", count=4, cells=2),)
    assert say_notes(read.notes[0], "en") == "4 facilities are placed at the centres of 2 cells."
    bad = put(tmp_path / "bad.csv", f"id,lon,lat,schools\nh1,{LON},{LAT},1.5\nh2,{LON},{LAT},\n")
    options = {"crs": CRS, "count_column": "schools", "class_id": "primary_school"}
    assert faults(read_hexagon_counts, bad, **options) == [
        ("table.not_a_number", 2, "schools"),
        ("table.empty_cell", 3, "schools"),
    ]
    assert faults(read_hexagon_counts, bad, **{**options, "count_column": "jobs"}) == [("table.missing_column", None, "jobs")]


# --- population ---


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=30))
def test_largest_remainder_loses_nobody_and_stays_within_one(shares: list[float]) -> None:
    given_shares = np.array(shares)
    total = round(float(given_shares.sum()))
    whole = largest_remainder(given_shares, total=total)
    assert whole.sum() == (total if given_shares.sum() > 0 else 0)
    assert (np.abs(whole - given_shares) <= 1 + 1e-6).all()


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=30), st.integers(0, 100_000))
def test_largest_remainder_gives_floor_or_ceiling_of_each_share(weights: list[int], total: int) -> None:
    shares = np.array(weights, float)
    whole = largest_remainder(shares, total=total)
    assert whole.sum() == (total if shares.sum() else 0)
    assert (np.abs(whole * shares.sum() - shares * total) < shares.sum() * (1 + 1e-9) + 1e-9).all()


def test_largest_remainder_by_hand() -> None:
    assert largest_remainder(np.array([2.5, 1.3, 1.2]), total=5).tolist() == [3, 1, 1]
    assert largest_remainder(np.array([1.0, 1.0, 1.0]), total=2).tolist() == [1, 1, 0]
    assert largest_remainder(np.array([0.0, 0.0]), total=0).tolist() == [0, 0]


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=8), st.integers(1, 200))
def test_spreading_loses_nobody_of_any_group_and_is_even(people: list[int], places: int) -> None:
    share = spread_evenly(np.array(people), places=places)
    assert share.shape == (places, len(people))
    assert share.sum(axis=0).tolist() == people
    assert (share >= 0).all()
    assert (share.max(axis=0) - share.min(axis=0) <= 1).all()


def test_lattice_points_lie_inside_on_whole_hundreds_and_fifty() -> None:
    points = lattice_points(shapely.box(0, 0, 300, 200))
    assert sorted(map(tuple, points.tolist())) == [(x, y) for x in (50.0, 150.0, 250.0) for y in (50.0, 150.0)]
    small = shapely.box(10, 10, 30, 30)
    assert small.contains(shapely.Point(lattice_points(small)[0]))


def test_residents_and_groups_are_read_from_points(tmp_path: Path) -> None:
    path = put(
        tmp_path / "p.csv",
        f"编号,经度,纬度,0-2岁,80岁及以上,residents_disabled\nd1,{LON},{LAT},3,4,5\nd2,{LON},{LAT},0,1,0\n",
    )
    read = read_population(path, crs=CRS)
    assert read.groups == ("age_0_2", "age_80_up", "disabled")
    assert read.table["residents"].tolist() == [12, 1]
    assert read.table["residents_age_80_up"].tolist() == [4, 1]
    alone = read_population(put(tmp_path / "q.csv", f"lon,lat,常住人口\n{LON},{LAT},70\n"), crs=CRS)
    assert (alone.groups, alone.table["residents"].tolist(), alone.table["demand_id"].tolist()) == ((), [70], ["q-2"])


def test_groups_that_do_not_sum_and_bad_counts_are_named(tmp_path: Path) -> None:
    head = "lon,lat,residents,residents_age_0_2,residents_other\n"
    rows = ["10,4,6", "10,4,5", "10,,10", "10,-1,11", "2.5,1.5,1", "x,1,1"]
    path = put(tmp_path / "p.csv", head + "".join(f"{LON},{LAT},{row}\n" for row in rows))
    found = faults(read_population, path, crs=CRS)
    assert ("tables.groups_differ", 3, "residents") in found
    assert ("table.empty_cell", 4, "residents_age_0_2") in found
    assert ("tables.negative", 5, "residents_age_0_2") in found
    assert ("table.not_a_number", 6, "residents_age_0_2") in found
    assert ("table.not_a_number", 7, "residents") in found
    assert not [fault for fault in found if fault[1] == 2]
    read = read_population(path, crs=CRS, on_bad_rows="drop")
    assert (read.left_out, read.table["residents"].tolist()) == ((3, 4, 5, 6, 7), [10])
    none = put(tmp_path / "n.csv", f"lon,lat,jobs\n{LON},{LAT},7\n")
    assert faults(read_population, none, crs=CRS) == [("tables.missing_column", 1, "residents")]
    twice = put(tmp_path / "t.csv", f"lon,lat,0-2岁,0至2岁\n{LON},{LAT},7,7\n")
    assert faults(read_population, twice, crs=CRS) == [("tables.repeated_group", 1, "0至2岁")]


def test_fractions_are_refused_or_rounded_with_the_total_kept(tmp_path: Path) -> None:
    path = put(tmp_path / "p.csv", "lon,lat,population\n" + f"{LON},{LAT},2.5\n{LON},{LAT},1.3\n{LON},{LAT},1.2\n")
    assert [fault[0] for fault in faults(read_population, path, crs=CRS)] == ["table.not_a_number"] * 3
    read = read_population(path, crs=CRS, rounding="largest_remainder")
    assert read.table["residents"].tolist() == [3, 1, 1]
    assert read.notes == (note("rounded", before="5", after=5),)
    with pytest.raises(InputError, match="largest_remainder"):
        read_population(path, crs=CRS, rounding="up")


def test_people_of_polygons_are_spread_and_nobody_is_lost(tmp_path: Path) -> None:
    shapes = [
        shapely.box(1000, 1000, 1300, 1200),
        shapely.box(2010, 2010, 2030, 2030),
        shapely.Point(5, 5),
        shapely.box(0, 0, 900, 900),
    ]
    young, old = [7, 2, 1, 0], [100, 3, 0, 0]
    path = polygons(tmp_path / "p.gpkg", shapes, id=["a", "b", "c", "d"], residents_age_0_2=young, residents_age_80_up=old)
    table = read_population(path, crs=CRS).table
    by_row = table.assign(of=table["demand_id"].str[0]).groupby("of")
    assert by_row["residents_age_0_2"].sum().tolist() == young
    assert by_row["residents_age_80_up"].sum().tolist() == old
    assert by_row["residents"].sum().tolist() == [107, 5, 1, 0]
    assert by_row.size().tolist() == [6, 1, 1, 1]
    inside = table[table["demand_id"].str.startswith("a")]
    assert sorted(zip(inside["x"], inside["y"], strict=True)) == [(x, y) for x in (1050, 1150, 1250) for y in (1050, 1150)]
    assert inside["residents_age_80_up"].max() - inside["residents_age_80_up"].min() == 1


# --- neighbourhoods, boundary, sites ---


def test_neighbourhoods_are_read_with_kind_by_word_or_name(tmp_path: Path) -> None:
    shapes = [shapely.box(X, Y, X + 100, Y + 100), shapely.box(X + 100, Y, X + 200, Y + 100), shapely.Point(X, Y + 500)]
    path = polygons(
        tmp_path / "u.gpkg", shapes, 编号=["1", "2", "3"], 名称=["东风居委会", "新建", "红星村委会"], 类型=[None, "村委会", None],
        街镇=["甲镇"] * 3, zone=["urban", None, "rural"],
    )  # fmt: skip
    read = read_units(path, crs=CRS)
    table = read.table
    assert table["unit_id"].tolist() == ["1", "2", "3"]
    assert table["kind"].tolist() == ["residents_committee", "village_committee", "village_committee"]
    assert table["zone"].tolist() == ["urban", "", "rural"]
    assert table["subdistrict"].tolist() == ["甲镇"] * 3
    assert table["outline"].isna().tolist() == [False, False, True]
    assert shapes[0].contains(shapely.Point(table["centre_x"][0], table["centre_y"][0]))
    assert (table["centre_x"][2], table["centre_y"][2]) == (X, Y + 500)
    assert read.notes == (note("centres_inside", count=2), note("areas_to_grow", count=1))


def test_a_stated_centre_beats_a_point_inside_and_a_list_beats_both(tmp_path: Path) -> None:
    shapes: list[object] = [shapely.box(X, Y, X + 100, Y + 100), shapely.box(X + 100, Y, X + 200, Y + 100)]
    path = polygons(
        tmp_path / "u.gpkg",
        shapes,
        unit_id=["a", "b"],
        name=["甲", "乙"],
        centre_lon=[LON, None],
        centre_lat=[LAT, None],
    )
    table = read_units(path, crs=CRS).table
    assert table["centre_x"].tolist() == [pytest.approx(X, abs=1e-6), pytest.approx(X + 150)]
    centres = put(tmp_path / "c.csv", f"unit_id,lon,lat\nb,{LON},{LAT}\n")
    table = read_units(path, crs=CRS, centres=centres).table
    assert table["centre_x"].tolist() == [pytest.approx(X, abs=1e-6)] * 2
    stray = put(tmp_path / "d.csv", f"unit_id,lon,lat\nz,{LON},{LAT}\n")
    with pytest.raises(InputError) as caught:
        read_units(path, crs=CRS, centres=stray)
    assert [(fault.code, fault.row, fault.file) for fault in caught.value.faults] == [("tables.unknown_unit", 2, str(stray))]


def test_bad_neighbourhoods_are_named(tmp_path: Path) -> None:
    shapes: list[object] = [shapely.box(X, Y, X + 9, Y + 9)] * 3
    path = polygons(
        tmp_path / "u.parquet", shapes, unit_id=["a", "a", None], name=["甲", None, "丙"], kind=["居委", "城堡", None],
        centre_lon=[LON, LAT, None], centre_lat=[LAT, LON, None],
    )  # fmt: skip
    assert set(faults(read_units, path, crs=CRS)) == {
        ("table.duplicate_id", 3, "unit_id"),
        ("table.empty_cell", 4, "unit_id"),
        ("table.empty_cell", 3, "name"),
        ("tables.unknown_word", 3, "kind"),
        ("tables.swapped", 3, "centre_lat"),
    }


def test_a_boundary_is_one_area(tmp_path: Path) -> None:
    path = polygons(
        tmp_path / "b.geojson",
        [shapely.box(121, 31, 121.01, 31.01), shapely.box(121.01, 31, 121.02, 31.01)],
        crs="EPSG:4326",
    )
    area = read_boundary(path, crs=CRS)
    assert area.geom_type == "Polygon"
    assert area.area == pytest.approx(1911 * 1109, rel=0.01)
    points = polygons(tmp_path / "p.geojson", [shapely.Point(121, 31)], crs="EPSG:4326")
    assert faults(read_boundary, points, crs=CRS) == [("tables.no_polygon", None, None)]


def test_candidate_sites_are_read_with_costs_in_yuan(tmp_path: Path) -> None:
    path = put(
        tmp_path / "s.csv",
        f"编号,名称,lon,lat,可用建筑面积,造价（万元）,实施路径,权属\ns1,旧仓库,{LON},{LAT},800,120.5,盘活存量,区国资\ns2,,{LON},{LAT},,,,\n",
    )
    table = read_candidates(path, crs=CRS).table
    assert table["cost_yuan"][0] == 1_205_000
    assert table["pathway"].tolist() == ["reuse_stock", ""]
    assert np.isnan(table["cost_yuan"][1])
    assert table["owner"].tolist() == ["区国资", ""]
    bad = put(tmp_path / "t.csv", f"id,lon,lat,pathway,cost\ns1,{LON},{LAT},魔法,-5\n")
    assert set(faults(read_candidates, bad, crs=CRS)) == {
        ("tables.unknown_word", 2, "pathway"),
        ("tables.negative", 2, "cost"),
    }


# --- real files ---


def test_porto_alegre_keeps_every_resident(real_data: Callable[[str], Path]) -> None:
    path = real_data("porto-alegre/poa_hexgrid.csv")
    crs = "EPSG:32722"
    read = read_population(path, crs=crs)
    assert (len(read.table), int(read.table["residents"].sum()), read.groups) == (1227, 812_935, ())
    schools = read_hexagon_counts(path, crs=crs, count_column="schools", class_id="primary_school")
    raw = pd.read_csv(path)
    assert len(schools.table) == raw["schools"].sum() == 194
    health = read_hexagon_counts(path, crs=crs, count_column="healthcare", class_id="clinic", on_bad_rows="drop")
    assert len(health.table) == raw["healthcare"].sum()
    assert len(health.left_out) == raw["healthcare"].isna().sum() == 5


def test_shanghai_schools_are_read_as_one_class(real_data: Callable[[str], Path]) -> None:
    path = real_data("shanghai-poi/小学.csv")
    read = read_facilities(path, crs=CRS, class_id="primary_school")
    # Five are said to be closed for now or being built.
    assert (read.rows_read, len(read.table), len(read.set_aside), read.left_out) == (931, 926, 5, ())
    assert read.table["name"].str.contains("小学").mean() > 0.9
