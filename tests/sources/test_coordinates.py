"""What people call coordinate systems, local grids, and rows whose two figures changed places."""

from pathlib import Path

import numpy as np
import pyproj
import pytest
import shapely

from yike.errors import InputError
from yike.sources.coordinates import (
    CoordinateSystem,
    cgcs2000_grid,
    find_swapped,
    from_wgs84,
    local_system,
    parse_system,
    to_wgs84,
)

SHANGHAI_BOX = (120.85, 30.67, 122.0, 31.87)


@pytest.mark.parametrize(
    ("name", "system_id"),
    [
        ("WGS-84", "wgs84"), ("EPSG:4326", "wgs84"), ("urn:ogc:def:crs:EPSG::4326", "wgs84"), ("GPS坐标", "wgs84"),
        ("火星坐标", "gcj02"), ("火星坐标系", "gcj02"), ("高德", "gcj02"), ("GCJ-02", "gcj02"), ("gcj02", "gcj02"),
        ("百度坐标", "bd09"), ("BD-09", "bd09"), ("百度地图", "bd09"),
        ("国家2000", "cgcs2000"), ("2000坐标系", "cgcs2000"), ("CGCS 2000", "cgcs2000"), ("epsg 4490", "cgcs2000"),
        ("天地图", "cgcs2000"), ("4549", "epsg:4549"), ("ＥＰＳＧ：４５４９", "epsg:4549"),
        ("国家2000 3度带 40带", "epsg:4528"), ("国家2000 三度带 第40带 无带号", "epsg:4549"),
        ("CGCS2000 3度带 中央经线120", "epsg:4549"), ("CGCS2000 3度带 中央经线 120 加带号", "epsg:4528"),
        ("2000国家大地坐标系 6度带 21带", "epsg:4499"), ("CGCS2000 / 3-degree Gauss-Kruger zone 40", "epsg:4528"),
        ("CGCS2000_3_Degree_GK_CM_120E", "epsg:4549"), ("CGCS2000_GK_Zone_20", "epsg:4498"),
        ("UTM 51N", "epsg:32651"), ("WGS 84 / UTM zone 23S", "epsg:32723"),
    ],
)  # fmt: skip
def test_a_system_is_known_by_its_names(name: str, system_id: str) -> None:
    assert parse_system(name).id == system_id


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("", "no coordinate system known"),
        ("月球坐标", "no coordinate system known"),
        ("UTM 61N", "no coordinate system known"),
        ("北京54坐标系", "old datum"),
        ("Xian 1980 3度带 40带", "old datum"),
        ("上海城市坐标系", "city's own grid"),
        ("国家2000 3度带", "without its zone"),
        ("国家2000 3度带 46带", "no 3-degree zone 46"),
        ("国家2000 6度带 40带", "no 6-degree zone 40"),
        ("国家2000 3度带 中央经线121", "no 3-degree zone 121°"),
        ("EPSG:999999", "no known coordinate system"),
        ("nowhere.yaml", "nowhere.yaml"),
    ],
)
def test_a_name_that_says_too_little_is_refused_with_what_to_say(name: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint) as refused:
        parse_system(name)
    assert len(refused.value.faults) == 1
    assert refused.value.words("zh") != refused.value.words("en")


def test_names_of_systems_are_said_in_both_languages() -> None:
    assert parse_system("高德").words("zh") == "GCJ-02 火星坐标（高德、腾讯）"
    assert parse_system("4549").words("en") == "CGCS2000 / 3-degree Gauss-Kruger CM 120E (EPSG:4549)"


@pytest.mark.parametrize("width_deg", [3, 6])
@pytest.mark.parametrize("prefixed", [True, False])
def test_every_zone_of_china_is_the_one_of_the_registry(width_deg: int, prefixed: bool) -> None:
    zones = range(25, 46) if width_deg == 3 else range(13, 24)
    for zone in zones:
        meridian = 3 * zone if width_deg == 3 else 6 * zone - 3
        system = cgcs2000_grid(width_deg=width_deg, zone=zone, prefixed=prefixed)
        assert system == cgcs2000_grid(width_deg=width_deg, meridian_deg=meridian, prefixed=prefixed)
        name = pyproj.CRS.from_user_input(system.crs).name
        degrees = "3-degree " if width_deg == 3 else ""
        assert name == f"CGCS2000 / {degrees}Gauss-Kruger " + (f"zone {zone}" if prefixed else f"CM {meridian}E")
        easting = from_wgs84(np.array([[meridian, 35.0]]), system)[0, 0]
        assert easting == pytest.approx(500_000 + prefixed * zone * 1_000_000, abs=1e-5)


