"""Verdicts: limits, undetermined pairs, shares and the deciding term on a street where every figure is known."""

import math

import numpy as np
import pandas as pd
import pytest
import shapely
from small_city import city, demand, facilities, judged, standard, streets, travellers, units, verdict

from yike.analysis.verdicts import classes_with_reach

CLINIC_AT_1000 = facilities(("c1", "clinic", 1000.0, 0.0))


@pytest.mark.parametrize(
    ("centre_x", "time_s", "passes", "borderline", "shortfall_s"),
    [
        (400.0, 600.0, "pass", True, None),
        (401.0, 599.0, "pass", True, None),
        (401.1, 598.9, "pass", False, None),
        (399.0, 601.0, "fail", True, 1.0),
        (398.9, 601.1, "fail", False, 1.1),
        (1000.0, 0.0, "pass", False, None),
        (1600.0, 600.0, "pass", True, None),
        (1601.1, 601.1, "fail", False, 1.1),
    ],
)
def test_the_limit_is_included_and_one_second_either_way_is_borderline(
    centre_x: float, time_s: float, passes: str, borderline: bool, shortfall_s: float | None
) -> None:
    row = verdict(judged(city(units=units(("u", centre_x, 0.0)), facilities=CLINIC_AT_1000)), "u")
    assert (row["time_s"], row["verdict"], row["borderline"]) == (time_s, passes, borderline)
    assert row["limit_s"] == 600.0
    assert math.isnan(row["shortfall_s"]) if shortfall_s is None else row["shortfall_s"] == shortfall_s
    assert (row["nearest_facility_id"], row["profile"], row["mode"], row["term"]) == ("c1", "adult", "walk", "reach_time")
    assert math.isnan(row["limit_m"])
    assert math.isnan(row["distance_m"])
    assert row["reason"] == ""


def test_both_connections_are_walked_and_counted() -> None:
    row = verdict(judged(city(units=units(("u", 500.0, 30.0)), facilities=facilities(("c", "clinic", 1000.0, -70.0)))), "u")
    assert (row["time_s"], row["verdict"], row["borderline"]) == (600.0, "pass", True)


def test_an_unreachable_place_has_no_time_and_no_shortfall() -> None:
    """The clinic stands on streets that nothing joins to the unit's: absent, not a large number."""
    row = verdict(judged(city(units=units(("u", 100.0, 0.0)), facilities=facilities(("c", "clinic", 100.0, 5000.0)))), "u")
    assert (row["verdict"], row["reason"], row["nearest_facility_id"]) == ("fail", "", "")
    assert all(math.isnan(row[name]) for name in ("time_s", "shortfall_s", "distance_m", "shortfall_m"))


def test_beyond_the_horizon_a_place_is_absent_and_within_it_measured() -> None:
    place = city(units=units(("u", 0.0, 0.0)), facilities=facilities(("c", "clinic", 1500.0, 0.0)))
    assert verdict(judged(place, horizon_s=1500), "u")["time_s"] == 1500.0
    short = verdict(judged(place, horizon_s=1499.9), "u")
    assert (short["verdict"], math.isnan(short["time_s"]), math.isnan(short["shortfall_s"])) == ("fail", True, True)


def test_a_horizon_below_the_limit_does_not_shorten_the_limit() -> None:
    place = city(units=units(("u", 400.0, 0.0)), facilities=CLINIC_AT_1000)
    assert verdict(judged(place, horizon_s=1), "u")["verdict"] == "pass"


def test_without_an_inventory_only_a_place_found_within_the_limit_decides() -> None:
    place = city(listed=(), units=units(("near", 900.0, 0.0), ("far", 100.0, 0.0)), facilities=CLINIC_AT_1000)
    diagnosis = judged(place)
    assert (verdict(diagnosis, "near")["verdict"], verdict(diagnosis, "near")["reason"]) == ("pass", "")
    far = verdict(diagnosis, "far")
    assert (far["verdict"], far["reason"], far["borderline"], far["near_edge"]) == (
        "not_determinable",
        "no_inventory",
        False,
        False,
    )
    assert far["time_s"] == 900.0


