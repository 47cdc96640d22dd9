"""Areas grown on the streets: a grid with a known answer, and a real city for sense."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import shapely
from small_city import city, demand, streets, units
from street_cases import CRS

from yike.analysis.attachment import attach
from yike.analysis.routing_graph import routing_graph
from yike.analysis.travel_time import chosen_profile, point_to_point
from yike.analysis.units import grow_units
from yike.errors import UnknownName
from yike.model.city import City
from yike.model.network import StreetNetwork


def grid() -> StreetNetwork:
    """Six by six crossings 100 m apart; nothing crosses the river between x = 200 and x = 300 but the street y = 500."""
    nodes = [(10 * j + i, 100 * i, 100 * j) for j in range(6) for i in range(6)]
    across = [(10 * j + i, 10 * j + i + 1) for j in range(6) for i in range(5) if i != 2 or j == 5]
    along = [(10 * j + i, 10 * j + i + 10) for j in range(5) for i in range(6)]
    return streets(nodes, [*across, *along])


def grid_city(**tables: pd.DataFrame) -> City:
    return city({"walk": grid()}, **tables)


def counted(grown: City) -> dict[str, str]:
    note = grown.provenance[-1].note
    assert note.startswith("units_grown?")
    return dict(re.findall(r"(\w+)=([\w.]+)", note))


def test_residents_belong_to_the_committee_they_reach_soonest() -> None:
    """The point (300, 100) lies 100 m from a centre across the river and 1,300 m on foot; it belongs to the other, 400 m away."""
    committees = units(("west", 200, 100), ("east", 500, 300))
    people = ("a", "", 300, 100, 5), ("b", "", 200, 400, 7), ("d", "", 0, 500, 2)
    homes = demand(*people, ("c", "", 300, 500, 1), ("e", "west", 500, 300, 9)).sort_values("demand_id")
    grown = grow_units(grid_city(units=committees, demand=homes))
    assert grown.demand["unit_id"].tolist() == ["east", "west", "east", "west", "west"]
    assert grown.demand["residents"].tolist() == homes["residents"].tolist()
    assert counted(grown) == {"profile": "adult", "units": "2", "points": "4", "unconnected": "0"}


def test_equal_times_go_to_the_lowest_id() -> None:
    committees = units(("b", 0, 0), ("a", 200, 0), ("c", 200, 0))
    homes = demand(("p", "", 100, 0, 1), ("q", "", 200, 100, 1), ("r", "", 90, 0, 1))
    grown = grow_units(grid_city(units=committees, demand=homes))
    assert grown.demand["unit_id"].tolist() == ["a", "a", "b"]


def test_the_unconnected_go_to_the_nearest_as_the_crow_flies_and_are_counted() -> None:
    committees = units(("west", 200, 100), ("east", 500, 300), ("farm", 3000, 3000))
    homes = demand(("a", "", 2000, 100, 5), ("b", "", 3100, 3100, 7), ("c", "", -900, 0, 1), ("d", "", 0, 0, 3))
    grown = grow_units(grid_city(units=committees, demand=homes))
    assert grown.demand["unit_id"].tolist() == ["east", "farm", "west", "west"]
    assert counted(grown)["unconnected"] == "3"
    assert grown.units.set_index("unit_id")["outline"]["farm"] is None


def test_equally_far_as_the_crow_flies_is_the_lowest_id_too() -> None:
    committees = units(("b", 0, 0), ("a", 0, 500))
    grown = grow_units(grid_city(units=committees, demand=demand(("p", "", -900, 250, 1))))
    assert grown.demand["unit_id"].tolist() == ["a"]


def test_drawn_areas_meet_without_overlap_and_end_beside_the_streets() -> None:
    committees = units(("west", 200, 100), ("east", 500, 300))
    homes = demand(("a", "", 300, 100, 5))
    grown = grow_units(grid_city(units=committees, demand=homes))
    west, east = grown.units.set_index("unit_id").loc[["west", "east"], "outline"]
    assert shapely.is_valid([west, east]).all()
    assert west.intersection(east).area == pytest.approx(0, abs=1)
    whole = shapely.union_all([west, east])
    assert whole.buffer(1).covers(shapely.box(-200, -200, 700, 700))
    assert shapely.box(-301, -301, 801, 801).covers(whole)
    assert west.covers(shapely.Point(200, 300))
    assert east.covers(shapely.Point(300, 100))
    assert not west.covers(shapely.Point(300, 100))
    cut = grow_units(grid_city(units=committees).replace(extent=shapely.box(0, 0, 500, 500)))
    assert shapely.union_all(cut.units["outline"].to_numpy()).area == pytest.approx(250_000, abs=1)


def test_given_outlines_stay_and_hold_their_people() -> None:
    committees = units(("west", 200, 100), ("east", 500, 300))
    block = shapely.box(-50, -50, 150, 150)
    known = pd.concat([committees, units(("drawn", 50, 50)).assign(outline=[block])], ignore_index=True)
    grown = grow_units(grid_city(units=known, demand=demand(("a", "", 100, 100, 5), ("b", "", 200, 200, 5))))
    assert grown.demand["unit_id"].tolist() == ["drawn", "west"]
    areas = grown.units.set_index("unit_id")["outline"]
    assert areas["drawn"].equals(block)
    assert areas["west"].intersection(block).area == pytest.approx(0, abs=1e-6)
    assert counted(grown)["points"] == "1"


def test_a_city_whose_units_are_drawn_is_left_alone() -> None:
    whole = grid_city(units=units(("drawn", 50, 50)).assign(outline=[shapely.box(0, 0, 9, 9)]))
    assert grow_units(whole) is whole


def test_threads_and_a_second_run_change_nothing() -> None:
    committees = units(("west", 200, 100), ("east", 500, 300), ("north", 100, 500))
    start = grid_city(units=committees, demand=demand(("a", "", 300, 100, 5), ("b", "", 133, 402, 5)))
    grown = grow_units(start, threads=1)
    assert grow_units(start, threads=2).hash == grown.hash
    assert grow_units(grown).hash == grown.hash


def test_a_city_without_the_streets_of_the_profile_is_refused() -> None:
    with pytest.raises(UnknownName) as caught:
        grow_units(grid_city(units=units(("west", 200, 100))), profile="bicycle")
    assert caught.value.faults[0].values["name"] == "cycle"
    with pytest.raises(UnknownName):
        grow_units(grid_city(units=units(("west", 200, 100))), profile="snail")


def test_a_real_city_is_divided_whole(real_network: Callable[[str], StreetNetwork]) -> None:
    network = real_network("porto_alegre")
    rng = np.random.default_rng(11)
    middle = np.median(network.node_xy, axis=0)
    central = np.flatnonzero(np.hypot(*(network.node_xy - middle).T) < 3000)
    centres = network.node_xy[rng.choice(central, 40, replace=False)]
    homes = network.node_xy[rng.choice(central, 500)] + rng.normal(0, 30, (500, 2))
    names = [f"u{i:02}" for i in range(40)]
    committees = pd.DataFrame({"unit_id": names, "name": "", "centre_x": centres[:, 0], "centre_y": centres[:, 1]})
    people = pd.DataFrame({"demand_id": [f"d{i:03}" for i in range(500)], "x": homes[:, 0], "y": homes[:, 1], "residents": 1})
    extent = shapely.Point(*middle).buffer(3000)
    start = City("Porto Alegre", network.crs, {"walk": network}, extent=extent).replace(units=committees, demand=people)
    grown = grow_units(start)
    graph = routing_graph(network, chosen_profile("adult"))
    at, to = (attach(network, xy, limit_m=graph.connection_limit_m, usable=graph.passable) for xy in (homes, centres))
    from_, unit, cost = point_to_point(graph, at, to, limit=60_000)
    best = pd.DataFrame({"home": from_, "cost": cost, "unit": unit}).sort_values(["home", "cost", "unit"]).drop_duplicates("home")
    assert len(best) >= 480
    assert grown.demand["unit_id"].to_numpy()[best["home"]].tolist() == [f"u{i:02}" for i in best["unit"]]
    assert (grown.demand["unit_id"] != "").all()
    areas = grown.units["outline"].to_numpy()
    assert shapely.union_all(areas).area > 0.95 * extent.area
    assert shapely.area(areas).sum() == pytest.approx(shapely.union_all(areas).area, rel=1e-6)
    inside = shapely.covers(areas[best["unit"]], shapely.points(homes[best["home"]]))
    assert inside.mean() > 0.9
    assert network.crs != CRS
