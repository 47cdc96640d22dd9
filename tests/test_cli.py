"""The command line: exit codes, one line an error, both languages, JSON, and no traceback whatever is typed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from small_city import city, demand, facilities, standard_text, streets, units

from yike import __version__
from yike.cli import main

COMMANDS = ("demo", "check", "units", "circles", "diagnose", "report", "replay")
IMPORTS = ("streets", "facilities", "population", "units", "candidates")
STANDARDS = ("list", "show", "validate")
EVERY_COMMAND = (
    [[name] for name in COMMANDS] + [["import", name] for name in IMPORTS] + [["standards", name] for name in STANDARDS]
)


@dataclass(frozen=True)
class Run:
    """Hold what one command line gave."""

    code: int
    out: str
    err: str


Yike = Callable[..., Run]


@pytest.fixture
def yike(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Yike:
    """Run a command line in this process, in an empty folder, speaking English."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YIKE_LANG", "en")

    def run(*words: object) -> Run:
        monkeypatch.setattr(sys, "argv", ["yike", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return Run(int(ended.value.code or 0), told.out, told.err)

    return run


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a City folder with a space and Chinese in its name: one unit passes, one fails."""
    place = city(
        {mode: streets(mode=mode) for mode in ("walk", "cycle")},
        groups=("child",),
        units=units(("u1", 0.0, 0.0), ("u2", 900.0, 0.0)),
        demand=demand(("d1", "u1", 0.0, 0.0, 5), ("d2", "u2", 900.0, 0.0, 15), groups=("child",)),
        facilities=facilities(("c", "clinic", 1000.0, 0.0)),
    )
    folder = place.save(tmp_path_factory.mktemp("a b") / "云津 区")
    (folder.parent / "标准 1.yaml").write_text(standard_text(), "utf-8")
    return folder


@pytest.fixture
def diagnosed(town: Path, yike: Yike, tmp_path: Path) -> Path:
    """Diagnose the town, without reports."""
    out = tmp_path / "结果 1"
    assert yike("diagnose", town, "--standard", town.parent / "标准 1.yaml", "-o", out, "--no-report").code == 0
    return out


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("command", EVERY_COMMAND, ids=" ".join)
def test_every_command_explains_itself_in_both_languages(yike: Yike, command: list[str], lang: str) -> None:
    told = yike(*command, "--help", "--lang", lang)
    assert (told.code, told.err) == (0, "")
    explained = told.out.split("Options:")[0]
    assert bool(re.search("[\u4e00-\u9fff]", explained)) is (lang == "zh")


def test_the_list_of_commands_is_complete(yike: Yike) -> None:
    listed = yike("--help").out.split("Commands:")[1]
    assert set(COMMANDS) < set(re.findall(r"^  (\w+)", listed, re.MULTILINE))
    for group, names in (("import", IMPORTS), ("standards", STANDARDS)):
        assert set(names) <= set(re.findall(r"^  (\w+)", yike(group, "--help").out.split("Commands:")[1], re.MULTILINE))


def test_the_version(yike: Yike) -> None:
    assert yike("--version") == Run(0, f"{__version__}\n", "")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_language_may_stand_anywhere(yike: Yike, place: int) -> None:
    words = ["standards", "list"]
    words[place:place] = ["--lang", "zh"]
    assert "浦东新区" in yike(*words).out
    assert "Pudong" in yike("standards", "list").out


def test_the_environment_gives_the_language_and_the_line_overrules_it(yike: Yike, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIKE_LANG", "zh")
    assert "浦东新区" in yike("standards", "list").out
    assert "Pudong" in yike("--lang=en", "standards", "list").out


@pytest.mark.parametrize("words", [["--lang", "fr"], ["--lang="], ["check", "--lang"]])
def test_an_unknown_language_is_named(yike: Yike, words: list[str]) -> None:
    told = yike(*words)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("yike, field --lang: No language is called “")
    assert len(told.err.splitlines()) == 1


def test_diagnose_says_the_figures_and_writes_the_folder(yike: Yike, town: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = yike("diagnose", town, "--standard", town.parent / "标准 1.yaml", "-o", out)
    assert (told.code, told.err) == (0, "")
    assert "2 neighbourhoods: 1 pairs pass, 1 are missing, 0 cannot be determined." in told.out
    assert "Compliance rate 50.0 %" in told.out
    assert "75.0 % of required services" in told.out
    report = Path(told.out.strip().splitlines()[-1].removeprefix("Report: "))
    assert report.read_text("utf-8").startswith("<!doctype html>")


def test_diagnose_tells_machines_one_json_object(yike: Yike, town: Path, tmp_path: Path) -> None:
    told = yike("--json", "diagnose", town, "--standard", town.parent / "标准 1.yaml", "-o", tmp_path / "out", "--no-report")
    facts = json.loads(told.out)
    assert (facts["passed"], facts["failed"], facts["rate"], facts["report"]) == (1, 1, 0.5, None)
    evidence = json.loads((tmp_path / "out" / "evidence.json").read_text("utf-8"))
    assert facts["result_hash"] == evidence["result_hash"]


@pytest.mark.parametrize(("percent", "code"), [("50", 0), ("50.1", 1), ("0", 0), ("100", 1)])
def test_the_gate_ends_with_one_and_still_writes_the_result(
    yike: Yike, town: Path, tmp_path: Path, percent: str, code: int
) -> None:
    standard = town.parent / "标准 1.yaml"
    told = yike("diagnose", town, "--standard", standard, "-o", tmp_path / "out", "--no-report", "--fail-under", percent)
    assert (told.code, told.err) == (code, "")
    assert "Compliance rate 50.0 %" in told.out
    assert (tmp_path / "out" / "verdicts.csv").is_file()


def test_replay_is_equal_and_names_what_differs(yike: Yike, diagnosed: Path) -> None:
    told = yike("replay", diagnosed)
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("Every table is the same")
    assert json.loads(yike("replay", diagnosed / "evidence.json", "--json").out)["equal"] is True
    path = diagnosed / "evidence.json"
    stated = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**stated, "result_hash": "ab"}), "utf-8")
    different = yike("replay", diagnosed)
    assert (different.code, different.out) == (1, "")
    assert re.fullmatch(r"repeated table all: the evidence states ab, found [0-9a-f]{64}\n", different.err)
    assert "证据记为 ab" in yike("replay", diagnosed, "--lang", "zh").err


def test_report_writes_both_languages_again(yike: Yike, diagnosed: Path) -> None:
    told = yike("report", diagnosed, "--json")
    assert told.code == 0
    assert all(Path(path).is_file() for path in json.loads(told.out)["reports"])
    assert len(json.loads(told.out)["reports"]) == 2


def test_check_tells_an_edited_city_from_a_whole_one(yike: Yike, town: Path, tmp_path: Path) -> None:
    whole = yike("check", town)
    assert (whole.code, whole.err) == (0, "")
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", str(town), str(copy)], check=True)
    head = (copy / "city.yaml").read_text("utf-8")
    (copy / "city.yaml").write_text(re.sub(r"(?m)^hash: \w+", "hash: abc", head), "utf-8")
    edited = yike("check", copy, "--json")
    assert edited.code == 1
    assert "hash_differs" in [line["code"] for line in json.loads(edited.out)["lines"]]


def test_circles_are_written_for_a_map_program(yike: Yike, town: Path, tmp_path: Path) -> None:
    told = yike("circles", town, "-o", tmp_path / "圈.geojson", "--minutes", 5, "--minutes", 10, "--json")
    assert (told.code, json.loads(told.out)["circles"]) == (0, 4)
    features = json.loads((tmp_path / "圈.geojson").read_text("utf-8"))["features"]
    assert sorted(feature["properties"]["minutes"] for feature in features) == [5, 5, 10, 10]


def test_standards_are_listed_shown_and_checked(yike: Yike, town: Path) -> None:
    listed = json.loads(yike("standards", "list", "--json").out)["standards"]
    assert {entry["id"]: entry["classes"] for entry in listed}["pudong-2021"] == 37
    shown = json.loads(yike("standards", "show", "pudong-2021", "--json").out)
    assert len(shown["rows"]) >= 37
    assert "Requirement" in yike("standards", "show", town.parent / "标准 1.yaml").out
    assert yike("standards", "validate", town.parent / "标准 1.yaml").out.startswith("small is valid: 1 fields, 1 classes")


def test_a_standard_with_mistakes_gives_one_line_each(yike: Yike, tmp_path: Path) -> None:
    wrong = standard_text().replace("official", "certain").replace("reach_time", "reach_tyme")
    (tmp_path / "wrong.yaml").write_text(wrong, "utf-8")
    told = yike("standards", "validate", "wrong.yaml")
    assert (told.code, told.out) == (2, "")
    lines = told.err.splitlines()
    assert len(lines) >= 3
    assert all(line.startswith("wrong.yaml, row ") for line in lines)
    assert any("reach_tyme" in line for line in lines)


def test_importing_tells_file_row_and_field_of_every_bad_cell(yike: Yike, town: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", str(town), str(copy)], check=True)
    head = "facility_id,class_id,name,lon,lat\n"
    (tmp_path / "设施 1.csv").write_text(head + "a,pharmacy,A,121.5,31.2\nb,pharmacy,B,east,31.2\nc,pharmacy,C,121.5,\n", "utf-8")
    before = (copy / "city.yaml").read_bytes()
    told = yike("import", "facilities", "设施 1.csv", "--city", copy)
    assert (told.code, told.out) == (2, "")
    lines = told.err.splitlines()
    assert [re.match(r"设施 1\.csv, row (\d+), field (\w+)", line).groups() for line in lines] == [("3", "lon"), ("4", "lat")]
    assert (copy / "city.yaml").read_bytes() == before


# What is typed, and what the one line on stderr must name. PLAIN is a file of one word, EMPTY an empty one, HOLLOW an empty
# folder, CITY a good city, CUT a city with a table cut short, OUT a new folder.
NASTY = [
    (["nosuch"], "nosuch"),
    (["diagnose"], "DIR"),
    (["diagnose", "CITY"], "--out"),
    (["diagnose", "CITY", "-o", "OUT", "--nosuch"], "--nosuch"),
    (["diagnose", "CITY", "-o", "OUT", "--horizon-min", "abc"], "--horizon-min"),
    (["diagnose", "CITY", "-o", "OUT", "--horizon-min", "0"], "horizon"),
    (["diagnose", "CITY", "-o", "OUT", "--horizon-min", "-5"], "horizon"),
    (["diagnose", "CITY", "-o", "OUT", "--horizon-min", "nan"], "horizon"),
    (["diagnose", "CITY", "-o", "OUT", "--explain", "some"], "explain"),
    (["diagnose", "CITY", "-o", "OUT", "--zone", "moon"], "moon"),
    (["diagnose", "CITY", "-o", "OUT", "--standard", "nosuch"], "nosuch"),
    (["diagnose", "CITY", "-o", "OUT", "--standard", "HOLLOW"], "hollow"),
    (["diagnose", "CITY", "-o", "OUT", "--standard", "EMPTY"], "empty"),
    (["diagnose", "CITY", "-o", "PLAIN"], "plain"),
    (["diagnose", "CITY", "-o", "CITY"], "云津 区"),
    (["diagnose", "CITY", "-o", "PLAIN/out"], "plain"),
    (["diagnose", "PLAIN", "-o", "OUT"], "plain"),
    (["diagnose", "HOLLOW", "-o", "OUT"], "hollow"),
    (["diagnose", "nowhere", "-o", "OUT"], "nowhere"),
    (["diagnose", "CUT", "-o", "OUT"], "units.parquet"),
    (["check", "PLAIN"], "plain"),
    (["check", "CUT"], "units.parquet"),
    (["units", "HOLLOW"], "hollow"),
    (["units", "CITY", "--profile", "broom"], "broom"),
    (["circles", "CITY", "-o", "c.gpkg", "--minutes", "0"], "minutes"),
    (["circles", "CITY", "-o", "c.gpkg", "--minutes", "-3"], "minutes"),
    (["circles", "CITY", "-o", "c.gpkg", "--minutes", "ten"], "--minutes"),
    (["circles", "CITY", "-o", "c.gpkg", "--profile", "broom"], "broom"),
    (["circles", "CITY", "-o", "HOLLOW"], "hollow"),
    (["circles", "CITY", "-o", "c.txt"], "c.txt"),
    (["circles", "CITY", "-o", "PLAIN/c.gpkg"], "plain"),
    (["demo", "PLAIN"], "plain"),
    (["report", "HOLLOW"], "evidence.json"),
    (["report", "CITY"], "evidence.json"),
    (["replay", "PLAIN"], "plain"),
    (["replay", "EMPTY"], "empty"),
    (["replay", "nowhere"], "nowhere"),
    (["standards", "show", "nosuch"], "nosuch"),
    (["standards", "show", "HOLLOW"], "hollow"),
    (["standards", "validate", "PLAIN"], "plain"),
    (["import", "streets", "nowhere.osm.pbf", "--city", "new"], "nowhere.osm.pbf"),
    (["import", "streets", "PLAIN", "--city", "new"], "plain"),
    (["import", "streets", "HOLLOW", "--city", "new"], "hollow"),
    (["import", "streets", "plain.osm.pbf", "--city", "new"], "plain.osm.pbf"),
    (["import", "streets", "plain.osm", "--city", "new"], "plain.osm"),
    (["import", "streets", "plain.gpkg", "--city", "new"], "plain.gpkg"),
    (["import", "streets", "plain.parquet", "--city", "new"], "plain.parquet"),
    (["import", "facilities", "plain.csv", "--city", "HOLLOW"], "hollow"),
    (["import", "facilities", "plain.csv", "--city", "CITY"], "plain.csv"),
    (["import", "facilities", "EMPTY", "--city", "CITY"], "empty"),
    (["import", "facilities", "plain.parquet", "--city", "CITY"], "plain.parquet"),
    (["import", "facilities", "HOLLOW", "--city", "CITY"], "hollow"),
    (["import", "facilities", "plain.csv"], "--city"),
    (["import", "population", "plain.gpkg", "--city", "CITY"], "plain.gpkg"),
    (["import", "population", "plain.csv", "--city", "CITY", "--rounding", "up"], "up"),
    (["import", "units", "HOLLOW", "--city", "CITY"], "hollow"),
    (["import", "candidates", "plain.csv", "--city", "CITY"], "plain.csv"),
]  # fmt: skip


@pytest.fixture(scope="module")
def cut_city(town: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the town and cut one of its tables short."""
    copy = tmp_path_factory.mktemp("cut") / "city"
    subprocess.run(["cp", "-r", str(town), str(copy)], check=True)
    whole = (copy / "units.parquet").read_bytes()
    (copy / "units.parquet").write_bytes(whole[: len(whole) // 2])
    return copy


@pytest.mark.parametrize(("words", "named"), NASTY, ids=[" ".join(words) for words, _ in NASTY])
def test_whatever_is_typed_one_clear_line_names_it(
    yike: Yike, town: Path, cut_city: Path, tmp_path: Path, words: list[str], named: str
) -> None:
    for name in ("plain", "plain.csv", "plain.osm.pbf", "plain.osm", "plain.gpkg", "plain.parquet"):
        (tmp_path / name).write_text("nonsense")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "hollow").mkdir()
    places = {"CITY": town, "CUT": cut_city, "PLAIN": "plain", "EMPTY": "empty.csv", "HOLLOW": "hollow", "OUT": "out"}
    before = sorted(path.name for path in tmp_path.iterdir())
    typed = [str(places.get(word, word)).replace("PLAIN", "plain") for word in words]
    told = yike(*typed)
    assert (told.code, told.out) == (2, "")
    lines = told.err.splitlines()
    assert len(lines) == 1
    assert named in lines[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    chinese = yike(*typed, "--lang", "zh")
    assert (chinese.code, len(chinese.err.splitlines())) == (2, 1)
    assert re.search("[\u4e00-\u9fff]", chinese.err.replace("云津 区", ""))


def test_a_full_disk_is_one_line_too(yike: Yike, town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "verdicts.parquet")

    monkeypatch.setattr("yike.reports.result.write_tables", refuse)
    told = yike("diagnose", town, "--standard", town.parent / "标准 1.yaml", "-o", tmp_path / "out")
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("verdicts.parquet: No space left on device.")
    assert not (tmp_path / "out").exists()


def test_interrupting_leaves_nothing_half_written(
    yike: Yike, town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("yike.reports.result.write_tables", interrupt)
    told = yike("diagnose", town, "--standard", town.parent / "标准 1.yaml", "-o", tmp_path / "out")
    assert (told.code, told.err) == (130, "Stopped; nothing was half-written.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_stops_reading_gets_no_traceback() -> None:
    environment = {**os.environ, "YIKE_LANG": "en", "PYTHONUNBUFFERED": "1"}
    program = "from yike.cli import main; main()"
    shown = subprocess.Popen(
        [sys.executable, "-c", program, "standards", "show", "pudong-2021"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
    )  # fmt: skip
    assert shown.stdout is not None
    shown.stdout.close()
    _, said = shown.communicate(timeout=60)
    assert b"Traceback" not in said
    assert shown.returncode == 1
