"""Gaps: a failing pair explained by its way, its parts summing to the time of the verdict."""

import math

import numpy as np
import pandas as pd
import pytest
import shapely
from small_city import city, demand, facilities, gap, judged, standard, streets, travellers, units, verdict

from yike.analysis.gaps import explained
from yike.model.city import City

RIVER = (shapely.LineString([(500, -9000), (500, 9000)]), "water")
RAIL = (shapely.LineString([(700, -50), (700, 50)]), "rail")
SECOND_RAIL = (shapely.LineString([(800, -50), (800, 50)]), "rail")
FAR_ROAD = (shapely.LineString([(3000, -50), (3000, 50)]), "motorway")


def barriers(*lines: tuple[shapely.LineString, str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "barrier_id": [f"b{k}" for k in range(len(lines))],
            "kind": [kind for _, kind in lines],
            "geometry": [line for line, _ in lines],
        }
    )


def place(**parts: object) -> City:
    """Make a unit at (100, 30) and a clinic at (1900, -40); the street's first half has one signal."""
    made = {
        "units": units(("u", 100.0, 30.0)),
        "facilities": facilities(("c", "clinic", 1900.0, -40.0)),
        "barriers": barriers(RIVER, RAIL, SECOND_RAIL, FAR_ROAD),
        **parts,
    }
    return city({"walk": streets(signal_halves=[2, 0, 0])}, **made)  # type: ignore[arg-type]


def test_a_gap_tells_walking_waiting_connecting_and_by_what_it_misses() -> None:
    """900 m of the first half (with nine tenths of its 20 s wait), 900 m of the second, 30 and 40 m of connections."""
    diagnosis = judged(place())
    row = gap(diagnosis, "u")
    assert [row[name] for name in ("walked_s", "waited_s", "connected_s")] == [1800.0, 18.0, 70.0]
    assert row["time_s"] == 1888.0 == verdict(diagnosis, "u")["time_s"]
    assert (row["misses_s"], row["limit_s"]) == (1288.0, 600.0)
    assert row["misses_s"] == verdict(diagnosis, "u")["shortfall_s"]
    assert (row["origin"], row["facility_id"], row["facility_name"], row["reachable"]) == ("centre", "c", "C", True)
    assert row["route_m"] == pytest.approx(1870.0, abs=1e-9)
    assert row["straight_m"] == pytest.approx(math.hypot(1800, 70), rel=1e-12)
    assert list(row["route"].coords) == [(100, 30), (100, 0), (1000, 0), (1000, 0), (1900, 0), (1900, -40)]
    assert row["route"].length == pytest.approx(row["route_m"], abs=1e-9)


def test_a_gap_names_each_kind_of_barrier_on_the_straight_line_once() -> None:
    assert gap(judged(place()), "u")["between"] == "rail,water"
    assert gap(judged(place(barriers=barriers(FAR_ROAD))), "u")["between"] == ""
    assert (
        gap(judged(city(units=units(("u", 0.0, 0.0)), facilities=facilities(("c", "clinic", 1900.0, 0.0)))), "u")["between"] == ""
    )


def test_a_gap_in_metres_has_metres_and_no_times() -> None:
    diagnosis = judged(place(), standard({"clinic": {"metres": 1000}}), profiles=travellers(speed_m_s=2.0))
    row = gap(diagnosis, "u")
    assert (row["misses_m"], row["limit_m"], row["route_m"]) == (870.0, 1000.0, 1870.0)
    assert row["misses_m"] == verdict(diagnosis, "u")["shortfall_m"]
    assert all(math.isnan(row[name]) for name in ("time_s", "walked_s", "waited_s", "connected_s", "misses_s", "limit_s"))


def test_an_unreachable_place_is_named_by_the_straight_line() -> None:
    """The clinic on streets joined to nothing is nearest as the crow flies among those that cannot be reached."""
    there = facilities(("near", "clinic", 100.0, 5000.0), ("far", "clinic", 500.0, 5000.0))
    row = gap(judged(place(facilities=there)), "u")
    assert (row["facility_id"], row["reachable"], row["route"]) == ("near", False, None)
    assert row["straight_m"] == 4970.0
    figures = ("time_s", "walked_s", "waited_s", "connected_s", "misses_s", "misses_m", "route_m")
    assert all(math.isnan(row[name]) for name in figures)


def test_without_any_place_of_the_class_the_gap_is_empty_but_there() -> None:
    row = gap(judged(place(facilities=facilities(("s", "shop", 100.0, 0.0)))), "u")
    assert (row["facility_id"], row["facility_name"], row["reachable"], row["between"], row["route"]) == ("", "", False, "", None)
    assert math.isnan(row["straight_m"])


