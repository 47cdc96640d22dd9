"""Messy files of a planner's folder become rows of a City; how each was read is kept, looked at beforehand and used again."""

import shutil
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely
import yaml
from sources.gallery import CRS, LAT, LON

from yike.errors import InputError
from yike.model.city import City
from yike.model.standard import load_standard
from yike.sources.cell_values import chinese_number, figure_of
from yike.sources.city_parts import (
    ImportSummary,
    import_candidates,
    import_facilities,
    import_population,
    import_streets,
    import_units,
)
from yike.sources.column_words import extended_words, find_fields, read_words
from yike.sources.import_preview import preview_import
from yike.sources.notes import note, say_notes
from yike.sources.reading_plan import ReadingPlan, load_plan, name_pattern
from yike.sources.tables import open_table
from yike.texts import languages

STANDARD = load_standard("pudong-2021")


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streets")
    street = shapely.LineString([(LON - 0.01, LAT), (LON + 0.01, LAT)])
    gpd.GeoDataFrame(geometry=gpd.GeoSeries([street], crs="EPSG:4326")).to_parquet(folder / "streets.parquet")
    import_streets(folder / "streets.parquet", city=folder / "city", crs=CRS)
    return folder / "city"


@pytest.fixture
def city(streets: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(streets, tmp_path / "city"))


def facilities(path: Path, city: Path, **options: object) -> ImportSummary:
    return import_facilities(path, city=city, standard=STANDARD, **options)  # type: ignore[arg-type]


def table_of(city: Path) -> pd.DataFrame:
    return City.load(city, check=True).facilities.set_index("facility_id")


def book(path: Path, *sheets: list[list[object]], merge: tuple[str, ...] = ()) -> Path:
    workbook = openpyxl.Workbook()
    for number, rows in enumerate(sheets):
        sheet = workbook.active if number == 0 else workbook.create_sheet(f"表{number + 1}")
        for row in rows:
            sheet.append(row)
        for cells in merge:
            sheet.merge_cells(cells)
    workbook.save(path)
    return path


SHEET: list[list[object]] = [
    ["2024年设施汇总表", None, None, None, None, None],
    ["街镇", "编码", "名称", "位置", None, "规模"],
    [None, None, None, "经度", "纬度", "建筑面积(万平方米)"],
    ["甲镇", 310115001001, "甲药店", LON, LAT, 0.05],
    [None, 310115001002, "乙药店", LON, LAT, "１，２００平方米"],
    ["小计", None, None, None, None, 0.17],
    ["乙镇", 310115001003, "丙药店（暂停营业）", LON, LAT, None],
    [None, 310115001004, "丁药店", LON, LAT, "三亩"],
    [None, 310115001005, "戊药店", LON, LAT, "不详"],
    ["合 计", None, None, None, None, 9],
    ["注：面积为建筑面积", None, None, None, None, None],
]
MERGED = ("A1:F1", "A2:A3", "B2:B3", "C2:C3", "D2:E2", "A4:A5", "A7:A9")


def test_a_workbook_with_title_two_levels_merged_cells_and_totals_is_read(city: Path, tmp_path: Path) -> None:
    path = book(tmp_path / "设施2024.xlsx", SHEET, merge=MERGED)
    done = facilities(path, city, class_id="pharmacy")
    assert (done.rows_read, done.rows_kept, done.rows_left_out) == (5, 4, 1)
    table = table_of(city)
    assert table["floor_area_m2"].round(6).to_dict() == pytest.approx(
        {"310115001001": 500.0, "310115001002": 1200.0, "310115001004": 2000.0, "310115001005": float("nan")}, nan_ok=True
    )
    codes = [each.partition("?")[0] for each in done.notes]
    assert codes[:5] == ["rows_above", "two_levels", "rows_totals", "rows_remarks", "merged_filled"]
    assert note("unit_of_column", column="规模 / 建筑面积(万平方米)", unit="万平方米", factor="10000") in done.notes
    assert note("not_open", word="暂停营业") + "&count=1&rows=7" in done.notes
    for lang in languages():
        assert all(say_notes(each, lang) != each for each in done.notes)
    assert open_table(path).frame["街镇"].tolist() == ["甲镇", "甲镇", "乙镇", "乙镇", "乙镇"]


def test_all_sheets_of_one_header_are_read_and_faults_name_the_sheet(city: Path, tmp_path: Path) -> None:
    head: list[object] = ["名称", "类别", "经度", "纬度"]
    path = book(tmp_path / "a.xlsx", [head, ["甲", "药店", LON, LAT]], [head, ["乙", "药店", LON, LAT], ["丙", "药店", 0, 0]])
    with pytest.raises(InputError) as caught:
        facilities(path, city, plan=ReadingPlan(layer="*"))
    assert [(fault.file, fault.row) for fault in caught.value.faults] == [(f"{path} [表2]", 3)]
    done = facilities(path, city, plan=ReadingPlan(layer="*"), on_bad_rows="drop")
    assert done.rows_kept == 2
    assert sorted(table_of(city).index) == ["a-Sheet-2", "a-表2-2"]


