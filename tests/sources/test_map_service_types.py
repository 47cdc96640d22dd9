"""Every type of the map service has its class or its reason, and both standards and texts know the words."""

import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

import yike.sources
from yike.model.standard import Standard
from yike.sources.map_service_types import TypeReading, class_of_type, classes_of_types, map_service_types
from yike.texts import words

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
MAPPING = Path(next(iter(yike.sources.__path__))) / "mappings" / "map-service-types.yaml"
ALL_TYPES = 869


def published_types(workbook: Path) -> dict[str, str]:
    """Read code and three levels from the third sheet of the service's own list."""
    archive = zipfile.ZipFile(workbook)
    strings = [
        "".join(text.text or "" for text in entry.iter(f"{SHEET}t"))
        for entry in ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
    ]
    found = {}
    for row in ElementTree.fromstring(archive.read("xl/worksheets/sheet3.xml")).iter(f"{SHEET}row"):
        cells = {}
        for cell in row:
            value = cell.findtext(f"{SHEET}v") or ""
            cells[cell.get("r", "")[0]] = strings[int(value)] if cell.get("t") == "s" else value
        values = [cells[column] for column in "BCDE" if cells.get(column)]
        if len(values) == 4 and values[0].isdigit():
            found[values[0]] = ";".join(values[1:])
    return found


def test_all_types_of_the_service_are_decided(real_data: Callable[[str], Path]) -> None:
    published = published_types(real_data("amap-types") / "amap_poicode.xlsx")
    assert len(published) == ALL_TYPES
    assert {code: entry.path for code, entry in map_service_types().items()} == published
    readings = {code: class_of_type(code) for code in published}
    assert [code for code, reading in readings.items() if not reading.reason] == []
    assert [code for code, path in published.items() if class_of_type(path) != readings[code]] == []


def test_each_type_has_exactly_one_outcome() -> None:
    outcomes = Counter((bool(entry.classes), bool(entry.by_name), bool(entry.none)) for entry in map_service_types().values())
    assert outcomes == {(True, False, False): 138, (False, True, False): 73, (False, False, True): 658}


def test_classes_reasons_and_rules_exist() -> None:
    content = yaml.safe_load(MAPPING.read_text("utf-8"))
    rules = content["name_rules"]
    lines = [line for rule in rules.values() for line in rule]
    last = [rule[-1]["otherwise"] for rule in rules.values()]
    ids = {class_id for entry in map_service_types().values() for class_id in entry.classes}
    ids |= {class_id for line in lines for class_id in line.get("classes", ())}
    ids |= {class_id for end in last if isinstance(end, list) for class_id in end}
    known = {entry.id for standard in ("pudong-2021", "gb50180-2018") for entry in Standard.load(standard).classes}
    assert ids - known == set()
    assert len(ids) > 50
    reasons = {entry.none for entry in map_service_types().values() if entry.none} | set(content["decisive"])
    reasons |= {line["none"] for line in lines if "none" in line} | {end for end in last if isinstance(end, str)}
    reasons |= {"type_unknown", "type_missing", "by_type", "by_name"}
    assert {reason for reason in reasons if f"class_reason.{reason}" not in words("zh")} == set()
    assert {entry.by_name for entry in map_service_types().values() if entry.by_name} <= set(rules)
    assert all("otherwise" not in line for rule in rules.values() for line in rule[:-1])


@pytest.mark.parametrize(
    ("kind", "name", "classes", "reason"),
    [
        ("141204", "青石幼儿园", ("kindergarten",), "by_name"),
        ("141204", "青石托育园", ("inclusive_nursery", "nursery"), "by_name"),
        ("141204", "青石亲子早教中心", (), "early_learning"),
        ("科教文化服务;学校;中学", "青石初级中学", ("junior_middle_school",), "by_name"),
        ("科教文化服务;学校;中学", "青石中学", (), "school_stage_unknown"),
        ("141202", "青石完全中学", ("junior_middle_school", "senior_middle_school"), "by_name"),
        ("141202", "青石九年一贯制学校", ("nine_year_school", "primary_school", "junior_middle_school"), "by_name"),
        ("110101", "青石公园", (), "park_size_unknown"),
        ("110101", "青石口袋公园", ("pocket_park",), "by_name"),
        ("090101", "青石医院", ("district_medical_center",), "by_name"),
        ("090101", "青石医院-检验科", (), "part_of_place"),
        ("090101", "青石医院门诊", ("district_medical_center",), "by_name"),
        ("090102", "青石社区卫生服务站", ("community_health_station",), "by_name"),
        ("090102", "青石镇卫生院", ("community_health_center",), "by_type"),
        ("120302", "青石新村", (), "housing"),
        ("999999", "青石", (), "type_unknown"),
        ("", "青石", (), "type_missing"),
    ],
)
def test_types_and_names(kind: str, name: str, classes: tuple[str, ...], reason: str) -> None:
    reading = class_of_type(kind, name)
    assert (reading.class_ids, reading.reason) == (classes, reason)
    assert reading.class_id == (classes[0] if classes else None)


def test_several_types_add_up_and_some_reasons_settle_all() -> None:
    theatre_and_mall = "体育休闲服务;影剧院;剧场|购物服务;商场;购物中心"
    assert class_of_type(theatre_and_mall, "青石剧场") == TypeReading(
        ("public_cultural_facility", "neighborhood_commerce", "shopping_mall"), "by_type", ("080603", "060101")
    )
    assert (
        class_of_type("医疗保健服务;动物医疗场所;宠物诊所|医疗保健服务;综合医院;综合医院", "青石宠物医院").reason == "veterinary"
    )


def test_a_stop_that_no_line_serves_is_not_open() -> None:
    kind = "交通设施服务;地铁站;地铁站"
    assert class_of_type(kind, "青石路(地铁站)", address="(在建)15号线;(规划)20号线").reason == "not_open"
    assert class_of_type(kind, "青石路(地铁站)", address="(在建)15号线;8号线").class_ids == ("metro_station",)
    assert class_of_type("141203", "青石小学(建设中)").reason == "not_open"


def test_many_records_at_once() -> None:
    table = classes_of_types(["150700", "141203|141202"], ["青石(公交站)", "青石小学"])
    assert table["class_ids"].tolist() == ["bus_route;bus_stop", "primary_school"]
    assert table["class_reason"].tolist() == ["by_type", "by_type"]