def test_passing_and_undetermined_pairs_have_no_gap() -> None:
    rows = pd.concat([units(("near", 1800.0, 0.0), ("cut_off", 100.0, 500.0)), units(("lost", 0.0, 0.0), zone="")])
    assert len(judged(place(units=rows)).gaps) == 0


def test_a_gap_ends_at_the_entrance_that_decided() -> None:
    doors = pd.DataFrame({"facility_id": ["c", "c"], "x": [1500.0, 1300.0], "y": [10.0, -60.0], "kind": "entrance"})
    row = gap(judged(place(entrances=doors)), "u")
    assert row["time_s"] == 30 + 918 + 300 + 60
    assert row["route"].coords[-1] == (1300.0, -60.0)
    assert row["straight_m"] == 1200.0 * math.hypot(1, 90 / 1200)


def test_a_way_along_one_street_passes_no_junction() -> None:
    row = gap(judged(city(units=units(("u", 50.0, 0.0)), facilities=facilities(("c", "clinic", 950.0, 0.0)))), "u")
    assert (row["time_s"], row["walked_s"], row["connected_s"]) == (900.0, 900.0, 0.0)
    assert list(row["route"].coords) == [(50, 0), (50, 0), (950, 0), (950, 0)]


def test_where_residents_decide_the_gap_starts_at_the_worst_served_home() -> None:
    homes = demand(
        ("d1", "u", 1890.0, 0.0, 5), ("d2", "u", 200.0, 10.0, 5), ("d3", "u", 300.0, 0.0, 5), ("d4", "u", 0.0, 900.0, 5)
    )
    diagnosis = judged(place(demand=homes, units=units(("u", 1850.0, 0.0))), standard(share_percent=100))
    row = gap(diagnosis, "u")
    assert (verdict(diagnosis, "u")["by_centre"], row["origin"]) == ("pass", "d2")
    assert row["time_s"] == 10 + 816 + 900 + 40
    assert row["misses_s"] == 1766 - 600 == verdict(diagnosis, "u")["shortfall_s"]
    assert row["route"].coords[0] == (200.0, 10.0)


@pytest.mark.parametrize("seed", range(3))
def test_where_residents_decide_a_gap_misses_by_the_shortfall_of_its_pair(seed: int) -> None:
    rng = np.random.default_rng(seed)
    xy = np.round(rng.random((60, 2)) * 900, 1)
    homes = demand(*((f"d{k:02}", f"u{k % 12}", float(x), float(y), int(rng.integers(0, 3))) for k, (x, y) in enumerate(xy)))
    asked = standard({"clinic": {"minutes": 1}, "shop": {"metres": 60}}, share_percent=80)
    diagnosis = judged(grid_city(seed).replace(demand=homes), asked)
    both = diagnosis.gaps.merge(diagnosis.verdicts, on=["unit_id", "class_id"])
    assert both["reachable"].sum() >= 6
    for misses, shortfall in (("misses_s", "shortfall_s"), ("misses_m", "shortfall_m")):
        assert both[misses].notna().tolist() == both[shortfall].notna().tolist()
        assert both[misses].dropna().round(6).tolist() == both[shortfall].dropna().round(6).tolist()
    people = homes.set_index("demand_id")["residents"]
    assert (people[both["origin"]] > 0).all()


def test_auto_explains_all_failing_pairs_while_they_are_few_and_else_the_worst(monkeypatch: pytest.MonkeyPatch) -> None:
    made = grid_city(1)
    asked = standard({"clinic": {"minutes": 1}, "shop": {"metres": 60}})
    every, worst = (judged(made, asked, explain=mode) for mode in ("all", "worst"))
    failing = int((every.verdicts["verdict"] == "fail").sum())
    assert len(worst.gaps) < len(every.gaps) == failing
    for most, chosen, same in ((failing, "all", every), (failing - 1, "worst", worst)):
        monkeypatch.setattr("yike.analysis.gaps.AUTO_PAIRS", most)
        auto = judged(made, asked)
        assert (auto.parameters["explain"], auto.parameters["explained"]) == ("auto", chosen)
        assert auto.hashes() == same.hashes()


def test_auto_explains_twenty_thousand_pairs_and_not_one_more() -> None:
    failing = pd.DataFrame({"verdict": ["fail"] * 20_000 + ["pass"]})
    assert explained(failing, "auto") == "all"
    assert explained(pd.concat([failing, failing.iloc[:1]]), "auto") == "worst"
    assert explained(pd.concat([failing, failing]), "all") == "all"


ASKED = standard(
    {
        "clinic": {"minutes": 10},  # at 1900: misses by 1200 of 600
        "shop": {"minutes": 5},  # at 1000: misses by 600 of 300, equally bad
        "park": {"metres": 500},  # at 1700: misses by 1100 of 500, worse
        "museum": {"minutes": 1, "obligation": "recommended"},  # misses most of all, but is only recommended
        "library": {"minutes": 10},  # in reach for a, nowhere for b
    }
)


