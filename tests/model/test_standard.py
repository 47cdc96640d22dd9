import dataclasses
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from yike.errors import Fault, InputError, UnknownName
from yike.model.profile import load_profiles, profile_sources
from yike.model.requirement import (
    STATUSES,
    TERM_TYPES,
    Figure,
    OnePerSubdistrict,
    PerThousand,
    Provenance,
    ReachDistance,
    ReachTime,
    Share,
    figures_of,
)
from yike.model.standard import Standard, list_standards, load_standard
from yike.model.standard_rows import standard_rows

PUDONG = "pudong-2021"
GB50180 = "gb50180-2018"
PUDONG_CLASSES = {
    "senior_middle_school", "junior_middle_school", "primary_school", "kindergarten", "nine_year_school",
    "district_medical_center", "community_health_center", "community_health_station",
    "public_cultural_facility", "community_cultural_center", "cultural_activity_room",
    "nursing_institution", "integrated_elder_service_center", "elder_care_home", "elder_canteen", "elderly_daycare",
    "elder_neighborhood_point", "elder_activity_room",
    "citizen_sports_center", "community_fitness_center", "elder_sports_home", "multi_sports_court", "fitness_trail",
    "fitness_point",
    "comprehensive_park", "community_park", "pocket_park",
    "bus_hub", "bus_route", "metro_station",
    "parenting_guidance_station", "inclusive_nursery",
    "neighborhood_commerce", "wet_market", "fresh_food_shop", "convenience_store", "pharmacy",
}  # fmt: skip
OUR_READING = {"wet_market", "fresh_food_shop", "convenience_store", "pharmacy", "metro_station"}

