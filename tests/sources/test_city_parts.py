"""Parts of a City are imported one by one: what came from the same file is replaced, the rest stays, residents stay assigned."""

import hashlib
import itertools
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from yike.analysis.quality import CheckLine, check_city
from yike.errors import CityChanged, InputError
from yike.model.city import City, stored_hash
from yike.model.standard import load_standard
from yike.sources.city_parts import (
    ImportSummary,
    import_candidates,
    import_facilities,
    import_population,
    import_streets,
    import_units,
)
from yike.sources.notes import note, say_notes
from yike.sources.osm import read_osm_city

CRS = "EPSG:32651"
X, Y = 500_000.0, 3_400_000.0
FIXTURES = Path(__file__).parents[1] / "fixtures"


def save(path: Path, shapes: list[object], **columns: list[object]) -> Path:
    """Write shapes, given in metres from the corner, with columns."""
    moved = [shapely.transform(shape, lambda xy: xy + np.array([X, Y])) for shape in shapes]
    gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(moved, crs=CRS)).to_parquet(path)
    return path


def at(x: float, y: float) -> shapely.Point:
    return shapely.Point(x, y)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make a folder of sources and a City of four streets around a block of 400 m, with a bridge away from it."""
    corners = [(0, 0), (400, 0), (400, 400), (0, 400), (0, 0)]
    lines = [shapely.LineString(pair) for pair in itertools.pairwise(corners)] + [shapely.LineString([(0, 200), (400, 200)])]
    save(tmp_path / "streets.parquet", lines, bridge=[None, None, None, None, "yes"])
    import_streets(tmp_path / "streets.parquet", city=tmp_path / "city", title="方城", licence="CC0", date="2026-05-01")
    return tmp_path


def codes(run: Callable[[], object]) -> list[str]:
    with pytest.raises(InputError) as caught:
        run()
    return [fault.code for fault in caught.value.faults]


def test_streets_make_a_city_with_its_extent_and_provenance(place: Path) -> None:
    city = City.load(place / "city", check=True)
    assert (city.title, city.crs, sorted(city.networks), city.data_date) == (
        "方城",
        CRS,
        ["cycle", "walk"],
        "2026-05-01",
    )
    assert city.networks["walk"].segment_count == 5
    assert city.extent is not None
    assert city.extent.covers(shapely.box(X, Y, X + 400, Y + 400))
    assert city.extent.area < 520 * 520
    origin = city.provenance[0]
    assert (origin.part, origin.source, origin.licence, origin.date) == (
        "streets",
        "streets.parquet",
        "CC0",
        "2026-05-01",
    )
    assert origin.sha256 == hashlib.sha256((place / "streets.parquet").read_bytes()).hexdigest()
    # The bridge joins nothing: 1,600 of 2,000 metres hang together.
    assert note("largest_component", mode="walk", percent="80.00") in origin.note
    assert say_notes(note("largest_component", mode="walk", percent="80.00"), "zh") == "步行：道路长度的 80.00% 相互连通。"
    assert say_notes("read with another tool", "zh") == "read with another tool"


def test_facilities_of_one_file_are_replaced_and_those_of_others_stay(place: Path) -> None:
    shops = save(place / "shops.parquet", [at(10, 10), at(20, 10)], 类别=["药店", "菜市场"], id=["s1", "s2"])
    parks = save(place / "parks.parquet", [shapely.box(350, 100, 450, 150)], id=["p1"], name=["绿地"])
    standard = load_standard("pudong-2021")
    first = import_facilities(shops, city=place / "city", standard=standard)
    assert first == ImportSummary(
        2, 2, 0, (), stored_hash(place / "city"), (), place / "city" / "plans" / "shops.parquet.facilities.yaml"
    )
    second = import_facilities(parks, city=place / "city", class_id="park")
    assert second.notes == (note("outlines", count=1), note("outline_entrances", count=2))
    city = City.load(place / "city", check=True)
    assert city.facilities[["facility_id", "class_id"]].to_numpy().tolist() == [
        ["p1", "park"],
        ["s1", "pharmacy"],
        ["s2", "wet_market"],
    ]
    assert city.inventories == {"park": "parks.parquet", "pharmacy": "shops.parquet", "wet_market": "shops.parquet"}
    assert city.entrances[["facility_id", "x", "y", "kind"]].to_numpy().tolist() == [
        ["p1", X + 400, Y + 100, "outline"], ["p1", X + 400, Y + 150, "outline"],
    ]  # fmt: skip
    save(place / "shops.parquet", [at(11, 10)], 类别=["药店"], id=["s1"])
    import_facilities(shops, city=place / "city", standard=standard)
    city = City.load(place / "city", check=True)
    assert city.facilities["facility_id"].tolist() == ["p1", "s1"]
    assert city.facilities["x"].tolist()[1] == X + 11
    assert city.inventories == {"park": "parks.parquet", "pharmacy": "shops.parquet"}
    assert [origin.source for origin in city.provenance] == ["streets.parquet", "parks.parquet", "shops.parquet"]


def test_importing_the_same_files_in_another_order_gives_the_same_city(place: Path) -> None:
    save(place / "a.parquet", [at(10, 10)], id=["a1"])
    save(place / "b.parquet", [shapely.box(350, 100, 450, 150)], id=["b1"])
    save(place / "p.parquet", [at(5, 5)], residents=[10])
    save(place / "u.parquet", [shapely.box(0, 0, 100, 100)], unit_id=["u"], name=["甲"])

    def make(name: str, order: str) -> str:
        city = place / name
        import_streets(place / "streets.parquet", city=city)
        steps = {
            "a": lambda: import_facilities(place / "a.parquet", city=city, class_id="pharmacy"),
            "b": lambda: import_facilities(place / "b.parquet", city=city, class_id="park"),
            "p": lambda: import_population(place / "p.parquet", city=city),
            "u": lambda: import_units(place / "u.parquet", city=city),
            "s": lambda: import_streets(place / "streets.parquet", city=city),
        }
        for step in order:
            steps[step]()
        assert not City.load(city).entrances.empty
        return City.load(city, check=True).hash

    assert make("one", "abpu") == make("two", "upsbaa")


def test_a_class_that_two_files_list_has_both_as_inventory(place: Path) -> None:
    one = save(place / "one.parquet", [at(10, 10)], id=["a"])
    two = save(place / "two.parquet", [at(20, 10)], id=["b"])
    import_facilities(two, city=place / "city", class_id="pharmacy", complete_for=("clinic",))
    import_facilities(one, city=place / "city", class_id="pharmacy")
    assert City.load(place / "city").inventories == {"clinic": "two.parquet", "pharmacy": "one.parquet; two.parquet"}
    save(place / "two.parquet", [at(20, 10)], id=["a"])
    assert codes(lambda: import_facilities(two, city=place / "city", class_id="pharmacy")) == ["tables.id_taken"]
    assert City.load(place / "city", check=True).facilities["facility_id"].tolist() == ["a", "b"]


def test_two_count_columns_of_one_file_stand_side_by_side(place: Path) -> None:
    cells = save(place / "cells.parquet", [at(10, 10), at(90, 10)], id=["c1", "c2"], schools=[2, 0], clinics=[0, 1])
    for _ in range(2):
        import_facilities(cells, city=place / "city", class_id="primary_school", count_column="schools")
        import_facilities(cells, city=place / "city", class_id="clinic", count_column="clinics")
    city = City.load(place / "city", check=True)
    assert city.facilities["class_id"].tolist() == ["clinic", "primary_school", "primary_school"]
    assert city.inventories == {"clinic": "cells.parquet#clinics", "primary_school": "cells.parquet#schools"}
    # The plan saved last time knows what the column counts; of another column nobody has said it.
    assert import_facilities(cells, city=place / "city", count_column="schools").rows_kept == 2
    assert codes(lambda: import_facilities(cells, city=place / "city", count_column="pools")) == ["tables.count_without_class"]


def test_residents_are_assigned_whichever_comes_first(place: Path) -> None:
    people = save(
        place / "people.parquet",
        [at(50, 50), at(150, 50), at(100, 50), at(390, 390)],
        id=list("abcd"),
        residents=[1, 2, 3, 4],
    )
    units = save(
        place / "units.parquet",
        [shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)],
        unit_id=["u1", "u2"],
        name=["甲", "乙"],
    )
    import_population(people, city=place / "city")
    assert set(City.load(place / "city").demand["unit_id"]) == {""}
    import_units(units, city=place / "city")
    assert City.load(place / "city").demand["unit_id"].tolist() == ["u1", "u2", "u1", ""]
    save(
        place / "units.parquet",
        [shapely.box(0, 0, 60, 100), shapely.box(60, 0, 200, 100)],
        unit_id=["u1", "u2"],
        name=["甲", "乙"],
    )
    import_units(units, city=place / "city")
    assert City.load(place / "city").demand["unit_id"].tolist() == ["u1", "u2", "u2", ""]
    import_population(people, city=place / "city")
    assert City.load(place / "city", check=True).demand["unit_id"].tolist() == ["u1", "u2", "u2", ""]


def test_a_stated_neighbourhood_holds_where_it_has_no_area_yet(place: Path) -> None:
    save(
        place / "units.parquet",
        [at(50, 50), shapely.box(100, 0, 200, 100)],
        unit_id=["point", "area"],
        name=["甲", "乙"],
    )
    people = save(
        place / "people.parquet", [at(10, 10), at(150, 50), at(10, 10), at(10, 10)], id=list("abcd"), residents=[1, 1, 1, 1],
        unit_id=["point", "point", "area", "nowhere"],
    )  # fmt: skip
    import_units(place / "units.parquet", city=place / "city")
    import_population(people, city=place / "city")
    assert City.load(place / "city").demand["unit_id"].tolist() == ["point", "area", "", ""]


def test_populations_of_two_files_need_the_same_groups(place: Path) -> None:
    one = save(place / "one.parquet", [at(1, 1)], residents_age_0_2=[3], residents_other=[4])
    two = save(place / "two.parquet", [at(2, 2)], residents=[5])
    import_population(one, city=place / "city")
    before = stored_hash(place / "city")
    assert codes(lambda: import_population(two, city=place / "city")) == ["tables.other_groups"]
    assert stored_hash(place / "city") == before
    save(place / "two.parquet", [at(2, 2)], residents_age_0_2=[1], residents_other=[1])
    import_population(two, city=place / "city")
    city = City.load(place / "city", check=True)
    assert (city.groups, city.demand["residents"].tolist()) == (("age_0_2", "other"), [7, 2])
    assert city.demand["residents_other"].tolist() == [4, 1]


def test_candidate_sites_are_replaced_by_file(place: Path) -> None:
    sites = save(place / "sites.parquet", [at(1, 1), at(2, 2)], id=["a", "b"], cost_yuan=[1e6, None])
    import_candidates(sites, city=place / "city")
    save(place / "sites.parquet", [at(1, 1)], id=["a"], cost_yuan=[2e6])
    import_candidates(sites, city=place / "city")
    assert City.load(place / "city", check=True).candidates["cost_yuan"].tolist() == [2e6]


def test_rows_left_out_are_told_and_kept_in_the_provenance(place: Path) -> None:
    path = place / "shops.csv"
    path.write_text("class,lon,lat\npharmacy,123.001,30.73\npharmacy,0,0\n,123.001,30.73\n", "utf-8")
    folder = place / "city"
    before = stored_hash(folder)
    assert codes(lambda: import_facilities(path, city=folder)) == ["tables.zero_place", "tables.no_class"]
    assert stored_hash(folder) == before
    summary = import_facilities(path, city=folder, on_bad_rows="drop")
    assert (summary.rows_read, summary.rows_kept, summary.rows_left_out) == (3, 1, 2)
    assert [(fault.code, fault.row) for fault in summary.faults] == [("tables.zero_place", 3), ("tables.no_class", 4)]
    kept = City.load(folder).provenance[-1]
    assert say_notes(kept.note, "en") == "2 rows were left out: 3, 4."
    assert say_notes(kept.note, "zh") == "略去 2 行：3, 4。"


def test_a_file_of_another_city_is_refused(place: Path) -> None:
    path = place / "far.csv"
    path.write_text("class,lon,lat\npharmacy,2.35,48.85\n", "utf-8")
    assert codes(lambda: import_facilities(path, city=place / "city")) == ["tables.elsewhere"]


def test_parts_need_streets_and_an_unedited_folder(place: Path) -> None:
    people = save(place / "people.parquet", [at(1, 1)], residents=[3])
    assert codes(lambda: import_population(people, city=place / "nowhere")) == ["city.not_a_city"]
    City(title="", crs=CRS, networks={}).save(place / "bare")
    assert codes(lambda: import_population(people, city=place / "bare")) == ["tables.no_streets"]
    import_population(people, city=place / "city")
    table = gpd.read_parquet(place / "city" / "demand.parquet")
    table.assign(residents=99).to_parquet(place / "city" / "demand.parquet", index=False)
    with pytest.raises(CityChanged):
        import_population(people, city=place / "city")


def test_new_streets_keep_the_system_and_the_other_modes(place: Path) -> None:
    lines = gpd.GeoDataFrame(geometry=gpd.GeoSeries([shapely.LineString([(123.0, 30.73), (123.002, 30.73)])], crs="EPSG:4326"))
    lines.to_file(place / "paths.geojson")
    import_streets(place / "paths.geojson", city=place / "city", modes=("cycle",))
    city = City.load(place / "city", check=True)
    assert {mode: network.segment_count for mode, network in city.networks.items()} == {"walk": 5, "cycle": 1}
    assert city.networks["cycle"].crs == CRS
    assert [origin.source for origin in city.provenance] == ["streets.parquet", "paths.geojson"]
    import_streets(place / "paths.geojson", city=place / "city")
    assert [origin.source for origin in City.load(place / "city").provenance] == ["paths.geojson"]


def test_a_boundary_sets_the_extent_and_outlives_new_streets(place: Path) -> None:
    area = save(place / "area.parquet", [shapely.box(0, 0, 400, 100)])
    import_streets(place / "streets.parquet", city=place / "city", boundary=area)
    import_streets(place / "streets.parquet", city=place / "city")
    city = City.load(place / "city", check=True)
    assert city.extent is not None
    assert city.extent.equals(shapely.box(X, Y, X + 400, Y + 100))
    assert [(origin.part, origin.source) for origin in city.provenance] == [
        ("extent", "area.parquet"),
        ("streets", "streets.parquet"),
    ]


def test_openstreetmap_data_brings_barriers_with_streets_and_entrances_with_facilities(tmp_path: Path) -> None:
    path, folder = FIXTURES / "osm_places.osm", tmp_path / "city"
    whole = read_osm_city(path)
    stages: list[str] = []
    streets = import_streets(path, city=folder, progress=lambda stage, share: stages.append(stage))
    assert stages[-1] == "osm.stage.done"
    city = City.load(folder, check=True)
    assert (len(city.facilities), len(city.entrances), city.inventories) == (0, 0, {})
    assert streets.rows_read == sum(network.segment_count for network in whole.networks.values())
    assert {name: city.hashes[name] for name in ("barriers", "context", "streets_walk", "streets_cycle")} == {
        name: whole.hashes[name] for name in ("barriers", "context", "streets_walk", "streets_cycle")
    }
    own = tmp_path / "own.csv"
    x, y = whole.facilities[["x", "y"]].iloc[0]
    lon, lat = pyproj.Transformer.from_crs(city.crs, "EPSG:4326", always_xy=True).transform(x, y)
    own.write_text(f"id,lon,lat\nown,{lon},{lat}\n", "utf-8")
    import_facilities(own, city=folder, class_id="pharmacy")
    for _ in range(2):
        import_facilities(path, city=folder)
    city = City.load(folder, check=True)
    assert set(city.facilities["facility_id"]) == {"own", *whole.facilities["facility_id"]}
    assert len(city.facilities) == len(whole.facilities) + 1
    assert len(city.entrances) == len(whole.entrances) > 0
    assert set(city.inventories) == {"pharmacy", *whole.inventories}
    assert [(origin.part, origin.source) for origin in city.provenance] == [
        ("streets", "osm_places.osm"),
        ("facilities", "own.csv"),
        ("facilities", "osm_places.osm"),
    ]
    assert all(origin.licence.startswith("ODbL") for origin in city.provenance if origin.source == "osm_places.osm")
    before = city.hash
    import_streets(path, city=folder)
    assert City.load(folder, check=True).hash == before


# --- yike check ---


def found(lines: tuple[CheckLine, ...]) -> dict[str, tuple[str, object]]:
    """Return the lines that carry a count, by code."""
    return {line.code: (line.level, line.values["count"]) for line in lines if "count" in line.values and line.code != "rows"}


def test_a_bare_city_is_told_what_it_lacks(place: Path) -> None:
    city = City.load(place / "city")
    lines = check_city(city, stated_hash=stored_hash(place / "city"))
    assert [(line.level, line.code) for line in lines] == [
        ("ok", "hash_matches"),
        ("ok", "streets"), ("warning", "component"), ("ok", "streets"), ("warning", "component"),
        ("ok", "rows"), ("ok", "rows"), ("ok", "rows"),
        ("note", "no_residents"), ("warning", "no_inventories"),
    ]  # fmt: skip
    assert lines[3].words("zh") == "正常　步行路网：6 个节点，5 条路段，2.0 千米。"
    assert check_city(City(title="", crs=CRS, networks={}))[0].code == "no_streets"


def test_everything_that_does_not_fit_is_counted(place: Path) -> None:
    units = [shapely.box(0, 0, 100, 100), shapely.box(90, 0, 200, 100), shapely.box(200, 0, 300, 100), at(350, 50)]
    save(
        place / "u.parquet",
        units,
        unit_id=list("abcd"),
        name=["甲居委会", "乙", "丙", "丁"],
        zone=["urban", None, None, None],
    )
    save(place / "p.parquet", [at(50, 50), at(50, 390), at(5000, 50)], residents=[5, 7, 11])
    save(place / "f.parquet", [at(50, 50), at(50, 3900)])
    import_units(place / "u.parquet", city=place / "city")
    import_population(place / "p.parquet", city=place / "city")
    import_facilities(place / "f.parquet", city=place / "city", class_id="pharmacy")
    city = City.load(place / "city", check=True)
    city = city.replace(units=city.units.assign(centre_x=city.units["centre_x"].where(city.units["unit_id"] != "c", X + 399)))
    lines = check_city(city, stated_hash="0" * 64)
    assert lines[0].level == "warning"
    assert lines[0].code == "hash_differs"
    assert found(lines) == {
        "residents": ("ok", 23),
        "inventories": ("ok", 1),
        "facilities_outside": ("note", 1),
        "demand_outside": ("warning", 11),
        "units_without_zone": ("warning", 3),
        "units_without_kind": ("warning", 3),
        "units_without_area": ("note", 1),
        "centres_outside": ("note", 1),
        "units_overlap": ("warning", 2),
        "demand_without_unit": ("warning", 18),
    }
    for line in lines:
        assert line.words("en").startswith(line.level)
        assert line.words("zh") != line.words("en")


# --- real files ---


def test_porto_alegre_from_its_files(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    source, folder = real_data("porto-alegre"), tmp_path / "poa"
    hexagons = source / "poa_hexgrid.csv"
    import_streets(source / "poa_osm.pbf", city=folder, modes=("walk",))
    import_population(hexagons, city=folder)
    import_facilities(hexagons, city=folder, class_id="primary_school", count_column="schools")
    summary = import_facilities(hexagons, city=folder, class_id="health_station", count_column="healthcare", on_bad_rows="drop")
    raw = pd.read_csv(hexagons)
    city = City.load(folder, check=True)
    assert (city.crs, int(city.demand["residents"].sum())) == ("EPSG:32722", 812_935)
    assert (summary.rows_read, summary.rows_left_out) == (1227, 5)
    assert len(city.facilities) == raw["schools"].sum() + raw["healthcare"].sum()
    assert city.inventories == {
        "primary_school": "poa_hexgrid.csv#schools",
        "health_station": "poa_hexgrid.csv#healthcare",
    }
    # The cells of the grid reach past the frame of the streets by less than a tenth of the residents.
    assert found(check_city(city)).get("demand_outside", ("", 0))[1] < 81_293


def test_wuhan_from_its_streets(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    summary = import_streets(real_data("wuhan-streets/streets.parquet"), city=tmp_path / "wuhan", modes=("walk",))
    city = City.load(tmp_path / "wuhan", check=True)
    assert (summary.rows_read, summary.rows_kept, summary.city_hash) == (92_667, 92_667, city.hash)
    assert (city.crs, city.networks["walk"].segment_count) == ("EPSG:32650", 74_743)
    assert city.extent is not None
    assert shapely.covers(city.extent, shapely.points(city.networks["walk"].node_xy)).mean() > 0.999
