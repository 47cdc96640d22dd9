"""One facility from several sources: what is joined, what stays apart, what people decide, what the years change."""

import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_city import city as small_city
from small_city import facilities

from yike.errors import InputError
from yike.sources.conflation import (
    Conflation,
    compare_years,
    conflate,
    conflate_city,
    decision_sheet,
    read_decisions,
    write_decisions,
)
from yike.sources.conflation.rules import conflation_rules
from yike.sources.map_service_types import classes_of_types
from yike.texts import words

SAMPLE = Path(__file__).with_name("conflation_sample.csv")
SHANGHAI_M = "EPSG:32651"
LEAST = 0.97


def table(*rows: tuple[str, float, str], class_id: str = "primary_school", **columns: object) -> pd.DataFrame:
    """Make records on one line from (name, x in metres, address)."""
    names, xs, addresses = zip(*rows, strict=True)
    frame = {"record_id": [str(n) for n in range(len(rows))], "name": names, "x": xs, "y": 0.0, "address": addresses}
    return pd.DataFrame({**frame, "class_id": class_id, **columns})


def together(result: Conflation) -> set[frozenset[str]]:
    """Return the facilities as sets of their records' names."""
    return {frozenset(names) for _, names in result.members.groupby("facility_id")["name"]}


def joined(one: tuple[str, float, str], other: tuple[str, float, str], class_id: str = "primary_school") -> bool:
    """Tell whether two records of two sources become one facility."""
    return len(conflate({"a": table(one, class_id=class_id), "b": table(other, class_id=class_id)}).facilities) == 1


@pytest.mark.parametrize(
    ("one", "other", "class_id"),
    [
        (("青石小学", 0, "柳荫路8号"), ("上海市金水区青石小学", 12, "青石镇柳荫路8号"), "primary_school"),
        (("青石幼儿园", 0, "柳荫路8号"), ("青石幼儿园（总部）", 20, ""), "kindergarten"),
        (("青石幼儿园", 0, "柳荫路8号"), ("青石幼儿园柳荫分园", 9, "柳荫路8号"), "kindergarten"),
        (("青石口腔", 0, ""), ("上海青石口腔门诊部", 3, ""), "outpatient_clinic"),
        (("夏家桥(公交站)", 0, "196路"), ("青石路夏家桥(公交站)", 6, "91路"), "bus_route"),
        (("澧石幼儿园", 0, "柳荫路8号"), ("沣石幼儿园", 4, "柳荫路8号"), "kindergarten"),
    ],
)
def test_one_place_in_two_lists(one: tuple[str, float, str], other: tuple[str, float, str], class_id: str) -> None:
    assert joined(one, other, class_id)
    assert joined(other, one, class_id)


@pytest.mark.parametrize(
    ("one", "other", "class_id"),
    [
        (("青石第一小学", 0, "柳荫路8号"), ("青石第二小学", 2, "柳荫路8号"), "primary_school"),
        (("青石小学东校区", 0, ""), ("青石小学西校区", 5, ""), "primary_school"),
        (("青石小学", 0, "柳荫路8号"), ("青石小学南山校区", 140, "金沙路91号"), "primary_school"),
        (("青石医院门诊部", 0, "柳荫路8号"), ("青石医院住院部", 3, "柳荫路8号"), "district_medical_center"),
        (("青石医院", 0, "柳荫路8号"), ("青石医院3号楼", 3, "柳荫路8号"), "district_medical_center"),
        (("青石社区卫生服务中心", 0, ""), ("青石社区卫生服务站", 4, ""), "community_health_center"),
        (("柳荫路金沙路(公交站)", 0, "1路"), ("金沙路柳荫路(公交站)", 20, "1路"), "bus_route"),
        (("青石(公交站)", 0, "1路"), ("青石(公交站)", 45, "1路"), "bus_route"),
        (("青石诊所", 0, "柳荫路8号"), ("白云诊所", 2, "柳荫路8号"), "outpatient_clinic"),
        (("青石大剧场", 0, "柳荫路8号"), ("青石小剧场", 9, "柳荫路8号"), "public_cultural_facility"),
    ],
)
def test_two_places_stay_two(one: tuple[str, float, str], other: tuple[str, float, str], class_id: str) -> None:
    assert not joined(one, other, class_id)


