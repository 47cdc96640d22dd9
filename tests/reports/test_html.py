"""The report says what the tables say, needs nothing from outside, and reads the same without scripts and in both languages."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reports.page_tree import Element, read_page
from reports.town import CLASSES, GROUPS, NASTY, neighbourhoods, town_city
from small_city import judged, standard

from yike.model.city import City
from yike.model.diagnosis import FAIL, Diagnosis
from yike.model.profile import load_profiles
from yike.model.standard import load_standard
from yike.model.tables import TABLES
from yike.reports import subdistrict_pages
from yike.reports.html import render_html, write_html
from yike.reports.places import places_of
from yike.reports.shortfalls import shortfalls_of, why_words
from yike.reports.wording import Wording, reconciled_tenths
from yike.texts import words

MARK = {"pass": "✓", "fail": "✗", "not_determinable": "?"}


def cards(page: Element) -> dict[str, Element]:
    """Return the cards of the headline figures by key."""
    return {card.attributes["id"].removeprefix("figure-"): card for card in page.all("div", style="card")}


def whole(diagnosis: Diagnosis) -> pd.Series:
    """Return the row of the whole city."""
    return diagnosis.areas.set_index("area_kind").loc["all"]


def matrix_rows(page: Element) -> dict[str, tuple[list[Element], list[int]]]:
    """Return the cells and the sums of every row of every matrix by the neighbourhood's name."""
    found = {}
    for table in page.all("table", style="matrix"):
        for row in table.one("tbody").all("tr"):
            name = row.one("th").text.split(" ", 1)[1]
            cells = row.all("td")
            found[name] = (cells[:-3], [int(cell.text) for cell in cells[-3:]])
    return found


def test_headline_figures_are_those_of_the_tables(page: Element, diagnosis: Diagnosis) -> None:
    total = whole(diagnosis)
    assert (total["passed"], total["failed"], total["not_determinable"]) == (5, 9, 6)
    found = cards(page)
    figures = {key: card.one(style="figure").text for key, card in found.items()}
    assert figures == {"rate": "35.7%", "missing": "9", "covered": "31.2%", "complete": "0"}
    detail = found["rate"].one("p", style="detail").text
    assert detail == "6 pairs not determinable; between 25.0% and 55.0% if they are counted in"
    assert "5 ÷ (5 + 9) = 35.7%" in found["rate"].one("details").text
    assert found["missing"].one("p", style="detail").text == "in 4 neighbourhoods"


def test_both_languages_give_the_same_figures(page: Element, page_zh: Element) -> None:
    english, chinese = ([card.one(style="figure").text for card in cards(one).values()] for one in (page, page_zh))
    assert english == chinese
    assert page_zh.one("h1").text == "河口区15分钟社区生活圈检测报告"
    assert page.one("html").attributes["lang"] == "en"
    assert page_zh.one("html").attributes["lang"] == "zh-CN"
    assert [h.text for h in page_zh.all("h3") if h.text in ("东街道", "西镇")] == ["东街道", "西镇"]


def test_every_cell_of_the_matrix_is_its_verdict(page: Element, diagnosis: Diagnosis) -> None:
    names = dict(zip(neighbourhoods()["unit_id"], [NASTY, "Beta in English", "Gamma", "Delta", "Epsilon"], strict=True))
    rows = matrix_rows(page)
    by_pair = diagnosis.verdicts.set_index(["unit_id", "class_id"])["verdict"]
    assert set(rows) == set(names.values())
    for unit_id, name in names.items():
        marks = [cell.text[0] for cell in rows[name][0]]
        assert marks == [MARK[by_pair[unit_id, class_id]] for class_id in CLASSES]
    texts = {name: [cell.text for cell in cells] for name, (cells, _) in rows.items()}
    assert texts["Gamma"] == ["✗+20.0", "✗+10.0", "✓", "✓", "✗none"]
    assert texts["Beta in English"] == ["✗+3.3", "✓", "✗+680m", "✓≈", "✗none"]
    assert texts["Delta"] == ["✗far", "✗far", "✗far", "?", "✗none"]


