"""Evidence: a diagnosis can be repeated from it, and everything that differs is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from small_city import city, demand, facilities, standard_text, streets, units

from yike import __version__
from yike.errors import Difference, EvidenceMismatch, InputError
from yike.model.city import City
from yike.model.diagnosis import RESULT_TABLES
from yike.reports.evidence import read_evidence, replay
from yike.reports.result import diagnose_folder
from yike.reports.tables import EVIDENCE_FILE


def small_place() -> City:
    """Make a city that has passes, failures and people."""
    return city(
        {mode: streets(mode=mode) for mode in ("walk", "cycle")},
        groups=("child", "elder"),
        units=units(("u1", 100.0, 0.0), ("u2", 900.0, 0.0)).assign(zone=["town", ""]),
        demand=demand(("d1", "u1", 50.0, 0.0, 5, 6), ("d2", "u2", 950.0, 0.0, 7, 8), groups=("child", "elder")),
        facilities=facilities(("c", "clinic", 1000.0, 0.0)),
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a city, a standard and a result beside one another; tests copy them."""
    folder = tmp_path_factory.mktemp("made")
    small_place().save(folder / "城市 1")
    (folder / "small.yaml").write_text(standard_text(), "utf-8")
    diagnose_folder(folder / "城市 1", str(folder / "small.yaml"), folder / "out", zone="town", report_langs=())
    return folder


@pytest.fixture
def study(made: Path, tmp_path: Path) -> Path:
    """Copy the written study to a place of its own."""
    return shutil.copytree(made, tmp_path / "study")


def edit(path: Path, change: Callable[[dict], object]) -> None:
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content), "utf-8")


def differing(study: Path) -> list[tuple[str, str]]:
    with pytest.raises(EvidenceMismatch) as found:
        replay(study / "out")
    assert found.value.exit_code == 1
    return [(each.kind, each.name) for each in found.value.differences]


def test_evidence_names_inputs_parameters_and_every_table(made: Path) -> None:
    content = read_evidence(made / "out")
    place = City.load(made / "城市 1")
    assert content["city"]["hash"] == place.hash
    assert content["city"]["folder"] == "../城市 1"
    assert content["city"]["hashes"] == place.hashes
    assert content["standard"]["from"] == "../small.yaml"
    assert (content["engine_version"], content["parameters"]["zone"]) == (__version__, "town")
    assert set(content["tables"]) == set(RESULT_TABLES)
    assert len(str(content["result_hash"])) == 64
    assert "numpy" in content["platform"]


def test_a_replay_gives_the_same_wherever_the_study_lies(study: Path) -> None:
    stated = read_evidence(study / "out")["result_hash"]
    assert replay(study / "out").hash() == stated
    assert replay(study / "out" / EVIDENCE_FILE).hash() == stated


def test_a_city_that_moved_can_be_named(study: Path) -> None:
    (study / "城市 1").rename(study / "elsewhere")
    with pytest.raises(InputError):
        replay(study / "out")
    assert replay(study / "out", city=study / "elsewhere").hash() == read_evidence(study / "out")["result_hash"]


def test_evidence_without_its_tables_still_replays(study: Path) -> None:
    alone = study / "alone"
    alone.mkdir()
    shutil.copy(study / "out" / EVIDENCE_FILE, alone)
    assert replay(alone).hash() == read_evidence(alone)["result_hash"]


def test_an_edited_part_of_the_city_is_named(study: Path) -> None:
    place = City.load(study / "城市 1")
    place.replace(facilities=place.facilities.assign(x=990.0)).save(study / "城市 1")
    assert differing(study) == [("city", "facilities")]


def test_an_edited_declaration_of_the_city_is_named(study: Path) -> None:
    place = City.load(study / "城市 1")
    place.replace(inventories={}).save(study / "城市 1")
    assert differing(study) == [("city", "declared")]


def test_an_edited_standard_is_named_but_not_a_comment(study: Path) -> None:
    path = study / "small.yaml"
    path.write_text("# a remark\n" + path.read_text("utf-8"), "utf-8")
    assert replay(study / "out").hash() == read_evidence(study / "out")["result_hash"]
    path.write_text(standard_text({"clinic": {"minutes": 11}}), "utf-8")
    assert differing(study) == [("standard", "small")]


