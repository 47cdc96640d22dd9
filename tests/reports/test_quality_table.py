"""Quality by neighbourhood as a file, in words, as a gate, and as the reason of a verdict that is withheld."""

import datetime
import json
from pathlib import Path

import pandas as pd
import pytest
from reports.town import CLASSES, town_city
from small_city import judged, standard_text, verdict

from yike.analysis.diagnosis import diagnose
from yike.analysis.neighbourhood_quality import neighbourhood_quality
from yike.errors import InputError
from yike.model.standard import Standard, load_standard
from yike.reports.evidence import evidence, replay, write_evidence
from yike.reports.quality_table import checked_quality, quality_report, write_quality
from yike.reports.tables import write_tables

DAY = datetime.date(2025, 3, 1)


@pytest.fixture
def asked(tmp_path: Path) -> Standard:
    path = tmp_path / "small.yaml"
    path.write_text(standard_text(CLASSES), "utf-8")
    return load_standard(path)


def checked(tmp_path: Path, **options: object) -> tuple[list[str], dict[str, object], bool]:
    given = {"fail_under": None, "out": None, "day": "2025-03-01", "rules": None, "lang": "en", **options}
    return checked_quality(town_city(), standard=str(tmp_path / "small.yaml"), **given)  # type: ignore[arg-type]


def test_the_worst_come_first_with_what_to_mend(tmp_path: Path, asked: Standard) -> None:
    words, facts, sound = checked(tmp_path)
    assert words[0] == "Data of 5 neighbourhoods: score 95 of 100 in the middle, 30 the lowest; 2 below 60."
    assert words[1].startswith("30  Epsilon (u5): Move the centre to a street, or draw the streets around it.")
    assert facts["quality"]["below"] == 2  # type: ignore[index]
    assert list(facts["quality"]["worst"])[:2] == ["u5", "u4"]  # type: ignore[index]
    assert sound
    assert checked(tmp_path, lang="zh")[0][0].startswith("5 个居村委的数据质量：中位 95 分")


def test_the_gate_fails_when_any_lies_below_it(tmp_path: Path, asked: Standard) -> None:
    assert not checked(tmp_path, fail_under=31.0)[2]
    assert checked(tmp_path, fail_under=30.0)[2]


def test_scores_are_written_whole_in_either_form(tmp_path: Path, asked: Standard) -> None:
    table = quality_report(town_city(), standard=str(tmp_path / "small.yaml"), day="2025-03-01").table
    for name in ("scores.csv", "deep/scores.parquet"):
        path = write_quality(table, tmp_path / name)
        again = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
        assert again["unit_id"].tolist() == ["u1", "u2", "u3", "u4", "u5"]
        assert again["score"].to_numpy() == pytest.approx(table["score"].to_numpy())
        assert [each.name for each in path.parent.iterdir() if each.name.startswith(".")] == []
    with pytest.raises(InputError) as caught:
        write_quality(table, tmp_path / "scores.doc")
    assert [fault.code for fault in caught.value.faults] == ["file.unknown_kind"]


def test_bad_thresholds_and_days_are_named(tmp_path: Path, asked: Standard) -> None:
    with pytest.raises(InputError) as caught:
        checked(tmp_path, fail_under=101.0, day="soon")
    assert [fault.code for fault in caught.value.faults] == ["quality.threshold", "quality.day"]
    with pytest.raises(InputError) as caught:
        judged(town_city(), asked, min_quality=-1.0)
    assert [fault.code for fault in caught.value.faults] == ["quality.threshold"]


def test_a_city_without_neighbourhoods_has_no_scores_unless_they_are_asked_for(tmp_path: Path, asked: Standard) -> None:
    bare = town_city(units=town_city().units.iloc[:0])
    options = {"out": None, "day": "", "rules": None, "lang": "en", "standard": str(tmp_path / "small.yaml")}
    assert checked_quality(bare, fail_under=None, **options) == ([], {}, True)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        checked_quality(bare, fail_under=50.0, **options)  # type: ignore[arg-type]


def test_below_the_threshold_a_verdict_is_withheld_and_its_measures_stay(asked: Standard) -> None:
    plain, strict = judged(town_city(), asked), judged(town_city(), asked, min_quality=60.0, quality_day=DAY)
    quality = neighbourhood_quality(town_city(), standard=asked, today=DAY).set_index("unit_id")["score"]
    low = set(quality.index[quality < 60])
    assert low == {"u4", "u5"}
    for row in strict.verdicts.itertuples():
        before = verdict(plain, row.unit_id, row.class_id)
        if row.unit_id in low:
            assert (row.verdict, row.reason, row.borderline, row.near_edge) == ("not_determinable", "data_quality", False, False)
        else:
            assert (row.verdict, row.reason) == (before["verdict"], before["reason"])
        assert row.by_centre == before["by_centre"]
    assert set(strict.gaps["unit_id"]) <= set(plain.gaps["unit_id"]) - low
    assert strict.parameters["quality_day"] == "2025-03-01"
    assert "min_quality" not in plain.parameters


def test_evidence_with_a_threshold_is_replayed_on_its_own_day(tmp_path: Path) -> None:
    folder = town_city().save(tmp_path / "city")
    path = tmp_path / "small.yaml"
    path.write_text(standard_text(CLASSES), "utf-8")
    asked = load_standard(path)
    out = tmp_path / "out"
    out.mkdir()
    diagnosis = diagnose(town_city(), asked, min_quality=60.0, quality_day=DAY)
    write_tables(diagnosis, out, crs=town_city().crs)
    write_evidence(evidence(diagnosis, town_city(), city_folder=folder, standard_from=str(path), out=out), out)
    assert replay(out).hash() == diagnosis.hash()
    assert json.loads((out / "evidence.json").read_text("utf-8"))["parameters"]["quality_day"] == "2025-03-01"