def test_without_a_zone_no_mode_is_declared() -> None:
    place = city(units=units(("u", 900.0, 0.0), zone=""), facilities=CLINIC_AT_1000)
    row = verdict(judged(place), "u")
    assert (row["verdict"], row["reason"], row["by_centre"], row["by_residents"]) == (
        "not_determinable", "no_zone", "not_determinable", "not_determinable",
    )  # fmt: skip
    assert math.isnan(row["time_s"])
    assert verdict(judged(place, zone="town"), "u")["verdict"] == "pass"


def test_a_zone_that_the_standard_does_not_know_declares_no_mode() -> None:
    place = city(units=units(("u", 900.0, 0.0), zone="moon"), facilities=CLINIC_AT_1000)
    assert verdict(judged(place), "u")["reason"] == "no_zone"


def test_the_zone_and_the_kind_of_unit_choose_the_mode() -> None:
    """The cyclist rides 2 m/s: 1200 m are 600 s."""
    both = {"walk": streets(), "cycle": streets(mode="cycle")}
    rows = pd.concat(
        [
            units(("walks", 400.0, 0.0)),
            units(("village", 0.0, 0.0), kind="village_committee"),
            units(("far", 2000.0, 0.0), zone="far"),
            units(("plain", 400.0, 0.0), kind=""),
        ]
    )
    diagnosis = judged(city(both, units=rows, facilities=facilities(("c", "clinic", 1200.0, 0.0))))
    found = {unit: (verdict(diagnosis, unit)["mode"], verdict(diagnosis, unit)["time_s"]) for unit in rows["unit_id"]}
    assert found == {"walks": ("walk", 800.0), "village": ("cycle", 600.0), "far": ("cycle", 400.0), "plain": ("walk", 800.0)}
    assert [verdict(diagnosis, unit)["verdict"] for unit in rows["unit_id"]] == ["fail", "pass", "pass", "fail"]


def test_without_streets_for_the_mode_nothing_is_determinable() -> None:
    row = verdict(judged(city(units=units(("u", 900.0, 0.0), zone="far"), facilities=CLINIC_AT_1000)), "u")
    assert (row["verdict"], row["reason"]) == ("not_determinable", "no_network")


@pytest.mark.parametrize(("y", "reason"), [(100.0, ""), (100.1, "centre_unconnected")])
def test_a_centre_beyond_the_connection_limit_is_unconnected(y: float, reason: str) -> None:
    diagnosis = judged(city(units=units(("u", 900.0, y)), facilities=CLINIC_AT_1000))
    row = verdict(diagnosis, "u")
    assert (row["verdict"], row["reason"]) == ("not_determinable" if reason else "pass", reason)
    listed = diagnosis.unconnected
    assert listed[["part", "item_id", "mode"]].to_numpy().tolist() == ([["centre", "u", "walk"]] if reason else [])
    assert listed["distance_m"].tolist() == ([100.1] if reason else [])


def test_a_centre_behind_a_barrier_is_unconnected() -> None:
    wall = pd.DataFrame({"barrier_id": ["w"], "kind": ["water"], "geometry": [shapely.LineString([(-500, 20), (2500, 20)])]})
    row = verdict(judged(city(units=units(("u", 900.0, 50.0)), facilities=CLINIC_AT_1000, barriers=wall)), "u")
    assert (row["verdict"], row["reason"]) == ("not_determinable", "centre_unconnected")


@pytest.mark.parametrize(
    ("centre_x", "low_x", "near"),
    [(100.0, -500.0, False), (100.0, -499.9, True), (100.0, 200.0, True), (900.0, 899.0, False)],
)
def test_near_the_edge_of_known_data_a_failure_says_so(centre_x: float, low_x: float, near: bool) -> None:
    """600 s at 1 m/s reach 600 m: a failing centre 600 m from the edge is safe, one nearer or outside is not; a pass never is."""
    known = shapely.box(low_x, -9000, 9000, 9000)
    row = verdict(judged(city(units=units(("u", centre_x, 0.0)), facilities=CLINIC_AT_1000, extent=known)), "u")
    assert (row["verdict"], row["near_edge"]) == ("pass" if centre_x == 900.0 else "fail", near)


