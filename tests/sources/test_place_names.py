"""Names and addresses taken apart: what is the place, its kind, branch and part."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yike.sources.place_names import UNNAMED_BRANCH, chinese_number, folded, parse_address, parse_name, parse_names, shared_lines


@pytest.mark.parametrize(
    ("numeral", "value"),
    [("一", 1), ("十", 10), ("十二", 12), ("二十", 20), ("五十二", 52), ("一百零三", 103), ("一〇一", 101), ("7", 7), ("５", 5)],
)
def test_numerals(numeral: str, value: int) -> None:
    assert chinese_number(folded(numeral)) == value


@given(st.integers(1, 99))
def test_every_number_below_a_hundred_is_read_back(number: int) -> None:
    signs = "零一二三四五六七八九"
    tens, ones = divmod(number, 10)
    written = ("" if tens < 1 else "十" if tens == 1 else signs[tens] + "十") + (signs[ones] if ones else "")
    assert chinese_number(written) == number
    assert parse_name(f"上海市第{written}中学").ordinals == (number,)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("上海市徐汇区民办清荷幼稚园", "清荷幼儿园"),
        ("新桥镇中心幼儿园(总部)", "新桥镇中心幼儿园"),
        ("上海市崇明县草庐小学", "崇明区草庐小学"),
        ("田园三小", "田园第三小学"),
        ("柳荫医院8号楼", "柳荫医院8"),
        ("柳荫路幼儿园（中房分部）", "柳荫路幼儿园中房部"),
        ("星光国际影城(外桥店)(暂停营业)", "星光影城(外桥店)"),
        ("夏家桥(公交站)", "夏家桥"),
    ],
)
def test_two_spellings_of_one_place_are_equal(one: str, other: str) -> None:
    assert parse_name(one) == parse_name(other)


@pytest.mark.parametrize(
    ("name", "core", "kind", "branch", "part"),
    [
        ("上海市柳荫区青石中学西校", "青石", "middle", "西", ""),
        ("青石学校(南区)", "青石", "school", "南", ""),
        ("青石幼儿园小班部", "青石", "kindergarten", UNNAMED_BRANCH, ""),
        ("青石医院北院-输液室", "青石", "hospital", "北", "输液室"),
        ("急诊诊室7(上海市青石医院)", "青石", "hospital", "", "急诊诊室7"),
        ("青石医院门诊部", "青石", "hospital", "", "门诊部"),
        ("上海青石门诊部", "青石", "clinic", "", ""),
        ("青石社区卫生服务中心柳荫分中心门诊", "青石", "health_center", "柳荫", "门诊"),
        ("青石学校小学部", "青石", "school", "", "小学部"),
        ("青石一路柳荫路(下客站)(公交站)", "青石一路柳荫路", "", "", "下客站"),
    ],
)
def test_kind_branch_and_part(name: str, core: str, kind: str, branch: str, part: str) -> None:
    parsed = parse_name(name)
    assert (parsed.core, parsed.kind, parsed.branch, parsed.part) == (core, kind, branch, part)


def test_numbers_tell_places_apart() -> None:
    assert parse_name("青石第一小学") != parse_name("青石第二小学")
    assert parse_name("青石第一小学") == parse_name("青石第1小学")
    assert parse_name("金水区第二实验小学").core == "金水#2实验"


def test_a_district_stays_where_nothing_else_would_tell_the_place() -> None:
    assert parse_name("静安区中心医院").core == "静安中心"
    assert parse_name("黄浦区中心医院").core == "黄浦中心"
    assert parse_name("上海市第十人民医院").core == parse_name("第十人民医院").core == "#10人民"


@pytest.mark.parametrize(
    ("address", "road", "low", "high"),
    [
        ("朱泾镇健康南路555号", "健康南路", 555, 555),
        ("年家路353-355号", "年家路", 353, 355),
        ("西门南村附24号", "西门南村", 24, 24),
        ("柳荫路528弄15号", "柳荫路", 528, 528),
        ("唐路与延公路交叉口南100米", "唐路", 0, 0),
        ("[]", "", 0, 0),
    ],
)
def test_addresses(address: str, road: str, low: int, high: int) -> None:
    parsed = parse_address(address)
    assert (parsed.road, parsed.low, parsed.high) == (road, low, high)


def test_an_address_may_only_say_near_where() -> None:
    assert parse_address("柳荫路106附近").approximate
    assert not parse_address("柳荫路106号").approximate


def test_lines_in_common() -> None:
    assert shared_lines("196路;(停运)865路", "865路;上青线")
    assert not shared_lines("196路", "96路;19路")
    assert not shared_lines("", "")


@given(st.text(max_size=30))
def test_any_text_is_taken_apart_without_complaint(text: str) -> None:
    assert parse_names([text, text])[0] == parse_name(text)
    assert parse_address(text).low <= parse_address(text).high
