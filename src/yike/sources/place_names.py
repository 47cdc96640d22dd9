"""Chinese names and addresses of facilities taken apart, so that two spellings of one place can be compared.

A name is what tells the place (``core``), its kind, a branch, a part of it, ordinals and place hints; the words are those of
`mappings/name-words.yaml`. An address is a road with its range of numbers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

UNNAMED_BRANCH = "*"
_BRACKETS = re.compile(r"[(\[【「]([^()\[\]【】「」]*)[)\]】」]")
_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_NUMERAL = "零〇一二两三四五六七八九十百0-9"
_ORDINAL = re.compile(rf"第([{_NUMERAL}]+)|(?<![{_NUMERAL}])([{_NUMERAL}]+)(?=$|中心$|中$|小$|幼$|附$)")
_SHORT_KIND = re.compile(rf"(?<=[{_NUMERAL}])[小中幼]$")
_SEPARATORS = re.compile(r"[-—–_·/|,，、:：]+")
_BUILDING = re.compile(r"^[a-z]?\d+(?:号)?[a-z]?(?:号楼|楼|座|幢|栋|号)?$")


@dataclass(frozen=True)
class PlaceName:
    """Hold a name taken apart.

    ``core`` is what remains without district, ownership, kind, branch and part; ``ordinals`` its numbers as digits; ``branch``
    the name of a branch (``*``: one without a name), ``part`` the department, building or section, ``hints`` words on where.
    """

    core: str
    kind: str
    ordinals: tuple[int, ...]
    branch: str
    part: str
    hints: str


@dataclass(frozen=True)
class Address:
    """Hold an address: the road, the first and last number on it (0: none), whether it only says near where, its plain text."""

    road: str
    low: int
    high: int
    approximate: bool
    plain: str


@cache
def name_words() -> Mapping[str, Any]:
    """Read the word lists."""
    content: Mapping[str, Any] = yaml.safe_load((files("yike.sources") / "mappings" / "name-words.yaml").read_text("utf-8"))
    return content


def folded(text: str) -> str:
    """Return a text in half width, lower case, without blanks."""
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()


def chinese_number(numeral: str) -> int:
    """Return the value of a numeral up to 199, in digits or Chinese signs: 十二 is 12, 五十二 is 52, 一〇一 is 101."""
    if numeral.isdigit():
        return int(numeral)
    if not any(sign in numeral for sign in "十百"):
        return int("".join(sign if sign.isdigit() else str(_DIGITS[sign]) for sign in numeral))
    total, digit = 0, -1
    for sign in numeral:
        if sign in "十百":
            total += (1 if digit < 0 else digit) * (10 if sign == "十" else 100)
            digit = -1
        else:
            digit = int(sign) if sign.isdigit() else _DIGITS[sign]
    return total + max(digit, 0)


def parse_name(name: str) -> PlaceName:
    """Take a facility's name apart."""
    text = folded(name)
    inside = [part for part in _BRACKETS.findall(text) if part]
    outside = _BRACKETS.sub("\x00", text)
    while "(" in outside and ")" not in outside:
        outside, _, rest = outside.partition("(")
        inside.append(rest)
    status = set(name_words()["status"])
    inside = [part for part in inside if part not in status]
    outside = _SHORT_KIND.sub(lambda match: name_words()["short_kinds"][match[0]], outside.replace("\x00", ""))
    parts: list[str] = []
    if not _kind_word(outside) and any(_kind_word(part) for part in inside):
        whole = next(part for part in inside if _kind_word(part))
        if not whole.endswith("店"):
            parts += [outside] if _kind_and_tail(whole)[1] in name_words()["wholes"] else []
            inside = [part for part in inside if part != whole]
            outside = whole
    head, kind, tail = _kind_and_tail(outside)
    core = _without_admin(head, towns=bool(kind))
    branches, tail_parts, hints = _tail_words([*_SEPARATORS.split(tail)], inside, named_place=bool(kind))
    ordinals = tuple(chinese_number(first or second) for first, second in _ORDINAL.findall(core))
    core = _ORDINAL.sub(lambda match: f"#{chinese_number(match[1] or match[2])}", core)
    return PlaceName(core, kind, ordinals, "".join(branches), "".join(parts + tail_parts), " ".join(hints))


@cache
def _kinds() -> tuple[re.Pattern[str], Mapping[str, str]]:
    kind_of = {word: kind for kind, words in name_words()["kinds"].items() for word in words}
    longest = sorted(kind_of, key=len, reverse=True)
    return re.compile(f"(?:{'|'.join(longest)})(?!部)"), kind_of


def _kind_word(text: str) -> re.Match[str] | None:
    """Find the last kind word of a name; 小学部 and its like are sections, no kinds."""
    found = list(_kinds()[0].finditer(text))
    return found[-1] if found else None


def _kind_and_tail(text: str) -> tuple[str, str, str]:
    """Part a name at its last kind word: what stands before, the kind, what follows.

    The out-patient department of a hospital and the concert hall of a theatre are parts, although they have kinds of their own.
    """
    kind_of = _kinds()[1]
    last = _kind_word(text)
    if last is None:
        return text, "", ""
    if before := _kind_word(text[: last.start()]):
        pair = (kind_of[before[0]], kind_of[last[0]])
        if list(pair) in name_words()["kinds_within"]:
            last = before
    return text[: last.start()], kind_of[last[0]], text[last.end() :]