def test_an_old_workbook_is_read() -> None:
    opened = open_table(Path(__file__).parents[1] / "fixtures" / "old_workbook.xls")
    assert opened.frame.to_dict("list") == {"名称": ["甲药店", "乙药店"], "经度": [121.5, 121.6], "纬度": [31.2, 31.3]}
    assert opened.header_rows == (2,)


@pytest.mark.parametrize("encoding", ["GB18030", "UTF-8"])
@pytest.mark.parametrize("cpg", [True, False])
def test_a_shapefile_is_read_with_or_without_its_encoding(city: Path, tmp_path: Path, encoding: str, cpg: bool) -> None:
    path = tmp_path / "设施点.shp"
    shape = gpd.points_from_xy([LON], [LAT], crs="EPSG:4326")
    gpd.GeoDataFrame({"名称": ["甲药店"], "类别": ["药店"]}, geometry=shape).to_file(path, encoding=encoding)
    if not cpg:
        path.with_suffix(".cpg").unlink()
    assert facilities(path, city).rows_kept == 1
    assert table_of(city)["name"].tolist() == ["甲药店"]


def test_a_contradicting_cpg_does_not_garble(city: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.shp"
    shape = gpd.points_from_xy([LON], [LAT], crs="EPSG:4326")
    gpd.GeoDataFrame({"名称": ["甲药店"], "类别": ["药店"]}, geometry=shape).to_file(path, encoding="GB18030")
    path.with_suffix(".cpg").write_text("UTF-8")
    facilities(path, city)
    assert table_of(city)["name"].tolist() == ["甲药店"]


def test_map_service_types_give_classes_or_a_reason(city: Path, tmp_path: Path) -> None:
    path = tmp_path / "poi.csv"
    rows = [
        ("一号药店", "医疗保健服务;医药保健销售店;药房"),
        ("光明小学", "141203"),
        ("光明学校", "科教文化服务;学校;学校"),
        ("宠物之家", "医疗保健服务;动物医疗场所;宠物诊所"),
    ]
    path.write_text("name,type,lon,lat\n" + "".join(f"{name},{kind},{LON},{LAT}\n" for name, kind in rows), "utf-8")
    done = facilities(path, city)
    assert sorted(set(table_of(city)["class_id"])) == ["community_retail", "pharmacy", "primary_school"]
    assert done.rows_left_out == 2
    assert sum(each.startswith("no_class?reason=") for each in done.notes) == 2


def test_points_in_other_systems_are_converted_only_when_asked(city: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"名称,类别,经度,纬度\n甲,药店,{LON},{LAT}\n", "utf-8")
    facilities(path, city)
    plain = table_of(city)
    facilities(path, city, plan=ReadingPlan(points_in="火星坐标"))
    moved = table_of(city)
    away = ((plain["x"] - moved["x"]) ** 2 + (plain["y"] - moved["y"]) ** 2).iloc[0] ** 0.5
    assert 300 < away < 700
    # The plan remembers it; a plan of one's own puts it aside.
    assert facilities(path, city).city_hash == City.load(city).hash
    pd.testing.assert_frame_equal(table_of(city), moved)
    facilities(path, city, plan=ReadingPlan(fresh=True))
    pd.testing.assert_frame_equal(table_of(city), plain)


def test_bad_rows_are_written_corrected_and_imported(city: Path, tmp_path: Path) -> None:
    path = tmp_path / "药店.csv"
    path.write_bytes(f"名称,类别,经度,纬度\n甲,药店,{LON},{LAT}\n乙,茶馆,0,0\n丙,药店,{LON},{LAT}\n".encode("gb18030"))
    before = City.load(city).hash
    with pytest.raises(InputError):
        facilities(path, city)
    assert City.load(city).hash == before
    assert not list(city.parent.glob("*.bad-rows*"))
    done = facilities(path, city, on_bad_rows="drop")
    assert done.bad_rows_file == city.parent / "药店.csv.bad-rows.csv"
    assert done.bad_rows_file is not None
    bad = pd.read_csv(done.bad_rows_file, dtype=str)
    assert bad["yike_row"].tolist() == ["3"]
    assert "茶馆" in bad["yike_fault"][0]
    bad.assign(类别="药店", 经度=str(LON), 纬度=str(LAT)).to_csv(done.bad_rows_file, index=False, encoding="utf-8-sig")
    facilities(done.bad_rows_file, city)
    assert sorted(table_of(city).index) == ["药店-2", "药店-3", "药店-4"]
    assert City.load(city).inventories == {"pharmacy": "药店.csv"}
    again = facilities(done.bad_rows_file, city)
    assert sorted(table_of(city).index) == ["药店-2", "药店-3", "药店-4"]
    assert again.city_hash == City.load(city).hash
    facilities(path, city, on_bad_rows="drop")
    assert sorted(table_of(city).index) == ["药店-2", "药店-4"]


def test_a_second_identical_import_changes_nothing(city: Path, tmp_path: Path) -> None:
    path = book(tmp_path / "设施2024.xlsx", SHEET, merge=MERGED)
    first = facilities(path, city, class_id="pharmacy")
    plan = (city / "plans" / "设施2024.xlsx.facilities.yaml").read_bytes()
    provenance = City.load(city).provenance
    second = facilities(path, city, class_id="pharmacy")
    assert second.city_hash == first.city_hash
    assert (city / "plans" / "设施2024.xlsx.facilities.yaml").read_bytes() == plan
    assert City.load(city).provenance == provenance


def test_the_plan_of_last_year_is_used_edited_and_checked(city: Path, tmp_path: Path) -> None:
    facilities(book(tmp_path / "设施2024.xlsx", SHEET, merge=MERGED), city, class_id="pharmacy")
    path = city / "plans" / "设施2024.xlsx.facilities.yaml"
    plan = yaml.safe_load(path.read_text("utf-8"))
    assert plan["files"] == "设施*.xlsx"
    assert plan["header_rows"] == [2, 3]
    assert plan["columns"]["规模 / 建筑面积(万平方米)"] == {"field": "floor_area_m2", "unit": "万平方米"}
    assert plan["columns"]["街镇"] == {"field": ""}
    plan["columns"]["规模 / 建筑面积(万平方米)"] = {"field": "site_area_m2", "unit": "公顷"}
    path.write_text(yaml.safe_dump(plan, allow_unicode=True), "utf-8")
    preview = preview_import("facilities", book(tmp_path / "设施2025.xlsx", SHEET, merge=MERGED), city=city, standard=STANDARD)
    assert preview.plan.source == str(path)
    assert preview.classes == {"pharmacy": 4}
    plan["columns"]["编码"] = {"field": "licence_plate"}
    plan["colour"] = "red"
    path.write_text(yaml.safe_dump(plan, allow_unicode=True), "utf-8")
    with pytest.raises(InputError) as caught:
        load_plan(path)
    assert [(fault.code, fault.field) for fault in caught.value.faults] == [("plan.unknown_key", "colour")]
    del plan["colour"]
    path.write_text(yaml.safe_dump(plan, allow_unicode=True), "utf-8")
    with pytest.raises(InputError) as caught:
        facilities(tmp_path / "设施2025.xlsx", city)
    assert [(fault.code, fault.field) for fault in caught.value.faults] == [("plan.unknown_key", "columns.编码")]


def test_a_column_that_the_plan_reads_must_be_there(city: Path, tmp_path: Path) -> None:
    path = tmp_path / "a1.csv"
    path.write_text(f"名称,类别,经度,纬度\n甲,药店,{LON},{LAT}\n", "utf-8")
    facilities(path, city)
    later = tmp_path / "a2.csv"
    later.write_text(f"店名,类别,经度,纬度\n甲,药店,{LON},{LAT}\n", "utf-8")
    with pytest.raises(InputError, match="--new-plan") as caught:
        facilities(later, city)
    assert [(fault.code, fault.field) for fault in caught.value.faults] == [("plan.column_gone", "名称")]


def test_a_preview_changes_nothing_and_says_all(city: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"名称,类别,经度,纬度,面积(亩),备注\n甲,药店,{LON},{LAT},3,x\n乙,茶馆,{LON},{LAT},1,y\n".encode("gb18030"))
    before = sorted((each, each.stat().st_mtime_ns) for each in city.rglob("*"))
    preview = preview_import("facilities", path, city=city, standard=STANDARD)
    assert sorted((each, each.stat().st_mtime_ns) for each in city.rglob("*")) == before
    assert [(each.column, each.field, each.unit, each.samples) for each in preview.columns] == [
        ("名称", "name", "", ("甲", "乙")), ("类别", "class_id", "", ("药店", "茶馆")), ("经度", "lon", "", (str(LON),)),
        ("纬度", "lat", "", (str(LAT),)), ("面积(亩)", "floor_area_m2", "亩", ("3", "1")), ("备注", "", "", ("x", "y")),
    ]  # fmt: skip
    assert (preview.encoding, preview.rows_read, preview.rows_good, preview.rows_bad) == ("GB18030", 2, 1, 1)
    assert preview.datum is not None
    assert preview.datum.system is None
    assert [fault.code for fault in preview.faults] == ["tables.unknown_class"]
    for lang in languages():
        assert len(preview.words(lang)) >= 10
    saved = preview_import("facilities", path, city=city, standard=STANDARD, save=True).saved
    assert saved == city / "plans" / "a.csv.facilities.yaml"
    assert load_plan(saved).columns == preview.plan.columns


def test_words_of_a_user_go_first_and_are_checked(city: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.yaml"
    words.write_text(
        "columns: {facilities: {name: [招牌]}}\nunits: {area: {坪: 3.305785}}\nstatus: {not_open: [改造中]}\n", "utf-8"
    )
    vocabulary = extended_words(read_words(words), file="words")
    found = find_fields(["名称", "招牌", "面积（坪）"], "facilities", words=vocabulary)
    assert (found["name"].column, found["floor_area_m2"].factor) == ("招牌", 3.305785)
    path = tmp_path / "a.csv"
    path.write_text(f"招牌,类别,经度,纬度,面积(坪),状态\n甲,药店,{LON},{LAT},100,营业\n乙,药店,{LON},{LAT},1,改造中\n", "utf-8")
    done = facilities(path, city, plan=ReadingPlan(words=read_words(words)))
    assert table_of(city)[["name", "floor_area_m2"]].to_numpy().tolist() == [["甲", pytest.approx(330.5785)]]
    assert done.rows_left_out == 1
    words.write_text("colums: {}\nunits: {area: {坪: many}}\n", "utf-8")
    with pytest.raises(InputError) as caught:
        read_words(words)
    assert [fault.field for fault in caught.value.faults] == ["colums", "units.area.坪"]


def test_people_units_and_sites_are_read_with_their_units_and_codes(city: Path, tmp_path: Path) -> None:
    people = tmp_path / "人口.csv"
    people.write_text(f"编号,经度,纬度,居委编号,常住人口(万人)\np1,{LON},{LAT},310115001001.0,1.2\n合计,,,,1.2\n", "utf-8")
    import_population(people, city=city)
    assert City.load(city).demand[["residents", "unit_id"]].to_numpy().tolist() == [[12000, ""]]
    units = tmp_path / "居村委.csv"
    units.write_text(f"代码,居委名称,经度,纬度,街道代码\n310115001001,甲居委会,{LON},{LAT},310115001\n", "utf-8")
    import_units(units, city=city)
    assert City.load(city).units[["name", "kind", "subdistrict_id"]].to_numpy().tolist() == [
        ["甲居委会", "residents_committee", "310115001"]
    ]
    sites = tmp_path / "地块.csv"
    sites.write_text(f'名称,经度,纬度,估算投资（万元）,可用建筑面积\n旧厂,{LON},{LAT},一百二十,"1,200"\n', "utf-8")
    import_candidates(sites, city=city)
    assert City.load(city).candidates[["cost_yuan", "floor_area_m2"]].to_numpy().tolist() == [[1_200_000.0, 1200.0]]


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("零", 0), ("五", 5), ("十", 10), ("十五", 15), ("二十", 20), ("一百零二", 102), ("一百二十三", 123), ("两千", 2000),
        ("三万五千", 35000), ("三百二十一万四千", 3_214_000), ("一亿二千万", 120_000_000), ("二〇二四", 2024), ("壹佰贰拾", 120),
        ("一百二", None), ("一一十", None), ("甲", None), ("", None),
    ],
)  # fmt: skip
def test_chinese_numerals(word: str, number: int | None) -> None:
    assert chinese_number(word) == number


@pytest.mark.parametrize(
    ("word", "figure"),
    [("1,200", 1200), ("1.2万平方米", 12000), ("3亩", 2000), ("500_m2", 500), ("1.2万", 12000), ("五百平方米", 500)],
)
def test_figures_with_units(word: str, figure: float) -> None:
    units = {"平方米": 1.0, "m2": 1.0, "万平方米": 10_000.0, "亩": 2000 / 3}
    assert figure_of(word, units=units)[0] == pytest.approx(figure)


@pytest.mark.parametrize("word", ["约300", "12,00", "12英尺", "1e999", "3-5", "三四百"])
def test_what_is_no_figure_is_none(word: str) -> None:
    assert figure_of(word, units={"平方米": 1.0}) == (pytest.approx(float("nan"), nan_ok=True), "")


def test_patterns_stand_for_other_years_only() -> None:
    assert name_pattern("学校2024(3).xls") == "学校*(*).xls"
    assert name_pattern("a[1].csv") == "a[[]*].csv"
