"""Diagnosis as a whole: equal to a slow twin, whatever the order and the threads; bad parameters are refused."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from naive_streets import split_streets, times_between
from small_city import city, demand, facilities, judged, standard, streets, travellers, units
from street_cases import StreetCase, street_cases

from yike import __version__
from yike.analysis.attachment import Attachment, attach
from yike.analysis.diagnosis import diagnose
from yike.analysis.routing_graph import METRES, RoutingGraph, routing_graph
from yike.errors import InputError
from yike.model.city import City
from yike.model.diagnosis import RESULT_TABLES, Diagnosis
from yike.model.network import StreetNetwork

CLASSES = ("class0", "class1", "class2")
HORIZON = 4000  # tenths
GROUPS = ("child", "elder")


def case_city(case: StreetCase, seed: int) -> City:
    """Make a city of a random street case: its origins are centres, scattered points homes, its places have several entrances."""
    rng = np.random.default_rng(seed)
    count = len(case.origins)
    near = case.nodes[["x", "y"]].to_numpy()[rng.integers(0, len(case.nodes), 25)]
    homes = np.where(rng.random((25, 1)) < 0.1, near + 900, np.round(near + rng.normal(0, 40, (25, 2)), 1))
    unit_of_home = rng.choice([*(f"u{k}" for k in range(count)), ""], 25)
    people = rng.integers(0, 9, (25, 2))
    rows = [(f"d{k:02}", str(unit_of_home[k]), *map(float, homes[k]), *map(int, people[k])) for k in range(25)]
    doors = pd.DataFrame({"facility_id": [f"p{k}" for k in case.owner], "x": case.entrances[:, 0], "y": case.entrances[:, 1]})
    entered = sorted(set(case.owner.tolist()))
    return city(
        {"walk": case.network()},
        listed=CLASSES[:2],
        groups=GROUPS,
        units=units(*((f"u{k}", *map(float, xy)) for k, xy in enumerate(case.origins))),
        demand=demand(*rows, groups=GROUPS),
        facilities=facilities(*((f"p{k}", f"class{case.class_no[k]}", 0.0, 0.0) for k in entered)),
        entrances=doors.drop_duplicates().assign(kind="entrance"),
    )


ASKED = {
    "class0": {"minutes": 2},
    "class1": {"minutes": 1, "also_met_by": ["class0"]},
    "class2": {"metres": 90},
}


def slow_times(place: City, *, metres: bool) -> tuple[Callable[[str, str], dict[str, int]], RoutingGraph]:
    """Return a function (table, row id) -> {facility: least cost} by the physically split graph, and the graph."""
    graph = routing_graph(place.networks["walk"], travellers()["adult"], measure=METRES if metres else None)
    points = {
        "units": (place.units["unit_id"].tolist(), place.units[["centre_x", "centre_y"]]),
        "demand": (place.demand["demand_id"].tolist(), place.demand[["x", "y"]]),
    }
    doors = connect(graph, place.entrances[["x", "y"]])
    owner = place.entrances["facility_id"].tolist()
    found: dict[tuple[str, str], dict[str, int]] = {}
    for name, (ids, xy) in points.items():
        here = connect(graph, xy)
        times = times_between(split_streets(graph, [here, doors]), 0, 1, HORIZON)
        for (point, door), cost in times.items():
            best = found.setdefault((name, ids[point]), {})
            best[owner[door]] = min(cost, best.get(owner[door], cost))
        for point, row_id in enumerate(ids):
            if here.connected[point]:
                found.setdefault((name, row_id), {})
    return lambda name, row_id: found.get((name, row_id), {"unconnected": -1}), graph


def connect(graph: RoutingGraph, xy: pd.DataFrame) -> Attachment:
    return attach(graph.network, xy.to_numpy(float), limit_m=graph.connection_limit_m, usable=graph.passable)


@dataclasses.dataclass(frozen=True)
class SlowVerdict:
    """What the twin says of one pair."""

    cost: int | None
    nearest: str
    by_centre: str
    by_residents: str
    borderline: bool
    covered: int
    connected: int
    missing: int
    worst_home: int | None


def slow_verdict(
    place: City, times: Callable[[str, str], dict[str, int]], unit_id: str, class_id: str, limit: int
) -> SlowVerdict:
    """Judge one pair by the rules, one resident after the other."""
    meets = {class_id, *ASKED[class_id].get("also_met_by", ())}
    of_class = {row.facility_id for row in place.facilities.itertuples() if row.class_id in meets}
    listed = class_id in place.inventories

    def nearest(name: str, row_id: str) -> tuple[int | None, str]:
        return min(((cost, which) for which, cost in times(name, row_id).items() if which in of_class), default=(None, ""))

    cost, which = nearest("units", unit_id)
    if "unconnected" in times("units", unit_id):
        by_centre = "not_determinable"
    elif cost is not None and cost <= limit:
        by_centre = "pass"
    else:
        by_centre = "fail" if listed else "not_determinable"
    everyone = covered = connected = 0
    home_costs: list[int | None] = []
    for home in place.demand[place.demand["unit_id"] == unit_id].itertuples():
        everyone += home.residents
        if "unconnected" not in times("demand", home.demand_id):
            connected += home.residents
            home_cost, _ = nearest("demand", home.demand_id)
            home_costs += [home_cost] if home.residents else []
            covered += home.residents if home_cost is not None and home_cost <= limit else 0
    enough = math.ceil(0.8 * everyone - 1e-9)
    if everyone and covered >= enough:
        by_residents = "pass"
    elif not everyone or not listed or covered + everyone - connected >= enough:
        by_residents = "not_determinable"
    else:
        by_residents = "fail"
    close = cost is not None and abs(cost - limit) <= 10 and by_centre != "not_determinable"
    missing = enough - covered if by_residents == "fail" else 0
    worst = None if None in home_costs else max((cost for cost in home_costs if cost is not None), default=None)
    return SlowVerdict(cost, which, by_centre, by_residents, close, covered, connected, missing, worst)


@given(case=street_cases(), seed=st.integers(0, 99))
def test_every_verdict_equals_its_slow_twin(case: StreetCase, seed: int) -> None:
    place = case_city(case, seed)
    asked = standard(ASKED)
    diagnosis = judged(place, asked, horizon_s=HORIZON / 10)
    by_share = judged(place, standard(ASKED, share_percent=80), horizon_s=HORIZON / 10).verdicts
    assert len(diagnosis.verdicts) == 3 * len(place.units)
    assert by_share["verdict"].tolist() == by_share["by_residents"].tolist()
    for class_id, limit, metres in (("class0", 1200, False), ("class1", 600, False), ("class2", 900, True)):
        times, _ = slow_times(place, metres=metres)
        of_class = diagnosis.verdicts["class_id"] == class_id
        for row, shared in zip(
            diagnosis.verdicts[of_class].to_dict("records"), by_share[of_class.to_numpy()].to_dict("records"), strict=True
        ):
            slow = slow_verdict(place, times, row["unit_id"], class_id, limit)
            figure = row["distance_m" if metres else "time_s"]
            assert (None if math.isnan(figure) else round(10 * figure)) == slow.cost
            assert row["nearest_facility_id"] == slow.nearest
            assert (row["verdict"], row["by_centre"], row["borderline"]) == (slow.by_centre, slow.by_centre, slow.borderline)
            assert (shared["by_residents"], shared["residents_missing"]) == (slow.by_residents, slow.missing)
            assert row["covered_residents"] == slow.covered
            known = slow.connected > 0 and class_id in place.inventories
            assert math.isnan(row["covered_share"]) is not known
            if known:
                assert row["covered_share"] == pytest.approx(slow.covered / slow.connected, rel=1e-12)
            shortfall = "shortfall_m" if metres else "shortfall_s"
            assert tenths(row[shortfall]) == beyond(slow.cost, limit)
            worst_home = None if slow.by_residents == "pass" else slow.worst_home
            assert tenths(shared[shortfall]) == beyond(worst_home, limit)


def tenths(figure: float) -> int | None:
    return None if math.isnan(figure) else round(10 * figure)


def beyond(cost: int | None, limit: int) -> int | None:
    return None if cost is None or cost <= limit else cost - limit


def shuffled(place: City, seed: int) -> City:
    """Return the same city with the rows of every table in another order."""
    rng = np.random.default_rng(seed)
    names = ("facilities", "entrances", "demand", "units", "barriers")
    return place.replace(**{name: place.table(name).iloc[rng.permutation(len(place.table(name)))] for name in names})


def town() -> City:
    """Make a town of two blocks with people, places of two classes, a river and a few things out of reach."""
    rng = np.random.default_rng(11)
    side = 6
    nodes = [(side * i + j, 200.0 * i, 200.0 * j) for i in range(side) for j in range(side)]
    edges = [(side * i + j, side * i + j + 1) for i in range(side) for j in range(side - 1)]
    edges += [(side * i + j, side * i + j + side) for i in range(side - 1) for j in range(side) if i != 2 or j in (0, 5)]
    waits = rng.integers(0, 3, len(edges)).tolist()
    xy = np.round(rng.random((60, 2)) * 1000, 1).tolist()
    homes = [(f"d{k:02}", f"u{k % 5}", *xy[k], int(rng.integers(0, 30)), int(rng.integers(0, 30))) for k in range(40)]
    return city(
        {mode: streets(nodes, edges, mode=mode, signal_halves=waits) for mode in ("walk", "cycle")},
        listed=("clinic", "shop"),
        groups=GROUPS,
        extent=shapely.box(-100, -100, 1100, 1100),
        units=units(*((f"u{k}", *xy[40 + k]) for k in range(5))).assign(
            subdistrict_id=["s1", "s1", "s2", "s2", "s2"], zone=["town", "far", "town", "town", ""]
        ),
        demand=demand(*homes, groups=GROUPS),
        facilities=facilities(*((f"f{k}", ("clinic", "shop", "park")[k % 3], *xy[45 + k]) for k in range(9))),
        barriers=pd.DataFrame(
            {"barrier_id": ["r"], "kind": ["water"], "geometry": [shapely.LineString([(500, -50), (500, 1050)])]}
        ),
    )


TOWN_ASKED = standard({"clinic": {"minutes": 5}, "shop": {"metres": 250}, "park": {"minutes": 5}})


@pytest.fixture(scope="module")
def diagnosis() -> Diagnosis:
    """Judge the town."""
    return judged(town(), TOWN_ASKED)


def test_the_town_has_every_verdict_so_that_equal_hashes_say_something(diagnosis: Diagnosis) -> None:
    assert diagnosis.verdicts["verdict"].value_counts().to_dict() == {"not_determinable": 6, "fail": 5, "pass": 4}
    assert (len(diagnosis.gaps), len(diagnosis.areas), len(diagnosis.blind_zones) > 0) == (5, 5, True)


def test_a_second_run_and_a_run_on_two_threads_give_the_same_tables(diagnosis: Diagnosis) -> None:
    again = judged(town(), TOWN_ASKED)
    parallel = judged(town(), TOWN_ASKED, threads=2)
    assert again.hashes() == parallel.hashes() == diagnosis.hashes()
    assert again.hash() == diagnosis.hash()


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_rows_makes_no_difference(diagnosis: Diagnosis, seed: int) -> None:
    mixed = shuffled(town(), seed)
    assert mixed.hash == town().hash
    assert judged(mixed, TOWN_ASKED).hashes() == diagnosis.hashes()


def test_the_order_of_streets_makes_no_difference(diagnosis: Diagnosis) -> None:
    place = town()
    rng = np.random.default_rng(3)
    mixed = {}
    for mode, network in place.networks.items():
        segments = network.segment_table().iloc[rng.permutation(network.segment_count)]
        mixed[mode] = StreetNetwork.from_tables(network.node_table(), segments, mode=mode, crs=network.crs)
    assert judged(dataclasses.replace(place, networks=mixed), TOWN_ASKED).hashes() == diagnosis.hashes()


@pytest.mark.parametrize("name", ["verdicts", "gaps", "blind_zones", "areas", "area_classes"])
def test_one_facility_more_changes_the_tables_it_concerns(diagnosis: Diagnosis, name: str) -> None:
    """A hash that stayed the same would prove nothing above."""
    place = town()
    centre = place.units.loc[place.units["unit_id"] == "u0", ["centre_x", "centre_y"]].to_numpy()[0]
    more = pd.concat([place.facilities, *(facilities((f"new_{name}", name, *centre)) for name in ("clinic", "shop"))])
    assert judged(place.replace(facilities=more), TOWN_ASKED).hashes()[name] != diagnosis.hashes()[name]


def test_one_facility_more_lowers_nobodys_access(diagnosis: Diagnosis) -> None:
    place = town()
    more = place.replace(facilities=pd.concat([place.facilities, facilities(("new", "clinic", 300.0, 300.0))]))
    after = judged(more, TOWN_ASKED).verdicts
    before = diagnosis.verdicts
    assert (after["covered_residents"] >= before["covered_residents"]).all()
    both = before["time_s"].notna()
    assert (after.loc[both, "time_s"] <= before.loc[both, "time_s"]).all()


def test_null_edits_change_nothing(diagnosis: Diagnosis) -> None:
    place = town()
    assert judged(place.replace(facilities=place.facilities.copy()), TOWN_ASKED).hash() == diagnosis.hash()
    without = place.replace(facilities=place.facilities.iloc[:0], entrances=place.entrances)
    empty = judged(without, TOWN_ASKED).verdicts
    assert empty["time_s"].isna().all()
    assert empty["distance_m"].isna().all()
    assert empty["covered_residents"].sum() == 0
    assert set(empty["verdict"]) == {"fail", "not_determinable"}


def test_the_diagnosis_says_what_it_was_made_from(diagnosis: Diagnosis) -> None:
    place = town()
    assert (diagnosis.city_hash, diagnosis.standard.hash, diagnosis.engine_version) == (place.hash, TOWN_ASKED.hash, __version__)
    parameters = diagnosis.parameters
    assert (parameters["horizon_s"], parameters["zone"], parameters["explain"]) == (3600.0, "", "auto")
    assert (parameters["explained"], parameters["residents_outside_units"]) == ("all", 0)
    assert (parameters["measured_at"], parameters["resident_share"], parameters["resident_share_declared"]) == (
        "committee_centre", 1.0, False,
    )  # fmt: skip
    assert parameters["profiles"]["adult"]["speed_m_s"] == 1.0
    assert set(parameters["profile_hashes"]) == {"adult", "bicycle"}
    declared = judged(place, standard({"clinic": {"minutes": 5}}, share_percent=80)).parameters
    assert (declared["resident_share"], declared["resident_share_declared"]) == (0.8, True)


def test_every_table_follows_its_schema(diagnosis: Diagnosis) -> None:
    for name, schema in RESULT_TABLES.items():
        table = diagnosis.table(name)
        assert table.columns.tolist()[: len(schema.columns)] == [column.name for column in schema.columns]
        assert not any(column.startswith("_") for column in table.columns)
        assert not table.duplicated(list(schema.key)).any()
    assert diagnosis.verdicts.columns.tolist()[-2:] == ["covered_share_child", "covered_share_elder"]


def test_unreachable_figures_are_absent_and_never_averaged() -> None:
    """One of two units cannot reach the clinic: no table holds a sentinel, and covered figures count people only."""
    place = city(
        units=units(("on", 900.0, 0.0), ("off", 100.0, 5000.0)),
        facilities=facilities(("c", "clinic", 1000.0, 0.0)),
        demand=demand(("d1", "on", 900.0, 0.0, 10), ("d2", "off", 100.0, 5000.0, 30)),
    )
    found = judged(place)
    numbers = pd.concat([found.table(name).select_dtypes("number").stack() for name in ("verdicts", "gaps", "areas")])
    assert numbers.max() < 6000
    assert found.verdicts["time_s"].tolist()[1] == 100.0
    assert math.isnan(found.verdicts["time_s"].tolist()[0])
    assert found.areas["covered_share"].tolist()[0] == 0.25


def test_progress_rises_to_one() -> None:
    told: list[tuple[str, float]] = []
    judged(town(), TOWN_ASKED, on_progress=lambda step, share: told.append((step, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[-1], told[-1][0], len(told) >= 6) == (1.0, "done", True)


@pytest.mark.parametrize(
    ("options", "field", "code"),
    [
        ({"horizon_s": 0}, "horizon_s", "diagnosis.horizon"),
        ({"horizon_s": -5}, "horizon_s", "diagnosis.horizon"),
        ({"horizon_s": 21600.1}, "horizon_s", "diagnosis.horizon"),
        ({"horizon_s": float("nan")}, "horizon_s", "diagnosis.horizon"),
        ({"explain": "some"}, "explain", "name.unknown"),
        ({"zone": "moon"}, "zone", "name.unknown"),
    ],
)
def test_a_parameter_out_of_range_is_refused(options: dict[str, object], field: str, code: str) -> None:
    with pytest.raises(InputError) as refused:
        judged(town(), TOWN_ASKED, **options)
    assert [(fault.field, fault.code) for fault in refused.value.faults] == [(field, code)]


def test_all_faults_are_told_at_once() -> None:
    empty = City(title="Nothing", crs="EPSG:32651", networks={})
    with pytest.raises(InputError) as refused:
        diagnose(empty, TOWN_ASKED, zone="moon", horizon_s=-1, explain="some")
    assert [fault.code for fault in refused.value.faults] == [
        "diagnosis.no_units", "diagnosis.no_streets", "diagnosis.horizon", "name.unknown", "name.unknown",
    ]  # fmt: skip
    assert all(fault.words(lang) for fault in refused.value.faults for lang in ("zh", "en"))


def test_a_city_without_people_is_judged_from_its_centres() -> None:
    place = town().replace(demand=town().demand.iloc[:0])
    found = judged(place, TOWN_ASKED)
    assert found.verdicts["verdict"].tolist() == judged(town(), TOWN_ASKED).verdicts["verdict"].tolist()
    assert found.verdicts["covered_share"].isna().all()
    assert found.areas["covered_share"].isna().all()
    assert len(found.blind_zones) == 0