def test_an_edited_table_file_is_named(study: Path) -> None:
    path = study / "out" / "areas.parquet"
    table = pd.read_parquet(path)
    table.assign(passed=table["passed"] + 1).to_parquet(path, index=False)
    assert differing(study) == [("file", "areas")]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda e: e["city"].update(hash="0" * 64), [("city", "hash")]),
        (lambda e: e["city"]["hashes"].update(units="0" * 64), [("city", "units")]),
        (lambda e: e["standard"].update(hash="0" * 64), [("standard", "small")]),
        (lambda e: e.update(engine_version="0.0.1"), [("engine", "yike")]),
        (lambda e: e["tables"].update(gaps="0" * 64), [("file", "gaps")]),
        (lambda e: e.update(result_hash="0" * 64), [("result", "all")]),
        (lambda e: e["parameters"].update(borderline_tenths=20), [("parameter", "borderline_tenths")]),
        (lambda e: e["parameters"]["profiles"]["adult"].update(speed_m_s=9.0), [("parameter", "profiles")]),
    ],
)
def test_tampered_evidence_is_found(study: Path, change: Callable[[dict], object], named: list[tuple[str, str]]) -> None:
    edit(study / "out" / EVIDENCE_FILE, change)
    assert differing(study) == named


def test_a_difference_found_only_by_repeating_names_each_table(study: Path) -> None:
    """Inputs and files are as stated, the parameters are not: only the repetition can tell."""
    edit(study / "out" / EVIDENCE_FILE, lambda e: e["parameters"].update(explain="none"))
    assert differing(study) == [("parameter", "explained"), ("result", "gaps"), ("result", "all")]


def test_evidence_from_before_some_parameters_were_stated_still_replays(study: Path) -> None:
    later = {"explained", "residents_in_all", "residents_outside_units", "units_without_outline"}
    stated = read_evidence(study / "out")["parameters"]
    assert later <= set(stated)
    assert (stated["explain"], stated["explained"]) == ("auto", "all")
    old = {name: value for name, value in stated.items() if name not in later} | {"explain": "all"}
    edit(study / "out" / EVIDENCE_FILE, lambda e: e.update(parameters=old))
    assert replay(study / "out").hash() == read_evidence(study / "out")["result_hash"]


def test_a_parameter_taken_from_evidence_is_named_where_every_version_stated_it(study: Path) -> None:
    edit(study / "out" / EVIDENCE_FILE, lambda e: e["parameters"].pop("resident_share"))
    assert differing(study) == [("parameter", "resident_share")]


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        ("", ["file.damaged"]),
        ("{", ["file.damaged"]),
        ("[]", ["evidence.other_kind"]),
        ('{"kind": "something else"}', ["evidence.other_kind"]),
        ("\udcff", ["file.damaged"]),
    ],
)
def test_what_is_no_evidence_is_refused(tmp_path: Path, content: str, codes: list[str]) -> None:
    path = tmp_path / EVIDENCE_FILE
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError) as refused:
        read_evidence(path)
    assert [fault.code for fault in refused.value.faults] == codes


def test_another_zone_gives_other_verdicts(study: Path) -> None:
    edit(study / "out" / EVIDENCE_FILE, lambda e: e["parameters"].update(zone="far"))
    assert {("result", "verdicts"), ("result", "areas"), ("result", "all"), ("parameter", "profiles")} <= set(differing(study))


def test_every_missing_entry_is_named(study: Path) -> None:
    def cut(content: dict) -> None:
        del content["engine_version"], content["parameters"]["zone"], content["city"]["folder"]
        content["tables"] = []

    edit(study / "out" / EVIDENCE_FILE, cut)
    with pytest.raises(InputError) as refused:
        replay(study / "out")
    fields = [fault.field for fault in refused.value.faults]
    assert fields == ["engine_version", "city.folder", "parameters.zone", *(f"tables.{name}" for name in RESULT_TABLES)]


@pytest.mark.parametrize("value", ["sixty", None, -1, 1e9])
def test_a_parameter_out_of_range_is_refused(study: Path, value: object) -> None:
    edit(study / "out" / EVIDENCE_FILE, lambda e: e["parameters"].update(horizon_s=value))
    with pytest.raises(InputError) as refused:
        replay(study / "out")
    assert [fault.field for fault in refused.value.faults] == ["horizon_s"]


@pytest.mark.parametrize(
    "path", ["城市 1/units.parquet", "城市 1/city.yaml", "small.yaml", "out/verdicts.parquet", "out/evidence.json"]
)
def test_a_missing_file_is_named(study: Path, path: str) -> None:
    (study / path).unlink()
    with pytest.raises(InputError) as refused:
        replay(study / "out")
    said = refused.value.words("en")
    assert len(refused.value.faults) == 1
    assert Path(path).name in said or Path(path).parent.name in said


def test_differences_are_said_in_both_languages() -> None:
    error = EvidenceMismatch([Difference("file", "gaps", "aa", "bb"), Difference("city", "units", "cc", None)])
    assert error.words("en").splitlines() == [
        "table file gaps: the evidence states aa, found bb",
        "city units: the evidence states cc, found None",
    ]
    assert error.words("zh").splitlines()[0] == "表文件 gaps：证据记为 aa，实得 bb"