def test_an_unknown_edge_is_never_near() -> None:
    assert not verdict(judged(city(units=units(("u", 0.0, 0.0)), facilities=CLINIC_AT_1000)), "u")["near_edge"]


def test_a_metre_term_is_measured_in_metres_whatever_the_speed_and_the_waits() -> None:
    """Half a kilometre with two signals at a quick 2 m/s: 500.0 m, not time times speed."""
    signals = streets(signal_halves=[2, 2, 0])
    asked = standard({"clinic": {"metres": 500}})
    rows = units(("at", 500.0, 0.0), ("over", 499.9, 0.0), ("well_over", 498.9, 0.0), ("across", 1300.0, 0.0))
    diagnosis = judged(city({"walk": signals}, units=rows, facilities=CLINIC_AT_1000), asked, profiles=travellers(speed_m_s=2.0))
    at, over, well_over, across = (verdict(diagnosis, unit) for unit in rows["unit_id"])
    assert (at["distance_m"], at["verdict"], at["borderline"], at["limit_m"]) == (500.0, "pass", True, 500.0)
    assert (over["distance_m"], over["verdict"], over["shortfall_m"], over["borderline"]) == (500.1, "fail", 0.1, True)
    assert (well_over["shortfall_m"], well_over["borderline"]) == (1.1, False)
    assert across["distance_m"] == 300.0
    assert at["term"] == "reach_distance"
    assert all(math.isnan(at[name]) for name in ("limit_s", "time_s", "shortfall_s"))


def test_a_time_given_by_the_source_changes_times_and_no_metres() -> None:
    slow = streets(fixed_ds=[50_000, -1, -1])
    place = city({"walk": slow}, units=units(("u", 500.0, 0.0)), facilities=CLINIC_AT_1000)
    assert verdict(judged(place), "u")["time_s"] == 2500.0
    assert verdict(judged(place, standard({"clinic": {"metres": 500}})), "u")["distance_m"] == 500.0


def test_of_several_terms_the_one_that_fails_decides_and_both_must_hold() -> None:
    asked = standard({"clinic": {"minutes": 10, "metres": 500}})
    rows = units(("both", 600.0, 0.0), ("time_only", 450.0, 0.0), ("none", 300.0, 0.0))
    diagnosis = judged(city(units=rows, facilities=CLINIC_AT_1000), asked)
    assert verdict(diagnosis, "both")["verdict"] == "pass"
    only = verdict(diagnosis, "time_only")
    assert (only["verdict"], only["term"], only["shortfall_m"]) == ("fail", "reach_distance", 50.0)
    none = verdict(diagnosis, "none")
    assert (none["verdict"], none["term"], none["shortfall_m"]) == ("fail", "reach_distance", 200.0)
    assert len(diagnosis.verdicts) == 3


def test_of_several_failing_terms_the_one_that_misses_by_the_largest_part_of_its_limit_decides() -> None:
    """At 100: 600 s over 300 are twice, 700 m over 200 three and a half times; at 700: 240 s over 60 four times, 100 m half."""
    asked = standard({"clinic": {"minutes": 5, "metres": 200}})
    metres = verdict(judged(city(units=units(("u", 100.0, 0.0)), facilities=CLINIC_AT_1000), asked), "u")
    assert (metres["term"], metres["shortfall_m"]) == ("reach_distance", 700.0)
    asked = standard({"clinic": {"minutes": 1, "metres": 200}})
    seconds = verdict(judged(city(units=units(("u", 700.0, 0.0)), facilities=CLINIC_AT_1000), asked), "u")
    assert (seconds["term"], seconds["shortfall_s"]) == ("reach_time", 240.0)