def test_sums_of_the_matrix_reconcile_with_the_areas(page: Element, diagnosis: Diagnosis) -> None:
    areas = diagnosis.areas[diagnosis.areas["area_kind"] == "subdistrict"].set_index("area_id")
    keys = ["passed", "failed", "not_determinable"]
    for table, area_id in zip(page.all("table", style="matrix"), ("S1", "S2"), strict=True):
        rows = [[int(cell.text) for cell in row.all("td")[-3:]] for row in table.one("tbody").all("tr")]
        feet = [[int(cell.text) for cell in row.all("td")] for row in table.one("tfoot").all("tr")]
        expected = areas.loc[area_id, keys].tolist()
        assert [sum(column) for column in zip(*rows, strict=True)] == expected
        assert [foot[-1] for foot in feet] == expected
        assert [sum(foot[:4]) for foot in feet] == expected
    assert "3 neighbourhoods × 4 classes = 12 pairs = 2 met + 5 missed + 5 not determinable." in page.by_id("s2").text
    assert "Classes with * are only recommended" in page.by_id("s2").text


def test_the_overview_sums_to_the_whole(page: Element, diagnosis: Diagnosis) -> None:
    table = page.one("table", style="overview")
    rows = [[cell.text for cell in row.all("td")] for row in table.one("tbody").all("tr")]
    total = [cell.text for cell in table.one("tfoot").all("td")]
    assert [row.one("th").text for row in table.one("tbody").all("tr")] == ["East", "West"]
    for column, figure in ((0, 5), (1, 650), (2, 5), (3, 9), (4, 6), (7, 0)):
        assert sum(int(row[column]) for row in rows) == int(total[column]) == figure
    assert (rows[0][5], rows[1][5], total[5]) == ("42.9%", "28.6%", "35.7%")
    assert total[6] == "25.0% – 55.0%"


def test_each_neighbourhood_has_its_worst_gap_in_one_sentence(page: Element) -> None:
    said = {line.one("b").text: line.text for line in page.all("li") if "data-unit" in line.attributes}
    assert len(said) == 5
    assert (
        "clinic: 30.0 min on foot, 20.0 min over the limit (walking 30.0, waiting 0.0, getting to the street 0.0)"
        in said["Gamma"]
    )
    assert "1 more missing." in said["Gamma"]
    assert "park: 980 m along the streets, 680 m over the limit" in said["Beta in English"]
    assert "park: 1,780 m along the streets, 1,480 m over the limit" in said[NASTY]
    assert "park: 5,307 m away in a straight line, not reached on foot" in said["Delta"]
    assert "None nearby: 5,307 m in a straight line, more than 60 min on foot even without a detour." in said["Delta"]
    assert "not determinable: the centre has no street within the connection limit" in said["Epsilon"]


def test_the_chinese_sentence_names_the_gap_and_its_parts(page_zh: Element) -> None:
    said = {line.one("b").text: line.text for line in page_zh.all("li") if "data-unit" in line.attributes}
    assert "最近的clinic中步行 30.0 分钟，超出 20.0 分钟（走 30.0，等灯 0.0，接驳 0.0）" in said["Gamma"]
    assert "附近没有：直线已有 5,307 米，不绕路步行也要超过 60 分钟。" in said["Delta"]


def test_no_way_found_is_not_said_to_be_no_way(town: City) -> None:
    found = judged(town, standard(CLASSES), horizon_s=7200.0)
    for lang, said in (
        ("en", "Behind water: 5,307 m in a straight line, but no way within 120 min was found."),
        ("zh", "隔着河道：直线 5,307 米，120 分钟内没有找到路。"),
    ):
        text = read_page(render_html(found, town, lang=lang)).by_id("s2").text
        assert said in text
        assert "60 min" not in text
        assert "60 分钟" not in text


