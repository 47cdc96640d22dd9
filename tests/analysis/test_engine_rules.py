"""The rules of the engine, and where each one is proven.

1.  Points attach as if the street were split there; connections are counted, barred by barriers, and bounded.
2.  Places with extent are reached at their entrances, or where their outline is nearest to a street.
3.  Covered means a routed time within the limit, the limit included; metres have weights of their own.
4.  Adding never lowers anyone's access; closing moves only its own points; a null edit is the baseline bit for bit.
5.  Facilities at one node stay apart; times run from resident to facility.
6.  Repeated, reordered and parallel runs give the same numbers.
7.  What cannot be reached is absent and never averaged.
8.  Facilities outside the district count; near the edge of known data the verdict says so.
9.  A result carries what it was made from; the same inputs give the same canonical tables.
10. Times are whole deciseconds; speeds and delays belong to profiles; the zone chooses the mode.

``PROOFS`` names the tests; those below prove what only shows when everything works together.
"""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from small_city import city, demand, facilities, judged, standard, streets, travellers, units, verdict
from street_cases import StreetCase, points, street_cases

from yike.analysis.attachment import attach
from yike.analysis.routing_graph import METRES, routing_graph
from yike.analysis.street_edits import Link, StreetPlace, add_links
from yike.analysis.travel_time import Places, bounded_times, nearest_places

TESTS = Path(__file__).resolve().parent
PROOFS = {
    1: {
        "test_travel_time": [
            "test_every_pair_equals_the_split_graph",
            "test_the_nearest_place_of_each_class_equals_the_split_graph",
        ],
        "test_attachment": [
            "test_the_two_parts_of_a_street_sum_to_its_weight",
            "test_random_walls_equal_trying_every_street",
            "test_the_limit_is_included_and_beyond_it_a_point_is_unconnected",
        ],
        "test_real_networks": ["test_no_connection_of_a_real_city_crosses_water_or_rail"],
        "test_verdicts": ["test_both_connections_are_walked_and_counted", "test_a_centre_behind_a_barrier_is_unconnected"],
    },
    2: {
        "test_travel_time": ["test_a_place_is_entered_at_its_nearest_entrance"],
        "test_attachment": ["test_an_outline_connects_from_its_edge_even_with_a_street_inside"],
        "test_verdicts": ["test_a_place_with_an_outline_is_reached_where_its_edge_is_nearest_to_a_street"],
    },
    3: {
        "test_travel_time": ["test_the_limit_is_included_and_one_unit_less_is_not"],
        "test_verdicts": [
            "test_the_limit_is_included_and_one_second_either_way_is_borderline",
            "test_a_metre_term_is_measured_in_metres_whatever_the_speed_and_the_waits",
        ],
    },
    4: {
        "test_street_edits": [
            "test_a_link_never_makes_any_way_longer",
            "test_a_wait_at_a_new_crossing_delays_only_those_who_use_it",
            "test_closing_a_street_moves_only_its_own_points",
            "test_an_edit_of_nothing_is_the_baseline_bit_for_bit",
            "test_another_facility_never_makes_the_nearest_farther",
        ],
        "test_diagnosis": ["test_one_facility_more_lowers_nobodys_access", "test_null_edits_change_nothing"],
    },
    5: {
        "test_travel_time": [
            "test_facilities_at_one_node_stay_apart_and_the_lowest_of_equals_is_named",
            "test_times_run_from_resident_to_facility",
        ],
        "test_verdicts": ["test_several_places_at_one_spot_stay_apart_and_the_first_name_is_told"],
    },
    6: {
        "test_travel_time": ["test_threads_change_nothing", "test_the_order_of_rows_changes_nothing"],
        "test_attachment": ["test_order_and_threads_change_nothing"],
        "test_diagnosis": [
            "test_a_second_run_and_a_run_on_two_threads_give_the_same_tables",
            "test_the_order_of_rows_makes_no_difference",
        ],
    },
    7: {
        "test_travel_time": ["test_what_cannot_be_reached_is_absent"],
        "test_diagnosis": ["test_unreachable_figures_are_absent_and_never_averaged"],
    },
    8: {"test_verdicts": ["test_near_the_edge_of_known_data_a_failure_says_so", "test_an_unknown_edge_is_never_near"]},
    9: {"test_diagnosis": ["test_the_diagnosis_says_what_it_was_made_from", "test_the_order_of_streets_makes_no_difference"]},
    10: {
        "test_routing_graph": [
            "test_the_speed_and_waits_of_every_profile_come_from_data",
            "test_metres_are_decimetres_of_length_whatever_the_profile",
        ],
        "test_verdicts": ["test_the_zone_and_the_kind_of_unit_choose_the_mode"],
    },
}