def test_of_several_failing_terms_the_one_that_nothing_is_in_reach_of_decides() -> None:
    """The kilometre takes 10,000 s: beyond the horizon in time, within it in metres."""
    asked = standard({"clinic": {"minutes": 10, "metres": 500}})
    slow = streets(fixed_ds=[100_000, 100_000, -1])
    row = verdict(judged(city({"walk": slow}, units=units(("u", 0.0, 0.0)), facilities=CLINIC_AT_1000), asked), "u")
    assert (row["verdict"], row["term"], row["limit_s"]) == ("fail", "reach_time", 600.0)
    assert math.isnan(row["time_s"])
    assert math.isnan(row["shortfall_s"])


def test_of_several_terms_each_origin_is_judged_by_its_worst_and_the_fewest_are_covered() -> None:
    """Within 600 s live a and b, within 500 m only 30 of a; v lies within both limits."""
    asked = standard({"clinic": {"minutes": 10, "metres": 500}})
    homes = people(("a", "u", 600.0, 0.0, 30, 0), ("b", "u", 450.0, 0.0, 20, 50), ("c", "v", 700.0, 0.0, 9, 0))
    place = city(
        units=units(("u", 450.0, 0.0), ("v", 700.0, 0.0)), facilities=CLINIC_AT_1000, demand=homes, groups=GROUPS
    )
    diagnosis = judged(place, asked)
    row = verdict(diagnosis, "u")
    assert (row["term"], row["by_centre"], row["by_residents"]) == ("reach_distance", "fail", "fail")
    assert (row["residents"], row["covered_residents"], row["residents_missing"]) == (100, 30, 70)
    assert (row["covered_share"], row["covered_share_child"], row["covered_share_elder"]) == (0.3, 0.6, 0.0)
    fine = verdict(diagnosis, "v")
    assert (fine["verdict"], fine["by_residents"], fine["covered_share"], fine["residents_missing"]) == ("pass", "pass", 1.0, 0)


def test_an_origin_that_fails_a_term_which_the_other_origin_does_not_decide_by_fails() -> None:
    """The centre's 400 m take 800 s of 600; the home's 600 s are in time but 600 m of 500."""
    asked = standard({"clinic": {"minutes": 10, "metres": 500}})
    waits = streets(fixed_ds=[-1, 20_000, -1])  # the second half is slow, the first is long
    homes = demand(("h", "u", 400.0, 0.0, 10))
    place = city({"walk": waits}, units=units(("u", 1400.0, 0.0)), facilities=CLINIC_AT_1000, demand=homes)
    row = verdict(judged(place, asked), "u")
    assert (row["term"], row["shortfall_s"], row["by_centre"]) == ("reach_time", 200.0, "fail")
    assert (row["by_residents"], row["covered_residents"], row["residents_missing"]) == ("fail", 0, 10)


def test_a_place_of_a_wider_class_counts_for_the_narrower_one() -> None:
    asked = standard({"primary": {"minutes": 10, "also_met_by": ["nine_year"]}, "nine_year": {"minutes": 10}})
    place = city(
        listed=("primary", "nine_year"), units=units(("u", 900.0, 0.0)), facilities=facilities(("n", "nine_year", 1000.0, 0.0))
    )
    diagnosis = judged(place, asked)
    row = verdict(diagnosis, "u", "primary")
    assert (row["verdict"], row["time_s"], row["nearest_facility_id"]) == ("pass", 100.0, "n")
    assert verdict(diagnosis, "u", "nine_year")["time_s"] == 100.0


def test_a_place_does_not_count_for_the_wider_class() -> None:
    asked = standard({"primary": {"minutes": 10, "also_met_by": ["nine_year"]}, "nine_year": {"minutes": 10}})
    place = city(
        listed=("primary", "nine_year"), units=units(("u", 900.0, 0.0)), facilities=facilities(("p", "primary", 1000.0, 0.0))
    )
    diagnosis = judged(place, asked)
    assert [verdict(diagnosis, "u", name)["verdict"] for name in ("primary", "nine_year")] == ["pass", "fail"]


