"""Facilities, entrances, barriers and background from hand-made OSM files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
import yaml

from yike.model.city import City
from yike.sources.osm import read_osm_city, read_osm_facilities
from yike.sources.osm.classes import class_rules, classes_of, folded, school_stages
from yike.sources.osm.rules import mapping

ROOT = Path(__file__).parent.parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
NORTH_M, EAST_M = 110.87, 95.29


@pytest.fixture(scope="module")
def city() -> City:
    return read_osm_city(FIXTURES / "osm_places.osm")


def classes(city: City, name: str) -> set[str]:
    """Return the classes of one OSM object."""
    ids = city.facilities["facility_id"]
    return set(city.facilities.loc[ids.str.startswith(f"osm:{name}:"), "class_id"])


def doors(city: City, facility: str) -> list[tuple[float, float, str]]:
    """Return the entrances of a facility in thousandths of a degree from the fixture's origin, with their kind."""
    rows = city.entrances[city.entrances["facility_id"] == f"osm:{facility}"]
    back = pyproj.Transformer.from_crs(city.crs, "EPSG:4326", always_xy=True)
    lon, lat = back.transform(rows["x"].to_numpy(), rows["y"].to_numpy())
    east, north = np.round((lon - 121.5) * 1000, 2).tolist(), np.round((lat - 31.2) * 1000, 2).tolist()
    return sorted(zip(east, north, rows["kind"], strict=True))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("w100", {"community_park", "residential_park_5", "residential_park_10"}),
        ("w120", {"comprehensive_park", "residential_park_5", "residential_park_10", "residential_park_15"}),
        ("w130", {"pocket_park"}),
        ("w140", set()),
        ("r300", {"community_park", "residential_park_5", "residential_park_10"}),
        ("w150", {"primary_school"}),
        ("n160", set()),
        ("n161", {"primary_school"}),
        ("n162", set()),
        ("n163", {"primary_school", "junior_middle_school", "nine_year_school"}),
        ("n164", {"junior_middle_school", "senior_middle_school"}),
        ("n165", {"kindergarten", "primary_school"}),
        ("n166", {"junior_middle_school", "senior_middle_school"}),
        ("n167", {"primary_school", "junior_middle_school"}),
        ("n168", {"junior_middle_school"}),
        ("n169", {"primary_school", "junior_middle_school"}),
        ("n170", {"pharmacy", "community_retail"}),
        ("n171", {"convenience_store", "community_retail"}),
        ("n172", set()),
        ("n173", {"community_health_center", "outpatient_clinic"}),
        ("n174", {"elderly_daycare"}),
        ("n175", {"fitness_point", "outdoor_fitness_ground"}),
        ("n176", {"bus_route", "bus_stop"}),
        ("n177", {"metro_station"}),
        ("w180", {"fitness_trail"}),
    ],
)
def test_each_object_gets_the_classes_that_its_tags_say(city: City, name: str, expected: set[str]) -> None:
    assert classes(city, name) == expected


def test_rows_carry_name_outline_area_and_hours(city: City) -> None:
    table = city.facilities.set_index("facility_id")
    park = table.loc["osm:w100:community_park"]
    assert park["name"] == "滨江公园"
    assert park["site_area_m2"] == pytest.approx(2 * EAST_M * 2 * NORTH_M, rel=1e-3)
    assert shapely.covers(park["outline"], shapely.Point(park["x"], park["y"]))
    ring = table.loc["osm:r300:community_park"]
    assert ring["site_area_m2"] == pytest.approx(3 * EAST_M * NORTH_M, rel=1e-3)
    assert shapely.get_num_interior_rings(ring["outline"]) == 1
    pharmacy = table.loc["osm:n170:pharmacy"]
    assert (pharmacy["opening_hours_text"], pharmacy["outline"]) == ("Mo-Su 08:00-22:00", None)
    assert np.isnan(pharmacy["site_area_m2"])


def test_parks_are_entered_at_their_gates(city: City) -> None:
    # The gate at (1, 1) is open; the private and the locked one do not count.
    assert doors(city, "w100:community_park") == [(1.0, 1.0, "entrance")]


def test_parks_without_gates_are_entered_where_streets_cross_their_outline(city: City) -> None:
    assert doors(city, "w110:community_park") == [(6.0, 1.0, "outline"), (6.0, 3.0, "outline")]


def test_places_without_gate_or_street_have_no_entrance_row(city: City) -> None:
    assert doors(city, "w120:comprehensive_park") == []


def test_schools_are_entered_at_their_mapped_entrance(city: City) -> None:
    assert doors(city, "w150:primary_school") == [(0.5, 10.0, "entrance")]


def test_station_exits_belong_to_the_station_near_them(city: City) -> None:
    # The exit at 95 m counts, the one at 476 m does not.
    assert doors(city, "n177:metro_station") == [(8.0, 14.0, "entrance")]


def test_inventories_name_only_classes_that_were_found(city: City) -> None:
    assert set(city.inventories) == set(city.facilities["class_id"])
    assert city.inventories["pharmacy"] == "OpenStreetMap, osm_places.osm"
    assert "elder_canteen" not in city.inventories


