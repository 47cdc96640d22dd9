"""People spread over places: nobody lost, groups add up, heavier places never get fewer; cohorts grow older by hand."""

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from small_city import city, demand, streets, units

from yike.analysis.population import (
    AGE_BANDS,
    age_forward,
    building_places,
    forecast_city,
    forecast_rows,
    largest_remainder,
    places_in_areas,
    spread_people,
    spread_totals,
    street_places,
    strewn_ranks,
)
from yike.errors import InputError

WEIGHTS = st.lists(st.integers(0, 1000), min_size=1, max_size=30).filter(any)
PEOPLE = st.lists(st.integers(0, 300), min_size=1, max_size=8)
AREAS = st.lists(st.tuples(PEOPLE.map(lambda people: (people * 8)[:2]), WEIGHTS), min_size=1, max_size=4)


def laid_out(areas: list[tuple[list[int], list[int]]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lay areas side by side; each has its places in a row, 10 m apart."""
    totals = pd.DataFrame([[f"a{n}", *people] for n, (people, _) in enumerate(areas)])
    totals.columns = ["area_id", "residents_young", "residents_old"]
    rows = [
        (f"a{n}-{k:02d}", f"a{n}", 10.0 * k, 1000.0 * n, float(weight))
        for n, (_, weights) in enumerate(areas)
        for k, weight in enumerate(weights)
    ]
    return totals, pd.DataFrame(rows, columns=["place_id", "area_id", "x", "y", "weight"])


@given(AREAS)
def test_nobody_is_lost_and_every_group_adds_up_in_every_area(areas: list[tuple[list[int], list[int]]]) -> None:
    totals, places = laid_out(areas)
    spread = spread_totals(totals, places, groups=("young", "old"))
    found = spread.groupby("unit_id")[["residents_young", "residents_old"]].sum()
    for area_id, young, old in totals.itertuples(index=False):
        held = found.loc[area_id].tolist() if area_id in found.index else [0, 0]
        assert held == [young, old]
    assert (spread["residents"] == spread["residents_young"] + spread["residents_old"]).all()
    assert (spread[["residents_young", "residents_old"]] >= 0).all().all()
    assert (spread["residents"] > 0).all()


@given(AREAS, st.randoms(use_true_random=False))
def test_shuffled_rows_give_the_same_people(areas: list[tuple[list[int], list[int]]], random: object) -> None:
    totals, places = laid_out(areas)
    seed = random.randint(0, 2**31)  # type: ignore[attr-defined]
    shuffled = spread_totals(
        totals.sample(frac=1, random_state=seed), places.sample(frac=1, random_state=seed), groups=("young", "old")
    )
    pd.testing.assert_frame_equal(shuffled, spread_totals(totals, places, groups=("young", "old")))


@given(WEIGHTS, PEOPLE)
def test_a_heavier_place_never_gets_fewer_and_each_gets_its_share_within_one(weights: list[int], people: list[int]) -> None:
    spread = spread_people(np.array(people), np.array(weights, float))
    residents = spread.sum(axis=1)
    order = np.argsort(weights, kind="stable")
    heavier = np.diff(np.array(weights)[order]) > 0
    assert (np.diff(residents[order])[heavier] >= 0).all()
    quota = np.array(weights) * sum(people) / sum(weights)
    assert (np.abs(residents - quota) < 1 + 1e-9).all()
    # A run of the dealt sequence differs from its share of a group by less than two.
    assert (np.abs(spread - residents[:, None] * np.array(people) / max(1, sum(people))) < 2).all()


@given(WEIGHTS, st.integers(0, 2000), st.integers(0, 29), st.integers(1, 500))
def test_a_place_that_grows_heavier_never_loses_people(weights: list[int], total: int, place: int, more: int) -> None:
    place %= len(weights)
    heavier = list(weights)
    heavier[place] += more
    before, after = (spread_people(np.array([total]), np.array(each, float))[place, 0] for each in (weights, heavier))
    assert after >= before


def test_places_without_weight_get_nobody_and_odd_people_are_strewn() -> None:
    people = spread_people(np.array([2, 2, 2]), np.array([1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0]))
    assert people.sum(axis=1).tolist() == [1, 1, 1, 0, 1, 1, 1]
    assert people.sum(axis=0).tolist() == [2, 2, 2]
    row = np.column_stack([np.arange(100.0), np.zeros(100)])
    first = np.flatnonzero(strewn_ranks(row) < 10)
    assert np.diff(first).max() <= 17
    assert sorted(strewn_ranks(row)) == list(range(100))
    assert largest_remainder(np.array([1.0, 1.0, 1.0]), total=2, ties=np.array([2, 0, 1])).tolist() == [0, 1, 1]


def test_spreading_by_hand() -> None:
    totals = pd.DataFrame({"area_id": ["u1", "u2"], "residents": [10, 0]})
    places = pd.DataFrame(
        {"place_id": ["b", "a", "c"], "area_id": "u1", "x": [1.0, 0.0, 2.0], "y": 0.0, "weight": [400.0, 100.0, 0.0]}
    )
    spread = spread_totals(totals, places)
    assert spread[["demand_id", "unit_id", "x", "residents"]].to_numpy().tolist() == [["a", "u1", 0.0, 2], ["b", "u1", 1.0, 8]]


def test_what_cannot_be_spread_is_named() -> None:
    totals = pd.DataFrame({"area_id": ["u1", "u2", "u2", "u3"], "residents": [10, 4, 1, -1]})
    places = pd.DataFrame({"place_id": ["a", "b"], "area_id": ["u1", "u3"], "x": 0.0, "y": 0.0, "weight": [1.0, -2.0]})
    with pytest.raises(InputError) as caught:
        spread_totals(totals, places, file="census.csv")
    found = [(fault.code, fault.values.get("area", fault.values.get("value"))) for fault in caught.value.faults]
    assert found == [
        ("population.area_twice", "u2"),
        ("population.negative_people", "u3"),
        ("population.bad_weight", -2.0),
        ("population.no_place", "u2"),
        ("population.no_place", "u2"),
        ("population.no_place", "u3"),
    ]
    assert "4 people of area u2 have no place to live" in str(caught.value)


def test_a_place_on_a_border_belongs_to_the_first_area() -> None:
    areas = pd.DataFrame(
        {"area_id": ["b", "a", "c"], "outline": [shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10), None]}
    )
    places = pd.DataFrame({"place_id": ["p", "q", "r"], "x": [10.0, 5.0, 50.0], "y": 5.0})
    found = places_in_areas(places, areas)
    assert dict(zip(found["place_id"], found["area_id"], strict=True)) == {"p": "a", "q": "b"}


def test_streets_are_cut_into_pieces_of_their_length() -> None:
    network = streets(kind=[0, 0, 3])  # the street apart is a crossing: nobody lives on it
    places = street_places(network)
    assert places["weight"].sum() == pytest.approx(2000.0)
    assert len(places) == 40
    assert set(places["weight"].round(6)) == {50.0}
    assert sorted(places["x"])[:3] == pytest.approx([25.0, 75.0, 125.0])
    assert places["place_id"].is_unique


def test_a_building_weighs_its_floors() -> None:
    buildings = pd.DataFrame(
        {
            "building_id": ["w1", "w2", "w3"],
            "kind": ["apartments", "apartments", "hut"],
            "floors": [3.0, np.nan, np.nan],
            "outline": [shapely.box(0, 0, 10, 20), shapely.box(20, 0, 30, 20), shapely.box(40, 0, 45, 2)],
        }
    )
    places = building_places(buildings, floors_by_kind={"apartments": 6})
    assert places["weight"].tolist() == [600.0, 1200.0, 10.0]
    assert shapely.contains_xy(buildings["outline"].to_numpy(), places["x"], places["y"]).all()


def test_cohorts_grow_older_by_hand() -> None:
    now = np.array([[30.0, 60.0, 120.0, 30.0, 30.0, 420.0, 200.0, 50.0]])
    in_six = age_forward(now, years=6, births=np.full((1, 6), 5.0))[0]
    # 6-11 are those of 0-5 now; 0-2 and 3-5 are born in the six years; 12-14 and 15-17 the halves of 6-11.
    assert in_six.tolist() == pytest.approx([15, 15, 90, 60, 60, 420 - 60 + 60, 200 + 60 - 60, 50 + 60])
    assert in_six.sum() == pytest.approx(now.sum() + 30)
    unknown = age_forward(now, years=6)[0]
    assert np.isnan(unknown[:2]).all()
    assert unknown[2:].tolist() == pytest.approx(in_six[2:].tolist())
    frail = age_forward(now, years=1, survival={"age_80_up": 0.9}, births=np.zeros((1, 1)))[0]
    assert frail[-1] == pytest.approx(50 * 0.9 + 10)


@given(st.lists(st.integers(0, 500), min_size=8, max_size=8), st.integers(0, 100))
def test_nobody_is_lost_by_growing_older(people: list[int], years: int) -> None:
    now = np.array([people], float)
    after = age_forward(now, years=years, births=np.zeros((1, years)))
    assert after.sum() == pytest.approx(now.sum())
    assert (after >= 0).all()


def test_ageing_refuses_gaps_and_wrong_births() -> None:
    now = np.zeros((2, 8))
    with pytest.raises(InputError) as caught:
        age_forward(now, years=-1, bands=AGE_BANDS[1:], births=np.zeros((1, 2)))
    assert [fault.code for fault in caught.value.faults] == ["population.years", "population.births", "population.bands"]


def lived_in() -> object:
    people = demand(("d1", "u1", 0, 0, 30, 10), ("d2", "u1", 50, 0, 0, 0), ("d3", "u2", 900, 0, 5, 5), groups=("young", "old"))
    return city(groups=("young", "old"), units=units(("u1", 0, 0), ("u2", 900, 0)), demand=people)


def test_a_forecast_is_spread_as_people_live_today_and_replaces_them() -> None:
    now = lived_in()
    totals = pd.DataFrame({"area_id": ["u1"], "residents_young": [60], "residents_old": [41]})
    rows = forecast_rows(now, totals, year=2030)
    assert rows[["demand_id", "year", "residents", "residents_young", "residents_old"]].to_numpy().tolist() == [
        ["d1", 2030, 101, 60, 41],
        ["d2", 2030, 0, 0, 0],
    ]
    later = forecast_city(now.replace(forecasts=rows), 2030)
    assert later.demand[["demand_id", "residents", "residents_old"]].to_numpy().tolist() == [
        ["d1", 101, 41],
        ["d2", 0, 0],
        ["d3", 10, 5],
    ]
    assert now.demand["residents"].tolist() == [40, 0, 10]
    with pytest.raises(InputError, match="no forecast for 2031; there are: 2030"):
        forecast_city(now.replace(forecasts=rows), 2031)