SMALL = """\
id: small-town
title: {zh: 小镇标准, en: Standard of a small town}
version: "1"
issued: 2024-05-01
origin: {measured_at: committee_centre, source: plan, clause: 一, status: official}
profiles: {walk: adult, cycle: bicycle}
sources:
  - {key: plan, title: {zh: 小镇计划, en: Plan of the small town}}
fields:
  - {id: education, names: {zh: 教育, en: Education}}
zones:
  - id: town
    names: {zh: 镇区, en: Town}
    modes: {residents_committee: walk, village_committee: cycle}
    source: plan
    clause: 二
    status: official
classes:
  - id: primary_school
    field: education
    names: {zh: 小学, en: Primary school}
    synonyms: {zh: [小学校], en: [elementary school]}
    kind: basic_guarantee
    tier: 15
    tags: [learn]
    source: plan
    clause: 三
    status: official
    terms:
      reach_time:
        minutes: {value: 15, source: plan, clause: 三, status: official}
  - id: kindergarten
    field: education
    names: {zh: 幼儿园, en: Kindergarten}
    source: plan
    clause: 三
    status: official
    terms:
      reach_distance:
        metres: {value: 300, source: plan, clause: 三, status: official}
      minimum_size:
        floor_area_m2: {value: 2000, source: plan, clause: 四, status: official}
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(text: str, name: str = "town.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def faults_of(path: Path) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as refused:
        load_standard(path)
    return tuple(refused.value.faults)


def every_provenance(noun: object) -> list[Provenance]:
    if isinstance(noun, Provenance):
        return [noun]
    if dataclasses.is_dataclass(noun):
        return [p for entry in dataclasses.fields(noun) for p in every_provenance(getattr(noun, entry.name))]
    if isinstance(noun, dict):
        return [p for value in noun.values() for p in every_provenance(value)]
    if isinstance(noun, (list, tuple)):
        return [p for value in noun for p in every_provenance(value)]
    return []


# The standards that come with the package


def test_pudong_has_nine_fields_and_the_37_classes() -> None:
    standard = load_standard(PUDONG)
    assert len(standard.fields) == 9
    assert all(field.slogan is not None for field in standard.fields)
    assert len(standard.classes) == 37
    assert {entry.id for entry in standard.classes} == PUDONG_CLASSES
    unverified = {entry.id for entry in standard.classes if entry.status == "unverified"}
    assert unverified == OUR_READING
    assert all(standard.class_(class_id).note is not None for class_id in OUR_READING)


def test_pudong_asks_fifteen_minutes_of_every_class_from_the_committee_centre() -> None:
    standard = load_standard(PUDONG)
    assert (standard.origin.measured_at, standard.origin.minimum_share) == ("committee_centre", None)
    for entry in standard.classes:
        (term,) = standard.reach_terms(entry.id)
        assert isinstance(term, ReachTime)
        assert (term.minutes.value, term.minutes.status, term.minutes.source) == (15.0, "official", "plan")


@pytest.mark.parametrize(
    ("zone", "residents", "village"),
    [("urban", "walk", "walk"), ("expansion_town", "walk", "cycle"), ("remote_town", "cycle", "cycle"), ("moon", None, None)],
)
def test_pudong_zone_and_kind_of_unit_choose_the_mode(zone: str, residents: str | None, village: str | None) -> None:
    standard = load_standard(PUDONG)
    assert standard.mode_for(zone, "residents_committee") == residents
    assert standard.mode_for(zone, "village_committee") == village
    assert standard.profile_for(standard.reach_terms("pharmacy")[0], "walk") == "adult"
    assert standard.profile_for(standard.reach_terms("pharmacy")[0], "cycle") == "bicycle"


def test_pudong_carries_the_other_numbers_of_the_plan() -> None:
    standard = load_standard(PUDONG)
    (per_thousand,) = standard.field_("elderly").terms
    assert isinstance(per_thousand, PerThousand)
    assert (per_thousand.minimum.value, per_thousand.quantity) == (40.0, "floor_area_m2")
    everywhere = {e.id for e in standard.classes if any(isinstance(t, OnePerSubdistrict) for t in e.terms)}
    assert everywhere == {"community_fitness_center", "elder_sports_home", "parenting_guidance_station"}
    shares = {e.id: t for e in standard.classes for t in e.terms if isinstance(t, Share)}
    assert {key: term.percent.value for key, term in shares.items()} == {"metro_station": 95.0, "wet_market": 100.0}
    assert shares["metro_station"].within_m is not None
    assert shares["metro_station"].within_m.value == 100.0


def test_gb50180_gives_radii_by_tier_and_says_how_far_they_were_checked() -> None:
    standard = load_standard(GB50180)
    radii = {
        entry.id: (entry.tier, term.metres.value, term.metres.status)
        for entry in standard.classes
        for term in standard.reach_terms(entry.id)
        if isinstance(term, ReachDistance)
    }
    assert radii["primary_school"] == (10, 500.0, "secondary")
    assert radii["junior_middle_school"] == (15, 1000.0, "unverified")
    assert radii["kindergarten"] == (5, 300.0, "secondary")
    assert radii["metro_station"] == (10, 800.0, "unverified")
    assert (standard.origin.measured_at, standard.origin.minimum_share) == ("residents", 1.0)
    assert not any(p.status == "official" for p in every_provenance(standard))


def test_gb50180_keeps_a_radius_that_nobody_could_verify_as_null() -> None:
    standard = load_standard(GB50180)
    (term,) = (t for t in standard.terms("post_office") if isinstance(t, ReachDistance))
    assert term.metres.value is None
    assert standard.reach_terms("post_office") == ()


def test_gb50180_has_one_zone_that_holds_everywhere() -> None:
    standard = load_standard(GB50180)
    assert [standard.mode_for(zone, "residents_committee") for zone in ("urban", None, "moon")] == ["walk"] * 3


def test_the_two_standards_share_ids_for_the_same_classes() -> None:
    both = {e.id for e in load_standard(PUDONG).classes} & {e.id for e in load_standard(GB50180).classes}
    assert both == {
        "primary_school", "junior_middle_school", "kindergarten", "community_health_center", "community_health_station",
        "nursing_institution", "elderly_daycare", "community_cultural_center", "cultural_activity_room", "metro_station",
        "wet_market", "convenience_store",
    }  # fmt: skip
    met_by = {other for e in load_standard(GB50180).classes for other in e.also_met_by}
    assert met_by <= PUDONG_CLASSES


@pytest.mark.parametrize("standard_id", [PUDONG, GB50180])
def test_every_statement_names_a_listed_source_and_a_status(standard_id: str) -> None:
    standard = load_standard(standard_id)
    keys = {source.key for source in standard.sources}
    found = every_provenance(standard)
    assert len(found) > len(standard.classes)
    for provenance in found:
        assert provenance.source in keys
        assert provenance.status in STATUSES
        assert provenance.clause or provenance.status == "unverified"
        assert provenance.seen_in is None or provenance.seen_in in keys
        assert provenance.status != "official" or provenance.seen_in is None


@pytest.mark.parametrize("standard_id", [PUDONG, GB50180])
def test_every_word_of_a_class_finds_that_class(standard_id: str) -> None:
    standard = load_standard(standard_id)
    wrong = [(e.id, word) for e in standard.classes for word in e.words if standard.class_named(word) is not e]
    assert wrong == []
    assert standard.class_named("ＫＩＮＤＥＲＧＡＲＴＥＮ ") is standard.class_("kindergarten")
    assert standard.class_named("火箭发射场") is None


def test_list_standards_names_both() -> None:
    found = {entry.id: (entry.field_count, entry.class_count, entry.measured_at) for entry in list_standards()}
    assert found == {PUDONG: (9, 37, "committee_centre"), GB50180: (11, 44, "residents")}


def test_an_unknown_id_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName) as refused:
        load_standard("pudong-2012")
    assert refused.value.faults[0].values["nearest"] == PUDONG
    with pytest.raises(UnknownName) as refused:
        load_standard(PUDONG).class_("primary_shool")
    assert refused.value.faults[0].values["nearest"] == "primary_school"


# The hash


def test_hash_ignores_comments_and_the_order_of_keys(write: Write) -> None:
    plain = load_standard(write(SMALL))
    commented = load_standard(write("# a remark\n" + SMALL.replace("tier: 15", "tier: 15  # minutes")))
    turned = yaml.safe_load(SMALL)
    turned["classes"] = [dict(reversed(list(entry.items()))) for entry in turned["classes"]]
    text = yaml.safe_dump(dict(reversed(list(turned.items()))), allow_unicode=True, sort_keys=False)
    assert text.index("classes:") < text.index("id: small-town")
    assert {commented.hash, load_standard(write(text)).hash} == {plain.hash}
    assert len(plain.hash) == 64


@pytest.mark.parametrize(
    ("before", "after"),
    [("value: 15,", "value: 16,"), ("[小学校]", "[学校]"), ("clause: 四", "clause: 五"), ("id: town", "id: city")],
)
def test_hash_changes_with_the_content(write: Write, before: str, after: str) -> None:
    assert before in SMALL
    assert load_standard(write(SMALL.replace(before, after))).hash != load_standard(write(SMALL)).hash


def test_fifteen_and_fifteen_point_nought_are_one_number(write: Write) -> None:
    assert load_standard(write(SMALL.replace("value: 15,", "value: 15.0,"))).hash == load_standard(write(SMALL)).hash


# Zones and terms


def test_a_zone_may_replace_the_terms_of_a_class(write: Write) -> None:
    own = """\
    terms_by_class:
      primary_school:
        reach_time: {minutes: {value: 20, source: plan, clause: 五, status: official}, profile: elder}
