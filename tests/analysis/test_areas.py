"""Areas: compliance rate with both bounds, missing items and covered people, counted by hand."""

import math

import pandas as pd
import pytest
from small_city import city, demand, facilities, judged, standard, units

from yike.model.diagnosis import Diagnosis

ASKED = {
    "clinic": {"minutes": 10},
    "shop": {"minutes": 5, "obligation": "recommended"},
    "library": {"minutes": 10},
}
GROUPS = ("child", "elder")


@pytest.fixture(scope="module")
def diagnosis() -> Diagnosis:
    """Judge four units around a clinic and a shop at 1000.

    clinic (10 min, required): a and b pass, c misses by one second, d has no zone. library (required) has no inventory.
    shop (5 min, recommended): a passes, b and c fail.
    """
    rows = pd.concat(
        [
            units(("a", 900.0, 0.0), ("b", 600.0, 0.0)).assign(subdistrict_id="s1", subdistrict="One"),
            units(("c", 399.0, 0.0)).assign(subdistrict_id="s2", subdistrict="Two"),
        ]
    ).assign(district="D")
    rows = pd.concat([rows, units(("d", 900.0, 0.0), zone="").assign(subdistrict_id="", subdistrict="", district="")])
    homes = demand(
        ("h1", "a", 900.0, 0.0, 10, 2),  # within both limits
        ("h2", "b", 600.0, 0.0, 20, 0),  # within the clinic's limit only
        ("h3", "b", 600.0, 300.0, 0, 8),  # connected to no street
        ("h4", "c", 100.0, 0.0, 30, 10),  # within none
        ("h5", "d", 900.0, 0.0, 100, 0),  # of the unit without a zone
        groups=GROUPS,
    )
    places = facilities(("c1", "clinic", 1000.0, 0.0), ("s1", "shop", 1000.0, 0.0))
    made = city(units=rows, facilities=places, demand=homes, groups=GROUPS, listed=("clinic", "shop"))
    return judged(made, standard(ASKED))


def area(diagnosis: Diagnosis, kind: str, area_id: str) -> dict[str, object]:
    rows = diagnosis.areas.query("area_kind == @kind and area_id == @area_id")
    assert len(rows) == 1
    return dict(rows.iloc[0])


def of_class(diagnosis: Diagnosis, kind: str, area_id: str, class_id: str) -> dict[str, object]:
    rows = diagnosis.area_classes.query("area_kind == @kind and area_id == @area_id and class_id == @class_id")
    assert len(rows) == 1
    return dict(rows.iloc[0])


def test_every_area_has_one_row_and_units_outside_areas_are_in_the_whole_only(diagnosis: Diagnosis) -> None:
    listed = diagnosis.areas[["area_kind", "area_id", "area_name", "units"]].to_numpy().tolist()
    assert listed == [
        ["all", "all", "Street town", 4],
        ["district", "D", "D", 3],
        ["subdistrict", "s1", "One", 2],
        ["subdistrict", "s2", "Two", 1],
        ["zone", "town", "town", 3],
    ]


@pytest.mark.parametrize(
    ("kind", "area_id", "passed", "failed", "unknown", "borderline"),
    [
        ("all", "all", 2, 1, 5, 1),
        ("district", "D", 2, 1, 3, 1),
        ("subdistrict", "s1", 2, 0, 2, 0),
        ("subdistrict", "s2", 0, 1, 1, 1),
        ("zone", "town", 2, 1, 3, 1),
    ],
)
def test_the_compliance_rate_and_both_bounds_count_required_pairs_only(
    diagnosis: Diagnosis, kind: str, area_id: str, passed: int, failed: int, unknown: int, borderline: int
) -> None:
    row = area(diagnosis, kind, area_id)
    assert (row["passed"], row["failed"], row["not_determinable"], row["borderline"]) == (passed, failed, unknown, borderline)
    pairs = passed + failed + unknown
    assert row["rate"] == passed / (passed + failed)
    assert (row["rate_low"], row["rate_high"]) == (passed / pairs, (passed + unknown) / pairs)