@pytest.mark.parametrize("rule", range(1, 11))
def test_every_rule_has_its_proofs(rule: int) -> None:
    assert PROOFS[rule]
    for module, names in PROOFS[rule].items():
        tree = ast.parse((TESTS / f"{module}.py").read_text(encoding="utf-8"))
        there = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert set(names) - there == set()


def test_an_unconnected_centre_is_never_a_silent_zero() -> None:
    """Rule 1: a centre and a clinic at one far spot are 0 m apart, yet nothing says how one gets from one to the other."""
    row = verdict(judged(city(units=units(("u", 500, 900)), facilities=facilities(("c", "clinic", 500, 900)))), "u")
    assert (row["verdict"], row["reason"]) == ("not_determinable", "centre_unconnected")
    assert np.isnan(row["time_s"])


@settings(max_examples=10)
@given(street_cases(), st.integers(0, 2**32 - 1))
def test_a_new_way_and_a_new_place_lower_no_verdict(case: StreetCase, seed: int) -> None:
    """Rule 4, from streets to verdicts: with a bridge between two streets and one more clinic, no time rises, no pass is lost."""
    network = case.network()
    rng = np.random.default_rng(seed)
    ends = [StreetPlace(int(rng.integers(network.segment_count)), float(rng.choice([0.0, 0.4, 1.0]))) for _ in range(2)]
    bridged = add_links(network, [Link(900, *ends, attachable=False, signal_halves=2, kind="crossing")])
    homes = units(*((f"u{k}", x, y) for k, (x, y) in enumerate(case.origins)))
    people = demand(*((f"d{k}", f"u{k}", x, y, 10) for k, (x, y) in enumerate(case.origins)))
    clinics = [(f"c{k}", "clinic", x, y) for k, (x, y) in enumerate(case.entrances)]
    asked = standard({"clinic": {"minutes": 3}})
    before = judged(city({"walk": network}, units=homes, demand=people, facilities=facilities(*clinics)), asked).verdicts
    more = facilities(*clinics, ("new", "clinic", *case.origins[0]))
    after = judged(city({"walk": bridged}, units=homes, demand=people, facilities=more), asked).verdicts
    assert not (after["time_s"] > before["time_s"]).any()
    assert (after["time_s"].notna() | before["time_s"].isna()).all()
    assert ((after["verdict"] == "pass") | (before["verdict"] != "pass")).all()
    assert (after["covered_residents"] >= before["covered_residents"]).all()


def test_a_facility_beyond_the_district_serves_those_inside() -> None:
    """Rule 8: the district ends at x = 300; the clinic at x = 700 lies outside, eight minutes from the centre."""
    homes = units(("u", 220, 0)).assign(outline=[shapely.box(0, -100, 300, 100)])
    known = shapely.box(-9000, -9000, 9000, 9000)
    row = verdict(judged(city(units=homes, facilities=facilities(("c", "clinic", 700, 0)), extent=known)), "u")
    assert (row["verdict"], row["time_s"], row["near_edge"]) == ("pass", 480.0, False)


def test_the_same_inputs_give_the_same_evidence_and_other_inputs_another() -> None:
    """Rule 9: the same city gives the same hashes on any number of threads; another speed gives others, and says so."""
    homes = units(("a", 0, 0), ("b", 1000, 30))
    place = city(units=homes, facilities=facilities(("c", "clinic", 640, 0)), demand=demand(("d", "a", 40, 0, 7)))
    rows = judged(place).verdicts.set_index("unit_id")
    assert rows["time_s"].to_dict() == {"a": 640.0, "b": 390.0}
    assert rows["verdict"].to_dict() == {"a": "fail", "b": "pass"}
    assert rows["shortfall_s"].dropna().to_dict() == {"a": 40.0}
    assert judged(place, threads=2).hashes() == judged(place).hashes()
    other = judged(place, profiles=travellers(speed_m_s=1.1))
    assert other.hash() != judged(place).hash()
    assert other.parameters != judged(place).parameters


@pytest.mark.parametrize("measure", [None, METRES])
def test_everything_searched_is_a_whole_number(measure: str | None) -> None:
    """Rule 10: weights, seeds and results hold integers of 32 bits, in tenths of a second or of a metre."""
    graph = routing_graph(streets(), travellers(speed_m_s=1.234)["adult"], measure=measure)
    assert {graph.forward_weight.dtype, graph.waiting.dtype, graph.outward.weight.dtype} == {np.dtype(np.int32)}
    homes = attach(graph.network, points((333.3, 7.7)), limit_m=50)
    table = nearest_places(graph, Places(homes, np.arange(1), np.arange(1), 1), homes, limit=200)
    assert (table.cost.dtype, bounded_times(graph, homes, limit=9000).cost.dtype) == (np.dtype(np.int32), np.dtype(np.int32))
    assert table.cost.tolist() == [[2 * 77 if measure else 2 * 62]]