"""
    text = SMALL.replace("    status: official\nclasses:", "    status: official\n" + own + "classes:")
    standard = load_standard(write(text))
    (inside,) = standard.reach_terms("primary_school", "town")
    assert isinstance(inside, ReachTime)
    assert (inside.minutes.value, standard.profile_for(inside, "walk")) == (20.0, "elder")
    (plain,) = standard.reach_terms("kindergarten", "town")
    assert isinstance(plain, ReachDistance)
    assert plain.metres.value == 300.0


def test_terms_say_whether_this_release_evaluates_them() -> None:
    evaluated = {kind for kind, term in TERM_TYPES.items() if term.evaluated}
    assert evaluated == {"reach_time", "reach_distance"}
    assert len(TERM_TYPES) == 7


def test_every_kind_of_term_is_read(write: Write) -> None:
    figure = "{value: 7, source: plan, clause: 六, status: secondary}"
    terms = f"""\
    terms:
      per_thousand: {{minimum: {figure}, quantity: beds, group: elder}}
      one_per_subdistrict: {{count: {figure}}}
      share: {{percent: {figure}, of: {{zh: 学校, en: schools}}}}
      opening_hours: {{hours_per_week: {figure}}}
"""
    text = SMALL + "  - {id: bank, field: education, names: {zh: 银行, en: Bank}, source: plan, status: unverified"
    block = text.rpartition("  - {id: bank")[0]
    bank = "  - id: bank\n    field: education\n    names: {zh: 银行, en: Bank}\n    source: plan\n    status: unverified\n"
    standard = load_standard(write(block + bank + terms))
    held = standard.terms("bank")
    assert [term.kind for term in held] == ["per_thousand", "one_per_subdistrict", "share", "opening_hours"]
    assert all(f.value == 7.0 and f.status == "secondary" for term in held for f in figures_of(term).values())
    assert standard.reach_terms("bank") == ()


# Mistakes: every kind gives its fault on its line


def changed(before: str, after: str) -> str:
    assert SMALL.count(before) >= 1, before
    return SMALL.replace(before, after, 1)


VILLAGE_MODE = "zones.town.modes.village_committee"
KINDERGARTEN = "classes.kindergarten"
SCHOOL = "classes.primary_school"
ORIGIN_LINE = "origin: {measured_at: committee_centre, source: plan, clause: 一, status: official}"
FIELD_LINE = "  - {id: education, names: {zh: 教育, en: Education}}"
METRES = f"{KINDERGARTEN}.terms.reach_distance.metres"
TERMS = f"{KINDERGARTEN}.terms"
SIZE_HEAD = "      minimum_size:\n        floor_area_m2: {value: 2000,"
SIZE_TAIL = " source: plan, clause: 四, status: official}"
MODES_LINE = "    modes: {residents_committee: walk, village_committee: cycle}\n"
MARKED_MODES_LINE = MODES_LINE.replace("\n", " #!\n")
MISTAKES = {
    "unknown key": (changed("    tier: 15", "    teir: 15 #!"), "yaml.unknown_key", f"{SCHOOL}.teir"),
    "unknown top key": (changed("version:", "versoin: 2 #!\nversion:"), "yaml.unknown_key", "versoin"),
    "missing source": (changed("300, source: plan,", "300,"), "standard.no_source", METRES),
    "missing clause": (changed("15, source: plan, clause: 三,", "15, source: plan,"), "standard.no_clause", None),
    "missing status": (changed("clause: 四, status: official", "clause: 四"), "standard.no_status", None),
    "unlisted source": (changed("300, source: plan", "300, source: plann"), "standard.unknown_source", None),
    "unknown status": (changed("clause: 四, status: official", "clause: 四, status: offical"), "yaml.unknown_choice", None),
    "unknown field": (changed("    field: education", "    field: educaton #!"), "yaml.unknown_choice", f"{SCHOOL}.field"),
    "repeated class": (changed("  - id: kindergarten", "  - id: primary_school #!"), "standard.repeated_id", SCHOOL),
    "word of two classes": (
        changed("[小学校]", "[幼儿园, 小学校]").replace("  - id: kindergarten", "  - id: kindergarten #!"),
        "standard.word_of_two_classes",
        "classes.kindergarten",
    ),
    "sixty-one minutes": (changed("value: 15,", "value: 61,"), "standard.out_of_range", None),
    "no minutes": (changed("value: 15,", "value: 0,"), "standard.out_of_range", None),
    "minus metres": (changed("value: 300,", "value: -300,"), "standard.out_of_range", None),
    "zone without modes": (
        changed(MODES_LINE, "").replace("  - id: town", "  - id: town #!"),
        "standard.zone_without_modes",
        "zones.town.modes",
    ),
    "unknown mode": (changed("village_committee: cycle", "village_committee: swim"), "yaml.unknown_choice", None),
    "unknown unit kind": (changed("village_committee", "vilage_committee"), "yaml.unknown_key", None),
    "unknown profile": (changed("walk: adult", "walk: adlut"), "yaml.unknown_choice", "profiles.walk"),
    "mode without profile": (
        changed(", cycle: bicycle", "").replace(MODES_LINE, MARKED_MODES_LINE),
        "standard.mode_without_profile",
        VILLAGE_MODE,
    ),
    "unknown kind": (changed("kind: basic_guarantee", "kind: basic #!"), "yaml.unknown_choice", f"{SCHOOL}.kind"),
    "unknown tier": (changed("tier: 15", "tier: 20 #!"), "yaml.unknown_choice", f"{SCHOOL}.tier"),
    "unknown tag": (changed("[learn]", "[lern]"), "yaml.unknown_choice", f"{SCHOOL}.tags[1]"),
    "unknown term": (changed("      reach_time:", "      reach_tiem: #!"), "yaml.unknown_key", f"{SCHOOL}.terms.reach_tiem"),
    "minutes with a unit": (changed("value: 15,", "value: 15分钟,"), "yaml.not_number", None),
    "minutes as a clock": (changed("value: 15,", "value: 1:30,"), "yaml.not_number", None),
    "list for a mapping": (changed(ORIGIN_LINE, "origin: [] #!"), "yaml.not_mapping", "origin"),
    "mapping for a list": (changed(FIELD_LINE, "  id: education #!"), "yaml.not_list", "fields"),
    "name in one language": (changed("names: {zh: 镇区, en: Town}", "names: {zh: 镇区}"), "yaml.missing_key", "zones.town.names"),
    "not an id": (changed("  - id: kindergarten", "  - id: 幼儿园 #!"), "yaml.not_id", "classes.id"),
    "not a day": (changed("2024-05-01", "2024-13-01"), "yaml.not_date", "issued"),
    "empty name": (changed("zh: 镇区", "zh: ''"), "yaml.not_words", "zones.town.names.zh"),
    "term without a number": (
        changed(SIZE_HEAD + SIZE_TAIL, "      minimum_size: {} #!"),
        "standard.term_without_number",
        f"{TERMS}.minimum_size",
    ),
    "half a facility": (
        changed(SIZE_HEAD, "      one_per_subdistrict:\n        count: {value: 1.5, #!\n          "),
        "standard.not_whole",
        f"{TERMS}.one_per_subdistrict.count",
    ),
    "quantity left out": (
        changed(SIZE_HEAD, "      per_thousand:\n        minimum: {value: 2, #!\n          "),
        "yaml.missing_key",
        f"{TERMS}.per_thousand",
    ),
    "repeated key": (changed("    tier: 15", "    tier: 15\n    tier: 15 #!"), "yaml.repeated_key", f"{SCHOOL}.tier"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_named_with_its_line(write: Write, mistake: str) -> None:
    text, code, field = MISTAKES[mistake]
    good, bad = SMALL.splitlines(), text.splitlines()
    differing = next(i for i, line in enumerate(bad) if i >= len(good) or line != good[i]) + 1
    row = next((i for i, line in enumerate(bad, 1) if line.endswith("#!")), differing)
    faults = [fault for fault in faults_of(write(text)) if fault.code == code]
    assert [fault.row for fault in faults] == [row]
    assert field is None or faults[0].field == field
    for lang in ("zh", "en"):
        words = faults[0].words(lang)
        assert "town.yaml" in words
        assert str(row) in words


def test_a_misspelt_key_is_answered_with_the_nearest(write: Write) -> None:
    (fault,) = faults_of(write(changed("    tier: 15", "    teir: 15")))
    assert (fault.values["entry"], fault.values["nearest"]) == ("teir", "tier")


def test_a_standard_without_classes_is_refused(write: Write) -> None:
    faults = faults_of(write(SMALL[: SMALL.index("classes:")] + "classes: []\n"))
    assert [(fault.code, fault.row) for fault in faults] == [("standard.without_classes", 18)]


@settings(max_examples=40)
@given(
    start=st.integers(0, len(SMALL) - 1),
    length=st.integers(0, 80),
    put=st.sampled_from(["", "[", "}", "*a", "&a ", "<<: ", "\t", "~", "?"]),
)
def test_a_damaged_file_loads_or_is_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, start: int, length: int, put: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.yaml"
    path.write_text(SMALL[:start] + put + SMALL[start + length :], encoding="utf-8")
    said = ""
    try:
        said = load_standard(path).hash
    except InputError as refused:
        said = refused.words("zh")
    assert re.fullmatch("[0-9a-f]{64}", said) or f"{path}, " in said or f"{path}：" in said


@pytest.mark.parametrize(("percent", "codes"), [(101, ["standard.out_of_range"]), (100, []), ("null", ["standard.no_share"])])
def test_a_share_of_residents_is_a_percentage_and_must_be_declared(write: Write, percent: object, codes: list[str]) -> None:
    share = f"minimum_share_percent: {{value: {percent}, source: plan, clause: 一, status: official}}"
    text = changed("measured_at: committee_centre", f"measured_at: residents, {share}")
    if codes:
        assert [fault.code for fault in faults_of(write(text))] == codes
    else:
        assert load_standard(write(text)).origin.minimum_share == 1.0


def test_all_mistakes_of_a_file_come_together_in_the_order_of_lines(write: Write) -> None:
    text = (
        changed("walk: adult", "walk: adlut").replace("value: 15,", "value: 75,").replace("300, source: plan", "300, source: x")
    )
    faults = faults_of(write(text.replace("2024-05-01", "May")))
    assert [(fault.row, fault.code) for fault in faults] == [
        (4, "yaml.not_date"),
        (6, "yaml.unknown_choice"),
        (14, "standard.mode_without_profile"),
        (31, "standard.out_of_range"),
        (40, "standard.unknown_source"),
    ]


@pytest.mark.parametrize(
    ("content", "code", "row"),
    [
        (b"", "yaml.empty", None),
        (b"# nothing but a remark\n", "yaml.empty", None),
        (b"id: x\norigin:\n\tmeasured_at: residents\n", "yaml.tab", 3),
        (b"id: x\ntitle: {zh: a, en: b\nversion: 1\n", "yaml.not_yaml", 3),
        ("id: x\ntitle: 标准\n".encode("gbk"), "yaml.not_utf8", 2),
        (b"id: x\x00\n", "yaml.not_text", 1),
        (b"[" * 100_000, "yaml.too_deep", None),
        (b"- a\n- b\n", "yaml.not_mapping", 1),
        (b"a: 1\n---\na: 2\n", "yaml.not_yaml", 2),
        (b"#" * 2_000_001, "yaml.too_large", None),
    ],
)
def test_what_is_no_standard_at_all_is_refused(tmp_path: Path, content: bytes, code: str, row: int | None) -> None:
    path = tmp_path / "town.yaml"
    path.write_bytes(content)
    fault = faults_of(path)[0]
    assert (fault.code, fault.row, fault.file) == (code, row, str(path))
    assert fault.words("zh") != fault.words("en")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert [fault.code for fault in faults_of(tmp_path / "absent.yaml")] == ["yaml.no_file"]


def test_an_empty_mapping_names_every_missing_entry(write: Write) -> None:
    missing = [fault.values["entry"] for fault in faults_of(write("note: {zh: 空, en: empty}\n"))]
    assert missing == ["id", "title", "version", "origin", "profiles", "sources", "fields", "zones", "classes"]


# Overlays

OVERLAY = """\
extends: gb50180-2018
id: new-town
title: {zh: 新城覆盖, en: Overlay of a new town}
version: "1"
sources:
  - {key: town, title: {zh: 新城办法, en: Rules of the new town}}