@cache
def _admin_pattern(towns: bool) -> re.Pattern[str]:
    admin = name_words()["admin"]
    listed = "|".join(sorted([*admin["cities"], *admin["districts"]], key=len, reverse=True))
    endings = "|".join(admin["endings"])
    not_before = "".join(admin["not_before"])
    own = "|".join(name_words()["ownership"])
    listed_whole = f"(?:{listed})(?:区|县|市)?"
    if not towns:
        return re.compile(rf"^(?:{listed_whole}|{own})(?!路|镇|大道|公园)")
    return re.compile(rf"^(?:{listed_whole}|[\u4e00-\u9fff]{{1,3}}(?<![{not_before}])(?:{endings})|{own})")


@cache
def _inner_cities() -> re.Pattern[str]:
    return re.compile(f"(?<=.)(?:{'|'.join(word for word in name_words()['admin']['cities'] if word.endswith('市'))})")


@cache
def _without_admin(head: str, *, towns: bool) -> str:
    """Take administrative and ownership words off the front as long as a name is left; ``towns``: those of any town too."""
    pattern, generic = _admin_pattern(towns), name_words()["generic"]
    head = _inner_cities().sub("", head)
    endings = tuple(name_words()["admin"]["endings"])
    rest = head
    while match := pattern.match(rest):
        shorter = rest[match.end() :]
        bare = _ORDINAL.sub("", shorter).removesuffix("中心")
        if len(bare) < 2 or bare in generic or bare in endings:
            stem = match[0]
            for ending in endings:
                stem = stem.removesuffix(ending) or stem
            return stem + shorter if match[0] not in name_words()["admin"]["cities"] else shorter or rest
        rest = shorter
    return rest


def _tail_words(tail: list[str], inside: list[str], *, named_place: bool) -> tuple[list[str], list[str], list[str]]:
    """Sort what follows the kind, and what stands in brackets, into branches, parts and hints."""
    branches: list[str] = []
    parts: list[str] = []
    hints: list[str] = []
    for segment in filter(None, tail):
        branch, part = _branch_and_part(segment)
        branches += [branch] if branch else []
        parts += [part] if part else []
    for segment in inside:
        if _is_hint(segment):
            hints.append(segment)
            continue
        branch, part = _branch_and_part(segment)
        if part and not is_part(part):
            hints.append(part)
            part = ""
        branches += [branch] if branch else []
        parts += [part] if part and (named_place or part in name_words()["part"]["words"]) else []
    return branches, parts, hints


def _is_hint(segment: str) -> bool:
    words = name_words()
    return segment.startswith(tuple(words["place_begins"])) or (
        segment.endswith(tuple(words["place_endings"])) and not segment.endswith(("号楼", "座"))
    )


def is_part(segment: str) -> bool:
    """Tell whether a text names a department, section or building of a place."""
    part = name_words()["part"]
    return any(word in segment for word in part["words"]) or segment.endswith(tuple(part["endings"]))


@cache
def _branch_and_part(segment: str) -> tuple[str, str]:
    """Part a segment into the branch that it names and what else it says."""
    words = name_words()["branch"]
    if segment in words["main"]:
        return "", ""
    if segment.removesuffix("区") in name_words()["directions"]:
        return segment[0], ""
    if _BUILDING.match(segment):
        return "", re.sub(r"号?[楼座幢栋]?$", "", segment)
    if any(word in segment for word in name_words()["part"]["words"][:12]) or segment in name_words()["part"]["words"]:
        for ending in words["endings"][:9]:
            stem, found, rest = segment.partition(ending)
            if found and rest:
                return _branch_stem(stem), rest
        return "", segment
    for ending in words["endings"]:
        stem, found, rest = segment.rpartition(ending)
        if found and (not rest or is_part(rest) or _BUILDING.match(rest)):
            return _branch_stem(stem), re.sub(r"号?[楼座幢栋]?$", "", rest)
    return "", segment


def _branch_stem(stem: str) -> str:
    words = name_words()["branch"]
    for main in words["main"]:
        stem = stem.removesuffix(main)
    bare = re.sub(r"(?<=.)分$", "", stem)
    return UNNAMED_BRANCH if not bare or bare in words["unnamed"] else bare


@cache
def _road_pattern() -> re.Pattern[str]:
    endings = "|".join(name_words()["address"]["road_endings"])
    number = r"附?(\d+)(?:号|弄)?(?:[-~至](\d+))?"
    return re.compile(rf"([\u4e00-\u9fffa-z]{{1,8}}?(?:{endings}))(?:{number})?")


def parse_address(address: str) -> Address:
    """Take an address apart: ``朱泾镇健康南路555号`` is 健康南路, 555 to 555."""
    text = _BRACKETS.sub("", folded(address))
    plain = re.sub(r"^[\u4e00-\u9fff]{1,3}(?:镇|乡|街道)(?=.{3})", "", text)
    approximate = any(word in plain for word in name_words()["address"]["approximate"])
    match = _road_pattern().search(plain)
    if match is None:
        return Address("", 0, 0, approximate, plain)
    number = match[2] or next(iter(re.findall(r"(\d+)号", plain)), "0")
    low = int(number)
    high = int(match[3]) if match[3] else low
    if high and high < low:
        low, high = (high, low) if low - high < low // 2 or len(match[3]) == len(match[2]) else (low, low)
    return Address(match[1], low, high, approximate, plain)


def shared_lines(first: str, second: str) -> bool:
    """Tell whether two lists of lines, parted by semicolons, have a line in common; marks in brackets do not count."""

    def lines(text: str) -> set[str]:
        return {_BRACKETS.sub("", line) for line in re.split(r"[;；]", folded(text)) if line} - {""}

    return bool(lines(first) & lines(second))


def parse_names(names: Iterable[str]) -> list[PlaceName]:
    """Take many names apart, each different one once."""
    known: dict[str, PlaceName] = {}
    parsed = []
    for name in names:
        if name not in known:
            known[name] = parse_name(name)
        parsed.append(known[name])
    return parsed