def test_a_school_and_a_kindergarten_of_one_name_never_meet() -> None:
    result = conflate({"a": table(("青石", 0, "")), "b": table(("青石", 0, ""), class_id="kindergarten")})
    assert len(result.facilities) == 2
    assert len(result.pairs) == 0


def test_a_record_between_two_branches_does_not_chain_them() -> None:
    rows = [("青石小学东校区", 0.0, "柳荫路8号"), ("青石小学", 3.0, "柳荫路8号"), ("青石小学西校区", 6.0, "柳荫路8号")]
    result = conflate({"a": table(*rows)})
    assert len(result.facilities) == 2
    refused = result.pairs[result.pairs["remark"] == "refused_chain"]
    assert refused["verdict"].tolist() == ["undecided"]
    east = result.members.loc[result.members["name"] == "青石小学东校区", "facility_id"].item()
    west = result.members.loc[result.members["name"] == "青石小学西校区", "facility_id"].item()
    assert east != west


def test_the_first_source_speaks_and_the_others_fill_in() -> None:
    one = table(("青石小学", 1.0, ""), class_id="primary_school")
    other = table(("上海市青石小学", 7.0, "柳荫路8号"), class_id="nine_year_school", phone="021-1234")
    facility = conflate({"department": one, "map": other}).facilities.iloc[0]
    assert (facility["name"], facility["x"], facility["address"], facility["phone"]) == ("青石小学", 1.0, "柳荫路8号", "021-1234")
    assert (facility["class_ids"], facility["sources"], facility["records"]) == (
        "primary_school;nine_year_school",
        "department;map",
        2,
    )
    assert 0.5 <= facility["confidence"] <= 1


names = st.sampled_from(
    ["青石小学", "青石第一小学", "青石第二小学", "青石小学东校区", "青石小学西校区", "白云小学", "青石学校", ""]
)
places = st.tuples(names, st.integers(0, 200), st.sampled_from(["", "柳荫路8号", "柳荫路9号", "金沙路3号"]))