def test_several_places_at_one_spot_stay_apart_and_the_first_name_is_told() -> None:
    asked = standard({"clinic": {"minutes": 10}, "shop": {"minutes": 10}})
    place = city(
        listed=("clinic", "shop"),
        units=units(("u", 900.0, 0.0)),
        facilities=facilities(("b", "clinic", 1000.0, 0.0), ("a", "clinic", 1000.0, 0.0), ("s", "shop", 1000.0, 0.0)),
    )
    diagnosis = judged(place, asked)
    assert verdict(diagnosis, "u")["nearest_facility_id"] == "a"
    assert verdict(diagnosis, "u", "shop")["nearest_facility_id"] == "s"


def test_a_place_is_reached_at_its_nearest_entrance() -> None:
    doors = pd.DataFrame({"facility_id": ["c1", "c1"], "x": [800.0, 1200.0], "y": [10.0, 0.0], "kind": "entrance"})
    diagnosis = judged(city(units=units(("w", 200.0, 0.0), ("e", 1800.0, 0.0)), facilities=CLINIC_AT_1000, entrances=doors))
    assert [verdict(diagnosis, unit)["time_s"] for unit in ("w", "e")] == [610.0, 600.0]


def test_a_place_with_an_outline_is_reached_where_its_edge_is_nearest_to_a_street() -> None:
    """The park points at (1000, 20) with its corner and is otherwise farther from the street."""
    corner = shapely.Polygon([(1000, 20), (900, 100), (1100, 100)])
    park = facilities(("c", "clinic", 1000.0, 60.0)).assign(outline=[corner])
    row = verdict(judged(city(units=units(("u", 420.0, 0.0)), facilities=park)), "u")
    assert (row["time_s"], row["nearest_facility_id"]) == (580.0 + 20.0, "c")


GROUPS = ("child", "elder")


def people(*rows: tuple[object, ...]) -> pd.DataFrame:
    return demand(*rows, groups=GROUPS)


def test_residents_are_counted_by_unit_and_group() -> None:
    """At 400 exactly within, at 399 not; 30 live too far from any street, 5 in no unit."""
    homes = people(
        ("d1", "u", 400.0, 0.0, 10, 20),
        ("d2", "u", 399.0, 0.0, 40, 10),
        ("d3", "u", 900.0, 0.0, 5, 0),
        ("d4", "u", 900.0, 150.0, 0, 30),
        ("d5", "", 900.0, 0.0, 5, 0),
        ("d6", "v", 900.0, 0.0, 7, 0),
    )
    place = city(
        units=units(("u", 100.0, 0.0), ("v", 900.0, 0.0), ("w", 900.0, 0.0)),
        facilities=CLINIC_AT_1000,
        demand=homes,
        groups=GROUPS,
    )
    diagnosis = judged(place)
    u, v, w = (verdict(diagnosis, unit) for unit in "uvw")
    assert (u["residents"], u["covered_residents"]) == (115, 35)
    assert u["covered_share"] == 35 / 85
    assert (u["covered_share_child"], u["covered_share_elder"]) == (15 / 55, 20 / 30)
    assert (v["residents"], v["covered_residents"], v["covered_share"], v["covered_share_child"]) == (7, 7, 1.0, 1.0)
    assert math.isnan(v["covered_share_elder"])
    assert (w["residents"], w["covered_residents"], w["by_residents"]) == (0, 0, "not_determinable")
    assert math.isnan(w["covered_share"])
    assert (u["verdict"], u["by_centre"], u["by_residents"]) == ("fail", "fail", "fail")
    assert (v["verdict"], v["by_centre"], v["by_residents"]) == ("pass", "pass", "pass")
    homeless = diagnosis.unconnected
    assert homeless[["part", "item_id", "residents", "distance_m"]].to_numpy().tolist() == [["demand", "d4", 30, 150.0]]