def test_a_gate_is_proposed_only_for_a_barrier_or_a_long_detour(town: City, diagnosis: Diagnosis) -> None:
    places = places_of(town, residents={}, words=Wording("en"))
    gap = next(gap for gap in shortfalls_of(diagnosis, town, places)["u3"] if gap.class_id == "clinic")
    assert (gap.limit_s, gap.straight_m, gap.route_m, gap.near_straight) == (600.0, 1800.0, 1800.0, False)
    near = replace(gap, straight_m=500.0, route_m=749.0, time_s=749.0, between=())
    assert (near.near_straight, near.detour, near.barred) == (True, False, False)
    assert why_words(near, words=Wording("en")) == "Near in a straight line (500 m), but 749 m by street."
    assert replace(near, between=("wall",)).barred
    round_about = replace(near, route_m=750.0, time_s=750.0)
    assert (round_about.detour, round_about.barred) == (True, True)
    assert not replace(round_about, reachable=False).barred


def test_the_sentence_of_gates_says_of_how_many_ways_it_speaks(town: City, diagnosis: Diagnosis, page: Element) -> None:
    assert "a gate, a crossing or a passage" not in page.by_id("findings").text
    gaps = diagnosis.gaps.copy()
    one = (gaps["unit_id"] == "u3") & (gaps["class_id"] == "clinic")
    gaps.loc[one, ["straight_m", "route_m", "time_s"]] = (500.0, 900.0, 900.0)
    round_about = replace(diagnosis, gaps=gaps)
    assert "For 1 of the 9 missing items" in read_page(render_html(round_about, town, lang="en")).by_id("findings").text
    worst = replace(round_about, gaps=gaps[one], parameters={**diagnosis.parameters, "explained": "worst"})
    text = read_page(render_html(worst, town, lang="en")).by_id("findings").text
    assert "The ways of 1 missing items were traced. For 1 of them" in text


def test_required_classes_without_a_figure_are_counted_and_listed(town: City, page: Element) -> None:
    zoned = town.replace(units=neighbourhoods().assign(zone="residential_area"))
    asked = load_standard("gb50180-2018")
    found = judged(zoned, asked, profiles=load_profiles())
    required = [entry for entry in asked.classes if entry.obligation != "recommended"]
    missing = [entry.names.en for entry in required if entry.id not in set(found.verdicts["class_id"])]
    other = read_page(render_html(found, zoned, lang="en"))
    assert (len(missing), len(required)) == (16, 36)
    assert "16 of the 36 classes that the standard requires carry no figure of reach" in other.by_id("findings").text
    assert all(name in other.by_id("without-reach").text for name in missing)
    assert "carry no figure of reach" not in page.by_id("findings").text


def test_residents_outside_every_neighbourhood_are_named(town: City, diagnosis: Diagnosis) -> None:
    assert "belong to no neighbourhood" not in read_page(render_html(diagnosis, town, lang="en")).by_id("quality").text
    for outline, said in ((0, "1,234 residents live outside every outline"), (3, "run `yike units`")):
        counted = {**diagnosis.parameters, "residents_outside_units": 1234, "units_without_outline": outline}
        page = read_page(render_html(replace(diagnosis, parameters=counted), town, lang="en"))
        assert said in page.by_id("quality").text


@pytest.mark.parametrize(("rate", "tone"), [(0.9, "figure good"), (0.899, "figure"), (0.6, "figure"), (0.599, "figure poor")])
def test_the_rate_is_coloured_only_where_it_is_a_verdict(town: City, diagnosis: Diagnosis, rate: float, tone: str) -> None:
    areas = diagnosis.areas.assign(rate=diagnosis.areas["rate"].where(diagnosis.areas["area_kind"] != "all", rate))
    page = read_page(render_html(replace(diagnosis, areas=areas), town, lang="en"))
    assert cards(page)["rate"].one(style="figure").attributes["class"] == tone


def test_the_evidence_table_speaks_the_language_of_the_report(town: City, page_zh: Element) -> None:
    rows = {row.one("th").text: row.one("td").text for row in page_zh.by_id("method").all("table")[-1].all("tr")}
    assert rows["占比由标准声明"] == "否"
    assert rows["判定起点"] == "居（村）委会所在地"
    assert rows["临界范围"] == "1 秒 / 1 米"
    assert rows["搜索范围（秒）"] == "3,600"
    assert "成人：速度（米/秒）：1；" in rows["出行参数"]
    english = re.compile(r"True|False|None|committee_centre|speed_m_s|\ball\b|auto|horizon|residents")
    assert [f"{name} {value}" for name, value in rows.items() if english.search(f"{name} {value}")] == []