@given(st.lists(places, min_size=1, max_size=14), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_every_record_ends_in_one_facility_whatever_the_order(rows: list[tuple[str, int, str]], shuffle: object) -> None:
    records = table(*[(name, float(x), address) for name, x, address in rows])
    result = conflate({"a": records})
    assert result.members["record_id"].tolist() == records["record_id"].tolist()
    assert set(result.members["facility_id"]) == set(result.facilities["facility_id"])
    assert result.facilities["facility_id"].is_unique
    assert result.facilities["records"].sum() == len(rows)
    shuffled = records.sample(frac=1, random_state=len(rows)).reset_index(drop=True)
    again = conflate({"a": shuffled})
    sizes = [sorted(Counter(outcome.members["facility_id"]).values()) for outcome in (result, again)]
    assert sizes[0] == sizes[1]
    for _, members in result.members.merge(records, on="record_id").groupby("facility_id"):
        numbered = {number for number in ("第一", "第二") for name in members["name_x"] if number in name}
        assert len(numbered) <= 1
        assert not {"青石小学东校区", "青石小学西校区"} <= set(members["name_x"])


def test_a_broken_table_is_refused_with_all_its_faults() -> None:
    bad = pd.DataFrame({"record_id": ["1", "1"], "name": ["a", "b"], "x": [0.0, np.nan], "y": [0.0, 1.0]})
    with pytest.raises(InputError) as refused:
        conflate({"good": table(("青石", 0, "")), "bad": bad, "worse": pd.DataFrame({"name": ["a"]})})
    found = {(fault.code, fault.file, fault.field, fault.row) for fault in refused.value.faults}
    assert found == {
        ("table.not_a_number", "bad", "x", 3),
        ("table.duplicate_id", "bad", "record_id", 3),
        ("table.missing_column", "worse", "record_id", None),
        ("table.missing_column", "worse", "x", None),
        ("table.missing_column", "worse", "y", None),
    }


def test_no_records_make_no_facilities() -> None:
    result = conflate({})
    assert (len(result.facilities), len(result.members), len(result.pairs)) == (0, 0, 0)
    assert len(conflate({"a": table(("青石", 0, "")).iloc[:0]}).facilities) == 0


# What people decide


def undecided_pair() -> dict[str, pd.DataFrame]:
    return {
        "a": table(("青石小学", 0, "")),
        "b": table(("青石小学南山校区", 20, ""), ("白云小学", 9000, "")),
    }


def test_a_pair_that_waits_is_decided_and_stays_decided_in_the_next_import(tmp_path: Path) -> None:
    first = conflate(undecided_pair())
    sheet = decision_sheet(first.pairs)
    assert len(first.facilities) == 3
    assert sheet["decision"].tolist() == ["undecided"]
    decided = sheet.assign(decision="merge", reason="实地看过", by="街道规划科", date="2026-03-01")
    path = write_decisions(decided, tmp_path / "sheets" / "decisions.csv")
    kept = read_decisions(path)
    second = conflate(undecided_pair(), decisions=kept)
    assert len(second.facilities) == 2
    assert second.pairs["decided_by"].tolist() == ["person"]
    moved = {
        source: rows.assign(x=rows["x"] + 30, record_id="n" + rows["record_id"]) for source, rows in undecided_pair().items()
    }
    third = conflate(moved, decisions=kept)
    assert len(third.facilities) == 2
    assert third.decisions_not_found == ()
    again = decision_sheet(third.pairs, known=kept)
    assert again["reason"].tolist() == ["实地看过"]
    assert conflate({"c": table(("绿地小学", 0, ""))}, decisions=kept).decisions_not_found == (decided["pair_id"].item(),)


def test_kept_apart_parts_what_the_rules_would_join() -> None:
    lists = {"a": table(("青石小学", 0, "柳荫路8号")), "b": table(("青石小学", 4, "柳荫路8号"))}
    assert len(conflate(lists).facilities) == 1
    pair = conflate(lists).pairs.iloc[0]
    sheet = pd.DataFrame([pair]).assign(decision="keep_apart")
    # Both records say the same within one cell of the grid, so that the decision names them by their places.
    parted = conflate(lists, decisions=sheet)
    assert len(parted.facilities) == 2
    assert parted.facilities["facility_id"].is_unique
    assert parted.pairs["verdict"].tolist() == ["keep_apart"]


def test_a_person_may_merge_what_no_rule_would_compare() -> None:
    lists = {"a": table(("青石小学", 0, ""), ("白云中学", 700, ""))}
    sheet = pd.DataFrame(
        [
            {
                "decision": "merge",
                "first_name": "青石小学",
                "first_x": 0,
                "first_y": 0,
                "second_name": "白云中学",
                "second_x": 700,
                "second_y": 0,
            }
        ]
    )
    result = conflate(lists, decisions=sheet)
    assert together(result) == {frozenset({"青石小学", "白云中学"})}


def test_a_bad_sheet_is_refused_with_all_its_faults(tmp_path: Path) -> None:
    row = {
        "pair_id": "p",
        "first_name": "a",
        "first_x": "0",
        "first_y": "0",
        "second_name": "b",
        "second_x": "x",
        "second_y": "0",
    }
    sheet = pd.DataFrame(
        [
            {**row, "decision": "merge"},
            {**row, "decision": "keep_apart", "second_x": "1"},
            {**row, "decision": "ja", "second_x": "1"},
        ]
    )
    path = write_decisions(sheet, tmp_path / "decisions.csv")
    with pytest.raises(InputError) as refused:
        read_decisions(path)
    found = [(fault.code, fault.row, fault.field) for fault in refused.value.faults]
    assert found == [
        ("conflation.unknown_decision", 4, "decision"),
        ("table.not_a_number", 2, "second_x"),
        ("conflation.contradiction", 2, "decision"),
    ]
    (tmp_path / "short.csv").write_text("decision\nmerge\n", "utf-8")
    with pytest.raises(InputError, match="first_name"):
        read_decisions(tmp_path / "short.csv")
    with pytest.raises(InputError, match=r"none\.csv"):
        read_decisions(tmp_path / "none.csv")


def test_words_exist_for_what_the_tables_say() -> None:
    said = words("zh")
    assert [reason for reason in conflation_rules()["points"] if f"conflation.reason.{reason}" not in said] == []
    assert {"conflation.verdict.same", "conflation.verdict.keep_apart", "conflation.verdict.undecided"} <= set(said)


# Years


def test_ids_live_on_and_changes_are_told() -> None:
    last = conflate(
        {"a": table(("青石小学", 0, ""), ("白云小学", 2000, ""), ("柳荫小学", 4000, "柳荫路8号"), ("旧小学", 9000, ""))}
    )
    this = conflate(
        {"b": table(("青石小学", 0, ""), ("白云小学", 2060, ""), ("柳茵小学", 4004, "柳荫路8号"), ("新小学", 12000, ""))}
    )
    change = compare_years(last.facilities, this.facilities)
    ids = dict(zip(last.facilities["name"], last.facilities["facility_id"], strict=True))
    now = dict(zip(change.facilities["name"], change.facilities["facility_id"], strict=True))
    assert (now["青石小学"], now["白云小学"], now["柳茵小学"]) == (ids["青石小学"], ids["白云小学"], ids["柳荫小学"])
    told = {
        row.facility_id: (row.change, row.moved_m) for row in change.changes.itertuples() if row.change not in ("new", "gone")
    }
    assert told == {
        ids["青石小学"]: ("unchanged", 0.0),
        ids["白云小学"]: ("moved", 60.0),
        ids["柳荫小学"]: ("renamed", 4.0),
    }
    assert change.counts() == {"gone": 1, "moved": 1, "new": 1, "renamed": 1, "unchanged": 1}
    assert change.facilities["facility_id"].is_unique


def test_the_same_import_again_changes_nothing() -> None:
    result = conflate({"a": table(("青石小学", 0, ""), ("白云小学", 2000, ""))})
    assert conflate({"a": table(("白云小学", 2000, ""), ("青石小学", 0, ""))}).facilities["facility_id"].tolist()[::-1] == (
        result.facilities["facility_id"].tolist()
    )
    change = compare_years(result.facilities, result.facilities)
    assert change.counts() == {"unchanged": 2}
    pd.testing.assert_frame_equal(change.facilities, result.facilities)


# A City


def test_a_city_keeps_one_row_a_place_and_class() -> None:
    rows = facilities(
        ("a", "primary_school", 0.0, 0.0),
        ("b", "primary_school", 3.0, 0.0),
        ("c", "junior_middle_school", 3.0, 0.0),
        ("d", "primary_school", 900.0, 0.0),
    ).assign(name=["青石小学", "上海市青石小学", "青石小学", "白云小学"], source=["one", "two", "two", "two"])
    rows["floor_area_m2"] = [np.nan, 1200.0, np.nan, 800.0]
    entrances = pd.DataFrame({"facility_id": ["b", "d"], "x": [2.0, 900.0], "y": [5.0, 5.0], "kind": "entrance"})
    doubled = small_city(facilities=rows, entrances=entrances)
    merged, result = conflate_city(doubled)
    table_of = merged.facilities.set_index("facility_id")
    assert table_of.index.tolist() == ["a", "c", "d"]
    assert table_of["source"].tolist() == ["one;two", "two", "two"]
    assert (table_of.loc["a", "floor_area_m2"], table_of.loc["a", "x"]) == (1200.0, 0.0)
    assert merged.entrances["facility_id"].tolist() == ["a", "d"]
    assert len(result.members) == 4
    assert merged.provenance[-1].note.startswith("conflated?before=4&after=3")
    assert conflate_city(merged)[0].hash == merged.hash
    assert conflate_city(small_city())[0].hash == small_city().hash


# Shanghai's eight files


@cache
def shanghai(folder: Path) -> tuple[dict[str, pd.DataFrame], Conflation, float]:
    """Read the eight files with their classes, conflate them, and take the time."""
    begin = time.perf_counter()
    to_metres = pyproj.Transformer.from_crs(4326, SHANGHAI_M, always_xy=True)
    tables = {}
    for path in sorted(folder.glob("*.csv")):
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
        x, y = to_metres.transform(rows["lon"].to_numpy(float), rows["lat"].to_numpy(float))
        classes = classes_of_types(rows["type"].tolist(), rows["name"].tolist(), addresses=rows["address"].tolist())
        lines = [str(number + 2) for number in range(len(rows))]
        tables[path.name] = rows.assign(record_id=lines, x=x, y=y, **{name: classes[name].to_numpy() for name in classes})
    result = conflate(tables)
    return tables, result, time.perf_counter() - begin


def test_eight_files_are_read_together_and_every_row_has_its_class_or_its_reason(real_data: Callable[[str], Path]) -> None:
    tables, result, seconds = shanghai(real_data("shanghai-poi"))
    rows = pd.concat(tables.values())
    assert len(tables) == 8
    assert len(rows) == len(result.members) == 29_250
    assert seconds < 20
    classless = rows[rows["class_ids"] == ""]
    assert (rows["class_reason"] == "").sum() == 0
    assert set(classless["class_reason"]) & {"by_type", "by_name", "type_unknown", "type_missing"} == set()
    assert 20_000 < len(rows) - len(classless) < 24_000


def test_the_overlap_of_the_school_files_is_found(real_data: Callable[[str], Path]) -> None:
    tables, result, _ = shanghai(real_data("shanghai-poi"))
    assert 24_300 < len(result.facilities) < 24_600
    sources = result.members.groupby("facility_id")["source"].agg(frozenset)
    place = result.members.set_index(["source", "record_id"])["facility_id"]
    for name in ("中学.csv", "小学.csv", "幼儿园.csv"):
        found = sources[place.loc[name]]
        assert sum("shanghai_school.csv" in files for files in found) == len(tables[name])


def measured(members: pd.DataFrame, sample: pd.DataFrame) -> tuple[float, float]:
    """Return precision and recall of being one facility; pairs that a person could not judge are left out."""
    place = members.set_index(["source", "record_id"])["facility_id"]
    judged = sample[sample["judgement"] != "unsure"]
    ends = [
        place.loc[list(zip(judged[f"{side}_file"], judged[f"{side}_row"], strict=True))].to_numpy()
        for side in ("first", "second")
    ]
    said, truth = ends[0] == ends[1], (judged["judgement"] == "same").to_numpy()
    both = (said & truth).sum()
    return both / said.sum(), both / truth.sum()


def test_the_judged_sample_is_met(real_data: Callable[[str], Path]) -> None:
    _, result, _ = shanghai(real_data("shanghai-poi"))
    sample = pd.read_csv(SAMPLE, dtype=str)
    first = sample[sample["half"].isin(["tuning", "first_held_out"])]
    assert len(first) == 200
    assert Counter(first["judgement"]) == {"apart": 106, "same": 75, "unsure": 19}
    precision, recall = measured(result.members, first)
    assert min(precision, recall) >= LEAST


def test_on_pairs_not_tuned_on_joins_are_right_and_misses_are_as_documented(real_data: Callable[[str], Path]) -> None:
    _, result, _ = shanghai(real_data("shanghai-poi"))
    sample = pd.read_csv(SAMPLE, dtype=str)
    precision, recall = measured(result.members, sample[sample["half"] == "third_held_out"])
    assert precision >= LEAST
    assert recall == pytest.approx(24 / 30, abs=0.04)
