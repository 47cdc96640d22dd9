"""Result tables as files, and the folder that is filled whole or not at all."""

import csv
import io
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from small_city import city, demand, facilities, judged, units

from yike.errors import InputError
from yike.model.diagnosis import RESULT_TABLES, Diagnosis, table_hashes
from yike.reports.tables import EVIDENCE_FILE, OutputFolder, read_tables, write_tables

CRS = "EPSG:32651"


@pytest.fixture(scope="module")
def diagnosis() -> Diagnosis:
    """Judge two units, one of which fails with a route, one without a place in reach."""
    place = city(
        listed=("clinic",),
        groups=("child",),
        units=units(("甲", 100.0, 0.0), ("乙", 100.0, 5000.0)),
        demand=demand(("d1", "甲", 100.0, 0.0, 7), ("d2", "乙", 200.0, 5000.0, 0), groups=("child",)),
        facilities=facilities(("c", "clinic", 1000.0, 0.0)),
    )
    return judged(place)


def test_every_table_is_written_twice_and_read_back_the_same(diagnosis: Diagnosis, tmp_path: Path) -> None:
    paths = write_tables(diagnosis, tmp_path / "结果 1", crs=CRS)
    assert sorted(path.name for path in paths) == sorted(f"{name}.{end}" for name in RESULT_TABLES for end in ("parquet", "csv"))
    again = read_tables(tmp_path / "结果 1")
    assert table_hashes(again) == diagnosis.hashes()
    assert again["gaps"]["route"].isna().sum() == 1
    assert again["verdicts"]["unit_id"].tolist() == ["乙", "甲"]


def test_shapes_carry_the_citys_coordinate_system(diagnosis: Diagnosis, tmp_path: Path) -> None:
    write_tables(diagnosis, tmp_path, crs=CRS)
    for name, schema in RESULT_TABLES.items():
        if schema.geometry is not None:
            assert gpd.read_parquet(tmp_path / f"{name}.parquet").crs.to_epsg() == 32651


def test_csv_opens_in_a_spreadsheet_and_has_no_shapes(diagnosis: Diagnosis, tmp_path: Path) -> None:
    write_tables(diagnosis, tmp_path, crs=CRS)
    written = (tmp_path / "gaps.csv").read_bytes()
    assert written.startswith("\ufeff".encode())
    rows = list(csv.DictReader(io.StringIO(written.decode("utf-8-sig"))))
    assert list(rows[0]) == [column.name for column in RESULT_TABLES["gaps"].columns if column.name != "route"]
    assert [(row["unit_id"], row["reachable"]) for row in rows] == [("乙", "FALSE"), ("甲", "TRUE")]
    gaps = pd.read_csv(tmp_path / "gaps.csv")
    assert gaps[["unit_id", "time_s", "route_m"]].fillna(-1).to_numpy().tolist() == [["乙", -1, -1], ["甲", 900.0, 900.0]]
    assert "route" not in gaps
    assert b"\r" not in (tmp_path / "gaps.csv").read_bytes()


def test_an_empty_table_is_written_and_read_back(tmp_path: Path) -> None:
    fine = judged(city(units=units(("u", 0.0, 0.0)), facilities=facilities(("c", "clinic", 0.0, 0.0))))
    assert [len(fine.table(name)) for name in ("gaps", "blind_zones", "unconnected")] == [0, 0, 0]
    write_tables(fine, tmp_path, crs=CRS)
    assert table_hashes(read_tables(tmp_path)) == fine.hashes()


def test_missing_tables_are_all_named_and_a_damaged_one_too(diagnosis: Diagnosis, tmp_path: Path) -> None:
    write_tables(diagnosis, tmp_path, crs=CRS)
    whole = (tmp_path / "areas.parquet").read_bytes()
    (tmp_path / "areas.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError) as damaged:
        read_tables(tmp_path)
    assert [(fault.code, Path(fault.file).name) for fault in damaged.value.faults] == [("file.damaged", "areas.parquet")]
    for name in ("areas", "gaps"):
        (tmp_path / f"{name}.parquet").unlink()
    with pytest.raises(InputError) as missing:
        read_tables(tmp_path)
    assert [(fault.code, Path(fault.file).name) for fault in missing.value.faults] == [
        ("file.missing", "areas.parquet"), ("file.missing", "gaps.parquet"),
    ]  # fmt: skip


def fill(folder: Path, content: str) -> None:
    with OutputFolder(folder) as draft:
        (draft / EVIDENCE_FILE).write_text(content)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_appears_whole_with_its_parents(tmp_path: Path) -> None:
    fill(tmp_path / "deep" / "out", "1")
    assert (tmp_path / "deep" / "out" / EVIDENCE_FILE).read_text() == "1"
    assert names(tmp_path / "deep") == ["out"]
    assert (tmp_path / "deep" / "out").stat().st_mode & 0o777 == 0o755


def test_an_empty_folder_and_an_earlier_result_are_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    fill(out, "1")
    for name in ("verdicts.csv", "gaps.parquet", "report.html"):
        (out / name).write_text("old")
    fill(out, "2")
    assert names(out) == [EVIDENCE_FILE]
    assert (out / EVIDENCE_FILE).read_text() == "2"
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize(
    "others", [["notes.txt"], [EVIDENCE_FILE, "notes.txt"], ["verdicts.csv"], [EVIDENCE_FILE, "facilities.parquet"]]
)
def test_a_folder_with_anything_else_is_refused_and_left_alone(tmp_path: Path, others: list[str]) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in others:
        (out / name).write_text("mine")
    with pytest.raises(InputError) as refused:
        fill(out, "2")
    assert [fault.code for fault in refused.value.faults] == ["output.folder_in_use"]
    assert names(out) == sorted(others)
    assert all((out / name).read_text() == "mine" for name in others)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(InputError):
        fill(tmp_path / "out", "2")
    assert (tmp_path / "out").read_text() == "mine"


def fail_half_way(folder: Path) -> None:
    with OutputFolder(folder) as draft:
        (draft / "verdicts.csv").write_text("half")
        (draft / "gaps.csv").write_text(f"{1 / 0}")


@pytest.mark.parametrize("earlier", [False, True])
def test_a_run_that_fails_leaves_things_as_they_were(tmp_path: Path, earlier: bool) -> None:
    out = tmp_path / "out"
    if earlier:
        fill(out, "1")
    with pytest.raises(ZeroDivisionError):
        fail_half_way(out)
    assert names(tmp_path) == (["out"] if earlier else [])
    assert not earlier or names(out) == [EVIDENCE_FILE]


def test_where_the_new_folder_cannot_take_its_place_the_old_one_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    fill(out, "1")
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if target == out and not self.name.endswith("-old"):
            raise OSError("no room")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="no room"):
        fill(out, "2")
    assert (out / EVIDENCE_FILE).read_text() == "1"
    assert names(tmp_path) == ["out"]
