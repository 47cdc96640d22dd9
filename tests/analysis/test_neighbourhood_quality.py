"""Scores of data quality: each part by hand on a street town, the whole on rules of round numbers."""

import datetime
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
import yaml
from small_city import city, demand, facilities, standard, units

from yike.analysis.neighbourhood_quality import (
    datum_by_source,
    duplicate_facilities,
    mend_words,
    neighbourhood_quality,
    parsed_date,
    street_pieces,
    worst_first,
)
from yike.errors import InputError
from yike.model.city import City, Origin
from yike.model.quality import PARTS, load_quality_rules, quality_rules

TODAY = datetime.date(2026, 1, 1)
CLASSES = {"clinic": {"minutes": 10}, "school": {"minutes": 10}}


def town(**parts: object) -> City:
    """Three neighbourhoods: u1 on the long street, u2 on the piece apart, u3 away from every street."""
    made = city(
        listed=("clinic",),
        units=units(("u1", 500, 0), ("u2", 250, 5000), ("u3", 500, 3000)),
        demand=demand(("d1", "u1", 400, 0, 80), ("d2", "u1", 400, 900, 20), ("d3", "u2", 250, 5000, 100)),
        facilities=facilities(("a", "clinic", 500, 0), ("b", "clinic", 510, 10), ("c", "clinic", 600, 0)).assign(
            name=["和平诊所", "和平诊所", "新民医院"], source="list"
        ),
        extent=shapely.box(-1000, -500, 3000, 6000),
    )
    dated = (Origin("streets", "osm", date="2025-01-01"), Origin("facilities", "list", date="2020-06-30T08:00:00Z"))
    return made.replace(**{"provenance": dated, **parts})


def scored(place: City, **options: object) -> pd.DataFrame:
    return neighbourhood_quality(place, **{"standard": standard(CLASSES), "today": TODAY, **options}).set_index("unit_id")  # type: ignore[arg-type]


def test_every_figure_by_hand() -> None:
    table = scored(town())
    first = table.loc["u1"]
    assert (first["centre_connected"], first["piece_share"], first["pieces"]) == (True, 1.0, 1)
    assert (first["residents"], first["unconnected_residents"]) == (100, 20)
    assert (first["facilities"], first["duplicates"], first["facilities_per_10k"]) == (3, 1, 300.0)
    assert first["inventories_percent"] == 50.0
    assert first["age_years"] == pytest.approx((TODAY - datetime.date(2020, 6, 30)).days / 365.25)
    assert first["edge_m"] == 500.0
    assert first["datum"] == ""
    second, third = table.loc["u2"], table.loc["u3"]
    assert (second["piece_share"], second["unconnected_residents"]) == (pytest.approx(0.2), 100)
    assert second["age_years"] == pytest.approx((TODAY - datetime.date(2025, 1, 1)).days / 365.25)
    assert (third["centre_connected"], third["piece_share"], third["pieces"], third["residents"]) == (False, 0.0, 0, 0)
    assert np.isnan(third["facilities_per_10k"])
    assert np.isnan(third["residents_part"])


def test_parts_and_score_by_hand() -> None:
    table = scored(town())
    first = table.loc["u1"]
    age = (10 - first["age_years"]) / 8
    assert first[[f"{name}_part" for name in PARTS]].tolist() == pytest.approx(
        [1.0, 0.0, np.nan, 0.5, 1.0, 0.0, age, 0.5], nan_ok=True
    )
    held = 25 + 20 + 15 + 5 + 5 + 10 + 5
    assert first["known_percent"] == pytest.approx(held)
    assert first["score"] == pytest.approx(100 * (25 + 7.5 + 5 + 10 * age + 2.5) / held)
    assert first["mend_first"].split(",")[:2] == ["residents", "inventories"]
    assert table.loc["u3", "score"] == pytest.approx(30.0)
    assert worst_first(table.reset_index(), below=31)["unit_id"].tolist() == ["u3"]


def test_the_score_is_capped_where_a_part_forbids_a_verdict() -> None:
    table = scored(town())
    assert table.loc["u3", "streets_part"] == 0.0
    free = replace(quality_rules(), parts=tuple(replace(part, cap=None) for part in quality_rules().parts))
    assert scored(town(), rules=free).loc["u3", "score"] > 30.0


def test_what_to_mend_is_said_in_both_languages() -> None:
    table = scored(town()).reset_index()
    third = table[table["unit_id"] == "u3"].iloc[0]
    assert mend_words(third, "en", most=1) == ["Move the centre to a street, or draw the streets around it."]
    first = table[table["unit_id"] == "u1"].iloc[0]
    assert mend_words(first, "en", most=2) == [
        "Connect 20 residents: no street near them leads to the others.",
        "Bring lists of the classes that have none (50 % have one).",
    ]
    assert mend_words(first, "zh", most=1) == ["请接通 20 名居民：他们附近的道路不通向别处。"]


