"""The demo district: deterministic, whole, believable, and its planted gaps are found."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import shapely

from yike.analysis.diagnosis import diagnose
from yike.model.city import City
from yike.model.diagnosis import Diagnosis
from yike.model.network import SEGMENT_KINDS
from yike.model.standard import load_standard
from yike.model.tables import AGE_GROUPS, PATHWAYS
from yike.sources.demo import PLANTED_GAPS, PlantedGap, demo_city
from yike.sources.demo.gaps import ANCHORS
from yike.sources.demo.hours import ALL_HOURS, EVERY_DAY, NO_HOURS, WORKDAYS, mask
from yike.sources.demo.plan import Plan
from yike.sources.demo.streets import cut_ways
from yike.sources.demo.terrain import make_ground
from yike.sources.notes import say_notes

CLASSES = {entry.id for entry in load_standard("pudong-2021").classes}


@pytest.fixture(scope="module")
def city() -> City:
    return demo_city()


@pytest.fixture(scope="module")
def diagnosis(city: City) -> Diagnosis:
    return diagnose(city, load_standard("pudong-2021"), explain="none")


def test_another_process_with_another_hash_seed_makes_the_same_city(city: City) -> None:
    code = "from yike.sources.demo import demo_city; print(demo_city().hash)"
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    other = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == city.hash


def test_another_seed_makes_another_city(city: City) -> None:
    other = demo_city(seed=7)
    assert other.hash != city.hash
    assert other.demand["residents"].sum() == 600_000
    assert set(other.facilities["class_id"]) == CLASSES


def test_six_hundred_thousand_residents_sum_by_age_in_every_home(city: City) -> None:
    ages = city.demand[[f"residents_{group}" for group in AGE_GROUPS]].to_numpy()
    assert city.demand["residents"].sum() == 600_000
    assert (ages.sum(axis=1) == city.demand["residents"]).all()
    assert (ages >= 0).all()
    assert 8_000 <= len(city.demand) <= 12_000


def test_old_lanes_are_older_and_new_towns_younger(city: City) -> None:
    def share(subdistrict: str, *groups: str) -> float:
        own = city.demand[city.demand["unit_id"].str.startswith(subdistrict)]
        return float(own[[f"residents_{group}" for group in groups]].to_numpy().sum() / own["residents"].sum())

    assert share("YJ01", "age_60_79", "age_80_up") > 0.35
    assert share("YJ10", "age_60_79", "age_80_up") > 0.30
    assert share("YJ07", "age_60_79", "age_80_up") < 0.22
    assert share("YJ07", "age_0_2", "age_3_5") > 1.5 * share("YJ01", "age_0_2", "age_3_5")


def test_twelve_subdistricts_of_three_zones_hold_150_committees(city: City) -> None:
    units = city.units
    assert len(units) == 150
    assert units["unit_id"].is_unique
    assert units["name"].is_unique
    assert units["subdistrict_id"].nunique() == 12
    zones = units.groupby("subdistrict_id")["zone"].first().value_counts().to_dict()
    assert zones == {"urban": 5, "expansion_town": 4, "remote_town": 3}
    kinds = set(zip(units["zone"], units["kind"], strict=True))
    assert ("urban", "village_committee") not in kinds
    assert {("expansion_town", "residents_committee"), ("expansion_town", "village_committee")} <= kinds
    assert set(city.demand["unit_id"]) == set(units["unit_id"])


def test_units_partition_the_land_each_in_one_piece(city: City) -> None:
    outlines = city.units["outline"].to_numpy()
    together = shapely.union_all(outlines).area
    assert sum(outline.area for outline in outlines) == pytest.approx(together, rel=1e-9)
    assert 115e6 < together < 145e6
    assert all(shapely.get_num_geometries(outline) == 1 and outline.is_valid for outline in outlines)
    river = city.context.loc[city.context["name"] == "云水", "geometry"].iloc[0]
    assert shapely.union_all(outlines).intersection(river).area < 0.001 * river.area


def test_committees_stand_in_their_unit_and_homes_too(city: City) -> None:
    outline = city.units.set_index("unit_id")["outline"]
    centres = shapely.points(city.units[["centre_x", "centre_y"]].to_numpy())
    assert shapely.distance(centres, city.units["outline"].to_numpy()).max() < 30.0
    homes = shapely.points(city.demand[["x", "y"]].to_numpy())
    assert shapely.distance(homes, outline[city.demand["unit_id"]].to_numpy()).max() < 15.0


def test_every_committee_but_the_islets_stands_on_a_street(city: City) -> None:
    tree = shapely.STRtree(city.networks["walk"].shapes())
    centres = shapely.points(city.units[["centre_x", "centre_y"]].to_numpy())
    away = tree.query_nearest(centres, all_matches=False, return_distance=True)[1]
    far = city.units["unit_id"][away > 5.0].tolist()
    assert far == ["YJ10-01"]


def test_streets_are_connected_and_as_fine_as_a_district_needs(city: City) -> None:
    walk, cycle = city.networks["walk"], city.networks["cycle"]
    assert 12_000 <= walk.node_count <= 25_000
    steps = SEGMENT_KINDS.index("steps")
    assert (walk.kind == steps).sum() > 0
    assert (cycle.kind == steps).sum() == 0
    assert (~cycle.backward).sum() > 50
    assert walk.backward.all()
    assert (walk.signal_halves > 0).sum() > 400
    assert not walk.attachable.all()
    straight = np.sqrt(((walk.node_xy[walk.tail] - walk.node_xy[walk.head]) ** 2).sum(axis=1))
    assert (walk.length_dm / 10 >= straight - 0.1).all()
    assert np.array_equal(np.round(walk.node_xy, 1), walk.node_xy)


def test_few_streets_cross_the_river(city: City) -> None:
    river = city.context.loc[city.context["name"] == "云水", "geometry"].iloc[0]
    crossing = shapely.intersects(city.networks["walk"].shapes(), river)
    assert crossing.sum() == 6
    assert not city.networks["walk"].attachable[crossing].any()


def test_all_37_classes_stand_and_each_has_an_inventory(city: City) -> None:
    assert set(city.facilities["class_id"]) == CLASSES
    assert set(city.inventories) == CLASSES
    assert len(CLASSES) == 37
    shared = city.facilities.groupby(["x", "y"]).size()
    assert (shared > 1).sum() > 50


def test_schools_and_parks_have_outlines_and_entrances(city: City) -> None:
    wide = city.facilities[city.facilities["class_id"].str.contains("school|comprehensive_park|community_park")]
    assert wide["outline"].notna().all()
    assert set(wide["facility_id"]) <= set(city.entrances["facility_id"])
    assert (wide["site_area_m2"] > 1000).all()
    schools = wide[wide["class_id"].str.contains("school")]["outline"].to_numpy()
    pairs = shapely.STRtree(schools).query(schools, predicate="intersects")
    assert pairs.shape[1] <= len(schools) + 2


def test_opening_hours_start_on_monday_at_midnight_with_the_highest_bit(city: City) -> None:
    assert mask([0], 0, 1) == "8" + "0" * 41
    assert mask([6], 23, 24) == "0" * 41 + "1"
    assert int(mask(WORKDAYS, 7, 17), 16).bit_count() == 50
    assert mask(EVERY_DAY, 0, 24) == ALL_HOURS
    unknown = city.facilities["unknown_hours"] == ALL_HOURS
    assert 0.08 < unknown.mean() < 0.16
    assert (city.facilities.loc[unknown, "open_hours"] == NO_HOURS).all()
    assert (city.facilities["open_hours"].str.len() == 42).all()


def test_facilities_stand_beyond_the_border_but_not_beyond_the_data(city: City) -> None:
    places = shapely.points(city.facilities[["x", "y"]].to_numpy())
    district = shapely.union_all(city.units["outline"].to_numpy()).convex_hull
    outside = ~shapely.contains(district, places)
    assert outside.sum() > 60
    assert shapely.distance(places, city.extent).max() < 1.0


def test_candidate_sites_have_area_cost_pathway_and_a_kind_of_owner(city: City) -> None:
    sites = city.candidates
    assert len(sites) == 120
    assert set(sites["pathway"]) == set(PATHWAYS)
    assert (sites["floor_area_m2"] >= 200).all()
    assert (sites["cost_yuan"] / sites["floor_area_m2"]).between(1000, 8000).all()
    assert (sites["owner"] != "").all()


def test_provenance_says_that_the_place_is_made_up(city: City) -> None:
    for lang, made_up in (("en", "no real place"), ("zh", "非真实地点")):
        said = [say_notes(origin.source, lang) for origin in city.provenance]
        assert said
        assert all(made_up in each and "20210101" in each for each in said)


def test_ways_that_cross_without_a_common_end_do_not_meet() -> None:
    plan = Plan()
    plan.way((100.0, 0.0), (100.0, 200.0))
    plan.way((0.0, 100.0), (200.0, 100.0))
    plan.way((100.0, 50.0), (180.0, 50.0))
    pieces = cut_ways(plan, make_ground(np.random.Generator(np.random.PCG64(1))), np.random.Generator(np.random.PCG64(2)))
    assert len(pieces.node_uv) == 6
    assert np.bincount(pieces.way).tolist() == [2, 1, 1]


@pytest.mark.parametrize("gap", PLANTED_GAPS, ids=lambda gap: gap.key)
def test_the_diagnosis_finds_each_planted_gap(gap: PlantedGap, diagnosis: Diagnosis) -> None:
    verdicts = diagnosis.verdicts
    own = verdicts["unit_id"].str.startswith(gap.unit_id or gap.subdistrict_id)
    if gap.class_id is not None:
        own &= verdicts["class_id"] == gap.class_id
    found = verdicts[own]
    assert len(found) > 0
    assert set(found["verdict"]) == {gap.verdict}
    if gap.unit_id is not None and gap.class_id is not None:
        assert bool(found["borderline"].iloc[0]) == gap.borderline


def verdict_of(diagnosis: Diagnosis, unit_id: str, class_id: str) -> dict[str, object]:
    table = diagnosis.verdicts
    return table[(table["unit_id"] == unit_id) & (table["class_id"] == class_id)].iloc[0].to_dict()


def test_the_planted_places_are_why(diagnosis: Diagnosis) -> None:
    across = verdict_of(diagnosis, "YJ04-01", "primary_school")
    assert across["nearest_facility_id"] == "primary_school-across-river"
    assert 1080 < across["time_s"] < 1500
    at_limit = verdict_of(diagnosis, "YJ05-02", "elderly_daycare")
    assert at_limit["nearest_facility_id"] == "elderly_daycare-at-the-limit"
    assert 899.0 <= at_limit["time_s"] <= 900.0
    fenced = verdict_of(diagnosis, "YJ03-01", "community_park")
    assert fenced["nearest_facility_id"] == "community_park-far-entrance"
    behind = verdict_of(diagnosis, "YJ07-01", "kindergarten")
    assert behind["nearest_facility_id"] == "kindergarten-behind-expressway"
    beyond = verdict_of(diagnosis, "YJ02-01", "district_medical_center")
    assert beyond["nearest_facility_id"] == "district_medical_center-beyond-border"
    assert verdict_of(diagnosis, "YJ05-01", "wet_market")["time_s"] > 1300
    assert verdict_of(diagnosis, "YJ12-01", "community_health_center")["mode"] == "cycle"


def test_the_edge_of_the_data_and_the_islet_are_told(diagnosis: Diagnosis) -> None:
    assert verdict_of(diagnosis, "YJ11-01", "metro_station")["near_edge"]
    islet = diagnosis.verdicts[diagnosis.verdicts["unit_id"] == "YJ10-01"]
    assert len(islet) == 37
    assert set(islet["reason"]) == {"centre_unconnected"}
    centres = diagnosis.unconnected[diagnosis.unconnected["part"] == "centre"]
    assert set(centres["item_id"]) == {"YJ10-01"}


def test_nothing_else_is_left_unconnected(diagnosis: Diagnosis) -> None:
    assert (diagnosis.unconnected["part"] == "facility").sum() == 0
    assert (diagnosis.unconnected["part"] == "demand").sum() == 12


def test_the_rate_is_believable_everywhere(diagnosis: Diagnosis) -> None:
    rates = diagnosis.areas.set_index("area_id")["rate"]
    assert 0.78 <= rates["all"] <= 0.92
    assert rates.drop("all").between(0.6, 0.98).all()


def test_every_anchor_belongs_to_a_unit(city: City) -> None:
    assert set(ANCHORS) <= set(city.units["unit_id"])
    planted = {gap.unit_id for gap in PLANTED_GAPS if gap.unit_id is not None}
    assert planted <= set(city.units["unit_id"])


def test_the_document_tells_every_planted_case_and_the_figures(city: City) -> None:
    words = (Path(__file__).parents[2] / "docs" / "demo-district.md").read_text("utf-8")
    rows = [line for line in words.splitlines() if line.startswith("| ")]
    for gap in PLANTED_GAPS:
        row = next(line for line in rows if line.startswith(f"| {gap.key} |"))
        assert (gap.unit_id or gap.subdistrict_id) in row
        assert (gap.class_id or "every class") in row
        assert gap.verdict in row
    counts = [city.networks[mode].node_count for mode in ("walk", "cycle")]
    counts += [len(city.demand), len(city.facilities), len(city.entrances), len(city.barriers)]
    assert [count for count in counts if f"{count:,}" not in words] == []
