"""Blind zones: people beyond a limit gathered into patches of touching cells, by hand."""

import numpy as np
import pandas as pd
import shapely
from small_city import city, demand, facilities, judged, standard, streets, units

from yike.analysis.blind_zones import CELL_M, MOST_ZONES
from yike.model.city import City

CLINIC_AT_2000 = facilities(("c", "clinic", 2000.0, 0.0))
ASKED = standard({"clinic": {"minutes": 10}, "shop": {"minutes": 10}})


def place(*homes: tuple[object, ...], listed: tuple[str, ...] = ("clinic",)) -> City:
    return city(units=units(("u", 0.0, 0.0), ("v", 0.0, 0.0)), facilities=CLINIC_AT_2000, demand=demand(*homes), listed=listed)


def test_cells_that_touch_even_at_a_corner_are_one_zone() -> None:
    """(10, 10) and (210, -10) lie in cells that touch at a corner; (810, 10) in one by itself; (1400, 0) is within the limit."""
    homes = (
        ("d1", "u", 10.0, 10.0, 5),
        ("d2", "v", 210.0, -10.0, 15),
        ("d3", "u", 810.0, 10.0, 30),
        ("d4", "u", 1400.0, 0.0, 99),
    )
    zones = judged(place(*homes), ASKED).blind_zones
    assert zones[["class_id", "zone_no", "residents", "points", "unit_ids"]].to_numpy().tolist() == [
        ["clinic", 1, 30, 1, "u"],
        ["clinic", 2, 20, 2, "u,v"],
    ]
    assert zones[["x", "y"]].to_numpy().tolist() == [[810.0, 10.0], [(10 * 5 + 210 * 15) / 20, (10 * 5 - 10 * 15) / 20]]
    assert zones["outline"].iloc[0].equals(shapely.box(800, 0, 1000, 200))
    assert zones["outline"].iloc[1].equals(shapely.MultiPolygon([shapely.box(0, 0, 200, 200), shapely.box(200, -200, 400, 0)]))


def test_the_limit_counts_as_reached_and_the_unconnected_as_unknown() -> None:
    homes = (("at", "u", 1400.0, 0.0, 1), ("over", "u", 1399.0, 0.0, 2), ("away", "u", 1300.0, 150.0, 4))
    zones = judged(place(*homes), ASKED).blind_zones
    assert (zones["residents"].tolist(), zones["points"].tolist()) == ([2], [1])


def test_people_of_no_unit_and_points_without_people_make_no_zone() -> None:
    zones = judged(place(("d1", "", 10.0, 0.0, 7), ("d2", "u", 10.0, 0.0, 0)), ASKED).blind_zones
    assert len(zones) == 0


def test_a_class_without_inventory_has_no_blind_zone_and_one_without_places_is_blind_everywhere() -> None:
    homes = (("d1", "u", 1990.0, 0.0, 3),)
    assert len(judged(place(*homes), ASKED).blind_zones) == 0
    zones = judged(place(*homes, listed=("clinic", "shop")), ASKED).blind_zones
    assert zones[["class_id", "residents"]].to_numpy().tolist() == [["shop", 3]]


def test_zones_are_numbered_by_residents_and_only_the_largest_are_kept() -> None:
    """61 houses 400 m apart, each in a cell of its own: the fifty with most people are kept, the largest first."""
    count = MOST_ZONES + 11
    nodes = [(k, 400.0 * k, 0.0) for k in range(count)]
    road = streets([*nodes, (900, 0.0, 9000.0), (901, 100.0, 9000.0)], [*((k, k + 1) for k in range(count - 1)), (900, 901)])
    homes = [(f"d{k:02}", "u", 400.0 * k, 0.0, 10 + k) for k in range(count)]
    made = city(
        {"walk": road}, units=units(("u", 0.0, 0.0)), facilities=facilities(("c", "clinic", 0.0, 9000.0)), demand=demand(*homes)
    )
    zones = judged(made).blind_zones
    assert zones["zone_no"].tolist() == list(range(1, MOST_ZONES + 1))
    assert zones["residents"].tolist() == list(range(10 + count - 1, 10 + count - 1 - MOST_ZONES, -1))


def test_with_several_limits_the_strictest_makes_the_zone() -> None:
    asked = standard({"clinic": {"minutes": 10, "metres": 500}})
    homes = (("d1", "u", 1450.0, 0.0, 6), ("d2", "u", 1550.0, 0.0, 9))
    zones = judged(place(*homes), asked).blind_zones
    assert zones["residents"].tolist() == [6]


def test_each_unit_counts_by_its_own_zone() -> None:
    """Cyclists of the far zone reach 1200 m in ten minutes, walkers of the town 600 m."""
    both = {"walk": streets(), "cycle": streets(mode="cycle")}
    rows = pd.concat([units(("town", 0.0, 0.0)), units(("out", 0.0, 0.0), zone="far")])
    homes = demand(("d1", "town", 900.0, 0.0, 6), ("d2", "out", 900.0, 0.0, 9), ("d3", "out", 700.0, 0.0, 11))
    zones = judged(city(both, units=rows, facilities=CLINIC_AT_2000, demand=homes)).blind_zones
    assert zones[["residents", "points", "unit_ids"]].to_numpy().tolist() == [[6 + 11, 2, "out,town"]]


def test_every_uncovered_connected_resident_is_in_one_zone_of_a_random_street() -> None:
    rng = np.random.default_rng(4)
    x = np.round(rng.random(200) * 2000, 1)
    people = rng.integers(0, 20, 200)
    homes = [(f"d{k}", "uv"[k % 2], float(x[k]), 0.0, int(people[k])) for k in range(200)]
    zones = judged(place(*homes), ASKED).blind_zones
    # 2000 - x in seconds, as deciseconds: beyond 600 s counts
    beyond = np.rint((2000 - x) * 10) > 6000
    assert zones["residents"].sum() == people[beyond].sum()
    assert zones["points"].sum() == (beyond & (people > 0)).sum()
    assert (shapely.area(zones["outline"].to_numpy()) % CELL_M**2 == 0).all()