def test_provenance_says_what_was_set_aside(city: City) -> None:
    notes = {origin.part: origin for origin in city.provenance}
    assert set(notes) == {"streets_walk", "streets_cycle", "facilities", "barriers", "context"}
    assert "1 points inside the outline" in notes["facilities"].note
    assert "1 schools of unknown stage" in notes["facilities"].note
    assert notes["facilities"].date == "2024-05-06T07:08:09Z"
    assert len(notes["facilities"].sha256) == 64
    assert city.data_date == "2024-05-06"
    assert "ODbL" in notes["facilities"].licence


def test_a_city_comes_back_from_its_folder(city: City, tmp_path: Path) -> None:
    assert City.load(city.save(tmp_path / "city"), check=True).hash == city.hash


def test_facilities_alone_are_those_of_the_city(city: City) -> None:
    table, entrances = read_osm_facilities(FIXTURES / "osm_places.osm")
    pd.testing.assert_frame_equal(table, city.facilities)
    pd.testing.assert_frame_equal(entrances, city.entrances)


def test_progress_is_told_in_order() -> None:
    told: list[tuple[str, float]] = []
    read_osm_city(FIXTURES / "osm_coast.osm", modes=("walk",), progress=lambda stage, share: told.append((stage, share)))
    assert [stage for stage, _ in told] == [f"osm.stage.{part}" for part in ("reading", "streets", "places", "barriers", "done")]
    assert [share for _, share in told] == sorted(share for _, share in told)


def test_barriers_lie_on_the_ground() -> None:
    table = read_osm_city(FIXTURES / "osm_barriers.osm", modes=("walk",)).barriers
    found = {name.removeprefix("osm:").split(".")[0]: kind for name, kind in zip(table["barrier_id"], table["kind"], strict=True)}
    assert found == {
        "w100": "water", "w103": "water", "w105": "water", "w106": "rail", "w111": "motorway", "w113": "motorway", "w117": "wall",
        "w200": "wall", "w210": "water",
    }  # fmt: skip


def test_a_gate_opens_a_wall() -> None:
    table = read_osm_city(FIXTURES / "osm_barriers.osm", modes=("walk",)).barriers
    wall = table.loc[table["barrier_id"].str.startswith("osm:w200."), "geometry"].iloc[0]
    parts = shapely.length(shapely.get_parts(wall))
    assert sorted(parts) == pytest.approx([EAST_M - 1.5, 2 * EAST_M - 1.5], abs=0.2)


def test_the_sea_lies_on_the_right_of_the_coast() -> None:
    city = read_osm_city(FIXTURES / "osm_coast.osm", modes=("walk",))
    assert city.extent is not None
    sea = city.context.loc[city.context["context_id"] == "osm:coast", "geometry"].iloc[0]
    # East half of the box (10 x 10) less an island of one square.
    assert sea.area == pytest.approx((50 - 1) * EAST_M * NORTH_M, rel=1e-3)
    # A single street does not fill the box: the extent is its hull and the sea.
    assert sea.area < city.extent.area < 0.6 * 100 * EAST_M * NORTH_M
    assert "hull of the streets and the sea" in city.provenance[0].note


def test_class_ids_are_those_of_the_standards() -> None:
    ids = {}
    for letter, name in (("p", "pudong-2021"), ("g", "gb50180-2018")):
        standard = yaml.safe_load((ROOT / "src/yike/standards" / f"{name}.yaml").read_text("utf-8"))
        ids[letter] = {entry["id"] for entry in standard["classes"]}
    stated = {(letter, rule["class"]) for rule in mapping("osm-places")["classes"] for letter in rule["standards"]}
    assert {class_id for letter, class_id in stated if class_id not in ids[letter]} == set()
    # Every class of both lists has a rule, if only by name.
    assert (ids["p"] | ids["g"]) - {rule.class_id for rule in class_rules()} == set()


def test_word_lists_of_the_rules_exist_and_are_folded() -> None:
    lists = mapping("osm-places")["word_lists"]
    used = {rule.when["words"] for rule in class_rules() if "words" in rule.when}
    used |= {rule.unless["words"] for rule in class_rules() if "words" in rule.unless}
    assert used == set(lists)
    words = [word for group in (*lists.values(), *mapping("osm-places")["school"]["words"].values()) for word in group]
    assert [word for word in words if folded(word).strip() != word] == []


@pytest.mark.parametrize(
    ("tags", "stages"),
    [
        ({"isced:level": "1;2"}, {"primary", "lower_secondary"}),
        ({"isced:level": "1-3"}, {"primary", "lower_secondary", "upper_secondary"}),
        ({"isced:level": "unknown", "name": "实验小学"}, {"primary"}),
        ({"grades": "10-12"}, {"upper_secondary"}),
        ({"name": "第五中学"}, set()),
        ({"name": "高级中学"}, {"upper_secondary"}),
        ({"name": "Colegio Sagrada Familia"}, set()),
        ({"name": "Aries"}, set()),
        ({"school": "secondary"}, {"lower_secondary", "upper_secondary"}),
    ],
)
def test_school_stages_are_never_guessed(tags: dict[str, str], stages: set[str]) -> None:
    assert school_stages(tags) == stages


def test_private_places_have_no_class() -> None:
    assert classes_of({"leisure": "pitch"}, area_m2=900.0) == ("multi_sports_court", "small_sports_ground")
    assert classes_of({"leisure": "pitch", "access": "private"}, area_m2=900.0) == ()
    assert classes_of({"leisure": "pitch", "sport": "golf"}, area_m2=None) == ()
