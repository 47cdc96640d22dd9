"""The result folder of a diagnosis and its summary."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import shapely
from small_city import city, demand, facilities, judged, standard, standard_text, units

from yike.errors import EvidenceMismatch, InputError
from yike.model.city import City
from yike.model.diagnosis import RESULT_TABLES, Diagnosis
from yike.reports.evidence import read_evidence
from yike.reports.result import REPORT_FILES, diagnose_folder, gate, summary, worst_classes, write_reports
from yike.texts import languages

ASKED = {"clinic": {"minutes": 10}, "shop": {"minutes": 10}, "park": {"minutes": 10}}


def place(*, people: bool = True) -> City:
    """Make three units: a has everything, b lacks shop and park, c lacks all; nobody lists parks."""
    return city(
        listed=("clinic", "shop"),
        units=units(("a", 1000.0, 0.0), ("b", 500.0, 0.0), ("c", 0.0, 0.0)),
        demand=demand(*([("d1", "a", 1000.0, 0.0, 60), ("d2", "c", 0.0, 0.0, 1440)] if people else [])),
        facilities=facilities(("c", "clinic", 1000.0, 0.0), ("s", "shop", 1200.0, 0.0), ("p", "park", 1000.0, 0.0)),
    )


def made(*, people: bool = True) -> Diagnosis:
    return judged(place(people=people), standard(ASKED))


def test_the_summary_says_the_main_figures_in_words_and_as_facts(tmp_path: Path) -> None:
    """clinic: a b pass, c fails; shop: a passes, b (700 s) and c fail; park: a and b pass (100 m, 500 m), c unknown."""
    words, facts = summary(made(), tmp_path / "out", lang="en")
    assert (facts["passed"], facts["failed"], facts["not_determinable"], facts["units"]) == (5, 3, 1, 3)
    assert (facts["rate"], facts["rate_low"], facts["rate_high"]) == (5 / 8, 5 / 9, 6 / 9)
    assert facts["worst_classes"] == {"shop": 2, "clinic": 1}
    assert facts["covered_share"] == (60 * 2) / (1500 * 2)
    assert words[1] == "3 neighbourhoods: 5 pairs pass, 3 are missing, 1 cannot be determined."
    assert words[2].startswith("Compliance rate 62.5 % (between 55.6 % and 66.7 %")
    assert words[3].startswith("4.0 % of required services are within reach of the 1,500 residents")
    assert words[4] == "1 of 3 neighbourhoods lack nothing."
    assert words[5] == "Most often missing: shop 2, clinic 1."
    assert words[-1].endswith(REPORT_FILES["en"])
    assert json.loads(json.dumps(facts))["result_hash"] == made().hash()


def test_the_summary_is_chinese_too_and_leaves_out_what_was_not_written(tmp_path: Path) -> None:
    words, facts = summary(made(), tmp_path, lang="zh", report=False)
    assert "62.5 %" in words[2]
    assert "shop中 2" in words[5]
    assert facts["report"] is None
    assert not any("report" in line for line in words)


def test_unknown_people_and_undetermined_rates_are_said_to_be_unknown(tmp_path: Path) -> None:
    words, facts = summary(made(people=False), tmp_path, lang="en")
    assert facts["covered_share"] is None
    assert words[3] == "The city's residents are unknown, so no share of residents is given."
    nothing = judged(city(units=units(("u", 0.0, 0.0), zone="")))
    words, facts = summary(nothing, tmp_path, lang="en")
    assert (facts["rate"], facts["rate_low"], facts["rate_high"]) == (None, 0.0, 1.0)
    assert words[2].startswith("Compliance rate – (between 0.0 % and 100.0 %")
    assert worst_classes(nothing) == {}


@pytest.mark.parametrize(
    ("outline", "mend"),
    [
        (None, "run `yike units` first, 1 neighbourhoods have no outline yet."),
        (shapely.box(900, -100, 1100, 100), "their places lie in no neighbourhood."),
    ],
)
def test_residents_that_no_neighbourhood_counts_are_said_with_the_mend(
    tmp_path: Path, outline: shapely.Polygon | None, mend: str
) -> None:
    homes = demand(("in", "a", 1000.0, 0.0, 60), ("none", "", 0.0, 0.0, 1200), ("unknown", "gone", 0.0, 0.0, 34))
    rows = units(("a", 1000.0, 0.0)).assign(outline=[outline])
    diagnosis = judged(city(units=rows, demand=homes, facilities=facilities(("c", "clinic", 1000.0, 0.0))))
    words, facts = summary(diagnosis, tmp_path, lang="en")
    assert f"1,234 of 1,294 residents are counted in no neighbourhood: {mend}" in words
    assert (facts["residents_in_all"], facts["residents_outside_units"], facts["residents"]) == (1294, 1234, 60)
    assert facts["units_without_outline"] == (1 if outline is None else 0)
    assert any("1,234" in line for line in summary(diagnosis, tmp_path, lang="zh")[0])


def test_where_every_resident_is_counted_the_summary_says_nothing_of_it(tmp_path: Path) -> None:
    words, facts = summary(made(), tmp_path, lang="en")
    assert "residents_outside_units" not in facts
    assert not any("no neighbourhood" in line for line in words)
    assert made().parameters["residents_in_all"] == 1500


@pytest.mark.parametrize(("percent", "holds"), [(0.0, True), (62.5, True), (62.6, False), (100.0, False)])
def test_the_gate_compares_the_rate_of_the_whole_city(percent: float, holds: bool) -> None:
    assert gate(made(), percent) is holds


def test_the_gate_never_opens_where_there_is_no_rate() -> None:
    assert gate(judged(city(units=units(("u", 0.0, 0.0), zone=""))), 0.0) is False


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a city, a standard and a whole result with reports."""
    folder = tmp_path_factory.mktemp("study")
    place().save(folder / "城市 1")
    (folder / "small.yaml").write_text(standard_text(ASKED), "utf-8")
    diagnose_folder(folder / "城市 1", str(folder / "small.yaml"), folder / "结果 1", report_langs=languages())
    return folder