set:
  community_cultural_center.minimum_size.floor_area_m2: {scale: 1.15, source: town, clause: 三, status: official}
  primary_school.reach_distance.metres: {value: 400, source: town, clause: 四, status: official}
  bank.reach_time: {minutes: {value: 15, source: town, clause: 五, status: official}}
"""


def floor_area(standard: Standard, class_id: str) -> Figure:
    found = (figures_of(term).get("floor_area_m2") for term in standard.terms(class_id))
    return next(figure for figure in found if figure is not None)


def test_an_overlay_scales_replaces_and_adds(write: Write) -> None:
    base, overlay = load_standard(GB50180), load_standard(write(OVERLAY))
    assert (overlay.id, overlay.extends, base.extends) == ("new-town", GB50180, None)
    assert floor_area(base, "community_cultural_center").value == 3000.0
    assert floor_area(overlay, "community_cultural_center").value == 3450.0
    assert floor_area(overlay, "community_cultural_center").source == "town"
    (school,) = overlay.reach_terms("primary_school")
    assert isinstance(school, ReachDistance)
    assert (school.metres.value, school.metres.status) == (400.0, "official")
    assert [term.kind for term in overlay.reach_terms("bank")] == ["reach_time"]
    assert overlay.class_("kindergarten") == base.class_("kindergarten")
    assert overlay.hash != base.hash


@pytest.mark.parametrize(
    ("before", "after", "code", "row"),
    [
        ("scale: 1.15, source: town, ", "scale: 1.15, ", "standard.no_source", 8),
        (", clause: 四, status: official", ", clause: 四", "standard.no_status", 9),
        ("primary_school.reach", "primary_shool.reach", "standard.set_unknown_class", 9),
        ("primary_school.reach_distance", "primary_school.reach_distanse", "standard.set_unknown_term", 9),
        ("reach_distance.metres", "reach_distance.meters", "standard.set_unknown_number", 9),
        ("primary_school.reach_distance.metres", "primary_school.share.percent", "standard.set_absent_term", 9),
        (
            "community_cultural_center.minimum_size.floor_area_m2",
            "post_office.reach_distance.metres",
            "standard.scale_of_nothing",
            8,
        ),
        ("scale: 1.15", "scale: -2", "standard.out_of_range", 8),
        ("value: 400", "value: -400", "standard.out_of_range", 9),
        ("value: 15,", "value: 90,", "standard.out_of_range", 10),
        ("extends: gb50180-2018", "extends: gb50180-2081", "standard.unknown_base", 1),
        ("extends: gb50180-2018", "extends: town.yaml", "standard.ring_of_overlays", 1),
        ("key: town,", "key: gb50180,", "standard.repeated_id", 6),
    ],
)
def test_each_mistake_of_an_overlay_is_named_with_its_line(write: Write, before: str, after: str, code: str, row: int) -> None:
    assert before in OVERLAY
    faults = faults_of(write(OVERLAY.replace(before, after, 1)))
    assert (code, row) in {(fault.code, fault.row) for fault in faults}
    assert all(fault.words(lang) for fault in faults for lang in ("zh", "en"))


def test_an_overlay_extends_an_overlay_beside_it_but_never_a_ring(write: Write, tmp_path: Path) -> None:
    write(OVERLAY)
    above = OVERLAY.replace("extends: gb50180-2018", "extends: town.yaml").replace("id: new-town", "id: harbour")
    above = above.replace("key: town,", "key: harbour,").replace("value: 400", "value: 350")
    (tmp_path / "harbour.yaml").write_text(above, encoding="utf-8")
    standard = load_standard(tmp_path / "harbour.yaml")
    assert standard.extends == "new-town"
    assert floor_area(standard, "community_cultural_center").value == 3967.5
    write(OVERLAY.replace("extends: gb50180-2018", "extends: harbour.yaml"))
    assert [fault.code for fault in faults_of(tmp_path / "harbour.yaml")] == ["standard.ring_of_overlays"]


# Profiles


def test_profiles_move_as_declared() -> None:
    profiles = load_profiles()
    assert {key: (p.network, p.number("speed_m_s"), p.number("connection_limit_m")) for key, p in profiles.items()} == {
        "adult": ("walk", 1.1, 200.0),
        "elder": ("walk", 0.9, 200.0),
        "child_with_carer": ("walk", 1.0, 200.0),
        "wheelchair": ("walk_step_free", 0.9, 200.0),
        "bicycle": ("cycle", 3.33, 300.0),
        "car": ("car", 6.94, 300.0),
    }
    assert {key for key, p in profiles.items() if p.takes_steps} == {"adult", "elder", "child_with_carer"}


def test_profile_figures_name_listed_sources_and_no_wait_passes_seventy_seconds() -> None:
    keys = {source.key for source in profile_sources()}
    for profile in load_profiles().values():
        assert {p.source for p in every_provenance(profile)} <= keys
        assert {p.status for p in every_provenance(profile)} == {"unverified"}
        assert 0.0 < profile.number("signal_s") == 60**2 / (2 * 90)
        assert profile.number("top_speed_m_s") >= profile.number("speed_m_s")
    assert len({profile.hash for profile in load_profiles().values()}) == 6


def test_mistakes_in_profiles_are_gathered(write: Write) -> None:
    text = (Path(sys.modules["yike.model.profile"].__file__ or "").parents[1] / "standards" / "profiles.yaml").read_text("utf-8")
    bad = (
        text.replace("value: 20\n", "value: 80\n", 1)
        .replace("network: car", "network: plane")
        .replace("top_speed_m_s: {value: 0.9", "top_speed_m_s: {value: 0.5", 1)
    )
    with pytest.raises(InputError) as refused:
        load_profiles(write(bad))
    found = Counter(fault.code for fault in refused.value.faults)
    assert found["yaml.unknown_choice"] == 1
    assert found["standard.top_speed_below_speed"] == 1
    assert found["standard.out_of_range"] == 4


# Rows and weight


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("standard_id", [PUDONG, GB50180])
def test_rows_say_every_number_with_status_and_source(standard_id: str, lang: str) -> None:
    standard = load_standard(standard_id)
    rows = standard_rows(standard, lang)
    figures = sum(len(figures_of(t)) for held in (*standard.classes, *standard.fields) for t in held.terms)
    bare = sum(not entry.terms for entry in standard.classes)
    assert len(rows) == figures + bare
    assert {row["class_id"] for row in rows} - {None} == {entry.id for entry in standard.classes}
    assert all(row["words"] and row["source"] and row["status"] in STATUSES for row in rows)


def test_rows_read_like_a_sentence() -> None:
    rows = standard_rows(load_standard(PUDONG), "zh")
    said = {(row["class_id"], row["number"]): row["words"] for row in rows}
    assert said["pharmacy", "minutes"] == "15 分钟内可达"
    assert said[None, "minimum"] == "每千人（常住人口）不少于 40 平方米建筑面积"
    assert said["metro_station", "percent"] == "有公交衔接的轨交站达 95 %"
    unknown = [row for row in standard_rows(load_standard(GB50180), "en") if row["class_id"] == "post_office"]
    assert [row["words"] for row in unknown] == ["within (no number given) m along the streets"]


def test_loading_a_standard_brings_in_nothing_heavy() -> None:
    program = "import sys; from yike.model.standard import load_standard; load_standard('pudong-2021'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "yaml" in loaded
    assert not {"numpy", "pandas", "numba", "shapely", "geopandas", "scipy", "pyarrow"} & set(loaded)