def test_residents_and_complete_units(diagnosis: Diagnosis) -> None:
    assert [area(diagnosis, *key)["residents"] for key in (("all", "all"), ("subdistrict", "s1"))] == [180, 40]
    assert diagnosis.areas["units_complete"].tolist() == [0] * 5  # nobody lists libraries


def test_covered_pairs_count_connected_residents_and_classes_with_an_inventory(diagnosis: Diagnosis) -> None:
    """Clinic: 12 of a, 20 of b's 20 connected, 0 of c's 40; the shop is recommended, the library unlisted, d unmeasured."""
    assert area(diagnosis, "all", "all")["covered_share"] == pytest.approx(32 / 72, rel=1e-12)
    assert area(diagnosis, "subdistrict", "s1")["covered_share"] == 1.0
    assert area(diagnosis, "subdistrict", "s2")["covered_share"] == 0.0


def test_each_class_is_summed_recommended_ones_too(diagnosis: Diagnosis) -> None:
    clinic, shop = (of_class(diagnosis, "all", "all", name) for name in ("clinic", "shop"))
    assert [clinic[name] for name in ("passed", "failed", "not_determinable", "rate")] == [2, 1, 1, 2 / 3]
    assert [shop[name] for name in ("passed", "failed", "not_determinable", "rate")] == [1, 2, 1, 1 / 3]
    assert (clinic["residents"], clinic["covered_residents"], clinic["covered_share"]) == (80, 32, 32 / 72)
    assert (clinic["covered_share_child"], clinic["covered_share_elder"]) == (30 / 60, 2 / 12)
    assert (shop["covered_residents"], shop["covered_share"]) == (12, 12 / 72)
    assert of_class(diagnosis, "subdistrict", "s1", "shop")["covered_share_child"] == 10 / 30


def test_an_unlisted_class_has_no_rate_and_no_share_of_residents(diagnosis: Diagnosis) -> None:
    library = of_class(diagnosis, "all", "all", "library")
    assert [library[name] for name in ("passed", "failed", "not_determinable")] == [0, 0, 4]
    assert math.isnan(library["rate"])
    assert math.isnan(library["covered_share"])
    assert math.isnan(library["covered_share_child"])
    assert diagnosis.verdicts.query("class_id == 'library'")["covered_share"].isna().all()


def test_an_area_where_nothing_is_determinable_has_bounds_but_no_rate() -> None:
    rows = units(("u", 900.0, 0.0), zone="").assign(subdistrict_id="s")
    homes = demand(("h", "u", 900.0, 0.0, 10, 2), groups=GROUPS)
    row = area(judged(city(units=rows, demand=homes, groups=GROUPS)), "subdistrict", "s")
    assert math.isnan(row["rate"])
    assert (row["rate_low"], row["rate_high"], row["residents"]) == (0.0, 1.0, 12)
    assert math.isnan(row["covered_share"])


def test_a_unit_that_passes_every_required_class_is_complete() -> None:
    rows = units(("a", 900.0, 0.0), ("b", 399.0, 0.0)).assign(subdistrict_id=["s1", "s2"])
    asked = standard({"clinic": {"minutes": 10}, "shop": {"minutes": 5, "obligation": "recommended"}})
    found = judged(city(units=rows, facilities=facilities(("c", "clinic", 1000.0, 0.0)), listed=("clinic", "shop")), asked)
    complete = found.areas.set_index(["area_kind", "area_id"])["units_complete"]
    assert [complete["all", "all"], complete["subdistrict", "s1"], complete["subdistrict", "s2"]] == [1, 1, 0]


def test_sums_over_subdistricts_and_over_classes_reconcile(diagnosis: Diagnosis) -> None:
    areas = diagnosis.areas.set_index(["area_kind", "area_id"])
    both = areas.loc["subdistrict"][["passed", "failed", "not_determinable", "residents", "units"]].sum()
    assert both.tolist() == areas.loc[("district", "D"), ["passed", "failed", "not_determinable", "residents", "units"]].tolist()
    required = diagnosis.area_classes.query("class_id != 'shop'").groupby(["area_kind", "area_id"])[["passed", "failed"]].sum()
    assert required.loc[areas.index].to_numpy().tolist() == areas[["passed", "failed"]].to_numpy().tolist()