def test_the_folder_holds_tables_reports_of_both_languages_and_evidence(study: Path) -> None:
    names = {path.name for path in (study / "结果 1").iterdir()}
    tables = {f"{name}.{end}" for name in RESULT_TABLES for end in ("parquet", "csv")}
    assert names == tables | {"evidence.json"} | {REPORT_FILES[lang] for lang in languages()}
    assert sorted(path.name for path in study.iterdir()) == sorted(["城市 1", "small.yaml", "结果 1"])


def test_reports_are_written_again_from_the_tables_the_same(study: Path) -> None:
    out = study / "结果 1"
    before = {lang: (out / name).read_bytes() for lang, name in REPORT_FILES.items()}
    for name in REPORT_FILES.values():
        (out / name).unlink()
    assert {path.name for path in write_reports(out)} == set(REPORT_FILES.values())
    assert {lang: (out / name).read_bytes() for lang, name in REPORT_FILES.items()} == before


def test_a_second_run_replaces_the_first_and_gives_the_same(study: Path) -> None:
    stated = read_evidence(study / "结果 1")["result_hash"]
    again = diagnose_folder(study / "城市 1", str(study / "small.yaml"), study / "结果 1", report_langs=())
    assert again.hash() == stated
    assert not (study / "结果 1" / "report.html").exists()
    diagnose_folder(study / "城市 1", str(study / "small.yaml"), study / "结果 1", report_langs=languages())


@pytest.mark.parametrize("options", [{"zone": "moon"}, {"horizon_s": 0.0}, {"explain": "some"}])
def test_a_refused_run_writes_nothing(study: Path, tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(InputError):
        diagnose_folder(study / "城市 1", str(study / "small.yaml"), tmp_path / "out", **options)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_reports_are_not_written_from_a_city_that_changed(study: Path, tmp_path: Path) -> None:
    other = place().replace(facilities=place().facilities.assign(x=0.0))
    other.save(tmp_path / "城市 1")
    (tmp_path / "small.yaml").write_text(standard_text(ASKED), "utf-8")
    diagnose_folder(tmp_path / "城市 1", str(tmp_path / "small.yaml"), tmp_path / "out", report_langs=())
    place().save(tmp_path / "城市 1")
    with pytest.raises(EvidenceMismatch):
        write_reports(tmp_path / "out")
    assert not (tmp_path / "out" / "report.html").exists()