def test_what_is_only_recommended_is_no_finding(page: Element) -> None:
    assert "Missed most: clinic (3 neighbourhoods), school (3 neighbourhoods), park (3 neighbourhoods)." in page.text
    assert page.by_id("map-blind").all("h4")[0].text == "Blind zones: clinic"
    assert "bakery" not in page.by_id("gaps").text


def test_the_largest_gaps_name_each_neighbourhood_once(page: Element) -> None:
    rows = page.by_id("gaps").one("tbody").all("tr")
    names = [row.one("th").one("a").text for row in rows]
    assert names == ["Delta", NASTY, "Gamma", "Beta in English"]
    classes = [row.all("td")[0].text.split(":")[0] for row in rows]
    assert classes == ["park", "park", "clinic", "clinic"]
    for row in rows:
        target = row.one("th").one("a").attributes["href"].removeprefix("#")
        assert page.by_id(target).one("b").text == row.one("th").one("a").text


def test_classes_of_a_page_say_who_is_covered(page: Element, diagnosis: Diagnosis) -> None:
    rows = {row.one("th").text: [cell.text for cell in row.all("td")] for row in page.by_id("s2").all("tbody")[1].all("tr")}
    assert rows["park"] == ["300 m on foot", "1", "1", "1", "50.0%", "50.0%", "300", "88.2%", "93.8%", "0.0%"]
    assert rows["pharmacy"][-3:] == ["–", "–", "–"]
    table = diagnosis.area_classes.query("area_id == 'S2'").set_index("class_id")
    assert rows["clinic"][1:4] == [str(n) for n in table.loc["clinic", ["passed", "failed", "not_determinable"]]]
    heads = [head.text for head in page.by_id("s2").all("thead")[1].all("th")]
    assert heads[0] == "Share covered, by age group"
    assert heads[-len(GROUPS) :] == ["0–2", "60–79"]


def test_nothing_is_asked_from_outside(html: str, page: Element) -> None:
    assert page.all("link") + page.all("img") + page.all("iframe") == []
    assert len(page.all("script")) == 1
    assert page.one("script").attributes == {}
    for element in page.all():
        for name in ("src", "srcset", "action", "data", "poster", "xlink:href"):
            assert name not in element.attributes
        assert element.attributes.get("href", "#").startswith("#")
    assert set(re.findall(r"url\(([^)]*)\)", html)) == {"#hatch-unknown", "#hatch-fail"}
    assert "@import" not in html
    assert re.findall(r"fetch\(|XMLHttpRequest|WebSocket|import\(", html) == []


def test_names_from_files_are_text_and_never_markup(html: str, page: Element) -> None:
    assert "<script>alert" not in html
    assert "Survey <b>" not in html
    assert "Survey <b>2024</b>" in page.by_id("map-rate").one(style="source").text
    assert NASTY in page.by_id("gaps").text