def test_without_a_standard_or_dates_or_people_the_parts_are_unknown_not_bad() -> None:
    bare = town(provenance=(), demand=demand(("d1", "u1", 400, 0, 0)), extent=None)
    first = scored(bare, standard=None).loc["u1"]
    unknown = [name for name in PARTS if np.isnan(first[f"{name}_part"])]
    assert unknown == ["residents", "datum", "inventories", "density", "age", "edge"]
    assert first["known_percent"] == pytest.approx(30.0)
    assert first["score"] == pytest.approx(100 * 25 / 30)


def test_the_scores_do_not_depend_on_the_order_of_rows() -> None:
    place = town()
    turned = place.replace(**{name: place.table(name).iloc[::-1] for name in ("facilities", "demand", "units")})
    pd.testing.assert_frame_equal(scored(place), scored(turned))


def test_doubles_are_of_one_class_near_and_alike() -> None:
    places = facilities(
        ("a", "clinic", 0, 0), ("b", "clinic", 20, 0), ("c", "clinic", 25, 0), ("d", "school", 0, 0), ("e", "clinic", 0, 31)
    ).assign(name=["第一卫生站", "第一卫生站 ", "第二卫生服务中心", "第一卫生站", "第一卫生站"])
    assert duplicate_facilities(places, quality_rules()).tolist() == [False, True, False, False, False]
    stops = facilities(("a", "bus_route", 0, 0), ("b", "bus_route", 5, 0)).assign(name="人民广场")
    assert not duplicate_facilities(stops, quality_rules()).any()


def test_pieces_share_the_length_of_streets() -> None:
    piece, share = street_pieces(town().networks["walk"])
    assert sorted(share.tolist()) == pytest.approx([0.2, 0.8])
    assert np.bincount(piece).tolist() in ([2, 3], [3, 2])


@pytest.mark.parametrize(
    ("word", "day"),
    [("2024-05-01", (2024, 5, 1)), ("2024/05", (2024, 5, 1)), ("2024", (2024, 1, 1)), ("2024-05-01T10:00:00Z", (2024, 5, 1)),
     ("", None), ("last May", None), ("2024-13-01", None)],
)  # fmt: skip
def test_dates_are_read_as_written(word: str, day: tuple[int, int, int] | None) -> None:
    assert parsed_date(word) == (None if day is None else datetime.date(*day))


def test_a_city_without_neighbourhoods_or_streets_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        neighbourhood_quality(city({}))
    assert [fault.code for fault in caught.value.faults] == ["diagnosis.no_units", "diagnosis.no_streets"]


def test_rules_of_ones_own_are_read_and_their_faults_named(tmp_path: Path) -> None:
    packaged = quality_rules()
    assert [part.id for part in packaged.parts] == list(PARTS)
    assert packaged.status == "unverified"
    assert sum(part.weight for part in packaged.parts) == 100
    content = {
        "id": "own",
        "parts": [
            {"id": part.id, "weight": part.weight, "zero_at": part.zero_at, "full_at": part.full_at} for part in packaged.parts
        ],
        "duplicate_m": 10,
        "name_likeness": 0.9,
    }
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(content), "utf-8")
    own = load_quality_rules(path)
    assert own.duplicate_m == 10
    assert own.part("age").value(np.array([1.0, 6.0, 12.0, np.nan])).tolist() == pytest.approx([1, 0.5, 0, np.nan], nan_ok=True)
    content["parts"][0] |= {"weight": -1, "slope": 2}
    content["parts"][1] |= {"full_at": 0.2, "cap": 200}
    content["parts"][2]["id"] = "mood"
    path.write_text(yaml.safe_dump({**content, "duplicate_m": "near"}), "utf-8")
    with pytest.raises(InputError) as caught:
        load_quality_rules(path)
    assert [(fault.code, fault.field) for fault in caught.value.faults] == [
        ("quality.missing_part", "datum"),
        ("quality.unknown_key", "streets.slope"),
        ("quality.bad_figure", "streets.weight"),
        ("quality.bad_figure", "streets.weight"),
        ("quality.no_slope", "residents.full_at"),
        ("quality.bad_figure", "residents.cap"),
        ("name.unknown", "parts"),
        ("quality.bad_figure", "duplicate_m"),
    ]
    path.write_text("parts: [", "utf-8")
    with pytest.raises(InputError, match=r"own\.yaml"):
        load_quality_rules(path)


def test_a_shifted_source_caps_the_score_and_names_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yike.analysis.neighbourhood_quality.datum_by_source", lambda city: {"list": "gcj02"})
    table = scored(town())
    first = table.loc["u1"]
    assert (first["datum"], first["datum_part"], first["score"]) == ("gcj02", 0.0, pytest.approx(30.0))
    assert np.isnan(table.loc["u2", "datum_part"])
    said = mend_words(table.reset_index().set_index("unit_id", drop=False).loc["u1"], "en")
    assert "Import its facilities again in the system that they fit (GCJ02)." in said


def test_sources_of_few_facilities_are_not_tested_for_their_system() -> None:
    assert datum_by_source(town()) == {"list": None}