@pytest.mark.parametrize(
    ("within", "beyond", "unconnected", "passes", "reason"),
    [
        (80, 20, 0, "pass", ""),
        (79, 21, 0, "fail", ""),
        (80, 0, 20, "pass", ""),
        (79, 20, 1, "not_determinable", "residents_unconnected"),
        (60, 20, 20, "not_determinable", "residents_unconnected"),
        (59, 21, 20, "fail", ""),
        (0, 0, 20, "not_determinable", "residents_unconnected"),
        (0, 0, 0, "not_determinable", "no_residents"),
        (4, 1, 0, "pass", ""),
        (3, 1, 0, "fail", ""),
    ],
)
def test_where_residents_decide_the_share_is_met_exactly(
    within: int, beyond: int, unconnected: int, passes: str, reason: str
) -> None:
    homes = demand(("a", "u", 900.0, 0.0, within), ("b", "u", 100.0, 0.0, beyond), ("c", "u", 900.0, 150.0, unconnected))
    place = city(units=units(("u", 100.0, 0.0)), facilities=CLINIC_AT_1000, demand=homes)
    row = verdict(judged(place, standard(share_percent=80)), "u")
    assert (row["verdict"], row["reason"], row["by_residents"], row["by_centre"]) == (passes, reason, passes, "fail")
    assert not row["borderline"]


def test_where_residents_decide_the_shortfall_is_that_of_the_worst_home_and_the_time_that_of_the_centre() -> None:
    """The empty home at 0 and the one without a street count for nothing; a1 lives 900 s away of 600 allowed."""
    homes = demand(
        ("a0", "u", 0.0, 0.0, 0), ("a1", "u", 100.0, 0.0, 15), ("a2", "u", 900.0, 0.0, 75), ("a3", "u", 900.0, 150.0, 10),
        ("b1", "v", 900.0, 0.0, 90), ("b2", "v", 100.0, 0.0, 10),
        ("c1", "w", 100.0, 5000.0, 40), ("c2", "w", 100.0, 0.0, 40),
    )  # fmt: skip
    rows = units(("u", 900.0, 0.0), ("v", 100.0, 0.0), ("w", 900.0, 0.0))
    diagnosis = judged(city(units=rows, facilities=CLINIC_AT_1000, demand=homes), standard(share_percent=90))
    u, v, w = (verdict(diagnosis, unit) for unit in "uvw")
    assert (u["verdict"], u["by_centre"], u["time_s"], u["shortfall_s"]) == ("fail", "pass", 100.0, 300.0)
    assert (u["residents_missing"], u["covered_residents"]) == (15, 75)
    assert (v["verdict"], v["by_centre"], v["time_s"], v["residents_missing"]) == ("pass", "fail", 900.0, 0)
    assert math.isnan(v["shortfall_s"])
    assert (w["verdict"], w["residents_missing"]) == ("fail", 72)
    assert math.isnan(w["shortfall_s"])


def test_without_a_declared_share_everybody_is_to_be_within_the_limit() -> None:
    homes = demand(("a", "u", 100.0, 0.0, 7), ("b", "u", 900.0, 0.0, 5))
    row = verdict(judged(city(units=units(("u", 900.0, 0.0)), facilities=CLINIC_AT_1000, demand=homes)), "u")
    assert (row["verdict"], row["by_residents"], row["residents_missing"]) == ("pass", "fail", 7)
    assert math.isnan(row["shortfall_s"])


@pytest.mark.parametrize(("x", "close"), [(400.0, True), (399.0, True), (398.9, False), (401.0, True), (401.1, False)])
def test_where_residents_decide_a_share_that_hangs_on_one_second_is_borderline(x: float, close: bool) -> None:
    """80 of 100 need d1's 30 people; they live within a second of the limit or not."""
    homes = demand(("d0", "u", 900.0, 0.0, 60), ("d1", "u", x, 0.0, 30), ("d2", "u", 0.0, 0.0, 10))
    place = city(units=units(("u", 100.0, 0.0)), facilities=CLINIC_AT_1000, demand=homes)
    row = verdict(judged(place, standard(share_percent=80)), "u")
    assert (row["verdict"], row["borderline"]) == ("pass" if x >= 400 else "fail", close)