def test_links_and_references_lead_somewhere(page: Element) -> None:
    ids = [element.attributes["id"] for element in page.all() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    links = {element.attributes["href"][1:] for element in page.all() if "href" in element.attributes}
    assert len(links) > 20
    assert links - set(ids) == set()


def test_headings_tables_and_drawings_are_accessible(page: Element) -> None:
    levels = [int(element.tag[1]) for element in page.all() if re.fullmatch(r"h[1-6]", element.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert max(after - before for before, after in pairwise(levels)) == 1
    heads = page.all("th")
    assert len(heads) > 50
    assert {head.attributes.get("scope") for head in heads} == {"row", "col", "colgroup"}
    drawings = [svg for svg in page.all("svg") if svg.attributes.get("role") == "img"]
    assert len(drawings) == 5
    for svg in drawings:
        named = svg.attributes["aria-labelledby"].split()
        assert [page.by_id(name).tag for name in named] == ["title", "desc"]
        assert all(page.by_id(name).text for name in named)


def test_method_names_every_class_with_source_and_status(town: City) -> None:
    zoned = town.replace(units=neighbourhoods().assign(zone="urban"))
    page = read_page(render_html(judged(zoned, load_standard("pudong-2021")), zoned, lang="en"))
    method = page.by_id("method")
    assert "Pharmacy (class: unverified)" in method.text
    assert "Classes: official 32, second-hand 0, unverified 5" in method.text
    for entry in load_standard("pudong-2021").classes:
        row = page.by_id(f"class-{entry.id}")
        assert row.one("th").text.startswith(entry.names.en)
        assert re.match(r"\[1\] ", row.all("td")[2].text)
    assert "share 95 % (not judged here)" in method.text
    assert "[1] Three-year action plan" in method.text


def test_method_prints_the_speeds_of_the_run_and_the_evidence(page: Element, town: City, diagnosis: Diagnosis) -> None:
    rows = [[cell.text for cell in row.all()] for row in page.by_id("method").all("tr")]
    assert ["adult", "speed (m/s)", "1", "declared for this run", "unverified", ""] in rows
    method = page.by_id("method").text
    for figure in (town.hash, diagnosis.hash(), "ab" * 32, "CC0", "2024-03-01", "verdicts: feed"):
        assert figure in method


def test_reasons_are_counted_by_pair(page: Element, diagnosis: Diagnosis) -> None:
    table = page.by_id("method").all("table")[0]
    rows = {row.one("th").text: int(row.one("td").text) for row in table.one("tbody").all("tr")}
    assert rows == {
        "the centre has no street within the connection limit": 5,
        "no source lists facilities of the class": 2,
    }
    assert sum(rows.values()) == int((diagnosis.verdicts["verdict"] == "not_determinable").sum())


def test_an_unknown_population_is_said_plainly() -> None:
    place = town_city(demand=TABLES["demand"].empty(), groups=())
    page = read_page(render_html(judged(place, standard(CLASSES)), place, lang="en"))
    card = cards(page)["covered"]
    assert card.one(style="figure").text == "–"
    assert "Population unknown" in card.text
    assert "population unknown" in page.by_id("s1").one("p", style="summary").text
    assert [figure.attributes["id"] for figure in page.all("figure")][:3] == ["map-rate", "map-missing", "map-time"]
    assert "The data holds no population" in page.by_id("findings").text


def test_where_residents_decide_the_share_is_the_gap(town: City) -> None:
    page = read_page(render_html(judged(town, standard(CLASSES, share_percent=80)), town, lang="en"))
    said = {line.one("b").text: line.text for line in page.all("li") if "data-unit" in line.attributes}
    assert (
        "clinic: 0.0% of residents reach it within the limit (80.0% asked), 300 people do not; "
        "the farthest home is 30.0 min away on foot" in said["Gamma"]
    )
    assert matrix_rows(page)["Gamma"][0][0].text == "✗0.0%"
    drawn = page.by_id("map-covered")
    assert drawn.one("h4").text == "Residents covered: school"
    assert [entry.text for entry in drawn.all("li")][:5] == ["< 20%", "20–40%", "40–60%", "60–80%", "≥ 80%: meets the standard"]
    assert "Share asked: 80.0%." in page.by_id("method").text


def test_a_city_without_subdistricts_has_one_page(town: City) -> None:
    place = town.replace(units=neighbourhoods().assign(subdistrict_id="", subdistrict="", subdistrict_en="", outline=None))
    page = read_page(render_html(judged(place, standard(CLASSES)), place, lang="en"))
    assert [section.one("h3").text for section in page.all("section", style="page")] == ["All neighbourhoods"]
    assert len(matrix_rows(page)) == 5
    assert page.all("table", style="overview") == []


def test_of_very_many_neighbourhoods_those_with_most_gaps_are_listed(
    town: City, diagnosis: Diagnosis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subdistrict_pages, "MOST_UNITS", 2)
    page = read_page(render_html(diagnosis, town, lang="en"))
    listed = [row.one("th").text for row in page.by_id("s2").one("table", style="matrix").one("tbody").all("tr")]
    assert listed == ["1 Gamma", "2 Delta"]
    assert "1 more stand in the result tables" in page.by_id("s2").text
    assert len([line for line in page.all("li") if "data-unit" in line.attributes]) == 5


def test_classes_without_any_verdict_stand_under_the_matrix(town: City) -> None:
    asked = standard({**CLASSES, "library": {"minutes": 10}})
    page = read_page(render_html(judged(town, asked), town, lang="en"))
    heads = [head.text for head in page.by_id("s1").one("tr", style="names").all("th")]
    assert "library" not in heads
    assert "library (no source lists facilities of the class)" in page.by_id("s1").text


def test_a_district_where_nothing_is_missing(town: City) -> None:
    place = town.replace(units=neighbourhoods().iloc[:1])
    page = read_page(render_html(judged(place, standard({"clinic": {"minutes": 10}})), place, lang="en"))
    assert cards(page)["rate"].one(style="figure").text == "100.0%"
    assert "Nothing is missing." in page.by_id("gaps").text
    assert "meets all 1 judged classes; tightest is clinic: 0 s (limit 10 min)" in page.by_id("s1").text


def test_the_file_is_written_whole_or_not_at_all(town: City, diagnosis: Diagnosis, tmp_path: Path, html: str) -> None:
    path = tmp_path / "new" / "report.html"
    assert write_html(diagnosis, town, path, lang="en", evidence={"tables": {"verdicts": "feed"}}) == path
    assert path.read_text("utf-8") == html
    with pytest.raises(KeyError, match="no words in language 'fr'"):
        write_html(diagnosis, town, path, lang="fr")
    assert path.read_text("utf-8") == html
    assert [entry.name for entry in path.parent.iterdir()] == ["report.html"]


def test_every_text_that_the_report_names_exists() -> None:
    folder = files("yike.reports")
    sources = [path for path in folder.iterdir() if path.name.endswith(".py")]
    sources += list(folder.joinpath("templates").iterdir())
    keys = {key for path in sources for key in re.findall(r"""\bsay\(["']([a-z_.0-9]+)["'][,)]""", path.read_text("utf-8"))}
    assert len(keys) > 120
    for lang in ("zh", "en"):
        assert {key for key in keys if f"report.{key}" not in words(lang)} == set()


def test_the_chinese_report_holds_no_english_sentence(page_zh: Element) -> None:
    text = " ".join(element.text for element in page_zh.all("p") + page_zh.all("dt") + page_zh.all("summary"))
    assert re.findall(r"\b(?:the|within|neighbourhoods?|residents?|missing|limit)\b", text) == []


@given(st.integers(0, 50_000), st.integers(0, 9000), st.integers(0, 9000))
def test_parts_of_a_time_sum_to_the_printed_total(walked_ds: int, waited_ds: int, connected_ds: int) -> None:
    parts = (walked_ds / 10, waited_ds / 10, connected_ds / 10)
    printed = reconciled_tenths(sum(parts), parts)
    total = Wording("en").minutes(sum(parts))
    assert abs(sum(float(part) for part in printed) - float(total)) < 0.051
    assert abs(float(printed[0]) - parts[0] / 60) <= 0.151


@pytest.mark.parametrize(
    ("share", "printed"),
    [(1.0, "100.0%"), (0.99999, "99.9%"), (0.0, "0.0%"), (0.00001, "0.1%"), (0.8607, "86.1%"), (None, "–"), (float("nan"), "–")],
)
def test_only_the_whole_is_printed_as_hundred_per_cent(share: float | None, printed: str) -> None:
    assert Wording("en").percent(share) == printed


@pytest.mark.parametrize(
    ("seconds", "printed"), [(0.1, "1 s"), (58.2, "59 s"), (59.5, "1.0 min"), (60.0, "1.0 min"), (504.0, "8.4 min")]
)
def test_short_times_are_said_in_seconds(seconds: float, printed: str) -> None:
    assert Wording("en").span(seconds) == printed


@pytest.mark.long
def test_the_demo_report_stays_small() -> None:
    from yike.analysis.diagnosis import diagnose
    from yike.sources.demo import demo_city

    place = demo_city()
    found = diagnose(place, load_standard("pudong-2021"))
    for lang in ("zh", "en"):
        html = render_html(found, place, lang=lang)
        assert len(html.encode()) < 4_000_000
        page = read_page(html)
        failed = sum(len(table.one("tbody").all("td", style="f")) for table in page.all("table", style="matrix"))
        assert failed == int((found.verdicts["verdict"] == FAIL).sum())