def test_the_worst_of_each_unit_is_what_misses_most_of_its_limit() -> None:
    places = facilities(
        ("c", "clinic", 1900.0, 0.0),
        ("s", "shop", 1000.0, 0.0),
        ("p", "park", 1700.0, 0.0),
        ("m", "museum", 1900.0, 0.0),
        ("l", "library", 100.0, 0.0),
    )
    rows = units(("a", 100.0, 0.0), ("b", 200.0, 5000.0), ("ok", 1900.0, 0.0))
    made = city(units=rows, facilities=places, listed=("clinic", "shop", "park", "museum", "library"))
    every, worst, none = (judged(made, ASKED, explain=mode) for mode in ("all", "worst", "none"))
    failing = every.verdicts.query("verdict == 'fail'")
    pairs = set(zip(every.gaps["unit_id"], every.gaps["class_id"], strict=True))
    assert pairs == set(zip(failing["unit_id"], failing["class_id"], strict=True))
    assert len(none.gaps) == 0
    found = dict(zip(worst.gaps["unit_id"], worst.gaps["class_id"], strict=True))
    assert found == {"a": "park", "b": "clinic", "ok": "library"}
    assert len(worst.gaps) == failing["unit_id"].nunique() == 3
    for name in ("verdicts", "areas", "blind_zones"):
        assert worst.hashes()[name] == every.hashes()[name] == none.hashes()[name]


def test_where_residents_decide_the_worst_covers_the_least_share() -> None:
    asked = standard({"clinic": {"minutes": 10}, "shop": {"minutes": 10}}, share_percent=100)
    homes = demand(("d1", "u", 100.0, 0.0, 70), ("d2", "u", 1900.0, 0.0, 30))
    places = facilities(("c", "clinic", 1900.0, 0.0), ("s", "shop", 100.0, 0.0))
    made = city(units=units(("u", 100.0, 0.0)), facilities=places, listed=("clinic", "shop"), demand=homes)
    worst = judged(made, asked, explain="worst").gaps
    assert worst[["class_id", "origin"]].to_numpy().tolist() == [["clinic", "d1"]]


def grid_city(seed: int) -> City:
    """Make a ragged grid of streets with signals, one-way streets, barriers, and places and centres beside the streets."""
    rng = np.random.default_rng(seed)
    side = 7
    nodes = [(side * i + j, 150.0 * i, 150.0 * j) for i in range(side) for j in range(side)]
    edges = [(side * i + j, side * i + j + 1) for i in range(side) for j in range(side - 1)]
    edges += [(side * i + j, side * i + j + side) for i in range(side - 1) for j in range(side)]
    kept = [edge for edge in edges if rng.random() < 0.8]
    waits = [int(k) for k in rng.integers(0, 3, len(kept))]
    back = [bool(k) for k in rng.random(len(kept)) < 0.85]

    def spots(count: int) -> list[tuple[float, float]]:
        return [(float(x), float(y)) for x, y in np.round(rng.random((count, 2)) * 900, 1)]

    return city(
        {"walk": streets(nodes, kept, signal_halves=waits, backward=back)},
        listed=("clinic", "shop"),
        units=units(*((f"u{k}", x, y) for k, (x, y) in enumerate(spots(12)))),
        facilities=facilities(*((f"f{k}", ("clinic", "shop")[k % 2], x, y) for k, (x, y) in enumerate(spots(6)))),
        barriers=barriers((shapely.LineString([(400, 0), (420, 900)]), "water")),
    )


@pytest.mark.parametrize("seed", range(6))
def test_on_random_streets_parts_sum_to_the_verdicts_time_and_the_line_is_as_long_as_it_says(seed: int) -> None:
    asked = standard({"clinic": {"minutes": 1}, "shop": {"metres": 60}})
    diagnosis = judged(grid_city(seed), asked)
    reached = diagnosis.gaps[diagnosis.gaps["reachable"]]
    assert len(reached) >= 6
    for row in reached.to_dict("records"):
        pair = verdict(diagnosis, row["unit_id"], row["class_id"])
        assert row["facility_id"] == pair["nearest_facility_id"]
        assert row["route"].length == pytest.approx(row["route_m"], abs=1e-6)
        if row["class_id"] == "clinic":
            tenths = [round(10 * row[name]) for name in ("walked_s", "waited_s", "connected_s", "time_s")]
            assert sum(tenths[:3]) == tenths[3] == round(10 * pair["time_s"])
            assert row["waited_s"] >= 0
            assert row["route_m"] == pytest.approx(row["walked_s"] + row["connected_s"], abs=1.0)
        else:
            assert round(10 * row["misses_m"]) == round(10 * pair["shortfall_m"])
            assert row["route_m"] == pytest.approx(pair["distance_m"], abs=1.0)