def test_a_local_grid_without_turn_is_the_national_one_with_other_offsets(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text("name: 试验\ncentral_meridian_deg: 120\nfalse_easting_m: 500000\n", encoding="utf-8")
    local, national = parse_system(path), parse_system("EPSG:4549")
    places = np.array([[121.47, 31.23], [120.9, 30.8]])
    np.testing.assert_allclose(from_wgs84(places, local), from_wgs84(places, national), atol=1e-6)
    assert (local.id, local.unit, local.words("zh")) == ("local:试验", "metre", "地方坐标系 试验")
    assert parse_system(str(path)) == local


def test_a_local_grid_is_scaled_turned_and_offset_about_its_origin() -> None:
    origin = {"origin_lon_deg": 121.4667, "origin_lat_deg": 31.2333, "false_easting_m": 1000, "false_northing_m": 2000}
    straight = local_system(origin)
    turned = local_system({**origin, "rotation_deg": 90, "scale": 1.001})
    places = np.array([[121.4667, 31.2333], [121.5, 31.2333], [121.5, 31.3]])
    plain, other = from_wgs84(places, straight), from_wgs84(places, turned)
    assert plain[0] == pytest.approx([1000, 2000], abs=1e-6)
    east, north = (plain - [1000, 2000]).T
    np.testing.assert_allclose(other, np.column_stack([1000 - 1.001 * north, 2000 + 1.001 * east]), atol=1e-6)
    np.testing.assert_allclose(to_wgs84(other, turned), places, atol=1e-11)


def test_all_faults_of_a_local_grid_are_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text("origin_lon_deg: 421\nscale: eins\nturn: 3\n", encoding="utf-8")
    with pytest.raises(InputError) as refused:
        local_system(path)
    found = {(fault.code, fault.row, fault.field) for fault in refused.value.faults}
    assert found == {
        ("coordinates.local_range", 1, "origin_lon_deg"),
        ("yaml.not_number", 2, "scale"),
        ("yaml.unknown_key", 3, "turn"),
        ("coordinates.local_origin", None, None),
    }


@pytest.mark.parametrize(
    "entries", [{}, {"origin_lat_deg": 31.0}, {"origin_lon_deg": 121.0, "origin_lat_deg": 31.0, "central_meridian_deg": 120.0}]
)
def test_a_local_grid_has_one_origin(entries: dict[str, object]) -> None:
    with pytest.raises(InputError, match="origin of the grid"):
        local_system({"name": "grid", **entries})


def test_swapped_rows_are_found_whether_all_or_some() -> None:
    rng = np.random.default_rng(3)
    rows = rng.uniform(SHANGHAI_BOX[:2], SHANGHAI_BOX[2:], (400, 2))
    swapped = rng.random(400) < 0.5
    mixed = np.where(swapped[:, None], rows[:, ::-1], rows)
    kept = mixed.copy()
    assert (find_swapped(mixed, SHANGHAI_BOX) == swapped).all()
    assert find_swapped(rows[:, ::-1], SHANGHAI_BOX).all()
    assert not find_swapped(rows, SHANGHAI_BOX).any()
    assert (find_swapped(mixed, shapely.box(*SHANGHAI_BOX)) == swapped).all()
    np.testing.assert_array_equal(mixed, kept)


def test_a_shifted_row_is_not_swapped_and_a_stray_one_is_neither() -> None:
    edge = np.array([[SHANGHAI_BOX[2], 31.0]])
    beyond = from_wgs84(edge, CoordinateSystem("bd09", "EPSG:4326", shift="bd09"))
    assert beyond[0, 0] > SHANGHAI_BOX[2]
    rows = np.vstack([beyond, beyond[:, ::-1], [[0, 0], [2.35, 48.86], [np.nan, 121.0]]])
    assert find_swapped(rows, SHANGHAI_BOX).tolist() == [False, True, False, False, False]


def test_rows_that_fit_both_ways_are_left_alone() -> None:
    rows = np.array([[40.1, 40.3], [40.3, 40.1], [38.5, 40.5], [40.5, 38.5]])
    assert find_swapped(rows, (38.0, 40.0, 41.0, 41.0)).tolist() == [False, False, False, True]