def test_where_residents_decide_a_class_without_inventory_is_undetermined_unless_the_share_is_met() -> None:
    homes = demand(("a", "u", 900.0, 0.0, 10), ("b", "v", 100.0, 0.0, 10))
    place = city(listed=(), units=units(("u", 100.0, 0.0), ("v", 900.0, 0.0)), facilities=CLINIC_AT_1000, demand=homes)
    diagnosis = judged(place, standard(share_percent=100))
    assert (verdict(diagnosis, "u")["verdict"], verdict(diagnosis, "u")["by_centre"]) == ("pass", "not_determinable")
    assert (verdict(diagnosis, "v")["verdict"], verdict(diagnosis, "v")["reason"]) == ("not_determinable", "no_inventory")


def test_a_class_that_a_zone_does_not_ask_for_gives_no_pair_there() -> None:
    both = {"walk": streets(), "cycle": streets(mode="cycle")}
    asked = standard({"clinic": {"minutes": 10}, "shop": {"minutes": 5, "far": {}}})
    rows = pd.concat([units(("near", 900.0, 0.0)), units(("far", 900.0, 0.0), zone="far"), units(("lost", 900.0, 0.0), zone="")])
    place = city(both, listed=("clinic", "shop"), units=rows, facilities=CLINIC_AT_1000)
    pairs = judged(place, asked).verdicts[["unit_id", "class_id", "verdict", "reason"]].to_numpy().tolist()
    assert pairs == [
        ["far", "clinic", "pass", ""],
        ["lost", "clinic", "not_determinable", "no_zone"],
        ["lost", "shop", "not_determinable", "no_zone"],
        ["near", "clinic", "pass", ""],
        ["near", "shop", "fail", ""],
    ]


def test_a_zone_may_set_its_own_limit() -> None:
    both = {"walk": streets(), "cycle": streets(mode="cycle")}
    asked = standard({"clinic": {"minutes": 10, "far": {"minutes": 1}}})
    rows = pd.concat(
        [units(("near", 400.0, 0.0)), units(("far", 880.0, 0.0), zone="far"), units(("farther", 879.0, 0.0), zone="far")]
    )
    diagnosis = judged(city(both, units=rows, facilities=CLINIC_AT_1000), asked)
    assert [verdict(diagnosis, unit)["limit_s"] for unit in ("near", "far", "farther")] == [600.0, 60.0, 60.0]
    assert [verdict(diagnosis, unit)["verdict"] for unit in ("near", "far", "farther")] == ["pass", "pass", "fail"]


def test_every_asked_pair_has_one_row_and_classes_without_a_figure_none() -> None:
    asked = standard({"clinic": {"minutes": 10}, "shop": {"metres": 300}, "bank": {"minutes": None}})
    assert classes_with_reach(asked) == ["clinic", "shop"]
    diagnosis = judged(
        city(listed=("clinic", "shop", "bank"), units=units(("u", 0.0, 0.0), ("v", 0.0, 0.0)), facilities=CLINIC_AT_1000), asked
    )
    assert sorted(map(tuple, diagnosis.verdicts[["unit_id", "class_id"]].to_numpy())) == [
        (unit, name) for unit in "uv" for name in ("clinic", "shop")
    ]


def test_a_recommended_class_says_so() -> None:
    asked = standard({"clinic": {"minutes": 10}, "shop": {"minutes": 5, "obligation": "recommended"}})
    table = judged(city(listed=("clinic", "shop"), units=units(("u", 0.0, 0.0)), facilities=CLINIC_AT_1000), asked).verdicts
    assert dict(zip(table["class_id"], table["obligation"], strict=True)) == {"clinic": "required", "shop": "recommended"}


def test_verdicts_hold_only_the_words_and_numbers_that_their_schema_names() -> None:
    place = city(units=units(("u", 0.0, 0.0), ("v", 900.0, 0.0)), facilities=CLINIC_AT_1000)
    table = judged(place).verdicts
    assert set(table["verdict"]) == {"pass", "fail"}
    assert table["borderline"].dtype == np.bool_
    assert table["residents"].dtype == np.int64
    assert table["limit_s"].dtype == np.float64
